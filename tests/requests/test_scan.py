"""Scan In: one code, and the state decides."""

import pytest

from ill_workflow.errors import BadInput, NotFound, Refused

pytestmark = pytest.mark.long


def received(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312")
    return loan, lent


def test_a_borrowed_item_comes_goes_out_and_back(stage):
    loan, lent = received(stage)
    with pytest.raises(BadInput, match="look the item over"):
        loan.scanned("312")
    assert loan.scanned("312", checked=True).outcome.trigger == "receive"
    stage.waits_until("2026-02-05")
    assert loan.scanned("XPX-1001").outcome.trigger == "patron_return"
    loan.does("ship_back")
    assert lent.scanned("312").outcome.trigger == "check_in"
    assert (loan.state, lent.state) == ("completed", "completed")


def test_the_same_code_again_within_a_minute_repeats_the_answer(stage):
    _, lent = received(stage)
    first = lent.scanned("312")
    again = lent.scanned("312")
    assert again.outcome.event_id == first.outcome.event_id
    assert "a moment ago" in again.sentence
    assert lent.history.count("check_in") == 1


def test_what_was_received_today_asks_before_it_goes_back(stage):
    from datetime import timedelta

    loan, _ = received(stage)
    loan.scanned(checked=True)
    stage.clock.advance(timedelta(hours=2))
    asked = loan.scanned()
    assert (asked.outcome, asked.choices) == (None, ("patron_return",))
    assert "received today" in asked.sentence
    assert loan.scanned(choose="patron_return").outcome.dest == "return_in_transit"


def test_two_meanings_are_asked_about(stage):
    loan = stage.borrows(need_by="2026-02-03")
    lent = stage.other_half(loan)
    stage.waits_until("2026-02-04")
    lent.does("accept_cancel")
    assert loan.state == "unfilled"
    asked = loan.scanned()
    assert asked.choices == ("receive", "route_home")
    assert "Receive or Route Home" in asked.sentence
    with pytest.raises(BadInput, match="Choose receive or route_home"):
        loan.scanned(choose="ship")
    assert loan.scanned(choose="route_home").outcome.dest == "return_in_transit"


def test_an_unexpected_parcel_goes_home(stage):
    loan, lent = received(stage)
    loan.scanned(checked=True)
    loan.does("patron_return")
    loan.does("ship_back")
    lent.scanned()
    stage.waits_until("2026-02-10")
    assert loan.scanned().outcome.trigger == "route_home"
    assert loan.alerts[-1] == "unexpected_parcel"


def test_nothing_fits_so_it_says_where_the_item_belongs(stage):
    lent = stage.lends()
    with pytest.raises(Refused, match="is New, lent to Hilltop College"):
        lent.scanned()
    with pytest.raises(NotFound, match="Nothing at Main Library has the code"):
        lent.scanned("0")


def test_a_code_that_is_borrowed_and_lent(stage):
    loan = stage.borrows()
    lent = stage.lends(partner_id="XPX-1001")
    assert (loan.reference, lent.reference) == ("XPX-1001", "XPX-1002"), "what staff type in gets a reference of ours"
    lent.does("ship", condition_checked=True, item_barcode="312")

    asked = loan.scanned()

    assert asked.outcome is None
    assert [(c.side, c.reference) for c in asked.candidates] == [("borrowing", "XPX-1001"), ("lending", "XPX-1002")]
    assert lent.scanned("XPX-1001", side="lending").outcome.trigger == "check_in"


def test_a_piece_alone_leaves_the_others_out(stage):
    loan, _ = received(stage)
    loan.does("receive", condition_checked=True, pieces=["D1", "D2"])
    stage.waits_until("2026-02-06")
    assert loan.scanned("D1").outcome.dest == "received"
    assert "a moment ago" in loan.scanned("D1").sentence
    assert loan.scanned("D2").outcome.dest == "return_in_transit"


def test_only_those_with_a_grant_scan(stage):
    from ill_workflow.errors import NotAllowed
    from ill_workflow.libraries import find_library
    from ill_workflow.requests.by import By
    from ill_workflow.requests.scan import scan

    received(stage)
    with stage.db.writing() as session:
        by, main = By.staff(stage.account(session, "operator", "RIV")), find_library(session, "MAIN")
        with pytest.raises(NotAllowed):
            scan(session, main, "312", by=by, clock=stage.clock)


def test_two_loans_of_one_item_are_asked_about(stage):
    first, second = stage.lends(partner_id="H-77"), stage.lends(partner_id="H-77")
    for lent in (first, second):
        lent.does("ship", condition_checked=True, item_barcode=f"31{lent.id}")
    asked = first.scanned("H-77")
    assert [c.reference for c in asked.candidates] == [first.reference, second.reference]
    assert "Which is it" in asked.sentence
    assert first.scanned("H-77", reference=second.reference).outcome.dest == "completed"
    assert (first.state, second.state) == ("shipped", "completed")


def test_what_was_lost_is_found_by_a_scan(stage):
    loan, _ = received(stage)
    loan.scanned("312", checked=True)
    loan.does("report_lost")
    stage.waits_until("2026-02-05")
    assert loan.scanned("312").outcome.trigger == "found"


def test_pieces_of_a_set_that_we_lent_come_home_one_by_one(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="V1", pieces=["V2", "V3"])
    assert [barcode for barcode, _ in loan.pieces] == ["V1", "V2", "V3"], "the borrower knows them"
    assert lent.scanned("V1").outcome.dest == "shipped"
    assert lent.scanned("V2").outcome.dest == "shipped"
    assert loan.heard.count("LoanCompleted") == 0
    with pytest.raises(BadInput, match="V9 is no piece"):
        lent.does("check_in", pieces=["V9"])
    assert lent.scanned("V3").outcome.dest == "completed"
    assert loan.heard.count("LoanCompleted") == 1
