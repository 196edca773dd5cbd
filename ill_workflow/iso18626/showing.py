"""A message as it was kept, for people to read: set in line by line, and in a few words."""

import re
from html import unescape

from lxml import etree

_DECLARATION = re.compile(r"^\s*<\?xml[^<>]{0,200}\?>\s*")
#: The parts of a message by which it is named: the first is what it is, the others say more.
_NAMED_BY = {
    "request": ("requestType",),
    "supplyingAgencyMessage": ("reasonForMessage", "status"),
    "requestingAgencyMessage": ("action",),
}
_LONGEST = 80


def pretty(text: str) -> str:
    """The same XML with a line for each element; what is no XML stays as it is."""
    root = _root(text)
    if root is None:
        return text
    etree.indent(root)
    declared = _DECLARATION.match(text)
    return (declared.group().strip() + "\n" if declared else "") + str(etree.tostring(root, encoding="unicode"))


def in_a_word(text: str) -> str:
    """What a message is, in the words of the standard: `Cancel`, `Request New`, `StatusChange Loaned`; or nothing."""
    for name, parts in _NAMED_BY.items():
        if re.search(rf"<(?:[\w.-]+:)?{name}[\s>]", text):
            said = [_first(text, part) for part in parts]
            words = ["Request", *said] if name == "request" else said
            return " ".join(word for word in words if word)[:_LONGEST]
    return ""


def verdict(text: str) -> tuple[str, str]:
    """Of a confirmation: OK or ERROR, and the typed error. Both are empty where it is none."""
    kind, value = _first(text, "errorType"), _first(text, "errorValue")
    return _first(text, "messageStatus").upper(), ": ".join(part for part in (kind, value) if part)


def _first(text: str, name: str) -> str:
    """What the first element of a name says. For people only: a text that was cut says something, too."""
    found = re.search(rf"<(?:[\w.-]+:)?{name}(?:\s[^<>]*)?>([^<>]*)<", text)
    return unescape(found[1]).strip()[:500] if found else ""


def _root(text: str) -> etree._Element | None:
    strict = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=True
    )
    try:
        # As bytes without its declaration: the text is decoded already.
        return etree.fromstring(_DECLARATION.sub("", text, count=1).encode("utf-8", "replace"), strict)
    except (etree.XMLSyntaxError, ValueError):
        return None
