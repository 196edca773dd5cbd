"""The pieces of one request: which are to come yet, which are out, and what an action does to them."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.requests.models import BORROWING, Event, Piece, Request
from state_machines.declaration import Inputs


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


def note(session: Session, request: Request, trigger: str, inputs: Inputs) -> dict[str, Any]:
    """Which pieces were sent, came, or are back. What is returned an undo puts right."""
    here, comes_back = inputs.get("pieces"), trigger in ("check_in", "patron_return")
    if not here and not comes_back:
        return {}
    rows = session.scalars(sa.select(Piece).where(Piece.request_id == request.id).order_by(Piece.id))
    known = {p.barcode: p for p in rows}
    if comes_back:
        expected = list(known) or ([request.item_barcode] if request.item_barcode else [])
        unknown = [barcode for barcode in here or () if barcode not in expected]
        if unknown:
            pieces = ", ".join(expected) or "none with a barcode"
            raise BadInput(f"{unknown[0]} is no piece of {request.reference}. Its pieces: {pieces}.", field="pieces")
        back = [p for p in known.values() if not p.back and (not here or p.barcode in here)]
        for piece in back:
            piece.back = True
        return {"pieces_back": [p.id for p in back]} if back else {}
    first = [request.item_barcode] if trigger == "ship" and request.item_barcode else []
    out_again = [p for p in known.values() if p.back and p.barcode in (here or ())]
    for piece in out_again:
        piece.back = False
    added = [barcode for barcode in dict.fromkeys((*first, *(here or ()))) if barcode not in known]
    session.add_all(Piece(request_id=request.id, barcode=barcode) for barcode in added)
    return {"pieces_added": added, "pieces_out": [p.id for p in out_again]}


def put_back(session: Session, request: Request, before: Mapping[str, Any]) -> None:
    """Undo what `note` did."""
    for name, back in (("pieces_back", False), ("pieces_out", True)):
        if ids := before.get(name):
            session.execute(sa.update(Piece).where(Piece.id.in_(ids)).values(back=back))
    if added := before.get("pieces_added"):
        session.execute(sa.delete(Piece).where(Piece.request_id == request.id, Piece.barcode.in_(added)))


def forget(session: Session, request: Request) -> None:
    """It is asked for anew: nothing of it is known."""
    session.execute(sa.delete(Piece).where(Piece.request_id == request.id))


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
