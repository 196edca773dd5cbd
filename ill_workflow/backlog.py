"""Promised work as people look at it: what waits, what needs them, what may be tried again, what is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.db import UTCDateTime, db_now, db_time
from ill_workflow.outbox import DONE, NEEDS_A_PERSON, OPEN, READY, EffectRow, Pause, is_now

#: No database gives out a number like this.
LARGEST_ID = 2**31


@dataclass(frozen=True)
class Waiting:
    """How much of one kind waits or runs, and since when the oldest may be begun."""

    kind: str
    number: int
    oldest: timedelta


def waiting(session: Session) -> dict[str, int]:
    """How much of each kind waits or runs."""
    open_ = EffectRow.status.in_(OPEN)
    counts = sa.select(EffectRow.kind, sa.func.count()).where(open_).group_by(EffectRow.kind)
    return {kind: int(number) for kind, number in session.execute(counts)}


def waiting_at(session: Session, library_id: int) -> list[Waiting]:
    """What waits or runs for one library, by kind."""
    now = db_now(session)
    kinds: dict[str, Waiting] = {}
    for status in OPEN:  # each is served by a small index of its own
        counts = sa.select(EffectRow.kind, sa.func.count(), sa.func.min(_SINCE)).group_by(EffectRow.kind)
        for kind, number, since in session.execute(counts.where(is_now(status), EffectRow.library_id == library_id)):
            before = kinds.get(kind, Waiting(kind, 0, timedelta(0)))
            age = max(now - since, timedelta(0))
            kinds[kind] = Waiting(kind, before.number + number, max(before.oldest, age))
    return sorted(kinds.values(), key=lambda found: found.kind)


#: What is to be begun later waits only since then.
_SINCE = sa.type_coerce(
    sa.case((EffectRow.attempts == 0, EffectRow.available_at), else_=EffectRow.created_at), UTCDateTime()
)


def oldest_promise(session: Session) -> timedelta | None:
    """The age of the oldest work that waits. What is to be begun later only, since then."""
    oldest = session.scalar(sa.select(sa.func.min(_SINCE)).where(EffectRow.status.in_(OPEN)))
    return max(db_now(session) - oldest, timedelta(0)) if oldest else None


def troubled(session: Session, most: int = 50, *, library_id: int | None = None) -> list[EffectRow]:
    """Work that went wrong and will be tried again by itself, the oldest first."""
    rows = sa.select(EffectRow).where(is_now(READY), EffectRow.last_error.is_not(None)).order_by(EffectRow.id)
    if library_id is not None:
        rows = rows.where(EffectRow.library_id == library_id)
    return list(session.scalars(rows.limit(most)))


def needing_attention(session: Session, library_id: int | None = None) -> list[EffectRow]:
    """Work that was given up, or of which nobody can know whether it arrived."""
    rows = sa.select(EffectRow).where(EffectRow.status.in_(NEEDS_A_PERSON)).order_by(EffectRow.id)
    if library_id is not None:
        rows = rows.where(EffectRow.library_id == library_id)
    return list(session.scalars(rows))


def pauses(session: Session) -> list[Pause]:
    return list(session.scalars(sa.select(Pause).where(Pause.until > db_time(session)).order_by(Pause.destination)))


def resend(session: Session, effect_id: int, library_id: int | None = None) -> bool:
    """Try again what was given up or is uncertain, with the same identity. False where it is neither.

    With a library: also where it is not of that library.
    """
    if not 0 < effect_id < LARGEST_ID:
        return False
    now = db_time(session)
    ours = sa.true() if library_id is None else EffectRow.library_id == library_id
    again = (
        sa.update(EffectRow)
        .where(EffectRow.id == effect_id, EffectRow.status.in_(NEEDS_A_PERSON), ours)
        .values(status=READY, attempts=0, left=0, available_at=now, created_at=now, last_error=None)
        .returning(EffectRow.kind, EffectRow.destination)
    )
    found = session.execute(again.execution_options(synchronize_session=False)).first()
    if found is None:
        return False
    # Whoever asks for it now has mended the cause.
    session.execute(sa.delete(Pause).where(Pause.destination == found.destination))
    session.info.setdefault("promised", []).append((effect_id, found.kind))
    return True


def forget(session: Session, before: datetime) -> int:
    """Forget timers that were set before an instant, and what was told to work that is done; its fate stays."""
    old = (EffectRow.status == DONE) & (EffectRow.done_at < before)
    chores = sa.delete(EffectRow).where(old, EffectRow.kind == "schedule_due_date_check")
    told = sa.update(EffectRow).where(old, sa.cast(EffectRow.payload, sa.Text) != "{}").values(payload={})
    options = {"synchronize_session": False}
    found = [session.execute(statement, execution_options=options) for statement in (chores, told)]
    return sum(result.rowcount for result in found)  # type: ignore[attr-defined]
