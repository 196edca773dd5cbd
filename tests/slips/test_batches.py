"""Many slips as one file: in order, several to a sheet, each back behind its front."""

from dataclasses import replace

import pytest
import zxingcpp

from ill_workflow.errors import BadInput
from ill_workflow.slips import render, render_batch
from tests.slips.reading import MINITEX, SLIP, in_a_row, on_paper, pages, scanned, text_of


def slips(count, **more):
    return [replace(SLIP, reference=f"XPX-{n}", title=f"Title number {n}.", **more) for n in range(count)]


def where(page):
    """The middle of each barcode on a page, in mm from the left and the top."""
    dpi = 150
    found = {}
    for code in zxingcpp.read_barcodes(on_paper(page, dpi)):
        corners = (code.position.top_left, code.position.bottom_right)
        found[code.text] = tuple(
            round(sum(getattr(corner, axis) for corner in corners) / 2 * 25.4 / dpi) for axis in ("x", "y")
        )
    return found


def test_a_batch_keeps_its_order_one_slip_to_a_page():
    found = pages(render_batch(slips(5)))

    assert [f"Title number {n}." in page.get_textpage().get_text_range() for n, page in enumerate(found)] == [True] * 5


def test_each_slip_of_a_batch_may_have_its_own_paper():
    mixed = [replace(SLIP, paper=paper) for paper in ("letter", "4x6", "roll80")]

    assert [round(page.get_size()[0] * 25.4 / 72) for page in pages(render_batch(mixed))] == [216, 102, 80]
    assert [round(page.get_size()[0] * 25.4 / 72) for page in pages(render_batch(mixed, paper="a5"))] == [148] * 3


@pytest.mark.parametrize(("per_sheet", "sheets"), [(4, 3), (6, 2)])
@pytest.mark.parametrize("paper", ["letter", "a4"])
def test_several_to_a_sheet_are_read_row_by_row(per_sheet, sheets, paper):
    found = pages(render_batch(slips(9), per_sheet=per_sheet, paper=paper))

    assert len(found) == sheets
    numbers = []
    for page in found:
        places = where(page)
        numbers += sorted(places, key=lambda reference: (round(places[reference][1], -1), places[reference][0]))
    assert numbers == [f"XPX-{n}" for n in range(9)]


@pytest.mark.parametrize("per_sheet", [4, 6])
@pytest.mark.parametrize("paper", ["letter", "a4"])
def test_printed_on_both_sides_each_back_lies_behind_its_front(per_sheet, paper):
    front, back = pages(render_batch(slips(per_sheet, duplex=True), per_sheet=per_sheet, paper=paper))

    width = front.get_size()[0] * 25.4 / 72
    fronts, backs = where(front), where(back)
    assert len(fronts) == per_sheet
    for reference, (x, y) in fronts.items():
        behind, same = backs[reference]
        assert behind == pytest.approx(width - x, abs=1)
        assert same == pytest.approx(y, abs=1)


def test_a_back_says_where_to_return_it_and_scans_too():
    for paper in ("letter", "a5", "4x6", "roll80"):
        front, back = pages(render(replace(SLIP, paper=paper, duplex=True)))
        said = in_a_row(back.get_textpage().get_text_range())
        for words in ("RETURN TO", "NFC", SLIP.return_to.name, *SLIP.return_to.lines, "SHIP VIA HUB", MINITEX.name):
            assert in_a_row(words) in said
        assert in_a_row(SLIP.title) not in said
        assert scanned(on_paper(back, 203)) == scanned(on_paper(front, 203)) == ["XPX-1042"]


def test_where_one_slip_has_a_back_the_others_have_a_white_one():
    found = pages(render_batch([SLIP, replace(SLIP, duplex=True), SLIP]))

    assert [bool(page.get_textpage().get_text_range()) for page in found] == [True, False, True, True, True, False]


def test_equal_batches_are_equal_bytes():
    batch = slips(5, duplex=True, author="紅樓夢 हिन्दी")

    assert render_batch(batch, per_sheet=4) == render_batch(list(batch), per_sheet=4)
    assert render_batch(batch, per_sheet=4) != render_batch(batch[::-1], per_sheet=4)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"per_sheet": 4, "paper": "a5"}, "per_sheet"),
        ({"per_sheet": 6, "paper": "roll80"}, "per_sheet"),
        ({"per_sheet": 5}, "per_sheet"),
        ({"paper": "papyrus"}, "paper"),
    ],
)
def test_what_can_not_be_printed_is_refused(more, field):
    with pytest.raises(BadInput) as refused:
        render_batch(slips(2), **more)

    assert refused.value.field == field


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(BadInput):
        render_batch([])


def test_one_bad_reference_refuses_the_batch_before_anything_is_drawn():
    with pytest.raises(BadInput) as refused:
        render_batch([*slips(3), replace(SLIP, reference="本")], per_sheet=4)

    assert refused.value.field == "reference"


def test_a_large_batch_holds_together():
    said = text_of(render_batch(slips(60), per_sheet=6))

    assert all(f"Title number {n}." in said for n in range(60))
