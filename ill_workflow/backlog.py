"""Promised work as people look at it: what waits, what needs them, what may be tried again, what is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.db import UTCDateTime, db_now, db_time
from ill_workflow.outbox import DEAD, DONE, NEEDS_A_PERSON, OPEN, READY, EffectRow, is_now
from ill_workflow.partners import Partner
from ill_workflow.pauses import PARTNER, Pause
from ill_workflow.pauses import partner_destination as destination_of

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
    return {found.kind: found.number for found in waiting_at(session)}


def waiting_at(session: Session, library_id: int | None = None) -> list[Waiting]:
    """What waits or runs, by kind; for one library, or of all."""
    now = db_now(session)
    kinds: dict[str, Waiting] = {}
    for status in OPEN:  # each is served by a small index of its own
        counts = sa.select(EffectRow.kind, sa.func.count(), sa.func.min(_SINCE)).where(is_now(status))
        if library_id is not None:
            counts = counts.where(EffectRow.library_id == library_id)
        for kind, number, since in session.execute(counts.group_by(EffectRow.kind)):
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
    return max((found.oldest for found in waiting_at(session)), default=None)


def troubled(session: Session, most: int = 50, *, library_id: int | None = None) -> list[EffectRow]:
    """Work that went wrong and will be tried again by itself: what is tried next stands first."""
    # Not in the order of its numbers: for that a database would look through all that is done.
    next_first = (EffectRow.available_at, EffectRow.id)
    rows = sa.select(EffectRow).where(is_now(READY), EffectRow.last_error.is_not(None)).order_by(*next_first)
    if library_id is not None:
        rows = rows.where(EffectRow.library_id == library_id)
    return list(session.scalars(rows.limit(most)))


def needing_attention(session: Session, library_id: int | None = None, most: int | None = None) -> list[EffectRow]:
    """Work that was given up, or of which nobody can know whether it arrived."""
    rows = sa.select(EffectRow).where(_needs_a_person()).order_by(EffectRow.id).limit(most)
    if library_id is not None:
        rows = rows.where(EffectRow.library_id == library_id)
    return list(session.scalars(rows))


def how_many_need_attention(session: Session, library_id: int) -> int:
    rows = sa.select(sa.func.count()).where(_needs_a_person(), EffectRow.library_id == library_id)
    return session.scalar(rows) or 0


def _needs_a_person() -> sa.ColumnElement[bool]:
    # Written into the statement, in the words of the index that serves it.
    return EffectRow.status.in_(sa.bindparam("needs", NEEDS_A_PERSON, expanding=True, literal_execute=True))


@dataclass(frozen=True)
class Resting:
    """A destination to which nothing gets through; where it is a partner, whose."""

    destination: str
    name: str
    reason: str
    until: datetime
    partner_id: int | None = None
    library_id: int | None = None


def pauses(session: Session, library_id: int | None = None) -> list[Resting]:
    """What rests now. With a library: of partners its own alone."""
    found = list(session.scalars(sa.select(Pause).where(Pause.until > db_time(session)).order_by(Pause.destination)))
    numbers = [int(p.destination.removeprefix(PARTNER)) for p in found if p.destination.startswith(PARTNER)]
    rows = session.scalars(sa.select(Partner).where(Partner.id.in_(numbers))) if numbers else ()
    known = {destination_of(partner.id): partner for partner in rows}
    resting = []
    for p in found:
        partner = known.get(p.destination)
        if partner is None:
            resting.append(Resting(p.destination, p.destination, p.reason, p.until))
        elif library_id in (None, partner.library_id):
            whose = (partner.id, partner.library_id)
            reason = p.reason.removeprefix(f"{partner.name}: ")
            resting.append(Resting(p.destination, partner.name, reason, p.until, *whose))
    return resting


def try_now(session: Session, partner_id: int, library_id: int) -> int | None:
    """Try what waits for a partner that rests; how much. None where it is not of this library, or does not rest."""
    ours = sa.select(Partner.id).where(Partner.id == partner_id, Partner.library_id == library_id)
    if not 0 < partner_id < LARGEST_ID or session.scalar(ours) is None:
        return None
    where = destination_of(partner_id)
    if session.scalar(sa.delete(Pause).where(Pause.destination == where).returning(Pause.destination)) is None:
        return None
    waiting = sa.update(EffectRow).where(is_now(READY), EffectRow.destination == where)
    now = waiting.where(EffectRow.last_error.is_not(None)).values(available_at=db_time(session))
    again = now.returning(EffectRow.id, EffectRow.kind).execution_options(synchronize_session=False)
    found = session.execute(again).all()
    session.info.setdefault("promised", []).extend((row.id, row.kind) for row in found)
    return len(found)


def resend(session: Session, effect_id: int, library_id: int | None = None) -> bool:
    """Try again what was given up or is uncertain, with the same identity. False where it is neither.

    With a library: also where it is not of that library.
    """
    if not 0 < effect_id < LARGEST_ID:
        return False
    ours = EffectRow.status.in_(NEEDS_A_PERSON) & (EffectRow.id == effect_id)
    return bool(_try_again(session, ours if library_id is None else ours & (EffectRow.library_id == library_id)))


def resend_all(session: Session, library_id: int) -> int:
    """Try again all that was given up at a library; how much. What is uncertain may have arrived: not that."""
    return _try_again(session, is_now(DEAD) & (EffectRow.library_id == library_id))


def _try_again(session: Session, which: sa.ColumnElement[bool]) -> int:
    now = db_time(session)
    again = (
        sa.update(EffectRow)
        .where(which)
        .values(status=READY, attempts=0, left=0, available_at=now, created_at=now, last_error=None)
        .returning(EffectRow.id, EffectRow.kind, EffectRow.destination)
    )
    found = session.execute(again.execution_options(synchronize_session=False)).all()
    if found:
        # Whoever asks for it now has mended the cause.
        session.execute(sa.delete(Pause).where(Pause.destination.in_({row.destination for row in found})))
        session.info.setdefault("promised", []).extend((row.id, row.kind) for row in found)
    return len(found)


def forget(session: Session, before: datetime) -> int:
    """Forget timers that were set before an instant, and what was told to work that is done; its fate stays."""
    old = (EffectRow.status == DONE) & (EffectRow.done_at < before)
    chores = sa.delete(EffectRow).where(old, EffectRow.kind == "schedule_due_date_check")
    told = sa.update(EffectRow).where(old, sa.cast(EffectRow.payload, sa.Text) != "{}").values(payload={})
    options = {"synchronize_session": False}
    found = [session.execute(statement, execution_options=options) for statement in (chores, told)]
    return sum(result.rowcount for result in found)  # type: ignore[attr-defined]
