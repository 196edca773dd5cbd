"""What an action asks for, as JSON Schema and as it is checked: both made from the tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ill_workflow.errors import BadInput
from ill_workflow.requests.fields import FIRST_DAY, LAST_DAY, LONGEST, LONGEST_CODE, LONGEST_TEXT, MOST_VALUES
from state_machines.borrowing import BORROWING
from state_machines.changes import EDITABLE
from state_machines.declaration import MANAGER as MANAGER
from state_machines.declaration import PARTNER, STAFF, SYSTEM, Action, Actor, Input, Lifecycle
from state_machines.lending import LENDING

LIFECYCLES = {"lending": LENDING, "borrowing": BORROWING}
#: As whom an account acts: what the clock and patrons do has no button, and no address.
BY_ACCOUNTS = frozenset({STAFF, MANAGER, PARTNER, SYSTEM})
MONEY, CURRENCY, KEPT_COPY = r"^[0-9]{1,7}(\.[0-9]{1,2})?$", "^[A-Za-z]{3}$", r"^[0-9a-f]{32}\.(pdf|tif|jpg|png)$"
DAY = r"\d{4}-\d\d-\d\d"
#: One line of text; and a text with lines.
LINE, LINES = r"^[^\u0000-\u001f\u007f]*$", r"^[^\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]*$"
_SAID = {
    "flag": "true or false", "date": "a day, written like 2026-03-01", "money": 'an amount as text, such as "12.50"',
    "integer": "a whole number", "count": "a whole number from 1 to 99", "texts": "a list of texts",
    "barcodes": "a list of texts", "fields": "an object of fields with texts", "currency": 'a text, such as "USD"',
}  # fmt: skip


def rows_for_accounts(lifecycle: Lifecycle, trigger: str | None = None) -> list[Action]:
    """The rows that an account may pull, all or those of one trigger."""
    by: frozenset[Actor] = BY_ACCOUNTS
    return [row for row in lifecycle.actions if by & set(row.by) and trigger in (None, row.trigger)]


def triggers(lifecycle: Lifecycle) -> list[str]:
    return list(dict.fromkeys(row.trigger for row in rows_for_accounts(lifecycle)))


def needs_of(rows: Sequence[Action]) -> list[Input]:
    """What rows of one trigger ask for; what only some of them ask for is optional."""
    found: dict[str, Input] = {}
    for row in rows:
        for need in row.needs:
            known = found.get(need.name, need)
            found[need.name] = replace(known, required=known.required and need.required)
    everywhere = set.intersection(*({need.name for need in row.needs} for row in rows)) if rows else set()
    return [need if need.name in everywhere else replace(need, required=False) for need in found.values()]


def inputs_schema(needs: Sequence[Input], answers: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """The inputs of an action as a JSON Schema. `answers`: those that the present state allows, by input."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {need.name: _value(need, (answers or {}).get(need.name, ())) for need in needs},
        "additionalProperties": False,
    }
    if required := [need.name for need in needs if need.required]:
        schema["required"] = required
    return schema


def fields_schema(required: Sequence[str] = ()) -> dict[str, Any]:
    """Bibliographic and other fields of a request."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field(name) for name in sorted(EDITABLE)},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return schema


def check_inputs(lifecycle: Lifecycle, trigger: str, given: Mapping[str, Any]) -> None:
    """Raises BadInput for a value of another type than described: texts are not guessed to be numbers or lists.

    What else is wrong, the row says by itself.
    """
    known = {need.name: need for need in needs_of(rows_for_accounts(lifecycle, trigger))}
    for name, value in given.items():
        need = known.get(name)
        if need is not None and not _fits(need, value):
            raise BadInput(f"{need.label} is {_SAID.get(need.type, 'a text')}.", field=f"inputs.{name}")
        if need is not None and need.type == "fields":
            check_fields(value)


def check_fields(given: Mapping[str, str]) -> None:
    """Raises BadInput for a day that is written otherwise than described; what else is wrong, is said by itself."""
    day = given.get("need_by")
    if day and not re.fullmatch(DAY, day, re.ASCII):
        raise BadInput(f"need_by is {_SAID['date']}.", field="need_by")


def _fits(need: Input, value: Any) -> bool:
    match need.type:
        case "flag":
            return isinstance(value, bool) and (value or not need.required)
        case "integer" | "count":
            return isinstance(value, int) and not isinstance(value, bool)
        case "texts" | "barcodes":
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case "fields":
            return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
        case "money":
            return isinstance(value, str) and bool(re.fullmatch(MONEY[1:-1], value, re.ASCII))
        case "currency":
            return isinstance(value, str) and bool(re.fullmatch(CURRENCY[1:-1], value))
        case "date":
            return isinstance(value, str) and bool(re.fullmatch(DAY, value, re.ASCII))
        case _:
            return isinstance(value, str)


def _value(need: Input, answers: Sequence[str]) -> dict[str, Any]:
    schema = _kind(need)
    schema = {"title": need.label, **schema}
    if need.hint:
        schema["description"] = f"{need.hint[0].upper()}{need.hint[1:]}."
    if answers or need.choices:
        schema["enum"] = list(answers or need.choices)
    elif need.usual:
        schema["examples"] = [list(need.usual)[:1]] if schema["type"] == "array" else list(need.usual)
    return schema


def _kind(need: Input) -> dict[str, Any]:
    match need.type:
        case "flag":
            return {"const": True} if need.required else {"type": "boolean"}
        case "integer":
            return {"type": "integer", "minimum": 0}
        case "count":
            return {"type": "integer", "minimum": 1, "maximum": 99}
        case "date":
            return day_schema()
        case "money":
            return {"type": "string", "pattern": MONEY, "examples": ["12.50"]}
        case "currency":
            return {"type": "string", "pattern": CURRENCY, "examples": ["USD"]}
        case "copy":
            return {"type": "string", "pattern": KEPT_COPY}
        case "texts" | "barcodes":
            one = {"type": "string", "maxLength": need.longest, "pattern": LINE}
            least = {"minItems": 1} if need.required else {}
            return {"type": "array", "items": one, "maxItems": MOST_VALUES, **least}
        case "fields":
            return {**fields_schema(), "minProperties": 1} if need.required else fields_schema()
        case kind:
            longest = min(need.longest, LONGEST_CODE) if kind == "code" else need.longest
            least = {"minLength": 1} if need.required else {}
            return {"type": "string", "maxLength": longest, "pattern": LINES if kind == "lines" else LINE, **least}


def day_schema() -> dict[str, Any]:
    return {"type": "string", "format": "date", "description": f"A day between {FIRST_DAY} and {LAST_DAY}."}


def _field(name: str) -> dict[str, Any]:
    if name == "need_by":
        return {"description": "Nothing takes the day away.", "anyOf": [day_schema(), {"const": ""}]}
    longest = LONGEST.get(name, LONGEST_TEXT)
    least = {"minLength": 1} if name == "title" else {}
    return {"type": "string", "maxLength": longest, "pattern": LINES if name.endswith("_note") else LINE, **least}
