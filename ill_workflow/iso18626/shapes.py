"""What the messages are made of, read off their dataclasses: which parts, in which order, how many of each."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ill_workflow.iso18626.editions import MOVED, Edition, element_of, lacks
from ill_workflow.messages import content as said
from ill_workflow.messages.content import remembered

#: Parts that we say ourselves where nobody does, but that no edition can be without.
_NEEDED = {said.AgencyId: ("agencyIdType",), said.ServiceInfo: ("serviceType",)}


@dataclass(frozen=True)
class Part:
    """One field of a dataclass, and of what kind its values are."""

    name: str
    kind: type[Any]  #: str, int, bool, Decimal, datetime, or a dataclass
    many: bool
    needed: bool  #: what it is part of can't be without it
    nothing: Any  #: what stands there if nothing was said

    @property
    def holds_parts(self) -> bool:
        return is_dataclass(self.kind)


@remembered
def parts_of(kind: type[Any]) -> tuple[Part, ...]:
    """The parts of a dataclass in their order, which is the standard's."""
    hints = get_type_hints(kind)
    return tuple(_part(kind, field, hints[field.name]) for field in fields(kind))


@remembered
def order_of(kind: type[Any], edition: Edition, message: type[Any]) -> tuple[tuple[str, Part], ...]:
    """The elements of an edition in their order, each with the part that it holds."""
    return tuple(_in_order(kind, edition, message))


def _part(kind: type[Any], field: Any, hint: Any) -> Part:
    nothing = field.default if field.default is not MISSING else None
    if field.default_factory is not MISSING:
        nothing = field.default_factory()
    needed = (field.default is MISSING and field.default_factory is MISSING) or field.name in _NEEDED.get(kind, ())
    if get_origin(hint) in (Union, UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    many = get_origin(hint) is tuple
    return Part(field.name, get_args(hint)[0] if many else hint, many, needed, nothing)


def _in_order(kind: type[Any], edition: Edition, message: type[Any]) -> Iterator[tuple[str, Part]]:
    there = [
        (element_of(kind, part.name, edition), part)
        for part in parts_of(kind)
        if not lacks(kind, part.name, edition, message)
    ]
    # The one element whose parts the two editions have in another order.
    yield from reversed(there) if kind is said.ItemId and edition is Edition.Y2017 else there
    if kind is said.MessageInfo and edition is Edition.Y2017:
        retry = {part.name: part for part in parts_of(said.RetryInfo)}
        yield from ((name, retry[name]) for name in MOVED)
