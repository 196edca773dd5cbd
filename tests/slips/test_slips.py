"""What a librarian, a courier and a scanner find on the paper."""

from dataclasses import fields, replace
from typing import get_args

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ill_workflow.errors import BadInput
from ill_workflow.slips import Layout, SlipContent, render
from ill_workflow.slips.reference_barcode import MODULE, modules
from tests.slips.reading import CROWDED, MINITEX, NORTHFIELD, RIVERSIDE, SLIP, on_paper, pages, scanned, text_of

LAYOUTS = get_args(Layout)
REFERENCES = ["XPX-1042", "XPX-1042-2", "!\"#$%&'()*+,-./:", "xpx-1042", "1042", "a b", "1234a1234a1234a1"]
TAB = 40  # mm


def page(pdf: bytes) -> pypdfium2.PdfPage:
    (only,) = pages(pdf)
    return only


def sticking_out(pdf: bytes, dpi: int) -> np.ndarray:
    """The page with all but its tab inside the item."""
    paper = on_paper(page(pdf), dpi)
    paper[int(TAB / 25.4 * dpi) :] = 255
    return paper


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dpi", [203, 300])
def test_the_barcode_scans_while_the_rest_is_inside_the_item(layout, reference, dpi):
    pdf = render(replace(SLIP, layout=layout, reference=reference))

    assert scanned(sticking_out(pdf, dpi)) == [reference]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_barcode_scans_in_the_half_that_a_lengthwise_fold_leaves(layout):
    paper = sticking_out(render(replace(SLIP, layout=layout, reference="1234a1234a1234a1")), 203)

    right_half = np.ascontiguousarray(paper[:, paper.shape[1] // 2 :])

    assert scanned(right_half) == ["1234a1234a1234a1"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=16))
def test_every_reference_finds_room_in_half_a_page(reference):
    assert len(modules(reference)) * MODULE < 215.9 / 2 - 12


@pytest.mark.parametrize(
    "reference", ["", "X" * 17, "XPX–1042", "本", "XPX\t1042", "XPX\x7f", "XPX-1042\n", " XPX-1042", " "]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_reference_that_could_not_be_scanned_is_refused(layout, reference):
    with pytest.raises(BadInput) as refused:
        render(replace(SLIP, layout=layout, reference=reference))

    assert refused.value.field == "reference"


def test_an_unknown_layout_is_refused():
    with pytest.raises(BadInput) as refused:
        render(replace(SLIP, layout="postcard"))

    assert refused.value.field == "layout"


def test_a_routing_slip_says_where_it_goes_and_how_it_comes_back():
    said = text_of(render(SLIP))

    for words in ("SHIP VIA HUB", "RETURN TO", "DELIVER TO", "22 Dec 2026", "XPX-1042", "RVS-2026-00871"):
        assert words in said
    for words in (
        SLIP.title,
        SLIP.author,
        SLIP.volume,
        SLIP.call_number,
        SLIP.location,
        *SLIP.conditions,
        *SLIP.pieces,
    ):
        assert words in said
    for place in (MINITEX, RIVERSIDE, NORTHFIELD):
        assert place.name in said
        assert place.delivery_code in said
        for line in place.lines:
            assert line in said


def test_without_a_hub_there_is_no_word_of_one():
    assert "HUB" not in text_of(render(replace(SLIP, hub=None)))


def test_a_book_strap_shows_the_hold_code_and_what_the_lender_asks():
    said = text_of(render(replace(SLIP, layout="book_strap")))

    for words in ("KLM-4821", "22 Dec 2026", SLIP.title, *SLIP.conditions, *SLIP.pieces, "RETURN TO", "LENT BY"):
        assert words in said


def test_a_return_slip_sends_the_item_home_through_the_hub():
    home = replace(SLIP, layout="return_slip", destination=NORTHFIELD, return_to=NORTHFIELD)

    said = text_of(render(home))

    for words in ("SHIP VIA HUB", "MTX", "RETURN TO", "NFC", *NORTHFIELD.lines, *MINITEX.lines, SLIP.title):
        assert words in said


def test_a_shipping_label_shows_both_ends_and_not_what_is_inside():
    said = text_of(render(replace(SLIP, layout="shipping")))

    for words in ("FROM", "TO", "SHIP VIA HUB", *RIVERSIDE.lines, *NORTHFIELD.lines, *MINITEX.lines, "RVS-12"):
        assert words in said
    assert SLIP.title not in said
    assert "KLM-4821" not in said


def test_a_copy_is_not_asked_back():
    said = text_of(render(replace(SLIP, service="copy", due_date=None)))

    assert "Not to be returned" in said
    assert "DUE BACK" not in said


def test_there_is_no_place_for_a_patrons_name():
    assert not [field.name for field in fields(SlipContent) if "patron" in field.name]


def test_the_hold_code_is_nobody_elses_business():
    for layout in ("routing", "return_slip", "shipping"):
        assert "KLM" not in text_of(render(replace(SLIP, layout=layout)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_slip_is_the_same_bytes(layout):
    slip = replace(SLIP, layout=layout)

    assert render(slip) == render(replace(slip))
    assert render(slip) != render(replace(slip, reference="XPX-1043"))


def test_what_does_not_fit_is_counted():
    said = text_of(render(replace(CROWDED, destination=RIVERSIDE)))

    more = [line for line in said.splitlines() if "more" in line]
    assert len(more) == 2
    shown = said.count("3195100")
    assert f"and {500 - shown} more" in said
    assert f"and {500 - said.count('Condition ')} more" in said


def test_one_condition_too_many_is_never_hidden_behind_a_line_that_it_would_fill():
    for count in range(1, 40):
        slip = replace(SLIP, pieces=tuple(f"3195100{n:07}" for n in range(count)))
        said = text_of(render(slip))
        shown = said.count("3195100")
        assert shown == count or f"and {count - shown} more" in said
