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
from ill_workflow.requests import actions, arrival, codes, former_lenders, intake, pieces
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST_CODE, as_text
from ill_workflow.requests.models import BORROWING, LENDING, Attempt, Event, Request

#: What a scan can mean, on either side.
MEANINGS = {BORROWING: ("receive", "patron_return", "found", "route_home"), LENDING: ("check_in", "ship")}
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
    checklist: arrival.Checklist | None = None  #: of what arrives; without an outcome: answer with `checked`
    wants_item: bool = False  #: the slip was scanned, and now the item: answer with `item`
    request_id: int | None = None  #: None where candidates are named
    again: bool = False  #: it was done a moment ago, and nothing was done now


def scan(
    session: Session, library: Library, code: str, *, by: By, clock: Clock, choose: str | None = None,
    side: str | None = None, reference: str | None = None, checked: bool = False, look: bool = False,
    item: str | None = None,
) -> Scanned:  # fmt: skip
    """Let a scanned code do what it means now. `choose`, `side` and `reference` answer what an earlier scan asked.

    What arrives has to be `checked`; with `look` the checklist is the answer where it is not. `item` is the barcode
    that was scanned after a slip. Raises NotFound for a code that nothing here has, Refused where it means nothing now.
    """
    code = as_text("code", code, LONGEST_CODE)
    if not code:
        raise BadInput("Scan or type a code.", field="code")
    item = as_text("item", item, LONGEST_CODE) if item is not None else None
    actors_at(session, by, library.id, library.name)
    if side is not None and side not in MEANINGS:
        raise BadInput(f"{side!r} is not possible. Choose {' or '.join(MEANINGS)}.", field="side")
    found = [r for r in find(session, library, code) if side in (None, r.side) and reference in (None, r.reference)]
    if not found:
        raise NotFound(codes.unknown(session, library, code), field="code")
    if choose is None and (again := _a_moment_ago(session, found, item or code, by, clock)):
        return again
    candidates = _meant(found)
    if len(candidates) > 1:
        return _which(code, candidates)
    request = actions.locked(session, candidates[0].id)
    # Of two scans at once, the second has waited for the first.
    if choose is None and (again := _a_moment_ago(session, [request], item or code, by, clock)):
        return again
    how = _How(by, clock, choose, checked or library.scan_receives, look, item)
    return _decide(session, request, code, how)


@dataclass(frozen=True)
class _How:
    """Who scans, and what was answered so far."""

    by: By
    clock: Clock
    choose: str | None
    checked: bool
    look: bool
    item: str | None


def find(session: Session, library: Library, code: str) -> list[Request]:
    """The requests of a library that a code may mean, the oldest first."""
    numbers = codes.with_the_code(session, code, [library.id])
    return list(session.scalars(sa.select(Request).where(Request.id.in_(numbers)).order_by(Request.id)))


def _a_moment_ago(session: Session, found: Sequence[Request], code: str, by: By, clock: Clock) -> Scanned | None:
    """The answer that the same code got within the last minute; what was taken back since is scanned anew."""
    taken_back = sa.select(Event.undoes_id).where(Event.undoes_id.is_not(None))
    mine = Event.request_id.in_([r.id for r in found]) & (Event.scanned == code) & (Event.at > clock.now() - AGAIN)
    mine &= Event.id.not_in(taken_back)
    last = session.scalar(sa.select(Event).where(mine).order_by(Event.id.desc()).limit(1))
    if last is None:
        return None
    request = next(r for r in found if r.id == last.request_id)
    outcome = actions.outcome_of(request, last)
    mine_too = by.account is not None and last.account_id == by.account.id
    who = "That was scanned" if mine_too else f"{last.who} scanned it"
    sentence = f"{outcome.sentence} {who} a moment ago."
    return Scanned(request.reference, sentence, outcome, request_id=request.id, again=True)


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


def _decide(session: Session, request: Request, code: str, how: _How) -> Scanned:
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
    if how.choose is not None and how.choose not in meanings:
        raise BadInput(f"{how.choose!r} is not possible now. Choose {' or '.join(meanings)}.", field="choose")
    if how.choose is None and (question := _question(session, request, meanings, how.clock)):
        return Scanned(request.reference, question, choices=meanings, request_id=request.id)
    meaning = how.choose or meanings[0]
    if meaning == "ship":
        return _fill(session, request, code, how)
    if former is not None and meaning == SECOND_PARCEL:
        return _send_home(session, request, former, code, how)
    arrives = meaning == "receive"
    listed = arrival.checklist(session, request, code, how.clock, None if another else former) if arrives else None
    if listed and how.look and not how.checked:
        question = f"{request.reference} arrives. Look it over, and confirm."
        return Scanned(request.reference, question, checklist=listed, request_id=request.id)
    meantime = former_lenders.take_up(session, request, former) if former and not another else None
    outcome = _do(session, request, meaning, code, how)
    if meantime is not None:
        former_lenders.tell(session, request, outcome, meantime, how.by)
    sentence = f"{outcome.sentence}{_what_is_missing(session, request, arrives=arrives)}"
    return Scanned(request.reference, sentence, outcome, checklist=listed, request_id=request.id)


def _fill(session: Session, request: Request, code: str, how: _How) -> Scanned:
    """Ship what was asked for: its slip was scanned, and then the item; or the item alone, where it is known."""
    if (request.piece_count or 1) > 1:
        pieces_of_it = f"{request.reference} has {request.piece_count} pieces."
        raise Refused(f"{pieces_of_it} Ship it on its own page, with all their barcodes.", field="code")
    known = request.item_barcode
    item = how.item or (code if code == known else None)
    if item is None or item == code != known:
        found = f" It was found as {known}." if known else ""
        question = f"{request.reference} is to be shipped. Scan the barcode of the item.{found}"
        return Scanned(request.reference, question, wants_item=True, request_id=request.id)
    if codes.is_a_number_of_a_title(item):
        raise BadInput(codes.unknown(session, request.library, item), field="item")
    others = [r for r in find(session, request.library, item) if r.id != request.id]
    if out := next((r for r in others if r.state not in lifecycle_of(r).terminal), None):
        label = lifecycle_of(out).label(out.state)
        raise Refused(f"{item} belongs to {out.reference} ({out.title[:60]}; {label}).", field="item")
    if known and item != known and how.choose is None:
        question = f"For {request.reference} the item {known} was found. This is {item}. Ship it all the same?"
        return Scanned(request.reference, question, choices=("ship",), request_id=request.id)
    inputs = {"condition_checked": True, "item_barcode": item}
    outcome = actions.perform(session, request, "ship", by=how.by, clock=how.clock, inputs=inputs, scanned=item)
    return Scanned(request.reference, outcome.sentence, outcome, request_id=request.id)


def _what_is_missing(session: Session, request: Request, *, arrives: bool) -> str:
    """Of several pieces, those that are still to come, or to come back."""
    if request.state in lifecycle_of(request).terminal:
        return ""
    to_come, home = pieces.awaited(session, request), len(pieces.barcodes(session, request))
    out = pieces.out(session, request)
    words = f" Still to come: {', '.join(to_come)}." if to_come else ""
    return words + (f" Still out: {', '.join(out)}." if not arrives and 0 < len(out) < home else "")


def _do(session: Session, request: Request, trigger: str, code: str, how: _How) -> actions.Outcome:
    inputs: dict[str, Any] = {"condition_checked": how.checked} if trigger == "receive" else {}
    if trigger in ("receive", "check_in", "patron_return") and code in pieces.barcodes(session, request):
        inputs["pieces"] = [code]
    return actions.perform(session, request, trigger, by=how.by, clock=how.clock, inputs=inputs, scanned=code)


def _send_home(session: Session, first: Request, former: Attempt, code: str, how: _How) -> Scanned:
    """The item of another lender is coming, here or gone again: this one goes back where it came from."""
    second = intake.second_parcel(session, first, former, by=how.by, clock=how.clock)
    outcome = _do(session, second, "route_home", code, how)
    sentence = f"{outcome.sentence} It is a second parcel for {first.reference}."
    return Scanned(second.reference, sentence, outcome, request_id=second.id)


def _meanings(request: Request, *, late: bool = False) -> tuple[str, ...]:
    """The rows that a scan may pull. `late`: it is a piece that has not come with the others."""
    lifecycle = lifecycle_of(request)
    if request.side == BORROWING and request.attempt == 0:
        return ()  # it was sent to nobody, so nothing can have come
    fitting = [t for t in MEANINGS[request.side] if lifecycle.row(t, request.state) is not None]
    if request.side == BORROWING and request.state in lifecycle.expand(("HELD", "return_in_transit")):
        fitting = ["receive"] if late else [t for t in fitting if t != "receive"]
    if not request.library.scan_ships or request.service != "loan":
        fitting = [t for t in fitting if t != "ship"]
    return tuple(fitting)


def _question(session: Session, request: Request, meanings: Sequence[str], clock: Clock) -> str | None:
    lifecycle = lifecycle_of(request)
    if len(meanings) > 1:
        labels = [LABELS.get(t) or lifecycle.rows(t)[0].label for t in meanings]
        return f"{request.reference} is {lifecycle.label(request.state)}. What is it: {' or '.join(labels)}?"
    if meanings[0] == "patron_return" and _was_done_today(session, request, clock, Event.trigger == "receive"):
        return f"{request.reference} was received today. Does it go back already?"
    shipped = (Event.trigger == "ship") & Event.scanned.is_not(None)
    if meanings[0] == "check_in" and _was_done_today(session, request, clock, shipped):
        return f"{request.reference} was shipped by a scan today. Does it come back already?"
    return None


def _was_done_today(session: Session, request: Request, clock: Clock, what: sa.ColumnElement[bool]) -> bool:
    library = request.library
    mine = sa.select(Event.at).where(Event.request_id == request.id, what)
    at = session.scalar(mine.order_by(Event.version.desc()).limit(1))
    return at is not None and library.today(at) == library.today(clock.now())


def _where_it_belongs(request: Request) -> str:
    state, title = lifecycle_of(request).label(request.state), request.title
    partner = request.partner.name if request.partner else "nobody yet"
    whose = f"borrowed from {partner}" if request.side == BORROWING else f"lent to {partner}"
    place = ", ".join(words for words in (request.location, request.call_number) if words)
    shelf = f" Its place is {place}." if place and request.side == LENDING else ""
    return f"{request.reference} ({title}) is {state}, {whose}.{shelf} A scan changes nothing now."
