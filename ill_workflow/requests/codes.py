"""What a code is that means nothing here: an ISBN, a patron's card, a word of ours, the item of another library."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum import isbn as isbn_number
from stdnum import issn as issn_number

from ill_workflow.libraries import Library
from ill_workflow.patrons import Patron
from ill_workflow.requests.models import BORROWING, LENDING, Attempt, Piece, Request

SIDES = (BORROWING, LENDING)


def with_the_code(session: Session, code: str, library_ids: Collection[int]) -> list[int]:
    """The ids of the requests at these libraries that a code may mean; each part is looked up in an index."""
    mine = sa.select(Request.id).where(Request.library_id.in_(library_ids))
    # Asked for by themselves: with what belongs to them, a database may rather read all requests in their order.
    return sorted(session.scalars(sa.union(
        mine.where(Request.side.in_(SIDES), Request.reference == code),
        mine.where(Request.item_barcode == code),
        mine.where(Request.temporary_barcode == code),
        mine.where(Request.partner_request_id == code),
        mine.join(Piece, Piece.request_id == Request.id).where(Piece.barcode == code),
        mine.join(Attempt, Attempt.request_id == Request.id).where(Attempt.wire_id == code),
        mine.join(Attempt, Attempt.request_id == Request.id).where(Attempt.item_barcode == code),
    )))  # fmt: skip


def unknown(session: Session, library: Library, code: str) -> str:
    """What the code is not, and what it seems to be. What other libraries lend and borrow is their business."""
    said = f"Nothing at {library.name} has the code {code}."
    others = session.scalars(sa.select(Library.id).where(Library.id != library.id)).all()
    if numbers := with_the_code(session, code, others):
        theirs = sa.select(Library.name).join(Request, Request.library_id == Library.id).where(Request.id.in_(numbers))
        known = " or ".join(session.scalars(theirs.distinct().order_by(Library.name)))
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
