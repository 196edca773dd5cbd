"""What a librarian, a courier and a scanner find on the paper."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import get_args

import numpy as np
import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from ill_workflow.errors import BadInput
from ill_workflow.slips import Address, Layout, SlipContent, render
from ill_workflow.slips.reference_barcode import MODULE, modules

LAYOUTS = get_args(Layout)
REFERENCES = ["XPX-1042", "XPX-1042-2", "!\"#$%&'()*+,-./:", "xpx-1042", "1042", "a b", "1234a1234a1234a1"]
TAB = 40  # mm

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
CROWDED = replace(
    SLIP,
    title="W" * 10_000,
    author="Ω" * 10_000,
    volume="v" * 900,
    call_number="Q" * 900,
    location="漢字 " * 900,
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
)


def page(pdf: bytes) -> pypdfium2.PdfPage:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return document[0]


def text_of(pdf: bytes) -> str:
    return str(page(pdf).get_textpage().get_text_range())


def on_paper(pdf: bytes, dpi: int) -> np.ndarray:
    """What a printer without greys makes of the page: 0 is black, 255 white."""
    grey = page(pdf).render(scale=dpi / 72, grayscale=True).to_numpy().squeeze()
    return np.where(grey < 128, 0, 255).astype(np.uint8)


def sticking_out(pdf: bytes, dpi: int) -> np.ndarray:
    """The page with all but its tab inside the item."""
    paper = on_paper(pdf, dpi)
    paper[int(TAB / 25.4 * dpi) :] = 255
    return paper


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dpi", [203, 300])
def test_the_barcode_scans_while_the_rest_is_inside_the_item(layout, reference, dpi):
    pdf = render(replace(SLIP, layout=layout, reference=reference))

    assert [found.text for found in zxingcpp.read_barcodes(sticking_out(pdf, dpi))] == [reference]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_barcode_scans_however_crowded_the_slip(layout):
    pdf = render(replace(CROWDED, layout=layout))

    assert [found.text for found in zxingcpp.read_barcodes(sticking_out(pdf, 203))] == ["XPX-1042"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_barcode_scans_in_the_half_that_a_lengthwise_fold_leaves(layout):
    paper = sticking_out(render(replace(SLIP, layout=layout, reference="1234a1234a1234a1")), 203)

    right_half = np.ascontiguousarray(paper[:, paper.shape[1] // 2 :])

    assert [found.text for found in zxingcpp.read_barcodes(right_half)] == ["1234a1234a1234a1"]


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


@pytest.mark.parametrize(
    "title", ["Ἡ Ὀδύσσεια καὶ ἡ Ἰλιάς", "Мастер и Маргарита", "Łódź, naïve café", "Thép đã tôi thế đấy"]
)
@pytest.mark.parametrize("layout", ["routing", "book_strap", "return_slip"])
def test_titles_keep_their_letters(layout, title):
    assert title in text_of(render(replace(SLIP, layout=layout, title=title)))


def test_letters_and_accents_that_came_apart_are_joined():
    assert "café" in text_of(render(replace(SLIP, title="cafe\N{COMBINING ACUTE ACCENT}")))


def test_what_the_font_has_not_is_replaced_visibly_and_what_nobody_sees_is_dropped():
    said = text_of(render(replace(SLIP, title="本 So\u200bft\u00ad ly\x00\x1b sa\u202eid")))

    assert "\N{REPLACEMENT CHARACTER} Soft ly said" in said


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


def test_a_crowded_address_keeps_its_town():
    place = Address("Main Library", (*(f"Department {n} " + "of this and that " * 9 for n in range(40)), "Minneapolis"))

    for layout in LAYOUTS:
        assert "Minneapolis" in text_of(render(replace(SLIP, layout=layout, destination=place)))


def text_boxes(pdf: bytes) -> list[tuple[float, float, float, float]]:
    return [thing.get_bounds() for thing in page(pdf).get_objects() if thing.type == 1]


@pytest.mark.parametrize("hub", [None, LONG_PLACE])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_however_crowded_nothing_overlaps_or_leaves_the_page(layout, hub):
    pdf = render(replace(CROWDED, layout=layout, hub=hub))

    boxes = text_boxes(pdf)

    assert len(boxes) > 10
    for left, bottom, right, top in boxes:
        assert left > 25
        assert bottom > 25
        assert right < 612 - 25
        assert top < 792 - 15
    for number, (left, bottom, right, top) in enumerate(boxes):
        for left2, bottom2, right2, top2 in boxes[number + 1 :]:
            beside = right <= left2 + 0.5 or right2 <= left + 0.5
            below = top <= bottom2 + 1.5 or top2 <= bottom + 1.5
            assert beside or below


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.sampled_from(LAYOUTS))
def test_any_title_makes_one_page(title, layout):
    slip = replace(
        SLIP, layout=layout, title=title, author=title, note=title, hold_code=title, conditions=(title, title)
    )

    page(render(replace(slip, destination=Address(title, (title,), title))))


def test_half_a_character_makes_a_page_too():
    page(render(replace(SLIP, title="\ud83d lone")))
