"""Patrons: as little of them as a loan needs."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow import typed
from ill_workflow.db import Base
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.outbox import insert_new

#: Notices that a patron may do without. All others ask for something, or say how it ended.
COURTESY = ("request_sent", "shipped", "renewed", "due_date_changed")
#: Of these, what names a new due date. One that is earlier than before is always told.
ABOUT_A_DATE = ("renewed", "due_date_changed")


class Patron(Base):
    """A patron of a library, by barcode."""

    __tablename__ = "patron"
    __table_args__ = (sa.UniqueConstraint("library_id", "barcode"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    barcode: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    pickup_location: Mapped[str] = mapped_column(sa.String(200), default="")
    language: Mapped[str] = mapped_column(sa.String(8), default="")  #: of letters to them; empty: the library's
    opt_out: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  #: the courtesy notices that they decline

    @property
    def hold_code(self) -> str:
        """What stands on the hold shelf instead of a name: initials and the last digits of the barcode."""
        initials = "".join(word[0] for word in self.name.split() if word[0].isalpha()).upper()[:3]
        return f"{initials} {self.barcode[-4:]}".strip()

    def declines(self, occasion: str, *, sooner: bool = False) -> bool:
        """Whether they want no notice on this occasion. `sooner`: their due date is earlier than it was."""
        return occasion in COURTESY and occasion in self.opt_out and not (sooner and occasion in ABOUT_A_DATE)


def remember_patron(
    session: Session, library_id: int, barcode: str, *, name: str = "", email: str = "", pickup_location: str = "",
    language: str = "",
) -> Patron:  # fmt: skip
    """The patron of that barcode; what is named anew replaces what was known."""
    if not barcode.strip():
        raise BadInput("A patron is named by a barcode.", field="patron")
    typed.check_line("patron", barcode, 64)
    typed.check({"full_name": name, "email": email, "pickup_location": pickup_location, "language": language})
    blank = {"name": "", "email": "", "pickup_location": "", "language": "", "opt_out": []}
    # Two may name a new patron at the same moment: one of them inserts, and both read.
    insert_new(session, Patron, [{"library_id": library_id, "barcode": barcode.strip(), **blank}], Patron.id)
    patron = find_patron(session, library_id, barcode)
    patron.name, patron.email = name or patron.name or "", email or patron.email or ""
    patron.pickup_location = pickup_location or patron.pickup_location or ""
    patron.language = language or patron.language or ""
    session.flush()
    return patron


def find_patron(session: Session, library_id: int, barcode: str) -> Patron:
    mine = sa.select(Patron).where(Patron.library_id == library_id, Patron.barcode == barcode.strip())
    patron = session.scalar(mine)
    if patron is None:
        raise NotFound(f"There is no patron {barcode[:64]!r} at this library.", field="barcode")
    return patron


def change_patron(session: Session, patron: Patron, **more: Any) -> None:
    """Change what is named; an empty value takes it away. Raises BadInput naming the field."""
    typed.check({("full_name" if name == "name" else name): value for name, value in more.items()})
    if "opt_out" in more:
        more["opt_out"] = _courtesies(more["opt_out"])
    for name, value in more.items():
        setattr(patron, name, value)
    session.flush()


def _courtesies(wanted: Sequence[str]) -> list[str]:
    """The notices that are to be left out, in the order in which they are listed."""
    named = set(COURTESY) if list(wanted) == ["all"] else set(wanted)
    if unknown := sorted(named - set(COURTESY)):
        raise BadInput(
            f"{unknown[0][:64]!r} can't be declined. All that may be: {', '.join(COURTESY)}; or all.", field="opt_out"
        )
    return [occasion for occasion in COURTESY if occasion in named]
