"""Every row of both tables, to each of its ends, between two installations: the stories of branches, over the wire."""

from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.plugins.loans import begin
from tests.stateful.two_places import TwoStages

pytestmark = pytest.mark.long

MODULES = (
    "whole_loans",
    "every_row",
    "other_ends",
    "demo_paths",
    "late_messages",
    "former_lenders",
    "copies",
    "pieces",
    "fees",
    "undo",
)
Story = Callable[[TwoStages], object]


def stories() -> Iterator[tuple[str, Story]]:
    for name in MODULES:
        module = importlib.import_module(f"tests.stories.test_{name}")
        for what, story in inspect.getmembers(module, inspect.isfunction):
            first, *_ = [*inspect.signature(story).parameters, ""]
            if what.startswith("test_") and story.__module__ == module.__name__ and first in BEGUN:
                for given in _parameters(story):
                    label = f"{name}: {what}{list(given.values()) or ''}"
                    yield label, lambda stage, s=story, f=first, g=given: s(BEGUN[f](stage), **g)


def _sent(stage: TwoStages) -> Any:
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2", "V3"], due_date="2026-03-05")
    return stage, loan, lent


#: What a story begins with, by the name under which it asks for it.
BEGUN: dict[str, Callable[[TwoStages], Any]] = {
    "stage": lambda stage: stage,
    "asked": lambda stage: lambda **fields: begin(stage, "branches", **fields),
    "sent": _sent,
}


def _parameters(story: Callable[..., Any]) -> list[dict[str, Any]]:
    """All that a story is told with."""
    found = []
    for mark in getattr(story, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args
            names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
            values = [getattr(value, "values", value) for value in values]
            found.append([dict(zip(names, value if len(names) > 1 else (value,), strict=True)) for value in values])
    return [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*found)]
