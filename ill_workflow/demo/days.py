"""Lets days pass in a demo, one by one, so that each day's timers fire on their day."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from ill_workflow import timers
from ill_workflow.bootstrap import Services, turn_clock

DAY = timedelta(days=1)


def pass_time(everywhere: Sequence[Services], time: timedelta, *, fire: Callable[[], None]) -> None:
    """Turn the demo's clocks on, a day at a time. `fire` is called where timers are due, and waits until none is."""
    left = time
    while left > timedelta(0):
        step = min(DAY, left)
        for services in everywhere:
            turn_clock(services.db, step)
        left -= step
        if timers_are_due(everywhere):
            fire()


def timers_are_due(everywhere: Sequence[Services]) -> bool:
    return any(_are_due(services) for services in everywhere)


def _are_due(services: Services) -> bool:
    with services.db.reading() as session:
        return bool(timers.due(session, services.clock.now(), 1))
