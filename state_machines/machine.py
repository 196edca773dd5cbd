"""Runs a lifecycle on `transitions`: one step of a request, and a step taken back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from transitions import EventData, Machine, MachineError

from state_machines import guards as g
from state_machines.declaration import (
    CLOCK,
    PREVIOUS,
    SAME,
    Action,
    Actor,
    Effect,
    Entry,
    Guard,
    Inputs,
    Lifecycle,
    Target,
)
from state_machines.effects import SCHEDULE_DUE_DATE_CHECK
from state_machines.request import Facts, Request


@dataclass(frozen=True)
class Step:
    """What happened, and what follows: ledger lines now, effects after the commit."""

    action: Action
    source: str
    dest: str
    entries: tuple[Entry, ...]
    effects: tuple[Effect, ...]


class NotPossible(Exception):
    """The row can't be pulled now; `refusals` says why."""


def advance(
    lifecycle: Lifecycle, request: Request, trigger: str, *, by: frozenset[Actor], inputs: Inputs, facts: Facts
) -> Step:
    """Pull a trigger: writes the request and nothing else. Raises NotPossible, with the request untouched."""
    steps: list[Step] = []
    if not _pull("trigger", lifecycle, request, trigger, by=by, inputs=inputs, facts=facts, steps=steps):
        raise NotPossible(trigger)
    return steps[0]


def may(
    lifecycle: Lifecycle, request: Request, trigger: str, *, by: frozenset[Actor], inputs: Inputs | None, facts: Facts
) -> bool:
    """Whether the trigger could be pulled now; without `inputs`, with some that are given later. Changes nothing."""
    machine = _machine(lifecycle)
    event = machine.events.get(trigger)
    if event is None:
        return False
    data = EventData(None, event, machine, request, (), {"by": by, "inputs": inputs, "facts": facts})
    return any(
        all(condition.check(data) for condition in transition.conditions)
        for transition in event.transitions.get(request.state, ())
    )


def take_back(request: Request, before: Mapping[str, Any]) -> None:
    """Undo a step: put back the fields that it wrote."""
    for name, value in before.items():
        setattr(request, name, value)


def _pull(how: str, lifecycle: Lifecycle, request: Request, trigger: str, **given: Any) -> bool:
    event = _machine(lifecycle).events.get(trigger)
    if event is None:
        return False
    try:
        return bool(event.trigger(request, **given))
    except MachineError:  # no row of this trigger leaves the present state
        return False


@cache
def _machine(lifecycle: Lifecycle) -> Machine:
    machine = Machine(
        model=None, states=[s.name for s in lifecycle.states], initial=None, auto_transitions=False, send_event=True
    )
    for action in lifecycle.actions:
        for target in action.targets:
            for dest, extra in _destinations(lifecycle, target):
                machine.add_transition(
                    action.trigger,
                    list(_sources(lifecycle, action, target)),
                    None if dest == SAME else dest,
                    conditions=[_allowed(lifecycle, action), *map(_condition, (*action.only_if, *extra))],
                    before=_apply(lifecycle, action, target, dest),
                )
    return machine


def _sources(lifecycle: Lifecycle, action: Action, target: Target) -> list[str]:
    mine = lifecycle.expand(target.source) if target.source else ()
    return [s for s in lifecycle.sources(action) if not target.source or s in mine]


def _destinations(lifecycle: Lifecycle, target: Target) -> list[tuple[str, tuple[Guard, ...]]]:
    """`previous` is every state that it can mean, each with the guard that it was that one."""
    guards = (target.only_if,) if target.only_if else ()
    if target.dest != PREVIOUS:
        return [(target.dest, guards)]
    names = [s.name for s in lifecycle.states if s.name not in lifecycle.passing]
    return [(name, (*guards, g.previous_was(name))) for name in names]


def _allowed(lifecycle: Lifecycle, action: Action) -> Callable[[EventData], bool]:
    def allowed(event: EventData) -> bool:
        by, facts = event.kwargs["by"], event.kwargs["facts"]
        if by != {CLOCK}:
            return bool(by & set(action.by))
        heard = action in lifecycle.firing(facts.timer or "", _request(event).state)
        return heard and (
            action.fires_if is None or action.fires_if.holds(_request(event), event.kwargs["inputs"], facts)
        )

    return allowed


def _request(event: EventData) -> Request:
    return cast(Request, event.model)


def _condition(guard: Guard) -> Callable[[EventData], bool]:
    return lambda event: guard.holds(_request(event), event.kwargs["inputs"], event.kwargs["facts"])


def _apply(lifecycle: Lifecycle, action: Action, target: Target, dest: str) -> Callable[[EventData], None]:
    """What is written before `transitions` moves the state; it raises nothing, so all of it happens or none."""

    def apply(event: EventData) -> None:
        request, inputs, facts = _request(event), event.kwargs["inputs"], event.kwargs["facts"]
        source = request.state
        if dest not in (SAME, source):  # entering a state from itself changes nothing
            request.previous_state = request.previous_state if source in lifecycle.passing else source
            request.state_since = facts.now
        for change in (*action.records, *target.records):
            change(request, inputs, facts)
        effects = tuple(
            effect
            for effect in (*action.then, *target.then)
            if (not effect.only_from or source in lifecycle.expand(effect.only_from))
            and (effect.only_if is None or effect.only_if.holds(request, inputs, facts))
        )
        entries = tuple(
            entry
            for entry in (*action.ledger, *target.ledger)
            if entry.only_if is None or entry.only_if.holds(request, inputs, facts)
        )
        end = source if dest == SAME else dest
        event.kwargs["steps"].append(Step(action, source, end, entries, (*effects, SCHEDULE_DUE_DATE_CHECK)))

    return apply
