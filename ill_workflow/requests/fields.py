"""What people and systems type, read as the values that a row or a request needs, or refused by name."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from stdnum import isbn as isbn_number
from stdnum import issn as issn_number
from stdnum.exceptions import ValidationError

from ill_workflow import typed
from ill_workflow.errors import BadInput
from ill_workflow.typed import as_money
from state_machines.changes import EDITABLE
from state_machines.declaration import Action, Input

LONGEST = {
    "title": 1000, "author": 500, "article_title": 1000, "publisher": 300, "year": 16, "volume": 64, "pages": 64,
    "isbn": 32, "issn": 32, "item_barcode": 64, "call_number": 200, "location": 200,
}  # fmt: skip
LONGEST_TEXT, LONGEST_CODE, MOST_VALUES = 2000, 64, 100
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)

#: What people call the fields that may be edited, in the order in which forms ask for them.
LABELS = {
    "title": "Title", "author": "Author", "article_title": "Article", "volume": "Volume", "pages": "Pages",
    "year": "Year", "publisher": "Publisher", "isbn": "ISBN", "issn": "ISSN", "need_by": "Needed by",
    "call_number": "Call number", "location": "Location", "item_barcode": "Item barcode",
    "patron_note": "Note for the patron", "internal_note": "Internal note",
}  # fmt: skip

#: The name under which a copy is kept (see `ill_workflow.copies`).
_KEPT_COPY = re.compile(r"[0-9a-f]{32}\.(pdf|tif|jpg|png)")


def read_inputs(action: Action, given: Mapping[str, Any], today: date, *, by_partner: bool = False) -> dict[str, Any]:
    """The inputs of a row as typed values. Raises BadInput naming the field that is missing, wrong or not asked for.

    People may not name a day in the past where a day to come is meant; what a partner says stands.
    """
    if not isinstance(given, Mapping):
        raise BadInput("Inputs are names with their values.", field="inputs")
    known = {need.name: need for need in action.needs}
    for name in given:
        if name not in known:
            asked = f"It asks for: {', '.join(known)}." if known else "It asks for nothing."
            raise BadInput(f"{action.label} knows no field {name!r}. {asked}", field=str(name)[:LONGEST_CODE])
    found: dict[str, Any] = {}
    for need in action.needs:
        value = given.get(need.name)
        if value is None or value == "" or value == []:
            if need.required:
                raise BadInput(_wanted(action, need), field=need.name)
            continue
        found[need.name] = _read(need, value, None if by_partner else today)
        if need.required and need.type == "flag" and not found[need.name]:
            raise BadInput(_wanted(action, need), field=need.name)
    return found


def read_fields(given: Mapping[str, Any], today: date | None = None) -> dict[str, Any]:
    """Bibliographic and other fields of a request, checked and normalised. Raises BadInput naming the field.

    With `today` a need-by date may not lie in the past.
    """
    if not isinstance(given, Mapping):
        raise BadInput("Fields are names with their values.", field="fields")
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in EDITABLE:
            raise BadInput(f"There is no field {name!r} to fill in.", field=str(name)[:LONGEST_CODE])
        if name == "need_by":
            found[name] = None if value in (None, "") else as_date(name, value)
            if today and found[name] and found[name] < today:
                raise BadInput(f"The need-by date {found[name]} lies in the past.", field="need_by")
        else:
            found[name] = as_text(name, value or "", LONGEST.get(name, LONGEST_TEXT), lines=name.endswith("_note"))
    if "title" in found and not found["title"]:
        raise BadInput("A request needs a title.", field="title")
    if found.get("isbn"):
        found["isbn"] = as_isbn(found["isbn"])
    if found.get("issn"):
        found["issn"] = as_issn(found["issn"])
    return found


def as_isbn(value: str) -> str:
    """An ISBN of 13 digits. Raises BadInput where its check digit is wrong."""
    try:
        return str(isbn_number.validate(value, convert=True))
    except ValidationError:
        raise BadInput(f"{value!r} is not an ISBN: its check digit or its length is wrong.", field="isbn") from None


def as_issn(value: str) -> str:
    try:
        return str(issn_number.format(issn_number.validate(value)))
    except ValidationError:
        raise BadInput(f"{value!r} is not an ISSN: its check digit or its length is wrong.", field="issn") from None


def as_text(name: str, value: Any, longest: int = LONGEST_TEXT, *, lines: bool = False) -> str:
    """A text without control characters; line ends only where it may have `lines`."""
    if not isinstance(value, str):
        raise BadInput(f"{name} is a text.", field=name)
    if len(value) > longest:
        raise BadInput(f"{name} has {len(value)} characters; {longest} are the most.", field=name)
    if any(
        (sign < " " and not (lines and sign in "\r\n")) or sign == "\x7f" or "\ud800" <= sign <= "\udfff"
        for sign in value
    ):
        raise BadInput(f"{name} contains a control character.", field=name)
    return value.replace("\r\n", "\n").strip()


def as_date(name: str, value: Any) -> date:
    try:
        day = value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)
    except (ValueError, TypeError):
        raise BadInput(f"{name} is a day, written like 2026-03-01.", field=name) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise BadInput(f"{name} is a day between {FIRST_DAY} and {LAST_DAY}.", field=name)
    return day


def as_json(value: Any) -> Any:
    """The same values as JSON can keep them; `from_json` reads them back."""
    match value:
        case Decimal():
            return {"amount": str(value)}
        case datetime():
            return {"at": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case Mapping():
            return {str(k): as_json(v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [as_json(v) for v in value]
        case _:
            return value


def from_json(value: Any) -> Any:
    match value:
        case {"amount": str(amount)} if len(value) == 1:
            return Decimal(amount)
        case {"at": str(at)} if len(value) == 1:
            return datetime.fromisoformat(at)
        case {"day": str(day)} if len(value) == 1:
            return date.fromisoformat(day)
        case dict():
            return {k: from_json(v) for k, v in value.items()}
        case list():
            return [from_json(v) for v in value]
        case _:
            return value


def _wanted(action: Action, need: Input) -> str:
    return f"{action.label} needs: {need.label}{f' ({need.hint})' if need.hint else ''}."


def _read(need: Input, value: Any, today: date | None) -> Any:
    match need.type:
        case "date":
            day = as_date(need.name, value)
            if need.future and today and day < today:
                raise BadInput(f"{need.label} {day} lies in the past.", field=need.name)
            return day
        case "money":
            return as_money(need.name, value)
        case "integer":
            try:
                return int(value)
            except (ValueError, TypeError):
                raise BadInput(f"{need.label} is a whole number.", field=need.name) from None
        case "count":
            if not re.fullmatch("0*[1-9][0-9]?", str(value).strip()):
                raise BadInput(f"{need.label} is a whole number from 1 to 99.", field=need.name)
            return int(value)
        case "flag":
            return _flag(need, value)
        case "currency":
            currency = as_text(need.name, value).upper()
            typed.check({"currency": currency})
            return currency
        case "code":
            return as_text(need.name, value, min(need.longest, LONGEST_CODE))
        case "copy":
            if not _KEPT_COPY.fullmatch(as_text(need.name, value)):
                raise BadInput("Hand the file over: name one that is kept here already.", field=need.name)
            return value
        case "texts" | "barcodes":
            return _several(need, value)
        case "fields":
            if not isinstance(value, Mapping):
                raise BadInput(f"{need.label} are fields with their values.", field=need.name)
            return read_fields(value, today)
        case _:
            text = as_text(need.name, value, need.longest, lines=need.type == "lines")
            if need.choices and text not in need.choices:
                raise BadInput(f"{text!r} is not possible. Choose {', '.join(need.choices)}.", field=need.name)
            return text


def _flag(need: Input, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("yes", "true", "1", "on"):
        return True
    if str(value).lower() in ("no", "false", "0", "off"):
        return False
    raise BadInput(f"{need.label} is yes or no.", field=need.name)


def _several(need: Input, value: Any) -> list[str]:
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or len(values) > MOST_VALUES:
        raise BadInput(f"{need.label} are up to {MOST_VALUES} values.", field=need.name)
    read = [as_text(need.name, v, need.longest) for v in values]
    return list(dict.fromkeys(v for v in read if v))
