"""Where things stand on the four slips; above the fold they are all alike, so that one movement scans any of them."""

from collections.abc import Callable, Mapping, Sequence

from ill_workflow.errors import BadInput
from ill_workflow.slips import blocks
from ill_workflow.slips.content import Paper, SlipContent
from ill_workflow.slips.sheet import BOTTOM, LEFT, RIGHT, Sheet

GAP = 5.0
FULL = RIGHT - LEFT
HALF = (FULL - GAP) / 2
SECOND = LEFT + HALF + GAP


def render(content: SlipContent) -> bytes:
    """The slip as a PDF of one Letter page; refuses a reference that can't be scanned."""
    return render_batch([content])


def render_batch(contents: Sequence[SlipContent], *, per_sheet: int = 1, paper: Paper | None = None) -> bytes:
    """Many slips as one PDF, 1, 4 or 6 to a sheet."""
    if not contents:
        raise BadInput("There is no slip to print.", field="contents")
    if per_sheet not in (1, 4, 6):
        raise BadInput(f"There are 1, 4 or 6 slips to a sheet, not {per_sheet}.", field="per_sheet")
    if per_sheet > 1 and (paper or contents[0].paper) not in ("letter", "a4"):
        raise BadInput("Several slips to a sheet need Letter or A4.", field="per_sheet")
    sheet = Sheet(f"{contents[0].reference} {contents[0].layout.replace('_', ' ')}")
    for number, content in enumerate(contents):
        draw = LAYOUTS.get(content.layout)
        if draw is None:
            raise BadInput(f"There is no slip called {content.layout}.", field="layout")
        if number:
            sheet.next_page()
        draw(sheet, content)
    return sheet.as_pdf()


def routing(sheet: Sheet, content: SlipContent) -> None:
    """Lies in an item that we lend, from the shelf to the borrower and back."""
    blocks.tab(sheet, content.reference, "SHIP TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Lending routing slip", content)
    top = blocks.hub(sheet, top, content.hub)
    blocks.address(sheet, LEFT, top, HALF, 43, "DELIVER TO", content.destination)
    blocks.address(sheet, SECOND, top, HALF, 43, "RETURN TO", content.return_to)
    top = blocks.item(sheet, top + 43 + GAP, content, due="DUE BACK", shelf=True)
    _terms(sheet, top, content)


def book_strap(sheet: Sheet, content: SlipContent) -> None:
    """Is wrapped around a borrowed item while our patron has it; the hold shelf is sorted by its code."""
    blocks.tab(sheet, content.reference, "HOLD SHELF", content.hold_code or "—", content.library_name)
    top = blocks.heading(sheet, "Interlibrary loan", content)
    sheet.paragraph(LEFT, top, ["Please leave this strap on the item until it is back."], FULL, 8, [13, 11])
    top = blocks.item(sheet, top + 10, content, due="DUE BACK", shelf=False)
    blocks.address(sheet, LEFT, top, HALF, 43, "RETURN TO", content.return_to)
    blocks.address(sheet, SECOND, top, HALF, 43, "LENT BY", content.destination)
    _terms(sheet, top + 43 + GAP, content)


def return_slip(sheet: Sheet, content: SlipContent) -> None:
    """Travels home with a borrowed item."""
    blocks.tab(sheet, content.reference, "RETURN TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Return slip", content)
    top = blocks.hub(sheet, top, content.hub)
    if content.return_to == content.destination:
        blocks.address(sheet, LEFT, top, FULL, 43, "RETURN TO", content.return_to, sizes=(16, 14, 12, 11, 10, 9, 8, 7))
    else:
        blocks.address(sheet, LEFT, top, HALF, 43, "RETURN TO", content.return_to)
        blocks.address(sheet, SECOND, top, HALF, 43, "LENDER", content.destination)
    top = blocks.item(sheet, top + 43 + GAP, content, due="DUE BACK", shelf=True)
    _terms(sheet, top, content)


def shipping(sheet: Sheet, content: SlipContent) -> None:
    """Goes on the outside of the parcel, where neither the title nor the patron is anybody's business."""
    blocks.tab(sheet, content.reference, "SHIP TO", blocks.code_of(content.destination), content.destination.name)
    top = blocks.heading(sheet, "Shipping label", content)
    blocks.address(sheet, LEFT, top, FULL, 39, "FROM", content.return_to)
    top = blocks.hub(sheet, top + 39 + GAP, content.hub, height=44)
    blocks.address(sheet, LEFT, top, FULL, 80, "TO", content.destination, sizes=(24, 20, 17, 14, 12, 10, 9, 8, 7))
    top = top + 80 + GAP
    facts = [("DELIVERY", content.delivery_method), ("PIECES", str(len(content.pieces) or 1))]
    if content.partner_reference:
        facts.append(("YOUR REFERENCE", content.partner_reference))
    blocks.facts(sheet, top, facts)


def _terms(sheet: Sheet, top: float, content: SlipContent) -> None:
    """Conditions beside pieces, and the note, on what is left of the page."""
    note = 14.0 if content.note.strip() else 0.0
    height = min(BOTTOM - blocks.FOOTER - note - 2 - top, 60.0)
    blocks.listing(sheet, LEFT, top, HALF, height, "CONDITIONS", content.conditions, at_most_lines=2)
    beside = SECOND if content.conditions else LEFT
    blocks.listing(sheet, beside, top, HALF, height, "PIECES", content.pieces, columns=2)
    if note:
        blocks.note(sheet, BOTTOM - blocks.FOOTER - note, content.note)


LAYOUTS: Mapping[str, Callable[[Sheet, SlipContent], None]] = {
    "routing": routing,
    "book_strap": book_strap,
    "return_slip": return_slip,
    "shipping": shipping,
}
