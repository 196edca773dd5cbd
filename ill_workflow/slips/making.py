"""Makes the slip of a request: gathers what stands on it, draws it, keeps the file."""

import re
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.outbox import Claimed, Finish, Permanent, TryLater
from ill_workflow.partners import Partner
from ill_workflow.requests.models import BORROWING, Piece, Request, Slip
from ill_workflow.slips.content import Address, Layout, Service, SlipContent
from ill_workflow.slips.layouts import render
from ill_workflow.slips.storage import write


def make_slip(db: Database, clock: Clock, folder: Path, claimed: Claimed) -> tuple[str, Finish]:
    """Draw the slip and write its file, the same for every attempt; the file's name, and what is to be recorded."""
    with db.reading() as session:
        request = session.get_one(Request, claimed.request_id)
        account = session.get(Account, claimed.payload["account"] or 0)
        content = content_of(session, request, cast(Layout, claimed.argument), clock, account)
    name = f"{re.sub(r'[^A-Za-z0-9-]', '_', content.reference)}-{claimed.argument}-{claimed.event_id}.pdf"
    try:
        pdf = render(content)
    except BadInput as trouble:
        raise Permanent(trouble.message) from trouble
    try:
        write(folder / name, pdf)
    except OSError as trouble:  # a full disk is full for every slip
        raise TryLater(f"The slip can't be kept in {folder}: {trouble.strerror}", destination_down=True) from trouble
    return name, lambda session: _remember(session, claimed, name, clock)


def content_of(
    session: Session, request: Request, layout: Layout, clock: Clock, account: Account | None
) -> SlipContent:
    """What stands on a slip of this request."""
    library, partner = request.library, request.partner
    if partner is None:
        raise Permanent(f"{request.reference} has no partner to put on a slip.")
    pieces = session.scalars(sa.select(Piece.barcode).where(Piece.request_id == request.id).order_by(Piece.id)).all()
    borrowing = request.side == BORROWING
    theirs = _partner(partner, partner.return_address if borrowing else partner.shipping_address)
    # The lender scans the id under which it was asked.
    reference = request.wire_id if layout == "return_slip" and request.wire_id else request.reference
    return SlipContent(
        layout=layout,
        reference=reference,
        title=request.title,
        destination=theirs,
        return_to=theirs if layout == "return_slip" else _library(library),
        library_name=library.name,
        printed_at=clock.now().astimezone(library.zone),
        service=cast(Service, request.service),
        partner_reference=_other_id(request, reference),
        author=request.author,
        volume=request.volume,
        call_number=request.call_number or "",
        location=request.location or "",
        due_date=request.patron_due if borrowing and layout == "book_strap" else request.lender_due,
        conditions=tuple(request.conditions or ()),
        pieces=tuple(pieces) or ((request.item_barcode,) if request.item_barcode else ()),
        hold_code=request.patron.hold_code if request.patron and layout == "book_strap" else None,
        hub=_partner(partner.hub, partner.hub.shipping_address) if partner.hub else None,
        delivery_method=partner.delivery_method,
        note=request.partner_note,
        printed_by=(account.full_name or account.name) if account else "",
    )


def _other_id(request: Request, reference: str) -> str | None:
    """The partner's id in words, where another one is printed as the barcode."""
    other = request.wire_id if request.side == BORROWING else request.partner_request_id
    return other if other and other != reference else None


def _library(library: Library) -> Address:
    return Address(library.name, tuple(library.address.splitlines()), library.delivery_code)


def _partner(partner: Partner, address: str) -> Address:
    return Address(partner.name, tuple((address or partner.shipping_address).splitlines()), partner.delivery_code)


def _remember(session: Session, claimed: Claimed, name: str, clock: Clock) -> None:
    known = sa.select(Slip.id).where(Slip.event_id == claimed.event_id, Slip.layout == claimed.argument)
    if session.scalar(known) is None:
        session.add(
            Slip(
                library_id=claimed.library_id, request_id=claimed.request_id, event_id=claimed.event_id,
                layout=claimed.argument, file=name, effect_id=claimed.id, at=clock.now(),
            )
        )  # fmt: skip
