"""Writes a message so that it is valid in the edition of whoever gets it, whatever is in it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from ill_workflow.iso18626.editions import MESSAGES, MOVED, NAMESPACE, VERSIONS, Edition
from ill_workflow.iso18626.shapes import Part, order_of
from ill_workflow.iso18626.values import decimal_as_text, time_as_text
from ill_workflow.iso18626.wording import as_written
from ill_workflow.messages import content as said
from ill_workflow.messages.content import Message, WireConfirmation

#: Elements that have to be there, even if nothing is in them.
_ALWAYS = frozenset({"serviceInfo", "bibliographicInfo", "multipleItemRequestId"})
_NAMES = {kind: name for name, kind in MESSAGES.items()}
#: Both prefixes, so that elements need none and attributes, which are qualified, have one.
_PREFIXES = {None: NAMESPACE, "ill": NAMESPACE}


def write(message: Message | WireConfirmation, edition: Edition) -> bytes:
    """The message as XML. Raises BadInput where it uses a word that is in no list of the standard.

    What the edition can't say stands in the note, in words, or is left out: `wording.as_written` decides.
    """
    said_so = as_written(message, edition)
    root = etree.Element(f"{{{NAMESPACE}}}ISO18626Message", nsmap=_PREFIXES)
    root.set(f"{{{NAMESPACE}}}version", VERSIONS[edition])
    _write_parts(_under(root, _NAMES[type(message)]), said_so, edition, type(message), said_so)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _write_parts(element: etree._Element, whole: Any, edition: Edition, message: type[Any], top: Any) -> None:
    for name, part in order_of(type(whole), edition, message):
        holder = whole
        if isinstance(whole, said.MessageInfo) and name in MOVED:
            holder = top.retryInfo
        value = getattr(holder, part.name) if holder is not None else None
        for one in value if part.many and value is not None else (value,):
            if _is_said(part, one, edition, message):
                _write_one(_under(element, name), part, one, edition, message, top)


def _is_said(part: Part, value: Any, edition: Edition, message: type[Any]) -> bool:
    if (
        part.name == "multipleItemRequestId"
    ):  # in 2017 every header has one; in a confirmation, or in 2021, nobody needs it
        return bool(value) or (edition is Edition.Y2017 and message in _WITH_HEADER)
    if part.name == "supplyingAgencyId" and message is said.Request and edition is Edition.Y2021:
        return value is not None and bool(value.agencyIdValue)
    if value is None:
        return False
    if part.holds_parts and part.name not in _ALWAYS and not part.needed:
        return value != part.kind() if part.name == "publicationInfo" else True
    return part.needed or value != ""


_WITH_HEADER = frozenset({said.Request, said.SupplyingAgencyMessage, said.RequestingAgencyMessage})


def _write_one(
    element: etree._Element, part: Part, value: Any, edition: Edition, message: type[Any], top: Any
) -> None:  # fmt: skip
    if part.holds_parts:
        _write_parts(element, value, edition, message, top)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, datetime):
        element.text = time_as_text(value)
    elif isinstance(value, Decimal):
        element.text = decimal_as_text(value)
    else:
        element.text = str(value)


def _under(element: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(element, f"{{{NAMESPACE}}}{name}")
