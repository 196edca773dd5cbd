"""Looks a lifecycle over when it is declared: what is wrong with it is found before anybody uses it."""

from collections.abc import Iterator

from state_machines.declaration import (
    CLOCK,
    MANAGER,
    PARTNER,
    PATRON,
    PREVIOUS,
    SAME,
    STAFF,
    Action,
    Lifecycle,
    LifecycleError,
    Target,
)
from state_machines.effects import KINDS
from state_machines.schedule import RULES

#: Whoever can be asked to do something; what a partner says, staff can record for it.
PEOPLE = {STAFF, MANAGER, PATRON, PARTNER}


def check(lifecycle: Lifecycle) -> None:
    """Raises LifecycleError with a sentence for each fault."""
    # Unknown names first: the other checks stumble over them.
    faults = list(_names(lifecycle)) or [
        *_rows(lifecycle),
        *_timers(lifecycle),
        *_reachable(lifecycle),
        *_dead_ends(lifecycle),
        *_terminal(lifecycle),
    ]
    if faults:
        raise LifecycleError(f"The lifecycle {lifecycle.name} is declared wrongly. " + " ".join(faults))


def _names(lifecycle: Lifecycle) -> Iterator[str]:
    states = [s.name for s in lifecycle.states]
    known = {*states, *lifecycle.groups, "any", "not_terminal"}
    for name in sorted({s for s in states if states.count(s) > 1}):
        yield f"The state {name} is declared twice."
    yield from (f"The state {s.name} has no label." for s in lifecycle.states if not s.label.strip())
    used = {
        "a group": {s for members in lifecycle.groups.values() for s in members},
        "the terminal states": set(lifecycle.terminal),
        "the passing states": set(lifecycle.passing),
        "the initial states": set(lifecycle.initial),
        "the timers": set(lifecycle.timers),
    }
    for where, names in used.items():
        yield from (f"{name}, in {where}, is no state." for name in sorted(names - set(states)))
    for timer in sorted({t for names in lifecycle.timers.values() for t in names} - set(RULES)):
        yield f"Nothing says when the timer {timer} is due."
    for action in lifecycle.actions:
        yield from _names_of_a_row(action, states, known)


def _names_of_a_row(action: Action, states: list[str], known: set[str]) -> Iterator[str]:
    row = f"In the row {action.trigger}"
    if not action.trigger.isidentifier() or not action.trigger.islower():
        yield f"{row}: a trigger is a name in small letters."
    if not action.label.strip():
        yield f"{row} has no label."
    if not action.by:
        yield f"{row} nobody may pull it."
    effects = [*action.then, *(effect for target in action.targets for effect in target.then)]
    limits = [name for effect in effects for name in effect.only_from]
    limits += [name for target in action.targets for name in target.source]
    limits += [name for names in action.fires_in.values() for name in names]
    for name in dict.fromkeys((*action.source, *action.less, *limits)):
        if name not in known:
            yield f"{row}: {name} is neither a state nor a group."
    for target in action.targets:
        if target.dest not in {*states, SAME, PREVIOUS}:
            yield f"{row}: there is no state {target.dest} to go to."
    for effect in effects:
        if effect.kind not in KINDS:
            yield f"{row}: there is no effect {effect.kind}."
    for timer in (*action.fires, *action.fires_in):
        if timer not in RULES:
            yield f"{row}: there is no timer {timer}."
    names = [need.name for need in action.needs]
    for guard in action.only_if:
        if guard.asks and not set(guard.asks) & set(names):
            yield f"{row}: '{guard.label}' depends on {' or '.join(guard.asks)}, for which it doesn't ask."
    yield from (
        f"{row}: the input {name} is asked for twice." for name in sorted({n for n in names if names.count(n) > 1})
    )


def _rows(lifecycle: Lifecycle) -> Iterator[str]:
    for place, action in enumerate(lifecycle.actions):
        row, sources = f"In the row {action.trigger}", set(lifecycle.sources(action))
        if not sources:
            yield f"{row}: it starts from no state."
        if any(target.dest == PREVIOUS for target in action.targets) and not lifecycle.passing & sources:
            yield f"{row}: `previous` means nothing outside an interruption."
        for effect in (*action.then, *(e for t in action.targets for e in t.then)):
            if effect.only_from and not sources & set(lifecycle.expand(effect.only_from)):
                yield f"{row}: {effect.label} is for states that the row doesn't start from."
        if (action.fires or action.fires_in) and CLOCK not in action.by:
            yield f"{row}: a timer pulls it, but the clock may not."
        earlier = [a for a in lifecycle.actions[:place] if a.trigger == action.trigger and set(action.by) <= set(a.by)]
        covered = {s for a in earlier if not a.only_if and _catches_all(lifecycle, a) for s in lifecycle.sources(a)}
        if sources and sources <= covered:
            yield f"{row}: it is never reached, since rows before it take every state."


def _catches_all(lifecycle: Lifecycle, action: Action) -> bool:
    """Whether one of its outcomes needs no condition, in each of its states."""
    return all(
        any(_belongs(lifecycle, target, state) and target.only_if is None for target in action.targets)
        for state in lifecycle.sources(action)
    )


def _timers(lifecycle: Lifecycle) -> Iterator[str]:
    for state, names in lifecycle.timers.items():
        if names and state in lifecycle.terminal:
            yield f"{state} is terminal, and waits for {', '.join(names)}."
        for timer in names:
            if not any(action.fires_if is None for action in lifecycle.firing(timer, state)):
                yield f"The timer {timer} is heard by no row in {state}."


def _reachable(lifecycle: Lifecycle) -> Iterator[str]:
    reached, grew = set(lifecycle.initial), True
    while grew:
        ways = {
            dest for action in lifecycle.actions for state in reached for dest in _leads_to(lifecycle, action, state)
        }
        grew = not ways <= reached
        reached |= ways
    yield from (f"{s.name} can't be reached." for s in lifecycle.states if s.name not in reached)


def _dead_ends(lifecycle: Lifecycle) -> Iterator[str]:
    for state in (s.name for s in lifecycle.states if s.name not in lifecycle.terminal):
        ways = [
            action
            for action in lifecycle.actions
            if action.trigger != "close" and PEOPLE & set(action.by) and _leaves(lifecycle, action, state)
        ]
        if not ways:
            yield f"{state} is a dead end: no person can lead out of it."


def _terminal(lifecycle: Lifecycle) -> Iterator[str]:
    for state in sorted(lifecycle.terminal):
        groups = {name for name, members in lifecycle.groups.items() if state in members}
        for action in lifecycle.actions:
            if _leaves(lifecycle, action, state) and not {state, *groups} & set(action.source):
                yield f"The row {action.trigger} leaves {state}, which is terminal, without naming it."


def _leaves(lifecycle: Lifecycle, action: Action, state: str) -> bool:
    return any(dest != state for dest in _leads_to(lifecycle, action, state)) or (
        state in lifecycle.sources(action)
        and any(target.dest == PREVIOUS and _belongs(lifecycle, target, state) for target in action.targets)
    )


def _leads_to(lifecycle: Lifecycle, action: Action, state: str) -> set[str]:
    """Where a row may lead from a state; `previous` leads nowhere new."""
    if state not in lifecycle.sources(action):
        return set()
    named = {t.dest for t in action.targets if _belongs(lifecycle, t, state)}
    return {state if dest == SAME else dest for dest in named if dest != PREVIOUS}


def _belongs(lifecycle: Lifecycle, target: Target, state: str) -> bool:
    return not target.source or state in lifecycle.expand(target.source)
