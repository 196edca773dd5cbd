"""At the packing table: what a scanner says, what is asked, and where the item goes."""

import threading
from datetime import timedelta

import pytest

from ill_workflow.libraries import find_library
from ill_workflow.requests import packing_table
from ill_workflow.requests.by import By
from ill_workflow.requests.destination import Kind, known_as

pytestmark = pytest.mark.long


class Table:
    """Somebody with a scanner: each code is read after the other, and the open question is kept in between."""

    def __init__(self, stage, who="operator", at="MAIN"):
        self.stage, self.question = stage, None
        with stage.db.reading() as session:
            self.library = find_library(session, at)
            self.account = stage.account(session, who, at)

    @property
    def by(self):
        return By.staff(self.account)

    def scans(self, code, key=None):
        answer = packing_table.take(
            self.stage.db, self.library, code, self.question, by=self.by, clock=self.stage.clock, key=key
        )
        self.question = answer.question
        self.stage.work()
        return answer

    def takes_back(self, event_id=None, key=None):
        return packing_table.take_back(
            self.stage.db, self.library, event_id, by=self.by, clock=self.stage.clock, key=key
        )

    @property
    def list(self):
        with self.stage.db.reading() as session:
            return packing_table.todays_scans(session, self.library, self.account, self.stage.clock)


@pytest.fixture
def table(quick_stage):
    return Table(quick_stage)


def set_up(stage, at="MAIN", **settings):
    with stage.db.writing() as session:
        for name, value in settings.items():
            setattr(find_library(session, at), name, value)


def arriving(stage, **shipped):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312", **shipped)
    return loan, lent


def test_what_arrives_is_looked_over_and_confirmed_by_the_same_code(table):
    stage = table.stage
    stage.agrees("MAIN", "RIV", renewals=0)
    loan, _ = arriving(stage, due_date="2026-03-20", conditions=["In the library only"])

    asked = table.scans("312")

    assert (asked.kind, loan.state) == ("asks", "shipped")
    found = asked.checklist
    assert (found.title, found.conditions) == ("Pride and Prejudice", ("In the library only",))
    assert (str(found.lender_due), found.due_assumed, found.no_renewals) == ("2026-03-20", False, True)
    assert found.patron == "Ann R."
    done = table.scans("312")
    assert (done.kind, done.label, loan.state) == ("done", "Receive", "received")
    assert (done.destination.kind, done.destination.huge) == (Kind.HOLD_SHELF, "AR 2345")
    assert [slip.layout for slip in done.slips] == ["book_strap"]


@pytest.mark.parametrize("yes", ["", "ILL-YES", "ill-yes", "1", "y", "ILL-ONE"])
def test_it_is_confirmed_by_enter_or_a_word(table, yes):
    loan, _ = arriving(table.stage)
    table.scans("312")
    assert table.scans(yes).kind == "done"
    assert loan.state == "received"


@pytest.mark.parametrize("no", ["ILL-NO", "no"])
def test_it_is_left_by_a_word(table, no):
    loan, _ = arriving(table.stage)
    table.scans("312")
    assert table.scans(no).kind == "left"
    assert (loan.state, table.question) == ("shipped", None)


def test_who_goes_on_to_the_next_is_told_what_was_left(table):
    loan, _ = arriving(table.stage)
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    table.scans("312")

    answer = table.scans("499")

    assert (answer.kind, answer.left, lent.state, loan.state) == ("done", "312", "completed", "shipped")


def test_a_library_may_receive_without_asking(table):
    set_up(table.stage, scan_receives=True)
    table = Table(table.stage)
    loan, _ = arriving(table.stage)
    answer = table.scans("312")
    assert (answer.kind, loan.state) == ("done", "received")
    assert answer.checklist.title == "Pride and Prejudice"


def test_pieces_that_are_still_to_come_are_named(table):
    arriving(table.stage, pieces=["D2", "D3"])
    found = table.scans("D2").checklist
    assert (found.pieces, found.this_piece, found.to_come) == (("312", "D2", "D3"), "D2", ("312", "D3"))
    assert "Still to come: 312, D3" in table.scans("D2").sentence


def test_a_lent_item_goes_back_to_its_shelf(table):
    lent = table.stage.lends()
    lent.does("record_availability", found=True, call_number="PR4034 .P7", location="Level 2")
    lent.does("ship", condition_checked=True, item_barcode="499")
    answer = table.scans("499")
    assert (answer.destination.kind, answer.destination.huge, answer.destination.lines) == (
        Kind.SHELF, "PR4034 .P7", ("Level 2",),
    )  # fmt: skip


def test_a_borrowed_item_goes_back_to_its_lender(table):
    stage = table.stage
    loan, _ = arriving(stage)
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-05")
    answer = table.scans("312")
    to = answer.destination
    assert (answer.label, to.kind, to.huge) == ("Scan In", Kind.RETURN_TO, "RIV")
    assert to.address.lines[0] == "Returns"
    later = table.scans("XPX-1001")
    assert later.kind == "refused"
    assert later.destination == to, "where nothing is to be done, the place is shown all the same"


def test_two_requests_are_chosen_by_number(table):
    stage = table.stage
    stage.borrows()
    lent = stage.lends(partner_id="XPX-1001")
    lent.does("ship", condition_checked=True, item_barcode="499")
    asked = table.scans("XPX-1001")
    assert [option.label.split(":")[0] for option in asked.question.options] == [
        "borrowing XPX-1001",
        "lending XPX-1002",
    ]
    wrong = table.scans("3")
    assert (wrong.kind, wrong.question) == ("refused", asked.question), "the question stays open"
    assert table.scans("2").label == "Scan In"
    assert lent.state == "completed"


def test_a_choice_may_be_followed_by_the_checklist(table):
    loan = table.stage.borrows(need_by="2026-02-03")
    table.stage.waits_until("2026-02-04")
    table.stage.other_half(loan).does("accept_cancel")
    assert [o.label for o in table.scans("XPX-1001").question.options] == ["Receive", "Route Home"]
    assert table.scans("ILL-ONE").checklist.reference == "XPX-1001"
    assert (table.scans("").kind, loan.state) == ("done", "received")


def test_the_slip_and_then_the_item_ship_it(table):
    set_up(table.stage, scan_ships=True)
    table = Table(table.stage)
    lent = table.stage.lends()
    asked = table.scans(lent.reference)
    assert (asked.kind, asked.question.wants_item, lent.state) == ("asks", True, "new")

    done = table.scans("31234")

    assert (done.label, lent.state, lent.item_barcode) == ("Ship Item", "shipped", "31234")
    assert (done.destination.kind, done.destination.huge) == (Kind.SHIP_TO, "HIL")
    assert [slip.layout for slip in done.slips] == ["shipping"]
    assert table.scans("31234").kind == "again"
    again = table.scans(lent.reference)
    assert (again.kind, "shipped by a scan today" in again.sentence, lent.state) == ("asks", True, "shipped")


def test_an_item_that_was_found_ships_in_one_scan(table):
    set_up(table.stage, scan_ships=True)
    table = Table(table.stage)
    lent = table.stage.lends()
    lent.does("record_availability", found=True, item_barcode="31234", call_number="PR1")
    assert table.scans("31234").label == "Ship Item"
    assert lent.state == "shipped"


def test_the_wrong_item_is_not_shipped(table):
    set_up(table.stage, scan_ships=True)
    table = Table(table.stage)
    first, second = table.stage.lends(partner_id="H-1"), table.stage.lends(partner_id="H-2")
    first.does("record_availability", found=True, item_barcode="111", call_number="A")
    second.does("record_availability", found=True, item_barcode="222", call_number="B")
    table.scans(first.reference)
    answer = table.scans("222")
    assert (answer.kind, "belongs to" in answer.sentence, answer.question.wants_item) == ("refused", True, True)
    assert "an ISBN" in table.scans("9780141439518").sentence
    asked = table.scans("333")
    assert "the item 111 was found" in asked.sentence
    assert (first.state, second.state) == ("new", "new")
    assert table.scans("yes").label == "Ship Item"
    assert (first.item_barcode, second.state) == ("333", "new")


def test_without_the_setting_an_open_request_is_only_named(table):
    lent = table.stage.lends()
    answer = table.scans(lent.reference)
    assert (answer.kind, answer.reference, lent.state) == ("refused", lent.reference, "new")


def test_several_pieces_are_shipped_on_their_page(table):
    set_up(table.stage, scan_ships=True)
    table = Table(table.stage)
    lent = table.stage.lends()
    lent.does("print_slip", piece_count="3")
    assert "has 3 pieces" in table.scans(lent.reference).sentence
    assert lent.state == "being_processed"


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("9780141439518", "an ISBN"), ("0141439513", "an ISBN"), ("0317-8471", "an ISSN"), ("9770317847001", "an ISSN"),
        ("21234000012345", "a patron's card"), ("https://example.org/x", "a web address"), ("ILL-YES", "no"),
        ("R-900", "Riverside Library"), ("x" * 65, "64 are the most"), ("a\x00b", "control character"),
        ("\ud800", "control character"), ("' OR 1=1 --", "Nothing at Main"), ("%", "Nothing at Main"),
        ("", "Scan or type"),
    ],
)  # fmt: skip
def test_a_wrong_code_says_what_it_is(table, code, what):
    table.stage.borrows()
    table.stage.lends(at="RIV").does("ship", condition_checked=True, item_barcode="R-900")
    answer = table.scans(code)
    assert answer.kind in ("unknown", "refused")
    assert what in answer.sentence
    assert answer.code == code.strip()


def test_a_reference_may_be_typed_in_small_letters(table):
    arriving(table.stage)
    assert table.scans("xpx-1001").checklist.reference == "XPX-1001"


def test_a_scan_is_taken_back_once(table):
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    table.scans("499")
    assert [line.can_undo for line in table.list] == [True]
    undone = table.scans("ILL-UNDO", key="a")
    assert (undone.kind, lent.state) == ("undone", "shipped")
    assert table.scans("ILL-UNDO", key="a").event_id == undone.event_id, "the same form posted twice undoes once"
    assert [(line.can_undo, line.undone) for line in table.list] == [(False, True)]
    assert table.scans("undo").sentence == "There is no scan of yours today that could be taken back."
    assert table.scans("499").kind == "done", "what was taken back is scanned anew at once"


def test_what_has_moved_on_is_not_taken_back(table):
    loan, _ = arriving(table.stage)
    table.scans("312")
    done = table.scans("312")
    loan.does("check_out")
    answer = table.takes_back(done.event_id)
    assert (answer.kind, "has moved on" in answer.sentence) == ("refused", True)
    assert loan.state == "on_loan"


def test_nobody_takes_back_what_others_have_scanned(table):
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    done = table.scans("499")
    other = Table(table.stage, "manager")
    assert other.takes_back(done.event_id).kind == "refused"
    assert other.list == []
    assert lent.state == "completed"


def test_of_two_who_scan_the_same_item_the_second_is_told_who_was_first(table):
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    table.scans("499")
    told = Table(table.stage, "manager").scans("499")
    assert told.kind == "again"
    assert "operator-MAIN scanned it a moment ago" in told.sentence
    assert lent.history.count("check_in") == 1


def test_a_form_that_is_posted_twice_does_it_once(table):
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    first = table.scans("499", key="k")
    table.stage.clock.advance(timedelta(minutes=5))
    again = table.scans("499", key="k")
    assert (again.event_id, again.kind) == (first.event_id, "done")


def test_the_list_is_that_of_today(table):
    lent = table.stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    table.scans("499")
    assert [line.request.reference for line in table.list] == [lent.reference]
    table.stage.clock.advance(timedelta(days=1))
    assert table.list == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Ann Reader", "Ann R."), ("Reader, Ann", "Ann R."), ("Plato", "Plato"), ("", ""), ("Ann  van Dyk", "Ann D.")],
)  # fmt: skip
def test_a_name_on_a_screen_is_short(name, shown):
    from ill_workflow.patrons import Patron

    assert known_as(Patron(name=name)) == shown


def test_a_parcel_that_goes_through_a_hub_says_so(table):
    stage = table.stage
    stage.changes("MAIN", "RIV", hub_id=stage.partner("MAIN", "HILL").id)
    loan, _ = arriving(stage)
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-05")
    to = table.scans("312").destination
    assert (to.huge, to.address.name, to.hub.name, to.hub.code) == (
        "HIL",
        "Riverside Library",
        "Hilltop College",
        "HIL",
    )


@pytest.mark.parametrize("key", [None, "the same form"])
def test_of_many_scans_at_the_same_moment_one_does_it(bare_stage, key):
    lent = bare_stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    tables = [Table(bare_stage, "operator" if key or n % 2 else "manager") for n in range(6)]
    gate, found = threading.Barrier(len(tables)), []

    def scans(table):
        gate.wait()
        found.append(
            packing_table.take(bare_stage.db, table.library, "499", None, by=table.by, clock=bare_stage.clock, key=key)
        )

    threads = [threading.Thread(target=scans, args=(table,)) for table in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert lent.history.count("check_in") == 1
    kinds = sorted(answer.kind for answer in found)
    assert "done" in kinds
    assert set(kinds) <= {"done", "again", "refused"}
    assert [answer.sentence for answer in found if answer.kind == "refused"] == []
