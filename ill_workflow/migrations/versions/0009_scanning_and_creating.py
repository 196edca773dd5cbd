"""What a scan may do by itself at a library; the scans of a person, and the requests of a patron, by index."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SETTINGS = ("scan_receives", "scan_ships")
SCANNED = sa.text("scanned IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("library") as library:
        for name in SETTINGS:
            library.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("library") as library:
        for name in SETTINGS:
            library.alter_column(name, server_default=None)
    op.create_index("ix_event_scanned", "event", ["account_id", "at"], sqlite_where=SCANNED, postgresql_where=SCANNED)


def downgrade() -> None:
    op.drop_index("ix_event_scanned", "event")
    with op.batch_alter_table("library") as library:
        for name in SETTINGS:
            library.drop_column(name)
