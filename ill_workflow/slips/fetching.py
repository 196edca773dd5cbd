"""What somebody has to fetch from the shelves, in the order in which it stands there."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import IllError
from ill_workflow.libraries import Library
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import LENDING, Event, Request, Slip
from ill_workflow.slips import batches
from ill_workflow.slips.batches import Left, Tick
from ill_workflow.slips.pull_list import PullLine
from ill_workflow.slips.shelf_order import place

#: Asked for and not refused; from Being Processed on somebody has the slip, and with it the item.
WAITING = ("new", "will_supply")
PRINT_SLIP = "print_slip"


@dataclass(frozen=True)
class ToFetch:
    """A request whose item has to be fetched, as it was when the list was made."""

    request_id: int
    version: int
    line: PullLine


def to_fetch(session: Session, library: Library, *, location: str | None = None) -> list[ToFetch]:
    """Lending requests without a slip whose item is not known to be missing; at locations that begin like that one."""
    undo = sa.orm.aliased(Event)
    undone = sa.exists().where(undo.undoes_id == Event.id)
    printed = sa.exists().where(Event.request_id == Request.id, Event.trigger == PRINT_SLIP, ~undone)
    wanted = (
        sa.select(Request)
        .where(
            Request.library_id == library.id, Request.side == LENDING, Request.state.in_(WAITING),
            Request.offered_reason.is_(None), ~printed,
        )
        .options(joinedload(Request.partner))
    )  # fmt: skip
    found = [r for r in session.scalars(wanted) if _stands_at(r, location)]
    found.sort(key=lambda r: place(r.location, r.call_number, r.title, r.reference))
    return [ToFetch(r.id, r.version, _line(r)) for r in found]


def take_up(
    db: Database, clock: Clock, account: Account, things: Sequence[ToFetch], batch_id: int, tick: Tick | None = None
) -> list[Left]:
    """Print Slip for each of them, each in a transaction of its own, its slip into the batch; those that refused."""
    left = []
    try:
        for number, thing in enumerate(things, start=1):
            try:
                with db.writing() as session:
                    request = actions.locked(session, thing.request_id)
                    outcome = actions.perform(
                        session, request, PRINT_SLIP, by=By.staff(account), clock=clock, version=thing.version
                    )
                    mine = session.scalars(sa.select(Slip.id).where(Slip.event_id == outcome.event_id)).all()
                    batches.take(session, batch_id, mine)
                    batches.renew(session, batch_id)
            except IllError as refusal:
                left.append(Left(thing.line.reference, "routing", refusal.message))
            if tick:
                tick("Printing slips", number, len(things))
    except BaseException:
        batches.give_back(db, batch_id)
        raise
    return left


def _stands_at(request: Request, location: str | None) -> bool:
    return not location or (request.location or "").casefold().startswith(location.strip().casefold())


def _line(request: Request) -> PullLine:
    return PullLine(
        reference=request.reference,
        title=request.title,
        author=request.author,
        volume=request.volume,
        call_number=request.call_number or "",
        location=request.location or "",
        item_barcode=request.item_barcode or "",
        partner=request.partner.name if request.partner else "",
        need_by=request.need_by,
        service="copy" if request.service == "copy" else "loan",
        note=request.partner_note,
        pages=request.pages,
        article_title=request.article_title,
    )
