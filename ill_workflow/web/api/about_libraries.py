"""What is known of a library: itself, its partners, its closed days, what needs somebody, and what happened."""

from collections.abc import Iterable
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query

from ill_workflow.accounts import Grant, Role
from ill_workflow.calendars import ClosedDate
from ill_workflow.libraries import Library
from ill_workflow.partners import Partner
from ill_workflow.requests.feed import cursor_now, events_since
from ill_workflow.requests.models import Event, Request
from ill_workflow.tokens import Scope
from ill_workflow.web.api import telling
from ill_workflow.web.api.callers import Calling, Here, Reading
from ill_workflow.web.api.problems import described
from ill_workflow.web.api.shapes import (
    LARGEST_ID,
    ClosedDay,
    ClosedDays,
    Feed,
    FeedLine,
    LibraryShown,
    Me,
    Partners,
    PartnerShown,
)

router = APIRouter(responses=described(401, 403, 429, 503))
here = APIRouter(prefix="/libraries/{library}", responses=described(401, 403, 404, 422, 429, 503))
#: Partners on one page, and closed days in all.
PAGE, MOST_DAYS = 200, 1000


@router.get("/me", operation_id="get_me", tags=["Libraries"], summary="Who calls, and at which libraries")
def get_me(caller: Calling, services: Here) -> Me:
    """The account of the token, how far it reaches, and the libraries at which it is good."""
    with services.db.reading() as session:
        granted = sa.select(Library, Grant.role).join(Grant, Grant.library_id == Library.id)
        rows = session.execute(granted.where(Grant.account_id == caller.account.id).order_by(Library.code)).all()
        now = services.clock.now()
        libraries = [
            telling.library_shown(
                library, Role(role) if caller.scope.holds(Scope.MANAGE) else Role.OPERATOR, now
            )
            for library, role in rows
            if caller.library_id in (None, library.id)
        ]  # fmt: skip
    return Me(
        account=caller.account.name, full_name=caller.account.full_name, token=caller.token, scope=caller.scope.value,
        libraries=libraries,
    )  # fmt: skip


@here.get("", operation_id="get_library", tags=["Libraries"], summary="One library")
def get_library(place: Reading, services: Here) -> LibraryShown:
    """The library, the day that it is there, and as what you act there."""
    return telling.library_shown(place.library, place.role, services.clock.now())


@here.get("/partners", operation_id="list_partners", tags=["Libraries"], summary="Its partners")
def list_partners(
    place: Reading, services: Here,
    after: Annotated[str, Query(max_length=64, description="Where the page begins, as `next` says.")] = "",
) -> Partners:  # fmt: skip
    """Those with whom it lends and borrows, by code, 200 on a page."""
    with services.db.reading() as session:
        rows = sa.select(Partner).where(Partner.library_id == place.library.id, Partner.code > after)
        found = session.scalars(rows.order_by(Partner.code).limit(PAGE + 1)).all()
        items = [_partner(partner) for partner in found[:PAGE]]
    further = telling.with_query(telling.at_library(place.library, "partners"), after=items[-1].code) if items else None
    return Partners(items=items, next=further if len(found) > PAGE else None)


@here.get("/closed-days", operation_id="list_closed_days", tags=["Libraries"], summary="When it is closed")
def list_closed_days(place: Reading, services: Here) -> ClosedDays:
    """From today on, when the library or one of its partners does not work. Weekends are not among them."""
    with services.db.reading() as session:
        today = place.library.today(services.clock.now())
        rows = sa.select(ClosedDate, Partner.code).outerjoin(Partner, Partner.id == ClosedDate.partner_id)
        rows = rows.where(ClosedDate.library_id == place.library.id, ClosedDate.day >= today)
        found = session.execute(rows.order_by(ClosedDate.day, ClosedDate.id).limit(MOST_DAYS)).all()
        return ClosedDays(items=[ClosedDay(day=d.day, partner=code, reason=d.reason) for d, code in found])


@here.get("/events", operation_id="list_events", tags=["Requests"], summary="What happened, to be followed")
def list_events(
    place: Reading, services: Here,
    after: Annotated[
        int | None,
        Query(
            ge=0, le=LARGEST_ID,
            description="The line after which to begin: 0 is the beginning of all. Without it: what comes from now on.",
        ),
    ] = None,
) -> Feed:  # fmt: skip
    """For systems that follow: ask, work off `items`, keep `next`, and ask there again, at once where there is `more`.

    No line is left out, and none comes twice. Where somebody is just writing, later lines wait for it.
    """
    with services.db.reading() as session:
        if after is None:
            return Feed(items=[], next=_feed(place.library, cursor_now(session, services.clock)), more=False)
        found = events_since(session, place.library.id, after, services.clock)
        items = list(_feed_lines(place.library, found.lines))
        return Feed(items=items, next=_feed(place.library, found.cursor), more=found.more)


def _feed(library: Library, after: int) -> str:
    return telling.with_query(telling.at_library(library, "events"), after=after)


def _feed_lines(library: Library, lines: Iterable[tuple[Event, Request]]) -> Iterable[FeedLine]:
    for event, request in lines:
        yield FeedLine.model_validate(
            {
                "id": event.id, "at": event.at, "number": request.id, "reference": request.reference,
                "side": request.side, "version": event.version, "trigger": event.trigger, "label": event.label,
                "from_state": event.source, "to_state": event.dest, "who": event.who,
                "href": telling.at_library(library, "requests", request.id),
            }
        )  # fmt: skip


def _partner(partner: Partner) -> PartnerShown:
    return PartnerShown.model_validate(
        {
            "code": partner.code, "name": partner.name, "status": partner.status, "transport": partner.transport,
            "delivery_code": partner.delivery_code, "delivery_method": partner.delivery_method,
            "shipping_address": partner.shipping_address, "return_address": partner.return_address,
            "currency": partner.currency, "hub": partner.hub.code if partner.hub else None,
            "loan_days": partner.agreed_terms().loan_days,
            "iso18626": vars(partner.agreed_wire()) if partner.transport == "iso18626" else None,
        }
    )  # fmt: skip
