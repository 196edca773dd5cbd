"""What a code is that means nothing here: an ISBN, a patron's card, a word of ours, the item of another library."""

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum import isbn as isbn_number
from stdnum import issn as issn_number

from ill_workflow.libraries import Library
from ill_workflow.patrons import Patron
from ill_workflow.requests.models import BORROWING, LENDING, Attempt, Piece, Request

SIDES = (BORROWING, LENDING)


def with_the_code(code: str, library_ids: sa.Select[int] | list[int]) -> sa.CompoundSelect[int]:
    """The ids of the requests at these libraries that a code may mean; each part is looked up in an index."""
    here = Request.library_id.in_(library_ids)
    mine = sa.select(Request.id).where(here)
    by_piece = sa.select(Piece.request_id).where(Piece.barcode == code)
    by_attempt = sa.select(Attempt.request_id).where(Attempt.wire_id == code)
    by_former_item = sa.select(Attempt.request_id).where(Attempt.item_barcode == code)
    return sa.union(
        mine.where(Request.side.in_(SIDES), Request.reference == code),
        mine.where(Request.item_barcode == code),
        mine.where(Request.temporary_barcode == code),
        mine.where(Request.partner_request_id == code),
        mine.where(Request.id.in_(by_piece)),
        mine.where(Request.id.in_(by_attempt)),
        mine.where(Request.id.in_(by_former_item)),
    )


def unknown(session: Session, library: Library, code: str) -> str:
    """What the code is not, and what it seems to be. What other libraries lend and borrow is their business."""
    said = f"Nothing at {library.name} has the code {code}."
    elsewhere = sa.select(Library.id).where(Library.id != library.id)
    at = sa.select(Request.library_id).where(Request.id.in_(with_the_code(code, elsewhere)))
    names = session.scalars(sa.select(Library.name).where(Library.id.in_(at)).order_by(Library.name))
    if known := " or ".join(names):
        return f"{said} It is known at {known}."
    return " ".join([said, *_seems_to_be(session, library, code)])


def is_a_number_of_a_title(code: str) -> bool:
    """Whether it stands on every copy of a title: an ISBN or ISSN."""
    return isbn_number.is_valid(code) or issn_number.is_valid(code) or _is_issn_barcode(code)


def _seems_to_be(session: Session, library: Library, code: str) -> list[str]:
    if isbn_number.is_valid(code):
        return ["It is an ISBN: that of the title, not of the item. Scan the library's own barcode."]
    if issn_number.is_valid(code) or _is_issn_barcode(code):
        return ["It is an ISSN: that of the journal, not of the item. Scan the library's own barcode."]
    card = sa.select(Patron.id).where(Patron.library_id == library.id, Patron.barcode == code)
    if session.scalar(card) is not None:
        return ["It is a patron's card. Scan the item, or the strap around it."]
    if "://" in code or code.casefold().startswith("www."):
        return ["It is a web address. Scan the barcode of the item or of its slip."]
    return []


def _is_issn_barcode(code: str) -> bool:
    """The barcode on a journal: 977 and the ISSN without its check digit."""
    return len(code) in (13, 15, 18) and code.isascii() and code.isdecimal() and code.startswith("977")
