"""Slips as a PDF: one, or many, each on its own paper or several to a sheet, with backs where a printer puts them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ill_workflow.errors import BadInput
from ill_workflow.slips import designs, reference_barcode
from ill_workflow.slips.content import Address, Paper, SlipContent
from ill_workflow.slips.papers import COLUMNS, ENDLESS, FORMS, Form, cell_of, form_of
from ill_workflow.slips.sheet import Book, Sheet

Draw = Callable[[Sheet, SlipContent], None]


def render(content: SlipContent) -> bytes:
    """The slip as a PDF of one page, or two with its back; refuses a reference that can't be scanned."""
    _check(content)
    book = Book(f"{content.reference} {content.layout.replace('_', ' ')}", _texts([content]))
    _by_itself(book, content, backs=content.duplex)
    return book.as_pdf()


def render_batch(contents: Sequence[SlipContent], *, per_sheet: int = 1, paper: Paper | None = None) -> bytes:
    """Many slips as one PDF, in their order; 4 or 6 to a sheet on Letter or A4.

    Where any of them has a back every sheet has one, mirrored for printing on both sides over the long edge.
    """
    if not contents:
        raise BadInput("There is no slip to print.", field="contents")
    paper = paper or (contents[0].paper if per_sheet > 1 else None)
    if paper:
        contents = [replace(content, paper=paper) for content in contents]
        cell = cell_of(paper, per_sheet)
    else:
        cell_of(contents[0].paper, per_sheet)
    for content in contents:
        _check(content)
    book = Book(f"{len(contents)} slips", _texts(contents))
    backs = any(content.duplex for content in contents)
    if per_sheet == 1:
        for content in contents:
            _by_itself(book, content, backs=backs)
    else:
        for start in range(0, len(contents), per_sheet):
            _together(book, contents[start : start + per_sheet], FORMS[contents[0].paper], cell, backs=backs)
    return book.as_pdf()


def _check(content: SlipContent) -> None:
    if content.layout not in designs.LAYOUTS:
        raise BadInput(f"There is no slip called {content.layout}.", field="layout")
    form_of(content.paper)
    reference_barcode.modules(content.reference)


def _by_itself(book: Book, content: SlipContent, *, backs: bool) -> None:
    form = form_of(content.paper)
    _page(book, form, content, designs.draw)
    if content.duplex:
        _page(book, form, content, designs.back)
    elif backs:
        # An empty page, or the next slip would be printed on the back of this one.
        book.page(form.width, form.width if form.endless else form.height)
        book.end_page()


def _page(book: Book, form: Form, content: SlipContent, draw: Draw) -> None:
    if form.endless:
        form = replace(form, height=_length(form, content, draw) + form.margin)
    book.page(form.width, form.height)
    draw(Sheet(book, form), content)
    book.end_page()


def _length(form: Form, content: SlipContent, draw: Draw) -> float:
    """How far down a slip reaches that may be as long as it likes: it is drawn for nothing, to see."""
    trial = Book("", _texts([content]))
    trial.page(form.width, ENDLESS)
    sheet = Sheet(trial, form)
    draw(sheet, content)
    return sheet.lowest


def _together(book: Book, contents: Sequence[SlipContent], page: Form, cell: Form, *, backs: bool) -> None:
    sides: list[tuple[Draw, bool]] = [(designs.draw, False), *([(designs.back, True)] if backs else [])]
    for draw, turned in sides:
        book.page(page.width, page.height)
        for number, content in enumerate(contents):
            if turned and not content.duplex:
                continue
            row, column = divmod(number, COLUMNS)
            # Turned over its long edge, the right side of the sheet lies behind the left.
            across = COLUMNS - 1 - column if turned else column
            draw(Sheet(book, cell, x=across * cell.width, y=row * cell.height), content)
        if not turned:
            book.cut_marks(page, cell)
        book.end_page()


def _texts(contents: Sequence[SlipContent]) -> Iterator[str]:
    """All that will be written, for the fonts."""
    for content in contents:
        yield from (content.title, content.author, content.volume, content.call_number, content.location)
        yield from (content.library_name, content.delivery_method, content.note, content.printed_by)
        yield from (content.partner_reference or "", content.hold_code or "")
        yield from (*content.conditions, *content.pieces, *content.texts)
        for place in (content.destination, content.return_to, content.hub or Address("")):
            yield from (place.name, place.delivery_code, *place.lines)
