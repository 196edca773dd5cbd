"""The papers on which slips are printed, and the cells of a sheet that holds several."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ill_workflow.errors import BadInput
from ill_workflow.slips.content import Paper

INCH = 25.4  #: mm
mm = 72 / INCH  #: points
ENDLESS = 3000.0  #: mm; where the length of a paper is not known before everything stands on it


@dataclass(frozen=True, slots=True)
class Form:
    """A place for one slip. Lengths are millimetres."""

    width: float
    height: float
    margin: float  #: more than printers of this kind leave white
    tab: float  #: what sticks out of the item
    scale: float = 1.0  #: of what stands below the tab; nothing gets too small to be read
    compact: bool = False  #: what is least needed is left out
    thermal: bool = False  #: printed without greys
    beside: bool = False  #: the code stands beside the barcode, not below it
    narrow: bool = False  #: everything stands below each other
    endless: bool = False  #: as long as what stands on it
    modules: tuple[float, ...] = (0.38,)  #: widths of the narrowest bar, best first
    bars: float = 12.0  #: their height


LETTER = Form(8.5 * INCH, 11 * INCH, margin=12, tab=40, beside=True, bars=18)
A4 = replace(LETTER, width=210.0, height=297.0)
#: Label printers have 8 dots to the millimetre: 0.5 are four of them, 0.375 three.
FORMS: Mapping[Paper, Form] = {
    "letter": LETTER,
    "a4": A4,
    "a5": Form(148.0, 210.0, margin=9, tab=38, scale=0.78, beside=True, bars=16),
    "4x6": Form(
        4 * INCH,
        6 * INCH,
        margin=5,
        tab=33,
        scale=0.62,
        compact=True,
        thermal=True,
        modules=(0.5, 0.38),
        bars=15,
    ),
    # Sixteen characters fill what is printed, and the quiet zones are the white edges that the printer leaves.
    "roll80": Form(
        80.0,
        ENDLESS,
        margin=4,
        tab=34,
        scale=0.8,
        thermal=True,
        narrow=True,
        endless=True,
        modules=(0.5, 0.38, 0.34),
        bars=16,
    ),
}
COLUMNS = 2
CELLS: Mapping[tuple[str, int], Form] = {
    (paper, per_sheet): Form(
        form.width / COLUMNS,
        form.height * COLUMNS / per_sheet,
        margin=6,
        tab=32 if per_sheet == 4 else 25.5,
        scale=0.6 if per_sheet == 4 else 0.42,
        compact=True,
        bars=13 if per_sheet == 4 else 10,
    )
    for paper, form in (("letter", LETTER), ("a4", A4))
    for per_sheet in (4, 6)
}


def form_of(paper: Paper) -> Form:
    form = FORMS.get(paper)
    if form is None:
        raise BadInput(f"There is no paper called {paper}. There are {', '.join(FORMS)}.", field="paper")
    return form


def cell_of(paper: Paper, per_sheet: int) -> Form:
    """The place of one slip where several are printed on a sheet."""
    if per_sheet not in (1, 4, 6):
        raise BadInput(f"There are 1, 4 or 6 slips to a sheet, not {per_sheet}.", field="per_sheet")
    form = form_of(paper)
    if per_sheet == 1:
        return form
    if (paper, per_sheet) not in CELLS:
        raise BadInput(f"{per_sheet} slips to a sheet need Letter or A4.", field="per_sheet")
    return CELLS[paper, per_sheet]
