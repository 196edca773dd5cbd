"""What was agreed with partners that speak ISO 18626, and what went over the wire."""

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("library") as library:
        library.add_column(sa.Column("agency_type", sa.String(16), nullable=False, server_default="ISIL"))
        library.add_column(sa.Column("agency", sa.String(64), nullable=False, server_default=""))
    with op.batch_alter_table("library") as library:
        library.alter_column("agency_type", server_default=None)
        library.alter_column("agency", server_default=None)
    with op.batch_alter_table("partner") as partner:
        partner.add_column(sa.Column("wire", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("partner") as partner:
        partner.alter_column("wire", server_default=None)
    with op.batch_alter_table("message") as message:
        message.add_column(sa.Column("fingerprint", sa.String(64), nullable=True))
    op.create_index("ix_message_partner_id_fingerprint", "message", ["partner_id", "fingerprint"])
    op.create_table(
        "partner_secret",
        sa.Column("partner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("value", sa.String(512), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_partner_secret_partner_id")),
        sa.PrimaryKeyConstraint("partner_id", "name", name=op.f("pk_partner_secret")),
    )
    op.create_table(
        "patron_of_partner",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_patron_of_partner_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_patron_of_partner")),
    )
    op.create_table(
        "exchange",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=True),
        sa.Column("partner_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("effect_id", sa.Integer(), nullable=True),
        sa.Column("incoming", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("peer", sa.String(300), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("answered", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
        sa.Column("forgiven", sa.JSON(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_exchange_library_id")),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.id"], name=op.f("fk_exchange_partner_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_exchange_request_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_exchange_message_id")),
        sa.ForeignKeyConstraint(["effect_id"], ["effect.id"], name=op.f("fk_exchange_effect_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange")),
    )
    for columns in (
        ["request_id", "id"],
        ["library_id", "id"],
        ["partner_id", "id"],
        ["effect_id"],
        ["message_id"],
        ["at"],
    ):
        op.create_index(f"ix_exchange_{'_'.join(columns)}", "exchange", columns)


def downgrade() -> None:
    for table in ("exchange", "patron_of_partner", "partner_secret"):
        op.drop_table(table)
    op.drop_index("ix_message_partner_id_fingerprint", "message")
    with op.batch_alter_table("message") as message:
        message.drop_column("fingerprint")
    with op.batch_alter_table("partner") as partner:
        partner.drop_column("wire")
    with op.batch_alter_table("library") as library:
        library.drop_column("agency")
        library.drop_column("agency_type")
