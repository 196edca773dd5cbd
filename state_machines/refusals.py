"""Why not: what the request is now, what would be needed, who may do it, and what can be done instead."""

from collections.abc import Iterable, Sequence

from state_machines.declaration import CLOCK, MANAGER, PARTNER, PATRON, STAFF, SYSTEM, Action, Actor, Inputs, Lifecycle
from state_machines.request import Facts, Request

WHO = {
    STAFF: "an operator",
    MANAGER: "a manager",
    PARTNER: "the partner, or staff who say how they were told",
    PATRON: "the patron",
    CLOCK: "the clock",
    SYSTEM: "another system",
}
#: How many other actions a refusal offers.
OFFERED = 6


def why_not(
    lifecycle: Lifecycle,
    request: Request,
    trigger: str,
    *,
    by: frozenset[Actor],
    inputs: Inputs,
    facts: Facts,
    fees: str,
) -> str:
    """The sentences of a refusal. `fees` says in words what is open."""
    return " ".join(
        (
            f"{request.reference} is {lifecycle.label(request.state)}.",
            reason(lifecycle, request, lifecycle.rows(trigger), by=by, inputs=inputs, facts=facts, fees=fees),
            _instead(lifecycle, request, trigger, by),
        )
    )


def reason(
    lifecycle: Lifecycle,
    request: Request,
    rows: Sequence[Action],
    *,
    by: frozenset[Actor],
    inputs: Inputs | None,
    facts: Facts,
    fees: str,
) -> str:
    """Why none of these rows may be pulled; without `inputs`, whatever will be given."""
    here = [row for row in rows if request.state in lifecycle.sources(row)]
    return _reason(lifecycle, request, rows, here, by, inputs, facts).format(fees=fees)


def who_may(action: Action) -> str:
    return _either(WHO[actor] for actor in action.by)


def _reason(
    lifecycle: Lifecycle,
    request: Request,
    rows: Sequence[Action],
    here: list[Action],
    by: frozenset[Actor],
    inputs: Inputs | None,
    facts: Facts,
) -> str:
    if not rows:
        return "There is no such action."
    label = rows[0].label
    if not here:
        places = [lifecycle.label(s) for s in dict.fromkeys(s for row in rows for s in lifecycle.sources(row))]
        return f"{label} is possible while it is {_either(places)}."
    mine = [row for row in here if by & set(row.by)]
    if not mine:
        return f"{label} needs {who_may(here[0])}."
    if by == {CLOCK}:
        return f"{label} is not due yet."
    for row in mine:
        for guard in row.only_if:
            if not guard.holds(request, inputs, facts):
                return guard.otherwise
    choices = [
        target.only_if.otherwise
        for row in mine
        for target in row.targets
        if target.only_if and (not target.source or request.state in lifecycle.expand(target.source))
    ]
    return " ".join(dict.fromkeys(choices)) or f"{label} is not possible now."


def _instead(lifecycle: Lifecycle, request: Request, trigger: str, by: frozenset[Actor]) -> str:
    """What the one who asked may do in this state: what usually comes next is named first."""
    rows = [
        row
        for row in lifecycle.actions
        if row.trigger != trigger and by & set(row.by) and request.state in lifecycle.sources(row)
    ]
    people = by & {STAFF, MANAGER}
    labels = dict.fromkeys(
        row.label
        for row in sorted(rows, key=lambda r: -lifecycle.rank(r, request.state))
        if not people or people & set(row.by)
    )
    if not labels:
        return "Nothing can be done with it now."
    return f"What can be done: {', '.join(list(labels)[:OFFERED])}."


def _either(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
