"""From bytes to a tree of elements: strictly, within limits, and without looking at anything outside of them."""

import re
from dataclasses import dataclass
from email.message import Message as MailHeader

from lxml import etree

from ill_workflow.iso18626.forgiveness import quoted

#: Bytes that a message may have, and elements. What is larger is refused before it is looked at.
LARGEST, MOST_ELEMENTS = 10_000_000, 20_000
#: The encodings in which a message may come, by Python's names for them.
_ENCODINGS = frozenset({
    "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254",
    "koi8-r", "gb18030", "gbk", "gb2312", "big5", "euc-jp", "euc-kr", "shift_jis",
    *(f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
})  # fmt: skip
_OTHER_NAMES = {
    "utf8": "utf-8", "utf16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "us-ascii": "ascii",
    "latin1": "latin-1", "windows-31j": "shift_jis", "x-sjis": "shift_jis", "shift-jis": "shift_jis",
}  # fmt: skip
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_CHUNK = 65536


@dataclass(frozen=True)
class Parsed:
    """The outermost element, and what had to be forgiven to get at it."""

    root: etree._Element
    forgiven: tuple[str, ...]


class Malformed(Exception):
    """No XML, or none that is taken. `root` is as much of it as could be read."""

    def __init__(self, why: str, root: etree._Element | None = None) -> None:
        self.why, self.root = why, root
        super().__init__(why)


def parse(raw: bytes, content_type: str = "") -> Parsed:
    """The tree of a message. Raises Malformed."""
    if len(raw) > LARGEST:
        raise Malformed(f"has more than {LARGEST} bytes")
    if not raw.strip():
        raise Malformed("is empty")
    text, forgiven = _text(raw, content_type)
    # lxml is told the encoding, so that it looks at no declaration.
    return Parsed(_tree(text.encode()), forgiven)


def _tree(utf8: bytes) -> etree._Element:
    parser = etree.XMLPullParser(
        events=("start", "end"), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    root: etree._Element | None = None
    elements, unfinished = 0, None
    trouble: etree.XMLSyntaxError | None = None
    for start in range(0, len(utf8), _CHUNK):
        try:
            parser.feed(utf8[start : start + _CHUNK])
        except etree.XMLSyntaxError as wrong:
            trouble = wrong
        for event, element in parser.read_events():
            if event == "end":
                unfinished = None
                continue
            elements, unfinished = elements + 1, element
            if root is None:
                root = element
                if root.getroottree().docinfo.internalDTD is not None:
                    raise Malformed("has a DOCTYPE, which is not taken")
        if elements > MOST_ELEMENTS:
            raise Malformed(f"has more than {MOST_ELEMENTS} elements", root)
        if trouble is not None:
            break
    try:
        if trouble is None:
            parser.close()
    except etree.XMLSyntaxError as wrong:
        trouble = wrong
    if trouble is not None:
        if unfinished is not None:
            unfinished.text = None  # half an id would be another one
        raise Malformed(f"is no XML: {_said(trouble)}", root)
    if root is None:
        raise Malformed("is no XML: there is no element")
    return root


def _text(raw: bytes, content_type: str) -> tuple[str, tuple[str, ...]]:
    """What the bytes say, by the mark at their beginning, else by their declaration, else by the content type."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return _decoded(raw[len(bom) :], encoding), ()
    if raw[:4] in (b"<\x00?\x00", b"\x00<\x00?") or raw[:2] in (b"<\x00", b"\x00<"):
        return _decoded(raw, "utf-16-le" if raw[0] else "utf-16-be"), ()
    declared, (told, forgiven) = _declared(raw), _told(content_type)
    if declared is not None:
        text, said = _as_declared(raw, declared, told)
        return text, (*forgiven, *said)
    if told is None:
        return _decoded(raw, "utf-8"), forgiven
    try:
        return _decoded(raw, told), ()
    except Malformed:
        text = _decoded(raw, "utf-8")
        return text, (f"charset: is said to be {told}, which it is not; it was read as UTF-8.",)


def _as_declared(raw: bytes, declared: str, told: str | None) -> tuple[str, tuple[str, ...]]:
    encoding = _known(declared)
    if encoding.startswith("utf-16"):
        # Written by a program that had the text in UTF-16 and sent it as something else: it begins in single bytes.
        text = _decoded(raw, "utf-8")
        return text, (f"encoding: is declared as {declared}, which it is not; it was read as UTF-8.",)
    # Nothing is UTF-8 by chance: where the content type says so, and it is, somebody has written it anew on the way.
    first, second = (told, encoding) if told == "utf-8" else (encoding, told)
    try:
        text, read_as = _decoded(raw, first), first
    except Malformed:
        if second in (None, first, "ascii"):
            raise
        text, read_as = _decoded(raw, second), second
    if read_as == encoding or raw.isascii():
        return text, ()
    return text, (f"encoding: is declared as {declared}, which it is not; it was read as {read_as}.",)


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise Malformed(f"is no text in {encoding}: byte {wrong.start + 1} is none of it") from None
    return text.removeprefix("\ufeff").lstrip()


def _declared(raw: bytes) -> str | None:
    found = _DECLARED.match(raw[:300])
    return found[1].decode("ascii") if found else None


def _told(content_type: str) -> tuple[str | None, tuple[str, ...]]:
    """Which encoding the content type names, if it is one that may be; any other tells nothing."""
    header = MailHeader()
    try:
        header["content-type"] = content_type
        charset = header.get_content_charset()
    except (ValueError, TypeError, LookupError, AttributeError):
        return None, ()
    if charset is None:
        return None, ()
    try:
        told = _known(charset)
    except Malformed:
        return None, (f"charset: {quoted(charset)} isn't known; it was passed over.",)
    return (None if told.startswith("utf-16") else told), ()


def _known(name: str) -> str:
    """Python's name of an encoding. Raises Malformed for one that is not taken."""
    plain = name.strip().casefold().replace("_", "-")
    plain = _OTHER_NAMES.get(plain, plain).replace("iso-8859-", "iso8859-").replace("windows-", "cp")
    if plain not in _ENCODINGS:
        raise Malformed(f"is in the encoding {name[:40]!r}, which is not taken")
    return plain


def _said(trouble: etree.XMLSyntaxError) -> str:
    """The parser's own words, which may quote what it read."""
    words = " ".join(str(trouble.msg or "it ends in the middle").replace(", use XML_PARSE_HUGE option", "").split())
    return "".join(sign for sign in words if sign.isprintable())[:200]
