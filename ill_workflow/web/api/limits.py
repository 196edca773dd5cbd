"""How much one caller may ask for in a minute: so much at once, and as it flows back."""

import math
import threading
import time
from collections.abc import Callable

from ill_workflow.web.api.problems import TooMany

#: Most callers that are remembered; of more, those that have asked for the least are forgotten.
MOST_REMEMBERED = 10_000


class Limit:
    """A bucket for each caller, in this process: with several web processes each allows as much."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self._now = per_minute, now
        self._levels: dict[object, tuple[float, float]] = {}  # caller -> what was taken, and when that was so
        self._lock = threading.Lock()

    def take(self, caller: object) -> None:
        """Count one. Raises TooMany, with the seconds after which it goes on; that one is not counted."""
        with self._lock:
            level = self._level(caller)
            if level + 1 > self.per_minute:
                raise TooMany(max(1, math.ceil((level + 1 - self.per_minute) * 60 / self.per_minute)))
            self._levels[caller] = level + 1, self._now()
            if len(self._levels) > MOST_REMEMBERED:
                self._forget()

    def check(self, caller: object) -> None:
        """Raises TooMany where nothing is left; counts nothing."""
        with self._lock:
            level = self._level(caller)
        if level + 1 > self.per_minute:
            raise TooMany(max(1, math.ceil((level + 1 - self.per_minute) * 60 / self.per_minute)))

    def _level(self, caller: object) -> float:
        level, at = self._levels.get(caller, (0.0, self._now()))
        return max(0.0, level - (self._now() - at) * self.per_minute / 60)

    def _forget(self) -> None:
        full = sorted(self._levels, key=self._level, reverse=True)
        self._levels = {caller: self._levels[caller] for caller in full[: MOST_REMEMBERED // 2]}
