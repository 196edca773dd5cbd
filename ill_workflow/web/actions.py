"""Two routes for all actions: one asks for what an action needs, the other takes it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import Response
from sqlalchemy.orm import Session

from ill_workflow import copies
from ill_workflow.about.whole import find_request
from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict, NotFound, Refused
from ill_workflow.requests import actions
from ill_workflow.requests.choices import Choice, find_choice
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Request
from ill_workflow.requests.suggestions import suggestions
from ill_workflow.web.done import back_address, go_back
from ill_workflow.web.forms import Typed, error_at, fields_of, read_form
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/requests/{number}")


@dataclass(frozen=True)
class Trouble:
    """Why an action was not taken, where it is said, and what was typed."""

    sentence: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] | None = None
    status: int = 200


@router.get("/actions/{trigger}")
def ask(http: Http, number: int, trigger: str, visitor: Signed, services: Here) -> Response:
    """The form of an action; where it is not possible now, the reason."""
    back = back_address(visitor, http.query_params.get("back"), request_address(visitor, number))
    with services.db.reading() as session:
        return _form(http, session, visitor, services, number, trigger, back, new_key(), Trouble())


@router.post("/actions/{trigger}")
def take(http: Http, number: int, trigger: str, visitor: Signed, services: Here, form: Posted) -> Response:
    """Take the action. Posted twice it is one; who was slower is told what happened, and keeps what they typed."""
    back = back_address(visitor, form.get("back"), request_address(visitor, number))
    key = str(form.get("key") or "") or new_key()
    with services.db.reading() as session:
        request = find_request(session, visitor.library.id, number)
        choice = _choice(session, request, trigger, visitor, services)
        typed = read_form(choice.action, form, request)
    shown = dict(typed.shown)
    try:
        if choice.possible and choice.must_be_told and not typed.told_by:
            raise BadInput(_("Say how the partner told you."), field="told_by")
        inputs = _with_copy(choice, typed, services, key)
        shown |= {f"{name}.kept": value for name, value in inputs.items() if value != typed.inputs.get(name)}
        with services.db.writing() as session:
            outcome = actions.perform(
                session, actions.locked(session, number), trigger, by=visitor.by(typed.told_by), clock=services.clock,
                inputs=inputs, key=key, version=_version(form.get("version")),
            )  # fmt: skip
    except BadInput as wrong:
        at = error_at(choice.action, wrong.field)
        trouble = Trouble("" if at else wrong.message, {at: wrong.message} if at else {}, shown, wrong.status)
    except (Refused, Conflict) as late:
        key, trouble = new_key(), Trouble(late.message, {}, shown, late.status)
    else:
        return go_back(http, back, done=outcome.event_id)
    with services.db.reading() as session:
        return _form(http, session, visitor, services, number, trigger, back, key, trouble)


def request_address(visitor: Visitor, number: int) -> str:
    return f"/l/{visitor.library.code}/requests/{number}"


def new_key() -> str:
    """What makes a form that is posted twice one action."""
    return secrets.token_urlsafe(18)


def _form(
    http: Http, session: Session, visitor: Visitor, services: Services, number: int, trigger: str, back: str, key: str,
    trouble: Trouble,
) -> Response:  # fmt: skip
    """The page, or for htmx what a dialog shows; with what was typed, and what is wrong with it."""
    now = services.clock.now()
    request = find_request(session, visitor.library.id, number)
    choice = _choice(session, request, trigger, visitor, services)
    known = suggestions(session, request, choice.action, now)
    fields = fields_of(
        choice, known, request, request.library.today(now), typed=trouble.typed, errors=trouble.errors
    )  # fmt: skip
    status = trouble.status if choice.possible or trouble.status != 200 else 409
    return render(
        http, "action.html", visitor, status=status, record=request, choice=choice, fields=fields, key=key, back=back,
        sentence=trouble.sentence, state=lifecycle_of(request).label(request.state),
        kept=[(need.name, (trouble.typed or {}).get(f"{need.name}.kept", "")) for need in choice.action.needs],
        uploads=any(f.control == "file" for f in fields),
    )  # fmt: skip


def _choice(session: Session, request: Request, trigger: str, visitor: Visitor, services: Services) -> Choice:
    choice = find_choice(session, request, trigger, by=visitor.by(), clock=services.clock)
    if choice is None:
        raise NotFound(_("There is no such action for people."), field="trigger")
    return choice


def _with_copy(choice: Choice, typed: Typed, services: Services, key: str) -> dict[str, Any]:
    """The inputs, with the name under which an uploaded file is kept."""
    inputs = dict(typed.inputs)
    if typed.upload is not None:
        name = next(need.name for need in choice.action.needs if need.type == "copy")
        content = typed.upload.file.read(copies.LARGEST + 1)
        inputs[name] = copies.keep(services.settings.copies, content, owner=key)
    return inputs


def _version(given: object) -> int | None:
    text = given if isinstance(given, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
