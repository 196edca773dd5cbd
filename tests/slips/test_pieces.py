"""Several pieces travel as one request: each has its own slip, which says which of how many it is."""

from collections.abc import Iterator

import pypdfium2
import pytest

from ill_workflow.errors import BadInput
from ill_workflow.requests.models import Request
from ill_workflow.slips.making import contents_of

pytestmark = pytest.mark.long


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def slips(half, layout) -> Iterator[tuple[tuple[int, int] | None, tuple[str, ...]]]:
    """Which piece of how many, and the barcodes on it."""
    with half.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        return [(c.of_pieces, c.pieces) for c in contents_of(session, request, layout, half.stage.clock, None)]


def words(half, layout) -> list[str]:
    """What a worker has drawn, page by page."""
    (path,) = half.stage.services.settings.slips.glob(f"*{half.reference}*-{layout}-*.pdf")
    with pypdfium2.PdfDocument(path) as pdf:
        return [page.get_textpage().get_text_bounded() for page in pdf]


def drawn(half, layout) -> int:
    return len(words(half, layout))


def test_a_single_piece_says_nothing_of_others(stage):
    lent = stage.lends()
    lent.does("print_slip")
    assert (slips(lent, "routing"), drawn(lent, "routing")) == ([(None, ())], 1)


def test_the_number_is_told_before_the_barcodes_are_known(stage):
    lent = stage.lends()
    lent.does("print_slip", piece_count="3")
    assert slips(lent, "routing") == [((1, 3), ()), ((2, 3), ()), ((3, 3), ())]
    assert drawn(lent, "routing") == 3
    lent.does("print_slip")
    assert len(slips(lent, "routing")) == 3, "said once is enough"


def test_with_one_barcode_known_the_others_are_still_counted(stage):
    lent = stage.lends()
    lent.does("print_slip", piece_count=2)
    lent.does("ship", condition_checked=True, item_barcode="V1")
    assert slips(lent, "shipping") == [((1, 2), ("V1",)), ((2, 2), ())]
    assert drawn(lent, "shipping") == 2
    assert lent.scanned("V1").outcome.state == "Completed", "a scan of the set brings all of it home"


def test_barcodes_that_are_named_count_for_themselves(stage):
    lent = stage.lends()
    lent.does("print_slip", piece_count=4)
    lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2", "V3"])
    expected = [((1, 3), ("V1",)), ((2, 3), ("V2",)), ((3, 3), ("V3",))]
    assert slips(lent, "shipping") == expected == slips(lent, "routing")
    assert drawn(lent, "shipping") == 3
    for number, page in enumerate(words(lent, "shipping"), start=1):
        assert f"{number} of 3" in page
        assert [code for code in ("V1", "V2", "V3") if code in page.split()] == [f"V{number}"]


def test_the_borrower_straps_and_returns_each_piece(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2"])
    loan.does("receive", condition_checked=True)
    assert slips(loan, "book_strap") == [((1, 2), ("V1",)), ((2, 2), ("V2",))]
    assert drawn(loan, "book_strap") == 2
    loan.does("patron_return")
    loan.does("ship_back")
    assert slips(loan, "return_slip") == [((1, 2), ("V1",)), ((2, 2), ("V2",))]


def test_the_number_is_taken_back_with_the_slip(stage):
    lent = stage.lends()
    lent.does("print_slip", piece_count=2)
    lent.undoes()
    assert lent.piece_count is None
    assert slips(lent, "routing") == [(None, ())]


@pytest.mark.parametrize("count", ["0", "-1", "100", "two", "1.5", "", " ", "1" * 5000, True, [3]])
def test_a_number_that_is_none_is_refused(stage, count):
    lent = stage.lends()
    if count == "":
        lent.does("print_slip", piece_count=count)
        assert lent.piece_count is None
        return
    with pytest.raises(BadInput) as refusal:
        lent.does("print_slip", piece_count=count)
    assert refusal.value.field == "piece_count"
    assert lent.state == "new"
