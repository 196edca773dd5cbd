"""The requests that follow another one are found by an index."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_request_follows_id", "request", ["follows_id"])


def downgrade() -> None:
    op.drop_index("ix_request_follows_id", "request")
