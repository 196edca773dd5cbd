"""Works off what was promised: claim, keep the lease, work, mark done. The pipeline of every effect task."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneIsFree
from sqlalchemy.orm import Session

from ill_workflow import outbox
from ill_workflow.bootstrap import TOGETHER, Services
from ill_workflow.db import db_now
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent, TryLater, Uncertain
from ill_workflow.pauses import LONGEST_PAUSE, MAIL, PARTNER, goes_out, pause
from ill_workflow.requests.consequences import IN_ORDER
from workers.hand import Hand
from workers.talks import Talks

_log = logging.getLogger(__name__)

#: How much of a kind is claimed at once.
BATCH = 20
#: How many calls to partners a worker has under way at once; never two to one partner about the same request.
CALLS = 4
#: What is written on what went out although a worker had vanished with it before.
SENT_TWICE = "A worker vanished in the middle: it may have been sent twice."
#: What PostgreSQL says to one of two who wait for each other, or to one who has waited long enough.
IN_EACH_OTHERS_WAY = frozenset({"40P01", "40001", "55P03"})
#: How long a destination rests that is down.
PAUSE = timedelta(seconds=5)
NONE = timedelta(0)


@dataclass(frozen=True)
class _Worked:
    """What came of one piece of work: it is done when `finish` is written, or went wrong."""

    claimed: Claimed
    finish: Finish | None = None
    trouble: Exception | None = None
    sent: bool = False  #: it has happened outside, and must not happen again


def work_off(
    services: Services,
    kind: str,
    ids: Sequence[int] | None = None,
    *,
    most: int = 500,
    patience: timedelta = NONE,
    calls: int = 1,
) -> int:
    """Work off what waits of a kind, or these promises of it; how many were done.

    `patience` leaves alone what became due within it: a task for it is on its way. `calls`: how many to
    partners may be under way at once.
    """
    done = tried = 0
    while tried < most:
        claims = _claim(services, kind, ids, patience)
        done += _work(services, claims, calls)
        tried += len(claims)
        # A batch that is not full took all there was: what comes later is rung for later. But behind a message another
        # of its lane may have waited, and what was left behind is taken alone.
        all_there_was = len(claims) < BATCH and kind not in IN_ORDER and not any(claimed.left for claimed in claims)
        if not claims or ids is not None or all_there_was:
            break
    return done


def work_off_all(services: Services) -> int:
    """Work until nothing is left that could be done now."""
    total = 0
    while True:
        with services.db.reading() as session:
            kinds = outbox.kinds_to_do(session, services.handlers)
        done = sum(work_off(services, kind) for kind in kinds)
        if not done:
            return total
        total += done


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


def _work(services: Services, claims: Sequence[Claimed], calls: int) -> int:
    """Do what was claimed. What is only rows is recorded together; what went outside at once, and by itself."""
    if not claims:
        return 0
    done, waiting = 0, list[_Worked]()
    with Hand(services, claims) as hand, Talks(min(calls, len(claims))) as talks:
        for claimed in hand:
            group = [claimed, *_companions(hand, claimed)]
            work = _begin(services, group)
            if len(group) > 1 and isinstance(work, _Worked):
                # One of them is broken, and shall not spoil the others: each by itself then.
                hand.give_back(group[1:])
                group = [claimed]
                work = _begin(services, group)
            if isinstance(work, Outside):
                done += _record(services, waiting)
                waiting = []
                # Only where the other side knows a repeat does it no harm to have begun several when a worker dies.
                talk = partial(_talk_it_over, services, hand, group, work)
                done += talks.begin(talk) if work.recognised else talk()
            else:
                waiting += [replace(work, claimed=one) for one in group]
        done += _record(services, waiting) + talks.end()
    return done


def _talk_it_over(services: Services, hand: Hand, group: Sequence[Claimed], work: Outside) -> int:
    """Talk to the outside, and record what came of it."""
    worked = _talk(group, work)
    done = _record_surely(services, worked)
    if isinstance(worked[0].trouble, Uncertain) or getattr(worked[0].trouble, "down", None):
        hand.give_back_the_rest()
    return done


def _companions(hand: Hand, claimed: Claimed) -> list[Claimed]:
    """What is done together with this, where several wait at once."""
    together = TOGETHER.get(claimed.kind)
    if together is None or claimed.left:
        return []
    key = together.key(claimed)
    return hand.those_like(lambda other: other.left == 0 and together.key(other) == key)


def _talk(group: Sequence[Claimed], work: Outside) -> list[_Worked]:
    """It happens once for all of them; what is left to write is written with the first."""
    first = replace(_attempt(group[0], work.talk), sent=not work.recognised)
    return [first, *(replace(first, claimed=one, finish=None) for one in group[1:])]


def _begin(services: Services, group: Sequence[Claimed]) -> _Worked | Outside:
    """One piece of work. Whatever goes wrong with it is written on it, and shown to people."""
    claimed, work = group[0], None

    def handle() -> Finish | None:
        nonlocal work
        if len(group) > 1:
            found: Finish | Outside | None = TOGETHER[claimed.kind].handler(services, group)
        else:
            found = services.handlers[claimed.kind](services, claimed)
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
    """Mark work as done with what it writes, or put it off, or give it up; how much was done.

    Where that can't be done for all of it at once, it is done for each by itself.
    """
    if not worked:
        return 0
    try:
        with services.db.writing(patient=False) as session:
            mine = outbox.still_ours(session, [w.claimed for w in worked])
            plain = [w.claimed for w in worked if w.trouble is None and w.finish is None]
            done = len(outbox.finish(session, plain)) if plain else 0
            # In the order of the requests that they lock, so that two workers don't wait for each other.
            for w in sorted(worked, key=lambda w: (w.claimed.request_id or 0, w.claimed.id)):
                if w.claimed.id in mine and (w.trouble or w.finish):
                    done += _conclude(services, session, w)
            return done
    except DBAPIError:
        if len(worked) == 1:
            raise
        _log.warning("what was done together is recorded one by one", exc_info=True)
    return sum(_record(services, [w]) for w in worked)


def _record_surely(services: Services, worked: Sequence[_Worked]) -> int:
    """What has happened outside can't be taken back: while the database is away, wait for it."""
    until = time.monotonic() + services.settings.record_seconds
    while True:
        try:
            return _record(services, worked)
        except (DBAPIError, NoneIsFree):  # where connections hang, those who wait get none
            if time.monotonic() > until:
                raise
            _log.warning("%s is done, and can't be recorded yet", worked[0].claimed.kind)
            time.sleep(0.5)


def _conclude(services: Services, session: Session, worked: _Worked) -> bool:
    claimed, trouble = worked.claimed, worked.trouble
    rung = len(session.info.get("promised", ()))
    if trouble is None and worked.finish is not None:
        try:
            with session.begin_nested():
                outbox.finish(session, [claimed])
                if claimed.left and claimed.destination == MAIL:
                    outbox.keep_answer(session, claimed, SENT_TWICE)
                worked.finish(session)
            return True
        except Exception as error:
            # What was promised in vain is not rung for.
            del session.info.get("promised", [])[rung:]
            trouble = error
            if worked.sent:
                trouble = Uncertain(f"It was sent, and could not be recorded: {type(error).__name__}: {error}")
    with session.begin_nested():
        _went_wrong(services, session, claimed, trouble or RuntimeError("nothing came of it"))
    return False


def _went_wrong(services: Services, session: Session, claimed: Claimed, trouble: Exception) -> None:
    match trouble:
        case Permanent():
            outbox.bury(session, claimed, str(trouble))
        case Uncertain():
            outbox.mark_uncertain(session, claimed, str(trouble))
            if goes_out(claimed.destination):  # a server that answers nothing should not get all the others, too
                pause(session, claimed.destination, PAUSE, str(trouble))
        case TryLater():
            _later(services, session, claimed, str(trouble), down=trouble.down, after=trouble.after)
        case DBAPIError() if getattr(trouble.orig, "sqlstate", None) in IN_EACH_OTHERS_WAY:
            # Somebody else had the same request in hand: a moment later it is free.
            outbox.postpone(session, claimed, "The request was in somebody else's hands.", _soon(), burns=False)
        case _:
            _log.error("%s %s failed", claimed.kind, claimed.id, exc_info=trouble)
            _later(services, session, claimed, f"{type(trouble).__name__}: {trouble}", by_age=False)


def _later(
    services: Services, session: Session, claimed: Claimed, reason: str, *, down: str | None = None,
    after: timedelta | None = None, by_age: bool = True,
) -> None:  # fmt: skip
    settings = services.settings
    age = db_now(session) - claimed.created_at
    outward = by_age and (goes_out(claimed.destination) or down is not None)
    too_old = outward and after is None and age > timedelta(hours=settings.give_up_hours)
    # While all workers were away it grew old untried: then it is not given up at the first trouble.
    if too_old and outbox.has_failed_before(session, claimed):
        outbox.bury(session, claimed, f"Given up after {settings.give_up_hours:g} hours: {reason}")
    elif not outward and claimed.attempts >= settings.max_attempts:
        outbox.bury(session, claimed, f"Given up after {claimed.attempts} attempts: {reason}")
    elif down is not None:
        rest = pause(session, down, PAUSE, reason)
        if down.startswith(PARTNER):
            # Behind the others that wait for it: it may be this very message that its system can't bear.
            rest = max(rest, min(age / 2, LONGEST_PAUSE))
        outbox.postpone(session, claimed, reason, rest, burns=False)
    elif after is not None:
        outbox.postpone(session, claimed, reason, after, burns=False)
    else:
        outbox.postpone(session, claimed, reason, _backoff(services, claimed.attempts))


def _soon() -> timedelta:
    return timedelta(seconds=random.uniform(0.1, 1.0))  # noqa: S311 - not a secret


def _backoff(services: Services, attempts: int) -> timedelta:
    """Full jitter: anywhere between a moment from now and twice as late as after the attempt before."""
    settings = services.settings
    longest = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(0.1, max(0.1, longest)))  # noqa: S311 - not a secret
