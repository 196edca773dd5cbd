"""The world around a request at the moment of an action, gathered for its lifecycle."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.calendars import closed_days
from ill_workflow.fees import Ledger
from ill_workflow.requests import pieces
from ill_workflow.requests.models import BORROWING, Request
from ill_workflow.requests.rota import next_entry
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.declaration import Lifecycle
from state_machines.lending import LENDING as LENDING_LIFECYCLE
from state_machines.request import Calendar, Facts, Terms
from state_machines.schedule import Timer, timers_for


def lifecycle_of(request: Request) -> Lifecycle:
    return lifecycle_of_side(request.side)


def lifecycle_of_side(side: str) -> Lifecycle:
    return BORROWING_LIFECYCLE if side == BORROWING else LENDING_LIFECYCLE


def gather(session: Session, request: Request, now: datetime, *, by_staff: bool = True) -> Facts:
    """What the lifecycle may know."""
    library, partner = request.library, request.partner
    balances = Ledger(session, request.library_id, request.id).balances()
    our_days, their_days = closed_days(session, library.id, partner.id if partner else None)
    sets_the_date = partner.zone if partner and request.side == BORROWING else None
    return Facts(
        now=now,
        today=library.today(now),
        zone=library.zone,
        terms=partner.agreed_terms() if partner else Terms(),
        due_zone=sets_the_date or library.zone,
        ours=Calendar(library.working_days, our_days),
        theirs=Calendar(partner.working_days, their_days) if partner else Calendar(library.working_days, our_days),
        open_fees=sum((amount for amount in balances.values() if amount > 0), Decimal(0)),
        currency=partner.currency if partner else library.currency,
        next_in_rota=request.side == BORROWING and next_entry(session, request) is not None,
        in_pieces=bool(pieces.barcodes(session, request)),
        lending_suspended=library.lends_nothing(library.today(now)),
        transit_after_days=library.transit_after_days,
        by_staff=by_staff,
        claim_days=library.claim_days,
    )


def with_named(session: Session, request: Request, facts: Facts, inputs: Mapping[str, Any]) -> Facts:
    """The same, with what there is to know of the pieces that these inputs name."""
    named = inputs.get("pieces")
    if not named:
        return facts  # a scan that names no pieces means all of them
    out, awaited = len(pieces.out(session, request, named)), pieces.not_yet_here(session, request, named)
    return replace(facts, pieces_out=out, pieces_awaited=awaited)


def set_timers(session: Session, request: Request, facts: Facts) -> None:
    """Give a request the timers that it should have now."""
    wanted = timers_for(lifecycle_of(request), request, facts, timers.fired(session, request.id))
    timers.replace(session, request.id, [timers.Wanted(t.name, t.due_at, t.slot) for t in wanted])


def due_timer(session: Session, request: Request, facts: Facts, name: str) -> Timer | None:
    """The timer, if the request should have it now and its moment has come: a stale row of the table fires nothing."""
    wanted = timers_for(lifecycle_of(request), request, facts, timers.fired(session, request.id))
    return next((t for t in wanted if t.name == name and t.due_at <= facts.now), None)
