"""Partners: the libraries with which one of ours lends and borrows, and the hubs through which things travel."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from ill_workflow import typed
from ill_workflow.calendars import ClosedDate
from ill_workflow.db import Base
from ill_workflow.errors import BadInput, NotFound, Refused
from ill_workflow.libraries import Library
from ill_workflow.wire_checks import check_wire, same_agency
from ill_workflow.wire_settings import PartnerSecret, WireSettings, settings_of
from state_machines.request import Terms

DELIVERY = ("courier", "post", "e-mail")
TRANSPORTS = ("local", "email", "iso18626")
STATUSES = ("active", "suspended")
_TERMS = frozenset(f.name for f in fields(Terms))


@dataclass(frozen=True)
class Fees:
    """What a partner is charged, in its currency."""

    replacement: Decimal = Decimal("90.00")
    processing: Decimal = Decimal("15.00")
    damage: Decimal = Decimal("25.00")


class Partner(Base):
    """A partner in one library's list, with what was agreed with it."""

    __tablename__ = "partner"
    __table_args__ = (sa.UniqueConstraint("library_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    code: Mapped[str] = mapped_column(sa.String(64))
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    shipping_address: Mapped[str] = mapped_column(sa.Text, default="")
    billing_address: Mapped[str] = mapped_column(sa.Text, default="")
    return_address: Mapped[str] = mapped_column(sa.Text, default="")
    delivery_code: Mapped[str] = mapped_column(sa.String(32), default="")
    delivery_method: Mapped[str] = mapped_column(sa.String(16), default="courier")
    hub_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    time_zone: Mapped[str] = mapped_column(sa.String(64), default="")  #: an IANA name; empty: that of our library
    working_days: Mapped[str] = mapped_column(sa.String(7), default="1111100")
    terms: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  #: what differs from the usual terms
    fees: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    transport: Mapped[str] = mapped_column(sa.String(16), default="email")
    wire: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  #: how it speaks ISO 18626, without secrets
    local_library_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library.id"))
    language: Mapped[str] = mapped_column(sa.String(8), default="")  #: of letters to it; empty: that of our library
    status: Mapped[str] = mapped_column(sa.String(16), default="active")  #: active or suspended

    library: Mapped[Library] = relationship(foreign_keys=[library_id])
    hub: Mapped["Partner | None"] = relationship(remote_side=[id])
    local_library: Mapped[Library | None] = relationship(foreign_keys=[local_library_id])

    @property
    def zone(self) -> ZoneInfo | None:
        """Where its days begin and end, if we know."""
        if self.local_library is not None:
            return self.local_library.zone
        return ZoneInfo(self.time_zone) if self.time_zone else None

    def agreed_terms(self) -> Terms:
        given = {name: value for name, value in self.terms.items() if name in _TERMS}
        if "ladder" in given:
            given["ladder"] = tuple(given["ladder"])
        return Terms(**given)

    def agreed_wire(self) -> WireSettings:
        return settings_of(self.wire)

    @property
    def agency(self) -> str:
        """The id by which it is known in messages."""
        return self.agreed_wire().agency or self.code

    def agreed_fees(self) -> Fees:
        return Fees(**{name: Decimal(value) for name, value in self.fees.items()})


def add_partner(session: Session, library_id: int, *, code: str, name: str, **more: Any) -> Partner:
    """Add a partner to a library's list. Raises BadInput naming the field that is wrong."""
    if not 1 <= len(code) <= 64 or any(c.isspace() for c in code) or not code.isprintable():
        raise BadInput("The code of a partner has up to 64 characters and no blanks.", field="code")
    if session.scalar(sa.select(Partner.id).where(Partner.library_id == library_id, Partner.code == code)):
        raise BadInput(f"There is a partner {code} already.", field="code")
    _check({"name": name, **more})
    _check_ends(session, library_id, None, more)
    _check_wire(session, library_id, None, {"code": code, **more})
    partner = Partner(library_id=library_id, code=code, name=name, **more)
    session.add(partner)
    session.flush()
    return partner


def change_partner(session: Session, partner: Partner, **more: Any) -> None:
    _check(more)
    now: dict[str, Any] = {
        "transport": partner.transport,
        "local_library_id": partner.local_library_id,
        "hub_id": partner.hub_id,
    }
    _check_ends(session, partner.library_id, partner.id, {**now, **more})
    if {"transport", "wire"} & more.keys():
        now = {"code": partner.code, "transport": partner.transport, "wire": partner.wire}
        _check_wire(session, partner.library_id, partner.id, {**now, **more})
    for name, value in more.items():
        setattr(partner, name, value)
    session.flush()


def remove_partner(session: Session, partner: Partner) -> None:
    """Take a partner from the list that was added by mistake. Raises Refused where anything refers to it."""
    try:
        with session.begin_nested():
            for of_it in (ClosedDate, PartnerSecret):
                session.execute(sa.delete(of_it).where(of_it.partner_id == partner.id))
            session.execute(sa.delete(Partner).where(Partner.id == partner.id))
    except IntegrityError:
        raise Refused(
            f"{partner.name} has requests or messages, or is the hub of another partner. Suspend it instead."
        ) from None


def _check(given: dict[str, Any]) -> None:
    one_of = {"delivery_method": DELIVERY, "transport": TRANSPORTS, "status": STATUSES}
    for name, choices in one_of.items():
        if name in given and given[name] not in choices:
            raise BadInput(f"{given[name]!r} is not possible. Choose {', '.join(choices)}.", field=name)
    typed.check(given)
    known_fees = {f.name for f in fields(Fees)}
    for name, value in given.get("terms", {}).items():
        if name not in _TERMS:
            raise BadInput(f"{name!r} is not among the terms: {', '.join(sorted(_TERMS))}.", field="terms")
        if wrong := _wrong_term(name, value):
            raise BadInput(f"{name} {wrong}", field="terms")
    for name, value in given.get("fees", {}).items():
        if name not in known_fees:
            raise BadInput(f"{name!r} is not a fee: {', '.join(sorted(known_fees))}.", field="fees")
        try:
            typed.as_money(name, value)
        except BadInput as wrong:
            raise BadInput(wrong.message, field="fees") from None


def _check_ends(session: Session, library_id: int, partner_id: int | None, given: dict[str, Any]) -> None:
    """A partner is somebody else, and a branch of ours says which, once."""
    branch = given.get("local_library_id")
    if given.get("transport") == "local" and branch is None:
        raise BadInput("A local partner is a library of ours. Name it: library_of_ours.", field="library_of_ours")
    if branch == library_id:
        raise BadInput("A library is no partner of itself.", field="library_of_ours")
    twin = partner_for_library(session, library_id, branch) if branch is not None else None
    if twin is not None and twin.id != partner_id:
        raise BadInput(f"That library is in the list already: {twin.code}.", field="library_of_ours")
    if partner_id is not None and given.get("hub_id") == partner_id:
        raise BadInput("A partner is no hub of itself.", field="hub")


def _check_wire(session: Session, library_id: int, partner_id: int | None, given: dict[str, Any]) -> None:
    """A partner that speaks ISO 18626 has an address, and an id that no other one of the list has, nor we."""
    settings = check_wire(given.get("wire", {}))
    if given.get("transport") != "iso18626":
        return
    if not settings.address:
        raise BadInput("Where does it take messages? Name its address.", field="wire.address")
    # Two who add partners of one id at once do it one after the other.
    library = session.get_one(Library, library_id, with_for_update=True)
    agency = settings.agency or given["code"]
    if same_agency(agency, settings.our_agency or library.agency or library.code):
        raise BadInput(f"{agency} is our own id. Name that of the partner.", field="wire.agency")
    for other in _named(session, library_id, agency):
        if other.id != partner_id:
            raise BadInput(
                f"{other.name} ({other.code}) has the id {other.agency} already: nobody could tell them apart.",
                field="wire.agency",
            )


def partner_by_agency(session: Session, library_id: int, agency: str) -> Partner | None:
    """The partner of a library's list that speaks ISO 18626 and is known by that id, letters' case aside."""
    return next(iter(_named(session, library_id, agency)), None)


def _named(session: Session, library_id: int, agency: str) -> list[Partner]:
    rows = sa.select(Partner).where(Partner.library_id == library_id, Partner.transport == "iso18626")
    if agency.isascii():  # SQLite knows the small letters of others not
        said = agency.lower()
        own = sa.func.lower(Partner.wire["agency"].as_string()) == said
        rows = rows.where(sa.or_(own, sa.func.lower(Partner.code) == said))
    return [partner for partner in session.scalars(rows.order_by(Partner.id)) if same_agency(agency, partner.agency)]


def _wrong_term(name: str, value: Any) -> str:
    """What is wrong with a term, to go on after its name; empty where it is right."""
    default = getattr(Terms(), name)
    whole = isinstance(value, int) and not isinstance(value, bool) and value <= typed.LARGEST_NUMBER
    if name == "ladder":
        days = isinstance(value, list | tuple) and all(
            isinstance(d, int) and 0 <= d <= typed.LARGEST_NUMBER for d in value
        )
        return "" if days and sorted(set(value)) == list(value) else "is a rising list of days, such as [7, 14]."
    if name == "renews_by_itself":
        return "" if value is None or isinstance(value, bool) else "is true, false or null."
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "is true or false."
    if name == "lost_after_days" and value is None:
        return ""
    return "" if whole and value >= 0 else f"is a number of days or times, from 0 to {typed.LARGEST_NUMBER}."


def find_partner(session: Session, library_id: int, code: str, *, field: str = "partner") -> Partner:
    partner = session.scalar(sa.select(Partner).where(Partner.library_id == library_id, Partner.code == code))
    if partner is None:
        listed = sa.select(Partner.code).where(Partner.library_id == library_id).order_by(Partner.code).limit(20)
        known = ", ".join(session.scalars(listed)) or "none yet"
        raise NotFound(f"There is no partner {code!r} in this library's list. Known: {known}.", field=field)
    return partner


def list_partners(
    session: Session, library_id: int, *, search: str = "", status: str = "", hub_id: int | None = None,
    after: str = "", most: int = 100,
) -> list[Partner]:  # fmt: skip
    """Partners of a library by their codes: whose code, name or address holds what is searched; behind a code."""
    rows = sa.select(Partner).where(Partner.library_id == library_id, Partner.code > after)
    if search:
        places = (Partner.code, Partner.name, Partner.email, Partner.delivery_code)
        said = search.lower()
        rows = rows.where(sa.or_(*(sa.func.lower(place).contains(said, autoescape=True) for place in places)))
    if status:
        rows = rows.where(Partner.status == status)
    if hub_id is not None:
        rows = rows.where(Partner.hub_id == hub_id)
    return list(session.scalars(rows.options(joinedload(Partner.hub)).order_by(Partner.code).limit(most)))


def hubs(session: Session, library_id: int) -> list[Partner]:
    """The partners of a library through which others are reached."""
    others = sa.select(Partner.hub_id).where(Partner.library_id == library_id)
    rows = sa.select(Partner).where(Partner.library_id == library_id, Partner.id.in_(others)).order_by(Partner.code)
    return list(session.scalars(rows))


def partner_for_library(session: Session, library_id: int, other_library_id: int) -> Partner | None:
    """The entry in one library's list that stands for another library of this installation."""
    return session.scalar(
        sa.select(Partner).where(Partner.library_id == library_id, Partner.local_library_id == other_library_id)
    )
