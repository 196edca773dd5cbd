"""What partners say late, twice, out of order or about something past."""

from datetime import timedelta
from decimal import Decimal

import pytest

pytestmark = pytest.mark.long


def with_the_patron(stage, **terms):
    if terms:
        stage.agrees("RIV", "MAIN", **terms)
        stage.agrees("MAIN", "RIV", **terms)
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312")
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    return loan, lent


def by_mail(stage, **shipped):
    """A loan from Hilltop, which reads mail."""
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_shipped", told_by="mail", **{"due_date": "2026-03-20", **shipped})
    return loan


@pytest.mark.parametrize("status", ["Overdue", "Loaned", "Recalled"])
def test_a_finished_loan_stays_finished(stage, status):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("ship_back")
    loan.hears("LoanCompleted")
    letters = list(loan.letters)

    assert loan.hears(status, due="2026-03-20").ok

    assert (loan.state, loan.letters, loan.history[-1]) == ("completed", letters, "partner_informs")


def test_what_was_filled_locally_and_is_sent_after_all_is_on_its_way(stage):
    loan = stage.borrows()
    stage.other_half(loan).does("reject", reason="NotFoundAsCited")
    assert loan.state == "needs_review"
    loan.does("supply_locally")

    loan.hears("Loaned", due="2026-03-20")

    assert loan.state == "shipped"
    assert "unexpected_shipment" in loan.alerts


def test_an_overtaken_status_that_says_nothing_new_is_recorded(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-10")
    loan.hears("Overdue", due="2026-03-20")

    assert loan.hears("RequestReceived", reason="StatusRequestResponse", ago=timedelta(hours=1)).ok

    assert (loan.state, loan.history[-1]) == ("overdue", "partner_informs")


def test_a_status_request_does_not_accept_a_condition(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("add_condition", condition="LibraryUseOnly", cost="12.50", reply_by="2026-02-20")

    loan.does("ask")

    assert (loan.state, lent.state) == ("conditional", "conditional")
    assert loan.history[-1] == "partner_informs"


def test_a_recall_before_arrival_and_lifted_after_it_goes_back_to_received(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("recall", return_by="2026-02-16")
    assert loan.alerts[-1] == "recalled_but_not_here"

    loan.does("receive", condition_checked=True)
    assert (loan.state, loan.previous_state) == ("recalled", "received")
    lent.does("cancel_recall")

    assert loan.state == "received"


def test_a_recall_lifted_without_a_day_gives_the_old_day_back(stage):
    loan, lent = with_the_patron(stage)
    before = lent.lender_due
    lent.does("recall", return_by="2026-02-16")
    assert str(loan.lender_due) == "2026-02-16"

    lent.does("cancel_recall")

    assert (loan.state, lent.state) == ("on_loan", "received_by_partner")
    assert loan.lender_due == lent.lender_due == before


@pytest.mark.parametrize("status", ["Recalled", "Overdue"])
def test_what_was_lifted_before_arrival_strikes_no_more(stage, status):
    loan = by_mail(stage, due_date="2026-02-16")
    loan.hears(status, due="2026-02-10")
    loan.hears("Loaned", due="2026-03-30")

    loan.does("receive", condition_checked=True)

    assert loan.state == "received"
    assert str(loan.lender_due) == "2026-03-30"


def test_a_later_day_lifts_a_recall_and_an_earlier_one_does_not(stage):
    loan, lent = with_the_patron(stage)
    lent.does("recall", return_by="2026-02-16")
    lent.does("change_due_date", by="manager", due_date="2026-02-12", reason="sooner")
    assert (loan.state, lent.state) == ("recalled", "recalled")
    lent.does("change_due_date", by="manager", due_date="2026-03-12", reason="found another copy")
    assert (loan.state, lent.state) == ("on_loan", "received_by_partner")


def test_a_cancel_that_came_too_late_says_that_the_item_is_coming(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("try_next")
    assert loan.state == "unfilled"
    loan.hears("Loaned", reason="CancelResponse", answer="N")
    assert loan.state == "shipped"
    assert "unexpected_shipment" in loan.alerts


def test_a_renewal_without_a_day_after_the_day_has_passed(stage):
    loan = by_mail(stage, due_date="2026-02-04")
    loan.does("receive", condition_checked=True)
    stage.waits_until("2026-02-06")
    assert loan.state == "overdue"
    loan.does("request_renewal")

    loan.hears("Loaned", reason="RenewResponse", answer="Y")

    assert (loan.state, loan.due_assumed, str(loan.lender_due)) == ("renewed", True, "2026-03-06")
    assert "lender_due" in loan.timers
    assert loan.alerts[-1] == "renewed_without_a_date"


@pytest.mark.parametrize("refused", [True, False], ids=["that was refused", "that nobody looked at"])
def test_a_lost_book_that_the_lender_still_believes_on_its_shelf(stage, refused):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    if refused:
        lent.does("reject", reason="NotOnShelf")
    loan.does("partner_shipped", told_by="phone", due_date="2026-03-05")
    loan.does("report_lost", note="on a train")
    assert (loan.state, lent.state, lent.alerts[-1]) == ("lost", "lost", "lost_unscanned")
    assert (lent.balance, loan.balance) == ({"USD": Decimal("105.00")},) * 2
    assert lent.said[-1] == "Notification"

    lent.does("check_in")

    assert (loan.state, lent.state) == ("completed", "completed"), "it was on the shelf after all"
    assert (lent.balance, loan.balance) == ({}, {})


def test_a_lost_copy_that_was_refused_is_news(stage):
    lent = stage.lends(service="copy")
    lent.does("reject", reason="NotHeld")
    assert lent.is_told("Lost").ok
    assert (lent.state, lent.alerts[-1], lent.balance) == ("rejected", "partner_informs", {})
    lent.is_told("ShippedForward")
    assert lent.alerts.count("partner_informs") == 2


def test_a_received_copy_is_delivered_and_never_due(stage):
    lent = stage.lends(service="copy")
    lent.is_told("Received")
    assert (lent.state, lent.lender_due, lent.timers) == ("delivered", None, [])
    assert "CopyCompleted" in lent.said


def test_what_one_lender_said_of_its_shipment_does_not_cling_to_the_next(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312", carrier="Post", tracking="T-1")
    loan.hears("Unfilled", note="it fell apart")
    assert (loan.state, loan.item_barcode, loan.tracking, loan.lender_due) == ("needs_review", None, None, None)

    loan.does("submit")
    loan.does("partner_shipped", told_by="mail")

    assert (loan.item_barcode, loan.carrier, loan.lender_due) == (None, None, None)


def test_long_and_hostile_words_of_a_partner_are_cut_and_not_refused(stage):
    loan = stage.borrows(ask=("HILL",))
    assert loan.hears("Loaned", due="2026-03-20", note="x" * 5000 + "\x00", items=("b" * 500,)).ok
    assert (loan.state, loan.item_barcode) == ("shipped", None)
    assert len(loan.inputs("partner_shipped")["note"]) == 2000


def test_the_need_by_date_passes_though_it_was_reminded_of(stage):
    loan = stage.borrows(ask=("HILL",), need_by="2026-02-05")
    loan.does("partner_will_supply", told_by="mail")
    stage.waits_until("2026-02-06")
    assert loan.alerts[-1] == "reminder"

    loan.does("partner_offers_retry", told_by="mail", reason="OnLoan")
    stage.waits_until("2026-02-07")

    assert loan.state == "unfilled"


def test_printing_again_does_not_put_off_the_day_of_the_answer(stage):
    lent = stage.lends()
    lent.does("print_slip")
    since = lent.state_since
    stage.waits_until("2026-02-04")
    lent.does("print_slip")
    assert lent.state_since == since
    stage.waits_until("2026-02-06")
    assert lent.state == "expired"


def test_marked_as_completed_by_hand_is_forgotten_when_the_partner_says_so_itself(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("ship_back")
    loan.does("complete")
    loan.does("route_home")
    loan.does("ship_back")
    loan.hears("LoanCompleted")
    loan.hears("CompletedWithoutReturn")
    assert (loan.state, loan.balance) == ("completed", {})
    assert loan.alerts[-1] == "partner_informs"


def test_an_open_cancel_that_ends_otherwise_is_told_to_the_patron(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("cancel", reason="not needed")
    loan.hears("LoanCompleted")
    assert (loan.state, loan.letters[-1]) == ("cancelled", "cancelled")


def test_the_status_of_a_refused_request_comes_with_its_reason(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    lent = stage.other_half(loan)
    with stage.db.writing() as session:
        from ill_workflow.libraries import find_library

        find_library(session, "RIV").email = ""
    lent.does("reject", reason="NotFoundAsCited")
    assert loan.state == "needs_review"
    lent.is_told("StatusRequest")
    assert lent.said[-1] == "StatusRequestResponse"
    assert stage.last_message(lent)["messageInfo"]["reasonUnfilled"] == "NotFoundAsCited"


def test_a_damaged_item_that_is_back_is_a_completed_loan(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("mark_damaged", severity="minor", note="stain")
    lent.is_told("StatusRequest")
    assert stage.last_message(lent)["statusInfo"]["status"] == "Loaned"
    lent.does("check_in")
    lent.is_told("StatusRequest")
    assert stage.last_message(lent)["statusInfo"]["status"] == "LoanCompleted"


def test_a_partner_that_wants_to_be_told_that_its_request_arrived(stage):
    stage.agrees("RIV", "MAIN", wants_received=True)
    loan = stage.borrows()
    assert stage.other_half(loan).said == ["RequestReceived"]
    assert (loan.state, loan.history[-1]) == ("request_sent", "partner_informs")
