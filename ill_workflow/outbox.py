"""Promised work: written with the transition that promises it, claimed, done once, or shown to a person."""

import itertools
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime, db_time
from ill_workflow.pauses import PARTNER, is_resting, one_to_try, printable

#: What is left to write when work is marked done, in the same transaction.
Finish = Callable[[Session], None]

READY, RUNNING, DONE, DEAD, UNCERTAIN, WITHDRAWN = "ready", "running", "done", "dead", "uncertain", "withdrawn"
OPEN, NEEDS_A_PERSON = (READY, RUNNING), (DEAD, UNCERTAIN)
LEFT_BEHIND = "Each worker that took it up was never heard of again."


def _partial(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(f"ix_effect_{name}", *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


class EffectRow(Base):
    """One piece of promised work. All its times are the database's own."""

    __tablename__ = "effect"
    # What is done stays, and is the most by far: the looks that happen every second pass it by.
    __table_args__ = (
        _partial("ready", "kind", "available_at", "id", where=f"status = '{READY}'"),
        _partial("running", "lease_until", where=f"status = '{RUNNING}'"),
        _partial("attention", "library_id", where=f"status IN ('{DEAD}', '{UNCERTAIN}')"),
        _partial("reader", "reader", where=f"status = '{READY}' AND reader IS NOT NULL"),
        sa.Index(None, "lane", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    argument: Mapped[str] = mapped_column(sa.String(64), default="")
    destination: Mapped[str] = mapped_column(sa.String(32), default="")
    library_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    dedupe_key: Mapped[str] = mapped_column(sa.String(128), unique=True)
    lane: Mapped[str | None] = mapped_column(sa.String(64))  #: work of one lane is done in the order of its promises
    reader: Mapped[str | None] = mapped_column(sa.String(64))  #: what is for one reader may be told in one mail
    status: Mapped[str] = mapped_column(sa.String(16), default=READY)
    attempts: Mapped[int] = mapped_column(default=0)
    left: Mapped[int] = mapped_column(default=0)  #: how often a worker took it up and was never heard of again
    available_at: Mapped[datetime] = mapped_column(UTCDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    token: Mapped[str | None] = mapped_column(sa.String(32))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    answer: Mapped[str | None] = mapped_column(sa.Text)  #: what another system said to it


@dataclass(frozen=True)
class Promise:
    """Work to be promised. The same `dedupe_key` is promised once."""

    kind: str
    dedupe_key: str
    argument: str = ""
    library_id: int | None = None
    request_id: int | None = None
    event_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    lane: str | None = None
    destination: str = ""
    reader: str | None = None
    delay: timedelta = timedelta(0)  #: until it is to be begun


@dataclass(frozen=True)
class Claimed:
    """Work that a worker has taken, with the token that proves it."""

    id: int
    kind: str
    argument: str
    destination: str
    library_id: int | None
    request_id: int | None
    event_id: int | None
    payload: dict[str, Any]
    attempts: int
    left: int
    token: str
    created_at: datetime
    reader: str | None = None


@dataclass(frozen=True)
class Outside:
    """Work that talks to the outside: it is begun alone, and what came of it is recorded before anything else."""

    talk: Callable[[], Finish | None]
    recognised: bool = False  #: the other side knows a repeat when it sees one: what can't be recorded is done again


class Bell(Protocol):
    """Tells workers that something was promised. Never fails, and may be deaf."""

    def ring(self, rung: Sequence[tuple[int, str]]) -> None: ...

    def health(self) -> str: ...


class SilentBell:
    """Rings nothing: the sweep delivers."""

    def ring(self, rung: Sequence[tuple[int, str]]) -> None:
        return None

    def health(self) -> str:
        return "no bell: workers find the work by themselves"


class Permanent(Exception):
    """It will never work like this: a person has to mend something."""


class Uncertain(Exception):
    """Nobody can know whether it arrived."""


class TryLater(Exception):
    """It may work later. `down` names a destination to which nothing gets through: it rests, and no attempt burns.

    `after` says how much later, where that is known better than by the attempts.
    """

    def __init__(self, reason: str, *, down: str | None = None, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.down, self.after = down, after


def insert_new(
    session: Session, table: type[Base], rows: Sequence[dict[str, Any]], *columns: Any, **same: Any
) -> list[Any]:
    """Insert rows, leaving out those that a unique key refuses; these columns of the new ones.

    `same` are values or expressions for all of them.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    into: Any = sa.inspect(table).local_table
    statement: Any = insert(into).values(**same).on_conflict_do_nothing()
    return list(session.execute(statement.returning(*columns), list(rows)))


def promise(session: Session, promises: Sequence[Promise]) -> list[int]:
    """Write down work in the caller's transaction; the bell is rung after its commit."""
    if not promises:
        return []
    now, new = db_time(session), list[tuple[int, str]]()
    columns = (EffectRow.id, EffectRow.kind)
    for delay in sorted({p.delay for p in promises}):
        rows = [_row(p) for p in promises if p.delay == delay]
        begun = db_time(session, delay) if delay else now
        inserted = insert_new(session, EffectRow, rows, *columns, available_at=begun, created_at=now)
        new += [(number, kind) for number, kind in inserted]
        if not delay:
            # What waits until later nobody has to be told of now.
            session.info.setdefault("promised", []).extend(sorted((number, kind) for number, kind in inserted))
    return sorted(number for number, _ in new)


def _row(p: Promise) -> dict[str, Any]:
    return {
        "kind": p.kind, "argument": p.argument, "destination": p.destination, "library_id": p.library_id,
        "request_id": p.request_id, "event_id": p.event_id, "payload": p.payload, "dedupe_key": p.dedupe_key,
        "lane": p.lane, "reader": p.reader, "status": READY, "attempts": 0, "left": 0,
    }  # fmt: skip


def claim(
    session: Session,
    kind: str,
    *,
    limit: int,
    lease: timedelta,
    ids: Sequence[int] | None = None,
    patience: timedelta = timedelta(0),
) -> list[Claimed]:
    """Take work of a kind: counts the attempt, and gives a new token.

    An effect waits for the earlier ones of its lane, while its destination is down for the pause, and while another
    worker speaks with its partner: one that hangs holds up one worker. What a worker has left behind may have been its
    death, so it is taken alone.
    """
    wanted = sa.select(EffectRow.id, EffectRow.left, EffectRow.destination).where(
        _waits(session, kind, patience), _next_in_lane(), ~is_resting(session, EffectRow.destination), ~_spoken_with()
    )
    if ids is not None:
        wanted = wanted.where(EffectRow.id.in_(ids))
    wanted = wanted.order_by(EffectRow.available_at, EffectRow.id).limit(limit).with_for_update(skip_locked=True)
    found = session.execute(wanted).all()
    taken = list(itertools.takewhile(lambda row: row.left == 0, found)) or found[:1]
    return _take(session, one_to_try(session, [(row.id, row.destination) for row in taken]), lease)


def _next_in_lane() -> sa.ColumnElement[bool]:
    """Whether nothing of the same lane is to be done before."""
    earlier = sa.orm.aliased(EffectRow)
    blocked = sa.exists().where(earlier.lane == EffectRow.lane, earlier.id < EffectRow.id, earlier.status.in_(OPEN))
    return EffectRow.lane.is_(None) | ~blocked


def _spoken_with() -> sa.ColumnElement[bool]:
    """Whether a worker has something in hand for the same partner."""
    other = sa.orm.aliased(EffectRow)
    running = other.status == sa.literal(RUNNING, literal_execute=True)
    to_partner = EffectRow.destination.startswith(PARTNER)
    return to_partner & sa.exists().where(running, other.destination == EffectRow.destination)


def take_along(session: Session, claimed: Claimed, most: int, lease: timedelta) -> list[Claimed]:
    """Take what else waits for the same reader and was never tried, whether or not its time has come."""
    if claimed.reader is None:
        return []
    same = (EffectRow.kind == claimed.kind) & (EffectRow.reader == claimed.reader)
    wanted = sa.select(EffectRow.id).where(is_now(READY), same, EffectRow.attempts == 0, EffectRow.left == 0)
    wanted = wanted.order_by(EffectRow.id).limit(most).with_for_update(skip_locked=True)
    return _take(session, list(session.scalars(wanted)), lease)


def _take(session: Session, numbers: Sequence[int], lease: timedelta) -> list[Claimed]:
    if not numbers:
        return []
    mine = (
        sa.update(EffectRow)
        .where(EffectRow.id.in_(numbers))
        .values(
            status=RUNNING, attempts=EffectRow.attempts + 1, lease_until=db_time(session, lease),
            token=secrets.token_hex(8),
        )
        .returning(
            EffectRow.id, EffectRow.kind, EffectRow.argument, EffectRow.destination, EffectRow.library_id,
            EffectRow.request_id, EffectRow.event_id, EffectRow.payload, EffectRow.attempts, EffectRow.left,
            EffectRow.token, EffectRow.created_at, EffectRow.reader,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return sorted((Claimed(*row) for row in session.execute(mine)), key=lambda c: c.id)


def take_back_abandoned(session: Session, most: int) -> int:
    """Free what workers have left behind; what `most` of them have left behind a person has to look at."""
    fatal = EffectRow.left + 1 >= most
    abandoned = (
        sa.update(EffectRow)
        .where(is_now(RUNNING), EffectRow.lease_until <= db_time(session))
        .values(
            status=sa.case((fatal, DEAD), else_=READY),
            last_error=sa.case((fatal, LEFT_BEHIND), else_=EffectRow.last_error),
            left=EffectRow.left + 1, lease_until=None, token=None,
        )
        .returning(EffectRow.id, EffectRow.kind, EffectRow.status)
    )  # fmt: skip
    free = session.execute(abandoned.execution_options(synchronize_session=False)).all()
    rung = [(row.id, row.kind) for row in free if row.status == READY]
    session.info.setdefault("promised", []).extend(rung)
    return len(free)


def any_abandoned(session: Session) -> bool:
    """Whether a lease has run out: a look that waits for no writer."""
    late = sa.select(EffectRow.id).where(is_now(RUNNING), EffectRow.lease_until <= db_time(session))
    return session.scalar(late.limit(1)) is not None


def next_behind(session: Session, numbers: Sequence[int], most: int) -> list[int]:
    """What waited for this work in its lanes; then what has waited longest for the same partners."""
    works = session.execute(
        sa.select(EffectRow.kind, EffectRow.lane, EffectRow.destination).where(EffectRow.id.in_(numbers))
    ).all()
    if not works:
        return []
    in_lane = EffectRow.lane.in_({work.lane for work in works if work.lane is not None})
    to_partner = EffectRow.destination.in_({w.destination for w in works if w.destination.startswith(PARTNER)})
    waiting = sa.select(EffectRow.id).where(
        _waits(session, works[0].kind, timedelta(0)), in_lane | to_partner, _next_in_lane()
    )
    ordered = waiting.order_by(sa.case((in_lane, 0), else_=1), EffectRow.available_at, EffectRow.id)
    return list(session.scalars(ordered.limit(most)))


def kinds_to_do(session: Session, kinds: Iterable[str], patience: timedelta = timedelta(0)) -> list[str]:
    """Of these kinds, those of which something waits that nobody took up within `patience`. Waits for no writer."""
    looks = [
        sa.select(sa.literal(kind)).where(sa.exists(sa.select(EffectRow.id).where(_waits(session, kind, patience))))
        for kind in kinds
    ]
    return list(session.scalars(sa.union_all(*looks)))


def _waits(session: Session, kind: str, patience: timedelta) -> sa.ColumnElement[bool]:
    """Whether it is time for it. What was to wait from the beginning nobody was rung for: it needs no patience."""
    due = EffectRow.available_at <= db_time(session)
    if patience:
        due &= (EffectRow.available_at <= db_time(session, -patience)) | (EffectRow.available_at > EffectRow.created_at)
    return is_now(READY) & (EffectRow.kind == kind) & due


def is_now(status: str) -> sa.ColumnElement[bool]:
    """A condition that a partial index serves."""
    # Written into the statement: with a parameter the database could not tell that the partial index serves.
    return EffectRow.status == sa.literal(status, literal_execute=True)


def renew(session: Session, claims: Sequence[Claimed], lease: timedelta) -> None:
    """Say that a worker is still at it. What is just being recorded needs no lease, and is not waited for."""
    mine = _ours(claims).with_for_update(skip_locked=True)
    renewed = sa.update(EffectRow).where(EffectRow.id.in_(mine)).values(lease_until=db_time(session, lease))
    session.execute(renewed.execution_options(synchronize_session=False))


def still_ours(session: Session, claims: Sequence[Claimed]) -> set[int]:
    """Lock these claims, in an order that all workers keep; those that nobody else has taken over."""
    return set(session.scalars(_ours(claims).order_by(EffectRow.id).with_for_update()))


def _ours(claims: Sequence[Claimed]) -> sa.Select[int]:
    numbers, tokens = [c.id for c in claims], {c.token for c in claims}
    mine = EffectRow.id.in_(numbers) & EffectRow.token.in_(tokens) & (EffectRow.status == RUNNING)
    return sa.select(EffectRow.id).where(mine)


def finish(session: Session, claims: Sequence[Claimed]) -> set[int]:
    """Mark work as done; the ids of it. What is not among them somebody else has taken over: write nothing for it."""
    return _close(session, claims, status=DONE, done_at=db_time(session), lease_until=None, last_error=None)


def keep_answer(session: Session, claimed: Claimed, answer: str) -> None:
    session.execute(sa.update(EffectRow).where(EffectRow.id == claimed.id).values(answer=answer))


def give_back(session: Session, claims: Sequence[Claimed]) -> None:
    """Give back what was taken and never begun, for others to take; the bell is rung for it again."""
    back = _close(session, claims, status=READY, lease_until=None, attempts=EffectRow.attempts - 1)
    rung = [(claimed.id, claimed.kind) for claimed in claims if claimed.id in back]
    session.info.setdefault("promised", []).extend(rung)


def postpone(session: Session, claimed: Claimed, reason: str, delay: timedelta, *, burns: bool = True) -> bool:
    """Put work back until later; where `burns` is false the attempt does not count. It has killed nobody."""
    attempts = claimed.attempts if burns else claimed.attempts - 1
    put_back = {
        "status": READY,
        "available_at": db_time(session, delay),
        "lease_until": None,
        "attempts": attempts,
        "left": 0,
    }
    return bool(_close(session, [claimed], **put_back, last_error=printable(reason)))


def bury(session: Session, claimed: Claimed, reason: str) -> bool:
    """Give work up: a person has to look."""
    return bool(_close(session, [claimed], status=DEAD, lease_until=None, last_error=printable(reason)))


def has_failed_before(session: Session, claimed: Claimed) -> bool:
    """Whether an earlier try came to nothing."""
    last_error = session.scalar(sa.select(EffectRow.last_error).where(EffectRow.id == claimed.id))
    return claimed.left > 0 or last_error is not None


def mark_uncertain(session: Session, claimed: Claimed, reason: str) -> bool:
    return bool(_close(session, [claimed], status=UNCERTAIN, lease_until=None, last_error=printable(reason)))


def _close(session: Session, claims: Sequence[Claimed], **values: Any) -> set[int]:
    numbers, tokens = [c.id for c in claims], {c.token for c in claims}
    mine = EffectRow.id.in_(numbers) & EffectRow.token.in_(tokens) & (EffectRow.status == RUNNING)
    done = sa.update(EffectRow).where(mine).values(**values).returning(EffectRow.id)
    return set(session.scalars(done.execution_options(synchronize_session=False)))


def may_have_arrived() -> sa.ColumnElement[bool]:
    """A condition: a partner was called, and has perhaps taken what it never confirmed."""
    tried = EffectRow.last_error.is_not(None) | (EffectRow.left > 0)
    return EffectRow.destination.startswith(PARTNER) & tried


def withdraw(session: Session, effect_id: int) -> bool:
    """Take back work that nobody has begun. False: it is too late."""
    back = (
        sa.update(EffectRow)
        .where(EffectRow.id == effect_id, EffectRow.status == READY, ~may_have_arrived())
        .values(status=WITHDRAWN)
        .returning(EffectRow.id)
    )
    return session.scalar(back.execution_options(synchronize_session=False)) is not None
