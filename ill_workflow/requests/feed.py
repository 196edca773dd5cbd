"""What happened to the requests of a library, for systems that follow: each line once, and none left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.requests.models import Event, Request

#: How much of the history, of all libraries together, one look goes through.
MOST = 1000
#: After that time a number that was passed over counts as one that was never written.
GIVEN_UP = timedelta(minutes=1)


@dataclass(frozen=True)
class Found:
    """Lines with their requests, where to go on, and whether there is more already."""

    lines: Sequence[tuple[Event, Request]]
    cursor: int
    more: bool


def events_since(session: Session, library_id: int, after: int, clock: Clock) -> Found:
    """The lines of a library after that number, the oldest first."""
    rows = sa.select(Event.id, Event.at).where(Event.id > after).order_by(Event.id).limit(MOST)
    known = [(number, at) for number, at in session.execute(rows)]
    settled = _settled(session, after, known, clock.now())
    mine = sa.select(Event, Request).join(Request, Request.id == Event.request_id)
    mine = mine.where(Event.id > after, Event.id <= settled, Request.library_id == library_id)
    lines = [(event, request) for event, request in session.execute(mine.order_by(Event.id))]
    return Found(lines, settled, more=len(known) == MOST and settled == known[-1][0])


def cursor_now(session: Session, clock: Clock) -> int:
    """Where to begin with what comes from now on."""
    last = sa.select(Event.id, Event.at).order_by(Event.id.desc()).limit(MOST)
    known = [(number, at) for number, at in session.execute(last)][::-1]
    return _settled(session, known[0][0] - 1, known, clock.now()) if known else 0


def _settled(session: Session, after: int, known: Sequence[tuple[int, datetime]], now: datetime) -> int:
    """Up to which number no line can come any more.

    PostgreSQL hands out numbers before it commits: a lower one may become visible after a higher one. So nothing behind
    a number that is missing is told until it has come, or can no longer come. SQLite has one writer at a time.
    """
    if not known:
        return after
    if session.get_bind().dialect.name == "sqlite":
        return known[-1][0]
    before = after
    for number, at in known:
        if number != before + 1 and at > now - GIVEN_UP:
            return before
        before = number
    return before
