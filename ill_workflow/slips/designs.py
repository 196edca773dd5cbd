"""What stands where on the four slips; above the fold they are all alike, so that one movement scans any of them."""

from collections.abc import Callable, Mapping, Sequence

from ill_workflow.errors import BadInput
from ill_workflow.slips import blocks, text
from ill_workflow.slips.content import Address, SlipContent
from ill_workflow.slips.item_block import item
from ill_workflow.slips.papers import mm
from ill_workflow.slips.sheet import Sheet

TO_SIZES = (24, 20, 17, 14, 12, 10, 9, 8, 7)
LINE = 3.6  #: mm, of what stands under the item on a small paper
TINY = 0.5  #: a scale below which addresses stand beside each other even on a label


def draw(sheet: Sheet, content: SlipContent) -> None:
    """One slip in its place."""
    layout = LAYOUTS.get(content.layout)
    if layout is None:
        raise BadInput(f"There is no slip called {content.layout}.", field="layout")
    layout(sheet, content)


def routing(sheet: Sheet, content: SlipContent) -> None:
    """Lies in an item that we lend, from the shelf to the borrower and back."""
    blocks.tab(sheet, content.reference, "SHIP TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Lending routing slip", content)
    top = blocks.hub(sheet, top, content.hub, height=_hub_height(sheet))
    top = _beside(sheet, top, ("DELIVER TO", content.destination), ("RETURN TO", content.return_to))
    top = item(sheet, top, content, due="DUE BACK", shelf=True, height=_for_item(sheet, top, content))
    _rest(sheet, top, content)


def book_strap(sheet: Sheet, content: SlipContent) -> None:
    """Is wrapped around a borrowed item while our patron has it; the hold shelf is sorted by its code."""
    blocks.tab(sheet, content.reference, "HOLD SHELF", content.hold_code or "—", content.library_name)
    top = blocks.heading(sheet, "Interlibrary loan", content)
    words = ["Please leave this strap on the item until it is back."]
    top = sheet.paragraph(sheet.left, top, words, sheet.full, sheet.by(10), sheet.sizes(13, 11)) + sheet.by(4)
    height = min(
        _for_item(sheet, top, content),
        sheet.bottom - top - _address_height(sheet) - sheet.by(5) - _least(sheet, content),
    )
    top = item(sheet, top, content, due="DUE BACK", shelf=False, height=height)
    top = _beside(sheet, top, ("RETURN TO", content.return_to), ("LENT BY", content.destination))
    _rest(sheet, top, content)


def return_slip(sheet: Sheet, content: SlipContent) -> None:
    """Travels home with a borrowed item."""
    blocks.tab(sheet, content.reference, "RETURN TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Return slip", content)
    top = blocks.hub(sheet, top, content.hub, height=_hub_height(sheet))
    if content.return_to == content.destination:
        sizes = (16, 14, 12, 11, 10, 9, 8, 7)
        place = (sheet.left, top, sheet.full, _address_height(sheet))
        top = blocks.address(sheet, *place, "RETURN TO", content.return_to, sizes=sizes)
    else:
        top = _beside(sheet, top, ("RETURN TO", content.return_to), ("LENDER", content.destination))
    top = item(sheet, top, content, due="DUE BACK", shelf=True, height=_for_item(sheet, top, content))
    _rest(sheet, top, content)


def shipping(sheet: Sheet, content: SlipContent) -> None:
    """Goes on the outside of the parcel, where neither the title nor the patron is anybody's business."""
    blocks.tab(sheet, content.reference, "SHIP TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Shipping label", content)
    known = max(sheet.by(13), 7.0)
    room = sheet.bottom - _footer(sheet) - known - top - 3 * sheet.by(5)
    texts = _kept_for_texts(sheet, room, content)
    room -= texts
    if sheet.form.scale < TINY:
        top = blocks.hub(sheet, top, content.hub, height=min(sheet.by(34), room * 0.4))
        room = sheet.bottom - _footer(sheet) - known - top - sheet.by(5) - texts
        places = (("FROM", content.return_to), ("TO", content.destination))
        top = _beside(sheet, top, *places, height=min(room, sheet.by(60)), sizes=TO_SIZES)
    else:
        parts = 39 + 80 + (44 if content.hub else 0)
        share = min(room / parts, 1.0)
        place = (sheet.left, top, sheet.full, 39 * share)
        top = blocks.address(sheet, *place, "FROM", content.return_to)
        top = blocks.hub(sheet, top, content.hub, height=44 * share)
        place = (sheet.left, top, sheet.full, 80 * share)
        top = blocks.address(sheet, *place, "TO", content.destination, sizes=TO_SIZES)
    due = blocks.day(content.due_date) if content.due_date else ""
    pieces = ("PIECES", str(len(content.pieces) or 1))
    if content.of_pieces:
        # How many they are stands above; this is the one to which the label belongs.
        pieces = ("PIECE", " ".join(content.pieces))
    pairs = [("DUE BACK", due), ("DELIVERY", content.delivery_method), pieces]
    pairs.append(("YOUR REFERENCE", content.partner_reference or ""))
    top = blocks.facts(sheet, top, pairs)
    top = _texts(sheet, top, content)
    blocks.footer(sheet, top, content)


def back(sheet: Sheet, content: SlipContent) -> None:
    """The other side of the paper, when it lies on the packing table upside down: where the item has to go back to."""
    blocks.tab(sheet, content.reference, "RETURN TO", blocks.code_of(content.return_to), content.return_to.name)
    top = blocks.heading(sheet, "Return to", content)
    room = sheet.bottom - _footer(sheet) - top - sheet.by(5)
    hub = min(sheet.by(44), room * 0.4)
    top = blocks.hub(sheet, top, content.hub, height=hub)
    room = sheet.bottom - _footer(sheet) - top - sheet.by(5)
    place = (sheet.left, top, sheet.full, min(room, max(sheet.by(110), 30.0)))
    top = blocks.address(sheet, *place, "RETURN TO", content.return_to, sizes=(32, 28, *TO_SIZES))
    top = _texts(sheet, top, content)
    blocks.footer(sheet, top, content)


def _beside(
    sheet: Sheet,
    top: float,
    first: tuple[str, Address],
    second: tuple[str, Address],
    *,
    height: float = 0.0,
    sizes: Sequence[float] = blocks.ADDRESS,
) -> float:
    """Two addresses beside each other, on a roll below each other."""
    height = height or _address_height(sheet)
    if sheet.form.narrow:
        top = blocks.address(sheet, sheet.left, top, sheet.full, height, *first)
        return blocks.address(sheet, sheet.left, top, sheet.full, height, *second)
    gap = max(sheet.by(5), 2.0)
    half = (sheet.full - gap) / 2
    blocks.address(sheet, sheet.left, top, half, height, *first)
    return blocks.address(sheet, sheet.left + half + gap, top, half, height, *second, sizes=sizes)


def _hub_height(sheet: Sheet) -> float:
    return sheet.by(28 if sheet.form.scale < TINY else 32)


def _address_height(sheet: Sheet) -> float:
    return sheet.by(38 if sheet.form.scale < TINY else 43)


def _for_item(sheet: Sheet, top: float, content: SlipContent) -> float:
    """How much of the rest of the paper the item may have."""
    return max(sheet.bottom - top - _least(sheet, content), sheet.by(21))


def _least(sheet: Sheet, content: SlipContent) -> float:
    """What is kept free for what stands under the item."""
    if sheet.form.endless:
        return 0.0
    if sheet.form.compact:
        return _footer(sheet) + (LINE + sheet.by(4) if content.conditions else 0.0)
    lists = sheet.by(26) if content.conditions or content.pieces else 0.0
    return _footer(sheet) + lists + (sheet.by(14) if content.note.strip() else 0.0) + sheet.by(4)


def _footer(sheet: Sheet) -> float:
    return max(sheet.by(6), 3.5)


def _rest(sheet: Sheet, top: float, content: SlipContent) -> None:
    """Conditions beside pieces, the note and the library's own lines, on what is left of the page."""
    if sheet.form.endless:
        top = blocks.listing(sheet, sheet.left, top, sheet.full, 70, "CONDITIONS", content.conditions, at_most_lines=3)
        top = blocks.listing(sheet, sheet.left, top + 1, sheet.full, 70, "PIECES", content.pieces, columns=2)
        if content.note.strip():
            blocks.note(sheet, top + 1, content.note, 22)
            top = sheet.lowest + 2
        top = _texts(sheet, top, content)
    elif sheet.form.compact:
        top = _compact_rest(sheet, top, content)
    else:
        note = sheet.by(14) if content.note.strip() else 0.0
        end = sheet.bottom - _footer(sheet)
        gap = max(sheet.by(5), 2.0)
        half = (sheet.full - gap) / 2
        height = min(end - note - 2 - top, 60.0)
        listed = blocks.listing(sheet, sheet.left, top, half, height, "CONDITIONS", content.conditions, at_most_lines=2)
        x = sheet.left + half + gap if content.conditions else sheet.left
        listed = max(listed, blocks.listing(sheet, x, top, half, height, "PIECES", content.pieces, columns=2))
        if note:
            blocks.note(sheet, end - note, content.note, note)
        _texts(sheet, listed, content, end=end - note)
    blocks.footer(sheet, top, content)


def _compact_rest(sheet: Sheet, top: float, content: SlipContent) -> float:
    """As much as there is room for: conditions, the note, pieces, the library's own lines, in this order."""
    end = sheet.bottom - _footer(sheet)
    lines = [("", "; ".join(content.conditions)), ("Note: ", content.note)]
    if content.pieces:
        more = f" and {len(content.pieces) - 3} more" if len(content.pieces) > 3 else ""
        lines.append(("Pieces: ", ", ".join(content.pieces[:3]) + more))
    for label, words in lines:
        if words.strip() and top + LINE <= end:
            sheet.fitted(sheet.left, top + LINE - 1, label + words, sheet.full, (8, 6.5), bold=not label)
            top += LINE
    return _texts(sheet, top, content)


def _kept_for_texts(sheet: Sheet, room: float, content: SlipContent) -> float:
    """What addresses that could fill the paper leave to the library's own lines: a fifth of the room at most."""
    shown = [words for words in content.texts if words.strip()]
    if not shown or sheet.form.endless:
        return 0.0
    size, step = _size_of_texts(sheet)
    _, lines = text.fit_lines(shown, sheet.full * mm, room / 5 * mm, [size])
    return len(lines) * step + 3


def _size_of_texts(sheet: Sheet) -> tuple[float, float]:
    """The size of the library's own lines, and how far they stand from each other."""
    size = max(sheet.points(10), 6.5)
    return size, size * text.LEADING / mm


def _texts(sheet: Sheet, top: float, content: SlipContent, *, end: float | None = None) -> float:
    """The library's own lines, as many as there is room for."""
    shown = [words for words in content.texts if words.strip()]
    if not shown:
        return top
    end = sheet.bottom - _footer(sheet) if end is None else end
    room = 40.0 if sheet.form.endless else end - top - 2
    size, step = _size_of_texts(sheet)
    if room < step:
        return top
    high = min(room, step * 6)
    if len(shown) > int(high / step):
        shown = [" · ".join(shown)]
    _, lines = text.fit_lines(shown, sheet.full * mm, high * mm, [size])
    begin = top + 2 if sheet.form.endless else end - len(lines) * step - 1
    return sheet.lines(sheet.left, begin, lines, size, sheet.full)


LAYOUTS: Mapping[str, Callable[[Sheet, SlipContent], None]] = {
    "routing": routing,
    "book_strap": book_strap,
    "return_slip": return_slip,
    "shipping": shipping,
}
