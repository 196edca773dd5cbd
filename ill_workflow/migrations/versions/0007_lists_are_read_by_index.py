"""Requests are found by words, listed in order, assigned to people, and worked off many at once."""

import datetime
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from ill_workflow.db import UTCDateTime
from ill_workflow.requests.findable import sort_key
from ill_workflow.requests.listed import CODES, TEXTS, words_of

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

NO_DAY = datetime.date(9999, 12, 31)
LISTS: tuple[tuple[str, list[str]], ...] = (
    ("age", []),
    ("due", ["due_key"]),
    ("title", ["title_key"]),
    ("partner", ["partner_key"]),
)
BATCH = 1000


def upgrade() -> None:
    with op.batch_alter_table("request") as request:
        request.add_column(sa.Column("assigned_to_id", sa.Integer(), nullable=True))
        request.add_column(sa.Column("alert", sa.String(64), nullable=True))
        request.add_column(sa.Column("alert_at", UTCDateTime(timezone=True), nullable=True))
        request.add_column(sa.Column("due_key", sa.Date(), nullable=False, server_default=NO_DAY.isoformat()))
        request.add_column(sa.Column("title_key", _text(60), nullable=False, server_default=""))
        request.add_column(sa.Column("partner_key", _text(60), nullable=False, server_default=""))
        request.create_foreign_key(op.f("fk_request_assigned_to_id"), "account", ["assigned_to_id"], ["id"])
        request.drop_index("ix_request_library_id_side_state")
    with op.batch_alter_table("request") as request:
        for name in ("due_key", "title_key", "partner_key"):
            request.alter_column(name, server_default=None)
    op.create_table(
        "request_word",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("word", _text(40), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_request_word_library_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_word_request_id")),
        sa.PrimaryKeyConstraint("request_id", "word", name=op.f("pk_request_word")),
    )
    _bulk()
    _fill(op.get_bind())
    for name, key in LISTS:
        op.create_index(f"ix_request_by_{name}", "request", ["library_id", "side", "state", *key, "id"])
    op.create_index("ix_request_of_partner", "request", ["partner_id", "side", "state", "due_key", "id"])
    op.create_index("ix_request_patron_id", "request", ["patron_id"])
    op.create_index("ix_request_word_found", "request_word", ["library_id", "side", "word", "request_id"])
    _partial(
        "ix_request_assigned", "request", "assigned_to_id IS NOT NULL", "assigned_to_id", "library_id", "side", "state"
    )
    _partial("ix_request_alert", "request", "alert_at IS NOT NULL", "library_id", "side", "alert_at")


def downgrade() -> None:
    op.drop_table("bulk_line")
    op.drop_table("bulk")
    op.drop_table("request_word")
    for name in ("alert", "assigned", "patron_id", "of_partner", *(f"by_{name}" for name, _ in LISTS)):
        op.drop_index(f"ix_request_{name}", "request")
    with op.batch_alter_table("request") as request:
        request.drop_constraint("fk_request_assigned_to_id", type_="foreignkey")
        for column in ("partner_key", "title_key", "due_key", "alert_at", "alert", "assigned_to_id"):
            request.drop_column(column)
    op.create_index("ix_request_library_id_side_state", "request", ["library_id", "side", "state"])


def _text(longest: int) -> Any:
    return sa.String(longest).with_variant(sa.String(longest, collation="C"), "postgresql")


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    text = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=text, postgresql_where=text)


def _bulk() -> None:
    op.create_table(
        "bulk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(timezone=True), nullable=False),
        sa.Column("done_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_bulk_account_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["slip_batch.id"], name=op.f("fk_bulk_batch_id")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_bulk_library_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_bulk_account_id_key")),
    )
    op.create_table(
        "bulk_line",
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk.id"], name=op.f("fk_bulk_line_bulk_id")),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_bulk_line_event_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_bulk_line_request_id")),
        sa.PrimaryKeyConstraint("bulk_id", "position", name=op.f("pk_bulk_line")),
    )
    op.create_index("ix_bulk_line_request_id", "bulk_line", ["request_id"])
    _partial("ix_bulk_unfinished", "bulk", "done_at IS NULL", "library_id", "account_id")


def _fill(connection: sa.Connection) -> None:
    """What is there already is found and listed like what comes."""
    names = ("id", "library_id", "side", "lender_due", "partner_id", "patron_id", *TEXTS, *CODES)
    request = sa.table("request", *(sa.column(name) for name in names), *map(sa.column, ("title_key", "partner_key")))
    keys = sa.table("request", sa.column("id"), *map(sa.column, ("title_key", "partner_key")))
    word = sa.table("request_word", *map(sa.column, ("request_id", "word", "library_id", "side")))
    connection.execute(sa.text("UPDATE request SET due_key = lender_due WHERE lender_due IS NOT NULL"))
    last = 0
    while rows := connection.execute(_next(request, names, last)).mappings().all():
        numbers = [row["id"] for row in rows]
        more = {number: list[str]() for number in numbers}
        for table, column in (("piece", "barcode"), ("attempt", "wire_id")):
            for number, code in connection.execute(_of(table, column, numbers)):
                more[number].append(code)
        connection.execute(
            sa.update(keys)
            .where(keys.c.id == sa.bindparam("n"))
            .values(title_key=sa.bindparam("t"), partner_key=sa.bindparam("p")),
            [{"n": row["id"], "t": sort_key(row["title"]), "p": sort_key(row["partner_name"] or "")} for row in rows],
        )
        connection.execute(sa.insert(word), [entry for row in rows for entry in _words(row, more[row["id"]])])
        last = numbers[-1]


def _next(request: Any, names: tuple[str, ...], last: int) -> Any:
    partner = sa.table("partner", *map(sa.column, ("id", "name", "code")))
    patron = sa.table("patron", *map(sa.column, ("id", "name", "barcode")))
    beside = request.outerjoin(partner, partner.c.id == request.c.partner_id)
    beside = beside.outerjoin(patron, patron.c.id == request.c.patron_id)
    named = (partner.c.name.label("partner_name"), partner.c.code, patron.c.name.label("patron_name"), patron.c.barcode)
    rows = sa.select(*(request.c[name] for name in names), *named).select_from(beside)
    return rows.where(request.c.id > last).order_by(request.c.id).limit(BATCH)


def _of(table: str, column: str, numbers: list[int]) -> Any:
    rows = sa.table(table, sa.column("request_id"), sa.column(column))
    return sa.select(rows.c.request_id, rows.c[column]).where(rows.c.request_id.in_(numbers))


def _words(row: Any, codes: list[str]) -> Iterator[dict[str, Any]]:
    names = (row["partner_name"], row["patron_name"])
    for word in words_of(row, names, (row["code"], row["barcode"], *codes)):
        yield {"request_id": row["id"], "word": word, "library_id": row["library_id"], "side": row["side"]}
