"""Our libraries: the branches for which this installation works."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow import typed
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.wire_checks import check_agency, check_agency_type, same_agency

#: What says whether, and for how long, nothing is lent.
SUSPENSION = ("lending_suspended", "lending_suspended_from", "lending_suspended_until")


class Library(Base):
    """A resource-sharing library."""

    __tablename__ = "library"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    time_zone: Mapped[str] = mapped_column(sa.String(64))  #: an IANA name
    prefix: Mapped[str] = mapped_column(sa.String(8))  #: of the references: `XPX` gives XPX-1001
    next_number: Mapped[int] = mapped_column(default=1001)
    address: Mapped[str] = mapped_column(sa.Text, default="")
    delivery_code: Mapped[str] = mapped_column(sa.String(32), default="")
    agency_type: Mapped[str] = mapped_column(sa.String(16), default="ISIL")  #: in which list its id for partners stands
    agency: Mapped[str] = mapped_column(sa.String(64), default="")  #: that id; empty: its code
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    reply_to: Mapped[str] = mapped_column(sa.String(254), default="")
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    working_days: Mapped[str] = mapped_column(sa.String(7), default="1111100")  #: Monday to Sunday
    lending_suspended: Mapped[bool] = mapped_column(default=False)  #: until somebody lifts it
    #: Suspended for a while, which ends by itself: the first day (none: at once) and the last one.
    lending_suspended_from: Mapped[date | None]
    lending_suspended_until: Mapped[date | None]
    transit_after_days: Mapped[int | None] = mapped_column(default=1)
    claim_days: Mapped[int] = mapped_column(default=30)
    language: Mapped[str] = mapped_column(sa.String(8), default="en")  #: of its letters
    #: Minutes that notices to one reader wait for others, to be one mail; 0: each goes at once.
    digest_minutes: Mapped[int] = mapped_column(default=10)
    scan_receives: Mapped[bool] = mapped_column(default=False)  #: what arrives is received without a confirmation
    scan_ships: Mapped[bool] = mapped_column(default=False)  #: scanning the slip and then the item ships it

    papers: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  #: by layout; what is not named: Letter
    per_sheet: Mapped[int] = mapped_column(default=1)  #: slips on one sheet, when several are printed together
    duplex: Mapped[bool] = mapped_column(default=False)  #: RETURN TO on the back
    slip_texts: Mapped[str] = mapped_column(sa.Text, default="")  #: a few lines of our own on each slip
    logo: Mapped[str | None] = mapped_column(sa.String(64))  #: the digest of the present one

    def slip_look(self, layout: str) -> dict[str, Any]:
        """How a slip of this library looks now: what is written down where one is promised."""
        texts = self.slip_texts.splitlines()
        return {"paper": self.papers.get(layout), "duplex": self.duplex, "texts": texts, "logo": self.logo}

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, now: datetime) -> date:
        """The day that it is at this library."""
        return now.astimezone(self.zone).date()

    def lends_nothing(self, today: date) -> bool:
        """Whether lending is suspended on a day: until somebody lifts it, or for a while that this day is in."""
        begins, ends = self.lending_suspended_from, self.lending_suspended_until
        return self.lending_suspended or (ends is not None and (begins is None or begins <= today) and today <= ends)


class Logo(Base):
    """The picture on a library's slips. An earlier one stays: slips that were promised with it are drawn with it."""

    __tablename__ = "logo"

    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)  #: SHA-256 of the file, in hexadecimal
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Installation(Base):
    """What holds for the whole installation: one row. Only a database that a demo made has a turned clock."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    demo: Mapped[bool] = mapped_column(default=False)
    clock_offset: Mapped[int] = mapped_column(sa.BigInteger, default=0)  #: seconds
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    identity: Mapped[str] = mapped_column(sa.String(16))  #: tells its mails from those of other installations


def add_library(session: Session, *, code: str, name: str, time_zone: str, prefix: str, **more: Any) -> Library:
    """Add a library. Raises BadInput with the field for an unknown time zone, an unprintable prefix, a code in use."""
    if not 1 <= len(code) <= 32 or not code.isascii() or not code.replace("-", "").replace("_", "").isalnum():
        raise BadInput("The code of a library has up to 32 letters, digits, - and _.", field="code")
    typed.check({"name": name, "time_zone": time_zone or "-", **more})
    if not (1 <= len(prefix) <= 6 and prefix.isascii() and prefix.isalnum()):
        raise BadInput("A prefix is one to six letters or digits, such as XPX.", field="prefix")
    if session.scalar(sa.select(Library.id).where(Library.code == code)):
        raise BadInput(f"There is a library {code} already.", field="code")
    _check_suspension(more)
    _check_agency(session, 0, code, more)
    library = Library(code=code, name=name.strip(), time_zone=time_zone, prefix=prefix.upper(), **more)
    session.add(library)
    session.flush()
    return library


def change_library(session: Session, library: Library, **more: Any) -> None:
    typed.check(more)
    if more.get("language") == "":
        raise BadInput(f"A library writes in one of: {', '.join(typed.LANGUAGES)}.", field="language")
    _check_suspension({name: getattr(library, name) for name in SUSPENSION} | more)
    if {"agency", "agency_type"} & more.keys():
        _check_agency(session, library.id, library.code, more)
    for name, value in more.items():
        setattr(library, name, value)
    session.flush()


def _check_agency(session: Session, library_id: int, code: str, given: Mapping[str, Any]) -> None:
    """The id by which partners know a library is its alone: messages find it by that."""
    if given.get("agency_type") == "":
        raise BadInput("The list in which the id stands is needed, such as ISIL.", field="agency_type")
    check_agency_type("agency_type", given.get("agency_type", ""))
    check_agency("agency", given.get("agency", ""))
    agency = given.get("agency") or code
    others = sa.select(Library.code, Library.agency).where(Library.id != library_id)
    for other_code, other_agency in session.execute(others):
        if same_agency(agency, other_agency or other_code) or same_agency(agency, other_code):
            field = "agency" if given.get("agency") else "code"
            raise BadInput(f"{agency} is the library {other_code} of this installation.", field=field)


def _check_suspension(given: Mapping[str, Any]) -> None:
    suspended, begins, ends = (given.get(name) for name in SUSPENSION)
    if begins is not None and ends is None:
        raise BadInput("Say until when lending is suspended, too.", field="lending_suspended_until")
    if begins is not None and ends is not None and ends < begins:
        raise BadInput(
            "Lending can't be suspended until a day before it begins to be.", field="lending_suspended_until"
        )
    if suspended and ends is not None:
        raise BadInput(
            "Lending is suspended either until somebody lifts it or until a day, not both.",
            field="lending_suspended_until",
        )


def find_library(session: Session, code: str) -> Library:
    library = session.scalar(sa.select(Library).where(Library.code == code))
    if library is None:
        known = ", ".join(session.scalars(sa.select(Library.code).order_by(Library.code))) or "none yet"
        raise NotFound(f"There is no library {code!r}. Known: {known}.", field="library")
    return library


def next_reference(session: Session, library: Library) -> str:
    """The next reference of a library: its prefix and a number of its own."""
    number = session.scalar(
        sa.update(Library)
        .where(Library.id == library.id)
        .values(next_number=Library.next_number + 1)
        .returning(Library.next_number - 1)
        .execution_options(synchronize_session=False)
    )
    return f"{library.prefix}-{number}"
