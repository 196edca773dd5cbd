"""The list with which somebody walks along the shelves and fetches what other libraries have asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from ill_workflow.slips import reference_barcode, text
from ill_workflow.slips.blocks import day, moment
from ill_workflow.slips.content import Paper, Service
from ill_workflow.slips.papers import ENDLESS, Form, form_of, mm
from ill_workflow.slips.sheet import CAPITAL, GREY, WHITE, Book, Sheet

NOWHERE = "No location"
TICK = 6.0  #: mm
INDENT = TICK + 3.0
BARS = 9.0  #: mm, the height of a barcode
LEAST = 58.0  #: mm that words need beside a barcode; where there is less it stands below them
HEADING = 8.5  #: mm, of a location
GAP = 4.0  #: mm between two lines of the list
LONGEST_PAGE = 4800.0  #: mm; readers of PDF know no longer ones


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLine:
    """One thing to fetch."""

    reference: str
    title: str
    author: str = ""
    volume: str = ""
    call_number: str = ""
    location: str = ""
    item_barcode: str = ""
    partner: str = ""
    need_by: date | None = None
    service: Service = "loan"
    note: str = ""
    pages: str = ""  #: of the article, where a copy is asked for
    article_title: str = ""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a line of the list begins; with the heading above it, if it has one."""

    line: PullLine
    top: float
    heading: str
    heading_top: float


def render_pull_list(
    library_name: str, printed_at: datetime, printed_by: str, lines: Sequence[PullLine], *, paper: Paper = "letter"
) -> bytes:
    """The lines in the order given, under a heading for each location, as a PDF; a roll is one long page."""
    form = form_of(paper)
    if form.endless:
        form = replace(form, height=LONGEST_PAGE)
    book = Book("Pull list", _texts(library_name, printed_by, lines))
    column = _column(form, lines)
    pages = _pages(form, lines, column)
    for number, placed in enumerate(pages, 1):
        if form.endless:
            form = replace(form, height=min(_end(form, placed, column) + 8 + form.margin, LONGEST_PAGE))
        book.page(form.width, form.height)
        sheet = Sheet(book, form)
        top = _head(sheet, library_name, f"{len(lines)} to fetch")
        if not placed:
            sheet.line(sheet.left, top + 8, "Nothing to fetch.", 12)
        for one in placed:
            if one.heading:
                _heading(sheet, one.heading_top, one.heading)
            _line(sheet, one.top, one.line, column)
        by = f" by {printed_by}" if printed_by.strip() else ""
        sheet.fitted(
            sheet.left, sheet.bottom, f"Printed {moment(printed_at)}{by}", sheet.full * 0.6, (8, 6), colour=GREY
        )
        sheet.line(sheet.right, sheet.bottom, f"Page {number} of {len(pages)}", 8, colour=GREY, align="right")
        book.end_page()
    return book.as_pdf()


def _pages(form: Form, lines: Sequence[PullLine], column: float) -> list[list[_Placed]]:
    """What stands where: each line is drawn for nothing once, to see how high it is."""
    trial = Book("", _texts("", "", lines))
    trial.page(form.width, ENDLESS)
    first = _head(Sheet(trial, form), "", "")
    pages: list[list[_Placed]] = [[]]
    top, location = first, None
    for line in lines:
        place = line.location.strip() or NOWHERE
        high = _line(Sheet(trial, form), 0.0, line, column)
        if pages[-1] and top + (HEADING if place != location else 0.0) + high > form.height - form.margin - 6:
            pages.append([])
            top = first
        new = place != location
        again = "" if new or pages[-1] else " (continued)"
        heading = place + again if new or again else ""
        heading_top, location = top, place
        top += HEADING if heading else 0.0
        pages[-1].append(_Placed(line, top, heading, heading_top))
        top += high
    return pages


def _end(form: Form, placed: Sequence[_Placed], column: float) -> float:
    if not placed:
        return 40.0
    last = placed[-1]
    trial = Book("", _texts("", "", [last.line]))
    trial.page(form.width, ENDLESS)
    return last.top + _line(Sheet(trial, form), 0.0, last.line, column)


def _head(sheet: Sheet, library_name: str, count: str) -> float:
    y = sheet.form.margin + 5
    words = text.clean(f"Pull list · {count}")
    sheet.line(sheet.left, y, words, 14, bold=True)
    room = sheet.full - text.measure(words, 14) / mm - 5
    if room > 25:
        sheet.fitted(sheet.right, y, library_name, room, (11, 7), align="right")
    sheet.rule(y + 3, weight=1.6)
    return y + 6


def _heading(sheet: Sheet, top: float, location: str) -> None:
    sheet.box(sheet.left, top, sheet.full, HEADING - 2, filled=True)
    sheet.fitted(sheet.left + 2, top + 4.8, location, sheet.full - 4, (12, 8), bold=True, colour=WHITE)


def _column(form: Form, lines: Sequence[PullLine]) -> float:
    """How wide the column of barcodes is; 0 where they stand below the words."""
    widest = max((len(reference_barcode.modules(line.reference)) for line in lines), default=0) * form.modules[-1]
    return widest if form.width - 2 * form.margin - INDENT - widest >= LEAST else 0.0


def _line(sheet: Sheet, top: float, line: PullLine, column: float) -> float:
    """One thing to fetch; answers how high it is."""
    width = sheet.full - INDENT - (column + 3 if column else 0.0)
    sheet.box(sheet.left, top + 0.5, TICK, TICK, weight=1.2)
    below = _words(sheet, sheet.left + INDENT, top, width, line)
    if column:
        x = sheet.right - column
        sheet.barcode(x, top, column, BARS, line.reference)
        middle = x + column / 2
        sheet.fitted(middle, top + BARS + 4, line.reference, column, (11, 8), bold=True, align="centre")
        below = max(below, _beside(sheet, x + 3, top + BARS + 5, column - 3, line))
    else:
        below = _beside(sheet, sheet.left + INDENT, below, width, line)
        start, across = (0.0, sheet.form.width) if sheet.form.narrow else (sheet.left, sheet.full)
        sheet.barcode(start, below + 1, across, BARS, line.reference)
        middle = sheet.form.width / 2
        sheet.fitted(middle, below + BARS + 5, line.reference, sheet.full, (11, 8), bold=True, align="centre")
        below += BARS + 6
    sheet.rule(below + GAP / 2, weight=0.4)
    return below + GAP - top


def _words(sheet: Sheet, x: float, top: float, width: float, line: PullLine) -> float:
    """What the shelf says and what the spine says."""
    size = 15.0
    sheet.fitted(
        x, top + size * CAPITAL / mm + 0.5, line.call_number.strip() or "No call number", width, (size, 9), bold=True
    )
    below = top + 7.5
    if line.volume.strip():
        below = sheet.paragraph(x, below, [line.volume], width, 5, [11], bold=True)
    below = sheet.paragraph(x, below, [line.title.strip() or "Untitled"], width, 9.5, [10])
    if line.author.strip():
        below = sheet.paragraph(x, below, [line.author], width, 4.5, [9])
    if line.service == "copy":
        pages = f"COPY pages {line.pages}" if line.pages.strip() else "COPY"
        below = sheet.paragraph(x, below, [pages], width, 5, [10], bold=True)
        if line.article_title.strip():
            below = sheet.paragraph(x, below, [line.article_title], width, 9, [9])
    if line.note.strip():
        below = sheet.paragraph(x, below, [f"Note: {line.note}"], width, 9, [9])
    return below


def _beside(sheet: Sheet, x: float, top: float, width: float, line: PullLine) -> float:
    """What helps to be sure that it is the right one, and in the right order."""
    below = top
    need_by = f"Need by {day(line.need_by)}" if line.need_by else ""
    item = f"Item {line.item_barcode}" if line.item_barcode.strip() else ""
    partner = f"For {line.partner}" if line.partner.strip() else ""
    for words, bold in ((need_by, True), (" · ".join(filter(None, (item, partner))), False)):
        if words:
            below += 3.8
            sheet.fitted(x, below, words, width, (9, 7), bold=bold)
    return below + 1


def _texts(library_name: str, printed_by: str, lines: Sequence[PullLine]) -> Iterator[str]:
    yield from (library_name, printed_by)
    for line in lines:
        yield from (line.title, line.author, line.volume, line.call_number, line.location)
        yield from (line.partner, line.note, line.pages, line.article_title)
