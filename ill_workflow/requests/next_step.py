"""What usually comes next for a request: a primary row of its table that this person may pull."""

from datetime import datetime

from ill_workflow.libraries import Library
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Request
from state_machines.declaration import Action, Actor
from state_machines.request import Facts


def next_step(request: Request, actors: frozenset[Actor], library: Library, now: datetime) -> Action | None:
    """The first of what usually comes next, that leads on from where the request is; None where nothing does."""
    lifecycle = lifecycle_of(request)
    # Seen from the request alone, without a look at fees and rotas: whoever pulls it is told the rest.
    facts = Facts(now=now, today=library.today(now), zone=library.zone, due_zone=library.zone)
    rows = [
        row
        for row in lifecycle.actions
        if lifecycle.rank(row, request.state)
        and actors & set(row.by)
        and request.state in lifecycle.sources(row)
        and all(guard.holds(request, None, facts) for guard in row.only_if)
    ]
    rows.sort(key=lambda row: (-lifecycle.rank(row, request.state), not lifecycle.leads_on(row, request.state)))
    return rows[0] if rows else None


def asks_for_nothing(action: Action) -> bool:
    """Whether one click is enough."""
    return not any(need.required for need in action.needs)
