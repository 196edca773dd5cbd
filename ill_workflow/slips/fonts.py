"""The letters that slips are written in: which font has which, and how wide each is."""

import hashlib
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from io import BytesIO
from threading import Lock
from types import ModuleType

import fontpkg_heebo
import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import fontpkg_noto_sans_devanagari
import fontpkg_noto_sans_thai
import uharfbuzz
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument
from reportlab.pdfbase.ttfonts import SUBSETN, TTFont

LATIN = "NotoSans"  #: Latin, Greek and Cyrillic
ARABIC, HEBREW, DEVANAGARI, THAI = "NotoSansArabic", "Heebo", "NotoSansDevanagari", "NotoSansThai"
HAN = "NotoSansCJK"  #: Chinese, Japanese, Korean; drawn from a font of its own for each document
FILES: dict[str, tuple[ModuleType, str]] = {
    LATIN: (fontpkg_noto_sans, "NotoSans[wdth,wght].ttf"),
    ARABIC: (fontpkg_noto_sans_arabic, "NotoSansArabic[wdth,wght].ttf"),
    HEBREW: (fontpkg_heebo, "Heebo[wght].ttf"),
    DEVANAGARI: (fontpkg_noto_sans_devanagari, "NotoSansDevanagari[wdth,wght].ttf"),
    THAI: (fontpkg_noto_sans_thai, "NotoSansThai[wdth,wght].ttf"),
}
#: Noto Sans has some letters of other scripts too; in a font of their own they join.
OWN = (
    ("\u0590", "\u05ff", HEBREW), ("\ufb1d", "\ufb4f", HEBREW), ("\u0600", "\u08ff", ARABIC),
    ("\ufb50", "\ufdff", ARABIC), ("\ufe70", "\ufefc", ARABIC), ("\u0900", "\u097f", DEVANAGARI),
    ("\u1cd0", "\u1cff", DEVANAGARI), ("\ua8e0", "\ua8ff", DEVANAGARI), ("\u0e00", "\u0e7f", THAI),
)  # fmt: skip
PRIVATE = 0xF0000  #: where glyphs stand that are no character by themselves: joined, stacked, turned
SIGNS = 50_000  #: private characters of one font; nobody's catalogue has as many clusters
KEPT = 128  #: fonts of Chinese characters that are remembered

_han_fonts: "OrderedDict[tuple[str, ...], Font]" = OrderedDict()
_lock = Lock()


class Font(TTFont):  # type: ignore[misc]
    """A font of which the reader of a file gets the letters back, also those that were drawn joined or stacked."""

    def __init__(self, name: str, file: str | BytesIO, meanings: Mapping[int, str] | None = None) -> None:
        super().__init__(name, file, asciiReadable=meanings is None)
        self.meanings = dict(meanings or {})  #: what private characters are read as
        self.signs: dict[tuple[int, str], str] = {}  #: the private character of a glyph and its meaning

    def addObjects(self, document: PDFDocument) -> None:
        subsets = [list(subset) for subset in self.state[document].subsets]
        super().addObjects(document)
        for number, subset in enumerate(subsets):
            name = (b"".join((SUBSETN(number), b"+", self.face.name, self.face.subfontNameX))).decode("pdfdoc")
            document.idToObject[f"toUnicodeCMap:{name}"].content = self._reading(name, subset)

    def _reading(self, name: str, subset: Sequence[int]) -> str:
        """A ToUnicode table (PDF 32000-1, 9.10.3); reportlab's own knows the characters of the first plane only."""
        rows = []
        for code, character in enumerate(subset):
            if character in self.meanings or character > 0xFFFF:
                meaning = self.meanings.get(character, chr(character))
                if meaning:
                    rows.append(f"<{code:02X}> <{meaning.encode('utf-16-be').hex().upper()}>")
            else:
                rows.append(f"<{code:02X}> <{character:04X}>")
        return "\n".join(
            (
                "/CIDInit /ProcSet findresource begin", "12 dict begin", "begincmap",
                f"/CIDSystemInfo << /Registry ({name}) /Ordering ({name}) /Supplement 0 >> def",
                f"/CMapName /{name} def", "/CMapType 2 def",
                "1 begincodespacerange", f"<00> <{len(subset) - 1:02X}>", "endcodespacerange",
                *(line for start in range(0, len(rows), 100) for line in _section(rows[start : start + 100])),
                "endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end",
            )
        )  # fmt: skip


def _section(rows: Sequence[str]) -> Sequence[str]:
    return (f"{len(rows)} beginbfchar", *rows, "endbfchar")


@lru_cache(1 << 16)
def face_of(character: str) -> str | None:
    """The font that has a character, by name; none if no font has, or nobody knows which way it is read."""
    if unicodedata.category(character) in {"Co", "Cn", "Cs"}:
        return None
    for first, last, name in OWN:
        if first <= character <= last and has(name, character):
            return name
    for name in FILES:
        if has(name, character):
            return name
    # Most slips hold nothing of this, and shall not wait for it.
    from ill_workflow.slips import han

    return HAN if han.has(character) else None


def has(name: str, character: str) -> bool:
    # Private characters are ours: see `sign_for`.
    return ord(character) < PRIVATE and bool(load(name).face.charToGlyph.get(ord(character)))


@lru_cache(1 << 16)
def advance_of(character: str) -> float:
    """How far a character by itself moves the pen, in thousandths of the font size."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    name = face_of(character)
    if name is None:
        return 0.0
    if name == HAN:
        from ill_workflow.slips import han

        return han.advance_of(character)
    return float(load(name).face.charWidths[ord(character)])


@cache
def load(name: str) -> Font:
    """One of the installed fonts in its regular weight."""
    package, file = FILES[name]
    font = Font(name, str(package.ROOT / "files" / file))
    pdfmetrics.registerFont(font)
    return font


@cache
def shaper(name: str) -> uharfbuzz.Font:
    return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(load(name).face._ttf_data)))


def sign_for(name: str, glyph: int, meaning: str) -> str:
    """The character by which a glyph is drawn: what it means, or a private one that is read as what it means."""
    font = load(name)
    face = font.face
    if len(meaning) == 1 and face.charToGlyph.get(ord(meaning)) == glyph:
        return meaning
    with _lock:
        if len(font.signs) >= SIGNS:
            meaning = ""
        if (sign := font.signs.get((glyph, meaning))) is None:
            sign = font.signs[glyph, meaning] = chr(PRIVATE + len(font.signs))
            face.charToGlyph[ord(sign)] = glyph
            face.charWidths[ord(sign)] = face.hmetrics[glyph][0]
            font.meanings[ord(sign)] = meaning
    return sign


def han_font(characters: Iterable[str]) -> Font | None:
    """A font of these Chinese, Japanese and Korean characters, under a name that is always the same for them."""
    wanted = tuple(sorted(set(characters)))
    if not wanted:
        return None
    with _lock:
        if found := _han_fonts.get(wanted):
            _han_fonts.move_to_end(wanted)
            return found
        made = _han_fonts[wanted] = _made(wanted)
        if len(_han_fonts) > KEPT:
            _, oldest = _han_fonts.popitem(last=False)
            oldest.unregister()
    return made


def _made(wanted: Sequence[str]) -> Font:
    from ill_workflow.slips import han

    name = f"{HAN}-{hashlib.sha256(''.join(wanted).encode()).hexdigest()[:12]}"
    font = Font(name, BytesIO(han.outlines(name, wanted)), {})
    pdfmetrics.registerFont(font)
    return font
