"""A person at the packing table with a scanner and one free hand: what is scanned, what is asked, what is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, IllError, NotFound, Refused
from ill_workflow.libraries import Library
from ill_workflow.requests import actions
from ill_workflow.requests.arrival import Checklist
from ill_workflow.requests.by import By
from ill_workflow.requests.destination import Destination, destination
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST_CODE, as_text
from ill_workflow.requests.models import Event, Request, Slip
from ill_workflow.requests.scan import LABELS, Scanned, find, scan

#: What a printed sheet of barcodes says, and what may be typed instead.
YES, NO, UNDO, PRINT = "ILL-YES", "ILL-NO", "ILL-UNDO", "ILL-PRINT"
NUMBERS = ("ILL-ONE", "ILL-TWO", "ILL-THREE")
CONTROLS = (YES, NO, UNDO, PRINT, *NUMBERS)
TYPED = {"yes": YES, "y": YES, "no": NO, "n": NO, "undo": UNDO, "print": PRINT, "1": "ILL-ONE", "2": "ILL-TWO",
         "3": "ILL-THREE"}  # fmt: skip
#: What an answer to a question may say to `scan`.
ANSWERS = ("side", "reference", "choose", "checked", "item")
MOST_SHOWN = 50


@dataclass(frozen=True)
class Option:
    """One of the answers to a question, and what it says to `scan`."""

    label: str
    how: Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """What was asked about a code; the next scan may answer it."""

    code: str
    options: tuple[Option, ...] = ()
    wants_item: bool = False  #: the next code is the item's barcode
    how: Mapping[str, str] = field(default_factory=dict)  #: what was answered so far
    is_checklist: bool = False  #: the same code once more confirms it


@dataclass(frozen=True)
class PromisedSlip:
    id: int
    layout: str
    drawn: bool


@dataclass(frozen=True)
class Answer:
    """What a scan came to. `kind`: done, again, asks, refused, unknown, undone, left or print."""

    kind: str
    code: str
    sentence: str
    request_id: int | None = None
    reference: str = ""
    title: str = ""
    label: str = ""  #: of the action that was taken
    event_id: int | None = None
    can_undo: bool = False
    destination: Destination | None = None
    checklist: Checklist | None = None
    slips: tuple[PromisedSlip, ...] = ()
    question: Question | None = None
    left: str = ""  #: a code whose question was left without an answer


@dataclass(frozen=True)
class Line:
    """One scan of today."""

    event: Event
    request: Request
    state: str  #: its label
    can_undo: bool
    undone: bool


def take(
    db: Database, library: Library, typed: str, question: Question | None, *, by: By, clock: Clock, key: str | None
) -> Answer:
    """Let a code do what it means, or answer the question. Each in a transaction of its own; it raises nothing.

    With the same `key` nothing is done a second time.
    """
    try:
        code = as_text("code", typed, LONGEST_CODE)
        with db.writing() as session:
            return _answer(session, library, code, question, by, clock, key)
    except IllError as refusal:
        with db.reading() as session:
            return _explain(session, library, typed.strip(), question, refusal)


def take_back(db: Database, library: Library, event_id: int | None, *, by: By, clock: Clock, key: str | None) -> Answer:
    """Undo a scan of today's; without a number, the latest. It raises nothing."""
    try:
        with db.writing() as session:
            return _once(session, library, by, key, f"undo {event_id}", clock, lambda: _undo(
                session, library, event_id, by, clock))  # fmt: skip
    except IllError as refusal:
        return Answer("refused", UNDO, refusal.message)


def todays_scans(session: Session, library: Library, account: Account, clock: Clock) -> list[Line]:
    """What this person has scanned today at this library, the latest first."""
    rows = session.execute(_scans(library, account, clock).limit(MOST_SHOWN)).all()
    numbers = [event.id for event, _request in rows]
    undone = set(session.scalars(sa.select(Event.undoes_id).where(Event.undoes_id.in_(numbers))))
    newest = _newest(session, {request.id for _event, request in rows})
    return [
        Line(event, request, lifecycle_of(request).label(request.state),
             event.id not in undone and _can_undo(request, event, newest), event.id in undone)
        for event, request in rows
    ]  # fmt: skip


def _scans(library: Library, account: Account, clock: Clock) -> sa.Select[Event, Request]:
    start = datetime.combine(library.today(clock.now()), time.min, tzinfo=library.zone)
    mine = (Event.account_id == account.id) & (Event.at >= start) & Event.scanned.is_not(None)
    scans = sa.select(Event, Request).join(Request, Request.id == Event.request_id).where(mine)
    return scans.where(Request.library_id == library.id).order_by(Event.at.desc(), Event.id.desc())


def _newest(session: Session, request_ids: set[int]) -> dict[int, int]:
    """The version of the last thing that happened to each of them; a note is none."""
    last = sa.select(Event.request_id, sa.func.max(Event.version)).where(Event.request_id.in_(request_ids))
    rows = session.execute(last.where(Event.trigger != "note").group_by(Event.request_id))
    return {number: version for number, version in rows}  # noqa: C416


def _can_undo(request: Request, event: Event, newest: Mapping[int, int]) -> bool:
    row = lifecycle_of(request).pulled(event.row, event.trigger)
    return row is not None and row.undo and newest.get(request.id) == event.version


def _answer(
    session: Session, library: Library, code: str, question: Question | None, by: By, clock: Clock, key: str | None
) -> Answer:
    control = TYPED.get(code.casefold()) or (code.upper() if code.upper() in CONTROLS else None)
    if question and control in NUMBERS and not question.options:
        control = None  # a number where nothing is to be chosen is a code like any other
    if control == UNDO:
        undone = _once(session, library, by, key, UNDO, clock, lambda: _undo(session, library, None, by, clock))
        return _leaving(undone, question)
    if control == PRINT:
        return _leaving(_slips_of_the_last(session, library, by, clock), question)
    if control == NO:
        what = f"Nothing was done with {question.code}." if question else "There is no question to answer."
        return Answer("left", code, what)
    if question is not None and (how := _said(session, library, code, control, question)) is not None:
        return _scan(session, library, question.code, how, by, clock, key)
    if control is not None and code.upper() in CONTROLS:
        raise BadInput(f"{control} answers a question, and none is open.", field="code")
    if not code and question is not None:
        raise BadInput(f"Choose 1 to {len(question.options)}." if question.options else "Scan the item.", field="code")
    answer = _scan(session, library, code, {}, by, clock, key)
    return _leaving(answer, question)


def _slips_of_the_last(session: Session, library: Library, by: By, clock: Clock) -> Answer:
    scans = session.execute(_scans(library, by.account, clock).limit(1)).first() if by.account else None
    if scans is None:
        raise NotFound("Nothing was scanned today, so there is no slip to print.")
    event = scans[0]
    shown = of_event(session, event, code=event.scanned or PRINT, kind="print", sentence="")
    if shown.slips:
        return replace(shown, sentence=f"The slip of {shown.reference} after {shown.label}.")
    return replace(shown, sentence=f"{shown.reference} has no slip after {shown.label}.")


def _said(
    session: Session, library: Library, code: str, control: str | None, question: Question
) -> dict[str, str] | None:
    """What the code answers to the question; None where it is a scan of its own."""
    number = NUMBERS.index(control) if control in NUMBERS else None
    confirms = not code or control == YES or (question.is_checklist and code == question.code)
    if confirms and len(question.options) == 1:
        number = 0
    if number is not None:
        if number >= len(question.options):
            raise BadInput(f"There is no answer {number + 1}. Choose 1 to {len(question.options)}.", field="code")
        return dict(question.options[number].how)
    if question.wants_item and code and control is None and code != question.code:
        # Another slip begins anew; all else is the item, or is told why it isn't.
        slips = [r for r in find(session, library, code) if code in (r.reference, r.partner_request_id, r.wire_id)]
        return None if slips else {**question.how, "item": code}
    return None


def _scan(
    session: Session, library: Library, code: str, how: Mapping[str, str], by: By, clock: Clock, key: str | None
) -> Answer:
    content = "|".join([code, *(f"{name}={value}" for name, value in sorted(how.items()))])

    def do() -> Answer:
        known = _as_written(session, library, code)
        scanned = scan(
            session, library, known, by=by, clock=clock, choose=how.get("choose"), side=how.get("side"),
            reference=how.get("reference"), item=how.get("item"), checked=bool(how.get("checked")), look=True,
        )  # fmt: skip
        return _told(session, known, how, scanned)

    return _once(session, library, by, key, content, clock, do)


def _as_written(session: Session, library: Library, code: str) -> str:
    """The code; or in capitals, where only that is known: references are typed by hand, too."""
    if code != code.upper():
        known = bool(find(session, library, code)) or not find(session, library, code.upper())
        return code if known else code.upper()
    return code


def _once(
    session: Session, library: Library, by: By, key: str | None, content: str, clock: Clock, do: Callable[[], Answer]
) -> Answer:
    """What was done under this key is not done again: its answer is given once more."""
    name = f"scan {key}" if key else None
    if name and (known := actions.answered(session, library.id, by, name, content)):
        event = session.get_one(Event, known["event_id"])
        return of_event(session, event, code=known["code"], kind=known["kind"], sentence=known["sentence"])
    answer = do()
    if name and answer.event_id is not None and answer.kind in ("done", "undone"):
        kept = {"event_id": answer.event_id, "code": answer.code, "kind": answer.kind, "sentence": answer.sentence}
        actions.remember_answer(session, library.id, by, name, content, kept, clock.now())
    return answer


def of_event(session: Session, event: Event, *, code: str, kind: str, sentence: str) -> Answer:
    """What is shown of something that was done."""
    request = session.get_one(Request, event.request_id)
    slips = session.scalars(sa.select(Slip).where(Slip.event_id == event.id).order_by(Slip.id))
    return Answer(
        kind, code, sentence, request.id, request.reference, request.title, event.label, event.id,
        kind != "undone" and _can_undo(request, event, _newest(session, {request.id})),
        None if kind == "undone" else destination(request, event.trigger),
        slips=tuple(PromisedSlip(slip.id, slip.layout, bool(slip.file)) for slip in slips),
    )  # fmt: skip


def _told(session: Session, code: str, how: Mapping[str, str], scanned: Scanned) -> Answer:
    if scanned.outcome is not None:
        event = session.get_one(Event, scanned.outcome.event_id)
        kind = "again" if scanned.again else "done"
        done = of_event(session, event, code=code, kind=kind, sentence=scanned.sentence)
        return replace(done, checklist=scanned.checklist)
    request = session.get(Request, scanned.request_id) if scanned.request_id else None
    question = _question(code, how, scanned, request)
    if request is None:
        return Answer("asks", code, scanned.sentence, question=question)
    place = None if scanned.checklist else destination(request)
    return Answer(
        "asks", code, scanned.sentence, request.id, request.reference, request.title, destination=place,
        checklist=scanned.checklist, question=question,
    )  # fmt: skip


def _question(code: str, how: Mapping[str, str], scanned: Scanned, request: Request | None) -> Question:
    if scanned.candidates:
        options = [
            Option(f"{c.side} {c.reference}: {c.title} ({c.state})", {**how, "side": c.side, "reference": c.reference})
            for c in scanned.candidates
        ]
        return Question(code, tuple(options), how=how)
    if scanned.checklist:
        return Question(code, (Option("Receive", {**how, "checked": "yes"}),), how=how, is_checklist=True)
    if scanned.wants_item:
        return Question(code, wants_item=True, how=how)
    return Question(code, tuple(_option(request, trigger, how) for trigger in scanned.choices), how=how)


def _option(request: Request | None, trigger: str, how: Mapping[str, str]) -> Option:
    rows = lifecycle_of(request).rows(trigger) if request else ()
    return Option(LABELS.get(trigger) or (rows[0].label if rows else trigger), {**how, "choose": trigger})


def _leaving(answer: Answer, question: Question | None) -> Answer:
    """Somebody who scans the next item leaves the question about the last one open, and is told so."""
    left = question is not None and question.code != answer.code
    return replace(answer, left=question.code) if left and question else answer


def _undo(session: Session, library: Library, event_id: int | None, by: By, clock: Clock) -> Answer:
    if by.account is None:
        raise NotFound("Only people take a scan back.")
    mine = _scans(library, by.account, clock)
    if event_id is not None:
        mine = mine.where(Event.id == event_id)
    undo = sa.orm.aliased(Event)
    mine = mine.where(~sa.exists().where(undo.undoes_id == Event.id))
    row = session.execute(mine.limit(1)).first()
    if row is None:
        raise NotFound("There is no scan of yours today that could be taken back.")
    event, request = row[0], actions.locked(session, row[1].id)
    if _newest(session, {request.id})[request.id] != event.version:
        state = lifecycle_of(request).label(request.state)
        raise Refused(f"{request.reference} has moved on since it was scanned: it is {state} now.")
    outcome = actions.undo(session, request, by=by, clock=clock)
    done = session.get_one(Event, outcome.event_id)
    return of_event(session, done, code=event.scanned or UNDO, kind="undone", sentence=outcome.sentence)


def _explain(session: Session, library: Library, code: str, question: Question | None, refusal: IllError) -> Answer:
    """Why nothing was done; of an item that is known, where it belongs. A wrong answer leaves the question open."""
    kind = "unknown" if isinstance(refusal, NotFound) else "refused"
    is_answer = question is not None and (not code or code.upper() in CONTROLS or code.casefold() in TYPED)
    wrong_item = refusal.field == "item" and question is not None
    if question is not None and (is_answer or wrong_item):
        still = question if wrong_item or isinstance(refusal, BadInput) else None
        return Answer(kind, question.code if is_answer else code, refusal.message, question=still)
    shown, known = Answer(kind, code, refusal.message), _known(session, library, code)
    if known is not None:
        shown = replace(
            shown, request_id=known.id, reference=known.reference, title=known.title, destination=destination(known)
        )
    return _leaving(shown, question)


def _known(session: Session, library: Library, code: str) -> Request | None:
    """The one request that a code means, where scanning it means nothing."""
    try:
        found = find(session, library, as_text("code", code, LONGEST_CODE)) if code else []
    except BadInput:
        return None
    under_way = [r for r in found if r.state not in lifecycle_of(r).terminal]
    return (under_way or found)[-1] if found else None
