"""Work left behind is counted, and found past what is done; scans, recalls and former lenders are remembered."""

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = (
    ("ready", ["kind", "available_at", "id"], "status = 'ready'"),
    ("running", ["lease_until"], "status = 'running'"),
    ("attention", ["library_id"], "status IN ('dead', 'uncertain')"),
)


def upgrade() -> None:
    with op.batch_alter_table("effect") as effect:
        effect.add_column(sa.Column("left", sa.Integer(), nullable=False, server_default="0"))
        effect.add_column(sa.Column("destination", sa.String(32), nullable=False, server_default=""))
    with op.batch_alter_table("effect") as effect:
        effect.alter_column("left", server_default=None)
        effect.alter_column("destination", server_default=None)
        effect.drop_index("ix_effect_status_kind_available_at")
    for name, columns, where in INDEXES:
        text = sa.text(where)
        op.create_index(f"ix_effect_{name}", "effect", columns, sqlite_where=text, postgresql_where=text)

    with op.batch_alter_table("partner") as partner:
        partner.add_column(sa.Column("time_zone", sa.String(64), nullable=False, server_default=""))
    with op.batch_alter_table("partner") as partner:
        partner.alter_column("time_zone", server_default=None)
    with op.batch_alter_table("installation") as installation:
        installation.add_column(sa.Column("identity", sa.String(16), nullable=False, server_default=""))
    with op.batch_alter_table("installation") as installation:
        installation.alter_column("identity", server_default=None)
    op.add_column("effect", sa.Column("answer", sa.Text(), nullable=True))
    op.drop_table("pause")
    _pause("destination")
    with op.batch_alter_table("slip") as slip:
        slip.create_unique_constraint("uq_slip_event_id_layout", ["event_id", "layout"])
    op.add_column("request", sa.Column("due_before_recall", sa.Date(), nullable=True))
    op.add_column("event", sa.Column("scanned", sa.String(64), nullable=True))
    op.add_column("attempt", sa.Column("item_barcode", sa.String(64), nullable=True))
    op.create_index("ix_attempt_wire_id", "attempt", ["wire_id"])
    op.create_index("ix_attempt_item_barcode", "attempt", ["item_barcode"])


def _pause(key: str) -> None:
    """What rests, for a few seconds: nothing in it has to be kept."""
    op.create_table(
        "pause",
        sa.Column(key, sa.String(32), nullable=False),
        sa.Column("until", UTCDateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_pause")),
    )


def downgrade() -> None:
    op.drop_table("pause")
    _pause("kind")
    with op.batch_alter_table("slip") as slip:
        slip.drop_constraint("uq_slip_event_id_layout")
    op.drop_index("ix_attempt_item_barcode", "attempt")
    op.drop_index("ix_attempt_wire_id", "attempt")
    for table, column in (
        ("attempt", "item_barcode"), ("event", "scanned"), ("request", "due_before_recall"), ("effect", "answer"),
        ("installation", "identity"), ("partner", "time_zone"),
    ):  # fmt: skip
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)
    for name, _, _ in INDEXES:
        op.drop_index(f"ix_effect_{name}", "effect")
    op.create_index("ix_effect_status_kind_available_at", "effect", ["status", "kind", "available_at"])
    with op.batch_alter_table("effect") as effect:
        effect.drop_column("left")
        effect.drop_column("destination")
