"""How often in a row nothing got through to a destination: a partner rests longer each time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("pause") as pause:
        pause.add_column(sa.Column("times", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("pause") as pause:
        pause.alter_column("times", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("pause") as pause:
        pause.drop_column("times")
