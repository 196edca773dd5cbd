"""A partner may name a place of its own for one parcel."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("request", sa.Column("parcel_to", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("request", "parcel_to")
