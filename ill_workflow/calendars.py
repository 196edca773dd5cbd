"""Days on which a library or a partner is closed."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow import typed
from ill_workflow.db import Base
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import Library

#: Days that are closed at once: a year.
LONGEST_CLOSING = 366


class ClosedDate(Base):
    """A day on which a library, or one of its partners, does not work."""

    __tablename__ = "closed_date"
    __table_args__ = (sa.Index(None, "library_id", "partner_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    day: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(200), default="")


@dataclass(frozen=True)
class Closing:
    """A day, or several in a row, on which somebody is closed for one reason."""

    first: date
    last: date
    reason: str


def close(
    session: Session, day: date, *, library_id: int, partner_id: int | None = None, reason: str = "",
    until: date | None = None,
) -> int:  # fmt: skip
    """Close a library or a partner on a day, or on all days until another one; how many days these are.

    Raises BadInput where one of them is closed already.
    """
    typed.check_line("reason", reason)
    last = until or day
    if last < day:
        raise BadInput("The last day is before the first one.", field="until")
    if (last - day).days >= LONGEST_CLOSING:
        raise BadInput(f"At most {LONGEST_CLOSING} days are closed at once.", field="until")
    days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
    # Two who close the same day wait for each other, so that the second one sees it.
    session.execute(sa.select(Library.id).where(Library.id == library_id).with_for_update())
    twice = session.scalar(
        sa.select(ClosedDate.day)
        .where(_whose(library_id, partner_id))
        .where(ClosedDate.day.between(day, last))
        .order_by(ClosedDate.day)
        .limit(1)
    )
    if twice is not None:
        raise BadInput(f"{twice} is closed already.", field="day")
    session.add_all(ClosedDate(library_id=library_id, partner_id=partner_id, day=d, reason=reason) for d in days)
    session.flush()
    return len(days)


def open_again(
    session: Session, day: date, *, library_id: int, partner_id: int | None = None, until: date | None = None
) -> int:
    """Open a library or a partner on a day, or on all days until another one, that were closed; how many these were."""
    mine = (
        sa.select(ClosedDate.id).where(_whose(library_id, partner_id)).where(ClosedDate.day.between(day, until or day))
    )
    numbers = session.scalars(mine).all()
    if not numbers:
        raise NotFound(f"{day} is not closed.", field="day")
    session.execute(sa.delete(ClosedDate).where(ClosedDate.id.in_(numbers)))
    return len(numbers)


def closings(session: Session, library_id: int, partner_id: int | None, year: int) -> list[Closing]:
    """When a library or a partner is closed in a year; days in a row with one reason are one line."""
    rows = sa.select(ClosedDate.day, ClosedDate.reason).where(_whose(library_id, partner_id))
    rows = rows.where(ClosedDate.day.between(date(year, 1, 1), date(year, 12, 31))).order_by(ClosedDate.day)
    found: list[Closing] = []
    for day, reason in session.execute(rows):
        before = found[-1] if found else None
        if before and before.reason == reason and day <= before.last + timedelta(days=1):
            found[-1] = replace(before, last=day)
        else:
            found.append(Closing(day, day, reason))
    return found


def _whose(library_id: int, partner_id: int | None) -> sa.ColumnElement[bool]:
    """The days of the library itself, or those of one partner of it."""
    whose = ClosedDate.partner_id.is_(None) if partner_id is None else ClosedDate.partner_id == partner_id
    return (ClosedDate.library_id == library_id) & whose


def closed_days(session: Session, library_id: int, partner_id: int | None) -> tuple[frozenset[date], frozenset[date]]:
    """The closed days of the library itself, and those of one partner of it."""
    one_of_both = ClosedDate.partner_id.is_(None) | (ClosedDate.partner_id == partner_id)
    rows = sa.select(ClosedDate.partner_id, ClosedDate.day).where(ClosedDate.library_id == library_id, one_of_both)
    found = session.execute(rows).all()
    return frozenset(d for who, d in found if who is None), frozenset(d for who, d in found if who is not None)
