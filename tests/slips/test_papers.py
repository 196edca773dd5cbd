"""Every slip on every paper, alone and several to a sheet: its top band scans, what matters is there and in place."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from ill_workflow.errors import BadInput
from ill_workflow.slips import PAPERS, Address, Layout, render, render_batch
from ill_workflow.slips.reference_barcode import QUIET_ZONE
from tests.slips.reading import (
    CROWDED,
    LONG_PLACE,
    LONGEST_REFERENCE,
    MINITEX,
    NORTHFIELD,
    PLACES,
    RIVERSIDE,
    SLIP,
    form_in,
    in_a_row,
    ink,
    on_paper,
    pages,
    scanned,
    text_of,
    texts_on,
)

pytestmark = pytest.mark.long

LAYOUTS = get_args(Layout)
SIZES = {"letter": (215.9, 279.4), "a4": (210, 297), "a5": (148, 210), "4x6": (101.6, 152.4)}  # mm


def first_in(place, slip):
    """The page on which a slip stands in the first place of its sheet."""
    paper, per_sheet = place
    (page,) = pages(render_batch([slip], per_sheet=per_sheet, paper=paper))
    return page


def resolutions(paper):
    """Office printers, and the label printers of small papers."""
    return (150, 203) if paper in ("4x6", "roll80") else (150,)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_longest_barcode_scans_from_the_top_band_alone(layout, place):
    form = form_in(place)
    page = first_in(place, replace(SLIP, layout=layout, reference=LONGEST_REFERENCE))

    for dpi in resolutions(place[0]):
        band = on_paper(page, dpi, box=(0, 0, form.width, form.tab - 1))
        assert scanned(band) == [LONGEST_REFERENCE]


@pytest.mark.parametrize("place", PLACES)
def test_the_barcode_scans_however_crowded_the_slip(place):
    form = form_in(place)
    for layout in LAYOUTS:
        band = on_paper(first_in(place, replace(CROWDED, layout=layout)), 150, box=(0, 0, form.width, form.tab - 1))
        assert scanned(band) == ["XPX-1042"]


@pytest.mark.parametrize("place", [place for place in PLACES if place[1] > 1])
def test_each_cell_of_a_sheet_has_a_top_band_of_its_own(place):
    paper, per_sheet = place
    form = form_in(place)
    slips = [replace(SLIP, layout=LAYOUTS[n % 4], reference=f"1234a1234a1234-{n}") for n in range(per_sheet)]
    (page,) = pages(render_batch(slips, per_sheet=per_sheet, paper=paper))

    for number, slip in enumerate(slips):
        row, column = divmod(number, 2)
        x, y = column * form.width, row * form.height
        assert scanned(on_paper(page, 150, box=(x, y, x + form.width, y + form.tab - 1))) == [slip.reference]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reference", ["1", "XPX-1042", LONGEST_REFERENCE])
def test_bars_are_wide_and_have_white_beside_them(place, reference):
    """0.38 mm and ten modules; on the roll sixteen characters have 0.34 mm, or they would not fit across."""
    dpi, form = 600, form_in(place)
    page = first_in(place, replace(SLIP, reference=reference, hold_code="", destination=replace(RIVERSIDE, name="")))
    middle = 4 + form.bars / 2 if not form.beside else 8 + form.bars / 2
    from_left = form.width / 2 if form.beside and form.width > 200 else 0 if not form.beside else form.width * 0.38
    row = on_paper(page, dpi, box=(from_left, middle - 1, form.width, middle + 1))[20]
    black = np.nonzero(row == 0)[0]
    edges = np.nonzero(np.diff(row.astype(int)))[0]
    module = float(np.diff(edges).min()) * 25.4 / dpi

    widest = 0.34 if place[0] == "roll80" and len(reference) == 16 else 0.38
    assert module > widest - 0.05
    white = min(black[0], len(row) - black[-1]) * 25.4 / dpi
    assert white >= QUIET_ZONE * widest - 0.2


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_matters_most_is_on_the_smallest_paper_too(layout, place):
    said = in_a_row(text_of(render_batch([replace(SLIP, layout=layout)], per_sheet=place[1], paper=place[0])))

    matters = ["XPX-1042", "22 Dec 2026", *RIVERSIDE.lines, *NORTHFIELD.lines, "RVS-12", "NFC"]
    matters += [SLIP.title] if layout != "shipping" else []
    matters += ["KLM-4821"] if layout == "book_strap" else ["SHIP VIA HUB", "MTX", *MINITEX.lines]
    for words in matters:
        assert in_a_row(words) in said


@pytest.mark.parametrize("paper", SIZES)
def test_a_page_has_the_size_of_its_paper(paper):
    (page,) = pages(render(replace(SLIP, paper=paper)))

    assert [round(points * 25.4 / 72, 1) for points in page.get_size()] == list(SIZES[paper])


def test_a_roll_is_cut_where_the_slip_ends():
    def length(**more):
        (page,) = pages(render(replace(SLIP, paper="roll80", **more)))
        width, height = page.get_size()
        assert round(width * 25.4 / 72, 1) == 80
        end = ink(on_paper(page, 72), 72)[3]
        assert 0 < height * 25.4 / 72 - end < 8
        return height

    assert length() < length(title="A long title " * 20) < length(title="A long title " * 20, texts=("Hours",) * 5)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", [*LAYOUTS, "back"])
@pytest.mark.parametrize("hub", [None, LONG_PLACE])
def test_however_crowded_nothing_overlaps_or_leaves_the_place(layout, place, hub):
    paper, per_sheet = place
    slip = replace(CROWDED, hub=hub, layout="routing" if layout == "back" else layout, duplex=layout == "back")
    page = pages(render_batch([slip], per_sheet=per_sheet, paper=paper))[-1]
    form = form_in(place)
    width, height = page.get_size()
    # A back lies behind its front: in the other column.
    x = (width - form.width * 72 / 25.4) if layout == "back" else 0.0
    right_edge, bottom_edge = x + form.width * 72 / 25.4, max(height - form.height * 72 / 25.4, 0)
    margin = 10  # points: 3.5 mm

    boxes = list(texts_on(page))

    assert len(boxes) > 8
    for left, bottom, right, top in boxes:
        assert left > x + margin
        assert right < right_edge - margin
        assert bottom > bottom_edge + margin
        assert top < height - margin
    for number, (left, bottom, right, top) in enumerate(boxes):
        for left2, bottom2, right2, top2 in boxes[number + 1 :]:
            beside = right <= left2 + 0.5 or right2 <= left + 0.5
            below = top <= bottom2 + 1.5 or top2 <= bottom + 1.5
            assert beside or below


@pytest.mark.parametrize("place", PLACES)
def test_ink_keeps_off_the_edges_that_printers_leave_white(place):
    form, dpi = form_in(place), 72
    page = first_in(place, CROWDED)
    height = page.get_size()[1] * 25.4 / 72 if place[1] == 1 else form.height - 6
    above = ink(on_paper(page, dpi, box=(0, 0, form.width, form.tab - 1)), dpi)
    below = ink(on_paper(page, dpi, box=(0, form.tab + 1, form.width - 0.5, height)), dpi)

    for left, _, right, _ in (above, below):
        assert left > 3.4
        assert right < form.width - 3.4
    assert above[1] > 3.4
    assert below[3] + form.tab + 1 < height - 3.4 if place[1] == 1 else True


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_of_several_pieces_says_which(layout, place):
    paper, per_sheet = place

    def said(slip):
        return text_of(render_batch([slip], per_sheet=per_sheet, paper=paper))

    assert "2 of 3" in said(replace(SLIP, layout=layout, of_pieces=(2, 3)))
    assert "2 of 3" not in said(replace(SLIP, layout=layout))


@pytest.mark.parametrize("place", PLACES)
def test_a_crowded_address_keeps_its_town(place):
    crowded = Address("Main Library", (*(f"Department {n} " + "of this and that " * 9 for n in range(40)), "Uptown"))
    for layout in LAYOUTS:
        slip = replace(SLIP, layout=layout, destination=crowded)
        assert "Uptown" in text_of(render_batch([slip], per_sheet=place[1], paper=place[0]))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_long_code_leaves_room_for_the_address(layout, place):
    coded = replace(NORTHFIELD, delivery_code="NORTH-" * 20)
    slip = replace(SLIP, layout=layout, destination=coded, return_to=coded)
    said = in_a_row(text_of(render_batch([slip], per_sheet=place[1], paper=place[0])))

    for words in (NORTHFIELD.name, *NORTHFIELD.lines):
        assert in_a_row(words) in said


@pytest.mark.parametrize("place", PLACES)
def test_conditions_are_said_on_the_smallest_paper_too(place):
    for layout in ("routing", "book_strap", "return_slip"):
        slip = replace(SLIP, layout=layout, title="A title of some length " * 12)
        assert "Library use only" in text_of(render_batch([slip], per_sheet=place[1], paper=place[0]))


def test_the_librarys_own_lines_are_printed():
    for paper in PAPERS:
        assert "Open Mon–Fri 9–17" in text_of(render(replace(SLIP, paper=paper, texts=("", "Open Mon–Fri 9–17"))))


@pytest.mark.parametrize("place", PLACES)
def test_a_label_has_room_for_the_librarys_own_lines_with_a_hub_and_without(place):
    for hub in (SLIP.hub, None):
        label = replace(SLIP, layout="shipping", hub=hub, texts=("Open Mon–Fri 9–17", "Thank you"))
        said = text_of(render_batch([label], per_sheet=place[1], paper=place[0]))
        for words in (*label.texts, *RIVERSIDE.lines, *NORTHFIELD.lines):
            assert words in said


def test_an_unknown_paper_is_refused():
    with pytest.raises(BadInput) as refused:
        render(replace(SLIP, paper="papyrus"))

    assert refused.value.field == "paper"
