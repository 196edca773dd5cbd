"""How eyes and scanners read a slip: its letters, its ink, its barcodes."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pypdfium2
import zxingcpp

from ill_workflow.slips import Address, SlipContent
from ill_workflow.slips.papers import CELLS, FORMS, Form

LONGEST_REFERENCE = "1234a1234a1234a1"
MINITEX = Address(
    "Minitex ILL",
    ("15 Andersen Library", "University of Minnesota", "222 21st Ave S", "Minneapolis, MN 55455"),
    "MTX",
)
RIVERSIDE = Address("Riverside Public Library", ("480 River Street", "Riverside, WI 53999"), "RVS-12")
NORTHFIELD = Address("Northfield College Library", ("1 College Street North", "Northfield, MN 55057"), "NFC")
SLIP = SlipContent(
    layout="routing",
    reference="XPX-1042",
    title="The Master and Margarita",
    author="Bulgakov, Mikhail",
    volume="vol. 2",
    call_number="PG3476.B78",
    location="Main stacks, level 3",
    due_date=date(2026, 12, 22),
    conditions=("Library use only",),
    pieces=("31951000123456", "31951000123457"),
    partner_reference="RVS-2026-00871",
    hold_code="KLM-4821",
    destination=RIVERSIDE,
    hub=MINITEX,
    return_to=NORTHFIELD,
    library_name="Northfield College Library",
    delivery_method="Courier",
    note="Slight wear on the spine.",
    printed_by="A. Berg",
    printed_at=datetime(2026, 11, 24, 13, 2, tzinfo=UTC),
)
LONG_PLACE = Address(
    "A very long name of a library " * 20, tuple(f"{n} " + "Long Street " * 30 for n in range(30)), "W" * 90
)
CROWDED = SlipContent(
    layout="routing",
    reference="XPX-1042",
    title="W" * 10_000,
    author="Ω" * 10_000,
    volume="v" * 900,
    call_number="Q" * 900,
    location="漢字 " * 900,
    due_date=date(2026, 12, 22),
    conditions=tuple(f"Condition {n} " + "word " * 90 for n in range(500)),
    pieces=tuple(f"3195100{n:07}" for n in range(500)),
    partner_reference="R" * 900,
    hold_code="X" * 900,
    destination=LONG_PLACE,
    hub=LONG_PLACE,
    return_to=LONG_PLACE,
    library_name="L" * 900,
    delivery_method="courier " * 90,
    note="note " * 900,
    printed_by="P" * 900,
    printed_at=datetime(2026, 11, 24, 13, 2, tzinfo=UTC),
    of_pieces=(2, 3),
    texts=tuple("Open from nine to five. " * 40 for _ in range(40)),
)

#: Every place in which a slip is drawn: (paper, slips to a sheet).
PLACES = [(paper, 1) for paper in FORMS] + list(CELLS)


def form_in(place: tuple[str, int]) -> Form:
    paper, per_sheet = place
    return FORMS[paper] if per_sheet == 1 else CELLS[place]


def pages(pdf: bytes) -> list[pypdfium2.PdfPage]:
    return list(pypdfium2.PdfDocument(pdf))


def text_of(pdf: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in pages(pdf))


def in_a_row(words: str) -> str:
    """Words as they are, wherever lines are broken."""
    return "".join(words.split())


def letters(words: str) -> list[str]:
    """The letters of words in no order: readers differ in how they order what runs from right to left."""
    return sorted(c for c in unicodedata.normalize("NFKD", words) if unicodedata.category(c)[0] in "LMN")


def on_paper(page: pypdfium2.PdfPage, dpi: int, *, box: tuple[float, float, float, float] | None = None) -> np.ndarray:
    """What a printer without greys makes of a page or a box of it (left, top, right, bottom in mm): 0 is black."""
    width, height = page.get_size()
    crop = (0.0, 0.0, 0.0, 0.0)
    if box:
        left, top, right, bottom = (length * 72 / 25.4 for length in box)
        crop = (left, max(height - bottom, 0), max(width - right, 0), top)
    grey = page.render(scale=dpi / 72, grayscale=True, crop=crop).to_numpy().squeeze()
    return np.where(grey < 128, 0, 255).astype(np.uint8)


def scanned(paper: np.ndarray) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(paper)]


def ink(paper: np.ndarray, dpi: int) -> tuple[float, float, float, float]:
    """The box that all ink is in, in mm: left, top, right, bottom."""
    rows, columns = np.nonzero((paper == 0).any(axis=1))[0], np.nonzero((paper == 0).any(axis=0))[0]
    return tuple(float(dots) * 25.4 / dpi for dots in (columns[0], rows[0], columns[-1], rows[-1]))


def texts_on(page: pypdfium2.PdfPage) -> Iterator[tuple[float, float, float, float]]:
    """The boxes of what is written: left, bottom, right, top in points."""
    for thing in page.get_objects():
        if thing.type == 1:
            yield thing.get_bounds()
