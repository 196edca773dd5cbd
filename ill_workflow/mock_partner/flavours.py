"""How messages of some systems look: their marks, their ids, and what they write that no schema allows."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from lxml import etree

from ill_workflow.messages.content import Message, SupplyingAgencyMessage
from ill_workflow.messages.content import Request as WireRequest

#: What some systems put behind an id.
SUFFIX = "~1"

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_TIMES = ("timestamp", "lastChange", "dateSent", "timestampReceived")
#: Ways of writing a time, in turn: day, time of day.
_ODD = ("{0}T{1}+0000", "{0} {1}", "{0}T{1}", "{0}T{1}.123456789Z")


def has_suffix(flavours: Collection[str]) -> bool:
    return bool({"suffix", "reshare"} & set(flavours))


def marked(message: Message, flavours: Collection[str], number: int) -> Message:
    """The message with the marks and the ids of a vendor; `number` is its place in the conversation."""
    if isinstance(message, SupplyingAgencyMessage) and has_suffix(flavours):
        wire_id = f"{message.header.requestingAgencyRequestId}{SUFFIX}"
        message = replace(message, header=replace(message.header, requestingAgencyRequestId=wire_id))
    if "reshare" not in flavours:
        return message
    mark = f"#seq:{number}#"
    if isinstance(message, WireRequest):
        note = f"{message.serviceInfo.note}{mark}"
        return replace(message, serviceInfo=replace(message.serviceInfo, note=note))
    if isinstance(message, SupplyingAgencyMessage):
        return replace(message, messageInfo=replace(message.messageInfo, note=f"{message.messageInfo.note}{mark}"))
    return replace(message, note=f"{message.note}{mark}")


def disguised(raw: bytes, flavours: Collection[str], number: int) -> bytes:
    """The XML as such a system would write it."""
    if not {"bare", "shuffled", "odd-times", "year-one", "reshare"} & set(flavours):
        return raw
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    if "shuffled" in flavours:
        _shuffle(root)
    for element in root.iter(etree.Element):
        if etree.QName(element).localname in _TIMES and element.text:
            element.text = _time(element.text, flavours, number)
    if "reshare" in flavours:
        _bare_version(root)
    if "bare" in flavours:
        root = _bare(root)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _shuffle(root: etree._Element) -> None:
    """The parts of the message, and those of its header, in the opposite order."""
    for message in root:
        header = next((part for part in message if etree.QName(part).localname == "header"), None)
        for parent in (message, header):
            if parent is not None:
                parent[:] = list(reversed(parent))


def _time(text: str, flavours: Collection[str], number: int) -> str:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return text
    if "year-one" in flavours:
        return "0001-01-01T00:00:00.000Z"
    if "odd-times" in flavours:
        return _ODD[number % len(_ODD)].format(found[1], _in_utc(text, found[2]))
    return text


def _in_utc(text: str, otherwise: str) -> str:
    at = datetime.fromisoformat(text.strip())
    return otherwise if at.tzinfo is None else at.astimezone(UTC).strftime("%H:%M:%S")


def _bare_version(root: etree._Element) -> None:
    for name in list(root.attrib):
        if etree.QName(name).localname == "version":
            root.set("version", root.attrib.pop(name))


def _bare(root: etree._Element) -> etree._Element:
    inner = root[0] if etree.QName(root).localname == "ISO18626Message" else root
    return _without_namespace(inner)


def _without_namespace(element: etree._Element) -> etree._Element:
    bare = etree.Element(etree.QName(element).localname)
    bare.text = element.text
    for name, value in element.attrib.items():
        bare.set(etree.QName(name).localname, value)
    bare.extend(_without_namespace(child) for child in element.iterchildren(etree.Element))
    return bare
