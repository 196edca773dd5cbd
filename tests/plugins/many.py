"""A library that has lent and borrowed for years: 100,000 requests with what belongs to them, written in seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ill_workflow.db import Base, make_engine
from ill_workflow.fees import LedgerLine
from ill_workflow.libraries import Library
from ill_workflow.messages.content import (
    AgencyId,
    Header,
    MessageInfo,
    RequestingAgencyMessage,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.kept import to_dict
from ill_workflow.outbox import EffectRow
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.findable import sort_key, words_of_text
from ill_workflow.requests.models import NO_DAY, Event, MailRow, MessageRow, Request, RequestWord, Slip
from ill_workflow.timers import TimerRow

REQUESTS = 100_000
NOW = datetime(2026, 2, 2, 15, 0, tzinfo=UTC)
TODAY = date(2026, 2, 2)

#: Of 1,000 requests of a half, how many are in which state; the rest is completed.
SPREAD = {
    "lending": {
        "new": 3, "conditional": 1, "will_supply": 1, "being_processed": 4, "shipped": 12, "received_by_partner": 25,
        "renewal_requested": 1, "renewed": 8, "overdue": 5, "recalled": 1, "returned_by_partner": 3,
        "cancel_requested": 1, "lost": 2, "damaged": 1, "rejected": 120, "cancelled": 40, "expired": 20,
        "delivered": 90, "closed_without_return": 4,
    },
    "borrowing": {
        "created": 1, "needs_review": 1, "request_sent": 8, "conditional": 1, "retry_offered": 1, "will_supply": 3,
        "shipped": 5, "in_transit": 5, "received": 8, "on_loan": 20, "renewal_requested": 1, "renewed": 5,
        "renewal_denied": 1, "overdue": 4, "recalled": 1, "return_in_transit": 2, "returned": 6, "cancel_requested": 1,
        "lost": 1, "unfilled": 90, "cancelled": 50, "delivered": 100,
    },
}  # fmt: skip
#: The timers that what is under way waits for.
WAITS = {
    "new": "respond_by", "being_processed": "respond_by", "will_supply": "respond_by", "shipped": "lender_due",
    "received_by_partner": "lender_due", "renewed": "lender_due", "received": "pickup_by", "on_loan": "lender_due",
    "request_sent": "respond_by", "in_transit": "arrive_by", "overdue": "notice_level", "created": "need_by",
    "conditional": "reply_by", "retry_offered": "not_before", "returned": "completion_by",
}  # fmt: skip
DUE = frozenset({
    "shipped", "in_transit", "received_by_partner", "renewal_requested", "renewed", "renewal_denied", "overdue",
    "recalled", "on_loan", "received", "returned_by_partner", "return_in_transit", "returned", "lost", "damaged",
    "completed", "closed_without_return",
})  # fmt: skip
#: How long before today the loans of a state have begun, at most: what is over goes back for years.
YEARS, WEEKS = 1500, 45
WORDS = (
    "pride", "prejudice", "emma", "persuasion", "night", "day", "garden", "history", "theory", "practice",
    "introduction", "quantum", "field", "river", "mountain", "letters", "collected", "works", "essays", "modern",
    "ancient", "city", "country", "journey", "winter", "summer", "atlas", "handbook", "music", "painting",
    "language", "grammar", "economy", "law", "nature", "science", "art", "memory", "water", "house", "family",
    "island", "forest", "stone",
)  # fmt: skip
NAMES = (
    "Austen", "Woolf", "Bulgakov", "Borges", "Calvino", "Murdoch", "Sebald", "Lispector", "Achebe", "Munro",
    "Müller", "García", "Nguyễn", "Çelik", "Østergård",
)  # fmt: skip
#: Nobody mourns for these rows should the machine stop; and they refer to nothing that isn't there.
FAST = {
    True: ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-200000"),
    False: ("SET synchronous_commit=off", "SET session_replication_role=replica", "SET maintenance_work_mem='256MB'"),
}
#: What is numbered by the database.
NUMBERED = ("partner", "patron", "request", "event", "timer", "effect", "slip", "message", "mail", "ledger_line")


def fill(url: str, requests: int = REQUESTS) -> None:
    """Write them into a database in which the stage is set; and let the database take note of what is in it."""
    engine = make_engine(url, foreign_keys=False)
    with engine.connect() as connection:
        library = connection.scalar(sa.select(Library.id).where(Library.code == "MAIN")) or 0
        account = connection.scalar(sa.text("SELECT id FROM account WHERE name = 'operator-MAIN'"))
    _write(engine, Partner, _partners(library))
    _write(engine, Patron, _patrons(library, requests // 10))
    with engine.connect() as connection:
        named = sa.select(Partner.id, Partner.name).where(Partner.library_id == library)
        partners = {row.id: row.name for row in connection.execute(named)}
    made = list(_requests(library, partners, requests, account))
    _write(engine, Request, made)
    _write(engine, RequestWord, _words(made, partners, library))
    _write(engine, Event, _events(made))
    _write(engine, TimerRow, _timers(made))
    _write(engine, EffectRow, _effects(made))
    _write(engine, Slip, _slips(made))
    _write(engine, MessageRow, _messages(made))
    _write(engine, MailRow, _mails(made))
    _write(engine, LedgerLine, _lines(made))
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Rows were written with numbers of their own: those that come go on behind them.
            for table in NUMBERED:
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _partners(library: int) -> Iterator[dict[str, Any]]:
    for number in range(100, 220):
        yield {
            "id": number, "library_id": library, "code": f"P{number}", "name": f"{NAMES[number % 15]} College {number}",
            "terms": {}, "fees": {}, "wire": {}, "email": f"ill@p{number}.example", "currency": "USD",
        }  # fmt: skip


def _patrons(library: int, how_many: int) -> Iterator[dict[str, Any]]:
    for number in range(1, how_many + 1):
        yield {
            "id": number, "library_id": library, "barcode": f"2123400{number:07}", "opt_out": [],
            "name": f"{NAMES[number % 15]}, {WORDS[number % len(WORDS)].title()}",
        }  # fmt: skip


def _requests(library: int, partners: dict[int, str], how_many: int, account: Any) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    known = sorted(partners)
    # Few partners ask for most.
    often = [known[min(int(chance.expovariate(0.05)), len(known) - 1)] for _ in range(5000)]
    pools = {side: _pool(spread) for side, spread in SPREAD.items()}
    for number in range(1, how_many + 1):
        side = "lending" if number % 5 < 3 else "borrowing"
        state = pools[side][chance.randrange(1000)]
        under_way = state in WAITS or state in DUE - {"completed", "closed_without_return"}
        began = NOW - timedelta(
            days=chance.randrange(1, WEEKS if under_way else YEARS), seconds=chance.randrange(80000)
        )
        due = _due(state, began, chance) if state in DUE else None
        title = " ".join(chance.choices(WORDS, k=3)).capitalize() + f" {chance.randrange(4000)}"
        partner = often[number % 5000]
        yield {
            "id": number, "library_id": library, "side": side, "reference": f"XPX-{number + 100000}", "version": 3,
            "created_at": began, "state_since": began, "partner_id": partner, "service": "loan", "title": title,
            "author": f"{NAMES[number % 15]}, {WORDS[number % len(WORDS)].title()}", "isbn": f"978{number:010}",
            "patron_id": chance.randrange(1, how_many // 10 + 1) if side == "borrowing" else None,
            "partner_request_id": f"R-{number}" if side == "lending" else None, "state": state, "lender_due": due,
            "patron_due": due, "item_barcode": f"31234{number:09}", "attempt": 1 if side == "borrowing" else 0,
            "wire_id": f"XPX-{number + 100000}" if side == "borrowing" else None,
            "location": f"Level {number % 4}", "call_number": f"PR{number % 9000} .A{number % 77}", "conditions": [],
            "tracking": f"1Z{number:010}" if number % 3 == 0 else None, "due_key": due or NO_DAY,
            "title_key": sort_key(title), "partner_key": sort_key(partners[partner]),
            "assigned_to_id": account if under_way and number % 10 == 0 else None,
            "alert": "partner_informs" if number % 2000 == 0 else None,
            "alert_at": NOW if number % 2000 == 0 else None,
        }  # fmt: skip


def _pool(spread: dict[str, int]) -> list[str]:
    pool = [state for state, how_many in spread.items() for _ in range(how_many)]
    return pool + ["completed"] * (1000 - len(pool))


def _due(state: str, began: datetime, chance: random.Random) -> date:
    if state == "overdue":
        return TODAY - timedelta(days=chance.randrange(1, 30))
    return began.date() + timedelta(days=28)


def _words(made: Sequence[dict[str, Any]], partners: dict[int, str], library: int) -> Iterator[dict[str, Any]]:
    """Of all that `listed` would keep the most: titles and codes here are plain already."""
    of_partner = {number: list(words_of_text(name)) for number, name in partners.items()}
    of_author = {name: list(words_of_text(name)) for name in {r["author"] for r in made}}
    for r in made:
        codes = (r["reference"].lower().replace("-", ""), str(r["id"] + 100000), r["item_barcode"], r["isbn"])
        found = {*codes, *r["title"].lower().split(), *of_author[r["author"]], *of_partner[r["partner_id"]]}
        for word in found | ({r["tracking"].lower()} if r["tracking"] else set()):
            yield {"request_id": r["id"], "word": word, "library_id": library, "side": r["side"]}


def _events(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made:
        for version, trigger in ((1, "create"), (2, "print_slip")):
            yield {
                "id": 2 * r["id"] + version, "request_id": r["id"], "version": version, "trigger": trigger,
                "label": trigger, "source": "", "dest": r["state"], "actor": "staff", "who": "Ann",
                "partner_id": r["partner_id"], "inputs": {}, "before": {}, "at": r["created_at"],
            }  # fmt: skip


def _timers(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made:
        if (name := WAITS.get(r["state"])) is not None:
            due = NOW + timedelta(days=r["id"] % 30, hours=3)
            yield {"id": r["id"], "request_id": r["id"], "name": name, "due_at": due, "slot": "x"}


def _effects(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made:
        yield {
            "id": r["id"], "kind": "send_message", "argument": "Loaned", "library_id": r["library_id"],
            "request_id": r["id"], "event_id": 2 * r["id"] + 2, "payload": {}, "dedupe_key": f"e{r['id']}:0",
            "lane": f"send_message:{r['id']}:{r['partner_id']}", "status": "dead" if r["id"] % 10_000 == 0 else "done",
            "available_at": r["created_at"], "created_at": r["created_at"], "done_at": r["created_at"],
            "last_error": "550 no such mailbox" if r["id"] % 10_000 == 0 else None,
        }  # fmt: skip


def _slips(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made:
        if r["side"] == "lending" and r["state"] not in ("new", "will_supply", "rejected", "expired"):
            printed = None if r["state"] == "being_processed" and r["id"] % 2 else r["created_at"]
            yield {
                "id": r["id"], "library_id": r["library_id"], "request_id": r["id"], "event_id": 2 * r["id"] + 2,
                "layout": "routing", "at": r["created_at"], "printed_at": printed,
            }  # fmt: skip


def _messages(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    header = Header(
        supplyingAgencyId=AgencyId(agencyIdValue="S"),
        requestingAgencyId=AgencyId(agencyIdValue="R"),
        timestamp=NOW,
        requestingAgencyRequestId="R-1",
    )
    loaned = SupplyingAgencyMessage(
        header=header, messageInfo=MessageInfo(reasonForMessage="StatusChange"),
        statusInfo=StatusInfo(status="Loaned", lastChange=NOW),
    )  # fmt: skip
    said = {"lending": to_dict(loaned), "borrowing": to_dict(RequestingAgencyMessage(header=header, action="Received"))}
    for r in made[::3]:
        yield {
            "id": r["id"], "library_id": r["library_id"], "request_id": r["id"], "partner_id": r["partner_id"],
            "incoming": False, "identity": f"e{r['id']}", "kind": "Loaned", "transport": "email",
            "content": said[r["side"]], "at": r["created_at"],
        }  # fmt: skip


def _mails(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made[::3]:
        unknown = r["id"] % 5000 == 1
        yield {
            "id": r["id"], "library_id": r["library_id"], "request_id": r["id"], "effect_id": r["id"],
            "reader": "patron" if unknown else "partner", "name": "partner_loaned", "language": "en",
            "address": "" if unknown else "ill@p.example", "message_id": f"<{r['id']}@x>", "subject": "Loaned",
            "attachments": [], "fate": "no_address" if unknown else "sent", "at": r["created_at"],
        }  # fmt: skip


def _lines(made: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for r in made:
        if r["state"] == "lost":
            yield {
                "id": r["id"], "library_id": r["library_id"], "request_id": r["id"], "sign": "charge",
                "kind": "replacement", "amount": "90.00", "currency": "USD", "at": r["created_at"],
            }  # fmt: skip


def _write(engine: sa.Engine, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    """As fast as each database takes rows: all columns, with the defaults that the application would fill in.

    Indexes are made after the rows, and nothing is looked up in other tables meanwhile.
    """
    whole: sa.Table = sa.inspect(table).local_table
    usual = {c.name: c.default.arg if c.default is not None and c.default.is_scalar else None for c in whole.columns}
    on_sqlite, name = engine.dialect.name == "sqlite", whole.name
    quoted = ", ".join(f'"{column}"' for column in usual)
    values = (tuple(_plain(row.get(c, default), on_sqlite) for c, default in usual.items()) for row in rows)
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        for setting in FAST[on_sqlite]:
            cursor.execute(setting)
        connection.commit()
        cursor.execute("BEGIN")
        for index in whole.indexes:
            cursor.execute(f'DROP INDEX "{index.name}"')
        if on_sqlite:
            cursor.executemany(f'INSERT INTO "{name}" ({quoted}) VALUES ({", ".join("?" * len(usual))})', values)
        else:
            with cursor.copy(f'COPY "{name}" ({quoted}) FROM STDIN') as copy:
                for value in values:
                    copy.write_row(value)
        for index in whole.indexes:
            cursor.execute(str(sa.schema.CreateIndex(index).compile(engine)))
        cursor.execute("COMMIT")
    finally:
        connection.close()


def _plain(value: Any, on_sqlite: bool) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if on_sqlite and isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if on_sqlite and isinstance(value, date) else value
