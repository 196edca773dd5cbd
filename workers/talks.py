"""Calls under way: a worker speaks with a few at once, and takes up the next when one has answered."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait


class Talks:
    """Up to so many talks at once, each in a thread of its own; with one alone, in that of whoever begins it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="talks") if most > 1 else None
        self._under_way = set[Future[int]]()

    def __enter__(self) -> "Talks":
        return self

    def __exit__(self, *trouble: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def begin(self, talk: Callable[[], int]) -> int:
        """Begin it, and wait until there is room for another; how much those have done that are over."""
        if self._pool is None:
            return talk()
        try:
            self._under_way.add(self._pool.submit(talk))
        except RuntimeError:  # the program is ending, and lets nothing begin in a thread any more
            return talk()
        return self._wait() if len(self._under_way) >= self._most else 0

    def end(self) -> int:
        """Wait for all; how much they have done."""
        done = 0
        while self._under_way:
            done += self._wait()
        return done

    def _wait(self) -> int:
        over, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
        return sum(talk.result() for talk in over)
