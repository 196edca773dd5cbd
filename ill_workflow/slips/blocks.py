"""The parts of which slips are made: the tab, addresses, the item, lists. Each keeps inside the place it is given."""

from collections.abc import Sequence
from datetime import date, datetime

from ill_workflow.slips import logo, reference_barcode, text
from ill_workflow.slips.content import Address, SlipContent
from ill_workflow.slips.papers import mm
from ill_workflow.slips.sheet import CAPITAL, GREY, WHITE, Sheet

PADDING = 3.0
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ADDRESS = (12.5, 11.5, 10.5, 9.5, 8.5, 7.5, 7)  #: font sizes, largest first


def tab(sheet: Sheet, reference: str, label: str, code: str, name: str) -> None:
    """What sticks out of the item: code and barcode, in the same places on every slip of this paper."""
    form = sheet.form
    if form.beside:
        # On a wide sheet nothing crosses the middle, so that it can be folded lengthwise too.
        barcode = len(reference_barcode.modules(reference)) * sheet.module(reference, form.width)
        start = min(form.width / 2, form.width - 1 - barcode)
        width = start - sheet.left - 6
        sheet.line(sheet.left, 10.5, label, 9, bold=True, colour=GREY)
        sheet.fitted(sheet.left, form.tab - 9, code, width, (64, 14), bold=True)
        sheet.fitted(sheet.left, form.tab - 3, name, width, (10, 8))
        sheet.barcode(start, 8, form.width - start, form.bars, reference)
        middle = (start + form.width) / 2
        sheet.fitted(middle, form.tab - 5.5, reference, width, (24, 12), bold=True, align="centre")
    else:
        top = 4.0
        sheet.barcode(0, top, form.width, form.bars, reference)
        width = sheet.full / 2 - 2
        under, base = top + form.bars + 3.2, form.tab - 2.5
        largest = (base - under - 1.3) / CAPITAL * mm
        sheet.line(sheet.left, under, label, 6.5, bold=True, colour=GREY)
        sheet.fitted(sheet.left, base, code, width, (min(largest, 26), 9), bold=True)
        sheet.fitted(sheet.right, base, reference, width, (min(largest, 20), 9), bold=True, align="right")
    sheet.fold(form.tab)


def heading(sheet: Sheet, title: str, content: SlipContent) -> float:
    """What this paper is and whose, and which piece of how many; answers where the rest begins."""
    name = f"{title} · copy" if content.service == "copy" else title
    high = max(sheet.by(11.5), 6.0)
    rule = sheet.form.tab + high + max(sheet.by(3.5), 2.0)
    base = rule - max(sheet.by(4), 2.0)
    right = sheet.right
    if content.of_pieces:
        right -= _badge(sheet, right, rule - high - 0.8, high, "{} of {}".format(*content.of_pieces)) + 3
    size, name = text.fit_line(name, (right - sheet.left) * mm, (sheet.points(18), 7))
    sheet.line(sheet.left, base, name, size, bold=True)
    room = right - sheet.left - text.measure(name, size) / mm - 4
    picture = logo.picture_of(content.logo) if content.logo else None
    if picture and room > 12:
        wide = sheet.picture(right, rule - high - 0.8, min(room, sheet.by(45)), high, picture) + 3
        right, room = right - wide, room - wide
    if room > 25:
        sizes = (sheet.points(12), sheet.points(9))
        sheet.fitted(right, base, content.library_name, min(room, 90), sizes, align="right")
    sheet.rule(rule, weight=max(0.8, 1.6 * sheet.form.scale))
    return rule + max(sheet.by(5), 1.5)


def footer(sheet: Sheet, top: float, content: SlipContent) -> None:
    """When it was printed and by whom; at the bottom of the paper, where that has one."""
    y = top + 5 if sheet.form.endless else sheet.bottom
    by = f" by {content.printed_by}" if content.printed_by else ""
    size = (sheet.points(8), sheet.points(8))
    sheet.fitted(sheet.left, y, f"Printed {moment(content.printed_at)}{by}", sheet.full * 0.62, size, colour=GREY)
    sheet.fitted(sheet.right, y, content.reference, sheet.full * 0.34, size, colour=GREY, align="right")


def hub(sheet: Sheet, top: float, address: Address | None, *, height: float = 32.0) -> float:
    """The hub through which the parcel goes, white on black so that nobody overlooks it; answers where it ended."""
    if address is None:
        return top
    if sheet.form.narrow:
        return _hub_above(sheet, top, address)
    pad, scale = sheet.by(PADDING), sheet.form.scale
    dark = sheet.by(62)
    sheet.box(sheet.left, top, sheet.full, height)
    sheet.box(sheet.left, top, dark, height, filled=True)
    label = sheet.points(11)
    under = top + pad * 0.8 + label * CAPITAL / mm
    sheet.fitted(sheet.left + pad, under, "SHIP VIA HUB", dark - 2 * pad, (label, 6), bold=True, colour=WHITE)
    baseline = (under + top + height) / 2 + 5.5 * scale
    sizes = (min(34 * scale, (height - (under - top) - 2) / CAPITAL * mm), 7)
    sheet.fitted(sheet.left + pad, baseline, code_of(address), dark - 2 * pad, sizes, bold=True, colour=WHITE)
    left = sheet.left + dark + pad + 1
    sizes_of_lines = sheet.sizes(14, 13, 12, 11, 10, 9, 8, 7)
    _name_and_lines(sheet, left, top + pad, sheet.right - left - pad / 2, height - 1.5 * pad, address, sizes_of_lines)
    return top + height + sheet.by(5)


def address(
    sheet: Sheet,
    x: float,
    top: float,
    width: float,
    height: float,
    label: str,
    place: Address,
    *,
    sizes: Sequence[float] = ADDRESS,
) -> float:
    """A framed address under its label, with its delivery code; answers where it ended."""
    pad = max(sheet.by(PADDING), 1.5)
    inner = width - 2 * pad
    small = sheet.points(9)
    points = sheet.sizes(*sizes)
    code, base = place.delivery_code.strip(), top + sheet.by(10)
    wide = width > sheet.full * 0.75 and not sheet.form.narrow
    room = inner * 0.4 if wide else inner - text.measure(label, small) / mm - 2
    size, code = text.fit_line(code, room * mm, (sheet.points(24), sheet.points(9)))
    if wide:
        # The lines stand beside the code, not below it.
        below = top + max(sheet.by(9), pad + small * CAPITAL / mm + 2.3)
        across = inner - (text.measure(code, size) / mm + 4 if code else 0)
    else:
        below, across = top + sheet.by(14), inner
    if sheet.form.endless:
        points = [_unbroken(place, inner, points)]
        height = sheet.by(16) + _needed(place, inner, points[0])
    sheet.box(x, top, width, height)
    sheet.line(x + pad, top + pad + small * CAPITAL / mm, label, small, bold=True, colour=GREY)
    if code:
        sheet.line(x + width - pad, base, code, size, bold=True, align="right")
    _name_and_lines(sheet, x + pad, below, across, top + height - below - 1, place, points)
    return top + height + sheet.by(5)


def due_box(sheet: Sheet, x: float, top: float, width: float, label: str, content: SlipContent) -> float:
    """The day on which the item has to be back; answers where it ended."""
    if content.service == "copy" and content.due_date is None:
        label, when = "COPY", "Not to be returned"
    else:
        # Before it is shipped nobody knows the day: the box is left for a stamp.
        when = day(content.due_date) if content.due_date else ""
    height, pad = max(sheet.by(21), 9.5), max(sheet.by(PADDING), 1.5)
    small = sheet.points(9)
    sheet.box(x, top, width, height, weight=max(1.2, 2 * sheet.form.scale))
    sheet.line(x + pad, top + pad + small * CAPITAL / mm, label, small, bold=True, colour=GREY)
    sizes = (max(sheet.points(22), 11), 7)
    sheet.fitted(x + pad, top + height - pad * 1.4, when, width - 2 * pad, sizes, bold=True)
    return top + height


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
) -> float:
    """Short texts below each other, and how many more there are when the place is full; answers where it ended."""
    if not entries:
        return top
    size, small = sheet.points(11), sheet.points(9)
    step = size * text.LEADING / mm
    count = f" ({len(entries)})" if len(entries) > 1 else ""
    begins = 2.4 + small * CAPITAL / mm
    sheet.rule(top, left=x, right=x + width)
    sheet.line(x, top + begins, label + count, small, bold=True, colour=GREY)
    below = top + begins + max(sheet.by(3), 1.5)
    rows = int((top + height - below) / step)
    column_width = width / columns - 3
    lines, hidden = _bounded(entries, column_width, size, rows * columns, at_most_lines)
    if hidden:
        lines.append(f"and {hidden} more")
    per_column = max(1, -(-len(lines) // columns) if columns > 1 else rows)
    end = below
    for column in range(columns):
        part = lines[column * per_column : (column + 1) * per_column]
        end = max(end, sheet.lines(x + column * width / columns, below, part, size, column_width))
    return end + 1


def note(sheet: Sheet, top: float, words: str, height: float) -> None:
    small = sheet.points(9)
    label = max(sheet.by(16), 9.0)
    sheet.rule(top)
    sheet.line(sheet.left, top + 2.4 + small * CAPITAL / mm, "NOTE", small, bold=True, colour=GREY)
    left = sheet.left + label
    sheet.paragraph(left, top + 2.2, [words], sheet.right - left, height - 2.4, sheet.sizes(11, 10, 9))


def facts(sheet: Sheet, top: float, pairs: Sequence[tuple[str, str]]) -> float:
    """A row of small labels with a value under each; answers where it ended."""
    shown = [(label, words) for label, words in pairs if words.strip()]
    if not shown:
        return top
    columns = 2 if sheet.form.narrow else 4
    width = sheet.full / columns
    small, step = sheet.points(9), max(sheet.by(13), 7.0)
    for number, (label, words) in enumerate(shown):
        x = sheet.left + number % columns * width
        y = top + number // columns * step
        sheet.line(x, y + small * CAPITAL / mm, label, small, bold=True, colour=GREY)
        sizes = (max(sheet.points(14), 8), sheet.points(9))
        sheet.fitted(
            x, y + small * CAPITAL / mm + max(sheet.by(6), 3.4), words, width - 2, sizes, bold=label == "DUE BACK"
        )
    return top + -(-len(shown) // columns) * step


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


def _badge(sheet: Sheet, right: float, top: float, height: float, words: str) -> float:
    """White on black: one of several that belong together; answers how wide it is."""
    size = height * 0.72 * mm
    width = text.measure(words, size) / mm + height * 0.6
    sheet.box(right - width, top, width, height, filled=True)
    base = top + height / 2 + size * CAPITAL / mm / 2
    sheet.line(right - width / 2, base, words, size, bold=True, colour=WHITE, align="centre")
    return width


def _hub_above(sheet: Sheet, top: float, address: Address) -> float:
    dark, pad = 13.0, 2.0
    size = sheet.points(12.5)
    height = dark + 5 + _needed(address, sheet.full - 2 * pad, size)
    sheet.box(sheet.left, top, sheet.full, height)
    sheet.box(sheet.left, top, sheet.full, dark, filled=True)
    sheet.line(sheet.left + pad, top + 4, "SHIP VIA HUB", 7, bold=True, colour=WHITE)
    sheet.fitted(sheet.left + pad, top + 11.2, code_of(address), sheet.full - 2 * pad, (20, 9), bold=True, colour=WHITE)
    _name_and_lines(sheet, sheet.left + pad, top + dark + 2, sheet.full - 2 * pad, height - dark - 3, address, [size])
    return top + height + sheet.by(5)


def _unbroken(place: Address, width: float, sizes: Sequence[float]) -> float:
    """The largest size at which no line of an address has to be broken, if it can be read at all."""
    readable = [size for size in sizes if size >= 9]
    lines = (place.name, *place.lines)
    fitting = (size for size in readable if all(len(text.wrap(line, width * mm, size, 2)) < 2 for line in lines))
    return next(fitting, readable[-1] if readable else sizes[0])


def _needed(place: Address, width: float, size: float) -> float:
    """How high all of an address is, up to a dozen lines."""
    lines = len(text.wrap(place.name, width * mm, size, 2))
    lines += sum(len(text.wrap(line, width * mm, size, 3)) for line in place.lines)
    return min(lines, 12) * size * text.LEADING / mm + 0.5


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
        name = text.wrap(place.name, width * mm, size, 1 if room < 4 else 2)
        rest = text.wrap(", ".join(place.lines), width * mm, size, room + 1)
        if len(name) + len(rest) > room:
            rest = _shortened(place.lines, width, size, max(room - len(name), 1))
    below = sheet.lines(x, top, name, size, width, bold=True)
    sheet.lines(x, below, rest, size, width)


def _shortened(lines: Sequence[str], width: float, size: float, room: int) -> list[str]:
    """One line for each, the middle left out: the town stands last, and without it nothing arrives."""
    short = [text.clip(line, width * mm, size) for line in lines]
    if len(short) <= room:
        return short
    return [*short[: room - 2], text.ELLIPSIS, short[-1]] if room > 1 else short[-1:]


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
