"""Looks after each step whether what happened brought just what its row declares: effects, and lines of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.fees import LedgerLine, Sign
from ill_workflow.outbox import DEAD, UNCERTAIN, WITHDRAWN, EffectRow
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.former_lenders import MORE
from ill_workflow.requests.models import Event, Request
from state_machines.declaration import PREVIOUS, SAME, Action, Effect, Entry, Lifecycle, Target
from tests.stateful.place import Place

Word = tuple[str, str]

#: What follows events that belong to no row of the table.
CREATED: dict[str, frozenset[Word]] = {
    "borrowing": frozenset(),
    "lending": frozenset(
        {("alert_staff", "new_request"), ("circulation", "find"), ("send_message", "RequestReceived")}
    ),
}
BESIDES: frozenset[Word] = frozenset(
    {("send_message", "StatusRequestResponse"), ("send_message", "Cancel"), ("alert_staff", "unexpected_shipment")}
)
NOTED: frozenset[Word] = frozenset({("send_message", "Note")})
TAKEN_BACK = ("send_message", "Correction")
TIMERS: Word = ("schedule_due_date_check", "")


class Watcher:
    """Folds each history as it grows, and judges each new event."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.states: dict[int, tuple[int, str]] = {}
        self.last_event = 0

    def looks(self) -> list[Event]:
        """Judge what has happened since the last look; the new events."""
        with self.place.db.reading() as session:
            wanted = sa.select(Event).where(Event.id > self.last_event).order_by(Event.id)
            events = list(session.scalars(wanted))
            for event in events:
                request = session.get_one(Request, event.request_id)
                self._fold(event)
                effects_are_declared(session, request, event)
                ledger_is_declared(session, request, event)
                self.last_event = event.id
            for request in session.scalars(sa.select(Request)):
                folded = self.states.get(request.id)
                assert folded == (request.version, request.state), f"{request.reference} is not what its history says"
            lost = sa.select(EffectRow).where(EffectRow.status.in_((DEAD, UNCERTAIN)))
            for effect in session.scalars(lost):
                excused = self.place.surplus["mail", effect.id] or self.place.office.gave_up(effect)
                assert excused, f"{effect.kind} {effect.argument}: {effect.last_error}"
        return events

    def _fold(self, event: Event) -> None:
        version, state = self.states.get(event.request_id, (0, ""))
        assert (event.version, event.source) == (version + 1, state), f"{event.trigger} follows {state} {version}"
        self.states[event.request_id] = event.version, event.dest


def outcomes(lifecycle: Lifecycle, event: Event) -> list[tuple[Action, Target]]:
    """The outcomes of its row that lead where this event led."""
    row = lifecycle.actions[event.row]
    found = []
    for target in row.targets:
        here = not target.source or event.source in lifecycle.expand(target.source)
        leads = target.dest == PREVIOUS or event.dest == (event.source if target.dest == SAME else target.dest)
        if here and leads:
            found.append((row, target))
    return found


def declared(lifecycle: Lifecycle, event: Event, row: Action, target: Target) -> Iterator[Effect]:
    for effect in (*row.then, *target.then):
        if not effect.only_from or event.source in lifecycle.expand(effect.only_from):
            yield effect


def effects_are_declared(session: Session, request: Request, event: Event) -> None:
    """R1: each event has the effects that are declared for it, each once; and nothing else."""
    rows = session.scalars(sa.select(EffectRow).where(EffectRow.event_id == event.id)).all()
    own, more = Counter[Word](), Counter[Word]()
    for effect in rows:
        _, _, number = effect.dedupe_key.partition(":")
        (more if number.isdecimal() and int(number) >= MORE else own)[effect.kind, effect.argument] += 1
    what = f"{request.reference}: {event.trigger} from {event.source} to {event.dest} promised {dict(own)}"
    assert set(more) <= BESIDES, f"{what} and besides {dict(more)}"
    assert not more or max(more.values()) == 1, f"{what} and besides {dict(more)}"
    if event.trigger == "note":
        assert set(own) <= NOTED, what
        return
    assert own.pop(TIMERS, 0) == 1, f"{what}, but no timers"
    if event.row < 0:
        allowed = CREATED[request.side] if event.trigger == "create" else None
        if allowed is not None:
            assert set(own) <= allowed, what
            assert not own or max(own.values()) == 1, what
        else:
            assert all(word == TAKEN_BACK or word[0] == "circulation" for word in own), what
            assert own[TAKEN_BACK] == _was_told(session, event), what
        return
    lifecycle = lifecycle_of(request)
    for row, target in outcomes(lifecycle, event):
        effects = list(declared(lifecycle, event, row, target))
        if request.patron_id is None:
            effects = [e for e in effects if e.kind != "notify_patron"]
        certain = Counter((e.kind, e.argument) for e in effects if e.only_if is None)
        possible = Counter((e.kind, e.argument) for e in effects)
        if certain <= own <= possible:
            return
    raise AssertionError(f"{what}, which its row doesn't declare")


def _was_told(session: Session, undo: Event) -> bool:
    """Whether a message of what was undone is with the partner, or may be: then it has to be put right."""
    told = sa.select(EffectRow.id).where(
        EffectRow.event_id == undo.undoes_id, EffectRow.kind == "send_message", EffectRow.status != WITHDRAWN
    )
    return session.scalar(told.limit(1)) is not None


def ledger_is_declared(session: Session, request: Request, event: Event) -> None:
    """R10: what is charged and taken back is what the row says; what an undo takes back is all that there was."""
    mine = sa.select(LedgerLine).where(LedgerLine.request_id == request.id, LedgerLine.event_id <= event.id)
    lines = session.scalars(mine.order_by(LedgerLine.id)).all()
    new, old = [x for x in lines if x.event_id == event.id], [x for x in lines if x.event_id != event.id]
    taken_back = {line.reverses_id for line in new if line.reverses_id}
    what = f"{request.reference}: {event.trigger} from {event.source} to {event.dest}"
    if event.undoes_id:
        undone = {line.id for line in old if line.event_id == event.undoes_id}
        assert taken_back == undone, f"{what} takes back {taken_back} of {undone}"
        assert len(new) == len(undone), what
        return
    if event.row < 0:
        assert not new, f"{what} writes into the ledger"
        return
    candidates = outcomes(lifecycle_of(request), event)
    possible = [entry for row, target in candidates for entry in (*row.ledger, *target.ledger)]
    for entry in (entry for row, target in candidates[:1] for entry in (*row.ledger, *target.ledger)):
        if len(candidates) == 1 and entry.do == "reverse" and entry.only_if is None:
            left = {line.id for line in _standing(old) if _meant(entry, line)}
            assert left <= taken_back, f"{what} leaves {left - taken_back} standing"
    words = {entry.do for entry in possible}
    signs = {line.sign for line in new}
    assert Sign.CHARGE not in signs or words & {"assess", "bill"}, f"{what} charges"
    assert Sign.REVERSAL not in signs or words & {"reverse", "bill"}, f"{what} takes back"
    assert Sign.PAYMENT not in signs or "pay" in words, f"{what} pays"
    assert Sign.WAIVER not in signs or "waive" in words, f"{what} waives"
    if words & {"pay", "waive"}:
        assert sum((x.amount for x in new), Decimal(0)) == Decimal(event.inputs["amount"]["amount"]), what


def _standing(lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    back = {line.reverses_id for line in lines}
    return [line for line in lines if line.sign == Sign.CHARGE and not line.reverses_id and line.id not in back]


def _meant(entry: Entry, line: LedgerLine) -> bool:
    return (line.provisional or not entry.provisional) and (not entry.kinds or line.kind in entry.kinds)
