"""Counts from the history which rows of the tables the stories have committed, and whose promised work was done."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ill_workflow.db import Database
from ill_workflow.outbox import DONE, WITHDRAWN, EffectRow
from ill_workflow.requests.models import Event, Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

#: Side and place of each row that was seen.
seen: set[tuple[str, int]] = set()


def rows_of(db: Database) -> set[tuple[str, int]]:
    """The rows in a database's history all of whose effects were done."""
    unfinished = sa.select(EffectRow.event_id).where(EffectRow.status.not_in((DONE, WITHDRAWN)), EffectRow.event_id > 0)
    rows = sa.select(Request.side, Event.row).join(Request, Request.id == Event.request_id)
    with db.reading() as session:
        found = session.execute(rows.where(Event.row >= 0, Event.id.not_in(unfinished)))
        return {(side, row) for side, row in found}


def triggers_of(db: Database) -> set[tuple[str, str]]:
    lifecycles = {"lending": LENDING, "borrowing": BORROWING}
    return {(side, lifecycles[side].actions[row].trigger) for side, row in rows_of(db)}


def pytest_sessionfinish(session) -> None:
    """A process of pytest-xdist hands over what it has seen; where all tests ran, a row that no story pulled fails."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["rows"] = sorted(seen)
    elif config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword and missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def missing() -> dict[str, list[str]]:
    """The triggers of the rows that no story has pulled, by lifecycle."""
    found = {}
    for lifecycle in (LENDING, BORROWING):
        done = {row for side, row in seen if side == lifecycle.name}
        left = [a.trigger for place, a in enumerate(lifecycle.actions) if place not in done]
        if left:
            found[lifecycle.name] = left
    return found


class Collector:
    """Gathers what the processes of pytest-xdist have seen."""

    @staticmethod
    def pytest_testnodedown(node, error) -> None:
        seen.update((side, row) for side, row in getattr(node, "workeroutput", {}).get("rows", ()))


def pytest_configure(config) -> None:
    if config.pluginmanager.hasplugin("dsession") or config.getoption("numprocesses", None):
        config.pluginmanager.register(Collector())


def pytest_terminal_summary(terminalreporter) -> None:
    if not seen:
        return
    for lifecycle in (LENDING, BORROWING):
        done = sum(side == lifecycle.name for side, _ in seen)
        left = missing().get(lifecycle.name, [])
        terminalreporter.write_line(
            f"rows of {lifecycle.name} that stories pulled: {done} of {len(lifecycle.actions)}"
            + (f"; not: {', '.join(dict.fromkeys(left))}" if left else "")
        )
