"""What a soak has seen: runs, steps, disagreements, kinds of attention, rows that were pulled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.outbox import DEAD, DONE, WITHDRAWN, EffectRow
from ill_workflow.requests.models import Event, Request
from state_machines.borrowing import BORROWING
from state_machines.declaration import Lifecycle
from state_machines.lending import LENDING
from tests.stateful.world import World

COUNTS = ("done", "messages", "attention", "given_up", "valid")


@dataclass
class Report:
    """Counts over all runs."""

    runs: int = 0
    steps: int = 0
    done: Counter[str] = field(default_factory=Counter)  #: what the steps did
    messages: Counter[str] = field(default_factory=Counter)
    attention: Counter[str] = field(default_factory=Counter)  #: alerts by side and kind, and work that went wrong
    given_up: Counter[str] = field(default_factory=Counter)  #: messages to partners, and why
    valid: Counter[str] = field(default_factory=Counter)  #: what was sent and looked at by the schemas, by edition
    excused: Counter[str] = field(default_factory=Counter)  #: disagreements by hand that staff were told of
    pulled: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, world: World) -> None:
        """Count what a run has left behind."""
        self.runs += 1
        self.messages.update(world.office.counts)
        for place in world.places:
            with place.db.reading() as session:
                self._add(session)
                for effect in session.scalars(sa.select(EffectRow).where(EffectRow.status == DEAD)):
                    self.given_up[f"{effect.argument}: {effect.last_error}"] += 1
        self.valid.update(world.office.looked_at())

    def _add(self, session: Session) -> None:
        rows = sa.select(Request.side, Event.row, sa.func.count()).join(Request, Request.id == Event.request_id)
        for side, row, number in session.execute(rows.where(Event.row >= 0).group_by(Request.side, Event.row)):
            self.pulled[side, row] += number
        alerts = sa.select(Request.side, EffectRow.argument, sa.func.count()).join(
            Request, Request.id == EffectRow.request_id
        )
        alerts = alerts.where(EffectRow.kind == "alert_staff", EffectRow.status != WITHDRAWN)
        for side, kind, number in session.execute(alerts.group_by(Request.side, EffectRow.argument)):
            self.attention[f"{side} {kind}"] += number
        wrong = sa.select(EffectRow.status, sa.func.count()).where(EffectRow.status.not_in((DONE, WITHDRAWN)))
        for status, number in session.execute(wrong.group_by(EffectRow.status)):
            self.attention[f"work {status}"] += number

    def never_pulled(self) -> dict[str, list[str]]:
        return {
            lifecycle.name: [
                _row(lifecycle, place)
                for place in range(len(lifecycle.actions))
                if not self.pulled[lifecycle.name, place]
            ]
            for lifecycle in (BORROWING, LENDING)
        }

    def as_dict(self, **more: Any) -> dict[str, Any]:
        rows = {
            lifecycle.name: {
                _row(lifecycle, place): self.pulled[lifecycle.name, place] for place in range(len(lifecycle.actions))
            }
            for lifecycle in (BORROWING, LENDING)
        }
        counts = {name: dict(sorted(getattr(self, name).items())) for name in COUNTS}
        return {
            "runs": self.runs, "steps": self.steps, **more, **counts, "disagreements by hand, seen": dict(self.excused),
            "rows": rows, "rows never pulled": self.never_pulled(),
        }  # fmt: skip

    def merge(self, told: dict[str, Any]) -> None:
        """Add what another process has counted."""
        self.runs += told["runs"]
        self.steps += told["steps"]
        for name in COUNTS:
            getattr(self, name).update(told[name])
        self.excused.update(told["disagreements by hand, seen"])
        for lifecycle in (BORROWING, LENDING):
            for place in range(len(lifecycle.actions)):
                self.pulled[lifecycle.name, place] += told["rows"][lifecycle.name][_row(lifecycle, place)]

    def write(self, path: Path, **more: Any) -> None:
        path.write_text(json.dumps(self.as_dict(**more), indent=2, ensure_ascii=False) + "\n")


def _row(lifecycle: Lifecycle, place: int) -> str:
    """A row's name; where a trigger has several, with its place among them."""
    row = lifecycle.actions[place]
    rows = lifecycle.rows(row.trigger)
    return row.trigger if len(rows) == 1 else f"{row.trigger} ({rows.index(row) + 1})"
