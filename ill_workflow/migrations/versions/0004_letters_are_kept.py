"""Every mail is kept with its text and fate; letters have languages, and libraries templates of their own."""

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_READER = "status = 'ready' AND reader IS NOT NULL"


def upgrade() -> None:
    _add("library", sa.Column("language", sa.String(8), nullable=False, server_default="en"))
    _add("library", sa.Column("digest_minutes", sa.Integer(), nullable=False, server_default="10"))
    _add("partner", sa.Column("language", sa.String(8), nullable=False, server_default=""))
    _add("patron", sa.Column("language", sa.String(8), nullable=False, server_default=""))
    _add("patron", sa.Column("opt_out", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("effect", sa.Column("reader", sa.String(64), nullable=True))
    where = sa.text(_READER)
    op.create_index("ix_effect_reader", "effect", ["reader"], sqlite_where=where, postgresql_where=where)
    _make_mail()
    _make_templates()
    with op.batch_alter_table("notice") as notice:
        notice.add_column(sa.Column("mail_id", sa.Integer(), nullable=True))
        notice.create_foreign_key(op.f("fk_notice_mail_id"), "mail", ["mail_id"], ["id"])
        notice.create_index("ix_notice_mail_id", ["mail_id"])
    _keep_what_was_sent()


def downgrade() -> None:
    with op.batch_alter_table("notice") as notice:
        notice.drop_index("ix_notice_mail_id")
        notice.drop_constraint("fk_notice_mail_id", type_="foreignkey")
        notice.drop_column("mail_id")
    op.drop_table("letter_template")
    op.drop_table("mail")
    op.drop_index("ix_effect_reader", "effect")
    for table, column in (
        ("effect", "reader"), ("patron", "opt_out"), ("patron", "language"), ("partner", "language"),
        ("library", "digest_minutes"), ("library", "language"),
    ):  # fmt: skip
        with op.batch_alter_table(table) as changed:
            changed.drop_column(column)


def _add(table: str, column: sa.Column) -> None:  # type: ignore[type-arg]
    with op.batch_alter_table(table) as changed:
        changed.add_column(column)
    with op.batch_alter_table(table) as changed:
        changed.alter_column(column.name, server_default=None)


def _make_mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("effect_id", sa.Integer(), nullable=True),
        sa.Column("reader", sa.String(16), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(250), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("fate", sa.String(16), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("sent_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("resends_id", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("asked_at", UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_mail_library_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_mail_request_id")),
        sa.ForeignKeyConstraint(["effect_id"], ["effect.id"], name=op.f("fk_mail_effect_id")),
        sa.ForeignKeyConstraint(["resends_id"], ["mail.id"], name=op.f("fk_mail_resends_id")),
        sa.UniqueConstraint("effect_id", name=op.f("uq_mail_effect_id")),
    )
    for columns in (["library_id", "id"], ["request_id"], ["message_id"], ["resends_id"]):
        op.create_index(f"ix_mail_{'_'.join(columns)}", "mail", columns)


def _make_templates() -> None:
    op.create_table(
        "letter_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_template")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_letter_template_library_id")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_letter_template_account_id")),
        sa.UniqueConstraint(
            "library_id",
            "name",
            "language",
            "version",
            name=op.f("uq_letter_template_library_id_name_language_version"),
        ),
    )


def _keep_what_was_sent() -> None:
    """Each notice, and each mail to a partner, gets its mail: without a text, which nobody had kept.

    Slips that went in one mail have its Message-ID in common; the first of them names its work. There may be hundreds
    of thousands of them, so each statement finds what belongs together by an index, or by grouping once.
    """
    op.execute(
        """
        INSERT INTO mail (library_id, request_id, effect_id, reader, name, language, remark, address, message_id,
                          subject, attachments, fate, at, sent_at, asked_by)
        SELECT n.library_id, CASE WHEN g.told > 1 THEN NULL ELSE n.request_id END, n.effect_id,
               CASE WHEN n."to" = 'patron' THEN 'patron'
                    WHEN (SELECT e.kind FROM effect e WHERE e.id = n.effect_id) = 'email_slip' THEN 'slip'
                    ELSE 'staff' END,
               n.occasion, 'en', '', n.address, n.message_id, n.subject, '[]',
               CASE WHEN n.message_id = '' THEN 'no_address' ELSE 'sent' END,
               n.at, CASE WHEN n.message_id = '' THEN NULL ELSE n.at END, ''
        FROM (SELECT min(o.id) AS first, count(*) AS told FROM notice o WHERE o.message_id <> '' GROUP BY o.message_id
              UNION ALL SELECT o.id, 1 FROM notice o WHERE o.message_id = '') g
        JOIN notice n ON n.id = g.first
        ORDER BY n.id
        """
    )
    for which, same in (
        ("message_id <> ''", "m.message_id = notice.message_id"),
        ("message_id = '' AND effect_id IS NOT NULL", "m.effect_id = notice.effect_id"),
        (
            "message_id = '' AND effect_id IS NULL",
            "m.request_id = notice.request_id AND coalesce(m.effect_id, 0) = 0 AND m.message_id = '' "
            "AND m.at = notice.at AND m.library_id = notice.library_id AND m.subject = notice.subject",
        ),
    ):
        op.execute(f"UPDATE notice SET mail_id = (SELECT min(m.id) FROM mail m WHERE {same}) WHERE {which}")  # noqa: S608
    op.execute(
        """
        INSERT INTO mail (library_id, request_id, effect_id, reader, reader_id, name, language, remark, address,
                          message_id, subject, attachments, fate, at, sent_at, asked_by)
        SELECT m.library_id, m.request_id, m.effect_id, 'partner', m.partner_id, m.kind, 'en', '', p.email,
               substr(m.outcome, 6), m.kind, '[]', 'sent', m.at, m.at, ''
        FROM message m JOIN partner p ON p.id = m.partner_id
        WHERE NOT m.incoming AND m.outcome LIKE 'mail <%'
        """
    )
