"""What people type into the fields of a row: drawn from the type of each input, so that a new row is covered too."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from state_machines.declaration import Action, Input

#: The copy that lies in the folder of copies.
COPY = "0" * 32 + ".pdf"
PIECES = ("312", "P-2", "P-3")
REASONS = ("NotOnShelf", "NotFoundAsCited", "OnLoan", "no longer wanted")
OUTCOMES = ("completed", "closed_without_return", "cancelled", "unfilled", "rejected")
CHANGES: tuple[dict[str, Any], ...] = (
    {"volume": "2"}, {"internal_note": "look again"}, {"title": "Emma", "publisher": "Murray"}, {"need_by": ""},
)  # fmt: skip
WRONG = ("\x00", "x" * 3000, -1, [], {"a": 1}, "2026-13-45", "tomorrow", "1e9", "GBPX", None)

_TEXTS = {
    "reason": REASONS, "outcome": OUTCOMES, "item_barcode": ("312", "313"), "temporary_barcode": ("T-1",),
    "condition": ("LibraryUseOnly", "in the reading room"), "conditions": ("NoReproduction", "SignatureRequired"),
    "rota": ("RIV", "HILL"), "partner": ("RIV", "HILL"), "pieces": PIECES, "link": ("https://copies.example/1",),
    "status": ("Loaned", "WillSupply"), "note": ("a word", "größer als gedacht\nund nass"),
}  # fmt: skip


def inputs(row: Action, today: date, open_amount: str, *, past: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Values for a row: all that it needs, and some of what it may be given."""
    required = {need.name: _values(need, today, open_amount, past) for need in row.needs if need.required}
    optional = {need.name: _values(need, today, open_amount, past) for need in row.needs if not need.required}
    return st.fixed_dictionaries(required, optional=optional)


def wrong_inputs(row: Action, today: date) -> st.SearchStrategy[dict[str, Any]]:
    """Values that can't all be right: a field nobody asks for, one that is missing, one that is no value."""
    names = st.sampled_from([need.name for need in row.needs] or ["nothing"])
    spoilt = st.tuples(inputs(row, today, "1"), names, st.sampled_from(WRONG))
    return st.one_of(
        st.just({"no_such_field": "1"}), st.just({}), spoilt.map(lambda found: {**found[0], found[1]: found[2]})
    )


def _values(need: Input, today: date, open_amount: str, past: bool) -> st.SearchStrategy[Any]:
    known = _TEXTS.get(need.name, ())
    match need.type:
        case "flag":
            return st.just(True) if need.required else st.booleans()
        case "date":
            first = -20 if past and not need.future else 0
            return st.integers(first, 40).map(lambda days: (today + timedelta(days=days)).isoformat())
        case "money":
            return st.sampled_from(("0", "12.50", "200", open_amount))
        case "integer":
            return st.integers(0, 3)
        case "count":
            return st.integers(1, 3)
        case "currency":
            return st.sampled_from(("USD", "EUR"))
        case "copy":
            return st.just(COPY)
        case "fields":
            return st.sampled_from(CHANGES)
        case "texts" | "barcodes":
            return st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True)
        case "text" | "lines" | "code":
            return st.sampled_from(need.choices or known or (f"some {need.name}",))
        case _:
            raise AssertionError(f"nobody knows what to type into {need.name}, which is a {need.type}")
