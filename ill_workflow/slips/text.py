"""Words that fit their place on paper: cleaned, measured, wrapped and clipped."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from ill_workflow.slips import fonts, lettering

LEADING = 1.3  #: distance of baselines, in font sizes
ELLIPSIS = "…"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  #: drawn for a character that no font has
LONGEST = 4000  #: characters of one text that are looked at; no place on a slip holds more
WIDEST = 500  #: characters, of which no line holds as many
#: Marks on one letter that are drawn: more would reach into the line above.
ACCENTS, VOWELS = 2, 4
ACCENT = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
#: A joiner means something between letters of these scripts alone.
JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff]")
HAN = re.compile(
    "[\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
THAI = re.compile("[\u0e00-\u0e7f]")
NOT_FIRST = frozenset(
    "、。，．・：；！？）］｝」』】〉》〕”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々ะาำๅๆฯ"
)  #: of a line
NOT_LAST = frozenset("（［｛「『【〈《〔“‘เแโใไ")


def clean(text: str) -> str:
    """One line of characters that the fonts can draw; what they can't is replaced visibly."""
    # One more than is looked at: what is left out is marked.
    return _clean(text[: LONGEST + 1])


@lru_cache(1024)
def _clean(text: str) -> str:
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = "".join(_visible(text[:LONGEST]))
    composed = unicodedata.normalize("NFC", " ".join(kept.split()))
    drawable = "".join(map(_drawable, composed))
    if not lettering.is_plain(drawable):
        drawable = "".join(_without_towers(drawable))
    return drawable + ELLIPSIS if len(text) > LONGEST else drawable


def wrap(text: str, width: float, size: float, at_most: int) -> list[str]:
    """Text in lines of at most `width` points, broken where its script allows, ended by an ellipsis if cut."""
    lines: list[str] = []
    rest = clean(text)
    mark = lettering.direction_of(rest)
    while rest and len(lines) < at_most:
        if len(lines) == at_most - 1:
            lines.append(mark + _clip(rest, width, size))
            break
        end = _fitting(rest, width, size)
        if end < len(rest):
            end = _break_before(rest, end)
        lines.append(mark + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def clip(text: str, width: float, size: float) -> str:
    """Text on one line of at most `width` points."""
    return _clip(clean(text), width, size)


def fit_line(text: str, width: float, sizes: tuple[float, float]) -> tuple[float, str]:
    """The largest size from the first to the second at which a text fits on one line; below it is clipped."""
    largest, smallest = sizes
    line = clean(text)
    needed = measure(line[:WIDEST], 1.0)
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
    return lettering.width_of(text) * size


def han(texts: Iterable[str]) -> set[str]:
    """The Chinese, Japanese and Korean characters that will be drawn of these texts."""
    found: set[str] = set()
    for text in texts:
        if not text.isascii():
            cleaned = clean(text)
            if not lettering.is_plain(cleaned):
                found.update(character for character in cleaned if fonts.face_of(character) == fonts.HAN)
    return found


def _visible(text: str) -> Iterator[str]:
    before = ""
    for character in text:
        if character.isspace():
            yield " "
        elif character in lettering.JOINERS:
            if JOINING.match(before):
                yield character
        elif unicodedata.category(character) in {"Cc", "Cf"} or "\ufe00" <= character <= "\ufe0f":
            continue
        else:
            yield character
        before = character


@lru_cache(65536)
def _drawable(character: str) -> str:
    if character in lettering.JOINERS or fonts.face_of(character):
        return character
    # 𝐀 and ﬅ are other forms of letters that every font has.
    plain = unicodedata.normalize("NFKC", character)
    if all(fonts.face_of(part) for part in plain):
        return " " if plain.isspace() else plain
    return UNKNOWN


def _without_towers(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= (ACCENTS if ACCENT.match(character) else VOWELS):
            yield character


def _clip(line: str, width: float, size: float) -> str:
    end = _fitting(line, width, size)
    if end == len(line):
        return line
    end = _whole_letters(line, _fitting(line, width - measure(ELLIPSIS, size), size))
    return line[:end].rstrip(f" {ELLIPSIS}") + ELLIPSIS


def _fitting(line: str, width: float, size: float) -> int:
    """How many characters of a line fit. Stops at the edge, so that a page of text costs no more than a line."""
    left = width / size * 1000
    end = len(line)
    for position, character in enumerate(line):
        left -= fonts.advance_of(character)
        if left < 0:
            end = position
            break
    if not lettering.is_plain(line[:end]):
        # Joined letters are seldom wider than they are alone; where they are, nothing may leave the paper.
        while end > 1 and (wide := measure(line[:end], size)) > width:
            end = max(1, min(end - 1, int(end * width / wide) + 2))
    return end


def _break_before(line: str, end: int) -> int:
    """The last place up to `end` where a line may be broken; in the middle of a word if there is none."""
    blank = line.rfind(" ", 0, end + 1)
    if not lettering.is_plain(line[: end + 1]):
        for place in range(end, max(blank, 0), -1):
            if _may_break(line, place):
                return place
    return blank if blank > 0 else max(_whole_letters(line, end), 1)


def _may_break(line: str, place: int) -> bool:
    """Between Chinese or Japanese characters, and in Thai, which has no blanks, between letters."""
    before, after = line[place - 1], line[place]
    if after in NOT_FIRST or before in NOT_LAST or not _begins_letter(line, place):
        return False
    return bool(HAN.match(before) or HAN.match(after) or (THAI.match(before) and THAI.match(after)))


def _whole_letters(line: str, end: int) -> int:
    place = end
    while 0 < place < len(line) and not _begins_letter(line, place):
        place -= 1
    return place or end


def _begins_letter(line: str, place: int) -> bool:
    """Whether no letter is torn from its marks, or from the one with which it is written together."""
    before, after = line[place - 1], line[place]
    return not (
        unicodedata.category(after).startswith("M")
        or after in lettering.JOINERS
        or before in lettering.JOINERS
        or unicodedata.combining(before) == 9
    )
