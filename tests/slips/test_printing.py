"""Many slips at once: one file, each printed once, none lost."""

import os
import threading
from datetime import timedelta

import pypdfium2
import pytest
import sqlalchemy as sa

from ill_workflow.errors import BadInput, Conflict, NotFound
from ill_workflow.requests.models import Slip, SlipBatch
from ill_workflow.slips import batches, printing
from ill_workflow.slips.batches import How

pytestmark = pytest.mark.long

SHELVES = {"Emma": "PR4034 .E5", "Algorithms": "QA76.6 .C662", "Mansfield Park": "PR403.5", "Unknown": None}


def pages(file):
    with pypdfium2.PdfDocument(file) as pdf:
        return [page.get_textpage().get_text_bounded() for page in pdf]


def lend_four(desk):
    """Lent by hand, in no order; each has its slip."""
    lent = {
        title: desk.stage.lends(title=title, isbn="", call_number=number, location="Stacks", partner_id=f"H-{title}")
        for title, number in SHELVES.items()
    }
    for half in lent.values():
        half.does("print_slip")
    return lent


def test_all_that_waits_comes_in_one_file_in_shelf_order_and_is_marked(desk):
    lend_four(desk)
    assert len(desk.waiting()) == 4

    printed = desk.prints()

    found = pages(printed.file)
    order = ["Mansfield Park", "Emma", "Algorithms", "Unknown"]
    assert [title for page in found for title in order if title in page] == order
    assert desk.waiting() == []
    assert desk.printed() == [("routing", True)] * 4
    assert desk.prints().slips == [], "the second time there is nothing"


def test_a_slip_is_printed_before_any_worker_has_drawn_it(desk):
    half = desk.stage.lends()
    half.does("print_slip")
    assert half.slips == []
    assert [reference for reference, _, _ in desk.prints().slips] == [half.reference]
    desk.lets_workers_work()
    assert half.slips == ["routing"]
    assert desk.waiting() == []


def test_what_is_named_is_printed_once_unless_it_is_asked_for_again(desk):
    half = desk.stage.lends()
    half.does("print_slip")
    first = desk.prints(half)
    assert first.batch

    refused = desk.prints(half)

    assert refused.slips == []
    assert refused.left[0].why.startswith(f"operator-MAIN printed it on 2026-02-02 09:00 (batch {first.batch}).")
    again = desk.prints(half, again=True)
    assert (len(again.slips), again.batch) == (1, None)


def test_printing_is_possible_in_every_state_and_changes_none(desk):
    half = desk.stage.lends()
    desk.prints(half)  # New: nobody has asked for a slip
    half.does("print_slip")
    half.does("ship", condition_checked=True, item_barcode="312")
    assert [layout for _, layout, _ in desk.prints(half).slips] == ["routing", "shipping"]
    half.does("check_in")
    desk.prints(half, layout="routing", again=True)
    assert (half.state, half.history[-1]) == ("completed", "check_in")


def test_what_is_over_or_was_undone_is_not_printed_with_the_rest(desk):
    undone, cancelled, alive = (desk.stage.lends(partner_id=f"H-{n}") for n in range(3))
    for half in (undone, cancelled, alive):
        half.does("print_slip")
    undone.undoes()
    cancelled.does("accept_cancel")
    assert desk.waiting() == [alive.reference]


def test_what_is_undone_while_somebody_is_about_to_print_it_is_left_out(desk):
    undone, alive = (desk.stage.lends(partner_id=f"H-{n}") for n in range(2))
    for half in (undone, alive):
        half.does("print_slip")
    account, library = desk.everybody()
    with desk.db.reading() as session:
        chosen = printing.all_waiting(session, library)
    undone.undoes()
    printed = printing.print_chosen(desk.db, desk.clock, account, library, chosen, desk.file(), How())
    assert [reference for reference, _, _ in printed.slips] == [alive.reference]
    assert [(left.reference, left.why) for left in printed.left] == [
        (undone.reference, "The step that asked for it was undone.")
    ]


def test_what_is_undone_when_it_was_taken_already_is_not_drawn(desk):
    undone, alive = (desk.stage.lends(partner_id=f"H-{n}") for n in range(2))
    for half in (undone, alive):
        half.does("print_slip")
    number, taken = desk.begins()
    assert len(taken) == 2
    undone.undoes()
    printed = batches.print_batch(desk.db, desk.clock, number, desk.everybody()[0])
    assert [reference for reference, _, _ in printed.slips] == [alive.reference]
    assert desk.printed() == [("routing", False), ("routing", True)]


def test_a_second_slip_that_was_undone_does_not_hide_that_the_first_is_printed(desk):
    half = desk.stage.lends()
    half.does("print_slip")
    desk.prints(half)
    half.does("print_slip")
    half.undoes()
    refused = desk.prints(half)
    assert (refused.slips, len(refused.left)) == ([], 1)


def test_a_slip_that_was_asked_for_twice_is_drawn_once(desk):
    half = desk.stage.lends()
    half.does("print_slip")
    half.does("print_slip")
    assert len(desk.prints().slips) == 1
    assert desk.waiting() == []


def test_one_that_cannot_be_drawn_waits_and_the_others_are_printed(desk, monkeypatch):
    lent = lend_four(desk)
    contents_of = batches.contents_of

    def broken(session, request, *more):
        if request.title == "Emma":
            raise BadInput("A reference has at most 16 characters.", field="reference")
        return contents_of(session, request, *more)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "contents_of", broken)
        printed = desk.prints()
    assert [(left.reference, left.why) for left in printed.left] == [
        (lent["Emma"].reference, "A reference has at most 16 characters.")
    ]
    assert len(printed.slips) == 3
    assert desk.waiting() == [lent["Emma"].reference]
    assert len(desk.prints().slips) == 1, "mended, and free at once"


def test_a_disk_that_is_full_leaves_them_unprinted(desk, monkeypatch):
    lend_four(desk)

    def full(path, pdf):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(batches, "write", full)
        with pytest.raises(BadInput, match="No space left"):
            desk.prints()
    assert not desk.file().exists()
    assert len(desk.waiting()) == 4
    assert len(desk.prints().slips) == 4


def test_a_file_whose_slips_were_not_marked_does_not_stay(desk, monkeypatch):
    lend_four(desk)

    def broken(session, batch_id, drawn, clock):
        raise OSError("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(batches, "_mark", broken)
        with pytest.raises(OSError, match="gone"):
            desk.prints()
    assert not desk.file().exists()
    assert len(desk.prints().slips) == 4


def lapse(stage, batch_id):
    """A minute passes in which nobody hears of this batch."""
    with stage.db.writing() as session:
        batch = session.get_one(SlipBatch, batch_id)
        batch.lease_until -= timedelta(minutes=2)


def test_a_printing_that_died_is_printed_by_the_next_after_a_minute(bare_stage, open_desk):
    desk = open_desk(bare_stage)
    lend_four(desk)
    dead, taken = desk.begins()
    assert len(taken) == 4
    assert len(desk.waiting()) == 4, "not printed, and seen to be so"

    busy = desk.prints()
    assert busy.slips == []
    assert "operator-MAIN is printing it just now" in busy.left[0].why
    lapse(bare_stage, dead)

    assert len(desk.prints().slips) == 4


def test_one_who_was_too_slow_prints_nothing(bare_stage, open_desk):
    slow, quick = open_desk(bare_stage), open_desk(bare_stage, who="manager")
    lend_four(slow)
    batch, _ = slow.begins()
    lapse(bare_stage, batch)
    quick.prints(file=slow.file().with_name("quick.pdf"))
    with bare_stage.db.reading() as session:
        mine = [slip.id for slip in session.scalars(sa.select(Slip))]

    with pytest.raises(Conflict, match="somebody else"), bare_stage.db.writing() as session:
        batches._mark(session, batch, mine, bare_stage.clock)

    assert slow.waiting() == []
    with bare_stage.db.reading() as session:
        assert session.get_one(SlipBatch, batch).printed_at is None


def test_two_who_print_at_once_share_the_slips(bare_stage, open_desk):
    desks = [open_desk(bare_stage), open_desk(bare_stage, who="manager")]
    lend_four(desks[0])
    with bare_stage.db.reading() as session:
        ids = [slip.id for slip in session.scalars(sa.select(Slip))]
    gate, taken, troubles = threading.Barrier(2), {}, []

    def print_all(desk):
        try:
            gate.wait()
            taken[desk.who] = desk.begins(ids)[1]
        except Exception as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=print_all, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert sorted([*taken["operator"], *taken["manager"]]) == ids, "each slip goes to one of them"


def test_an_earlier_batch_is_printed_again_as_it_is_now(desk, tmp_path):
    lent = lend_four(desk)
    batch = desk.prints().batch
    lent["Emma"].does("ship", condition_checked=True, item_barcode="312", due_date="2026-03-20")
    account, library = desk.everybody()

    with desk.db.reading() as session:
        _, wanted = batches.of_batch(session, library, batch)
    file = tmp_path / "again.pdf"
    printed = batches.draw_again(desk.db, desk.clock, account, wanted, file, How())

    assert len(printed.slips) == 4
    assert any("Emma" in page and "20 Mar 2026" in page for page in pages(file))
    assert desk.printed() == [("routing", True)] * 4 + [("shipping", False)], "nothing is marked"


@pytest.mark.parametrize("number", [0, -1, 99, 2**40])
def test_an_unknown_batch_is_refused(desk, number):
    _, library = desk.everybody()
    with desk.db.reading() as session, pytest.raises(NotFound, match="ill slip batches"):
        batches.of_batch(session, library, number)


def test_a_batch_of_another_library_is_unknown(desk, open_desk):
    lend_four(desk)
    batch = desk.prints().batch
    _, riverside = open_desk(desk.stage, at="RIV").everybody()
    with desk.db.reading() as session, pytest.raises(NotFound):
        batches.of_batch(session, riverside, batch)


def test_a_batch_that_was_never_finished_is_not_printed_again(desk):
    lend_four(desk)
    batch, _ = desk.begins()
    _, library = desk.everybody()
    with desk.db.reading() as session, pytest.raises(NotFound, match="count as unprinted"):
        batches.of_batch(session, library, batch)


def test_labels_share_no_sheet_with_slips(desk):
    desk.sets(shipping_paper="4x6", per_sheet="4")
    lent = lend_four(desk)
    for half in lent.values():
        half.does("ship", condition_checked=True, item_barcode=half.reference)
    printed = desk.prints(how=How(per_sheet=4))
    with pypdfium2.PdfDocument(printed.file) as pdf:
        widths = [round(page.get_width()) for page in pdf]
    assert widths[0] == 612
    assert widths[-4:] == [288] * 4


def test_a_file_keeps_the_rights_that_others_have(desk, tmp_path):
    file = tmp_path / "shared.pdf"
    file.write_bytes(b"old")
    file.chmod(0o664)
    lend_four(desk)
    desk.prints(file=file)
    assert file.stat().st_mode & 0o777 == 0o664
    assert file.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["nowhere/x.pdf", "."])
def test_a_file_that_cannot_be_there_is_refused_before_anything_is_done(desk, tmp_path, name):
    half = desk.stage.lends()
    with pytest.raises(BadInput) as refusal:
        desk.takes_up(file=tmp_path / name)
    assert refusal.value.field == "out"
    assert half.state == "new"


def test_a_device_is_no_file(desk):
    with pytest.raises(BadInput, match="no file"):
        batches.keep_file(printing.Path(os.devnull), b"x")
