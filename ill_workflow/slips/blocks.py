"""The parts of which slips are made: the tab, addresses, the item, lists. Each keeps inside the place it is given."""

from collections.abc import Sequence
from datetime import date, datetime

from reportlab.lib.units import mm

from ill_workflow.slips import text
from ill_workflow.slips.content import Address, SlipContent
from ill_workflow.slips.sheet import BOTTOM, CENTRE, GREY, LEFT, RIGHT, WHITE, WIDTH, Sheet

TAB = 40.0  #: mm that stick out of the item
FOOTER = 6.0
PADDING = 3.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def tab(sheet: Sheet, reference: str, label: str, code: str, name: str) -> None:
    """Code and barcode side by side; nothing crosses the middle, so that the sheet can be folded lengthwise too."""
    width = CENTRE - LEFT - 6
    sheet.line(LEFT, 10.5, label, 9, bold=True, colour=GREY)
    sheet.fitted(LEFT, 31, code, width, (64, 14), bold=True)
    sheet.fitted(LEFT, 37, name, width, (10, 8))
    middle = (CENTRE + WIDTH) / 2
    sheet.barcode(middle, 8, 18, reference)
    sheet.fitted(middle, 34.5, reference, width, (24, 12), bold=True, align="centre")
    sheet.fold(TAB)


def heading(sheet: Sheet, title: str, content: SlipContent) -> float:
    """What this paper is and whose, and the footer; answers where the rest begins."""
    name = f"{title} · copy" if content.service == "copy" else title
    sheet.line(LEFT, 51, text.clean(name), 18, bold=True)
    sheet.fitted(RIGHT, 51, content.library_name, 90, (12, 9), align="right")
    sheet.rule(55, weight=1.6)
    by = f" by {content.printed_by}" if content.printed_by else ""
    sheet.fitted(LEFT, BOTTOM, f"Printed {moment(content.printed_at)}{by}", 120, (8, 8), colour=GREY)
    sheet.fitted(RIGHT, BOTTOM, content.reference, 60, (8, 8), colour=GREY, align="right")
    return 60.0


def hub(sheet: Sheet, top: float, address: Address | None, *, height: float = 32.0) -> float:
    """The hub through which the parcel goes, white on black so that nobody overlooks it; answers where it ended."""
    if address is None:
        return top
    dark = 62.0
    sheet.box(LEFT, top, RIGHT - LEFT, height)
    sheet.box(LEFT, top, dark, height, filled=True)
    sheet.line(LEFT + PADDING, top + 6.5, "SHIP VIA HUB", 11, bold=True, colour=WHITE)
    baseline = top + height / 2 + 7
    sheet.fitted(LEFT + PADDING, baseline, code_of(address), dark - 2 * PADDING, (34, 9), bold=True, colour=WHITE)
    left = LEFT + dark + PADDING + 1
    _name_and_lines(sheet, left, top + 4, RIGHT - left - PADDING, height - 5, address, (14, 13, 12, 11, 10, 9, 8, 7))
    return top + height + 5


def address(
    sheet: Sheet,
    x: float,
    top: float,
    width: float,
    height: float,
    label: str,
    place: Address,
    *,
    sizes: Sequence[float] = (12.5, 11.5, 10.5, 9.5, 8.5, 7.5, 7),
) -> None:
    """A framed address under its label, with its delivery code."""
    sheet.box(x, top, width, height)
    inner = width - 2 * PADDING
    sheet.line(x + PADDING, top + 6, label, 9, bold=True, colour=GREY)
    if place.delivery_code.strip():
        sheet.fitted(
            x + width - PADDING, top + 9.5, place.delivery_code, inner * 0.68, (24, 9), bold=True, align="right"
        )
    below = top + 13.5
    _name_and_lines(sheet, x + PADDING, below, inner, height - 14.5, place, sizes)


def item(sheet: Sheet, top: float, content: SlipContent, *, due: str, shelf: bool) -> float:
    """Title, author, volume, where it stands and when it is due; answers where it ended."""
    side = 58.0
    x = RIGHT - side
    width = x - LEFT - 5
    below = sheet.paragraph(LEFT, top, [content.title.strip() or "Untitled"], width, 22, [17, 15, 13], bold=True) + 1
    if content.author.strip():
        below = sheet.paragraph(LEFT, below, [content.author], width, 6, [12]) + 1
    rows = [("Volume", content.volume)]
    if shelf:
        rows += [("Call number", content.call_number), ("Location", content.location)]
    for label, words in rows:
        if words.strip():
            _labelled(sheet, below + 4, width, label, words)
            below += 6.5
    if content.service == "copy" and content.due_date is None:
        due, when = "COPY", "Not to be returned"
    else:
        # Before it is shipped nobody knows the day: the box is left for a stamp.
        when = day(content.due_date) if content.due_date else ""
    sheet.box(x, top, side, 21, weight=2)
    sheet.line(x + PADDING, top + 6, due, 9, bold=True, colour=GREY)
    sheet.fitted(x + PADDING, top + 16.5, when, side - 2 * PADDING, (22, 9), bold=True)
    beside = top + 21 + 5.5
    for label, words in (("Partner's id", content.partner_reference or ""), ("Delivery", content.delivery_method)):
        if words.strip():
            sheet.line(x, beside, label, 8, colour=GREY)
            sheet.fitted(x + 24, beside, words, side - 24, (11, 8))
            beside += 6
    return max(below, beside) + 4


def listing(
    sheet: Sheet,
    x: float,
    top: float,
    width: float,
    height: float,
    label: str,
    entries: Sequence[str],
    *,
    columns: int = 1,
    at_most_lines: int = 1,
) -> None:
    """Short texts below each other, and how many more there are when the place is full."""
    if not entries:
        return
    size = 11.0
    step = size * text.LEADING / mm
    count = f" ({len(entries)})" if len(entries) > 1 else ""
    sheet.rule(top, left=x, right=x + width)
    sheet.line(x, top + 5.5, label + count, 9, bold=True, colour=GREY)
    rows = int((height - 8) / step)
    lines, hidden = _bounded(entries, width / columns - 3, size, rows * columns, at_most_lines)
    if hidden:
        lines.append(f"and {hidden} more")
    per_column = max(1, -(-len(lines) // columns) if columns > 1 else rows)
    for column in range(columns):
        part = lines[column * per_column : (column + 1) * per_column]
        sheet.lines(x + column * width / columns, top + 8.5, part, size)


def note(sheet: Sheet, top: float, words: str) -> None:
    sheet.rule(top)
    sheet.line(LEFT, top + 5.5, "NOTE", 9, bold=True, colour=GREY)
    sheet.paragraph(LEFT + 16, top + 3, [words], RIGHT - LEFT - 16, 10, [11, 10, 9])


def facts(sheet: Sheet, top: float, pairs: Sequence[tuple[str, str]]) -> None:
    """A row of small labels with a value under each."""
    shown = [(label, words) for label, words in pairs if words.strip()]
    width = (RIGHT - LEFT) / 3
    for number, (label, words) in enumerate(shown[:3]):
        x = LEFT + number * width
        sheet.line(x, top + 4, label, 9, bold=True, colour=GREY)
        sheet.fitted(x, top + 11, words, width - 5, (14, 9))


def code_of(place: Address) -> str:
    """The code by which a parcel is sorted; a place without one is known by its name."""
    return place.delivery_code if place.delivery_code.strip() else place.name


def day(when: date | None) -> str:
    """A date that reads the same on both sides of an ocean."""
    if when is None:
        return "—"
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def moment(when: datetime) -> str:
    return f"{WEEKDAYS[when.weekday()]} {day(when)} {when:%H:%M}"


def _labelled(sheet: Sheet, y: float, width: float, label: str, words: str) -> None:
    sheet.line(LEFT, y, label, 9, colour=GREY)
    sheet.fitted(LEFT + 24, y, words, width - 24, (14, 9), bold=label == "Call number")


def _name_and_lines(
    sheet: Sheet, x: float, top: float, width: float, height: float, place: Address, sizes: Sequence[float]
) -> None:
    """An address in the largest of the sizes at which all of it fits."""
    for size in sizes:
        room = int(height / (size * text.LEADING / mm))
        name = text.wrap(place.name, width * mm, size, 2)
        rest = [line for words in place.lines for line in text.wrap(words, width * mm, size, room + 1)]
        if len(name) + len(rest) <= room:
            break
    else:
        rest = _shortened(place.lines, width, size, room - len(name))
    below = sheet.lines(x, top, name, size, bold=True)
    sheet.lines(x, below, rest, size)


def _shortened(lines: Sequence[str], width: float, size: float, room: int) -> list[str]:
    """One line for each, the middle left out: the town stands last, and without it nothing arrives."""
    short = [text.clip(line, width * mm, size) for line in lines]
    return short if len(short) <= room else [*short[: room - 2], text.ELLIPSIS, short[-1]]


def _bounded(entries: Sequence[str], width: float, size: float, room: int, at_most_lines: int) -> tuple[list[str], int]:
    """As many entries as there is room for, one line kept for the count of the others; and that count."""
    lines: list[str] = []
    for number, entry in enumerate(entries):
        wrapped = text.wrap(entry, width * mm, size, at_most_lines)
        last = number == len(entries) - 1
        if len(lines) + len(wrapped) > room - (0 if last else 1):
            return lines, len(entries) - number
        lines += wrapped
    return lines, 0
