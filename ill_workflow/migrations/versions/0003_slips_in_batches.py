"""How a library's slips look, which of them have been printed, and of how many pieces a request consists."""

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LOOKS = (
    ("papers", sa.JSON(), "{}"), ("per_sheet", sa.Integer(), "1"), ("duplex", sa.Boolean(), sa.false()),
    ("slip_texts", sa.Text(), ""),
)  # fmt: skip
UNPRINTED = sa.text("printed_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("library") as library:
        for name, kind, at_first in LOOKS:
            library.add_column(sa.Column(name, kind, nullable=False, server_default=at_first))
        library.add_column(sa.Column("logo", sa.String(64), nullable=True))
    with op.batch_alter_table("library") as library:
        for name, _, _ in LOOKS:
            library.alter_column(name, server_default=None)
    op.create_table(
        "logo",
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_logo_library_id")),
        sa.PrimaryKeyConstraint("library_id", "digest", name=op.f("pk_logo")),
    )
    op.create_table(
        "slip_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("lease_until", UTCDateTime(timezone=True), nullable=False),
        sa.Column("per_sheet", sa.Integer(), nullable=False),
        sa.Column("paper", sa.String(16), nullable=True),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("printed_at", UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_slip_batch_account_id")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_slip_batch_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slip_batch")),
    )
    op.create_index("ix_slip_batch_library_id", "slip_batch", ["library_id"])
    with op.batch_alter_table("slip") as slip:
        slip.add_column(sa.Column("batch_id", sa.Integer(), nullable=True))
        slip.add_column(sa.Column("printed_at", UTCDateTime(timezone=True), nullable=True))
        slip.create_foreign_key(op.f("fk_slip_batch_id"), "slip_batch", ["batch_id"], ["id"])
    op.create_index("ix_slip_batch_id", "slip", ["batch_id"])
    op.create_index("ix_slip_unprinted", "slip", ["library_id"], sqlite_where=UNPRINTED, postgresql_where=UNPRINTED)
    # Whoever wanted these on paper has long had them there: the first batch shall not bring them all again.
    op.execute("UPDATE slip SET printed_at = at")
    op.add_column("request", sa.Column("piece_count", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM slip WHERE file = ''")
    with op.batch_alter_table("request") as request:
        request.drop_column("piece_count")
    op.drop_index("ix_slip_unprinted", "slip")
    op.drop_index("ix_slip_batch_id", "slip")
    with op.batch_alter_table("slip") as slip:
        slip.drop_constraint("fk_slip_batch_id", type_="foreignkey")
        slip.drop_column("printed_at")
        slip.drop_column("batch_id")
    op.drop_index("ix_slip_batch_library_id", "slip_batch")
    op.drop_table("slip_batch")
    op.drop_table("logo")
    with op.batch_alter_table("library") as library:
        library.drop_column("logo")
        for name, _, _ in LOOKS:
            library.drop_column(name)
