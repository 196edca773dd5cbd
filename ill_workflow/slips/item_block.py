"""The item on a slip: its title before all else, where it stands, when it has to be back, what else is known."""

from dataclasses import dataclass

from ill_workflow.slips import blocks, text
from ill_workflow.slips.content import SlipContent
from ill_workflow.slips.papers import mm
from ill_workflow.slips.sheet import GREY, Sheet

UNTITLED = "Untitled"
TITLE = (17, 15, 13, 12, 11)  #: font sizes, largest first
LONG_TITLE = (10, 9)  #: on papers that are large enough for these to stay readable
ROLL_TITLE = 16  #: lines of a title on a paper without an end


@dataclass(frozen=True, slots=True)
class Row:
    """A line below the title."""

    label: str
    words: str
    rank: int  #: the lowest stays longest where there is little room


def item(sheet: Sheet, top: float, content: SlipContent, *, due: str, shelf: bool, height: float) -> float:
    """Beside each other, on a roll below each other; answers where it ended."""
    if sheet.form.narrow:
        below = _what(sheet, top, sheet.full, height, content, shelf)
        below = blocks.due_box(sheet, sheet.left, below + 2, sheet.full, due, content)
        return _others(sheet, sheet.left, below, sheet.full, height, content) + 4
    side = max(sheet.by(58), 33.0)
    x = sheet.right - side
    below = _what(sheet, top, x - sheet.left - max(sheet.by(5), 2.5), height, content, shelf)
    beside = blocks.due_box(sheet, x, top, side, due, content)
    beside = _others(sheet, x, beside, side, top + height - beside, content)
    return max(below, beside) + sheet.by(4)


def _what(sheet: Sheet, top: float, width: float, height: float, content: SlipContent, shelf: bool) -> float:
    rows = _rows(sheet, content, shelf)
    step = max(sheet.by(6.5), 3.3)
    sizes = sheet.sizes(*TITLE, *(() if sheet.form.compact or sheet.form.endless else LONG_TITLE))
    line = sizes[-1] * text.LEADING / mm
    # Two lines for a title, if it has them; then rows by their rank.
    title = content.title.strip() or UNTITLED
    wanted = min(len(text.wrap(title, width * mm, sizes[-1], 2)), 2) * line
    room = max(int((height - wanted - 1) / step), 0)
    kept = {id(row) for row in sorted(rows, key=lambda row: row.rank)[:room]}
    rows = [row for row in rows if id(row) in kept]
    high = ROLL_TITLE * line if sheet.form.endless else max(height - len(rows) * step - 1, line)
    below = sheet.paragraph(sheet.left, top, [title], width, high, sizes, bold=True)
    for number, row in enumerate(rows):
        below += step if number else step * 0.8
        _row(sheet, below, width, row)
    return below + (1 if rows else 0)


def _rows(sheet: Sheet, content: SlipContent, shelf: bool) -> list[Row]:
    rows = [Row("", content.author, 2), Row("Volume", content.volume, 1)]
    if shelf:
        rows += [Row("Call number", content.call_number, 0), Row("Location", content.location, 3)]
    return [row for row in rows if row.words.strip()]


def _row(sheet: Sheet, y: float, width: float, row: Row) -> None:
    largest = max(sheet.points(12 if not row.label else 14), 7)
    sizes = (largest, sheet.points(9))
    indent = 0.0
    if row.label:
        small = sheet.points(9)
        indent = max(sheet.by(24), text.measure("Call number", small) / mm + 1.5)
        sheet.line(sheet.left, y, row.label, small, colour=GREY)
    if row.label == "Call number":
        sheet.fitted(sheet.left + indent, y, row.words, width - indent, sizes, bold=True)
    else:
        sheet.fitted(sheet.left + indent, y, row.words, width - indent, sizes)


def _others(sheet: Sheet, x: float, top: float, width: float, height: float, content: SlipContent) -> float:
    """What the partner calls it, and how it travels, as far as there is room."""
    small, step = sheet.points(8), max(sheet.by(6), 3.3)
    indent = max(sheet.by(24), text.measure("Partner's id", small) / mm + 1.5)
    below = top
    for label, words in (("Partner's id", content.partner_reference or ""), ("Delivery", content.delivery_method)):
        if words.strip() and (sheet.form.endless or below + step + 1 <= top + height):
            below += step
            sheet.line(x, below, label, small, colour=GREY)
            sheet.fitted(x + indent, below, words, width - indent, (sheet.points(11), sheet.points(8)))
    return below + 1
