"""Lending suspended for a while; what runs with a partner and which mails failed are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

PERIOD = ("lending_suspended_from", "lending_suspended_until")
INDEXES = (
    ("request", ("library_id", "side", "id")),
    ("mail", ("library_id", "name", "id")),
)
NO_ADDRESS = sa.text("fate = 'no_address'")


def upgrade() -> None:
    for name in PERIOD:
        op.add_column("library", sa.Column(name, sa.Date(), nullable=True))
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.create_index(
        "ix_mail_no_address", "mail", ["library_id", "id"], sqlite_where=NO_ADDRESS, postgresql_where=NO_ADDRESS
    )


def downgrade() -> None:
    op.drop_index("ix_mail_no_address", "mail")
    for table, columns in INDEXES:
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
    for name in PERIOD:
        op.drop_column("library", name)
