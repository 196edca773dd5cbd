"""Lenders that were asked before and are heard of again."""


def test_the_first_lender_ships_after_all(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    first = stage.other_half(loan)
    loan.does("try_next", reason="slow")
    assert (loan.state, loan.wire_id, first.state) == ("request_sent", "XPX-1001-2", "cancel_requested")

    first.does("refuse_cancel", reason="packed already")
    first.does("ship", condition_checked=True, item_barcode="312")

    assert loan.state == "shipped"
    assert loan.partner_id == stage.partner("MAIN", "RIV").id
    assert "unexpected_shipment" in loan.alerts
    assert stage.mails("ill@hilltop.example")[-1].startswith("Interlibrary loan XPX-1001-2"), "Hilltop gets a Cancel"
    assert loan.said[-1] == "Cancel"
    loan.does("receive", condition_checked=True)
    assert first.state == "received_by_partner"


def test_a_second_parcel_gets_a_request_of_its_own(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    first = stage.other_half(loan)
    loan.does("try_next")
    first.does("refuse_cancel", reason="packed already")
    loan.does("partner_shipped", told_by="mail", due_date="2026-04-01")
    loan.does("receive", condition_checked=True)

    first.does("ship", condition_checked=True, item_barcode="312")

    assert loan.state == "received"
    assert loan.partner_id == stage.partner("MAIN", "HILL").id
    second = stage.request("MAIN", "XPX-1002")
    assert (second.state, second.follows_id, second.patron_id) == ("shipped", loan.id, None)
    assert "unexpected_shipment" in second.alerts
    second.does("receive", condition_checked=True)
    second.does("ship_back")
    first.does("check_in")
    assert (second.state, first.state, loan.state) == ("completed", "completed", "received")


def test_what_a_former_lender_says_otherwise_is_recorded_and_moves_nothing(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    first = stage.other_half(loan)
    loan.does("try_next")
    first.does("accept_cancel")
    assert loan.state == "request_sent"
    assert loan.wire_id == "XPX-1001-2"
    assert loan.history[-1] == "partner_informs"
