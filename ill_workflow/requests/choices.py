"""What can be done with a request now, what can't, and why not: every action that a person may ever take."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.fees import Ledger, in_words
from ill_workflow.requests.actions import may_be_pulled
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import gather, lifecycle_of
from ill_workflow.requests.models import Request
from state_machines.declaration import MANAGER, PARTNER, STAFF, Action, Actor, Lifecycle
from state_machines.refusals import reason
from state_machines.request import Facts

#: Who stands at a desk: staff, and what partners say is recorded by staff.
PEOPLE = frozenset({STAFF, MANAGER, PARTNER})
TOLD = frozenset({PARTNER})


@dataclass(frozen=True)
class Choice:
    """An action, whether it is possible now, and if not, why not."""

    action: Action
    possible: bool
    why_not: str = ""
    told: bool = False  #: it may be recorded as what the partner has said, by phone, by mail or on paper
    must_be_told: bool = False  #: only the partner can say it
    leads_on: bool = False  #: into another state
    rank: int = 0  #: how much it is what usually comes next (see `Lifecycle.rank`)
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: inputs that have these answers in the present state

    @property
    def trigger(self) -> str:
        return self.action.trigger

    @property
    def primary(self) -> bool:
        """What usually comes next."""
        return self.possible and self.rank > 0


def choices(session: Session, request: Request, *, by: By, clock: Clock) -> list[Choice]:
    """Every action of the lifecycle that people take: what usually comes next, what else is possible, and the rest.

    What depends on inputs that are still to be given counts as possible.
    """
    lifecycle, actors = lifecycle_of(request), actors_at(session, by, request.library_id, request.reference)
    facts = gather(session, request, clock.now(), by_staff=Actor.STAFF in actors)
    fees = in_words(Ledger(session, request.library_id, request.id).balances())
    found = [_choice(request, rows, actors, facts, fees) for rows in _buttons(lifecycle)]
    return sorted(found, key=_place)


def _place(choice: Choice) -> tuple[bool, int, bool, bool]:
    return (
        not choice.possible,
        -choice.rank if choice.possible else 0,
        choice.primary and not choice.leads_on,
        choice.must_be_told,
    )


def find_choice(session: Session, request: Request, trigger: str, *, by: By, clock: Clock) -> Choice | None:
    """The action of that name that is possible, or would be in another state; None where there is none for people."""
    # What is possible stands first: a trigger may be two buttons.
    return next((c for c in choices(session, request, by=by, clock=clock) if c.trigger == trigger), None)


def _buttons(lifecycle: Lifecycle) -> list[list[Action]]:
    """Rows of one name and label are one button, which means another row in another state."""
    found: dict[tuple[str, str], list[Action]] = {}
    for row in lifecycle.actions:
        if PEOPLE & set(row.by):
            found.setdefault((row.trigger, row.label), []).append(row)
    return list(found.values())


def _choice(request: Request, rows: Sequence[Action], actors: frozenset[Actor], facts: Facts, fees: str) -> Choice:
    lifecycle = lifecycle_of(request)
    here = [row for row in rows if request.state in lifecycle.sources(row)]
    row = next((row for row in here if (actors | TOLD) & set(row.by)), (here or rows)[0])
    asked = request.partner_id is not None
    told_facts = replace(facts, by_staff=False)
    mine = bool(here) and bool(actors & set(row.by)) and may_be_pulled(request, row, actors=actors, facts=facts)
    told = bool(here) and asked and may_be_pulled(request, row, actors=TOLD, facts=told_facts)
    answers = tuple((need.name, known) for need in row.needs if (known := lifecycle.answers(row, need, request.state)))
    if mine or told:
        leads_on, rank = lifecycle.leads_on(row, request.state), lifecycle.rank(row, request.state)
        only_told = told and not mine
        return Choice(row, True, told=told, must_be_told=only_told, leads_on=leads_on, rank=rank, answers=answers)
    if here and not asked and not actors & set(row.by) and PARTNER in row.by:
        why = "It was sent to no partner yet."
    else:
        as_whom, seen = (actors, facts) if actors & set(row.by) or PARTNER not in row.by else (TOLD, told_facts)
        why = reason(lifecycle, request, rows, by=as_whom, inputs=None, facts=seen, fees=fees)
    return Choice(row, False, why, must_be_told=not actors & set(row.by) and PARTNER in row.by, answers=answers)
