"""Keeps the timers of requests as their dates say, and lets those that are due pull their rows."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.requests import actions
from ill_workflow.requests.facts import gather, lifecycle_of
from state_machines.schedule import timers_for

_log = logging.getLogger(__name__)

#: How many timers one look takes, and how many looks one run has.
BATCH, MOST_BATCHES = 200, 50
#: When a timer that could not be fired is tried again.
LATER = timedelta(minutes=10)


@dataclass
class Fired:
    """How many timers pulled a row, and how many could not be fired."""

    pulled: int = 0
    failed: int = 0


def rebuild(session: Session, request_id: int, clock: Clock) -> None:
    """Replace the timers of a request by those that it should have now."""
    request = actions.locked(session, request_id)
    facts = gather(session, request, clock.now())
    wanted = timers_for(lifecycle_of(request), request, facts, timers.fired(session, request_id))
    timers.replace(session, request_id, [timers.Wanted(t.name, t.due_at, t.slot) for t in wanted])


def fire_due(db: Database, clock: Clock, *, work_off: Callable[[], object] | None = None) -> Fired:
    """Fire every timer that is due, each in a transaction of its own.

    Where the calendar has jumped, what a timer brings may be due as well: it is found by the next look, once its
    `schedule_due_date_check` is done; `work_off` is called between two looks for those who can't wait.
    """
    fired = Fired()
    for _ in range(MOST_BATCHES):
        with db.reading() as session:
            due = timers.due(session, clock.now(), BATCH)
        for request_id, name, _slot in due:
            _fire(db, request_id, name, clock, fired)
        if not due:
            break
        if work_off:
            work_off()
    return fired


def _fire(db: Database, request_id: int, name: str, clock: Clock, fired: Fired) -> None:
    try:
        with db.writing() as session:
            outcome = actions.fire(session, actions.locked(session, request_id), name, clock=clock)
        fired.pulled += outcome is not None
    except Exception as trouble:  # one request that can't be moved must not hold up the others
        fired.failed += 1
        _log.error("timer %s of request %s could not be fired", name, request_id, exc_info=trouble)
        with db.writing() as session:
            timers.put_off(session, request_id, name, clock.now() + LATER)
