"""Chinese, Japanese and Korean characters: a small font of those that a slip needs, out of the large one."""

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import RLock

import cvttf_NotoSansCJK_Regular
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

_lock = RLock()  #: the large font is read from its file bit by bit


def has(character: str) -> bool:
    with _lock:
        return ord(character) in _glyphs()


def advance_of(character: str) -> float:
    """How far a character moves the pen, in thousandths of the font size."""
    with _lock:
        width: int = _font()["hmtx"][_glyphs()[ord(character)]][0]
        return width * 1000 / float(_font()["head"].unitsPerEm)


def outlines(name: str, wanted: Sequence[str]) -> bytes:
    """A TrueType font of a few glyphs: the installed one is drawn with other curves, which no PDF of ours can hold."""
    with _lock:
        source = _font()
        glyphs, upem = source.getGlyphSet(), source["head"].unitsPerEm
        names = {character: _glyphs()[ord(character)] for character in wanted}
        order = [".notdef", *dict.fromkeys(names.values())]
        shapes, metrics = {}, {}
        for glyph in order:
            pen = TTGlyphPen(None)
            glyphs[glyph].draw(Cu2QuPen(pen, upem / 1000, reverse_direction=True))
            shapes[glyph] = pen.glyph()
            metrics[glyph] = source["hmtx"][glyph]
        ascent, descent = source["hhea"].ascent, source["hhea"].descent
    builder = FontBuilder(upem, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(character): glyph for character, glyph in names.items()})
    builder.setupGlyf(shapes)
    builder.setupHorizontalMetrics(metrics)
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    file = BytesIO()
    builder.save(file)
    return file.getvalue()


@cache
def _font() -> TTFont:
    (file,) = Path(cvttf_NotoSansCJK_Regular.__file__).parent.glob("*.otf")
    return TTFont(file, lazy=True)


@cache
def _glyphs() -> dict[int, str]:
    glyphs: dict[int, str] = _font().getBestCmap()
    return glyphs
