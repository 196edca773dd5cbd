"""Keeps the timers of requests as their dates say, and lets those that are due pull their rows."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.outbox import Promise, promise
from ill_workflow.requests import actions
from ill_workflow.requests.facts import gather, set_timers
from ill_workflow.requests.models import Request
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.lending import LENDING as LENDING_LIFECYCLE

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
    set_timers(session, request, gather(session, request, clock.now()))


def reckon_anew(session: Session, library_id: int, partner_id: int | None = None) -> int:
    """Calendars or terms have changed: rebuild the timers of all open requests of a library, or of one partner."""
    lifecycles = (BORROWING_LIFECYCLE, LENDING_LIFECYCLE)
    mine = sa.select(Request.id).where(Request.library_id == library_id)
    open_ = sa.or_(
        *((Request.side == lifecycle.name) & Request.state.not_in(lifecycle.terminal) for lifecycle in lifecycles)
    )
    rows = mine.where(open_) if partner_id is None else mine.where(open_, Request.partner_id == partner_id)
    change = secrets.token_hex(8)
    chores = [
        Promise("schedule_due_date_check", f"{change}:{number}", library_id=library_id, request_id=number)
        for number in session.scalars(rows)
    ]
    return len(promise(session, chores))


def fire_due(db: Database, clock: Clock, *, work_off: Callable[[], object] | None = None) -> Fired:
    """Fire every timer that is due, each in a transaction of its own.

    Where the calendar has jumped, what a timer brings may be due as well: it is found by the next look, once its
    `schedule_due_date_check` is done; `work_off` is called between two looks for those who can't wait.
    """
    fired = Fired()
    for _ in range(MOST_BATCHES):
        with db.reading() as session:
            due = timers.due(session, clock.now(), BATCH)
        for request_id, name, slot in due:
            _fire(db, request_id, name, slot, clock, fired)
        if not due:
            break
        if work_off:
            work_off()
    return fired


def _fire(db: Database, request_id: int, name: str, slot: str, clock: Clock, fired: Fired) -> None:
    try:
        with db.writing() as session:
            outcome = actions.fire(session, actions.locked(session, request_id), name, clock=clock)
        fired.pulled += outcome is not None
    except Exception as trouble:  # one request that can't be moved must not hold up the others
        fired.failed += 1
        _log.error("timer %s of request %s could not be fired", name, request_id, exc_info=trouble)
        with db.writing() as session:
            timers.put_off(session, request_id, name, slot, clock.now() + LATER)
