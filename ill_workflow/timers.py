"""Due dates are rows: replaced when a date moves, found by index when due, fired once for what they are for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime


class TimerRow(Base):
    """A moment at which the clock will pull a row of the table."""

    __tablename__ = "timer"
    __table_args__ = (sa.UniqueConstraint("request_id", "name"), sa.Index(None, "due_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"))
    name: Mapped[str] = mapped_column(sa.String(32))
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    slot: Mapped[str] = mapped_column(sa.String(64))  #: what it is for: a date, a level, a round


class FiredTimer(Base):
    """What has been fired for a request: the same name and slot never fire again."""

    __tablename__ = "fired_timer"

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    slot: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Wanted:
    """A timer that a request should have."""

    name: str
    due_at: datetime
    slot: str


def replace(session: Session, request_id: int, wanted: Iterable[Wanted]) -> None:
    """Give a request these timers and no others."""
    session.execute(sa.delete(TimerRow).where(TimerRow.request_id == request_id))
    rows = [{"request_id": request_id, "name": w.name, "due_at": w.due_at, "slot": w.slot} for w in wanted]
    if rows:
        session.execute(sa.insert(TimerRow), rows)


def due(session: Session, now: datetime, limit: int) -> list[tuple[int, str, str]]:
    """Request, name and slot of the timers that are due, the oldest first."""
    rows = sa.select(TimerRow.request_id, TimerRow.name, TimerRow.slot).where(TimerRow.due_at <= now)
    return [(r, n, s) for r, n, s in session.execute(rows.order_by(TimerRow.due_at, TimerRow.id).limit(limit))]


def of(session: Session, request_id: int) -> list[Wanted]:
    rows = sa.select(TimerRow).where(TimerRow.request_id == request_id).order_by(TimerRow.due_at)
    return [Wanted(row.name, row.due_at, row.slot) for row in session.scalars(rows)]


def remember_fired(session: Session, request_id: int, name: str, slot: str, at: datetime) -> None:
    session.execute(sa.delete(TimerRow).where(TimerRow.request_id == request_id, TimerRow.name == name))
    session.add(FiredTimer(request_id=request_id, name=name, slot=slot, at=at))
    session.flush()


def fired(session: Session, request_id: int) -> dict[tuple[str, str], datetime]:
    """When which timer was fired for what."""
    rows = sa.select(FiredTimer).where(FiredTimer.request_id == request_id)
    return {(row.name, row.slot): row.at for row in session.scalars(rows)}


def put_off(session: Session, request_id: int, name: str, slot: str, until: datetime) -> None:
    """Look at a timer again later. Whether its moment has come is asked of the lifecycle anew, not of this row."""
    mine = (TimerRow.request_id == request_id) & (TimerRow.name == name) & (TimerRow.slot == slot)
    session.execute(sa.update(TimerRow).where(mine).values(due_at=until))
