"""Works off what was promised: claim, keep the lease, work, mark done. The pipeline of every effect task."""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from ill_workflow import outbox
from ill_workflow.bootstrap import HANDLERS, Services
from ill_workflow.db import db_now
from ill_workflow.outbox import OUTWARD, Claimed, Finish, Outside, Permanent, TryLater, Uncertain

_log = logging.getLogger(__name__)

#: How much of a kind is claimed at once.
BATCH = 20
#: Kinds whose work waits for earlier work of its lane.
IN_LANES = frozenset({"send_message"})
#: Seconds after which what was claimed and not begun is given back: something slow is in front of it.
GIVE_BACK = 1.0
#: How long a kind rests whose destination is down.
PAUSE = timedelta(seconds=5)
NONE = timedelta(0)


@dataclass(frozen=True)
class _Worked:
    """What came of one piece of work: it is done when `finish` is written, or went wrong."""

    claimed: Claimed
    finish: Finish | None = None
    trouble: Exception | None = None


def work_off(
    services: Services, kind: str, ids: Sequence[int] | None = None, *, most: int = 500, patience: timedelta = NONE
) -> int:
    """Work off what waits of a kind, or these promises of it; how many were done.

    `patience` leaves alone what became due within it: a task for it is on its way.
    """
    done = tried = 0
    while tried < most:
        claims = _claim(services, kind, ids, patience)
        done += _work(services, claims)
        tried += len(claims)
        # A batch that is not full took all there was: what comes later is rung for later. But behind a message
        # another of its lane may have waited.
        if not claims or ids is not None or (len(claims) < BATCH and kind not in IN_LANES):
            break
    return done


def work_off_all(services: Services) -> int:
    """Work until nothing is left that could be done now."""
    total = 0
    while done := sum(work_off(services, kind) for kind in HANDLERS):
        total += done
    return total


def take_back_abandoned(services: Services) -> int:
    """Free what workers have left behind: their leases have run out."""
    with services.db.reading() as session:
        if not outbox.any_abandoned(session):
            return 0
    with services.db.writing() as session:
        return outbox.take_back_abandoned(session, services.settings.max_deaths)


def _claim(services: Services, kind: str, ids: Sequence[int] | None, patience: timedelta) -> list[Claimed]:
    lease = timedelta(seconds=services.settings.lease_seconds)
    with services.db.writing() as session:
        return outbox.claim(session, kind, limit=BATCH, lease=lease, ids=ids, patience=patience)


def _work(services: Services, claims: Sequence[Claimed]) -> int:
    """Do what was claimed. What is only rows is recorded together; what went outside at once, and by itself."""
    if not claims:
        return 0
    done, waiting = 0, list[_Worked]()
    with _Hand(services, claims) as hand:
        for claimed in hand:
            work = _begin(services, claimed)
            if isinstance(work, Outside):
                done += _record(services, waiting)
                done += _record(services, [_attempt(claimed, work.talk)])
                waiting = []
            else:
                waiting.append(work)
        done += _record(services, waiting)
    return done


def _begin(services: Services, claimed: Claimed) -> _Worked | Outside:
    """One piece of work. Whatever goes wrong with it is written on it, and shown to people."""
    work: Outside | None = None

    def handle() -> Finish | None:
        nonlocal work
        found = HANDLERS[claimed.kind](services, claimed)
        if isinstance(found, Outside):
            work = found
            return None
        return found

    worked = _attempt(claimed, handle)
    return work or worked


def _attempt(claimed: Claimed, work: Callable[[], Finish | None]) -> _Worked:
    try:
        return _Worked(claimed, work())
    except Exception as trouble:  # whatever a handler meets, the promise stands
        return _Worked(claimed, trouble=trouble)


def _record(services: Services, worked: Sequence[_Worked]) -> int:
    """Mark work as done with what it writes, or put it off, or give it up; how much was done."""
    if not worked:
        return 0
    with services.db.writing() as session:
        plain = [w.claimed for w in worked if w.trouble is None and w.finish is None]
        done = len(outbox.finish(session, plain)) if plain else 0
        # In the order of the requests that they lock, so that two workers don't wait for each other.
        for w in sorted(worked, key=lambda w: (w.claimed.request_id or 0, w.claimed.id)):
            if w.trouble is not None:
                _went_wrong(services, session, w.claimed, w.trouble)
            elif w.finish is not None:
                done += _finish(services, session, w.claimed, w.finish)
    return done


def _finish(services: Services, session: Session, claimed: Claimed, finish: Finish) -> bool:
    try:
        with session.begin_nested():
            if not outbox.finish(session, [claimed]):
                return False
            finish(session)
        return True
    except Exception as trouble:
        _went_wrong(services, session, claimed, trouble)
        return False


def _went_wrong(services: Services, session: Session, claimed: Claimed, trouble: Exception) -> None:
    match trouble:
        case Permanent():
            outbox.bury(session, claimed, str(trouble))
        case Uncertain():
            outbox.mark_uncertain(session, claimed, str(trouble))
        case TryLater():
            _later(services, session, claimed, str(trouble), destination_down=trouble.destination_down)
        case _:
            _log.error("%s %s failed", claimed.kind, claimed.id, exc_info=trouble)
            _later(services, session, claimed, f"{type(trouble).__name__}: {trouble}")


def _later(
    services: Services, session: Session, claimed: Claimed, reason: str, *, destination_down: bool = False
) -> None:
    settings = services.settings
    age = db_now(session) - claimed.created_at
    outward = claimed.kind in OUTWARD
    if outward and age > timedelta(hours=settings.give_up_hours):
        outbox.bury(session, claimed, f"Given up after {settings.give_up_hours:g} hours: {reason}")
    elif not outward and not destination_down and claimed.attempts >= settings.max_attempts:
        outbox.bury(session, claimed, f"Given up after {claimed.attempts} attempts: {reason}")
    elif destination_down:
        outbox.pause(session, claimed.kind, PAUSE, reason)
        outbox.postpone(session, claimed, reason, PAUSE, burns=False)
    else:
        outbox.postpone(session, claimed, reason, _backoff(services, claimed.attempts))


def _backoff(services: Services, attempts: int) -> timedelta:
    """Full jitter: anywhere between now and twice as late as after the attempt before."""
    settings = services.settings
    longest = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(0, longest))  # noqa: S311 - not a secret


class _Hand:
    """Claims in hand. Their leases are kept while the work lasts; what is not begun after a second is given back."""

    def __init__(self, services: Services, claims: Sequence[Claimed]) -> None:
        self._services = services
        self._ahead, self._begun = deque(claims), list[Claimed]()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeps leases", daemon=True)

    def __enter__(self) -> "_Hand":
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
            yield claimed

    def _keep(self) -> None:
        lease = self._services.settings.lease_seconds
        if self._over.wait(min(GIVE_BACK, lease / 3)):
            return
        with self._lock:
            rest = list(self._ahead)
            self._ahead.clear()
        if rest:
            self._write(lambda session: outbox.give_back(session, rest))
        while True:
            self._write(lambda session: outbox.renew(session, self._begun, timedelta(seconds=lease)))
            if self._over.wait(lease / 3):
                return

    def _write(self, write: Callable[[Session], object]) -> None:
        try:
            with self._services.db.writing() as session:
                write(session)
        except Exception:  # the next turn tries again; without a lease another worker takes over
            _log.warning("leases could not be kept", exc_info=True)
