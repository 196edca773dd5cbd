"""The page of one request: what it is now, what can be done next, and everything that belongs to it."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import Response
from sqlalchemy.orm import Session

from ill_workflow.about.copies import CopyShown, copies_of
from ill_workflow.about.whole import Whole, find_request, whole
from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict, IllError, Refused
from ill_workflow.requests import actions
from ill_workflow.requests.again import create_again, why_not_again
from ill_workflow.requests.choices import Choice, choices
from ill_workflow.requests.fields import LABELS
from ill_workflow.requests.models import Event, Request
from ill_workflow.requests.undoing import last_undoable
from ill_workflow.slips.printing import LAYOUTS_OF
from ill_workflow.web.actions import new_key, request_address
from ill_workflow.web.done import back_address, go_back, what_was_done
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/requests/{number}")

#: Lines of the history that are shown at once; the others are folded away.
LATEST = 12
LONG_TITLE = 200
#: What is said about the item, in this order.
ABOUT = (
    "author", "article_title", "volume", "pages", "year", "publisher", "isbn", "issn", "call_number", "location",
    "item_barcode", "need_by",
)  # fmt: skip
#: How messages go, in words.
WAYS = {"local": N_("within this installation"), "email": N_("by e-mail")}
#: What becomes of a message, and how that looks.
FATES = {
    N_("waiting"): "busy", N_("being sent"): "busy", N_("sent"): "calm", N_("confirmed"): "good", N_("refused"): "bad",
    N_("given up"): "bad", N_("uncertain"): "warn", N_("received"): "calm",
}  # fmt: skip
SLIPS = {
    "routing": "Routing slip",
    "shipping": "Shipping label",
    "book_strap": "Book strap",
    "return_slip": "Return slip",
}


@dataclass(frozen=True)
class Buttons:
    """What stands where: what comes next is big, what a partner says is apart, and what is impossible is grey."""

    next: list[Choice]
    more: list[Choice]
    told: list[Choice]
    grey: list[Choice]


@router.get("")
def show(http: Http, number: int, visitor: Signed, services: Here) -> Response:
    return _page(http, number, visitor, services)


@router.post("/undo")
def undo(http: Http, number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """Take back the step that was shown, and no other; pressed twice, it is taken back once."""
    here = request_address(visitor, number)
    back = back_address(visitor, form.get("back"), here)
    shown = str(form.get("event") or "")
    try:
        with services.db.writing() as session:
            find_request(session, visitor.library.id, number)
            request = actions.locked(session, number)
            again = _undone_already(session, number, shown)
            if again is None:
                _is_the_last(session, request, shown)
                again = actions.undo(session, request, by=visitor.by(), clock=services.clock).event_id
    except (Refused, Conflict) as late:
        return _page(http, number, visitor, services, trouble=late)
    return go_back(http, back, done=again)


@router.post("/notes")
def note(http: Http, number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """A note for the staff of this library, or to the partner, who gets it as a message."""
    text, to_partner, key = str(form.get("note") or ""), form.get("to") == "partner", str(form.get("key") or new_key())
    content, by = f"note {number} {to_partner} {text}", visitor.by()
    try:
        with services.db.writing() as session:
            find_request(session, visitor.library.id, number)
            request = actions.locked(session, number)
            known = actions.answered(session, visitor.library.id, by, key, content)
            if known is None:
                done = actions.annotate(session, request, text, by=by, clock=services.clock, to_partner=to_partner)
                known = {"event_id": done.event_id}
                actions.remember_answer(
                    session, visitor.library.id, by, key, content, known, services.clock.now()
                )  # fmt: skip
    except (BadInput, Refused, Conflict) as wrong:
        return _page(http, number, visitor, services, trouble=wrong, note=text, to_partner=to_partner)
    return go_back(http, request_address(visitor, number), done=known["event_id"])


@router.post("/again")
def again(http: Http, number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """A new request with the same data; one comes to its page."""
    try:
        with services.db.writing() as session:
            find_request(session, visitor.library.id, number)
            old = actions.locked(session, number)
            key = str(form.get("key") or new_key())
            new = create_again(session, old, by=visitor.by(), clock=services.clock, key=key)
    except (BadInput, Refused, Conflict) as wrong:
        return _page(http, number, visitor, services, trouble=wrong)
    return go_back(http, request_address(visitor, new.id))


def _page(
    http: Http, number: int, visitor: Visitor, services: Here, *, trouble: IllError | None = None, note: str = "",
    to_partner: bool = False,
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        request = find_request(session, visitor.library.id, number)
        found = whole(session, request, clock=services.clock, language=visitor.locale)
        can = choices(session, request, by=visitor.by(), clock=services.clock)
        done = what_was_done(session, visitor, http)
        return render(
            http, "request.html", visitor, status=trouble.status if trouble else 200, record=request, whole=found,
            buttons=_buttons(can), done=done, trouble=trouble.message if trouble else "", note=note,
            to_partner=to_partner, key=new_key, zone=request.library.zone, about=_about(found), folded=LATEST,
            past=list(reversed(found.history)), again=not why_not_again(request), one_click=one_click,
            layouts=[(layout, _(SLIPS[layout])) for layout in LAYOUTS_OF[request.side]], slip_names=SLIPS,
            ways=WAYS, fates=FATES, copies=_copies(found, services),
            currency=request.partner.currency if request.partner else request.library.currency,
        )  # fmt: skip


def _copies(found: Whole, services: Services) -> list[CopyShown]:
    return copies_of(found.history, services.settings.copies, services.settings.copy_days)


def one_click(choice: Choice) -> bool:
    """Whether a press is enough: nothing is asked, and it is what usually comes next, or can be taken back."""
    row = choice.action
    return not row.needs and not choice.told and (row.undo or row.primary)


def _buttons(can: list[Choice]) -> Buttons:
    possible = [choice for choice in can if choice.possible]
    own = [choice for choice in possible if not choice.must_be_told]
    return Buttons(
        next=[choice for choice in own if choice.primary],
        more=[choice for choice in own if not choice.primary],
        told=[choice for choice in possible if choice.must_be_told],
        grey=[choice for choice in can if not choice.possible],
    )


def _about(found: Whole) -> list[tuple[str, Any]]:
    # A long title is cut short above.
    title = ("title",) if len(found.request.title) > LONG_TITLE else ()
    values = [(name, getattr(found.request, name)) for name in (*title, *ABOUT)]
    return [(_(LABELS[name]), value) for name, value in values if value not in (None, "")]


def _undone_already(session: Session, number: int, shown: str) -> int | None:
    """The event that has taken this step back, if one has."""
    if not (shown.isascii() and shown.isdecimal() and len(shown) < 10):
        return None
    mine = (Event.request_id == number) & (Event.undoes_id == int(shown))
    return session.scalar(sa.select(Event.id).where(mine))


def _is_the_last(session: Session, request: Request, shown: str) -> None:
    last = last_undoable(session, request)
    if shown and str(last.id) != shown:
        said = _("{who} did: {action}. Look at the request again before you take something back.")
        raise Conflict(said.format(who=last.who, action=_(last.label)), field="event")
