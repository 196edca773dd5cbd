"""Rings for the workers: tells them, right after a commit, what has just been promised."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from celery import Celery

from workers.app import queue_of
from workers.wires import Ring, Wire, wire_to

_log = logging.getLogger(__name__)

#: Seconds in which a crowd gathers before it is rung for.
GATHER = 0.05
#: Seconds during which a broker that failed is left in peace.
PAUSE = 5.0


class CeleryBell:
    """Sends one Celery task per promise, `ill.<kind>` with its id; for a crowd one task of the kind, without an id.

    A crowd is more than `bound` of one kind within a second, or a queue that was longer than that when we last rang.
    It is rung for a moment later, once for all that came in the meantime. The bell may fail, and says so in `health()`,
    but never to its caller: what wasn't rung for is found in the database.
    """

    def __init__(
        self,
        app: Celery[Any],
        bound: int = 20,
        *,
        wire: Wire | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bound = bound
        #: Rings that were heard, that failed, and that were not tried since the one before had failed.
        self.heard, self.failures, self.skipped = 0, 0, 0
        self._wire = wire or wire_to(app)
        self._monotonic = monotonic
        self._lengths: dict[str, tuple[int, float]] = {}
        self._latest: dict[str, deque[float]] = {}
        self._crowds: set[str] = set()
        self._ringing_later: threading.Thread | None = None
        self._lock = threading.Lock()
        self._trouble: str | None = None
        self._try_again_at = 0.0

    def ring(self, rung: Sequence[tuple[int, str]]) -> None:
        """Tell the workers of these promises (id, kind). It takes 0.8 seconds at the very worst, and never raises."""
        if not rung or not self._may_try():
            return
        try:
            self._send(rung)
        except Exception as trouble:  # a deaf bell is no reason to fail
            self._failed(trouble)
        else:
            self.heard += 1
            self._succeeded()

    def health(self) -> str:
        """Ask the broker whether it is there: `rings`, or why the bell is silent."""
        if self._may_try():
            try:
                self._wire.ping()
            except Exception as trouble:
                self._failed(trouble)
            else:
                self._succeeded()
        if self._trouble is None:
            return "rings"
        return f"silent: {self._trouble} ({self.failures} rings failed, {self.skipped} were not tried)"

    def close(self) -> None:
        """Ring no more. It never raises either."""
        with suppress(Exception):
            self._wire.close()

    def _send(self, rung: Sequence[tuple[int, str]]) -> None:
        filled: dict[str, list[Ring]] = {}
        crowds: set[str] = set()
        for number, kind in rung:
            queue = queue_of(f"ill.{kind}")
            if self._is_a_crowd(kind, queue):
                crowds.add(kind)
            else:
                filled.setdefault(queue, []).append(Ring(f"ill.{kind}", (number,)))
        if filled:
            self._push(filled)
        if crowds:
            self._ring_later(crowds)

    def _is_a_crowd(self, kind: str, queue: str) -> bool:
        with self._lock:
            latest = self._latest.setdefault(kind, deque(maxlen=self.bound + 1))
            latest.append(self._monotonic())
            many = len(latest) > self.bound and latest[-1] - latest[0] < 1.0
        return many or self._waiting(queue) > self.bound

    def _waiting(self, queue: str) -> int:
        """How long the queue was a moment ago."""
        length, at = self._lengths.get(queue, (0, 0.0))
        return length if self._monotonic() - at < 1.0 else 0

    def _ring_later(self, kinds: set[str]) -> None:
        with self._lock:
            self._crowds |= kinds
            if self._ringing_later is None:
                self._ringing_later = threading.Thread(target=self._ring_for_crowds, name="bell", daemon=True)
                self._ringing_later.start()

    def _ring_for_crowds(self) -> None:
        """One task for each crowd, every now and then, until there is none. Should we die before: the sweep looks."""
        while True:
            time.sleep(GATHER)
            with self._lock:
                kinds, self._crowds = self._crowds, set()
                if not kinds:
                    self._ringing_later = None
                    return
            filled: dict[str, list[Ring]] = {}
            for kind in kinds:
                queue = queue_of(f"ill.{kind}")
                # Where so many wait one more would change nothing.
                enough = self._waiting(queue) > 4 * self.bound
                filled.setdefault(queue, []).extend([] if enough else [Ring(f"ill.{kind}")])
            try:
                self._push(filled)
            except Exception as trouble:
                self._failed(trouble)

    def _push(self, filled: Mapping[str, Sequence[Ring]]) -> None:
        lengths = self._wire.push(filled)
        now = self._monotonic()
        self._lengths.update((queue, (length, now)) for queue, length in lengths.items())

    def _may_try(self) -> bool:
        """After a failure one caller at a time tries again, and only when the pause is over."""
        if self._trouble is None:
            return True
        with self._lock:
            now = self._monotonic()
            if now < self._try_again_at:
                self.skipped += 1
                return False
            self._try_again_at = now + PAUSE
            return True

    def _failed(self, trouble: Exception) -> None:
        with self._lock:
            if self._trouble is None:
                _log.warning("The bell is silent, the sweep delivers: %s", trouble)
            self.failures += 1
            self._trouble = str(trouble) or type(trouble).__name__
            self._try_again_at = self._monotonic() + PAUSE

    def _succeeded(self) -> None:
        with self._lock:
            if self._trouble is not None:
                _log.warning("The bell rings again.")
            self._trouble = None
