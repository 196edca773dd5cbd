"""The jobs that run by the clock. Whoever nudges them, each slot of a job is run once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ill_workflow import backlog, copies, outbox, runtime, signing_in, throttle
from ill_workflow.bootstrap import HANDLERS, Services
from ill_workflow.clock import machine_now
from ill_workflow.mail.sent import forget_texts
from ill_workflow.messages import exchanges
from ill_workflow.requests import due_dates
from workers.drain import take_back_abandoned, work_off

_log = logging.getLogger(__name__)

#: How long done work and runs of jobs are kept: there are thousands a day that find nothing to do.
KEPT_WORK, KEPT_RUNS, KEPT_NEWS = timedelta(days=7), timedelta(days=1), timedelta(days=30)
#: How long it is kept what a partner told of its patron, after the request is over: it may begin again for a while.
KEPT_PATRONS = timedelta(days=7)
#: How much is forgotten in one transaction.
AT_ONCE = 500


@dataclass(frozen=True)
class Job:
    """A job, and the seconds of its slots."""

    every: int
    work: Callable[[Services], str]


def fire_timers(services: Services) -> str:
    """Due dates to overdue, the ladder, no answer, long overdue to lost: whatever timer is due pulls its row."""
    fired = due_dates.fire_due(
        services.db, services.clock, work_off=lambda: work_off(services, "schedule_due_date_check")
    )
    return f"{fired.pulled} fired" + (f", {fired.failed} could not be fired" if fired.failed else "")


def sweep(services: Services) -> str:
    """Look for promised work that nobody has taken up."""
    take_back_abandoned(services)
    with services.db.reading() as session:
        kinds = outbox.kinds_to_do(session, HANDLERS)
    return f"{sum(work_off(services, kind) for kind in kinds)} done"


def housekeeping(services: Services) -> str:
    """Forget what nobody needs any more."""
    now = machine_now()
    with services.db.writing() as session:
        forgotten = signing_in.forget(session) + throttle.forget(session)
    with services.db.writing() as session:
        forgotten += backlog.forget(session, now - KEPT_WORK)
        forgotten += runtime.forget(session, now - KEPT_RUNS, now - KEPT_NEWS)
    letters = services.clock.now() - timedelta(days=services.settings.letter_days)
    with services.db.writing() as session:
        forgotten += forget_texts(session, letters)
    forgotten += _forget_the_wire(services)
    forgotten += copies.forget(services.settings.copies, now - timedelta(days=services.settings.copy_days))
    return f"{forgotten} forgotten"


def _forget_the_wire(services: Services) -> int:
    """What partners told of their patrons, and what went over the wire: a part at a time, so that nobody waits."""
    now, forgotten = services.clock.now(), 0
    before = now - timedelta(days=services.settings.wire_days)
    patrons = max(before, now - KEPT_PATRONS)
    for forget, since in ((exchanges.forget_patrons, patrons), (exchanges.forget, before)):
        found = AT_ONCE
        while found == AT_ONCE:
            with services.db.writing() as session:
                found = forget(session, since, AT_ONCE)
            forgotten += found
    return forgotten


JOBS: Mapping[str, Job] = {
    name: Job(runtime.JOBS[name].every, work)
    for name, work in (("fire_timers", fire_timers), ("sweep", sweep), ("housekeeping", housekeeping))
}


def run(services: Services, name: str, *, now: datetime | None = None, slot: str | None = None) -> str | None:
    """Run a job for the present slot. None: the slot has been taken already."""
    now = now or machine_now()
    slot = slot or str(int(now.timestamp()) // JOBS[name].every)
    with services.db.reading() as session:
        if runtime.is_taken(session, name, slot):
            return None
    with services.db.writing() as session:
        if not runtime.begin(session, name, slot, now):
            return None
    try:
        outcome = JOBS[name].work(services)
    except Exception as trouble:
        _log.exception("job %s failed", name)
        outcome = f"failed: {type(trouble).__name__}: {trouble}"
    with services.db.writing() as session:
        runtime.end(session, name, slot, machine_now(), outcome)
    return outcome


def run_for(services: Services, name: str, slot: str) -> str | None:
    """Run a job because somebody has asked for it. Raises Permanent for one that nobody knows."""
    if name not in JOBS:
        raise outbox.Permanent(f"There is no job {name!r}.")
    return run(services, name, slot=slot)
