"""A message as the log keeps it: in JSON, without what wasn't said and what is kept apart; and read again."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ill_workflow.messages.content import (
    AgencyId,
    BibliographicInfo,
    Message,
    PhysicalAddress,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    remembered,
)

T = TypeVar("T")


def to_dict(message: Any) -> dict[str, Any]:
    """The message as JSON can keep it; without what wasn't said, and what is kept apart."""
    said = {name: _plain(getattr(message, name)) for name in _names_kept(type(message))}
    return {name: value for name, value in said.items() if value not in (None, "", [])}


@remembered
def _names_kept(kind: type[Any]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind) if not f.metadata.get("apart"))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def from_dict(kind: type[T], given: Mapping[str, Any]) -> T:
    """Read what `to_dict` wrote, now or in an earlier release."""
    hints = _hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in _renamed(kind, given).items() if name in hints})


@remembered
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(kind)


def read_kept(given: Mapping[str, Any]) -> Message:
    """A message as it was written down: which of the three it is, its parts say."""
    if "bibliographicInfo" in given:
        return from_dict(Request, given)
    if "messageInfo" in given:
        return from_dict(SupplyingAgencyMessage, given)
    return from_dict(RequestingAgencyMessage, given)


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        hint = next(h for h in get_args(hint) if h is not type(None))
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], one) for one in ([value] if isinstance(value, str) else value))
    if hint is AgencyId and isinstance(value, str):
        return AgencyId(agencyIdValue=value)
    if hint is PhysicalAddress and isinstance(value, str):
        return PhysicalAddress(line1=value)
    if is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    return Decimal(value) if hint is Decimal else value


def _renamed(kind: type[Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Numbers of items had fields of their own in the first release."""
    if kind is not BibliographicInfo or not ({"isbn", "issn"} & set(given)):
        return given
    numbers = [{"code": name.upper(), "value": given[name]} for name in ("isbn", "issn") if given.get(name)]
    return {**given, "bibliographicItemId": [*given.get("bibliographicItemId", []), *numbers]}
