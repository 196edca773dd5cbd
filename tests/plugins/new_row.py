"""A row that nobody has heard of, in a table for the time of a test: it has to appear everywhere by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from state_machines import machine
from state_machines.checks import check
from state_machines.declaration import SAME, STAFF, Action, Input, Lifecycle
from state_machines.effects import alert_staff

#: A text, a date and a choice are asked for.
NEW_ROW = Action(
    "inspect_binding", "Inspect Binding", (STAFF,), ("OPEN",), SAME,
    needs=(
        Input("finding", "Finding", longest=50, hint="what the binding looks like"),
        Input("looked_on", "Looked on", "date", future=True),
        Input("grade", "Grade", required=False, choices=("good", "worn")),
    ),
    then=(alert_staff("inspected"),),
)  # fmt: skip


@contextmanager
def added(lifecycle: Lifecycle, row: Action) -> Iterator[Action]:
    """The table with that row at its end."""
    before = lifecycle.actions
    check(replace(lifecycle, actions=(*before, row)))
    _set(lifecycle, (*before, row))
    try:
        yield row
    finally:
        _set(lifecycle, before)


def _set(lifecycle: Lifecycle, actions: tuple[Action, ...]) -> None:
    object.__setattr__(lifecycle, "actions", actions)
    machine._machine.cache_clear()  # it was built from the rows of before
