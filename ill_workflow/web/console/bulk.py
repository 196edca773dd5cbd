"""One action on many requests of a list: what it asks for, how far it is, and what became of each."""

import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import FileResponse, RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, QueryParams

from ill_workflow.accounts import Account, Grant
from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.lists import bulk as bulks
from ill_workflow.lists.bulk import ASSIGN, MOST
from ill_workflow.requests.models import BORROWING, LENDING, Bulk
from ill_workflow.requests.next_step import asks_for_nothing
from ill_workflow.requests.worklists import Place, numbers_of
from ill_workflow.slips.fetching import PRINT_SLIP
from ill_workflow.web import filters
from ill_workflow.web.beside import beside_the_pages
from ill_workflow.web.console.worklists import TITLES, place_of
from ill_workflow.web.forms import fields_of_many
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _, code, code_of
from state_machines.declaration import Input

router = APIRouter(prefix="/l/{library}")

ALL = "all"
#: Before the names of inputs, so that none is mistaken for what else the form carries.
BEFORE = "in-"


@router.post("/{side}/bulk")
def choose(http: Http, side: str, visitor: Signed, services: Here, form: Posted) -> Response:
    """What was chosen in a list: done at once where nothing has to be known, and asked for otherwise."""
    place = _place(visitor, services, side)
    trigger, numbers = str(form.get("trigger", "")), _numbers(form)
    with services.db.reading() as session:
        if form.get("which") == ALL:
            wanted, _partner = filters.read(session, place, QueryParams(str(form.get("filter", "")).lstrip("?")))
            numbers = numbers_of(session, place, wanted, MOST + 1)
        asked = () if trigger == ASSIGN else _row_needs(place, visitor, trigger)
        if not numbers or len(numbers) > MOST:
            short = _("Choose at least one request.")
            long = _("These are too many at once: narrow the list to {most} requests.").format(most=MOST)
            raise BadInput(long if numbers else short, field="request")
        if not _at_once(place, visitor, trigger):
            return _ask(http, session, visitor, place, trigger, numbers, asked)
    return _begin(visitor, services, place, trigger, numbers, {}, str(form.get("key", "")))


@router.post("/{side}/bulk/begin")
def begin(http: Http, side: str, visitor: Signed, services: Here, form: Posted) -> Response:
    """It begins with what was filled in; posted twice it is one."""
    place = _place(visitor, services, side)
    trigger, numbers = str(form.get("trigger", "")), _numbers(form)
    asked = () if trigger == ASSIGN else _row_needs(place, visitor, trigger)
    names = ["to"] if trigger == ASSIGN else [need.name for need in asked]
    typed = {name: str(form.get(f"{BEFORE}{name}", "")).strip() for name in names}
    meant = typed | {need.name: code_of(typed[need.name], need.usual) for need in asked}
    try:
        return _begin(visitor, services, place, trigger, numbers, meant, str(form.get("key", "")))
    except BadInput as wrong:
        with services.db.reading() as session:
            return _ask(http, session, visitor, place, trigger, numbers, asked, typed=typed, wrong=wrong)


@router.get("/bulk/{number}")
def see(http: Http, number: int, visitor: Signed, services: Here) -> Response:
    return _progress(http, visitor, services, number)


@router.post("/bulk/{number}/on")
def go_on(http: Http, number: int, visitor: Signed, services: Here) -> Response:
    """The next few. The page asks for it again and again by itself; without a script somebody presses the button."""
    with services.db.reading() as session:
        bulk = bulks.find_bulk(session, visitor.library, visitor.account, number)
    bulks.work_on(services.db, services.clock, bulk, visitor.account)
    if http.headers.get("hx-request"):
        return _progress(http, visitor, services, number)
    return RedirectResponse(f"/l/{visitor.library.code}/bulk/{number}", status_code=303)


@router.post("/bulk/{number}/slips")
@beside_the_pages
def slips(number: int, visitor: Signed, services: Here) -> Response:
    """One file of the slips, in the order in which things stand on the shelves; with that they count as printed."""
    with services.db.reading() as session:
        bulk = bulks.find_bulk(session, visitor.library, visitor.account, number)
    file = services.settings.slips / f"bulk-{bulk.id}.pdf"
    if bulk.batch_id is None or not file.exists():
        printed = bulks.print_slips(services.db, services.clock, visitor.library, visitor.account, bulk, file)
        if printed.batch is None:
            raise NotFound(printed.left[0].why if printed.left else _("None of these slips waits to be printed."))
    return RedirectResponse(f"/l/{visitor.library.code}/bulk/{number}/slips.pdf", status_code=303)


@router.get("/bulk/{number}/slips.pdf")
def slips_file(number: int, visitor: Signed, services: Here) -> Response:
    with services.db.reading() as session:
        bulk = bulks.find_bulk(session, visitor.library, visitor.account, number)
    file = services.settings.slips / f"bulk-{bulk.id}.pdf"
    if bulk.batch_id is None or not file.exists():
        raise NotFound(_("These slips have not been drawn yet."))
    name = f"slips-{visitor.library.code}-{number}.pdf"
    return FileResponse(file, media_type="application/pdf", filename=name, content_disposition_type="inline")


def _place(visitor: Visitor, services: Services, side: str) -> Place:
    if side not in (LENDING, BORROWING):
        raise NotFound(_("There is no such page."))
    return place_of(visitor, services, side)


def _at_once(place: Place, visitor: Visitor, trigger: str) -> bool:
    """Whether it needs no second look."""
    return trigger == PRINT_SLIP and asks_for_nothing(bulks.row_of(place.lifecycle, trigger, manages=visitor.manages))


def _row_needs(place: Place, visitor: Visitor, trigger: str) -> tuple[Input, ...]:
    needs = bulks.row_of(place.lifecycle, trigger, manages=visitor.manages).needs
    return tuple(need for need in needs if need.type in bulks.SAID_ONCE)


def _numbers(form: FormData) -> list[int]:
    return [int(value) for value in form.getlist("request") if isinstance(value, str) and _is_number(value)]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _begin(
    visitor: Visitor,
    services: Services,
    place: Place,
    trigger: str,
    numbers: list[int],
    inputs: Mapping[str, Any],
    key: str,
) -> Response:
    with services.db.writing() as session:
        bulk = bulks.begin(
            session, visitor.library, place.lifecycle, visitor.account, trigger, numbers, inputs=inputs,
            manages=visitor.manages, key=key, clock=services.clock,
        )  # fmt: skip
        number = bulk.id
    return RedirectResponse(f"/l/{visitor.library.code}/bulk/{number}", status_code=303)


def _ask(
    http: Http, session: Session, visitor: Visitor, place: Place, trigger: str, numbers: list[int],
    asked: tuple[Input, ...], *, typed: Mapping[str, str] | None = None, wrong: BadInput | None = None,
) -> Response:  # fmt: skip
    field = wrong.field if wrong else ""
    at_a_field = field in ("to", *(need.name for need in asked))
    said = wrong.message if wrong else ""
    fields = []
    if asked:
        row = bulks.row_of(place.lifecycle, trigger, manages=visitor.manages)
        fields = fields_of_many(
            place.lifecycle, row, asked, place.today, before=BEFORE, typed=typed or {}, errors={field or "": said}
        )  # fmt: skip
    return render(
        http, "bulk_form.html", visitor, status=wrong.status if wrong else 200, side=place.side, trigger=trigger,
        label=_label(place, trigger), numbers=numbers, fields=fields, key=secrets.token_urlsafe(18),
        people=_people(session, visitor) if trigger == ASSIGN else [], to=(typed or {}).get("to", visitor.account.name),
        wrong="" if at_a_field else said, title=_(TITLES[place.side]), wrong_to=said if field == "to" else "",
    )  # fmt: skip


def _people(session: Session, visitor: Visitor) -> list[tuple[str, str]]:
    """Who works at this library."""
    mine = sa.select(Account.name, Account.full_name).join(Grant, Grant.account_id == Account.id)
    mine = mine.where(Grant.library_id == visitor.library.id, Account.active.is_(True), Account.system.is_(False))
    return [
        (name, full_name or name) for name, full_name in session.execute(mine.order_by(Account.full_name, Account.name))
    ]


def _progress(http: Http, visitor: Visitor, services: Services, number: int) -> Response:
    with services.db.reading() as session:
        bulk = bulks.find_bulk(session, visitor.library, visitor.account, number)
        place = _place(visitor, services, bulk.side)
        return render(
            http, "bulk.html", visitor, progress=bulks.progress(session, bulk), lines=bulks.lines_of(session, bulk),
            bulk=bulk, label=_label(place, bulk.trigger), title=_(TITLES[bulk.side]), said=_said(bulk),
            drawn=bulk.batch_id is not None,
        )  # fmt: skip


def _label(place: Place, trigger: str) -> str:
    if trigger == ASSIGN:
        return _("Assign")
    return _(place.lifecycle.rows(trigger)[0].label)


def _said(bulk: Bulk) -> str:
    return ", ".join(code(str(value)) for value in bulk.inputs.values())
