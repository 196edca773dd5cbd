"""Makes the slip of a request: gathers what stands on it, draws it, keeps the file."""

import errno
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library, Logo
from ill_workflow.outbox import Claimed, Finish, Permanent, TryLater, insert_new
from ill_workflow.partners import Partner
from ill_workflow.pauses import SLIPS
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import BORROWING, Piece, Request, Slip
from ill_workflow.slips.content import Address, Layout, Paper, Service, SlipContent
from ill_workflow.slips.layouts import render, render_batch
from ill_workflow.slips.reference_barcode import modules
from ill_workflow.slips.storage import write

#: What a full or broken disk says: it is full for every slip.
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def make_slip(db: Database, folder: Path, claimed: Claimed) -> tuple[str, Finish]:
    """Draw the slip and write its file, the same for every attempt; the file's name, and what is to be recorded."""
    payload = claimed.payload
    with db.reading() as session:
        request = session.get_one(Request, claimed.request_id)
        # What was promised before libraries had a say in it looks as they would have it now.
        look = payload.get("look") or request.library.slip_look(claimed.argument)
        told = {**from_json(payload["request"]), "wire_id": payload["wire_id"], "pieces": payload["pieces"]}
        account = session.get(Account, payload["account"] or 0)
        partner = session.get(Partner, payload["partner"] or 0)
        at = datetime.fromisoformat(payload["at"])
        contents = _contents(session, request, told, look, partner, cast(Layout, claimed.argument), at, account)
    name = f"{file_name(contents[0])}-{claimed.event_id}.pdf"
    try:
        pdf = draw(contents)
    except BadInput as trouble:
        raise Permanent(trouble.message) from trouble
    try:
        write(folder / name, pdf)
    except OSError as trouble:
        down = SLIPS if trouble.errno in DISK_TROUBLE else None
        raise TryLater(f"The slip can't be kept in {folder}: {trouble.strerror}", down=down) from trouble
    return name, lambda session: _remember(session, claimed, name, at)


def contents_of(
    session: Session, request: Request, layout: Layout, clock: Clock, account: Account | None,
    look: Mapping[str, Any] | None = None,
) -> list[SlipContent]:  # fmt: skip
    """What stands on a slip of this request as it is now, one for each piece: for printing. Raises BadInput.

    `look` are settings to be tried in place of the library's own, as `Library.slip_look` tells them.
    """
    if request.partner is None:
        raise BadInput(f"{request.reference} has no partner to put on a slip.", field="reference")
    pieces = session.scalars(sa.select(Piece.barcode).where(Piece.request_id == request.id).order_by(Piece.id)).all()
    told = {column.key: getattr(request, column.key) for column in sa.inspect(Request).column_attrs}
    told["pieces"], look = pieces, look or request.library.slip_look(layout)
    contents = _contents(session, request, told, look, request.partner, layout, clock.now(), account)
    modules(contents[0].reference)  # refuses what can't be scanned
    return contents


def label_to(library: Library, partner: Partner, clock: Clock) -> SlipContent:
    """The shipping label that a parcel to this partner gets, for looking at: of no request."""
    look = library.slip_look("shipping")
    return SlipContent(
        layout="shipping", reference=f"{library.prefix}-{library.next_number}", title="",
        destination=_partner(partner, partner.shipping_address), return_to=_library(library),
        library_name=library.name, printed_at=clock.now().astimezone(library.zone),
        hub=_partner(partner.hub, partner.hub.shipping_address) if partner.hub else None,
        delivery_method=partner.delivery_method, paper=cast(Paper, look["paper"] or "letter"),
        texts=tuple(look["texts"]),
    )  # fmt: skip


def draw(contents: Sequence[SlipContent]) -> bytes:
    """The slips of one request, a page for each piece."""
    return render(contents[0]) if len(contents) == 1 else render_batch(contents)


def file_name(content: SlipContent) -> str:
    """A name for its file, without the ending."""
    return f"{re.sub(r'[^A-Za-z0-9-]', '_', content.reference)}-{content.layout}"


def _contents(
    session: Session, request: Request, told: Mapping[str, Any], look: Mapping[str, Any], partner: Partner | None,
    layout: Layout, at: datetime, account: Account | None,
) -> list[SlipContent]:  # fmt: skip
    """`told` and `look` are the request and the settings as they were when the slip was promised."""
    if partner is None:
        raise Permanent(f"{request.reference} has no partner to put on a slip.")
    logo = session.get(Logo, (request.library_id, look["logo"])) if look["logo"] else None
    content = replace(
        _content(request, told, partner, layout, at, account),
        paper=cast(Paper, look["paper"] or "letter"),
        duplex=look["duplex"],
        texts=tuple(look["texts"]),
        logo=logo.content if logo else None,
    )
    barcodes = list(told["pieces"])
    count = len(barcodes) or told.get("piece_count") or 1
    if count == 1:
        return [content]
    barcodes = barcodes or list(content.pieces)
    of_each = [(barcode,) for barcode in barcodes] + [()] * (count - len(barcodes))
    return [replace(content, pieces=its, of_pieces=(n, count)) for n, its in enumerate(of_each, start=1)]


def _content(
    request: Request, told: Mapping[str, Any], partner: Partner, layout: Layout, at: datetime,
    account: Account | None,
) -> SlipContent:  # fmt: skip
    library, patron = request.library, request.patron
    borrowing = request.side == BORROWING
    usual = partner.return_address if borrowing else partner.shipping_address
    theirs = _partner(partner, told.get("parcel_to") or usual)
    # The lender scans the id under which it was asked.
    reference = told["wire_id"] if layout == "return_slip" and told["wire_id"] else told["reference"]
    other = told["wire_id"] if borrowing else told["partner_request_id"]
    return SlipContent(
        layout=layout,
        reference=reference,
        title=told["title"],
        destination=theirs,
        return_to=theirs if layout == "return_slip" else _library(library),
        library_name=library.name,
        printed_at=at.astimezone(library.zone),
        service=cast(Service, told["service"]),
        # In words, where another id is printed as the barcode.
        partner_reference=other if other and other != reference else None,
        author=told["author"],
        volume=told["volume"],
        call_number=told["call_number"] or "",
        location=told["location"] or "",
        due_date=told["patron_due"] if borrowing and layout == "book_strap" else told["lender_due"],
        conditions=tuple(told["conditions"] or ()),
        pieces=tuple(told["pieces"]) or ((told["item_barcode"],) if told["item_barcode"] else ()),
        hold_code=patron.hold_code if patron and layout == "book_strap" else None,
        hub=_partner(partner.hub, partner.hub.shipping_address) if partner.hub else None,
        delivery_method=partner.delivery_method,
        note=told["partner_note"],
        printed_by=(account.full_name or account.name) if account else "",
    )


def _library(library: Library) -> Address:
    return Address(library.name, tuple(library.address.splitlines()), library.delivery_code)


def _partner(partner: Partner, address: str) -> Address:
    return Address(partner.name, tuple((address or partner.shipping_address).splitlines()), partner.delivery_code)


def _remember(session: Session, claimed: Claimed, name: str, at: datetime) -> None:
    """Once, also where the slip and the mail with it are made at the same moment."""
    mine = (Slip.event_id == claimed.event_id) & (Slip.layout == claimed.argument)
    drawn = {"file": name, "effect_id": claimed.id}
    undrawn = sa.update(Slip).where(mine, Slip.file == "").values(**drawn)
    session.execute(undrawn.execution_options(synchronize_session=False))
    row = {
        "library_id": claimed.library_id, "request_id": claimed.request_id, "event_id": claimed.event_id,
        "layout": claimed.argument, "at": at, **drawn,
    }  # fmt: skip
    # What was promised before slips were known from the promise on has no row yet.
    insert_new(session, Slip, [row], Slip.id)
