"""Works off what was promised: claim, keep the lease, work, mark done. The pipeline of every effect task."""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.orm import Session

from ill_workflow import outbox
from ill_workflow.bootstrap import HANDLERS, Services
from ill_workflow.db import db_now
from ill_workflow.outbox import OUTWARD, Claimed, Permanent, TryLater, Uncertain

_log = logging.getLogger(__name__)

#: How much of a kind is claimed at once. What talks to the outside is claimed one by one: a lease is short.
BATCH = 20
#: How long a kind rests whose destination is down.
PAUSE = timedelta(seconds=5)
NONE = timedelta(0)


def work_off(
    services: Services, kind: str, ids: Sequence[int] | None = None, *, most: int = 500, patience: timedelta = NONE
) -> int:
    """Work off what waits of a kind, or these promises of it; how many were done.

    `patience` leaves alone what became due within it: a task for it is on its way.
    """
    done = tried = 0
    while tried < most:
        claims = _claim(services, kind, ids, patience)
        for claimed in claims:
            done += _do(services, claimed)
        tried += len(claims)
        if not claims or ids is not None:
            break
    return done


def work_off_all(services: Services) -> int:
    """Work until nothing is left that could be done now."""
    total = 0
    while done := sum(work_off(services, kind) for kind in HANDLERS):
        total += done
    return total


def _claim(services: Services, kind: str, ids: Sequence[int] | None, patience: timedelta) -> list[Claimed]:
    limit = 1 if kind in OUTWARD and ids is None else BATCH
    lease = timedelta(seconds=services.settings.lease_seconds)
    with services.db.writing() as session:
        return outbox.claim(session, kind, limit=limit, lease=lease, ids=ids, patience=patience)


def _do(services: Services, claimed: Claimed) -> bool:
    """One piece of work. Whatever goes wrong with it is written on it, and shown to people."""
    if claimed.kind not in OUTWARD and claimed.attempts > services.settings.max_attempts:
        _write(services, lambda session: outbox.bury(session, claimed, "Each worker that took it up died of it."))
        return False
    try:
        with _lease_kept(services, claimed):
            finish = HANDLERS[claimed.kind](services, claimed)
        with services.db.writing() as session:
            if not outbox.finish(session, claimed):
                return False
            if finish is not None:
                finish(session)
        return True
    except Permanent as trouble:
        reason = str(trouble)
        _write(services, lambda session: outbox.bury(session, claimed, reason))
    except Uncertain as trouble:
        reason = str(trouble)
        _write(services, lambda session: outbox.mark_uncertain(session, claimed, reason))
    except TryLater as trouble:
        _later(services, claimed, str(trouble), destination_down=trouble.destination_down)
    except Exception as trouble:  # whatever a handler meets, the promise stands
        _log.exception("%s %s failed", claimed.kind, claimed.id)
        _later(services, claimed, f"{type(trouble).__name__}: {trouble}")
    return False


def _later(services: Services, claimed: Claimed, reason: str, *, destination_down: bool = False) -> None:
    def write(session: Session) -> None:
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

    _write(services, write)


def _backoff(services: Services, attempts: int) -> timedelta:
    """Full jitter: anywhere between now and twice as late as after the attempt before."""
    settings = services.settings
    longest = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(0, longest))  # noqa: S311 - not a secret


def _write(services: Services, write: Callable[[Session], object]) -> None:
    with services.db.writing() as session:
        write(session)


@contextmanager
def _lease_kept(services: Services, claimed: Claimed) -> Iterator[None]:
    """Renew the lease in the background for as long as the work takes."""
    if claimed.kind not in OUTWARD:
        yield
        return
    done = threading.Event()
    lease = timedelta(seconds=services.settings.lease_seconds)

    def renew() -> None:
        while not done.wait(services.settings.lease_seconds / 3):
            try:
                _write(services, lambda session: outbox.renew(session, [claimed], lease))
            except Exception:  # the next turn tries again; without a lease another worker takes over
                _log.warning("the lease of %s could not be renewed", claimed.id, exc_info=True)

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
