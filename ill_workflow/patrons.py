"""Patrons: as little of them as a loan needs."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow import typed
from ill_workflow.db import Base
from ill_workflow.errors import BadInput
from ill_workflow.outbox import insert_new


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

    @property
    def hold_code(self) -> str:
        """What stands on the hold shelf instead of a name: initials and the last digits of the barcode."""
        initials = "".join(word[0] for word in self.name.split() if word[0].isalpha()).upper()[:3]
        return f"{initials} {self.barcode[-4:]}".strip()


def remember_patron(
    session: Session, library_id: int, barcode: str, *, name: str = "", email: str = "", pickup_location: str = ""
) -> Patron:
    """The patron of that barcode; what is named anew replaces what was known."""
    if not barcode.strip():
        raise BadInput("A patron is named by a barcode.", field="patron")
    typed.check_line("patron", barcode, 64)
    typed.check({"full_name": name, "email": email, "pickup_location": pickup_location})
    blank = {"name": "", "email": "", "pickup_location": ""}
    # Two may name a new patron at the same moment: one of them inserts, and both read.
    insert_new(session, Patron, [{"library_id": library_id, "barcode": barcode.strip(), **blank}], Patron.id)
    mine = sa.select(Patron).where(Patron.library_id == library_id, Patron.barcode == barcode.strip())
    patron = session.scalars(mine).one()
    patron.name, patron.email = name or patron.name or "", email or patron.email or ""
    patron.pickup_location = pickup_location or patron.pickup_location or ""
    session.flush()
    return patron
