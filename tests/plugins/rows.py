"""Counts from the history which rows of the tables stories have committed: by whom, to which end, on which database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from ill_workflow.accounts import Grant
from ill_workflow.db import Database
from ill_workflow.outbox import DONE, WITHDRAWN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import Event, Request
from state_machines.borrowing import BORROWING
from state_machines.declaration import PREVIOUS, SAME, Action, Actor, Lifecycle, Target
from state_machines.lending import LENDING
from state_machines.request import WRITTEN, Facts

DATABASES = ("postgresql", "sqlite")
LIFECYCLES = {"lending": LENDING, "borrowing": BORROWING}
#: As whom a row has to be pulled for each actor that it names, on each database. What a partner says comes as a
#: message, or staff say how they were told.
KINDS = {
    Actor.STAFF: ("operator", "manager"),
    Actor.MANAGER: ("manager",),
    Actor.PARTNER: ("branch", "told"),
    Actor.PATRON: ("patron",),
    Actor.CLOCK: ("clock",),
    Actor.SYSTEM: ("system",),
}
#: How staff may be told: each row in each of these ways, on whatever database.
WAYS = ("phone", "mail", "paper")
#: Outcomes that a row shares with others and that it can't have itself, with the reason.
NEVER = {("borrowing", "partner_silent", "needs_review"): "the clock names no reason that nobody could cure"}


class Pulled(NamedTuple):
    """A row, by its place; `by` is one of KINDS or of WAYS; `target` is the place of the outcome in the row."""

    database: str
    side: str
    row: int
    by: str
    target: int


#: What the stories of this run have pulled.
seen: set[Pulled] = set()


def rows_of(db: Database) -> set[Pulled]:
    """What was pulled in a database's history, of the events all of whose effects were done."""
    database = db.engine.dialect.name
    found = set()
    with db.reading() as session:
        unfinished = sa.select(EffectRow.event_id).where(
            EffectRow.status.not_in((DONE, WITHDRAWN)), EffectRow.event_id > 0
        )
        left = set(session.scalars(unfinished))
        managers = set(session.execute(sa.select(Grant.account_id, Grant.library_id).where(Grant.role == "manager")))
        branches = set(session.scalars(sa.select(Partner.id).where(Partner.transport == "local")))
        promised: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for event_id, kind, argument in session.execute(
            sa.select(EffectRow.event_id, EffectRow.kind, EffectRow.argument)
        ):
            promised[event_id].add((kind, argument))
        for request, event, before in _events(session):
            if event.row >= 0 and event.id not in left:
                lifecycle = LIFECYCLES[request.side]
                by = _as_whom(event, request, managers, branches)
                target = _target(lifecycle, lifecycle.actions[event.row], event, request, before, promised[event.id])
                found.add(Pulled(database, request.side, event.row, by, target))
    return found


def triggers_of(db: Database) -> set[tuple[str, str]]:
    return {(pulled.side, LIFECYCLES[pulled.side].actions[pulled.row].trigger) for pulled in rows_of(db)}


def missing(databases: Sequence[str] = DATABASES) -> list[str]:
    """What no story has pulled, in words."""
    told = {p._replace(by="told") for p in seen if p.by in WAYS}
    rows = {p[:4] for p in seen | told}
    ways, targets = {p[1:4] for p in seen}, {(p.database, p.side, p.row, p.target) for p in seen}
    found: dict[str, list[str]] = defaultdict(list)
    for lifecycle, place, action in _rows():
        name = f"{lifecycle.name} {place} {action.trigger}"
        for way in WAYS if Actor.PARTNER in action.by else ():
            if (lifecycle.name, place, way) not in ways:
                found[f"{name} by {way}"].append("any database")
        for database in databases:
            for kind in dict.fromkeys(kind for actor in action.by for kind in KINDS[actor]):
                if (database, lifecycle.name, place, kind) not in rows:
                    found[f"{name} by {kind}"].append(database)
            for number, target in outcomes(lifecycle, action):
                if (database, lifecycle.name, place, number) not in targets:
                    found[f"{name} to {target.dest} ({_when(target)})"].append(database)
    return [f"{what} on {' and '.join(where)}" for what, where in found.items()]


def _rows() -> Iterator[tuple[Lifecycle, int, Action]]:
    for lifecycle in LIFECYCLES.values():
        for place, action in enumerate(lifecycle.actions):
            yield lifecycle, place, action


def outcomes(lifecycle: Lifecycle, action: Action) -> list[tuple[int, Target]]:
    possible = lifecycle.targets(action)
    return [
        (number, target)
        for number, target in enumerate(action.targets)
        if target in possible and not ((lifecycle.name, action.trigger, target.dest) in NEVER and target.only_if)
    ]


def _when(target: Target) -> str:
    return target.only_if.label if target.only_if else f"from {', '.join(target.source) or 'everywhere'}"


def _events(session) -> Iterator[tuple[Request, Event, Mapping[str, Any]]]:
    """Each event of each request with what was written on the request before it, told back from what it is now."""
    requests = {request.id: request for request in session.scalars(sa.select(Request))}
    was = {number: {name: getattr(request, name) for name in WRITTEN} for number, request in requests.items()}
    for event in session.scalars(sa.select(Event).order_by(Event.id.desc())):
        was[event.request_id] |= {k: from_json(v) for k, v in event.before.items() if k in WRITTEN}
        yield requests[event.request_id], event, dict(was[event.request_id])


def _as_whom(event: Event, request: Request, managers: set[Any], branches: set[int]) -> str:
    match event.actor:
        case Actor.STAFF:
            return "manager" if (event.account_id, request.library_id) in managers else "operator"
        case Actor.PARTNER:
            return event.told_by or ("branch" if event.partner_id in branches else "message")
        case other:
            return other


def _target(
    lifecycle: Lifecycle, action: Action, event: Event, request: Request, before: Mapping[str, Any],
    promised: set[tuple[str, str]],
) -> int:  # fmt: skip
    """Which outcome it was: by the state, by the work that was promised, and where both fit twice by its guard."""
    fitting: list[tuple[int, Target]] = []
    for number, target in enumerate(action.targets):
        if target.source and event.source not in lifecycle.expand(target.source):
            continue
        dest = event.source if target.dest == SAME else target.dest
        if dest in (PREVIOUS, event.dest) and _brings(target) <= promised:
            fitting.append((number, target))
        if target.only_if is None:
            break
    most = max(len(_brings(target)) for _, target in fitting)
    fitting = [(number, target) for number, target in fitting if len(_brings(target)) == most]
    *several, (last, _) = fitting
    then = SimpleNamespace(**before, side=request.side, reference=request.reference)
    zone = request.library.zone
    facts = Facts(now=event.at, today=event.at.astimezone(zone).date(), zone=zone, due_zone=zone)
    inputs = from_json(event.inputs)
    return next((n for n, t in several if t.only_if is None or t.only_if.holds(then, inputs, facts)), last)


def _brings(target: Target) -> set[tuple[str, str]]:
    """What this outcome promises in any case; a letter is for those who have a patron."""
    return {(e.kind, e.argument) for e in target.then if not (e.only_if or e.only_from or e.kind == "notify_patron")}


def pytest_sessionfinish(session) -> None:
    """A process of pytest-xdist hands over what it has seen; where all tests ran, what was never pulled fails."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["rows"] = [tuple(row) for row in sorted(seen)]  # plain, to travel
    elif _all_ran(config) and missing(_databases(config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _all_ran(config) -> bool:
    all_chosen = not config.option.keyword and "not long" not in config.option.markexpr
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and all_chosen


def _databases(config) -> list[str]:
    """The databases that count: where marks choose the tests, those on which any story ran."""
    return sorted({pulled.database for pulled in seen}) if config.option.markexpr else list(DATABASES)


class Collector:
    """Gathers what the processes of pytest-xdist have seen."""

    @staticmethod
    def pytest_testnodedown(node, error) -> None:
        seen.update(Pulled(*row) for row in getattr(node, "workeroutput", {}).get("rows", ()))


def pytest_configure(config) -> None:
    if config.pluginmanager.hasplugin("dsession") or config.getoption("numprocesses", None):
        config.pluginmanager.register(Collector())


def pytest_terminal_summary(terminalreporter) -> None:
    if not seen:
        return
    for lifecycle in LIFECYCLES.values():
        done = len({p.row for p in seen if p.side == lifecycle.name})
        terminalreporter.write_line(f"rows of {lifecycle.name} that stories pulled: {done} of {len(lifecycle.actions)}")
    left = missing(_databases(terminalreporter.config))
    if left and _all_ran(terminalreporter.config):
        terminalreporter.write_line("What no story has pulled:", red=True)
        for line in left:
            terminalreporter.write_line(f"  {line}")
    elif left:
        terminalreporter.write_line(f"no story of this run pulled {len(left)} that a full run has to")
