"""What may be kept of a message that went over the wire: its text without secrets and without patrons."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterable, Iterator

from lxml import etree

HIDDEN = "•••"
NAMESPACE = "http://illtransactions.org/2013/iso18626"
#: Bytes of a message that are looked at; what follows is not kept.
LOOKED_AT = 256 * 1024
_SHORTEST_SECRET = 5
#: Security codes of one message. Of what shows more, to try our patience, nothing is kept.
MOST_CODES = 20

#: Elements that are hidden with all that is in them. Those of a patron are known wherever they stand.
_SECRETS = (
    "requestingAgencyAuthentication", "securityCode", "accountId", "patronInfo", "patronId", "surname", "givenName",
    "patronType",
)  # fmt: skip
_CORES = {name.lower(): name for name in _SECRETS}
_ANY_CORE, _NO_LETTER = re.compile("|".join(_CORES)), re.compile("[^a-z]")
#: Hidden elements in which the names of others may still be seen.
_FRAMES = {
    "requestingAgencyAuthentication": {"securityCode", "accountId"},
    "patronInfo": {
        "patronId", "surname", "givenName", "patronType", "sendToPatron", "address", "electronicAddress",
        "electronicAddressType", "electronicAddressData", "physicalAddress", "line1", "line2", "locality", "postalCode",
        "region", "country",
    },
}  # fmt: skip

# Words of a name may stand apart: `security-code`, `patron_info`.
_NAME = "|".join(re.sub(r"(?<=[a-z])(?=[A-Z])", r"[\\W_]?", name) for name in _SECRETS)
_LESS = r"(?:<|&lt;|&#0*60;|&#x0*3c;|%3c|\\u003c)"
_SLASH = r"(?:/|%2f|\\/|&#0*47;|&#x0*2f;)"
_CLOSE = rf"{_LESS}\s*{_SLASH}\s*(?:[\w.-]+:)?(?:{_NAME})"
_EMPTY = rf"{_LESS}\s*(?:[\w.-]+:)?(?:{_NAME})\s*/>"
#: In text that could not be read as XML, each mention of a name counts.
_MENTIONED = re.compile(rf"(?P<empty>{_EMPTY})|(?P<close>{_CLOSE})|(?:{_NAME})", re.IGNORECASE)
#: In the text of an element only what looks as though a value followed.
_TOLD = re.compile(
    rf"(?P<empty>{_EMPTY})|(?P<close>{_CLOSE})|{_LESS}\s*(?:[\w.-]+:)?(?:{_NAME})|(?:{_NAME})[\"'\s]*[=:]",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(authorization[\"'\s]*[:=][\"'\s]*\w+\s+|bearer\s+(?=\S{16}))[^\s\"'<]+", re.IGNORECASE)
_PACKED = re.compile(r"[\w+/-]{16,}(?:\s+[\w+/-]{16,})*(?:\s+[\w+/-]+)?={0,2}", re.ASCII)
# Nothing in it is tried a second time: blanks without end would take days.
_CODE = re.compile(r"security[\W_]?code[^<>]{0,200}+>([^<]{5,600}+)<", re.IGNORECASE)
_DECLARED = re.compile(
    rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']((?:iso-?8859|latin|windows-|cp|koi8|gb|big5|euc|shift|mac)[\w.-]{0,20})[\"']",
    re.IGNORECASE,
)
_DECLARATION = re.compile(r"^\s*<\?xml[^<>]{0,200}\?>\s*")
_ASIDE = re.compile(r"<!--.*?(?:-->|$)|<\?(?!xml\s).*?(?:\?>|$)", re.DOTALL)
_UNKEEPABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_DOCTYPE = re.compile(r"<\s*!\s*(?:doctype|entity)", re.IGNORECASE)
_BYTE_ORDER = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def mask(raw: bytes | str) -> str:
    """The text of a message in which security codes, accounts and patrons are hidden; any input has one.

    What can't be read as XML is hidden by the names that are mentioned: rather too much than too little.
    """
    given = raw.encode("utf-8", "replace") if isinstance(raw, str) else raw
    root = _parsed(given) if len(given) <= LOOKED_AT else None
    text = raw[:LOOKED_AT] if isinstance(raw, str) else _text_of(given[:LOOKED_AT])
    if root is None or _DOCTYPE.search(text):
        return _storable(_by_pattern(text))
    declared = _DECLARATION.match(text)
    return _storable((declared.group() if declared else "") + _masked(root))


def _storable(text: str) -> str:
    """Without what a database can't keep as text."""
    return _UNKEEPABLE.sub("�", text).encode("utf-8", "replace").decode()


def _parsed(given: bytes) -> etree._Element | None:
    strict = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(given, strict)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None
    addresses = {uri for element in root.iter("*") for uri in element.nsmap.values()}
    return None if any(_MENTIONED.search(uri) for uri in addresses) else root


def _text_of(given: bytes) -> str:
    """As text, in the encoding that it declares or seems to have."""
    for beginning, encoding in _BYTE_ORDER:
        if given.startswith(beginning):
            return given.decode(encoding, "replace").replace("\0", "")
    # Two or four bytes a letter, and nothing that says so: what is left are the letters.
    plain = given.replace(b"\0", b"").decode("utf-8", "replace")
    if declared := _DECLARED.match(given):
        try:
            text = given.decode(declared.group(1).decode("ascii"), "replace").replace("\0", "")
        except (LookupError, UnicodeError):
            return plain
        # One that says what it isn't is not believed: names would be hidden from us.
        return text if _MENTIONED.search(text) or not _MENTIONED.search(plain) else plain
    return plain


def _masked(root: etree._Element) -> str:
    codes = _long_enough(_codes(root))
    if len(codes) > MOST_CODES:
        return HIDDEN
    if core := _core(_local(root)):
        return f"<{core}>{HIDDEN}</{core}>"
    for element in _open_elements(root):
        _mask_element(element, codes)
    return str(etree.tostring(root, encoding="unicode", with_tail=False))


def _long_enough(codes: Iterable[str]) -> set[str]:
    return {code for code in map(str.strip, codes) if len(code) >= _SHORTEST_SECRET}


def _codes(root: etree._Element) -> Iterator[str]:
    """The security codes in it: where one is said again, in a note or by mistake, it is hidden there, too."""
    for element in root.iter("*"):
        if _core(_local(element)) == "securityCode":
            yield from map(str, element.itertext())
        yield from (str(v) for name, v in element.attrib.items() if _core(str(name)) == "securityCode")


def _open_elements(root: etree._Element) -> Iterator[etree._Element]:
    """All that stays as it is, in which the hidden ones have been replaced."""
    to_see = [root]
    while to_see:
        element = to_see.pop()
        for child in list(element):
            if not isinstance(child.tag, str):
                _replace(element, child, etree.Comment(HIDDEN))
            elif core := _core(_local(child)):
                _replace(element, child, _frame(element, child, core))
            else:
                to_see.append(child)
        yield element


def _core(name: str) -> str | None:
    """The name of the standard that hides an element or attribute, if one does."""
    low = name.lower()
    letters = low if low.isalpha() and low.isascii() else _NO_LETTER.sub("", low)
    if not _ANY_CORE.search(letters):
        return None
    return next((core for low, core in _CORES.items() if low in letters), None)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _replace(parent: etree._Element, old: etree._Element, new: etree._Element) -> None:
    new.tail = old.tail
    parent.replace(old, new)


def _frame(parent: etree._Element, child: etree._Element, core: str) -> etree._Element:
    """The element anew, without its attributes and namespaces; of those in it only names of the standard."""
    namespace = NAMESPACE if str(child.tag).startswith("{" + NAMESPACE) else ""
    names = _FRAMES.get(core)

    def made(name: str) -> etree._Element:
        return parent.makeelement(f"{{{namespace}}}{name}" if namespace else name, nsmap=parent.nsmap)

    frame = made(core)
    inner = [_local(e) for e in child.iter("*") if e is not child and len(e) == 0] if names else []
    known = [name for name in inner if names and name in names]
    if not known:
        frame.text = HIDDEN if len(child) or (child.text or "").strip() or child.attrib else None
    for name in known:
        leaf = made(name)
        leaf.text = HIDDEN
        frame.append(leaf)
    return frame


def _mask_element(element: etree._Element, codes: set[str]) -> None:
    element.text = _mask_text(element.text, codes)
    for name, value in list(element.attrib.items()):
        hidden = _core(str(name).rpartition("}")[2])
        element.set(name, HIDDEN if hidden else _mask_text(str(value), codes) or "")
    for child in element:
        child.tail = _mask_text(child.tail, codes)


def _mask_text(text: str | None, codes: set[str]) -> str | None:
    if text is None or not text.strip():
        return text
    for code in codes:
        text = text.replace(code, HIDDEN)
    return _hide_named(_unpacked(_BEARER.sub(rf"\1{HIDDEN}", text)), _TOLD)


def _by_pattern(text: str) -> str:
    """What declares entities could hide anything in them: what follows is not shown."""
    doctype = _DOCTYPE.search(text)
    codes = _long_enough(found[1] for found in _CODE.finditer(text))
    if len(codes) > MOST_CODES:
        return HIDDEN
    shown = _ASIDE.sub(f"<!--{HIDDEN}-->", text[: doctype.end()] + HIDDEN if doctype else text)
    shown = _hide_named(_unpacked(_BEARER.sub(rf"\1{HIDDEN}", shown)), _MENTIONED)
    for code in codes:
        shown = shown.replace(code, HIDDEN)
        begun = next((n for n in range(len(code), 2, -1) if shown.endswith(code[:n])), 0)
        shown = shown[: len(shown) - begun] + HIDDEN * bool(begun)
    return shown


def _hide_named(text: str, names: re.Pattern[str]) -> str:
    """Hide from the mention of a name to its end; where it has none to the end of all, where no beginning before it."""
    shown, at, depth = list[str](), 0, 0
    for found in names.finditer(text):
        if found["empty"]:
            continue
        if found["close"]:
            if depth == 0:  # its beginning was lost: what stood in it may be anything before
                shown.clear()
                shown.append(HIDDEN)
            depth = max(0, depth - 1)
            at = found.start() if depth == 0 else at
            continue
        if depth == 0:
            shown.append(text[at : found.end()] + HIDDEN)
        depth += 1
    return "".join(shown) + (text[at:] if depth == 0 else "")


def _unpacked(text: str) -> str:
    """Without what is packed in base64 and names a secret when it is unpacked."""
    return _PACKED.sub(lambda run: HIDDEN if _holds_a_name(run.group()) else run.group(), text)


def _holds_a_name(packed: str) -> bool:
    plain = re.sub(r"[\s=]", "", packed).translate(str.maketrans("-_", "+/"))
    for start in range(4):
        whole = plain[start : start + (len(plain) - start) // 4 * 4]
        try:
            content = base64.b64decode(whole).replace(b"\0", b"").decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue
        if _MENTIONED.search(content):
            return True
    return False
