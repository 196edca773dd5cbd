"""Requests in lists: filtered, searched, page by page; those that have a code; and what needs somebody today."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.partners import find_partner
from ill_workflow.requests import worklists
from ill_workflow.requests.fields import LONGEST_CODE
from ill_workflow.requests.scan import find
from ill_workflow.requests.today import Failure, Section, today
from ill_workflow.web.api import telling
from ill_workflow.web.api.callers import Here, Reading
from ill_workflow.web.api.problems import described
from ill_workflow.web.api.shapes import (
    FailureShown,
    Lines,
    Side,
    TodayLine,
    TodaySection,
    TodayShown,
)

router = APIRouter(prefix="/libraries/{library}", responses=described(401, 403, 404, 422, 429, 503))
LONGEST_SEARCH, LONGEST_CURSOR, MOST_STATES = 200, 1500, 30


@router.get("/requests", operation_id="list_requests", tags=["Requests"], summary="Requests, page by page")
def list_requests(
    place: Reading, services: Here,
    side: Annotated[
        Side | None,
        Query(description="What is borrowed, or what is lent: needed but with a `code`.", examples=["lending"]),
    ] = None,
    code: Annotated[
        str,
        Query(
            max_length=LONGEST_CODE,
            description="Whatever has this code, looked up without doing anything: a reference, the barcode of an item "
            "or a piece, a temporary barcode, a partner's own id. Nothing else filters then.",
        ),
    ] = "",
    state: Annotated[
        list[Annotated[str, Query(max_length=32)]] | None,
        Query(
            max_length=MOST_STATES,
            description="States or groups of the table, `not_terminal` or `any`. Without: whatever is under way.",
        ),
    ] = None,
    partner: Annotated[str, Query(max_length=64, description="The code of a partner.")] = "",
    due: Annotated[Literal["", "overdue", "today", "week", "later", "none"], Query(description="By due date.")] = "",
    printed: Annotated[bool | None, Query(description="Whether a slip of it is on paper.")] = None,
    location: Annotated[str, Query(max_length=200, description="A shelf location.")] = "",
    attention: Annotated[bool, Query(description="Only what needs a person.")] = False,
    search: Annotated[
        str,
        Query(
            max_length=LONGEST_SEARCH,
            description="Words of title, author, partner or patron; reference, barcode, ISBN, tracking number.",
            examples=["pride austen"],
        ),
    ] = "",
    sort: Annotated[Literal["due", "age", "title", "partner", "status"], Query(description="In which order.")] = "due",
    descending: Annotated[bool, Query(description="The other way round.")] = False,
    after: Annotated[str, Query(max_length=LONGEST_CURSOR, description="Where a page begins, as `next` says.")] = "",
    before: Annotated[
        str, Query(max_length=LONGEST_CURSOR, description="Where a page ends, as `previous` says.")
    ] = "",
) -> Lines:  # fmt: skip
    """One page of 50. A page costs what it shows, however many requests there are: follow `next`.

    With `code`, what a scanner would find: the oldest first, none where nothing has it.
    """
    if code:
        with services.db.reading() as session:
            found = [r for r in find(session, place.library, code) if side in (None, r.side)]
            items = [telling.line(request) for request in found]
        return Lines(items=items, count=len(items), more=False, next=None, previous=None)
    if side is None:
        raise BadInput("side is needed: borrowing or lending.", field="side")
    asked: dict[str, Any] = {
        "side": side, "state": state, "partner": partner, "due": due, "printed": printed, "location": location,
        "attention": attention, "search": search, "sort": sort, "descending": descending,
    }  # fmt: skip
    with services.db.reading() as session:
        whose = find_partner(session, place.library.id, partner).id if partner else None
        wanted = worklists.Filter(
            states=tuple(state or ()), partner_id=whose, due=due, printed=printed, location=location,
            attention=attention, search=search, sort=sort, descending=descending,
        )  # fmt: skip
        here = worklists.Place(place.library, side, place.library.today(services.clock.now()))
        try:
            page = worklists.page_of(session, here, wanted, after=after, before=before)
        except BadInput as wrong:
            raise BadInput(wrong.message, field="state" if wrong.field == "status" else wrong.field) from None
        return Lines(
            items=[telling.line(row.request) for row in page.rows], count=page.count, more=page.more,
            next=_page(place.library, asked, after=page.after),
            previous=_page(place.library, asked, before=page.before),
        )  # fmt: skip


@router.get("/today", operation_id="get_today", tags=["Requests"], summary="What needs somebody")
def get_today(place: Reading, services: Here) -> TodayShown:
    """The most urgent first, each with the reason, until when, and what usually comes next."""
    with services.db.reading() as session:
        day = today(session, place.library, place.caller.account, place.role, services.clock)
        return TodayShown(quiet=day.is_quiet, sections=[_section(place.library, section) for section in day.sections])


def _section(library: Library, section: Section) -> TodaySection:
    return TodaySection(
        name=section.kind.name, title=section.kind.title, can_wait=section.kind.quiet, count=section.count,
        more=section.more,
        lines=[
            TodayLine(
                why=line.why, until=line.until, next_action=line.action.trigger if line.action else None,
                open_fees=telling.money(dict(line.open_fees)), request=telling.line(line.row.request),
            )
            for line in section.lines
        ],
        failures=[_failure(library, failure) for failure in section.failures],
    )  # fmt: skip


def _failure(library: Library, failure: Failure) -> FailureShown:
    about = telling.at_library(library, "requests", failure.request_id) if failure.request_id else None
    return FailureShown(
        what=failure.what, argument=failure.argument, at=failure.at, request=about, reference=failure.reference
    )


def _page(library: Library, asked: Mapping[str, Any], **cursor: str) -> str | None:
    if not any(cursor.values()):
        return None
    return telling.with_query(telling.at_library(library, "requests"), **asked, **cursor)
