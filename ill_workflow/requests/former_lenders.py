"""A lender that was asked before and turns out to have sent something after all."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.requests import actions, rota
from ill_workflow.requests.by import By
from ill_workflow.requests.consequences import promise_effects
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, Request
from state_machines.effects import alert_staff, send_message

#: Effects that are added to those of the row get numbers from here on.
MORE = 100
#: Where somebody is being asked, who has to be told that the item comes from elsewhere.
ASKING = ("SEEKING", "cancel_requested")


def by_code(session: Session, request: Request, code: str) -> Attempt | None:
    """The former lender whose label or item a code is; None where it belongs to the present one."""
    if code in (request.item_barcode, request.temporary_barcode, request.wire_id):
        return None
    fits = (Attempt.wire_id == code) | (Attempt.item_barcode == code)
    mine = sa.select(Attempt).where(Attempt.request_id == request.id, Attempt.wire_id != request.wire_id, fits)
    return session.scalar(mine.order_by(Attempt.number.desc()).limit(1))


def another_item(request: Request) -> bool:
    """Whether the item of another lender is coming, is here or has been here."""
    lifecycle = lifecycle_of(request)
    waits = lifecycle.expand((*ASKING, "PREPARING", "cancelled", "unfilled"))
    filled_locally = request.state == "completed" and request.previous_state in lifecycle.expand(("PREPARING",))
    return request.loan_seen or not (request.state in waits or filled_locally)


@dataclass(frozen=True)
class Meantime:
    """Who was asked in the meantime: to be told, and to be the current one again if this is taken back."""

    partner_id: int | None
    wire_id: str | None
    waiting: Attempt | None  #: that still waits, and has to be told


def take_up(session: Session, request: Request, attempt: Attempt) -> Meantime:
    """Make a former lender the current one again; who was asked in the meantime."""
    asked = request.state in lifecycle_of(request).expand(ASKING)
    waiting = rota.current_attempt(session, request) if asked else None
    meantime = Meantime(request.partner_id, request.wire_id, waiting)
    rota.take_up_again(session, request, attempt)
    return meantime


def tell(session: Session, request: Request, outcome: actions.Outcome, meantime: Meantime, by: By) -> None:
    """The one asked in the meantime gets a Cancel, and staff are told."""
    event, present = session.get_one(Event, outcome.event_id), meantime.waiting
    event.before = {**event.before, "partner_id": meantime.partner_id, "wire_id": meantime.wire_id}
    if present is not None:
        cancel = (send_message("Cancel"),)
        promise_effects(session, request, cancel, event, by=by, inputs={}, attempt=present, first=MORE)
    if outcome.source not in ("needs_review", "cancelled", "unfilled", "cancel_requested", "completed"):
        alert, current = (alert_staff("unexpected_shipment"),), rota.current_attempt(session, request)
        promise_effects(session, request, alert, event, by=by, inputs={}, attempt=current, first=MORE + 10)
