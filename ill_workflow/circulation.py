"""The library's own circulation system, as we speak to it: find on the shelf, hold, check out, check in, renew."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol


@dataclass(frozen=True)
class Item:
    """What the call is about. `due` is a day as text, where there is one."""

    reference: str
    barcode: str
    title: str
    isbn: str = ""
    due: str = ""


@dataclass(frozen=True)
class Shelf:
    """Where an item stands, or why it can't be had."""

    found: bool
    call_number: str = ""
    location: str = ""
    item_barcode: str = ""
    reason: str = ""
    answer: str = ""  #: in the system's own words


class Circulation(Protocol):
    """A circulation system. A call that is repeated changes nothing."""

    def call(self, call: str, item: Item) -> str:
        """Make the call; what the system answered, in words."""

    def find(self, item: Item) -> Shelf | None:
        """Look where the item stands. None: there is nobody to ask, and staff look at the shelf."""


class NoCirculation:
    """No system is connected: staff record what they found."""

    def call(self, call: str, item: Item) -> str:
        return "No circulation system is connected; staff record it there."

    def find(self, item: Item) -> Shelf | None:
        return None


@dataclass
class StandIn:
    """Answers from a table, and says that it is no real system."""

    shelves: Mapping[str, Shelf] = field(default_factory=dict)  #: by ISBN
    calls: list[tuple[str, Item]] = field(default_factory=list)

    def call(self, call: str, item: Item) -> str:
        self.calls.append((call, item))
        return f"The stand-in for a circulation system says: {call.replace('_', ' ')} of {item.barcode or item.title}."

    def find(self, item: Item) -> Shelf | None:
        found = self.shelves.get(item.isbn)
        if found is None:
            return None
        where = f"on the shelf at {found.call_number}" if found.found else f"not there ({found.reason})"
        return replace(found, answer=f"The stand-in for a circulation system says: {item.title} is {where}.")
