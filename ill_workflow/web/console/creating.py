"""Create Request: for a patron of ours, or by hand for a partner that asks by phone, on paper or by mail."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict, IllError, NotFound, Simultaneous
from ill_workflow.libraries import Library
from ill_workflow.partners import Partner, find_partner
from ill_workflow.patrons import Patron, find_patron, remember_patron
from ill_workflow.requests import actions, intake, rota
from ill_workflow.requests.again import why_not_again
from ill_workflow.requests.by import TOLD_BY
from ill_workflow.requests.citation import from_link
from ill_workflow.requests.duplicates import Twin, duplicates
from ill_workflow.requests.fields import LABELS, as_isbn, as_issn, read_fields
from ill_workflow.requests.models import BORROWING, LENDING
from ill_workflow.requests.models import Request as OurRequest
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}")

WHAT = ("title", "author", "article_title", "volume", "pages", "year", "publisher", "isbn", "issn")
PATRON = ("patron", "patron_name", "patron_email", "pickup_location")
TEXTS = {
    BORROWING: (*WHAT, *PATRON, "need_by", "patron_note", "partner_note", "internal_note"),
    LENDING: (*WHAT, "partner", "partner_request_id", "told_by", "need_by", "call_number", "location", "item_barcode",
              "partner_note", "internal_note"),
}  # fmt: skip
#: What the form calls a field that the application calls otherwise.
CALLED = {"full_name": "patron_name", "name": "patron_name", "email": "patron_email", "barcode": "patron",
          "rota": "rota", "as": ""}  # fmt: skip
ASKED_FOR = {
    "patron": "Patron’s barcode", "patron_name": "Name", "patron_email": "E-mail", "pickup_location": "Pickup location",
    "partner": "Partner", "partner_request_id": "The partner’s id", "told_by": "How it came", "rota": "Rota",
    "partner_note": "Note to the partner", "service": "Loan or copy",
}  # fmt: skip
HOW_IT_CAME = {"phone": "By phone", "mail": "By mail", "paper": "On paper"}
LONGEST_KEY, MOST_PARTNERS = 64, 1000


@dataclass
class Draft:
    """What stands in the form, whatever it is worth."""

    side: str
    values: dict[str, str] = field(default_factory=dict)
    rota: list[str] = field(default_factory=list)
    like: int | None = None  #: the request from which it was taken
    confirmed: str = ""  #: the twins that were shown
    key: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    twins: Sequence[Twin] = ()
    saved: OurRequest | None = None  #: what was saved with this form before

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def service(self) -> str:
        return "copy" if self.text("service") == "copy" else "loan"


@router.get("/borrowing/new")
def borrowing(request: Request, visitor: Signed, services: Here) -> HTMLResponse:
    return _begin(request, visitor, services, BORROWING)


@router.get("/lending/new")
def lending(request: Request, visitor: Signed, services: Here) -> HTMLResponse:
    return _begin(request, visitor, services, LENDING)


@router.post("/borrowing/new")
def borrow(request: Request, visitor: Signed, services: Here, form: Posted) -> Response:
    draft, do = _typed(form, BORROWING), _said(form)
    _edit_rota(draft, do)
    if do in ("draft", "send"):
        _edit_rota(draft, f"add:{form.get('add_partner', '')}")  # chosen is asked, whether or not it was added
        return _save(request, visitor, services, draft, do)
    return _shown(request, visitor, services, draft, do=do)


@router.post("/lending/new")
def lend(request: Request, visitor: Signed, services: Here, form: Posted) -> Response:
    draft, do = _typed(form, LENDING), _said(form)
    if do == "save":
        return _save(request, visitor, services, draft, do)
    return _shown(request, visitor, services, draft, do=do)


@router.get("/new/number")
def number(request: Request, visitor: Signed, isbn: str = "", issn: str = "") -> HTMLResponse:
    """What is wrong with an ISBN or ISSN, while it is typed; nothing where nothing is."""
    try:
        wrong = ""
        if isbn.strip():
            as_isbn(isbn.strip()[:64])
        if issn.strip():
            as_issn(issn.strip()[:64])
    except BadInput as refusal:
        wrong = refusal.message
    return render(request, "create_number.html", visitor, wrong=wrong)


@router.get("/new/patron")
def patron(request: Request, visitor: Signed, services: Here, patron: str = "") -> HTMLResponse:
    """Who has this barcode, as far as we know."""
    with services.db.reading() as session:
        found = _known_patron(session, visitor, patron)
    return render(request, "create_patron.html", visitor, known=found, barcode=patron.strip()[:64])


@router.get("/new/duplicates")
def same(request: Request, visitor: Signed, services: Here) -> HTMLResponse:
    """What the same patron has asked for already, while it is typed."""
    draft = Draft(BORROWING, {name: request.query_params.get(name, "") for name in (*WHAT, "patron")})
    with services.db.reading() as session:
        twins = _twins(session, visitor, services, draft, _known_patron(session, visitor, draft.text("patron")))
    return render(request, "create_twins.html", visitor, twins=twins, asks=False, base=_base(visitor))


def _begin(request: Request, visitor: Visitor, services: Services, side: str) -> HTMLResponse:
    """An empty form; or one that a link, or another request, has filled in."""
    given = dict(request.query_params)
    draft = Draft(side, from_link(request.query_params.multi_items()))
    like = given.get("like", "")
    if like:
        with services.db.reading() as session:
            _take_over(session, visitor, draft, like, visitor.library.today(services.clock.now()))
    return _shown(request, visitor, services, draft)


def _take_over(session: Session, visitor: Visitor, draft: Draft, like: str, today: date) -> None:
    wanted = int(like) if like.isascii() and like.isdecimal() and len(like) < 10 else 0
    here = sa.select(OurRequest).where(OurRequest.id == wanted, OurRequest.library_id == visitor.library.id)
    old = session.scalar(here)
    if old is None:
        raise NotFound(_("There is no such request."))
    taken = {name: getattr(old, name) for name in (*WHAT, "service", "partner_note", "patron_note", "internal_note")}
    if old.need_by and old.need_by >= today:
        taken["need_by"] = old.need_by.isoformat()
    if old.side == draft.side == BORROWING:
        draft.like = old.id
        draft.rota = list(dict.fromkeys(entry.partner.code for entry in rota.entries(session, old)))
        if old.patron:
            taken |= {"patron": old.patron.barcode, "patron_name": old.patron.name}
            taken |= {"patron_email": old.patron.email, "pickup_location": old.patron.pickup_location}
    elif old.side == draft.side:
        taken |= {"partner": old.partner.code if old.partner else "", "call_number": old.call_number or ""}
        taken |= {"location": old.location or "", "item_barcode": old.item_barcode or ""}
    draft.values = {name: value for name, value in taken.items() if value} | draft.values


def _typed(form: FormData, side: str) -> Draft:
    values = {name: str(form.get(name, "")).strip() for name in (*TEXTS[side], "service")}
    chosen = [str(code) for code in form.getlist("rota")][:MOST_PARTNERS]
    like = str(form.get("like", ""))
    known = like.isascii() and like.isdecimal() and len(like) < 10
    return Draft(
        side, values, list(dict.fromkeys(chosen)), int(like) if known else None,
        str(form.get("confirmed", "")), str(form.get("key", ""))[:LONGEST_KEY],
    )  # fmt: skip


def _said(form: FormData) -> str:
    """Which button was pressed; that of the rota brings along who is to be added."""
    do = str(form.get("do", "check"))
    return f"add:{form.get('add_partner', '')}" if do == "add" else do


def _edit_rota(draft: Draft, do: str) -> None:
    """Add a partner, take one out, or change the order: each by a button."""
    what, _colon, code = do.partition(":")
    if what == "add" and code and code not in draft.rota:
        draft.rota.append(code)
    if code not in draft.rota:
        return
    place = draft.rota.index(code)
    if what == "out":
        draft.rota.pop(place)
    elif what in ("up", "down"):
        other = max(place - 1, 0) if what == "up" else min(place + 1, len(draft.rota) - 1)
        draft.rota[place], draft.rota[other] = draft.rota[other], draft.rota[place]


class _AlreadyAskedFor(Exception):
    """The same patron has asked for it, and nobody has seen that yet: nothing is kept."""


def _save(request: Request, visitor: Visitor, services: Services, draft: Draft, do: str) -> Response:
    draft.errors = _wrong(services, visitor, draft)
    if do == "send" and not draft.rota:
        draft.errors["rota"] = _("Choose who is asked first, or save it as a draft.")
    for last in (False, True):
        if draft.errors:
            break
        try:
            with services.db.writing() as session:
                made = _made(session, visitor, services, draft, do)
            return RedirectResponse(f"{_base(visitor)}/requests/{made}", status_code=303)
        except _AlreadyAskedFor:
            # Looked at once more: the twin may be what the same form, posted twice at once, has just made.
            continue
        except Simultaneous as busy:
            # The same form was posted twice at once; the first one has saved it now.
            if last:
                draft.errors = {"": busy.message}
        except Conflict as refusal:
            draft.errors = {"": refusal.message}
            _saved_before(services, visitor, draft)
        except IllError as refusal:
            name = CALLED.get(refusal.field or "", refusal.field or "")
            name = "rota" if draft.side == BORROWING and name in ("partner", "trigger") else name
            draft.errors = {name if name in (*TEXTS[draft.side], "rota") else "": refusal.message}
    return _shown(request, visitor, services, draft, status=422 if draft.errors else 200)


def _wrong(services: Services, visitor: Visitor, draft: Draft) -> dict[str, str]:
    """Everything that is wrong with the fields, at once."""
    found, today = {}, visitor.library.today(services.clock.now())
    for name in LABELS:
        if name in draft.values or name == "title":
            try:
                read_fields({name: draft.text(name)}, today)
            except BadInput as refusal:
                found[name] = refusal.message
    if draft.side == LENDING and not draft.text("partner"):
        found["partner"] = _("Choose who asks for it.")
    named = draft.text("patron_name") or draft.text("patron_email")
    if draft.side == BORROWING and named and not draft.text("patron"):
        found["patron"] = "A patron is named by a barcode."
    return found


def _made(session: Session, visitor: Visitor, services: Services, draft: Draft, do: str) -> int:
    """The request's number. Raises _AlreadyAskedFor where somebody has to look at its twins first."""
    # Of this transaction: what is undone leaves the visitor as they are.
    by, library = visitor.by(), session.get_one(Library, visitor.library.id)
    content = json.dumps([draft.side, draft.values, draft.rota, do], sort_keys=True)
    key = f"create {draft.key}" if draft.key else None
    if key and (known := actions.answered(session, library.id, by, key, content)):
        return int(known["request"])
    if draft.side == BORROWING:
        request = _borrowed(session, visitor, services, draft, do)
    else:
        told_by = draft.text("told_by") or None
        partner = find_partner(session, library.id, draft.text("partner"))
        request = intake.lend(
            session, library, partner, _fields(draft), by=visitor.by(told_by), clock=services.clock,
            partner_request_id=draft.text("partner_request_id"), service=draft.service,
            partner_note=draft.text("partner_note"),
        )  # fmt: skip
    if key:
        actions.remember_answer(session, library.id, by, key, content, {"request": request.id}, services.clock.now())
    return request.id


def _borrowed(session: Session, visitor: Visitor, services: Services, draft: Draft, do: str) -> OurRequest:
    by, library, reader = visitor.by(), session.get_one(Library, visitor.library.id), None
    if draft.text("patron"):
        reader = remember_patron(
            session, library.id, draft.text("patron"), name=draft.text("patron_name"),
            email=draft.text("patron_email"), pickup_location=draft.text("pickup_location"),
        )  # fmt: skip
    draft.twins = _twins(session, visitor, services, draft, reader)
    if draft.twins and draft.confirmed != _shown_twins(draft.twins):
        raise _AlreadyAskedFor
    old = session.get(OurRequest, draft.like) if draft.like else None
    follows = old if old is not None and old.library_id == library.id and not why_not_again(old) else None
    request = intake.borrow(
        session, library, _fields(draft), by=by, clock=services.clock, patron=reader, service=draft.service,
        partner_note=draft.text("partner_note"), partners=draft.rota, follows=follows, looked_over=bool(draft.twins),
    )  # fmt: skip
    if do == "send":
        actions.perform(session, request, "submit", by=by, clock=services.clock)
    return request


def _fields(draft: Draft) -> dict[str, Any]:
    return {name: draft.values[name] for name in LABELS if draft.values.get(name)}


def _twins(session: Session, visitor: Visitor, services: Services, draft: Draft, reader: Patron | None) -> list[Twin]:
    fields = _fields(draft)
    for name, read in (("isbn", as_isbn), ("issn", as_issn)):
        try:
            fields[name] = read(fields[name]) if fields.get(name) else ""
        except BadInput:
            fields[name] = ""
    return duplicates(session, visitor.library, fields, reader, services.clock.now())


def _shown_twins(twins: Sequence[Twin]) -> str:
    return ",".join(str(twin.id) for twin in twins)


def _saved_before(services: Services, visitor: Visitor, draft: Draft) -> None:
    """The form was saved already, as something else; what stands in it now would be another request."""
    with services.db.reading() as session:
        known = actions.answer_to(session, visitor.by(), f"create {draft.key}")
        number = known.get("request") if known else None
        here = sa.select(OurRequest).where(OurRequest.id == number, OurRequest.library_id == visitor.library.id)
        draft.saved = session.scalar(here) if number else None
    if draft.saved is not None:
        draft.errors = {"": f"This form was saved already as {draft.saved.reference}. Save it again to make another."}
        draft.key = ""


def _known_patron(session: Session, visitor: Visitor, barcode: str) -> Patron | None:
    try:
        return find_patron(session, visitor.library.id, barcode[:64]) if barcode.strip() else None
    except NotFound:
        return None


def _base(visitor: Visitor) -> str:
    return f"/l/{visitor.library.code}"


def _shown(
    request: Request, visitor: Visitor, services: Services, draft: Draft, *, status: int = 200, do: str = ""
) -> HTMLResponse:
    with services.db.reading() as session:
        theirs = sa.select(Partner).where(Partner.library_id == visitor.library.id)
        partners = session.scalars(theirs.order_by(Partner.name, Partner.id).limit(MOST_PARTNERS)).all()
        known = _known_patron(session, visitor, draft.text("patron")) if draft.side == BORROWING else None
    by_code: Mapping[str, Partner] = {partner.code: partner for partner in partners}
    rows = [(code, by_code.get(code)) for code in draft.rota]
    labels = {**LABELS, **ASKED_FOR}
    return render(
        request, f"create_{draft.side}.html", visitor, status=status, draft=draft, labels=labels, errors=draft.errors,
        partners=partners, rota=rows, left=[p for p in partners if p.code not in draft.rota], known=known,
        twins=draft.twins, confirmed=_shown_twins(draft.twins), key=draft.key or secrets.token_urlsafe(16),
        base=_base(visitor), ways=[(way, HOW_IT_CAME[way]) for way in TOLD_BY],
        focus=_focus(draft, do), barcode=draft.text("patron"),
    )  # fmt: skip


def _focus(draft: Draft, do: str) -> str:
    """Where whoever fills it in goes on."""
    if draft.errors:
        return next((name for name in draft.errors if name), "summary")
    what, _colon, code = do.partition(":")
    if what in ("up", "down") and code in draft.rota:
        return f"{what}:{code}"
    if what in ("add", "out"):
        return "add_partner"
    if do == "check" and draft.text("patron") and not draft.text("patron_name"):
        return "patron_name"
    if draft.side == LENDING and not draft.text("partner"):
        return "partner"
    return "title" if not draft.text("title") else ""
