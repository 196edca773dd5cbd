"""A request that came to nothing, or is wanted once more, is created again: a new one, which follows the old one."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import Refused
from ill_workflow.requests import actions, rota
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.intake import borrow
from ill_workflow.requests.models import BORROWING, Request
from state_machines.changes import TRAVELLING

#: What belongs to one lender's copy is not asked for again.
FIELDS = tuple(sorted(TRAVELLING | {"patron_note", "internal_note"}))


def create_again(session: Session, old: Request, *, by: By, clock: Clock, key: str | None = None) -> Request:
    """A new request with the same data, patron and rota; the old one stays as it is.

    Who could not fill it is left out of the rota. A need-by date that has passed is not taken over. With the same key
    it is created once. Raises Refused for what is not over, and for what partners want of us.
    """
    actors_at(session, by, old.library_id, old.reference)
    if why := why_not_again(old):
        raise Refused(why, field="request")
    content = f"create again {old.id}"
    if key is not None and (known := actions.answered(session, old.library_id, by, key, content)):
        return session.get_one(Request, known["request"])
    fields = {name: getattr(old, name) for name in FIELDS}
    if old.need_by is not None and old.need_by < old.library.today(clock.now()):
        fields["need_by"] = None
    new = borrow(
        session, old.library, fields, by=by, clock=clock, patron=old.patron, service=old.service,
        partner_note=old.partner_note, partners=_rota(session, old), follows=old,
    )  # fmt: skip
    if key is not None:
        actions.remember_answer(session, old.library_id, by, key, content, {"request": new.id}, clock.now())
    return new


def why_not_again(request: Request) -> str:
    """Why it can't be created again; empty where it can."""
    lifecycle = lifecycle_of(request)
    if request.side != BORROWING:
        return f"{request.reference} was asked for by a partner: only the partner can ask for it again."
    if request.state not in lifecycle.terminal:
        state = lifecycle.label(request.state)
        return f"{request.reference} is {state}. It can be created again once it is over."
    return ""


def followers(session: Session, request: Request) -> list[Request]:
    """What follows a request, the oldest first."""
    mine = (Request.follows_id == request.id) & (Request.library_id == request.library_id)
    return list(session.scalars(sa.select(Request).where(mine).order_by(Request.id)))


def _rota(session: Session, old: Request) -> list[str]:
    asked = {a.partner_id for a in rota.attempts(session, old)} if old.state == "unfilled" else set()
    entries = [e.partner for e in rota.entries(session, old) if e.partner_id not in asked]
    return list(dict.fromkeys(partner.code for partner in entries if partner.status == "active"))
