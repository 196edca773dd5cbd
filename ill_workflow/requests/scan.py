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
from ill_workflow.requests import actions, former_lenders, intake, pieces
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST_CODE, as_text
from ill_workflow.requests.models import BORROWING, LENDING, Attempt, Event, Piece, Request

#: What a scan can mean, on either side.
MEANINGS = {BORROWING: ("receive", "patron_return", "found", "route_home"), LENDING: ("check_in",)}
#: What it can mean besides: another lender has sent the same item, which needs a request of its own.
SECOND_PARCEL = "second_parcel"
LABELS = {SECOND_PARCEL: "Second Parcel"}
#: The same code again within this time repeats the answer.
AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Candidate:
    """One of several requests that a code may mean."""

    side: str
    reference: str
    title: str
    state: str  #: its label


@dataclass(frozen=True)
class Scanned:
    """What the scan did; or, where a person has to choose, what it could mean, or which request."""

    reference: str
    sentence: str
    outcome: actions.Outcome | None = None
    choices: tuple[str, ...] = ()  #: triggers, or SECOND_PARCEL: answer with `choose`
    candidates: tuple[Candidate, ...] = ()  #: answer with `side` or `reference`


def scan(
    session: Session, library: Library, code: str, *, by: By, clock: Clock, choose: str | None = None,
    side: str | None = None, reference: str | None = None, checked: bool = False,
) -> Scanned:  # fmt: skip
    """Let a scanned code do what it means now. `choose`, `side` and `reference` answer what an earlier scan asked.

    Raises NotFound for a code that nothing here has, Refused where it means nothing now.
    """
    code = as_text("code", code, LONGEST_CODE)
    if not code:
        raise BadInput("Scan or type a code.", field="code")
    actors_at(session, by, library.id, library.name)
    if side is not None and side not in MEANINGS:
        raise BadInput(f"{side!r} is not possible. Choose {' or '.join(MEANINGS)}.", field="side")
    found = [r for r in find(session, library, code) if side in (None, r.side) and reference in (None, r.reference)]
    if not found:
        raise NotFound(_not_ours(session, library, code), field="code")
    if choose is None and (again := _a_moment_ago(session, found, code, clock)):
        return again
    candidates = _meant(found)
    if len(candidates) > 1:
        return _which(code, candidates)
    request = actions.locked(session, candidates[0].id)
    # Of two scans at once, the second has waited for the first.
    if choose is None and (again := _a_moment_ago(session, [request], code, clock)):
        return again
    return _decide(session, request, code, by=by, clock=clock, choose=choose, checked=checked)


def find(session: Session, library: Library, code: str) -> list[Request]:
    """The requests of a library that a code may mean, the oldest first."""
    mine = sa.select(Request).where(Request.library_id == library.id, _fits(code)).order_by(Request.id)
    return list(session.scalars(mine))


def _fits(code: str) -> sa.ColumnElement[bool]:
    by_piece = sa.select(Piece.request_id).where(Piece.barcode == code)
    by_attempt = sa.select(Attempt.request_id).where((Attempt.wire_id == code) | (Attempt.item_barcode == code))
    return (
        (Request.reference == code)
        | (Request.item_barcode == code)
        | (Request.temporary_barcode == code)
        | (Request.partner_request_id == code)
        | Request.id.in_(by_piece)
        | Request.id.in_(by_attempt)
    )


def _not_ours(session: Session, library: Library, code: str) -> str:
    """What the code is not, and where it belongs: what is lent and borrowed there is that library's business."""
    others = sa.select(Library.name).join(Request, Request.library_id == Library.id)
    names = session.scalars(others.where(Library.id != library.id, _fits(code)).distinct().order_by(Library.name))
    known = " or ".join(names)
    return f"Nothing at {library.name} has the code {code}.{f' It is known at {known}.' if known else ''}"


def _a_moment_ago(session: Session, found: Sequence[Request], code: str, clock: Clock) -> Scanned | None:
    """The answer that the same code got within the last minute; what was taken back since is scanned anew."""
    taken_back = sa.select(Event.undoes_id).where(Event.undoes_id.is_not(None))
    mine = Event.request_id.in_([r.id for r in found]) & (Event.scanned == code) & (Event.at > clock.now() - AGAIN)
    mine &= Event.id.not_in(taken_back)
    last = session.scalar(sa.select(Event).where(mine).order_by(Event.id.desc()).limit(1))
    if last is None:
        return None
    request = next(r for r in found if r.id == last.request_id)
    outcome = actions.outcome_of(request, last)
    return Scanned(request.reference, f"{outcome.sentence} That was scanned a moment ago.", outcome)


def _meant(found: Sequence[Request]) -> list[Request]:
    """Of the requests that have a code, those that it can mean: of what is over, the latest alone."""
    under_way = [r for r in found if r.state not in lifecycle_of(r).terminal]
    if meaningful := [r for r in under_way if _meanings(r)]:
        return meaningful
    over = [r for r in found if r not in under_way and _meanings(r)]
    return under_way[-1:] or over[-1:] or list(found[-1:])


def _which(code: str, requests: Sequence[Request]) -> Scanned:
    candidates = tuple(Candidate(r.side, r.reference, r.title, lifecycle_of(r).label(r.state)) for r in requests)
    words = " or ".join(f"{c.side} {c.reference} ({c.title[:60]}; {c.state})" for c in candidates)
    return Scanned(code, f"{code} fits more than one request. Which is it: {words}?", candidates=candidates)


def _decide(
    session: Session, request: Request, code: str, *, by: By, clock: Clock, choose: str | None, checked: bool
) -> Scanned:
    meanings: tuple[str, ...] = _meanings(request, late=code in pieces.awaited(session, request))
    former = former_lenders.by_code(session, request, code) if request.side == BORROWING else None
    another = former is not None and former_lenders.another_item(request)
    if another and code == request.reference:
        # Our own label says the same. While the item is here, it is ours; else only a person can tell.
        held = request.state in lifecycle_of(request).expand(("HELD", "GOING_BACK"))
        meanings = meanings if held else (*meanings, SECOND_PARCEL)
    elif another:
        meanings = (SECOND_PARCEL,)
    if not meanings:
        raise Refused(_where_it_belongs(request), field="code")
    if choose is not None and choose not in meanings:
        raise BadInput(f"{choose!r} is not possible now. Choose {' or '.join(meanings)}.", field="choose")
    if choose is None and (question := _question(session, request, meanings, clock)):
        return Scanned(request.reference, question, choices=meanings)
    meaning = choose or meanings[0]
    if former is not None and meaning == SECOND_PARCEL:
        return _send_home(session, request, former, code, by, clock)
    meantime = former_lenders.take_up(session, request, former) if former and not another else None
    outcome = _do(session, request, meaning, code, by, clock, checked)
    if meantime is not None:
        former_lenders.tell(session, request, outcome, meantime, by)
    return Scanned(request.reference, f"{outcome.sentence}{_what_is_missing(session, request)}", outcome)


def _what_is_missing(session: Session, request: Request) -> str:
    """Of several pieces, those that are still to come, or to come back."""
    if request.state in lifecycle_of(request).terminal:
        return ""
    to_come, home = pieces.awaited(session, request), len(pieces.barcodes(session, request))
    out = pieces.out(session, request)
    words = f" Still to come: {', '.join(to_come)}." if to_come else ""
    return words + (f" Still out: {', '.join(out)}." if 0 < len(out) < home else "")


def _do(
    session: Session, request: Request, trigger: str, code: str, by: By, clock: Clock, checked: bool
) -> actions.Outcome:
    inputs: dict[str, Any] = {"condition_checked": checked} if trigger == "receive" else {}
    if trigger in ("receive", "check_in", "patron_return") and code in pieces.barcodes(session, request):
        inputs["pieces"] = [code]
    return actions.perform(session, request, trigger, by=by, clock=clock, inputs=inputs, scanned=code)


def _send_home(session: Session, first: Request, former: Attempt, code: str, by: By, clock: Clock) -> Scanned:
    """The item of another lender is coming, here or gone again: this one goes back where it came from."""
    second = intake.second_parcel(session, first, former, by=by, clock=clock)
    outcome = _do(session, second, "route_home", code, by, clock, checked=False)
    return Scanned(second.reference, f"{outcome.sentence} It is a second parcel for {first.reference}.", outcome)


def _meanings(request: Request, *, late: bool = False) -> tuple[str, ...]:
    """The rows that a scan may pull. `late`: it is a piece that has not come with the others."""
    lifecycle = lifecycle_of(request)
    if request.side == BORROWING and request.attempt == 0:
        return ()  # it was sent to nobody, so nothing can have come
    fitting = [t for t in MEANINGS[request.side] if lifecycle.row(t, request.state) is not None]
    if request.side == BORROWING and request.state in lifecycle.expand(("HELD", "return_in_transit")):
        fitting = ["receive"] if late else [t for t in fitting if t != "receive"]
    return tuple(fitting)


def _question(session: Session, request: Request, meanings: Sequence[str], clock: Clock) -> str | None:
    lifecycle, library = lifecycle_of(request), request.library
    if len(meanings) > 1:
        labels = [LABELS.get(t) or lifecycle.rows(t)[0].label for t in meanings]
        return f"{request.reference} is {lifecycle.label(request.state)}. What is it: {' or '.join(labels)}?"
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
    place = ", ".join(words for words in (request.location, request.call_number) if words)
    shelf = f" Its place is {place}." if place and request.side == LENDING else ""
    return f"{request.reference} ({title}) is {state}, {whose}.{shelf} A scan changes nothing now."
