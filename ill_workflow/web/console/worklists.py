"""Lending Requests and Borrowing Requests: lists to be filtered, searched, put in order and worked through."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.lists import sheet
from ill_workflow.lists.bulk import ASSIGN, MOST, in_bulk
from ill_workflow.partners import Partner
from ill_workflow.requests.models import BORROWING, LENDING
from ill_workflow.requests.worklists import (
    ASSIGNED,
    DUES,
    SORTS,
    Filter,
    Place,
    Row,
    all_of,
    locations,
    page_of,
    states_of,
)
from ill_workflow.web import filters
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}")

TITLES = {LENDING: "Lending Requests", BORROWING: "Borrowing Requests"}
#: The columns of a file, and how each is made.
COLUMNS = (
    "reference", "state", "title", "author", "isbn", "partner", "partner_id", "patron", "due", "need_by", "created",
    "item_barcode", "call_number", "location", "tracking", "printed", "assigned_to", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A head of the table; with an address it puts the list in order."""

    label: str
    query: str = ""
    order: str = ""  #: ascending or descending, where the list is in order by it


@router.get("/lending")
def lending(http: Http, visitor: Signed, services: Here) -> Response:
    return _list(http, visitor, services, LENDING)


@router.get("/borrowing")
def borrowing(http: Http, visitor: Signed, services: Here) -> Response:
    return _list(http, visitor, services, BORROWING)


@router.get("/lending.csv")
def lending_csv(http: Http, visitor: Signed, services: Here) -> Response:
    return _csv(http, visitor, services, LENDING)


@router.get("/borrowing.csv")
def borrowing_csv(http: Http, visitor: Signed, services: Here) -> Response:
    return _csv(http, visitor, services, BORROWING)


@router.get("/find")
def find(http: Http, visitor: Signed, services: Here, q: str = "") -> Response:
    """What a reference, barcode or word means, in both halves: the request itself, where it is only one."""
    base, found = f"/l/{visitor.library.code}", []
    if not q.strip():
        return RedirectResponse(f"{base}/lending", status_code=303)
    with services.db.reading() as session:
        for side in (LENDING, BORROWING):
            place = place_of(visitor, services, side)
            wanted = Filter(states=("any",), search=q.strip()[: filters.LONGEST_SEARCH], sort="age", descending=True)
            found.append((side, page_of(session, place, wanted), filters.query(wanted)))
        numbers = [row.number for _side, page, _query in found for row in page.rows]
        if len(numbers) == 1:
            return RedirectResponse(f"{base}/requests/{numbers[0]}", status_code=303)
        shown = [(side, _(TITLES[side]), page, query) for side, page, query in found if page.rows]
        return render(http, "found.html", visitor, q=q.strip(), found=shown, zone=visitor.library.zone)


def place_of(visitor: Visitor, services: Services, side: str) -> Place:
    """Where a list is made, and for whom."""
    return Place(visitor.library, side, visitor.library.today(services.clock.now()), visitor.account.id)


def _list(http: Http, visitor: Visitor, services: Services, side: str) -> Response:
    place, params, wrong = place_of(visitor, services, side), http.query_params, ""
    after, before = params.get("after", ""), params.get("before", "")
    with services.db.reading() as session:
        try:
            wanted, partner = filters.read(session, place, params)
            page = page_of(session, place, wanted, after=after, before="" if after else before)
        except (BadInput, NotFound) as trouble:
            # What an address can't ask for is said, and the list is there all the same.
            wanted, partner, wrong = Filter(), None, trouble.message
            page = page_of(session, place, wanted)
        code = partner.code if partner else ""
        return render(
            http, "worklist.html", visitor, status=422 if wrong else 200, side=side, title=_(TITLES[side]), page=page,
            wanted=wanted, wrong=wrong, partner=code, chips=filters.chips(place, wanted, partner),
            views=filters.views(place, wanted), columns=_columns(side, wanted, code),
            statuses=filters.states_to_choose(place),
            partners=_partners(session, place), locations=_locations(session, place),
            dues=[(word, _(label)) for word, label in DUES.items()],
            assigned=[(word, _(label)) for word, label in ASSIGNED.items()],
            bulk=_offered(place, wanted, visitor), most=MOST, here=filters.query(wanted, code),
            earlier=filters.query(wanted, code, before=page.before) if page.before else "",
            later=filters.query(wanted, code, after=page.after) if page.after else "",
            first=filters.query(wanted, code), zone=visitor.library.zone, age=_age(services.clock.now()),
            is_plain=filters.query(wanted, code) == "", key=secrets.token_urlsafe(18),
        )  # fmt: skip


def _columns(side: str, wanted: Filter, partner: str) -> list[Column]:
    def by(sort: str, label: str) -> Column:
        on = wanted.sort == sort
        turned = replace(wanted, sort=sort, descending=on and not wanted.descending)
        order = ("descending" if wanted.descending else "ascending") if on else ""
        return Column(label, filters.query(turned, partner) or "?", order)

    between = [Column(_("Shelf")), Column(_("Slip"))] if side == LENDING else [Column(_("Patron"))]
    return [
        by("age", _("Reference")), by("status", _("Status")), by("title", _("Title")), by("partner", _("Partner")),
        *between, by("due", _(SORTS["due"])), Column(_("Assigned to")),
    ]  # fmt: skip


def _offered(place: Place, wanted: Filter, visitor: Visitor) -> list[tuple[str, str]]:
    """What can be done with many of these at once."""
    rows = in_bulk(place.lifecycle, states_of(place, wanted), manages=visitor.manages)
    return [*((row.trigger, _(row.label)) for row in rows), (ASSIGN, _("Assign"))]


def _partners(session: Session, place: Place) -> Sequence[Any]:
    rows = sa.select(Partner.code, Partner.name).where(Partner.library_id == place.library.id)
    return session.execute(rows.order_by(Partner.name, Partner.code).limit(1000)).all()


def _locations(session: Session, place: Place) -> list[tuple[str, str]]:
    return [(at, at) for at in locations(session, place)] if place.side == LENDING else []


def _age(now: datetime) -> Any:
    """How many days ago something was."""
    return lambda at: max((now - at).days, 0)


def _csv(http: Http, visitor: Visitor, services: Services, side: str) -> Response:
    """The whole of a filtered list, written while it is read."""
    place = place_of(visitor, services, side)
    with services.db.reading() as session:
        wanted, _partner = filters.read(session, place, http.query_params)
        page_of(session, place, wanted)  # what can't be asked for is refused before the first line

    def rows() -> Iterator[dict[str, str]]:
        with services.db.reading() as session:
            for row in all_of(session, place, wanted):
                yield _cells(row, visitor)

    name = f"{side}-{visitor.library.code}-{place.today}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(sheet.parts(COLUMNS, rows()), media_type="text/csv; charset=utf-8", headers=headers)


def _cells(row: Row, visitor: Visitor) -> dict[str, str]:
    r = row.request
    return {
        "reference": r.reference, "state": _(row.state_label), "title": r.title, "author": r.author,
        "isbn": r.isbn or r.issn, "need_by": str(r.need_by or ""),
        "partner": r.partner.name if r.partner else "", "partner_id": r.partner_request_id or "",
        "patron": r.patron.barcode if r.patron else "", "due": str(r.lender_due or ""),
        "created": r.created_at.astimezone(visitor.library.zone).isoformat(timespec="seconds"),
        "item_barcode": r.item_barcode or "", "call_number": r.call_number or "", "location": r.location or "",
        "tracking": r.tracking or "", "printed": _("yes") if row.printed else "", "note": r.internal_note,
        "assigned_to": r.assigned_to.full_name or r.assigned_to.name if r.assigned_to else "",
    }  # fmt: skip
