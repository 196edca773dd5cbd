"""The partners of a library: everybody may find them and look, a manager adds, changes and suspends them."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session, joinedload

from ill_workflow.bootstrap import Services
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, Conflict, IllError, NotFound
from ill_workflow.iso18626.trying import try_connection
from ill_workflow.libraries import Library
from ill_workflow.lists import partner_list
from ill_workflow.lists.entries import Several
from ill_workflow.lists.outcome import Problem
from ill_workflow.partner_secrets import end_former, new_secret, remove_secret, set_secret
from ill_workflow.partners import Partner, change_partner, hubs, list_partners, remove_partner
from ill_workflow.requests.running import LIFECYCLES, under_way
from ill_workflow.slips.layouts import render as draw
from ill_workflow.slips.making import label_to
from ill_workflow.slips.preview import as_png
from ill_workflow.web import entry_form
from ill_workflow.web.beside import beside_the_pages
from ill_workflow.web.console.wired import SECRETS, wired
from ill_workflow.web.entry_form import EntryForm, Row
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Posted, Signed, Visitor
from ill_workflow.web.words import _, ngettext

router = APIRouter(prefix="/l/{library}/partners")

ON_ONE_PAGE = 50
#: No database gives out a number like this.
LARGEST_ID = 2**31
CODE = tuple(replace(column, group=partner_list.NAME) for column in partner_list.COLUMNS if column.name == "code")
_WIRE = tuple(column for column in partner_list.COLUMNS if column.group in partner_list.WIRE_GROUPS)
#: What ISO 18626 needs stands below the transport, by which it is asked for.
_IN_ORDER = tuple(
    each for column in partner_list.COLUMNS if column.name != "code" and column not in _WIRE
    for each in ((column, *_WIRE) if column.name == "email" else (column,))
)  # fmt: skip
FORM = EntryForm(_IN_ORDER, partner_list.READERS, partner_list.USUAL)
NEW = EntryForm(CODE + FORM.columns, partner_list.READERS, partner_list.USUAL, ("code", "name"))
#: What a new partner begins with.
FRESH = {
    "working_days": "1111100", "transport": "email", "delivery_method": "courier", "status": "active",
}  # fmt: skip
_CALLED = {"lending": N_("We lend to it"), "borrowing": N_("We borrow from it")}


@dataclass(frozen=True)
class Half:
    """What is under way with a partner on one side, and the list where it stands."""

    path: str
    label: str
    sentence: str
    states: list[tuple[str, str, int]]  #: name, label and how many


@router.get("")
def find(
    request: Request, visitor: Signed, services: Here, q: str = "", status: str = "", hub: str = "", after: str = ""
) -> Response:
    through = int(hub) if hub.isascii() and hub.isdigit() and len(hub) < 10 else None
    words = q.strip()[:200]
    with services.db.reading() as session:
        found = list_partners(
            session, visitor.library.id, search=words, status=status, hub_id=through, after=after[:64],
            most=ON_ONE_PAGE + 1,
        )  # fmt: skip
        known = hubs(session, visitor.library.id)
    shown, more = found[:ON_ONE_PAGE], ""
    if len(found) > ON_ONE_PAGE:
        more = "?" + urlencode({"q": words, "status": status, "hub": hub, "after": shown[-1].code})
    return render(
        request, "partners.html", visitor, partners=shown, more=more, q=words, standing=status, hub=through, hubs=known
    )


@router.get("/new")
def ask_new(request: Request, visitor: Managing, services: Here) -> Response:
    fresh = {**FRESH, "currency": visitor.library.currency}
    return _page(request, visitor, services, None, fresh, form=NEW)


@router.post("/new")
def add(request: Request, visitor: Managing, services: Here, form: Posted) -> Response:
    typed = NEW.typed(form)
    try:
        with services.db.writing() as session:
            _check_free(session, visitor.library, typed.get("code", ""))
            partner_list.take_partner(session, visitor.library.id, {name: cell for name, cell in typed.items() if cell})
            number = session.scalars(_mine(visitor).where(Partner.code == typed["code"])).one().id
    except (BadInput, Several) as wrong:
        return _page(request, visitor, services, None, typed, form=NEW, wrong=wrong)
    return RedirectResponse(f"/l/{visitor.library.code}/partners/{number}?done=added", status_code=303)


@router.get("/{number}")
def look(request: Request, number: int, visitor: Signed, services: Here, done: str = "") -> Response:
    partner = _partner_of(services.db, visitor, number)
    row = partner_list.row_of(partner)
    said = {"added": _("Added."), "saved": _("Saved."), "suspended": _("Suspended."), "active": _("Resumed.")}
    return _page(request, visitor, services, partner, row, mark=_mark(row), done=said.get(done, ""))


@router.post("/{number}")
def change(request: Request, number: int, visitor: Managing, services: Here, form: Posted) -> Response:
    typed = FORM.typed(form)
    try:
        with services.db.writing() as session:
            partner = _locked(session, visitor, number)
            row = partner_list.row_of(partner)
            entry_form.check_mark(form, row)
            said = entry_form.said(typed, row)
            partner_list.take_partner(session, visitor.library.id, {"code": partner.code, **said})
    except Conflict as conflict:
        partner = _partner_of(services.db, visitor, number)
        now = partner_list.row_of(partner)
        return _page(
            request, visitor, services, partner, {**now, **typed}, mark=_mark(now), now=now, sentence=conflict.message,
            status=409,
        )  # fmt: skip
    except (BadInput, Several) as wrong:
        partner = _partner_of(services.db, visitor, number)
        values = {**partner_list.row_of(partner), **typed}
        return _page(request, visitor, services, partner, values, mark=str(form.get("mark", "")), wrong=wrong)
    return _back(visitor, number, "saved")


@router.post("/{number}/status")
def set_status(number: int, visitor: Managing, services: Here, form: Posted) -> Response:
    """Suspend a partner, or resume it."""
    with services.db.writing() as session:
        partner = _locked(session, visitor, number)
        change_partner(session, partner, status=str(form.get("status", "")))
    return _back(visitor, number, partner.status)


@router.post("/{number}/remove")
def remove(number: int, visitor: Managing, services: Here) -> Response:
    with services.db.writing() as session:
        remove_partner(session, _locked(session, visitor, number))
    return RedirectResponse(f"/l/{visitor.library.code}/partners", status_code=303)


@router.post("/{number}/secrets")
def change_secret(request: Request, number: int, visitor: Managing, services: Here, form: Posted) -> Response:
    """Make up, set or end what the partner and we show each other. What was made up is shown this once."""
    name, shown = str(form.get("name", "")), ""
    try:
        with services.db.writing() as session:
            partner, keep = _locked(session, visitor, number), form.get("keep") == "yes"
            match form.get("do"):
                case "new":
                    shown = new_secret(session, partner, name, keep_former=keep)
                case "remove":
                    remove_secret(session, partner, name)
                case "end":
                    end_former(session, partner, name)
                case _:
                    set_secret(session, partner, name, str(form.get("value", "")).strip(), keep_former=keep)
    except BadInput as wrong:
        partner = _partner_of(services.db, visitor, number)
        row, label = partner_list.row_of(partner), _(SECRETS.get(name, ""))
        sentence = entry_form.with_label(_(wrong.message), name, label)
        return _page(request, visitor, services, partner, row, mark=_mark(row), sentence=sentence, status=422)
    if not shown:
        return _back(visitor, number, "saved")
    partner = _partner_of(services.db, visitor, number)
    row = partner_list.row_of(partner)
    return _page(request, visitor, services, partner, row, mark=_mark(row), shown=shown)


@router.post("/{number}/try")
def try_it(request: Request, number: int, visitor: Managing, services: Here) -> Response:
    """Call the partner, and tell what came back."""
    partner, said, sentence = _partner_of(services.db, visitor, number), "", ""
    try:
        tried = try_connection(services.db, number, services.clock, may_be_private=services.settings.private_partners)
        said = _("It answered after {ms} ms, and takes what we say.").format(ms=tried.took_ms)
        if tried.confirmed:
            said = f"{said} {_('But it confirmed a question about a request that does not exist.')}"
    except IllError as wrong:
        sentence = wrong.message
    row = partner_list.row_of(partner)
    return _page(request, visitor, services, partner, row, mark=_mark(row), done=said, sentence=sentence)


@router.get("/{number}/label.png")
@beside_the_pages
def label(number: int, visitor: Signed, services: Here) -> Response:
    """The shipping label of a parcel to this partner."""
    partner = _partner_of(services.db, visitor, number)
    picture = as_png(draw(label_to(visitor.library, partner, services.clock)), dpi=75)
    return Response(picture, media_type="image/png", headers={"Content-Disposition": "inline"})


def _page(
    request: Request, visitor: Visitor, services: Services, partner: Partner | None, values: Row, *,
    form: EntryForm = FORM, mark: str = "", wrong: IllError | None = None, now: Row | None = None, sentence: str = "",
    done: str = "", shown: str = "", status: int = 200,
) -> Response:  # fmt: skip
    problems = entry_form.problems_of(wrong, {"hub_id": "hub", "local_library_id": "library_of_ours"}) if wrong else []
    if wrong:
        status, sentence = 422, _sentence(form, problems)
    with services.db.reading() as session:
        choices = _choices(session, visitor.library, partner)
        running = _running(session, partner) if partner else []
        wire = wired(session, services.settings, visitor.library, partner) if partner else None
    form = replace(form, usual={**form.usual, **partner_list.usual_wire(values.get("wire.vendor", ""))})
    if not visitor.manages and wire is None:
        form = replace(form, columns=tuple(c for c in form.columns if c.group not in partner_list.WIRE_GROUPS))
    groups = form.groups(values, problems=problems, now=now, choices=choices)
    return render(
        request, "partner.html", visitor, status=status, partner=partner, groups=groups, mark=mark, sentence=sentence,
        done=done, running=running, labels=_labels(partner) if partner else [],
        wire=wire, shown=shown,
    )  # fmt: skip


def _sentence(form: EntryForm, problems: list[Problem]) -> str:
    """What is wrong with no field of its own, or that something is wrong with one."""
    fields = {column.name for column in form.columns}
    elsewhere = " ".join(problem.sentence for problem in problems if problem.column not in fields)
    return elsewhere or _("Nothing was saved: something has to be mended first.")


def _choices(session: Session, library: Library, partner: Partner | None) -> dict[str, list[tuple[str, str]]]:
    others = session.execute(
        sa.select(Partner.code, Partner.name)
        .where(Partner.library_id == library.id, Partner.id != (partner.id if partner else 0))
        .order_by(Partner.code)
    )
    ours = session.execute(sa.select(Library.code, Library.name).where(Library.id != library.id).order_by(Library.code))
    none = [("", "–")]
    return {
        "hub": none + [(code, f"{code} – {name}") for code, name in others],
        "library_of_ours": none + [(code, f"{code} – {name}") for code, name in ours],
    }


def _running(session: Session, partner: Partner) -> list[Half]:
    found = []
    for side, states in under_way(session, partner.id).items():
        total = sum(states.values())
        sentence = ngettext("{count} request under way", "{count} requests under way", total).format(count=total)
        named = [(state, _(LIFECYCLES[side].label(state)), count) for state, count in states.items()]
        found.append(Half(side, _(_CALLED[side]), sentence, named))
    return found


def _labels(partner: Partner) -> list[tuple[str, list[str]]]:
    """The addresses that hold where: what isn't given is the shipping address."""
    shipping = partner.shipping_address
    places = (
        (_("Sent to"), shipping),
        (_("Sent back to"), partner.return_address or shipping),
        (_("Bills go to"), partner.billing_address or shipping),
    )
    return [(label, [partner.name, *address.splitlines()]) for label, address in places]


def _mine(visitor: Visitor) -> sa.Select[Partner]:
    return sa.select(Partner).where(Partner.library_id == visitor.library.id)


def _partner_of(db: Database, visitor: Visitor, number: int) -> Partner:
    with db.reading() as session:
        return _found(session, visitor, number)


def _locked(session: Session, visitor: Visitor, number: int) -> Partner:
    _found(session, visitor, number)
    return session.get_one(Partner, number, with_for_update={"of": Partner}, populate_existing=True)


def _found(session: Session, visitor: Visitor, number: int) -> Partner:
    """The partner of that number in this library's list. Raises NotFound."""
    beside = (joinedload(Partner.hub), joinedload(Partner.local_library))
    rows = _mine(visitor).where(Partner.id == number).options(*beside)
    partner = session.scalar(rows) if 0 < number < LARGEST_ID else None
    if partner is None:
        raise NotFound(_("There is no such partner in this library's list."), field="number")
    return partner


def _check_free(session: Session, library: Library, code: str) -> None:
    """What would change the partner of that code shall not look like adding one."""
    taken = sa.select(Partner.id).where(Partner.library_id == library.id, Partner.code == code)
    if session.scalar(taken) is not None:
        raise BadInput(_("There is a partner {code} already.").format(code=code), field="code")


def _mark(row: Row) -> str:
    return entry_form.mark(row)


def _back(visitor: Visitor, number: int, done: str) -> Response:
    return RedirectResponse(f"/l/{visitor.library.code}/partners/{number}?done={done}", status_code=303)
