"""The words in which a lifecycle is declared: states, actions, what they need and what follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from state_machines.request import Facts, Request

SAME = "same"
PREVIOUS = "previous"

Inputs = Mapping[str, Any]
Test = Callable[[Request, Inputs, Facts], bool]
Change = Callable[[Request, Inputs, Facts], None]


class Actor(StrEnum):
    """Who pulls a trigger."""

    STAFF = "staff"
    MANAGER = "manager"
    PARTNER = "partner"
    PATRON = "patron"
    CLOCK = "clock"
    SYSTEM = "system"


STAFF, MANAGER, PARTNER, PATRON, CLOCK, SYSTEM = Actor


class LifecycleError(Exception):
    """A lifecycle is declared wrongly."""


@dataclass(frozen=True)
class Guard:
    """A condition of a row: what it is called, and what a person is told where it doesn't hold.

    `asks` are the inputs on which it depends: no others are shown to it, and until they are given it may still be met.
    `answer` is the one that it waits for, where it chooses an outcome that a person names.
    """

    label: str
    otherwise: str
    test: Test
    asks: tuple[str, ...] = ()
    answer: str = ""

    def holds(self, request: Request, inputs: Inputs | None, facts: Facts) -> bool:
        """Whether it holds; without `inputs`, which are not given yet, whether it still can."""
        if inputs is None:
            return bool(self.asks) or self.test(request, {}, facts)
        return self.test(request, {name: inputs[name] for name in self.asks if name in inputs}, facts)


def guard(label: str, otherwise: str, asks: tuple[str, ...] = ()) -> Callable[[Test], Guard]:
    """Make a boolean function a guard with its two sentences, and the inputs on which it depends."""
    return lambda test: Guard(label, otherwise, test, asks)


@dataclass(frozen=True)
class Input:
    """A value that a row asks for. `type`: text, lines, date, money, integer, count (of pieces), flag, code, currency,
    texts, barcodes, fields, or copy (the name of a file that is kept here)."""

    name: str
    label: str
    type: str = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    hint: str = ""
    future: bool = False  #: a date that people may not name in the past; what a partner says stands
    longest: int = 2000  #: characters of a text
    usual: tuple[str, ...] = ()  #: words that are usual; others are possible
    known: str = ""  #: of what the library's own data knows more: partners, carriers
    begins: Callable[[Request, Facts], Any] | None = None  #: what a form begins with
    internal: bool = False  #: no partner is ever told

    @property
    def optional(self) -> "Input":
        return replace(self, required=False)


@dataclass(frozen=True)
class Effect:
    """Work that follows a transition: one Celery task."""

    kind: str
    argument: str = ""
    only_from: tuple[str, ...] = ()  #: states or groups; empty: always
    only_if: Guard | None = None
    to_former: bool = False  #: to the partner as it was before this transition

    @property
    def label(self) -> str:
        return f"{self.kind}({self.argument})" if self.argument else self.kind


@dataclass(frozen=True)
class Entry:
    """A line of the ledger, written in the transition's own commit. `do`: assess, bill, reverse, pay or waive."""

    do: str
    kinds: tuple[str, ...] = ()
    provisional: bool = False
    only_if: Guard | None = None


@dataclass(frozen=True)
class Target:
    """One possible outcome of a row, with the guard that chooses it and what only it brings."""

    dest: str
    source: tuple[str, ...] = ()  #: states or groups to which this outcome belongs; empty: all of the row's
    only_if: Guard | None = None
    records: tuple[Change, ...] = ()
    ledger: tuple[Entry, ...] = ()
    then: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Action:
    """A row of the table."""

    trigger: str
    label: str
    by: tuple[Actor, ...]
    source: tuple[str, ...]
    dest: str | tuple[Target, ...]
    less: tuple[str, ...] = ()
    only_if: tuple[Guard, ...] = ()
    needs: tuple[Input, ...] = ()
    records: tuple[Change, ...] = ()
    ledger: tuple[Entry, ...] = ()
    then: tuple[Effect, ...] = ()
    hears: tuple[str, ...] = ()  #: partner messages that pull this row
    hears_else: tuple[str, ...] = ()  #: those that pull it where no row before may be pulled
    fires: tuple[str, ...] = ()  #: timers that pull it
    fires_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: timers heard in some states only
    fires_if: Guard | None = None  #: a timer pulls this row only where this holds; the next row that hears it else
    primary: bool = False  #: what usually comes next, wherever it is possible
    first_in: tuple[str, ...] = ()  #: states or groups in which it comes before all others
    undo: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        return (Target(self.dest),) if isinstance(self.dest, str) else self.dest


@dataclass(frozen=True)
class State:
    """A state and what it is called on screen. `!` in a declaration: it needs a person."""

    name: str
    label: str
    attention: bool = False


def states(**labels: str) -> tuple[State, ...]:
    """Declare states as `name="Label"`; a label that ends with `!` needs a person's attention."""
    return tuple(State(name, label.rstrip("!"), label.endswith("!")) for name, label in labels.items())


@dataclass(frozen=True, eq=False)
class Lifecycle:
    """One side of a request's life."""

    name: str
    states: tuple[State, ...]
    groups: Mapping[str, tuple[str, ...]]
    terminal: frozenset[str]
    passing: frozenset[str]  #: interruptions, after which `previous` is taken up again
    initial: tuple[str, ...]
    actions: tuple[Action, ...]
    timers: Mapping[str, tuple[str, ...]]  #: state -> the timers that it may have

    def label(self, state: str) -> str:
        return next((s.label for s in self.states if s.name == state), state)

    def needs_attention(self, state: str) -> bool:
        return any(s.attention for s in self.states if s.name == state)

    @cache  # noqa: B019 - lifecycles are two, and live as long as the process
    def expand(self, names: tuple[str, ...], less: tuple[str, ...] = ()) -> tuple[str, ...]:
        """States for names of states or groups (`any` = all, `open` = not terminal), in the order of declaration."""
        wanted, unwanted = self._members(names), self._members(less)
        return tuple(s.name for s in self.states if s.name in wanted and s.name not in unwanted)

    def sources(self, action: Action) -> tuple[str, ...]:
        return self.expand(action.source, action.less)

    def targets(self, action: Action) -> tuple[Target, ...]:
        """The outcomes of a row that can come about: a list of outcomes may be shared with other rows."""
        sources = set(self.sources(action))
        return tuple(t for t in action.targets if not t.source or sources & set(self.expand(t.source)))

    def leads_on(self, action: Action, state: str) -> bool:
        """Whether a row may lead from a state into another one."""
        here = (t for t in action.targets if not t.source or state in self.expand(t.source))
        return any(target.dest not in (SAME, state) for target in here)

    def rank(self, action: Action, state: str) -> int:
        """How much an action is what usually comes next: 2 before all others, 1 as well, 0 not."""
        return 2 if state in self.expand(action.first_in) else int(action.primary)

    def answers(self, action: Action, need: Input, state: str) -> tuple[str, ...]:
        """What may be answered to an input in a state: its own choices, or the outcomes that it chooses from there."""
        here = (t for t in action.targets if not t.source or state in self.expand(t.source))
        outcomes = (t.only_if.answer for t in here if t.only_if and need.name in t.only_if.asks)
        return need.choices or tuple(dict.fromkeys(filter(None, outcomes)))

    def rows(self, trigger: str) -> tuple[Action, ...]:
        return tuple(a for a in self.actions if a.trigger == trigger)

    def row(self, trigger: str, state: str) -> Action | None:
        """The row of this trigger that holds in a state."""
        return next((a for a in self.rows(trigger) if state in self.sources(a)), None)

    def pulled(self, place: int, trigger: str) -> Action | None:
        """The row that history names by its place; none where another stands there by now, or none was pulled."""
        here = self.actions[place : place + 1] if place >= 0 else ()
        return next((a for a in here if a.trigger == trigger), None)

    def hearers(self, heard: str, state: str) -> tuple[Action, ...]:
        """The rows that hear a message in a state, in the order in which they are tried."""
        here = [a for a in self.actions if state in self.sources(a)]
        return tuple(a for a in here if heard in a.hears) + tuple(a for a in here if heard in a.hears_else)

    def firing(self, timer: str, state: str) -> tuple[Action, ...]:
        """The rows that a timer may pull in a state, in the order in which they are tried."""
        return tuple(
            action
            for action in self.actions
            if state in self.sources(action)
            and (timer in action.fires or state in self.expand(action.fires_in.get(timer, ())))
        )

    def _members(self, names: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        known = {s.name for s in self.states}
        for name in names:
            if name == "any":
                found |= known
            elif name == "not_terminal":
                found |= known - self.terminal
            elif name in self.groups:
                found |= set(self.groups[name])
            elif name in known:
                found.add(name)
            else:
                raise LifecycleError(f"{self.name}: {name} is neither a state nor a group")
        return found
