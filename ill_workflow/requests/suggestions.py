"""What a form can offer before anybody types: what it begins with, and words that the tables or our own data know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.partners import Partner
from ill_workflow.requests.facts import gather, lifecycle_of
from ill_workflow.requests.models import Request
from state_machines.declaration import Action

#: How many requests back we look for the carriers that a library uses.
LATEST = 2000


@dataclass(frozen=True)
class Suggestion:
    """For one input. `options` are values with what they are called; `closed`: nothing else is possible."""

    begins: Any = None
    options: tuple[tuple[str, str], ...] = ()
    closed: bool = False


def suggestions(session: Session, request: Request, action: Action, now: datetime) -> dict[str, Suggestion]:
    """By the names of the inputs that an action asks for."""
    lifecycle, facts = lifecycle_of(request), gather(session, request, now)
    found = {}
    for need in action.needs:
        begins = need.begins(request, facts) if need.begins else None
        if answers := lifecycle.answers(action, need, request.state):
            options = tuple((word, lifecycle.label(word)) for word in answers)
            found[need.name] = Suggestion(begins, options, closed=True)
        elif need.known:
            closed, known = KNOWN[need.known]
            found[need.name] = Suggestion(begins, tuple(known(session, request)), closed and need.type == "code")
        else:
            found[need.name] = Suggestion(begins, tuple((word, word) for word in need.usual))
    return found


def _partners(session: Session, request: Request) -> list[tuple[str, str]]:
    active = (Partner.library_id == request.library_id) & (Partner.status == "active")
    rows = sa.select(Partner.code, Partner.name).where(active).order_by(Partner.name, Partner.code)
    return [(code, f"{name} ({code})") for code, name in session.execute(rows)]


def _carriers(session: Session, request: Request) -> list[tuple[str, str]]:
    """Those that this library named lately."""
    mine = (Request.library_id == request.library_id) & Request.carrier.is_not(None)
    newest = sa.select(sa.func.max(Request.id)).scalar_subquery()
    lately = sa.select(Request.carrier).where(Request.id > newest - LATEST, mine).order_by(Request.id.desc())
    return [(carrier, carrier) for carrier in dict.fromkeys(session.scalars(lately)) if carrier]


Look = Callable[[Session, Request], list[tuple[str, str]]]
#: What our data knows of, and whether it knows all of them.
KNOWN: Mapping[str, tuple[bool, Look]] = {"partners": (True, _partners), "carriers": (False, _carriers)}
