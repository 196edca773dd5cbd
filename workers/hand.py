"""Claims in hand: their leases are kept while the work lasts, and what is not begun is given back."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from ill_workflow import outbox
from ill_workflow.bootstrap import Services
from ill_workflow.outbox import Claimed

_log = logging.getLogger(__name__)

#: Seconds after which what was claimed and not begun is given back: something slow is in front of it.
GIVE_BACK = 1.0


class Hand:
    """Give out one claim after the other. Work that takes longer than anything may is no longer kept from others."""

    def __init__(self, services: Services, claims: Sequence[Claimed]) -> None:
        self._services = services
        self._ahead, self._begun = deque(claims), list[Claimed]()
        self._since = time.monotonic()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeps leases", daemon=True)

    def __enter__(self) -> "Hand":
        self._keeper.start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._over.set()
        self._keeper.join()

    def __iter__(self) -> Iterator[Claimed]:
        while True:
            with self._lock:
                if not self._ahead:
                    return
                self._begun.append(claimed := self._ahead.popleft())
                self._since = time.monotonic()
            yield claimed

    def those_like(self, like: Callable[[Claimed], bool]) -> list[Claimed]:
        """Begin all of what lies ahead that is like this."""
        with self._lock:
            found = [claimed for claimed in self._ahead if like(claimed)]
            self._ahead = deque(claimed for claimed in self._ahead if not like(claimed))
            self._begun += found
        return found

    def give_back_the_rest(self) -> None:
        """Something is in the way: what was not begun is for others, or for later."""
        with self._lock:
            rest = list(self._ahead)
            self._ahead.clear()
        self.give_back(rest)

    def give_back(self, claims: Sequence[Claimed]) -> None:
        if claims:
            with self._lock:
                self._begun = [claimed for claimed in self._begun if claimed not in claims]
            self._write(lambda session: outbox.give_back(session, claims))

    def _keep(self) -> None:
        settings = self._services.settings
        if self._over.wait(min(GIVE_BACK, settings.lease_seconds / 3)):
            return
        self.give_back_the_rest()
        lease = timedelta(seconds=settings.lease_seconds)
        while time.monotonic() - self._since < settings.longest_work_seconds:
            self._write(lambda session: outbox.renew(session, self._begun, lease))
            if self._over.wait(settings.lease_seconds / 3):
                return
        _log.error("%s takes too long, and is left to others", self._begun[-1].kind)

    def _write(self, write: Callable[[Session], object]) -> None:
        try:
            with self._services.db.writing() as session:
                write(session)
        except Exception:  # the next turn tries again; without a lease another worker takes over
            _log.warning("leases could not be kept", exc_info=True)
