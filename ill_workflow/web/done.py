"""Coming back from an action: to where one came from, with what was done, and the way to take it back."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import sqlalchemy as sa
from fastapi import Request as Http
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from ill_workflow.errors import Refused
from ill_workflow.requests.actions import Outcome, outcome_of
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Event, Request
from ill_workflow.requests.undoing import last_undoable
from ill_workflow.web.visitor import Visitor
from ill_workflow.web.words import _

LARGEST_ID = 2**31
DONE = "done"


@dataclass(frozen=True)
class Done:
    """What was just done, as a sentence; `event_id` where it can be taken back."""

    sentence: str
    request_id: int
    event_id: int | None


def what_was_done(session: Session, visitor: Visitor, http: Http) -> Done | None:
    """Read from the address of the page that one comes back to."""
    said = http.query_params.get(DONE, "")
    number = int(said) if said.isascii() and said.isdecimal() and len(said) < 11 else 0
    if not 0 < number < LARGEST_ID:
        return None
    mine = sa.select(Event, Request).join(Request, Request.id == Event.request_id)
    found = session.execute(mine.where(Event.id == number, Request.library_id == visitor.library.id)).first()
    if found is None:
        return None
    event, request = found
    return Done(sentence_of(outcome_of(request, event), request), request.id, _undoable(session, request, event.id))


def sentence_of(outcome: Outcome, request: Request) -> str:
    label, state = _(outcome.label), _(lifecycle_of(request).label(outcome.dest))
    said = _("{reference}: {action}. It is {state} now.")
    return said.format(reference=outcome.reference, action=label, state=state)


def go_back(http: Http, to: str, *, done: int | None = None) -> Response:
    """To a page of this site; where htmx asked, it goes there."""
    if done is not None:
        scheme, host, path, query, _fragment = urlsplit(to)
        kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != DONE]
        to = urlunsplit((scheme, host, path, urlencode([*kept, (DONE, str(done))]), ""))
    if http.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": to})
    return RedirectResponse(to, status_code=303)


def back_address(visitor: Visitor, given: object, otherwise: str) -> str:
    """Where somebody came from, if that is a page of this library; else the other one."""
    address = given if isinstance(given, str) else ""
    fine = address.startswith(f"/l/{visitor.library.code}/") and address.isprintable() and "\\" not in address
    return address if fine and len(address) < 2000 else otherwise


def _undoable(session: Session, request: Request, event_id: int) -> int | None:
    try:
        last = last_undoable(session, request)
    except Refused:
        return None
    return last.id if last.id == event_id else None
