"""Three volumes that are one loan: one comes late, one is returned late, one is lost and found again."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ill_workflow.errors import BadInput, Refused

pytestmark = pytest.mark.long

VOLUMES = ["V1", "V2", "V3"]


@pytest.fixture(params=["branch", "mail"])
def sent(request, stage):
    """Three volumes are on their way from a branch, or from a lender that reads mail."""
    if request.param == "branch":
        loan = stage.borrows()
        lent = stage.other_half(loan)
        lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2", "V3"], due_date="2026-03-05")
    else:
        loan, lent = stage.borrows(ask=("HILL",)), None
        loan.does("partner_shipped", told_by="mail", item_barcode="V1", pieces=VOLUMES, due_date="2026-03-05")
    assert [barcode for barcode, _ in loan.pieces] == VOLUMES
    return stage, loan, lent


def test_each_volume_of_a_parcel_is_scanned(sent):
    _, loan, lent = sent
    found = loan.scanned("V1", checked=True)
    assert found.outcome.dest == "received"
    assert "Still to come: V2, V3." in found.sentence
    second = loan.scanned("V2", checked=True)
    assert (second.outcome.trigger, second.outcome.dest) == ("receive", "received"), "no question whether it goes back"
    assert loan.scanned("V3", checked=True).sentence.endswith("It is Received now.")
    assert loan.scanned("V3", checked=True).outcome.event_id == loan.last_event.id, "again within a minute"
    assert loan.letters.count("ready_for_pickup") == 1, "one parcel, one letter"
    if lent:
        assert lent.heard.count("Received") == 1


def test_one_volume_comes_late(sent):
    stage, loan, _ = sent
    loan.does("receive", condition_checked=True, pieces=["V1", "V2"])
    loan.does("check_out")
    stage.waits_until("2026-02-06")
    with pytest.raises(BadInput) as refusal:
        loan.scanned("V3")
    assert refusal.value.field == "condition_checked"
    assert loan.scanned("V3", checked=True).outcome.trigger == "receive"
    assert loan.state == "on_loan"
    assert loan.letters[-1] == "ready_for_pickup", "the patron hears that the rest is here"
    with pytest.raises(Refused, match="here already"):
        loan.does("receive", condition_checked=True, pieces=["V3"])
    stage.waits_until("2026-02-08")
    for code, state in (("V3", "on_loan"), ("V1", "on_loan"), ("V2", "return_in_transit")):
        assert loan.scanned(code).outcome.dest == state


def test_what_has_not_come_is_not_waited_for(sent):
    stage, loan, lent = sent
    loan.does("receive", condition_checked=True, pieces=["V1", "V2"])
    stage.waits_until("2026-02-06")
    assert "Still out: V2." in loan.scanned("V1").sentence
    gone = loan.scanned("V2")
    assert gone.outcome.dest == "return_in_transit"
    assert "Still to come: V3." in gone.sentence
    assert loan.scanned("V3", checked=True).outcome.dest == "return_in_transit", "it goes back with the others"
    loan.does("ship_back")
    if lent:
        assert [lent.scanned(code).outcome.dest for code in VOLUMES] == [*["returned_by_partner"] * 2, "completed"]
        assert loan.state == "completed"


def test_one_volume_is_returned_late(sent):
    stage, loan, lent = sent
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    stage.waits_until("2026-02-20")
    loan.scanned("V1")
    loan.does("patron_return", pieces=["V2"])
    assert (loan.state, loan.pieces) == ("on_loan", [("V1", True), ("V2", True), ("V3", False)])
    stage.waits_until("2026-03-06")
    assert loan.state == "overdue", "a piece that is out is a loan that is out"
    assert loan.scanned("V3").outcome.dest == "return_in_transit"
    loan.does("ship_back")
    if lent:
        lent.does("check_in", pieces=["V1", "V2"])
        assert (lent.state, loan.heard.count("LoanCompleted")) == ("returned_by_partner", 0)
        lent.does("check_in", pieces=["V3"])
        assert (lent.state, loan.state) == ("completed", "completed")
    else:
        loan.does("partner_completed", told_by="paper")


def test_one_volume_is_lost_and_found_again(sent):
    stage, loan, lent = sent
    loan.does("receive", condition_checked=True)
    loan.does("patron_return", pieces=["V1", "V2"])
    loan.does("ship_back")  # without the third
    if lent:
        lent.does("check_in", pieces=["V1", "V2"])
        lent.does("mark_lost", note="Volume 3 did not come back.")
        assert lent.balance == {"USD": Decimal("105.00")}
    else:
        loan.does("partner_declared_lost", told_by="mail", cost="105.00")
    assert (loan.state, loan.balance) == ("lost", {"USD": Decimal("105.00")})

    stage.waits_until("2026-02-20")
    assert loan.scanned("V3").outcome.trigger == "found"
    assert (loan.state, loan.balance) == ("return_in_transit", {})
    loan.does("ship_back")
    if lent:
        assert lent.scanned("V3").outcome.dest == "completed"
        assert (loan.state, lent.balance) == ("completed", {})


def test_a_volume_that_was_scanned_by_mistake_is_out_again(sent):
    stage, loan, lent = sent
    loan.scanned("V1", checked=True)
    loan.scanned("V2", checked=True)
    loan.undoes()
    assert loan.pieces == [("V1", False), ("V2", False), ("V3", False)]
    assert "Still to come: V3." in loan.scanned("V2", checked=True).sentence
    assert loan.history.count("receive") == 3
    loan.scanned("V3", checked=True)
    stage.waits_until("2026-02-06")
    loan.scanned("V2")
    loan.undoes()
    assert [back for _, back in loan.pieces] == [False, False, False]
    for code in VOLUMES:
        loan.scanned(code)
        stage.clock.advance(timedelta(minutes=2))
    assert loan.state == "return_in_transit"
    loan.undoes()
    assert (loan.state, loan.pieces) == ("received", [("V1", True), ("V2", True), ("V3", False)])
    loan.scanned("V3")
    loan.does("ship_back")
    if lent:
        lent.scanned("V1")
        lent.undoes()
        assert [back for _, back in lent.pieces] == [False, False, False]


def test_the_pieces_of_one_lender_are_not_awaited_from_the_next(sent):
    stage, loan, lent = sent
    loan.hears("Unfilled", note="it fell apart")
    assert loan.state == "needs_review"
    loan.does("submit", partner="HILL" if lent else "RIV")
    if lent:
        loan.does("partner_shipped", told_by="phone", item_barcode="E1", pieces=["E1", "E2"])
    else:
        other = stage.other_half(loan)
        other.does("ship", condition_checked=True, item_barcode="E1", pieces=["E2"])
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-06")
    assert loan.scanned("E1").outcome.dest == "received"
    assert loan.scanned("E2").outcome.dest == "return_in_transit"


def test_a_volume_that_nobody_has_announced_comes_after_the_others(sent):
    stage, loan, _ = sent
    loan.does("receive", condition_checked=True)
    loan.does("receive", condition_checked=True, pieces=["V4"])
    assert [barcode for barcode, _ in loan.pieces] == [*VOLUMES, "V4"]
    stage.waits_until("2026-02-06")
    assert [loan.scanned(code).outcome.dest for code in (*VOLUMES, "V4")] == [*["received"] * 3, "return_in_transit"]
