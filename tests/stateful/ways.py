"""The ways in which runs of the long test begin, and how long they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ill_workflow.clock import FixedClock
from ill_workflow.migrations import migrate
from tests.plugins.stage import START
from tests.stateful.machine import machine
from tests.stateful.office import PostOffice
from tests.stateful.place import Place
from tests.stateful.report import Report
from tests.stateful.world import World


@dataclass(frozen=True)
class Way:
    """What is asked for, and how far it has come before the first step; what stands twice is twice as frequent."""

    service: str
    beginnings: tuple[str, ...]


WAYS = {
    "asking": Way("loan", ("asked", "asked", "typed in", "a condition was set", "asked for later", "called off")),
    "lending": Way("loan", ("shipped", "with the patron", "asked to renew", "recalled", "lost", "on the way back")),
    "several pieces": Way("loan", ("several pieces", "several pieces", "shipped", "lent to Hilltop")),
    "copies": Way("copy", ("typed in", "asked", "shipped", "a condition was set", "asked for later", "called off")),
}


# Nothing of it is to survive a power cut, and slips wait for the disk: where there is a folder in memory, it is there.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def a_world() -> Iterator[World]:
    """A world in a folder of its own."""
    with TemporaryDirectory(prefix="ill-long-", dir=MEMORY) as folder:
        url = f"sqlite:///{Path(folder) / 'ill.db'}"
        migrate(url)
        office = PostOffice()
        place = Place(url, Path(folder), office, FixedClock(START))
        try:
            yield World([place], office)
        finally:
            place.db.engine.dispose()


def run(
    world: World,
    report: Report,
    way: Way,
    *,
    runs: int,
    steps: int = 10,
    number: int | None = None,
    shrink: bool = True,
    break_it: Callable[[World], None] | None = None,
) -> None:
    """Run it so many times: from a number to start from, or always the same. Raises what went wrong.

    Each run has all its steps; only when something is wrong are shorter ones looked for.
    """
    every = machine(world, report, service=way.service, beginnings=way.beginnings, break_it=break_it)
    if number is not None:
        every = seed(number)(every)

    def tries(shortest: int, *phases: Phase) -> None:
        how = settings(
            max_examples=runs, stateful_step_count=steps + 1, deadline=None, database=None, print_blob=True,
            phases=phases, derandomize=number is None, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )  # fmt: skip
        run_state_machine_as_test(every, settings=how, _min_steps=shortest)

    # The beginning counts as a step of its own there.
    try:
        tries(steps, Phase.generate)
    except Exception:
        if shrink:
            tries(0, Phase.generate, Phase.shrink)
        raise
