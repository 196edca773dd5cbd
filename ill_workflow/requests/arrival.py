"""What whoever unpacks a borrowed item looks at before it counts as received."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.partners import Partner
from ill_workflow.requests import pieces
from ill_workflow.requests.destination import known_as
from ill_workflow.requests.models import Attempt, Request


@dataclass(frozen=True)
class Checklist:
    """What should be in the parcel, and what the lender wants."""

    reference: str
    title: str
    author: str
    volume: str
    service: str
    partner: str
    patron: str  #: as much of the name as a screen may show
    hold_code: str
    lender_due: date | None
    patron_due: date | None
    due_assumed: bool  #: the lender named no day; this is the usual term
    pieces: tuple[str, ...]  #: all that were sent, where they have barcodes
    this_piece: str | None  #: the one in hand
    to_come: tuple[str, ...]  #: what is still missing once this one is here
    conditions: tuple[str, ...]
    no_renewals: bool
    wanted_back: bool  #: a recall, or an overdue notice, came before the item
    cost: Decimal | None
    currency: str


def checklist(session: Session, request: Request, code: str, clock: Clock, former: Attempt | None = None) -> Checklist:
    """What to look at. `former`: another lender than the present one has sent it."""
    partner = session.get_one(Partner, former.partner_id) if former else request.partner
    known = pieces.barcodes(session, request)
    this = code if code in known else None
    missing = (pieces.awaited(session, request) or known) if this else []
    due, patron_due, assumed = request.lender_due, request.patron_due, request.due_assumed
    if due is None and request.service == "loan" and partner is not None:
        terms = partner.agreed_terms()
        due, assumed = request.library.today(clock.now()) + timedelta(days=terms.loan_days), True
        patron_due = due - timedelta(days=terms.transit_days)
    patron = request.patron
    return Checklist(
        reference=request.reference, title=request.title, author=request.author, volume=request.volume,
        service=request.service, partner=partner.name if partner else "",
        patron=known_as(patron) if patron else "", hold_code=patron.hold_code if patron else "",
        lender_due=due, patron_due=patron_due, due_assumed=assumed,
        pieces=tuple(known), this_piece=this, to_come=tuple(piece for piece in missing if piece != this),
        conditions=tuple(request.conditions or ()),
        no_renewals=request.service == "loan" and partner is not None and partner.agreed_terms().renewals == 0,
        wanted_back=request.kept_recall or request.kept_overdue,
        cost=request.cost, currency=partner.currency if partner else request.library.currency,
    )  # fmt: skip
