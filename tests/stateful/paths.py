"""The stories of branches, told between two installations: every row of both tables, to each of its ends."""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from state_machines.declaration import Actor
from tests.plugins import referee, rows
from tests.plugins.loans import begin
from tests.stateful.two_places import TwoStages
from tests.stateful.wire import DIRECT, EDITIONS, Way

MODULES = (
    "whole_loans", "every_row", "other_ends", "demo_paths", "late_messages", "former_lenders", "copies", "pieces",
    "fees", "undo",
)  # fmt: skip
#: Stories that can't be told between two installations, with the reason.
AT_ONE_PLACE = {
    "test_lending_is_suspended": "it looks for Riverside in Main's database",
    "test_the_status_of_a_refused_request_comes_with_its_reason": "it looks for Riverside in Main's database",
    "test_a_file_goes_from_branch_to_branch_and_on_to_the_patron": "it looks into the folder that branches share",
    "test_copies_are_kept_for_a_while_only": "it looks into the folder that branches share",
}
#: Words of stories of which the edition of 2017 can say but a part: it has no URL.
SAYS_MORE_THAN_2017 = ("by_link", "as_a_link", "copy_is_filed")
WAYS = tuple(Way(DIRECT, editions, marks) for marks, editions in itertools.product((False, True), EDITIONS))

Story = Callable[[TwoStages], object]
#: A row of a side, and how far it was pulled: the place of the outcome, or that it was pulled by a message.
Pulled = tuple[str, int, int | str]


def stories() -> Iterator[tuple[str, Story]]:
    """Each with its name."""
    for name in MODULES:
        module = importlib.import_module(f"tests.stories.test_{name}")
        for what, story in inspect.getmembers(module, inspect.isfunction):
            first, *_ = [*inspect.signature(story).parameters, ""]
            told_there = what.startswith("test_") and story.__module__ == module.__name__
            if told_there and first in _BEGUN and what not in AT_ONE_PLACE:
                for given in _parameters(story):
                    yield f"{what}{list(given.values()) or ''}", _told(story, first, given)
    yield from ((story.__name__, story) for story in OTHER_ENDS)


def _a_slip_is_printed_while_a_condition_waits(stage: TwoStages) -> None:
    lent = stage.other_half(stage.borrows())
    lent.does("add_condition", condition="LibraryUseOnly")
    lent.does("print_slip")
    assert lent.state == "conditional"


def _nobody_at_the_end_of_the_rota_answers(stage: TwoStages) -> None:
    loan = stage.borrows(ask=("HILL",))
    stage.waits_until("2026-02-10")
    assert loan.state == "unfilled"


def _lent_to_the_patron_while_a_renewal_is_asked_for(stage: TwoStages) -> None:
    loan = stage.borrows()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312")
    loan.does("receive", condition_checked=True)
    loan.does("request_renewal")
    loan.does("check_out")
    assert loan.state == "renewal_requested"


def _it_went_home_before_it_came(stage: TwoStages) -> None:
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("check_in")
    assert (loan.state, lent.state) == ("needs_review", "completed")


#: What the stories of branches leave to those of single rows.
OTHER_ENDS: tuple[Story, ...] = (
    _a_slip_is_printed_while_a_condition_waits, _nobody_at_the_end_of_the_rota_answers,
    _lent_to_the_patron_while_a_renewal_is_asked_for, _it_went_home_before_it_came,
)  # fmt: skip


@dataclass
class Paths:
    """Which ends the stories have reached."""

    told: int = 0
    reached: set[Pulled] = field(default_factory=set)

    def tell(self, stage: TwoStages, name: str, story: Story) -> None:
        """Tell a story in the next of the ways, and look over what it leaves behind."""
        way = WAYS[self.told % len(WAYS)]
        if any(word in name for word in SAYS_MORE_THAN_2017):
            way = WAYS[len(EDITIONS) - 1]
        self.told += 1
        stage.begin_anew(way)
        try:
            story(stage)
            for place in stage.places:
                referee.look(place.db, stage.clock)
                self.reached |= {
                    end for p in rows.rows_of(place.db) for end in ((p.side, p.row, p.target), (p.side, p.row, p.by))
                }
        except Exception as wrong:
            raise AssertionError(f"{name}, {way}: {type(wrong).__name__}: {wrong}\n\n{stage.story()}") from wrong

    def never_by_a_message(self) -> list[str]:
        """Rows that hear a partner and were never pulled by one from elsewhere."""
        return [
            f"{side} {lifecycle.actions[place].trigger}"
            for side, lifecycle in rows.LIFECYCLES.items()
            for place, row in enumerate(lifecycle.actions)
            if Actor.PARTNER in row.by and (side, place, "message") not in self.reached
        ]

    def never_reached(self) -> list[str]:
        """Ends of rows that were never reached."""
        return [
            f"{side} {row.trigger} to {target.dest}"
            for side, lifecycle in rows.LIFECYCLES.items()
            for place, row in enumerate(lifecycle.actions)
            for number, target in rows.outcomes(lifecycle, row)
            if (side, place, number) not in self.reached
        ]


def _told(story: Callable[..., object], first: str, given: dict[str, Any]) -> Story:
    return lambda stage: story(_BEGUN[first](stage), **given)


def _sent(stage: TwoStages) -> Any:
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2", "V3"], due_date="2026-03-05")
    return stage, loan, lent


#: What a story begins with, by the name under which it asks for it.
_BEGUN: dict[str, Callable[[TwoStages], Any]] = {
    "stage": lambda stage: stage,
    "asked": lambda stage: lambda **fields: begin(stage, "branches", **fields),  # type: ignore[arg-type]
    "sent": _sent,
}


def _parameters(story: Callable[..., Any]) -> list[dict[str, Any]]:
    """All that a story is told with."""
    found = []
    for mark in getattr(story, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args
            names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
            values = [getattr(value, "values", value) for value in values]
            found.append([dict(zip(names, value if len(names) > 1 else (value,), strict=True)) for value in values])
    return [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*found)]
