"""A walk along the shelves with a list in the hand and a scanner on the desk."""

import re
from datetime import UTC, date, datetime

import pytest

from ill_workflow.errors import BadInput
from ill_workflow.slips import PAPERS
from ill_workflow.slips.pull_list import PullLine, render_pull_list
from tests.slips.reading import in_a_row, on_paper, pages, scanned, text_of, texts_on

AT = datetime(2026, 11, 24, 13, 2, tzinfo=UTC)
SHELVES = ("Main stacks, level 2", "Main stacks, level 3", "Storage")


def wanted(count, **more):
    return [
        PullLine(
            reference=f"XPX-{1000 + n}",
            title=f"Title number {n}.",
            author="Austen, Jane",
            call_number=f"PR {4000 + n}",
            location=SHELVES[n * 3 // count],
            partner="Riverside",
            need_by=date(2026, 12, 3),
            **more,
        )
        for n in range(count)
    ]


def printed(lines, paper="letter"):
    return render_pull_list("Northfield College Library", AT, "A. Berg", lines, paper=paper)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_list_keeps_the_order_of_the_shelves(paper):
    said = text_of(printed(wanted(12), paper))

    assert re.findall(r"PR (\d+)", said) == [str(4000 + n) for n in range(12)]
    places = [said.index(shelf) for shelf in SHELVES]
    assert places == sorted(places)
    for words in ("Pull list · 12 to fetch", "Printed Tue 24 Nov 2026 13:02 by A. Berg", "Need by 3 Dec 2026"):
        assert words in said


@pytest.mark.parametrize("paper", PAPERS)
def test_every_line_has_a_barcode_that_scans(paper):
    found = [code for page in pages(printed(wanted(7), paper)) for code in scanned(on_paper(page, 203))]

    assert sorted(found) == [f"XPX-{1000 + n}" for n in range(7)]


@pytest.mark.parametrize("paper", ["letter", "a5", "roll80"])
def test_the_longest_references_scan_too(paper):
    lines = [PullLine(reference=f"1234a1234a1234-{n}", title="T") for n in range(3)]
    found = [code for page in pages(printed(lines, paper)) for code in scanned(on_paper(page, 203))]

    assert sorted(found) == [line.reference for line in lines]


def test_each_place_has_its_heading_once_and_again_where_a_page_begins():
    found = [page.get_textpage().get_text_range() for page in pages(printed(wanted(60)))]

    assert len(found) > 4
    for number, said in enumerate(found, 1):
        assert f"Page {number} of {len(found)}" in said
        assert "Pull list" in said
        assert any(shelf in said for shelf in SHELVES)
        first = min((said.index(shelf), shelf) for shelf in SHELVES if shelf in said)[1]
        fresh = all(first not in before for before in found[: number - 1])
        assert fresh or f"{first} (continued)" in said
    everything = "\n".join(found)
    for shelf in SHELVES:
        assert len(re.findall(re.escape(shelf) + r"(?! \(continued\))", everything)) == 1


def test_a_roll_is_one_long_page_that_ends_where_the_list_does():
    (short,), (long,) = pages(printed(wanted(3), "roll80")), pages(printed(wanted(60), "roll80"))

    assert short.get_size()[1] < 700 < long.get_size()[1] < 14400


def test_a_roll_longer_than_any_reader_can_show_is_cut():
    pdf = printed(wanted(200), "roll80")
    found = pages(pdf)

    assert len(found) > 1
    assert all(page.get_size()[1] < 14400 for page in found)
    assert re.findall(r"PR (\d+)", text_of(pdf)) == [str(4000 + n) for n in range(200)]


def test_an_article_says_its_pages():
    said = text_of(
        printed([PullLine(reference="X", title="J", service="copy", pages="12–34", article_title="On copies")])
    )

    assert "COPY pages 12–34" in said
    assert "On copies" in said


def test_a_line_without_a_place_is_fetched_too():
    said = text_of(printed([PullLine(reference="XPX-1", title="")]))

    for words in ("No location", "No call number", "Untitled"):
        assert words in said


def test_nothing_to_fetch_is_said():
    assert "Nothing to fetch." in text_of(printed([]))
    assert "Nothing to fetch." in text_of(printed([], "roll80"))


@pytest.mark.parametrize("paper", PAPERS)
def test_however_much_is_written_nothing_overlaps_or_leaves_the_page(paper):
    long = "Word 紅樓夢 " * 90
    lines = [
        PullLine(
            reference="1234a1234a1234a1", title=long, author=long, volume=long, call_number=long, location=long,
            item_barcode="3" * 90, partner=long, need_by=date(2026, 12, 3), service="copy", note=long, pages=long,
            article_title=long,
        )
        for _ in range(3)
    ]  # fmt: skip
    for page in pages(render_pull_list(long, AT, long, lines, paper=paper)):
        width, height = page.get_size()
        boxes = list(texts_on(page))
        for left, bottom, right, top in boxes:
            assert left > 9
            assert right < width - 9
            assert bottom > 8
            assert top < height - 9
        for number, (left, bottom, right, top) in enumerate(boxes):
            for left2, bottom2, right2, top2 in boxes[number + 1 :]:
                beside = right <= left2 + 2 or right2 <= left + 2
                below = top <= bottom2 + 2.5 or top2 <= bottom + 2.5
                assert beside or below


def test_titles_keep_their_letters():
    assert in_a_row("紅樓夢 हिन्दी ไทย") in in_a_row(
        text_of(printed([PullLine(reference="X", title="紅樓夢 हिन्दी ไทย")]))
    )


def test_equal_lists_are_equal_bytes():
    assert printed(wanted(20)) == printed(wanted(20))


def test_what_can_not_be_scanned_or_printed_is_refused():
    with pytest.raises(BadInput) as refused:
        printed([PullLine(reference="本", title="T")])
    assert refused.value.field == "reference"
    with pytest.raises(BadInput) as refused:
        printed(wanted(1), "papyrus")
    assert refused.value.field == "paper"
