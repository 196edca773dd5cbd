"""What is new on requests, for pages that are open: each line of history once, and when what it promised is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.outbox import OPEN, EffectRow
from ill_workflow.requests.models import Event, Request

HISTORY, WORK = "history", "work"
#: Seconds after which a number that was never written counts as one that never will be, and promised work as one
#: that takes its time.
GIVEN_UP = 60.0
#: Most lines of one look, most numbers that are waited for, and most lines whose work is watched.
MOST, MOST_GAPS, MOST_WATCHED = 500, 1000, 200
#: What becomes of these nobody waits for at a screen.
_UNSEEN = ("schedule_due_date_check",)


@dataclass(frozen=True)
class News:
    """Something that happened to a request: a line of history, or (`work`) that something it promised is done."""

    id: int  #: of the line of history
    what: str  #: history or work
    library_id: int
    request_id: int
    reference: str
    side: str
    version: int  #: of the request, after it
    label: str
    state: str
    moved: bool  #: whether it was in another state before
    who: str


class Lookout:
    """Follows the history of all libraries from where it stands when the lookout begins.

    On PostgreSQL a line can become visible after one with a higher number: a number that was passed over is waited for.
    """

    def __init__(self, session: Session) -> None:
        self._last: int = session.scalar(sa.select(sa.func.max(Event.id))) or 0
        self._gaps: dict[int, float] = {}  # number -> since when it is missed
        self._watched: dict[int, _Watched] = {}

    @property
    def cursor(self) -> int:
        """Every line up to this number is known; of later ones some may be."""
        return min(self._gaps, default=self._last + 1) - 1

    def look(self, session: Session, now: float) -> list[News]:
        """What is new since the last look. `now`: seconds of a clock that only goes forward."""
        self._gaps = {number: since for number, since in self._gaps.items() if now - since < GIVEN_UP}
        found = _lines(session, Event.id.in_(self._gaps)) if self._gaps else []
        found += _lines(session, Event.id > self._last)
        for line in found:
            if line.id > self._last:
                missed = range(max(self._last + 1, line.id - MOST_GAPS), line.id)
                self._gaps.update(dict.fromkeys(missed, now))
                self._last = line.id
            self._gaps.pop(line.id, None)
        while len(self._gaps) > MOST_GAPS:
            del self._gaps[min(self._gaps)]
        worked = self._look_at_work(session, now)
        return found + worked + self._watch(session, found, now)

    def _watch(self, session: Session, found: Sequence[News], now: float) -> list[News]:
        """Watch what these lines promised; of what a worker has done before we looked, say so at once."""
        waits, promised = (_work(session, [line.id for line in found], open_=open_) for open_ in (True, False))
        for line in found:
            if line.id in waits:
                self._watched[line.id] = _Watched(line, waits[line.id], now)
        while len(self._watched) > MOST_WATCHED:
            del self._watched[min(self._watched)]
        return [
            _Watched(line, 0, now).worked() for line in found if promised.get(line.id, 0) > waits.get(line.id, 0)
        ]  # fmt: skip

    def _look_at_work(self, session: Session, now: float) -> list[News]:
        waits, done = _work(session, list(self._watched), open_=True), list[News]()
        for number, watched in list(self._watched.items()):
            left = waits.get(number, 0)
            if left != watched.left:
                done.append(watched.worked())
            if left and now - watched.since < GIVEN_UP:
                self._watched[number] = _Watched(watched.line, left, watched.since)
            else:
                del self._watched[number]
        return done


def news_since(session: Session, library_id: int, after: int, most: int = MOST) -> list[News] | None:
    """The lines of a library after that number, the oldest first. None: too many to be told one by one."""
    # As many of all libraries: so it stays a look at the end of the history, however old the number is.
    rows = sa.select(Event.id).where(Event.id > max(after, 0)).order_by(Event.id).limit(most + 1)
    if len(list(session.scalars(rows))) > most:
        return None
    return [line for line in _lines(session, Event.id > max(after, 0)) if line.library_id == library_id]


@dataclass(frozen=True)
class _Watched:
    line: News
    left: int
    since: float

    def worked(self) -> News:
        return News(**{**vars(self.line), "what": WORK})


def _lines(session: Session, which: sa.ColumnElement[bool]) -> list[News]:
    columns: tuple[Any, ...] = (
        Event.id, sa.literal(HISTORY), Request.library_id, Request.id, Request.reference, Request.side, Event.version,
        Event.label, Event.dest, Event.source != Event.dest, Event.who,
    )  # fmt: skip
    rows = sa.select(*columns).join(Request, Request.id == Event.request_id).where(which)
    return [News(*row) for row in session.execute(rows.order_by(Event.id).limit(MOST))]


def _work(session: Session, events: Sequence[int], *, open_: bool) -> Mapping[int, int]:
    """How much these lines promised, or how much of it is not done yet."""
    if not events:
        return {}
    waits = EffectRow.event_id.in_(events) & EffectRow.kind.not_in(_UNSEEN)
    waits = waits & EffectRow.status.in_(OPEN) if open_ else waits
    counts = sa.select(EffectRow.event_id, sa.func.count()).where(waits).group_by(EffectRow.event_id)
    return {int(event or 0): int(number) for event, number in session.execute(counts)}
