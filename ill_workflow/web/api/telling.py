"""Turns what the application knows into what the API answers."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.about.thread import Said
from ill_workflow.accounts import Role
from ill_workflow.fees import Ledger
from ill_workflow.libraries import Library
from ill_workflow.requests.actions import Outcome
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import Event, Piece, Request
from ill_workflow.web.api.shapes import (
    EventShown,
    LibraryShown,
    Line,
    MessageShown,
    Money,
    OutcomeShown,
    PieceShown,
    RequestShown,
    TimerShown,
)

ROOT = "/api/v1"
#: What came along with an event and tells nothing.
UNSAID = ("timer", "slot")
PARTS = ("history", "messages", "fees", "slips", "mails", "actions")
_FACTS = (
    "service", "isbn", "issn", "publisher", "year", "volume", "pages", "article_title", "need_by", "patron_due",
    "due_assumed", "return_by", "temporary_barcode", "call_number", "location", "carrier", "tracking", "conditions",
)  # fmt: skip


def at_library(library: Library, *parts: object) -> str:
    """The address of something at a library."""
    return "/".join(
        [f"{ROOT}/libraries/{quote(library.code, safe='')}", *(quote(str(part), safe="") for part in parts)]
    )


def address_of(request: Request) -> str:
    return at_library(request.library, "requests", request.id)


def with_query(address: str, **values: object) -> str:
    """The address with what is asked there; what is empty is left out."""
    given = {name: value for name, value in values.items() if value not in (None, "", [])}
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return f"{address}?{urlencode(given, doseq=True)}" if given else address


def library_shown(library: Library, role: Role, now: datetime) -> LibraryShown:
    return LibraryShown(
        code=library.code, name=library.name, role=role.value, time_zone=library.time_zone, today=library.today(now),
        currency=library.currency, lending_suspended=library.lending_suspended, href=at_library(library),
    )  # fmt: skip


def line(request: Request) -> Line:
    """A request as lists show it."""
    return Line(**_line(request))


def whole(session: Session, request: Request) -> RequestShown:
    """All about a request."""
    here = address_of(request)
    pieces = session.scalars(sa.select(Piece).where(Piece.request_id == request.id).order_by(Piece.id))
    return RequestShown(
        **_line(request),
        **{name: getattr(request, name) for name in _FACTS},
        patron=request.patron.barcode if request.patron else None,
        pieces=[PieceShown(barcode=piece.barcode, back=piece.back) for piece in pieces],
        open_fees=money(Ledger(session, request.library_id, request.id).balances()),
        timers=[TimerShown(what=timer.name, at=timer.due_at) for timer in timers.of(session, request.id)],
        links={part: f"{here}/{part}" for part in PARTS},
    )


def message(said: Said, *, raw: bool) -> MessageShown:
    """A message with its fate; `raw` with what stood on the wire."""
    return MessageShown.model_validate(
        {
            "id": said.id, "at": said.at, "way": "in" if said.incoming else "out", "what": said.kind,
            "transport": said.transport, "outcome": said.outcome, "fate": said.fate, "why": said.why,
            "tries": said.tries, "needs_a_person": said.failed,
            "exchanges": [
                {
                    "number": call.id, "at": call.at, "peer": call.peer, "http_status": call.http_status,
                    "took_ms": call.took_ms, "outcome": call.outcome, "error": call.error,
                    "forgiven": list(call.forgiven), "said": call.said if raw else None,
                    "answered": call.answered if raw else None,
                }
                for call in said.calls
            ],
        }
    )  # fmt: skip


def money(balances: dict[str, Decimal]) -> list[Money]:
    return [Money(currency=currency, amount=f"{amount:.2f}") for currency, amount in sorted(balances.items())]


def history(events: Sequence[Event]) -> list[EventShown]:
    """The oldest first."""
    undone = {event.undoes_id for event in events}
    return [
        EventShown.model_validate(
            {
                "id": e.id, "version": e.version, "at": e.at, "trigger": e.trigger, "label": e.label,
                "from_state": e.source, "to_state": e.dest, "who": e.who, "actor": e.actor, "told_by": e.told_by,
                "said": {name: plain(value) for name, value in from_json(e.inputs).items() if name not in UNSAID},
                "undone": e.id in undone,
            }
        )
        for e in events
    ]  # fmt: skip


def outcome_shown(request: Request, outcome: Outcome) -> OutcomeShown:
    return OutcomeShown(
        number=request.id, reference=outcome.reference, trigger=outcome.trigger, label=outcome.label,
        from_state=outcome.source, to_state=outcome.dest, state_label=outcome.state, version=outcome.version,
        event=outcome.event_id, repeated=outcome.repeated, sentence=outcome.sentence, href=address_of(request),
    )  # fmt: skip


def etag(version: int) -> str:
    return f'"{version}"'


def plain(value: Any) -> Any:
    """As JSON tells it: amounts and days as text."""
    match value:
        case Decimal() | date():
            return str(value) if isinstance(value, Decimal) else value.isoformat()
        case dict():
            return {str(name): plain(one) for name, one in value.items()}
        case str() | int() | float() | bool() | None:
            return value
        case Iterable():
            return [plain(one) for one in value]
        case _:
            return str(value)


def _line(request: Request) -> dict[str, Any]:
    lifecycle = lifecycle_of(request)
    return {
        "number": request.id, "reference": request.reference, "side": request.side, "state": request.state,
        "state_label": lifecycle.label(request.state), "attention": lifecycle.needs_attention(request.state),
        "title": request.title, "author": request.author,
        "partner": request.partner.code if request.partner else None,
        "partner_request_id": request.partner_request_id, "item_barcode": request.item_barcode,
        "lender_due": request.lender_due, "created_at": request.created_at, "version": request.version,
        "href": address_of(request),
    }  # fmt: skip
