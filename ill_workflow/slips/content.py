"""What is printed on a slip, before anybody decides where."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

Layout = Literal["routing", "book_strap", "return_slip", "shipping"]
Service = Literal["loan", "copy"]
Paper = Literal["letter", "a4", "a5", "4x6", "roll80"]
PAPERS: tuple[Paper, ...] = get_args(Paper)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes, and the short code by which the courier sorts it."""

    name: str
    lines: tuple[str, ...] = ()
    delivery_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipContent:
    """Everything that one slip says. Equal contents give equal bytes. There is no place for a patron's name."""

    layout: Layout
    reference: str  #: ours, in the barcode: 1 to 16 printable ASCII characters
    title: str
    destination: Address  #: routing, shipping: the borrower; return slip, book strap: the lender
    return_to: Address  #: routing, shipping: us; return slip: the lender's returns; book strap: our own desk
    library_name: str  #: ours
    printed_at: datetime  #: in the library's own time zone; printed as it is
    service: Service = "loan"
    partner_reference: str | None = None  #: the partner's id, printed as text only
    author: str = ""
    volume: str = ""
    call_number: str = ""
    location: str = ""
    due_date: date | None = None
    conditions: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()  #: item barcodes
    hold_code: str | None = None  #: initials and last digits, as on the hold shelf; never a name
    hub: Address | None = None
    delivery_method: str = ""
    note: str = ""
    printed_by: str = ""  #: the member of staff who asked for the slip
    paper: Paper = "letter"
    of_pieces: tuple[int, int] | None = None  #: (2, 3) is the second of three pieces that travel together
    logo: bytes | None = None  #: the library's, PNG or JPEG
    texts: tuple[str, ...] = ()  #: the library's own lines: opening hours, a word of thanks
    duplex: bool = False  #: a second page for the back: RETURN TO, large
