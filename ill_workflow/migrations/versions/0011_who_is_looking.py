"""Who has which request on the screen."""

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_presence_request_id")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_presence_account_id")),
        sa.PrimaryKeyConstraint("request_id", "account_id", name=op.f("pk_presence")),
    )
    op.create_index(op.f("ix_presence_seen_at"), "presence", ["seen_at"])


def downgrade() -> None:
    op.drop_table("presence")
