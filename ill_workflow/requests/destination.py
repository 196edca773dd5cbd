"""Where an item goes that somebody has in hand: to the shelf, to the patron, into a parcel."""

from dataclasses import dataclass
from enum import StrEnum

from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, Request


class Kind(StrEnum):
    SHELF = "shelf"  #: of ours, at home again
    HOLD_SHELF = "hold_shelf"  #: for a patron to fetch
    RETURN_TO = "return_to"  #: the lender
    SHIP_TO = "ship_to"  #: the borrower
    ASIDE = "aside"  #: for a person to decide


@dataclass(frozen=True)
class Address:
    """A library as it stands on a parcel."""

    name: str
    lines: tuple[str, ...]
    code: str  #: of its courier


@dataclass(frozen=True)
class Destination:
    """The place, what is written there in huge letters, and what helps to find it."""

    kind: Kind
    huge: str
    lines: tuple[str, ...] = ()
    address: Address | None = None  #: of a parcel
    hub: Address | None = None  #: through which the parcel goes


def destination(request: Request, trigger: str | None = None) -> Destination | None:
    """Where the item goes as the request is now; None where it is not here. `trigger`: what a scan has just done."""
    borrowing = request.side == BORROWING
    return _of_a_borrowed_one(request) if borrowing else _of_a_lent_one(request, trigger)


def known_as(patron: Patron) -> str:
    """A patron on a screen that others may see: the given name and an initial."""
    last, comma, first = patron.name.partition(",")
    words = f"{first} {last}".split() if comma else patron.name.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else "".join(words)


def _of_a_borrowed_one(request: Request) -> Destination | None:
    lifecycle = lifecycle_of(request)
    if request.state in (*lifecycle.expand(("HELD",)), "delivered"):
        return _hold_shelf(request.patron)
    went_back = (*lifecycle.expand(("GOING_BACK", "CLOSED")), "lost")
    if request.state not in went_back or request.partner is None or request.attempt == 0:
        return None
    return _parcel(Kind.RETURN_TO, request.partner, request.parcel_to or request.partner.return_address)


def _of_a_lent_one(request: Request, trigger: str | None) -> Destination | None:
    lifecycle = lifecycle_of(request)
    if request.state == "damaged":
        return Destination(Kind.ASIDE, "", ("It is damaged. Somebody has to decide what becomes of it.",))
    if trigger == "check_in" or request.state in lifecycle.expand(("REFUSED", "CLOSED")):
        return _shelf(request)
    if request.state in lifecycle.expand(("OPEN", "ON_LOAN")) and request.partner is not None:
        return _parcel(Kind.SHIP_TO, request.partner, request.parcel_to or request.partner.shipping_address)
    return None


def _hold_shelf(patron: Patron | None) -> Destination:
    if patron is None:
        return Destination(Kind.ASIDE, "", ("No patron waits for it. Somebody has to decide what becomes of it.",))
    place = (patron.pickup_location,) if patron.pickup_location else ()
    return Destination(Kind.HOLD_SHELF, patron.hold_code, (*((known_as(patron),) if patron.name else ()), *place))


def _shelf(request: Request) -> Destination:
    if not (request.call_number or request.location):
        unknown = "Its place is not known here. Look it up in the catalogue."
        return Destination(Kind.SHELF, request.item_barcode or "", (unknown,))
    return Destination(
        Kind.SHELF, request.call_number or request.location or "",
        (request.location,) if request.location and request.call_number else (),
    )  # fmt: skip


def _parcel(kind: Kind, partner: Partner, address: str) -> Destination:
    to = _address(partner, address or partner.shipping_address)
    hub = _address(partner.hub, partner.hub.shipping_address) if partner.hub else None
    through = hub.code if hub and hub.code else to.code
    return Destination(kind, through or to.name, address=to, hub=hub)


def _address(partner: Partner, lines: str) -> Address:
    return Address(partner.name, tuple(lines.splitlines()), partner.delivery_code)
