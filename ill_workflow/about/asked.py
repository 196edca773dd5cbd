"""Who was asked for an item, who is being asked, and who comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.partners import Partner
from ill_workflow.requests import rota
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, Request


@dataclass(frozen=True)
class Turn:
    """A partner of the rota. `how`: asked, current, next, later or suspended; who was asked, under which id."""

    code: str
    name: str
    how: str
    wire_id: str | None = None
    at: datetime | None = None
    ended: str = ""  #: what ended it, and the reason
    why: str = ""


def turns(session: Session, request: Request, events: Sequence[Event]) -> list[Turn]:
    """Those that were asked, in order, then those that are still to be asked."""
    attempts = rota.attempts(session, request)
    asked = {a.partner_id for a in attempts}
    partners = {p.id: p for p in session.scalars(sa.select(Partner).where(Partner.id.in_(asked)))}
    found = [
        Turn(
            partners[a.partner_id].code, partners[a.partner_id].name,
            "current" if a.wire_id == request.wire_id else "asked", a.wire_id, a.at, *_end(request, a, events),
        )
        for a in attempts
    ]  # fmt: skip
    following = rota.next_entry(session, request)
    for entry in rota.entries(session, request):
        if entry.position > request.rota_position:
            how = "next" if following and entry.position == following.position else "later"
            how = how if entry.partner.status == "active" else "suspended"
            found.append(Turn(entry.partner.code, entry.partner.name, how))
    return found


def _end(request: Request, attempt: Attempt, events: Sequence[Event]) -> tuple[str, str]:
    """What ended an attempt: the step that asked somebody else, or with which the request was over."""
    lifecycle = lifecycle_of(request)
    ending = next((e for e in events if e.before.get("attempt") == attempt.number), None)
    if ending is None and request.state in lifecycle.terminal and attempt.number == request.attempt:
        ending = next(e for e in reversed(events) if e.source != e.dest)
    if ending is None:
        return "", ""
    return ending.label, str(ending.inputs.get("reason") or ending.inputs.get("note") or "")
