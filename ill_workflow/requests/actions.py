"""Take an action on a request: the one way in which a request changes state."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import identity_key

from ill_workflow import timers
from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, Conflict, NotAllowed, NotFound, Refused, Simultaneous
from ill_workflow.fees import Ledger, in_words
from ill_workflow.libraries import Library
from ill_workflow.partners import Partner
from ill_workflow.requests import pieces, rota
from ill_workflow.requests.by import CLOCK, By, actors_at, speaks_for
from ill_workflow.requests.consequences import Asked, promise_effects, write_entries
from ill_workflow.requests.facts import due_timer, gather, lifecycle_of, set_timers, with_named
from ill_workflow.requests.fields import as_json, as_text, from_json, read_inputs
from ill_workflow.requests.models import BORROWING, Event, Receipt, Request
from ill_workflow.requests.undoing import REMARKS, last_undoable, take_back_the_work
from state_machines import machine
from state_machines.declaration import Action, Actor, Effect, Inputs
from state_machines.effects import send_message
from state_machines.refusals import why_not
from state_machines.request import WRITTEN, Facts

LONGEST_KEY = 200


@dataclass(frozen=True)
class Outcome:
    """What an action did. The same key gets the same outcome again, with `repeated` set."""

    event_id: int
    reference: str
    trigger: str
    label: str
    source: str
    dest: str
    state: str  #: the label of the state it is in now
    version: int
    repeated: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.reference}: {self.label}. It is {self.state} now."


def locked(session: Session, request_id: int) -> Request:
    """The request as it is now; whoever else wants to act on it waits until this transaction has ended."""
    found = all_locked(session, sa.select(Request).where(Request.id == request_id))
    if not found:
        raise NotFound(f"There is no request {request_id}.", field="request")
    return found[0]


def all_locked(session: Session, wanted: sa.Select[Request]) -> Sequence[Request]:
    """All the requests that are wanted, each as `locked` has one."""
    fresh = {"populate_existing": True}
    rows = wanted.with_for_update(key_share=True, of=Request).execution_options(**fresh)
    found = session.scalars(rows).all()
    alone = [request.id for request in found if not _ends_are_here(session, request)]
    if alone:
        # Read afterwards: a join that waits for a lock is not looked up anew.
        beside = (joinedload(Request.library), joinedload(Request.partner).joinedload(Partner.local_library))
        again = sa.select(Request).where(Request.id.in_(alone)).options(*beside)
        session.scalars(again.execution_options(**fresh)).all()
    return found


def perform(
    session: Session,
    request: Request,
    trigger: str,
    *,
    by: By,
    clock: Clock,
    inputs: Mapping[str, Any] | None = None,
    key: str | None = None,
    version: int | None = None,
    scanned: str | None = None,
    facts: Facts | None = None,
) -> Outcome:
    """Take an action on a request: change it, remember it, promise what follows; all in the caller's transaction.

    `key` makes it idempotent for this caller. `version` is the one that the caller saw, `scanned` the code that was
    scanned for it, `facts` what was gathered in this transaction already. Raises NotAllowed (no grant), BadInput (names
    the field), Refused (a sentence that says what is possible instead) or Conflict (somebody else was faster); then the
    transaction has to be rolled back.
    """
    given, now = inputs or {}, clock.now()
    speaks_for(by, request)
    actors = actors_at(session, by, request.library_id, request.reference)
    content = json.dumps([trigger, request.id, as_json(given), by.told_by], sort_keys=True, default=str) if key else ""
    if key is not None and (known := answered(session, request.library_id, by, key, content)):
        return Outcome(**{**known, "repeated": True})
    if version is not None and version != request.version:
        raise Conflict(_what_happened(session, request), field="version")
    row = _row(request, trigger, actors)
    if row is None and by.told_by and lifecycle_of(request).row(trigger, request.state):
        label = lifecycle_of(request).rows(trigger)[0].label
        raise Refused(f"{label} is nothing that a partner says. Leave out how you were told.", field="told_by")
    if by.told_by and request.partner_id is None:
        raise Refused(f"{request.reference} was sent to no partner yet: nobody can have said that.", field="told_by")
    by_partner = by.partner is not None
    values = read_inputs(row, given, request.library.today(now), by_partner=by_partner) if row else {}
    if values.get("partner") or values.get("rota"):
        first = [values["partner"]] if values.get("partner") else []
        rota.set_rota(session, request, list(dict.fromkeys([*first, *values.get("rota", [])])))
        facts = None  # who is asked next is another one
    facts = facts or gather(session, request, now, by_staff=Actor.STAFF in actors)
    facts = with_named(session, request, facts, values)
    outcome = _step(session, request, trigger, by=by, actors=actors, inputs=values, facts=facts, scanned=scanned)
    if key is not None:
        remember_answer(session, request.library_id, by, key, content, asdict(outcome), now)
    return outcome


def take_first(
    session: Session, request: Request, told: Iterable[tuple[Action, Inputs]], *, by: By, clock: Clock
) -> Outcome | None:
    """Take the first of these actions that may be taken now, each with its inputs; none where none of them may."""
    actors = actors_at(session, by, request.library_id, request.reference)
    facts, lifecycle = gather(session, request, clock.now(), by_staff=Actor.STAFF in actors), lifecycle_of(request)
    for row, inputs in told:
        named = with_named(session, request, facts, inputs)
        if machine.may(lifecycle, request, row.trigger, by=actors, inputs=inputs, facts=named):
            return perform(session, request, row.trigger, by=by, clock=clock, inputs=inputs, facts=facts)
    return None


def menu(session: Session, request: Request, *, by: By, clock: Clock) -> list[Action]:
    """The actions that they may take on the request as it is, given the right inputs, in the order of the table."""
    lifecycle, actors = lifecycle_of(request), actors_at(session, by, request.library_id, request.reference)
    facts = gather(session, request, clock.now(), by_staff=Actor.STAFF in actors)
    here = [row for row in lifecycle.actions if request.state in lifecycle.sources(row) and actors & set(row.by)]
    return [row for row in here if may_be_pulled(request, row, actors=actors, facts=facts)]


def may_be_pulled(request: Request, row: Action, *, actors: frozenset[Actor], facts: Facts) -> bool:
    """Whether there may be inputs with which this row, which starts from the present state, could be pulled now."""
    return machine.may(lifecycle_of(request), request, row.trigger, by=actors, inputs=None, facts=facts)


def fire(session: Session, request: Request, timer: str, *, clock: Clock) -> Outcome | None:
    """Let a timer pull the row that hears it. None where its moment hasn't come; what it is for fires once."""
    lifecycle, by = lifecycle_of(request), frozenset({Actor.CLOCK})
    facts = gather(session, request, clock.now(), by_staff=False)
    due = due_timer(session, request, facts, timer)
    if due is None:
        set_timers(session, request, facts)  # a reason has changed since it was set: another day is the right one
        return None
    facts, told = replace(facts, timer=timer), {"timer": timer, "slot": due.slot}
    for row in lifecycle.firing(timer, request.state):
        if machine.may(lifecycle, request, row.trigger, by=by, inputs=told, facts=facts):
            timers.remember_fired(session, request.id, timer, due.slot, facts.now)
            return _step(session, request, row.trigger, by=CLOCK, actors=by, inputs=told, facts=facts)
    raise Refused(f"{request.reference}: no row hears the timer {timer} now.", field="timer")


def undo(session: Session, request: Request, *, by: By, clock: Clock) -> Outcome:
    """Take back the last thing that staff did, by an event of its own. Raises Refused where it can't be taken back."""
    actors = actors_at(session, by, request.library_id, request.reference)
    if Actor.STAFF not in actors:
        raise NotAllowed("Only staff take something back.")
    undone = last_undoable(session, request)
    request.alert = request.alert_at = None
    now, source = clock.now(), request.state
    before = as_json({name: getattr(request, name) for name in undone.before if name in WRITTEN})
    machine.take_back(request, {k: from_json(v) for k, v in undone.before.items() if k in WRITTEN})
    pieces.put_back(session, request, undone.before)
    if "wire_id" in undone.before:  # a lender that was asked before had been taken up again for it
        rota.make_current(session, request, undone.before["partner_id"], undone.before["wire_id"])
    event = _remember(
        session, request, by, "undo", f"Undo {undone.label}", source, now, {"undone": undone.label}, before, -1
    )
    event.undoes_id = undone.id
    Ledger(session, request.library_id, request.id).undo(undone.id, at=now, event_id=event.id)
    effects, misled = take_back_the_work(session, request, undone)
    attempt, told = rota.current_attempt(session, request), {"undone": undone.label}
    promise_effects(session, request, effects, event, by=by, inputs=told, attempt=attempt)
    for number, whom in enumerate(misled, start=len(effects)):
        correction = (send_message("Correction", to_former=True),)
        promise_effects(session, request, correction, event, by=by, inputs=told, former=whom, first=number)
    return outcome_of(request, event)


def annotate(session: Session, request: Request, text: str, *, by: By, clock: Clock, to_partner: bool) -> Outcome:
    """Write a note: for the staff of this library, or to the partner, who gets it as a message."""
    actors_at(session, by, request.library_id, request.reference)
    attempt = rota.current_attempt(session, request)
    if to_partner and (request.partner_id is None or (request.side == BORROWING and attempt is None)):
        raise Refused(f"{request.reference} was sent to no partner yet. Write an internal note.", field="to_partner")
    note = as_text("note", text, lines=True)
    if not note:
        raise BadInput("Write something.", field="note")
    label = "Note to the Partner" if to_partner else "Internal Note"
    request.alert = request.alert_at = None
    event = remember_remark(session, request, by, "note", label, {"note": note}, clock.now())
    effects = (send_message("Note"),) if to_partner else ()
    promise_effects(session, request, effects, event, by=by, inputs={"note": note}, attempt=attempt)
    return outcome_of(request, event)


def remember_remark(
    session: Session, request: Request, by: By, trigger: str, label: str, inputs: Mapping[str, Any], now: datetime
) -> Event:
    """One line of history that is no transition: it moves nothing, and stands in no undo's way."""
    assert trigger in REMARKS
    return _remember(session, request, by, trigger, label, request.state, now, inputs, {}, -1)


def remember_creation(session: Session, request: Request, by: By, label: str, now: datetime) -> Event:
    """The first line of a request's history."""
    event = _event(request, by, "create", label, "", now, {}, {}, -1)
    session.add(event)
    session.flush()
    return event


def outcome_of(request: Request, event: Event) -> Outcome:
    """What an event did, with the state that the request is in now."""
    return Outcome(
        event_id=event.id,
        reference=request.reference,
        trigger=event.trigger,
        label=event.label,
        source=event.source,
        dest=event.dest,
        state=lifecycle_of(request).label(request.state),
        version=request.version,
    )


def answered(session: Session, library_id: int, by: By, key: str, content: str) -> dict[str, Any] | None:
    """The answer that this caller got for the key. Raises Conflict where the key came with other content."""
    if not key or len(key) > LONGEST_KEY:
        raise BadInput(f"An idempotency key has 1 to {LONGEST_KEY} characters.", field="key")
    mine = (Receipt.library_id == library_id) & (Receipt.caller == by.caller) & (Receipt.key == key)
    receipt = session.scalar(sa.select(Receipt).where(mine))
    if receipt is None:
        return None
    if receipt.fingerprint != _fingerprint(content):
        raise Conflict("This idempotency key was used for something else. Take a new one.", field="key")
    return receipt.answer


def answer_to(session: Session, by: By, key: str) -> dict[str, Any] | None:
    """The latest answer that this caller got for a key, at whatever library."""
    mine = sa.select(Receipt.answer).where(Receipt.caller == by.caller, Receipt.key == key)
    return session.scalar(mine.order_by(Receipt.id.desc()).limit(1))


def remember_answer(
    session: Session, library_id: int, by: By, key: str, content: str, answer: dict[str, Any], now: datetime
) -> None:
    receipt = Receipt(
        library_id=library_id, caller=by.caller, key=key, fingerprint=_fingerprint(content), answer=answer, at=now
    )
    session.add(receipt)
    try:
        session.flush()
    except IntegrityError:
        raise Simultaneous(field="key") from None


def _ends_are_here(session: Session, request: Request) -> bool:
    """Whether its library and its partner are in this session already."""
    here, partner_id = session.identity_map, request.partner_id
    known = partner_id is None or identity_key(Partner, partner_id) in here
    return known and identity_key(Library, request.library_id) in here


def _row(request: Request, trigger: str, actors: frozenset[Actor]) -> Action | None:
    """The row whose inputs are asked for: the one for this actor, where the trigger has several."""
    lifecycle = lifecycle_of(request)
    rows = lifecycle.rows(trigger)
    if not rows:
        may = [a.trigger for a in lifecycle.actions if request.state in lifecycle.sources(a) and actors & set(a.by)]
        raise BadInput(
            f"There is no action {trigger[:64]!r} on a {request.side} request. "
            f"Possible now: {', '.join(dict.fromkeys(may)) or 'nothing'}.",
            field="trigger",
        )
    here = [row for row in rows if request.state in lifecycle.sources(row) and actors & set(row.by)]
    return here[0] if here else None


def _step(
    session: Session,
    request: Request,
    trigger: str,
    *,
    by: By,
    actors: frozenset[Actor],
    inputs: dict[str, Any],
    facts: Facts,
    scanned: str | None = None,
) -> Outcome:
    lifecycle = lifecycle_of(request)
    before = {name: getattr(request, name) for name in WRITTEN}
    former_attempt = rota.current_attempt(session, request)
    former = Asked(request.partner_id, former_attempt.wire_id if former_attempt else None)
    try:
        step = machine.advance(lifecycle, request, trigger, by=actors, inputs=inputs, facts=facts)
    except machine.NotPossible:
        fees = in_words(Ledger(session, request.library_id, request.id).balances())
        raise Refused(
            why_not(lifecycle, request, trigger, by=actors, inputs=inputs, facts=facts, fees=fees), field="trigger"
        ) from None
    attempt = former_attempt
    if request.attempt != before["attempt"]:
        pieces.forget(session, request)  # those of another shipment
        attempt = rota.ask(session, request, trigger, facts.now)
    elif attempt is not None and request.item_barcode:
        attempt.item_barcode = request.item_barcode
    changed = {name: as_json(old) for name, old in before.items() if getattr(request, name) != old}
    changed |= pieces.note(session, request, trigger, inputs)
    place = lifecycle.actions.index(step.action)
    _alert(request, step.effects, by, facts)
    event = _remember(session, request, by, trigger, step.action.label, step.source, facts.now, inputs, changed, place)
    if scanned:
        event.scanned = scanned
    write_entries(session, request, step.entries, event, inputs, facts.now)
    promise_effects(session, request, step.effects, event, by=by, inputs=inputs, former=former, attempt=attempt)
    return outcome_of(request, event)


def _alert(request: Request, effects: tuple[Effect, ...], by: By, facts: Facts) -> None:
    """What staff are alerted of stands on the request until one of them has looked; who acts on it has."""
    occasion = next((effect.argument for effect in effects if effect.kind == "alert_staff"), None)
    if occasion:
        request.alert, request.alert_at = f"{occasion}_{facts.timer}" if facts.timer else occasion, facts.now
    elif by.account:
        request.alert = request.alert_at = None


def _remember(
    session: Session, request: Request, by: By, trigger: str, label: str, source: str, now: datetime,
    inputs: Mapping[str, Any], before: dict[str, Any], row: int,
) -> Event:  # fmt: skip
    """Write the request, if nobody else has since it was read, and one line of history."""
    request.version += 1
    reference = request.reference
    try:
        session.flush()
    except StaleDataError:
        raise Conflict(f"Somebody else acted on {reference} at the same moment. Look at it again.") from None
    event = _event(request, by, trigger, label, source, now, inputs, before, row)
    session.add(event)
    session.flush()
    return event


def _event(
    request: Request, by: By, trigger: str, label: str, source: str, now: datetime,
    inputs: Mapping[str, Any], before: dict[str, Any], row: int,
) -> Event:  # fmt: skip
    return Event(
        request_id=request.id, version=request.version, trigger=trigger, label=label, source=source, dest=request.state,
        row=row, actor="partner" if by.told_by else by.actor, account_id=by.account.id if by.account else None,
        who=by.who, partner_id=request.partner_id, told_by=by.told_by, inputs=as_json(inputs), before=before, at=now,
    )  # fmt: skip


def _what_happened(session: Session, request: Request) -> str:
    last = session.scalar(sa.select(Event).where(Event.request_id == request.id).order_by(Event.version.desc()))
    state = lifecycle_of(request).label(request.state)
    done = f" {last.who} did: {last.label}." if last else ""
    return f"{request.reference} has changed since you looked.{done} It is {state} now."


def _fingerprint(content: str) -> str:
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
