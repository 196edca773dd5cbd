"""Scan In: one code, and the state decides what it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, NotFound, Refused
from ill_workflow.libraries import Library
from ill_workflow.requests import actions
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST_CODE, as_text
from ill_workflow.requests.models import BORROWING, Attempt, Event, Piece, Request

#: What a scan can mean, on either side.
MEANINGS = {BORROWING: ("receive", "patron_return", "route_home"), "lending": ("check_in",)}
#: The same code again within this time repeats the answer.
AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Scanned:
    """What the scan did; or, where a person has to choose, what it could mean."""

    reference: str
    sentence: str
    outcome: actions.Outcome | None = None
    choices: tuple[str, ...] = ()  #: triggers


def scan(
    session: Session, library: Library, code: str, *, by: By, clock: Clock, choose: str | None = None,
    side: str | None = None, checked: bool = False,
) -> Scanned:  # fmt: skip
    """Let a scanned code do what it means now. `choose` and `side` answer a question that an earlier scan asked.

    Raises NotFound for a code that nothing here has, BadInput where two requests fit.
    """
    code = as_text("code", code, LONGEST_CODE)
    if not code:
        raise BadInput("Scan or type a code.", field="code")
    actors_at(session, by, library.id, library.name)
    request = actions.locked(session, _the_one(session, library, code, side).id)
    last = session.scalar(sa.select(Event).where(Event.request_id == request.id).order_by(Event.version.desc()))
    meanings = _meanings(request)
    if last is not None and last.trigger in MEANINGS[request.side] and clock.now() - last.at < AGAIN and not choose:
        outcome = actions.outcome_of(request, last)
        return Scanned(request.reference, f"{outcome.sentence} That was scanned a moment ago.", outcome)
    if not meanings:
        raise Refused(_where_it_belongs(request), field="code")
    if choose is not None and choose not in meanings:
        raise BadInput(f"{choose!r} is not possible now. Choose {' or '.join(meanings)}.", field="choose")
    if choose is None and (question := _question(session, request, meanings, library, clock)):
        return Scanned(request.reference, question, choices=meanings)
    outcome = _do(session, request, choose or meanings[0], code, by, clock, checked)
    return Scanned(request.reference, outcome.sentence, outcome)


def _do(
    session: Session, request: Request, trigger: str, code: str, by: By, clock: Clock, checked: bool
) -> actions.Outcome:
    inputs: dict[str, Any] = {"condition_checked": checked} if trigger == "receive" else {}
    pieces = session.scalars(sa.select(Piece.barcode).where(Piece.request_id == request.id)).all()
    if code in pieces and trigger in ("check_in", "patron_return"):
        inputs["pieces"] = [code]
    return actions.perform(session, request, trigger, by=by, clock=clock, inputs=inputs)


def find(session: Session, library: Library, code: str) -> list[Request]:
    """The requests of a library that a code may mean: those that are still under way before the others."""
    by_piece = sa.select(Piece.request_id).where(Piece.barcode == code)
    by_wire_id = sa.select(Attempt.request_id).where(Attempt.wire_id == code)
    fits = (
        (Request.reference == code)
        | (Request.item_barcode == code)
        | (Request.temporary_barcode == code)
        | (Request.partner_request_id == code)
        | Request.id.in_(by_piece)
        | Request.id.in_(by_wire_id)
    )
    found = session.scalars(sa.select(Request).where(Request.library_id == library.id, fits).order_by(Request.id)).all()
    under_way = [r for r in found if r.state not in lifecycle_of(r).terminal]
    return under_way or list(found)


def _the_one(session: Session, library: Library, code: str, side: str | None) -> Request:
    found = [r for r in find(session, library, code) if side in (None, r.side)]
    meaningful = [r for r in found if _meanings(r)] or found
    if not meaningful:
        raise NotFound(f"Nothing at {library.name} has the code {code}.", field="code")
    if len({r.side for r in meaningful}) > 1:
        raise BadInput(f"{code} is borrowed and lent at {library.name}. Say which: borrowing or lending.", field="side")
    return meaningful[-1]


def _meanings(request: Request) -> tuple[str, ...]:
    lifecycle = lifecycle_of(request)
    return tuple(t for t in MEANINGS[request.side] if lifecycle.row(t, request.state) is not None)


def _question(
    session: Session, request: Request, meanings: Sequence[str], library: Library, clock: Clock
) -> str | None:
    state = lifecycle_of(request).label(request.state)
    if len(meanings) > 1:
        labels = [lifecycle_of(request).rows(t)[0].label for t in meanings]
        return f"{request.reference} is {state}. What is it: {' or '.join(labels)}?"
    if meanings[0] != "patron_return":
        return None
    received = sa.select(Event.at).where(Event.request_id == request.id, Event.trigger == "receive")
    at = session.scalar(received.order_by(Event.version.desc()).limit(1))
    if at is not None and library.today(at) == library.today(clock.now()):
        return f"{request.reference} was received today. Does it go back already?"
    return None


def _where_it_belongs(request: Request) -> str:
    state, title = lifecycle_of(request).label(request.state), request.title
    partner = request.partner.name if request.partner else "nobody yet"
    whose = f"borrowed from {partner}" if request.side == BORROWING else f"lent to {partner}"
    return f"{request.reference} ({title}) is {state}, {whose}. A scan changes nothing now."
