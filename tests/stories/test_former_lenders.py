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


def passed_over(stage):
    """Riverside was asked first, now Hilltop is."""
    loan = stage.borrows(ask=("RIV", "HILL"))
    loan.does("try_next", reason="slow")
    assert (loan.state, loan.wire_id) == ("request_sent", "XPX-1001-2")
    return loan, stage.request("RIV", "XPX-1001")


def test_the_first_lenders_parcel_is_scanned_before_a_word_was_heard(stage):
    loan, first = passed_over(stage)

    found = loan.scanned("XPX-1001", checked=True)

    assert found.outcome.trigger == "receive"
    assert loan.partner_id == stage.partner("MAIN", "RIV").id
    assert loan.wire_id == "XPX-1001"
    assert first.state == "received_by_partner", "Riverside hears that it has come"
    assert "unexpected_shipment" in loan.alerts
    assert "Cancel" in loan.said
    assert stage.mails("ill@hilltop.example")[-1].startswith("Interlibrary loan XPX-1001-2")


def test_a_second_parcel_is_scanned_while_the_other_item_is_on_its_way(stage):
    loan, first = passed_over(stage)
    loan.does("partner_shipped", told_by="mail", item_barcode="HUB-1")

    asked = loan.scanned("XPX-1001")
    assert asked.choices == ("receive", "second_parcel")
    assert "Receive or Second Parcel" in asked.sentence
    sent_home = loan.scanned("XPX-1001", choose="second_parcel")

    assert (loan.state, loan.partner_id) == ("shipped", stage.partner("MAIN", "HILL").id)
    second = stage.request("MAIN", sent_home.reference)
    assert (second.state, second.follows_id) == ("return_in_transit", loan.id)
    second.does("ship_back")
    assert first.state == "returned_by_partner"


def test_our_own_label_is_ours_while_the_item_is_here(stage):
    loan, _ = passed_over(stage)
    loan.does("partner_shipped", told_by="mail")
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-05")
    assert loan.scanned("XPX-1001").outcome.trigger == "patron_return"


def test_a_former_lenders_item_is_known_by_its_barcode(stage):
    loan, first = passed_over(stage)
    first.does("refuse_cancel", reason="packed")
    first.does("ship", condition_checked=True, item_barcode="312")
    assert (loan.state, loan.item_barcode) == ("shipped", "312")
    loan.hears("Unfilled", note="we took it back")
    loan.does("submit", partner="HILL")
    assert loan.item_barcode is None

    assert loan.scanned("312", checked=True).outcome.trigger == "receive"

    assert loan.partner_id == stage.partner("MAIN", "RIV").id


def test_a_former_lender_sends_though_all_was_called_off(stage):
    loan, _ = passed_over(stage)
    loan.does("cancel", reason="not needed")
    loan.hears("Cancelled", reason="CancelResponse", answer="Y")
    assert loan.state == "cancelled"

    loan.hears("Loaned", of="RIV", wire_id="XPX-1001", due="2026-03-20")

    assert (loan.state, loan.partner_id) == ("shipped", stage.partner("MAIN", "RIV").id)


def test_a_former_lenders_late_refusal_to_cancel_says_that_it_has_sent(stage):
    loan, _ = passed_over(stage)
    loan.hears("Loaned", of="RIV", wire_id="XPX-1001", reason="CancelResponse", answer="N")
    assert (loan.state, loan.wire_id) == ("shipped", "XPX-1001")


def test_a_second_copy_is_filed_with_the_request(stage):
    copy = stage.borrows(ask=("RIV", "HILL"), service="copy")
    copy.does("try_next")
    copy.does("partner_delivered_copy", told_by="mail", link="https://copies.example/1")

    copy.hears("CopyCompleted", of="RIV", wire_id="XPX-1001", url="https://copies.example/2")

    assert copy.state == "delivered"
    assert copy.inputs("partner_informs")["link"] == "https://copies.example/2"
    assert copy.alerts[-1] == "partner_informs"
