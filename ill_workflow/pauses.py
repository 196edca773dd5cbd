"""Where promised work goes, and what rests there for a while because nothing gets through."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime, db_time

#: One that is down rests by itself; what goes out of the house is given up by age, not by attempts.
MAIL, SLIPS, CIRCULATION = "mail", "slips", "circulation"
PARTNER = "partner:"  #: with its number
#: A partner that is down rests longer each time, up to this.
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_REASON = 1000


class Pause(Base):
    """A destination that is down: what goes there rests."""

    __tablename__ = "pause"

    destination: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(sa.Text)
    times: Mapped[int] = mapped_column(default=1)  #: how often in a row nothing got through


def pause(session: Session, destination: str, delay: timedelta, reason: str) -> timedelta:
    """Let a destination rest, and for how long.

    A partner rests twice as long each time, until something gets through; calls that find out at once are one time.
    """
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    times = 1
    if destination.startswith(PARTNER):
        known = sa.select(Pause.times, Pause.until > db_time(session)).where(Pause.destination == destination)
        before, rests = session.execute(known).one_or_none() or (0, False)
        times = before if rests else before + 1
        delay = min(delay * 2 ** min(times - 1, 16), LONGEST_PAUSE)
    rest = {"until": db_time(session, delay), "reason": printable(reason), "times": times}
    statement = insert(sa.inspect(Pause).local_table).values(destination=destination, **rest)
    session.execute(statement.on_conflict_do_update(index_elements=["destination"], set_=rest))
    return delay


def end_pause(session: Session, destination: str) -> None:
    """Something got through."""
    session.execute(sa.delete(Pause).where(Pause.destination == destination))


def is_resting(session: Session, destination: sa.SQLColumnExpression[str]) -> sa.ColumnElement[bool]:
    """A condition: whatever goes there waits for now."""
    return sa.exists().where(Pause.destination == destination, Pause.until > db_time(session))


def one_to_try(session: Session, found: Sequence[tuple[int, str]]) -> list[int]:
    """Of what goes to a partner that was down, the first alone: it finds out."""
    partners = {destination for _, destination in found if destination.startswith(PARTNER)}
    if not partners:
        return [number for number, _ in found]
    down = set(session.scalars(sa.select(Pause.destination).where(Pause.destination.in_(partners))))
    tried, taken = set[str](), list[int]()
    for number, destination in found:
        if destination not in tried:
            taken.append(number)
        if destination in down:
            tried.add(destination)
    return taken


def partner_destination(partner_id: int) -> str:
    """Where messages to a partner go over the network."""
    return f"{PARTNER}{partner_id}"


def goes_out(destination: str) -> bool:
    """Whether it leaves the house: then it is given up by age, not by attempts."""
    return destination == MAIL or destination.startswith(PARTNER)


def printable(reason: str) -> str:
    """A reason as any database can keep it, whatever another server has said."""
    clean = "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in reason)
    return clean[:LONGEST_REASON]
