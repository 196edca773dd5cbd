"""Words that fit their place on paper: cleaned, measured, wrapped and clipped."""

import unicodedata
from collections.abc import Sequence
from functools import cache

import fontpkg_noto_sans
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "NotoSans"
LEADING = 1.3  #: distance of baselines, in font sizes
ELLIPSIS = "…"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  #: drawn for a character that the font has not
LONGEST = 4000  #: characters of one text that are looked at; no place on a slip holds more


def clean(text: str) -> str:
    """One line of characters that the font can draw; what it can't is replaced visibly."""
    glyphs = load_font().face.charToGlyph
    kept = (" " if c.isspace() else c for c in text[:LONGEST] if c.isspace() or not _is_invisible(c))
    composed = unicodedata.normalize("NFC", " ".join("".join(kept).split()))
    drawable = "".join(c if glyphs.get(ord(c)) else UNKNOWN for c in composed)
    return drawable + ELLIPSIS if len(text) > LONGEST else drawable


def wrap(text: str, width: float, size: float, at_most: int) -> list[str]:
    """Text in lines of at most `width` points, broken at blanks if there are any, ended by an ellipsis if cut."""
    lines: list[str] = []
    rest = clean(text)
    while rest and len(lines) < at_most:
        if len(lines) == at_most - 1:
            lines.append(_clip(rest, width, size))
            break
        end = _fitting(rest, width, size)
        if end < len(rest):
            blank = rest.rfind(" ", 0, end + 1)
            end = blank if blank > 0 else max(end, 1)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def clip(text: str, width: float, size: float) -> str:
    """Text on one line of at most `width` points."""
    return _clip(clean(text), width, size)


def fit_line(text: str, width: float, sizes: tuple[float, float]) -> tuple[float, str]:
    """The largest size from the first to the second at which a text fits on one line; below it is clipped."""
    largest, smallest = sizes
    line = clean(text)
    needed = measure(line, 1.0)
    size = min(largest, width / needed) if needed else largest
    size = max(smallest, int(size * 4) / 4)
    return size, _clip(line, width, size)


def fit_lines(texts: Sequence[str], width: float, height: float, sizes: Sequence[float]) -> tuple[float, list[str]]:
    """The first of the sizes at which all texts, wrapped, fit into a box; at the last one they are clipped."""
    for size in sizes:
        room = max(1, int(height / (size * LEADING)))
        lines = [line for text in texts for line in wrap(text, width, size, room + 1)]
        if len(lines) <= room:
            return size, lines
    return size, [*lines[: room - 1], _clip(lines[room - 1] + " " + ELLIPSIS, width, size)]


def measure(text: str, size: float) -> float:
    """The width of a clean text in points."""
    width: float = pdfmetrics.stringWidth(text, load_font().fontName, size)
    return width


@cache
def load_font() -> TTFont:
    """Noto Sans in its regular weight, from the installed package: Latin, Greek and Cyrillic."""
    font = TTFont(FONT, str(fontpkg_noto_sans.ROOT / "files" / "NotoSans[wdth,wght].ttf"))
    pdfmetrics.registerFont(font)
    return font


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf"} or "\ufe00" <= character <= "\ufe0f"


def _clip(line: str, width: float, size: float) -> str:
    end = _fitting(line, width, size)
    if end == len(line):
        return line
    return line[: _fitting(line, width - measure(ELLIPSIS, size), size)].rstrip(f" {ELLIPSIS}") + ELLIPSIS


def _fitting(line: str, width: float, size: float) -> int:
    """How many characters of a line fit. Stops at the edge, so that a page of text costs no more than a line."""
    face = load_font().face
    left = width / size * 1000
    for position, character in enumerate(line):
        left -= face.charWidths.get(ord(character), face.defaultWidth)
        if left < 0:
            return position
    return len(line)
