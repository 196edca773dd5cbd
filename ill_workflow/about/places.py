"""The pieces of a request, and where each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.about.phrases import Phrase
from ill_workflow.requests import pieces
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, Piece, Request


@dataclass(frozen=True)
class Place:
    """A piece by its barcode, and where it is."""

    barcode: str
    back: bool
    where: Phrase
    named: bool = True  #: as a piece; else it is the item as a whole


def places(session: Session, request: Request) -> list[Place]:
    """Those that were named; where none was, the item itself, if its barcode is known."""
    rows: Sequence[Piece] = session.scalars(
        sa.select(Piece).where(Piece.request_id == request.id).order_by(Piece.id)
    ).all()
    to_come = pieces.awaited(session, request)
    found = [Place(row.barcode, row.back, _where(request, row.back, row.barcode in to_come)) for row in rows]
    if not found and request.item_barcode:
        found = [Place(request.item_barcode, False, _where(request, False, False), named=False)]
    return found


def _where(request: Request, back: bool, to_come: bool) -> Phrase:
    partner = request.partner.name if request.partner else "the partner"
    patron = (request.patron.name or request.patron.barcode) if request.patron else "the patron"
    lifecycle, state = lifecycle_of(request), request.state
    if request.side != BORROWING:
        if back or state in ("completed", "new", "will_supply", "being_processed", "conditional", *_REFUSED):
            return Phrase("at home")
        if state == "shipped":
            return Phrase("on its way to {partner}", {"partner": partner})
        if state == "returned_by_partner":
            return Phrase("on its way home from {partner}", {"partner": partner})
        if state == "lost":
            return Phrase("lost")
        return Phrase("with {partner}", {"partner": partner})
    if state in ("shipped", "in_transit"):
        return Phrase("on its way here")
    if to_come:
        return Phrase("still to come from {partner}", {"partner": partner})
    if state == "lost":
        return Phrase("here") if back else Phrase("lost")
    if state in ("returned", "completed"):
        return Phrase("sent back to {partner}", {"partner": partner})
    if state == "received" or back or state == "return_in_transit":
        return Phrase("here")
    if state in lifecycle.expand(("HELD",)):
        return Phrase("with {patron}", {"patron": patron})
    return Phrase("with {partner}", {"partner": partner})


_REFUSED = ("rejected", "retry_offered", "cancelled", "expired", "cancel_requested", "damaged")
