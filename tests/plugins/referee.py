"""Looks over what a story has left behind: whatever it was about, some things hold for every history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import sqlalchemy as sa

from ill_workflow import timers
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.fees import LedgerLine
from ill_workflow.outbox import DEAD, READY, RUNNING, EffectRow
from ill_workflow.requests.facts import gather, lifecycle_of
from ill_workflow.requests.models import Event, MailRow, Notice, Request, Slip
from state_machines.schedule import timers_for


def look(
    db: Database, clock: Clock | None = None, given_up: Callable[[EffectRow], bool] = lambda effect: False
) -> None:
    """Versions without gaps, states that follow from the history, no work left over, no timers where all is over."""
    with db.reading() as session:
        events = defaultdict(list)
        for event in session.scalars(sa.select(Event).order_by(Event.version)):
            events[event.request_id].append(event)
        for request in session.scalars(sa.select(Request)):
            _history(request, events[request.id])
            if request.state in lifecycle_of(request).terminal:
                assert timers.of(session, request.id) == [], f"{request.reference} is closed and waits"
            if clock is not None:
                _timers(session, request, clock)
        left = session.scalars(sa.select(EffectRow).where(EffectRow.status.in_((READY, RUNNING, DEAD))))
        open_ = [(e.kind, e.argument, e.status, e.last_error) for e in left if not given_up(e)]
        assert not open_, f"promised and not done: {open_}"
        _mails(session)
        _ledger(session)
        _slips(session)


def _timers(session, request: Request, clock: Clock) -> None:
    """What is waited for is what the lifecycle says now, and nothing else."""
    facts = gather(session, request, clock.now())
    wanted = timers_for(lifecycle_of(request), request, facts, timers.fired(session, request.id))
    found = timers.of(session, request.id)
    assert {(t.name, t.due_at, t.slot) for t in found} == {(t.name, t.due_at, t.slot) for t in wanted}, (
        request.reference
    )


def _history(request: Request, events: list[Event]) -> None:
    assert [event.version for event in events] == list(range(1, request.version + 1)), "versions without gaps"
    state = ""
    for event in events:
        assert event.source == state, f"{request.reference}: {event.trigger} from {event.source} follows {state}"
        state = event.dest
    assert request.state == state


def _slips(session) -> None:
    """What was promised to be drawn has been, unless it was taken back."""
    undone = set(session.scalars(sa.select(Event.undoes_id)))
    missing = [slip for slip in session.scalars(sa.select(Slip).where(Slip.file == "")) if slip.event_id not in undone]
    assert not missing, f"never drawn: {[(slip.request_id, slip.layout) for slip in missing]}"


def _mails(session) -> None:
    """Each notice has a mail that tells it; what was sent has a text and an identity of its own."""
    mails = {mail.id: mail for mail in session.scalars(sa.select(MailRow))}
    for notice in session.scalars(sa.select(Notice)):
        assert notice.mail_id in mails, f"{notice.occasion} is told by no mail"
    sent = [mail for mail in mails.values() if mail.fate == "sent"]
    assert all(mail.text and mail.message_id for mail in sent)
    assert len({mail.message_id for mail in sent}) == len(sent)


def _ledger(session) -> None:
    """What is taken back was there, with the same amount, and is taken back once."""
    lines = {line.id: line for line in session.scalars(sa.select(LedgerLine))}
    taken_back = [line.reverses_id for line in lines.values() if line.reverses_id]
    assert len(taken_back) == len(set(taken_back))
    for line in lines.values():
        if line.reverses_id:
            assert lines[line.reverses_id].amount == line.amount
            assert lines[line.reverses_id].signed == -line.signed
