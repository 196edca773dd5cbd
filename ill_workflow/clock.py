"""The two clocks: the calendar, which a demo may turn, and the machine's own, which nobody turns."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the calendar time: an aware instant in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The calendar time is the machine's."""

    def now(self) -> datetime:
        return machine_now()


class FixedClock:
    """Stands still until somebody turns it."""

    def __init__(self, at: datetime) -> None:
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def turn(self, to: datetime) -> None:
        self.at = to.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self.at += by


class TurnedClock:
    """The machine's time and an offset that is asked for anew each time."""

    def __init__(self, offset: Callable[[], timedelta]) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return machine_now() + self._offset()


def machine_now() -> datetime:
    """The machine's own time, for leases, retries and signatures. Never turned."""
    return datetime.now(UTC)
