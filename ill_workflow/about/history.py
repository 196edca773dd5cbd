"""What happened to a request: who did what, when, why, and what became of its due dates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LABELS, from_json
from ill_workflow.requests.models import Event, Request

#: What came along with an event and is worth no line of its own.
UNSAID = ("condition_checked", "timer", "slot")
DATES = ("lender_due", "patron_due")


@dataclass(frozen=True)
class Happened:
    """One line of history. `said` are labels with values of whatever type came along."""

    id: int
    version: int
    at: datetime
    trigger: str
    label: str
    actor: str
    who: str
    told_by: str | None
    source: str
    dest: str
    source_label: str
    dest_label: str
    inputs: Mapping[str, Any]
    said: tuple[tuple[str, Any], ...]
    scanned: str | None
    undone: bool
    undoes: bool

    @property
    def moved(self) -> bool:
        return self.source != self.dest


@dataclass(frozen=True)
class DateChange:
    """A due date as it became something else: which of the two, and by what."""

    name: str  #: lender_due or patron_due
    old: date | None
    new: date | None
    at: datetime
    who: str
    label: str


def history(request: Request, events: Sequence[Event]) -> list[Happened]:
    """The oldest first."""
    lifecycle, undone = lifecycle_of(request), {e.undoes_id for e in events if e.undoes_id}
    return [
        Happened(
            id=e.id, version=e.version, at=e.at, trigger=e.trigger, label=e.label, actor=e.actor, who=e.who,
            told_by=e.told_by, source=e.source, dest=e.dest, source_label=lifecycle.label(e.source),
            dest_label=lifecycle.label(e.dest), inputs=from_json(e.inputs), said=tuple(_said(request, e)),
            scanned=e.scanned, undone=e.id in undone, undoes=e.undoes_id is not None,
        )
        for e in events
    ]  # fmt: skip


def due_dates(request: Request, events: Sequence[Event]) -> list[DateChange]:
    """How both due dates came to be what they are, the latest first: told back from what they are now."""
    now: dict[str, date | None] = {name: getattr(request, name) for name in DATES}
    found = []
    for event in reversed(events):
        for name in DATES:
            if name in event.before:
                old = from_json(event.before[name])
                found.append(DateChange(name, old, now[name], event.at, event.who, event.label))
                now[name] = old
    return found


def _said(request: Request, event: Event) -> Iterator[tuple[str, Any]]:
    row = lifecycle_of(request).pulled(event.row, event.trigger)
    labels = {need.name: need.label for need in (row.needs if row else ())}
    for name, value in from_json(event.inputs).items():
        if name in UNSAID or value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            yield from ((LABELS.get(str(field), str(field)), new) for field, new in value.items())
        else:
            yield labels.get(name, name.replace("_", " ").capitalize()), value
