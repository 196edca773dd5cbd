"""The pieces of one request: which are to come yet, and which are out."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.requests.models import BORROWING, Event, Piece, Request


def barcodes(session: Session, request: Request) -> list[str]:
    rows = sa.select(Piece.barcode).where(Piece.request_id == request.id).order_by(Piece.id)
    return list(session.scalars(rows))


def out(session: Session, request: Request, here: Collection[str] = ()) -> list[str]:
    """Those that came, or were sent, and would still be missing with these back."""
    rows = sa.select(Piece.barcode).where(Piece.request_id == request.id, Piece.back.is_(False)).order_by(Piece.id)
    missing = [barcode for barcode in session.scalars(rows) if barcode not in here]
    to_come = awaited(session, request) if missing else []
    return [barcode for barcode in missing if barcode not in to_come]


def awaited(session: Session, request: Request) -> list[str]:
    """What the lender has sent along and has not come with the others. What names no pieces means all of them."""
    known = barcodes(session, request)
    if request.side != BORROWING or not known:
        return []
    came = _came(session, request)
    return [] if came is None else [barcode for barcode in known if barcode not in came]


def not_yet_here(session: Session, request: Request, named: Collection[str]) -> bool:
    """Whether each of these is still to come: awaited, or a piece of which nobody has told us."""
    to_come, known = awaited(session, request), barcodes(session, request)
    return bool(named) and all(barcode in to_come or barcode not in known for barcode in named)


def _came(session: Session, request: Request) -> set[str] | None:
    """The pieces that were named when the item came, and later; None where all of them came, or nothing yet."""
    undone = sa.select(Event.undoes_id).where(Event.request_id == request.id, Event.undoes_id.is_not(None))
    mine = (Event.request_id == request.id) & (Event.trigger == "receive") & Event.id.not_in(undone)
    found: set[str] | None = None
    for event in session.scalars(sa.select(Event).where(mine).order_by(Event.version)):
        named = set(event.inputs.get("pieces") or ())
        if event.source != event.dest:  # it came; what follows came after it
            found = named or None
        elif found is not None:
            found |= named
    return found
