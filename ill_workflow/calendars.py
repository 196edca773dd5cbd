"""Days on which a library or a partner is closed."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow import typed
from ill_workflow.db import Base


class ClosedDate(Base):
    """A day on which a library, or one of its partners, does not work."""

    __tablename__ = "closed_date"
    __table_args__ = (sa.Index(None, "library_id", "partner_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    day: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(200), default="")


def close(session: Session, day: date, *, library_id: int, partner_id: int | None = None, reason: str = "") -> None:
    typed.check_line("reason", reason)
    session.add(ClosedDate(library_id=library_id, partner_id=partner_id, day=day, reason=reason))


def closed_days(session: Session, library_id: int, partner_id: int | None) -> tuple[frozenset[date], frozenset[date]]:
    """The closed days of the library itself, and those of one partner of it."""
    one_of_both = ClosedDate.partner_id.is_(None) | (ClosedDate.partner_id == partner_id)
    rows = sa.select(ClosedDate.partner_id, ClosedDate.day).where(ClosedDate.library_id == library_id, one_of_both)
    found = session.execute(rows).all()
    return frozenset(d for who, d in found if who is None), frozenset(d for who, d in found if who is not None)
