"""Promised work counts how often a worker left it behind, and is found by indexes that pass by what is done."""

import sqlalchemy as sa
from alembic import op

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
    with op.batch_alter_table("effect") as effect:
        effect.alter_column("left", server_default=None)
        effect.drop_index("ix_effect_status_kind_available_at")
    for name, columns, where in INDEXES:
        text = sa.text(where)
        op.create_index(f"ix_effect_{name}", "effect", columns, sqlite_where=text, postgresql_where=text)


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(f"ix_effect_{name}", "effect")
    op.create_index("ix_effect_status_kind_available_at", "effect", ["status", "kind", "available_at"])
    with op.batch_alter_table("effect") as effect:
        effect.drop_column("left")
