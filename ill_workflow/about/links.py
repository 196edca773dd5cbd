"""Other requests that belong to one: what it follows, and what came of it."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.about.asked import Turn, turns
from ill_workflow.requests.again import followers
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, Event, Request


@dataclass(frozen=True)
class Link:
    """A request that comes before or after; `how` is the first line of the history of the one that came after."""

    id: int
    reference: str
    side: str
    state: str
    state_label: str
    before: bool
    how: str
    tried: tuple[Turn, ...] = ()  #: of what came before: who was asked, and what became of it


def links(session: Session, request: Request) -> list[Link]:
    """What it follows, then what follows it; of the same library."""
    mine = Request.library_id == request.library_id
    before = sa.select(Request).where(mine, Request.id == request.follows_id)
    found = [_link(session, other, request.id, before=True) for other in session.scalars(before)]
    return found + [_link(session, other, other.id, before=False) for other in followers(session, request)]


def _link(session: Session, other: Request, later_id: int, *, before: bool) -> Link:
    first = sa.select(Event.label).where(Event.request_id == later_id).order_by(Event.version).limit(1)
    tried: tuple[Turn, ...] = ()
    if before and other.side == BORROWING:
        events = session.scalars(sa.select(Event).where(Event.request_id == other.id).order_by(Event.version)).all()
        tried = tuple(turn for turn in turns(session, other, events) if turn.wire_id)
    label = lifecycle_of(other).label(other.state)
    how = session.scalar(first) or ""
    return Link(other.id, other.reference, other.side, other.state, label, before, how, tried)
