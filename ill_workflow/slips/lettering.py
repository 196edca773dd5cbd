"""One line as it is written: from right to left in Hebrew and Arabic, with joined letters and marks in their places."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import uharfbuzz
from bidi import algorithm as bidi
from bidi.mirror import MIRRORED

from ill_workflow.slips import fonts

#: Before a line of a text that runs from right to left, or the other way with such letters in it: of a text in several
#: lines each runs the way of the whole.
LEFTWARDS, RIGHTWARDS = "\N{RIGHT-TO-LEFT MARK}", "\N{LEFT-TO-RIGHT MARK}"
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
#: Letters that stand beside each other, each for itself, in the one font: most slips hold nothing else.
PLAIN = re.compile(
    r"[\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\ufffd]*"
)
FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
REMEMBERED = 200  #: characters of a line that is kept for the next slip
STRONG = {"L": 0, "R": 1, "AL": 1}


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in one font. Lengths are for a font size of 1."""

    face: str
    text: str
    x: float  #: from the left edge of the line
    rise: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What is drawn together, and what it says where its signs don't say it."""

    runs: tuple[Run, ...]
    says: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    pieces: tuple[Piece, ...]
    width: float


def set_line(line: str) -> Line:
    """A clean line from its left edge to its right."""
    # A page of text on one line is measured once and never drawn.
    return _remembered(line) if len(line) <= REMEMBERED else _set(line)


def _set(line: str) -> Line:
    if PLAIN.fullmatch(line):
        return Line((Piece((Run(fonts.LATIN, line, 0.0),)),), _advances(line))
    pieces: list[Piece] = []
    x = 0.0
    for leftwards, face, text in _in_sight(*_levels(line)):
        if face == fonts.HAN or (face == fonts.LATIN and PLAIN.fullmatch(text) and not leftwards):
            pieces.append(Piece((Run(face, text[::-1] if leftwards else text, x),)))
            x += _advances(text)
        else:
            found, x = _shaped(face, text, leftwards, x)
            pieces += found
    return Line(tuple(pieces), x)


_remembered = lru_cache(4096)(_set)


def is_plain(line: str) -> bool:
    return PLAIN.fullmatch(line) is not None


def width_of(line: str) -> float:
    """For a font size of 1."""
    return set_line(line).width


def runs_leftwards(text: str) -> bool:
    """Whether a text begins with a letter of those that are read from right to left."""
    if text[:1] in (LEFTWARDS, RIGHTWARDS) or not FROM_RIGHT.search(text):
        return text.startswith(LEFTWARDS)
    for character in text:
        level = STRONG.get(unicodedata.bidirectional(character))
        if level is not None:
            return level == 1
    return False


def direction_of(text: str) -> str:
    """The mark for each line of a text; none where no letter is read from right to left."""
    if not FROM_RIGHT.search(text):
        return ""
    return LEFTWARDS if runs_leftwards(text) else RIGHTWARDS


def _advances(text: str) -> float:
    return sum(map(fonts.advance_of, text)) / 1000


def _levels(line: str) -> tuple[str, list[int]]:
    """The depth of each character: even from left to right, odd from right to left."""
    base = int(runs_leftwards(line))
    line = line.lstrip(LEFTWARDS + RIGHTWARDS)
    if not FROM_RIGHT.search(line):
        return line, [base * 2] * len(line)
    # The algorithm throws joiners away; they go with the letter before.
    storage = bidi.get_empty_storage()
    storage["base_level"], storage["base_dir"] = base, "LR"[base]
    bidi.get_embedding_levels(line.translate(dict.fromkeys(map(ord, JOINERS))), storage)
    bidi.explicit_embed_and_overrides(storage)
    bidi.resolve_weak_types(storage)
    bidi.resolve_neutral_types(storage, False)
    bidi.resolve_implicit_levels(storage, False)
    known = iter(storage["chars"])
    levels: list[int] = []
    for character in line:
        levels.append((levels[-1] if levels else base) if character in JOINERS else next(known)["level"])
    return line, levels


def _in_sight(line: str, levels: list[int]) -> list[tuple[bool, str, str]]:
    """Pieces of one direction and font, in the order in which they are seen (Unicode Annex 9, rule L2)."""
    faces: list[str] = []
    for character in line:
        face = fonts.face_of(character)
        before = faces[-1] if faces else None
        if before and character in JOINERS:
            face = before
        elif before and before != fonts.HAN and unicodedata.category(character).startswith("M"):
            face = before if fonts.has(before, character) else face
        faces.append(face or fonts.LATIN)
    pieces, at = [], 0
    for (level, face), group in groupby(zip(levels, faces, strict=True)):
        length = len(list(group))
        pieces.append((level, face, line[at : at + length]))
        at += length
    for depth in range(max(levels, default=0), 0, -1):
        ordered: list[tuple[int, str, str]] = []
        for deep, together in groupby(pieces, key=lambda piece: piece[0] >= depth):
            neighbours = list(together)
            ordered += neighbours[::-1] if deep else neighbours
        pieces = ordered
    return [(level % 2 == 1, face, text) for level, face, text in pieces]


def _shaped(face: str, text: str, leftwards: bool, x: float) -> tuple[list[Piece], float]:
    """Letters joined and marks placed, from `x` on; and where that ended."""
    font = fonts.shaper(face)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if leftwards else "ltr"
    buffer.flags = uharfbuzz.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    uharfbuzz.shape(font, buffer, {"kern": False})
    glyphs = list(zip(buffer.glyph_infos, buffer.glyph_positions, strict=True))
    begins = sorted({info.cluster for info, _ in glyphs} | {len(text)})
    pieces: list[Piece] = []
    for cluster, group in groupby(glyphs, key=lambda glyph: glyph[0].cluster):
        together = list(group)
        said = text[cluster : begins[begins.index(cluster) + 1]]
        runs, x = _placed(face, [(info.codepoint, place) for info, place in together], said, leftwards, x)
        # The letter before its marks: a reader takes the height of the first for the line.
        runs = tuple(sorted(runs, key=lambda run: run.rise != 0))
        pieces.append(Piece(runs, said if len(together) > 1 else None))
    if leftwards:
        return pieces, x
    joined = _joined([run for piece in pieces for run in piece.runs])
    if not joined:
        return [], x  # Fillers, that are written and not seen.
    return [Piece(joined, text if len(joined) > 1 or joined[0].text != text else None)], x


def _placed(
    face: str, glyphs: Sequence[tuple[int, uharfbuzz.GlyphPosition]], said: str, leftwards: bool, x: float
) -> tuple[tuple[Run, ...], float]:
    """The glyphs of one letter with its marks."""
    unit = 1 / fonts.shaper(face).face.upem
    meanings = list(said[::-1] if leftwards else said)
    if len(glyphs) != len(meanings):
        meanings = [said, *[""] * (len(glyphs) - 1)]
    runs = []
    for (glyph, place), meaning in zip(glyphs, meanings, strict=True):
        if leftwards:
            # Readers turn brackets by themselves where they turn the text.
            meaning = MIRRORED.get(meaning, meaning)
        sign = fonts.sign_for(face, glyph, meaning)
        runs.append(Run(face, sign, x + place.x_offset * unit, place.y_offset * unit))
        x += place.x_advance * unit
    return tuple(runs), x


def _joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Fewer and longer runs: what stands on the line, each where the one before ended, is drawn at once."""
    joined: list[Run] = []
    end = 0.0
    for run in runs:
        if joined and run.rise == joined[-1].rise and abs(run.x - end) < 0.0005:
            joined[-1] = Run(run.face, joined[-1].text + run.text, joined[-1].x, run.rise)
        else:
            joined.append(run)
        end = run.x + fonts.load(run.face).face.charWidths[ord(run.text)] / 1000
    return tuple(joined)
