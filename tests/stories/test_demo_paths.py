"""The loans that the demo plays, as librarians would tell them."""

from decimal import Decimal

import pytest

pytestmark = pytest.mark.long


def lent_and_received(stage, **terms):
    """A loan from Riverside that is with Main's patron."""
    if terms:
        stage.agrees("RIV", "MAIN", **terms)
        stage.agrees("MAIN", "RIV", **terms)
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("print_slip")
    lent.does("ship", condition_checked=True, item_barcode="31234000551187", carrier="Post", tracking="T-1")
    loan.does("receive", condition_checked=True, temporary_barcode="TMP-1")
    loan.does("check_out")
    return loan, lent


def test_renewed_then_overdue_then_returned(stage):
    loan, lent = lent_and_received(stage, loan_days=14, transit_days=3, ladder=[5], renewal_days=14)
    assert loan.lender_due == lent.lender_due
    stage.waits_until("2026-02-12")

    loan.does("request_renewal")
    assert (loan.state, lent.state) == ("renewal_requested", "renewal_requested")
    lent.does("renew", due_date="2026-03-05")
    assert (loan.state, lent.state) == ("renewed", "renewed")
    assert str(loan.lender_due) == "2026-03-05"
    assert str(loan.patron_due) == "2026-03-02", "the patron's day leaves time for the way back"

    stage.waits_until("2026-03-03")
    assert loan.state == "renewed", "when the patron's day has passed, the patron alone hears of it"
    assert loan.letters[-1] == "overdue_level_0"
    stage.waits_until("2026-03-06")
    assert (loan.state, lent.state) == ("overdue", "overdue")
    assert lent.said[-1] == "Overdue"
    assert loan.letters.count("overdue") == 1
    stage.waits_until("2026-03-11")
    assert (loan.notice_level, lent.notice_level) == (1, 1)
    assert loan.letters.count("overdue") == 2
    stage.waits_until("2026-03-20")
    assert loan.letters.count("overdue") == 2, "the ladder has one rung"

    loan.scanned("TMP-1")
    loan.does("ship_back", tracking="R-9")
    assert lent.tracking == "R-9" or lent.state == "returned_by_partner"
    lent.scanned("31234000551187")
    assert (loan.state, lent.state) == ("completed", "completed")
    assert [subject for subject in stage.mails("ann@readers.example") if subject.startswith("Overdue")] == [
        "Overdue: “Pride and Prejudice”", "Overdue, notice 2: “Pride and Prejudice”",
    ]  # fmt: skip


def test_rejected_by_the_first_lender_filled_by_the_second(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    lent = stage.other_half(loan)
    lent.does("reject", reason="NotOnShelf", note="We looked twice.")

    assert (lent.state, loan.state) == ("rejected", "request_sent")
    assert loan.wire_id == "XPX-1001-2"
    assert stage.mails("ill@hilltop.example") == ["Interlibrary loan XPX-1001-2, request: Pride and Prejudice"]
    loan.does("partner_will_supply", told_by="mail", expected_date="2026-02-06")
    loan.does("partner_shipped", told_by="phone", due_date="2026-03-30", item_barcode="HUB-417")
    loan.scanned("HUB-417", checked=True)
    loan.does("check_out")
    loan.does("patron_return")
    loan.does("ship_back")
    loan.does("partner_completed", told_by="paper")

    assert loan.state == "completed"
    assert "return_slip" in loan.slips
    assert lent.state == "rejected"


def test_a_reason_that_nobody_can_cure_stops_the_rota(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    stage.other_half(loan).does("reject", reason="NotFoundAsCited")
    assert loan.state == "needs_review"
    assert loan.alerts == ["reason_needs_review"]
    assert stage.mails("ill@hilltop.example") == []


def test_lost_billed_and_settled(stage):
    stage.agrees("MAIN", "RIV", fees={"replacement": "70.00", "processing": "10.00"})
    loan, lent = lent_and_received(stage)

    loan.does("report_lost", note="left on a train")

    assert (loan.state, lent.state) == ("lost", "lost")
    assert lent.balance == {"USD": Decimal("105.00")}, "what Riverside charges"
    assert loan.balance == lent.balance, "the bill has replaced what Main had assumed"
    assert "lost" in loan.letters
    assert lent.said[-1] == "Notification"
    with pytest.raises(Exception, match=r"105\.00 USD is still open"):
        loan.does("settle", by="manager")
    loan.does("record_payment", by="manager", amount="100")
    loan.does("waive_fee", by="manager", amount="5", reason="an old copy")
    loan.does("settle", by="manager")
    lent.does("record_payment", by="manager", amount="105.00")
    lent.does("settle", by="manager")
    assert (loan.state, lent.state) == ("closed_without_return", "closed_without_return")
    assert loan.balance == lent.balance == {}


def test_long_overdue_is_lost(stage):
    loan, lent = lent_and_received(stage, loan_days=7, transit_days=0, lost_after_days=20, ladder=[])
    stage.waits_until("2026-03-05")
    assert (loan.state, lent.state) == ("lost", "lost")
    assert lent.history[-1] == "mark_lost"
    assert loan.history[-1] == "partner_declared_lost"


def test_found_after_all(stage):
    loan, lent = lent_and_received(stage)
    loan.does("report_lost")
    loan.does("found")
    assert (loan.state, loan.balance) == ("return_in_transit", {})
    loan.does("ship_back")
    lent.scanned("31234000551187")
    assert (loan.state, lent.state) == ("completed", "completed")


def test_called_off_before_it_is_shipped(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    loan.does("cancel", reason="not needed any more")
    assert (loan.state, lent.state) == ("cancel_requested", "cancel_requested")
    lent.does("refuse_cancel", reason="packed")
    assert (loan.state, lent.state) == ("request_sent", "new")
    loan.does("cancel", reason="really")
    lent.does("accept_cancel")
    assert (loan.state, lent.state) == ("cancelled", "cancelled")
    assert loan.letters[-1] == "cancelled"


def test_called_off_too_late(stage):
    loan, lent = lent_and_received(stage)
    with pytest.raises(Exception, match="Cancel Request is possible while"):
        loan.does("cancel", reason="too late")
    assert lent.state == "received_by_partner"


def test_a_condition_is_accepted_or_declined(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    lent = stage.other_half(loan)
    lent.does("add_condition", condition="LibraryUseOnly", cost="12.50")
    assert (loan.state, lent.state) == ("conditional", "conditional")
    assert (loan.conditions, loan.cost) == (["LibraryUseOnly"], Decimal("12.50"))
    loan.does("accept_condition")
    assert (loan.state, lent.state) == ("will_supply", "will_supply")
    assert "condition_accepted" in lent.alerts

    other = stage.borrows(ask=("RIV", "HILL"), title="Emma", isbn="")
    stage.other_half(other).does("add_condition", condition="NoReproduction")
    other.does("decline_condition", reason="too strict")
    assert (other.state, other.wire_id) == ("request_sent", f"{other.reference}-2")
    assert stage.other_half(other) is not None
    assert "Cancel" in other.said


def test_a_loan_is_recalled(stage):
    loan, lent = lent_and_received(stage)
    lent.does("recall", return_by="2026-02-16")
    assert (loan.state, lent.state) == ("recalled", "recalled")
    assert str(loan.lender_due) == str(loan.return_by) == "2026-02-16"
    assert loan.letters[-1] == "recalled"
    lent.does("cancel_recall", due_date="2026-03-10")
    assert (loan.state, str(loan.lender_due)) == ("on_loan", "2026-03-10")


def test_the_day_by_which_it_was_needed_passes(stage):
    loan = stage.borrows(need_by="2026-02-04")
    lent = stage.other_half(loan)
    stage.waits_until("2026-02-05")
    assert (loan.state, lent.state) == ("cancel_requested", "cancel_requested")
    lent.does("accept_cancel")
    assert (loan.state, loan.letters[-1]) == ("unfilled", "unfilled")


def test_nobody_answers(stage):
    loan = stage.borrows(ask=("HILL", "RIV"))
    stage.waits_until("2026-02-06")
    assert (loan.state, loan.wire_id) == ("request_sent", "XPX-1001-2")
    assert loan.history[-1] == "partner_silent"
    assert len(stage.mails("ill@hilltop.example")) == 2, "the request and its cancel"


def test_a_copy_comes_by_link(stage):
    copy = stage.borrows(service="copy", pages="12-30")
    lent = stage.other_half(copy)
    assert lent.service == "copy"
    lent.does("deliver_copy", link="https://copies.example/1")
    assert (copy.state, lent.state) == ("delivered", "delivered")
    assert copy.letters[-1] == "document"
    assert "https://copies.example/1" in stage.mailer.mails_to("ann@readers.example")[-1].text


def test_several_pieces_come_and_go(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="D1")
    loan.does("receive", condition_checked=True, pieces=["D1", "D2"])
    loan.does("patron_return", pieces=["D1"])
    assert loan.state == "received", "a piece is still out"
    loan.does("patron_return", pieces=["D2"])
    assert loan.state == "return_in_transit"


def test_lending_is_suspended(stage):
    from ill_workflow.libraries import find_library

    with stage.db.writing() as session:
        find_library(session, "RIV").lending_suspended = True
    loan = stage.borrows(ask=("RIV", "HILL"))
    lent = stage.other_half(loan)
    assert lent.state == "rejected"
    assert loan.state == "needs_review", "a policy is not cured by asking on"


def test_the_shipment_is_undone_before_and_after_its_message_left(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    assert lent.state == "shipped"
    lent.undoes()
    assert (lent.state, lent.lender_due, lent.item_barcode) == ("new", None, None)
    assert lent.said == ["Loaned", "Notification"], "a Notification corrects what had left"
    assert [call for call, _ in stage.circulation.calls][-2:] == ["check_out", "check_in"]
    with pytest.raises(Exception, match="can't be taken back"):
        lent.undoes()


def test_a_key_is_one_transition_and_a_stale_page_is_told_what_happened(stage):
    from ill_workflow.errors import Conflict

    lent = stage.lends()
    first = lent.does("will_supply", key="k1", call_number="PR 1")
    again = lent.does("will_supply", key="k1", call_number="PR 1")
    assert (again.event_id, again.repeated) == (first.event_id, True)
    with pytest.raises(Conflict, match="used for something else"):
        lent.does("will_supply", key="k1", call_number="PR 2")
    assert lent.history == ["create", "will_supply"]
