"""Whole loans between two branches, as librarians would tell them."""


def test_a_loan_to_its_happy_end(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    assert (loan.state, lent.state) == ("request_sent", "new")
    assert lent.reference == loan.reference, "what the lender prints is what both scan"

    lent.does("print_slip")
    assert loan.state == "will_supply"
    lent.does("ship", condition_checked=True, item_barcode="31234000551187")
    assert (loan.state, lent.state) == ("shipped", "shipped")
    stage.waits_until("2026-02-05")
    assert loan.state == "in_transit"

    loan.scanned(checked=True)
    assert (loan.state, lent.state) == ("received", "received_by_partner")
    loan.does("check_out")
    stage.waits_until("2026-02-20")
    loan.scanned()
    assert loan.state == "return_in_transit"
    loan.does("ship_back")
    assert (loan.state, lent.state) == ("returned", "returned_by_partner")
    lent.scanned("31234000551187")

    assert (loan.state, lent.state) == ("completed", "completed")
    assert loan.letters == ["request_sent", "shipped", "ready_for_pickup"]
    assert loan.slips == ["book_strap", "return_slip"]
    assert lent.slips == ["routing", "shipping"]
    assert loan.said == ["Request New", "Received", "ShippedReturn"]
    assert loan.heard == lent.said == ["ExpectToSupply", "Loaned", "LoanCompleted"]
    assert loan.timers == lent.timers == []
    assert {status for _, _, status in loan.work + lent.work} == {"done"}
