"""Whole loans: with a branch, from a lender that is told of by phone, mail and paper, and to such a borrower."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ill_workflow.errors import Refused
from tests.plugins.loans import PAIRS, Loan, begin

pytestmark = pytest.mark.long


@pytest.fixture(params=PAIRS)
def asked(request, stage):
    """A request that was sent, in each of the three ways: `asked(service=…)`."""
    return lambda **fields: begin(stage, request.param, **fields)


def with_the_patron(asked) -> Loan:
    it = asked()
    it.lender("prints the slip")
    it.lender("ships")
    it.borrower("receives")
    it.at_the_borrower("check_out")
    it.stands("on_loan", "received_by_partner")
    return it


def comes_home(it: Loan) -> None:
    it.at_the_borrower("patron_return")
    it.borrower("sends back")
    it.stands("returned", "returned_by_partner")
    it.lender("has it back")
    it.stands("completed")
    assert [half.timers for half in (it.loan, it.lent) if half] in ([[]], [[], []])


def test_a_loan_goes_out_and_comes_home(asked):
    it = asked()
    it.stands("request_sent", "new")
    it.at_the_lender("record_availability", found=True, call_number="PR 4034", location="Level 2")
    it.lender("promises")
    it.stands("will_supply")
    it.lender("ships")
    it.stands("shipped")
    it.at_the_borrower("mark_in_transit")
    it.stands("in_transit", "shipped")
    it.borrower("receives")
    it.stands("received", "received_by_partner")
    it.at_the_borrower("check_out")
    it.borrower("asks how it stands")
    comes_home(it)
    if it.loan:
        assert it.loan.letters == ["request_sent", "shipped", "ready_for_pickup"]
        assert it.loan.slips == ["book_strap", "return_slip"]


def test_a_copy_comes_as_a_link(asked):
    it = asked(service="copy", pages="12-30")
    it.lender("delivers")
    it.stands("delivered")
    if it.loan:
        assert it.loan.letters[-1] == "document"
        assert "https://copies.example/1" in it.stage.mailer.mails_to("ann@readers.example")[-1].text
    if it.lent and not it.loan:
        assert "https://copies.example/1" in it.stage.mailer.mails_to("ill@hilltop.example")[-1].text


def test_renewed_denied_overdue_and_returned(asked):
    it = with_the_patron(asked)
    it.borrower("asks to renew")
    it.stands("renewal_requested")
    it.lender("renews")
    it.stands("renewed")
    it.borrower("asks to renew")
    it.lender("denies the renewal")
    it.stands("renewal_denied", "renewed")
    for half in filter(None, (it.loan, it.lent)):
        assert str(half.lender_due) == "2026-04-02"
    it.stage.waits_until("2026-04-03")
    it.stands("overdue")
    comes_home(it)


def test_a_recall_is_lifted_and_comes_again(asked):
    it = with_the_patron(asked)
    it.lender("recalls")
    it.stands("recalled")
    it.lender("lifts the recall")
    it.stands("on_loan", "received_by_partner")
    it.lender("recalls")
    comes_home(it)
    if it.loan:
        assert it.loan.letters.count("recalled") == 2


def test_lost_billed_paid_and_settled(asked):
    it = with_the_patron(asked)
    it.borrower("says that it is lost")
    it.stands("lost")
    if it.loan and not it.lent:
        it.lender("says that it is lost")  # that is its bill
    for half in filter(None, (it.loan, it.lent)):
        assert half.balance == {"USD": Decimal("105.00")}
        with pytest.raises(Refused, match=r"105\.00 USD is still open"):
            half.does("settle", by="manager")
        half.does("record_payment", by="manager", amount="100")
        half.does("waive_fee", by="manager", amount="5", reason="an old copy")
        half.does("settle", by="manager")
    it.stands("closed_without_return")


def test_the_lender_says_that_it_is_lost_and_it_is_found(asked):
    it = with_the_patron(asked)
    it.lender("says that it is lost")
    it.stands("lost")
    it.at_the_borrower("found")
    it.borrower("sends back")
    it.lender("has it back")
    it.stands("completed")
    for half in filter(None, (it.loan, it.lent)):
        assert half.balance == {}


def test_damage_is_billed_once_the_item_is_back(asked):
    it = with_the_patron(asked)
    it.at_the_borrower("patron_return")
    it.borrower("sends back")
    it.lender("bills the damage")
    for half in filter(None, (it.loan, it.lent)):
        assert half.balance == {"USD": Decimal("8.00")}
        half.does("record_payment", by="manager", amount="8.00")
    if it.lent:
        assert it.lent.state == "damaged"
        it.lent.does("check_in")
        it.lent.does("settle", by="manager")
    else:
        it.lender("has it back")
    it.stands("completed")


def test_called_off_in_time(asked):
    it = asked()
    it.borrower("calls it off")
    it.stands("cancel_requested")
    it.lender("won't cancel")
    it.stands("request_sent", "new")
    it.lender("promises")
    it.borrower("calls it off")
    it.lender("won't cancel")
    it.stands("will_supply")
    it.borrower("calls it off")
    it.lender("agrees to cancel")
    it.stands("cancelled")
    if it.loan:
        assert it.loan.letters[-1] == "cancelled"


def test_called_off_too_late(asked):
    it = asked()
    if not it.loan:
        it.lender("ships")
        it.borrower("calls it off")
        assert it.lent.said[-1] == "CancelResponse N"
    elif not it.lent:
        it.borrower("calls it off")
        it.lender("ships")  # it was packed already
        assert it.loan.alerts[-1] == "unexpected_shipment"
    else:
        it.borrower("calls it off")
        it.lender("won't cancel")
        it.lender("ships")
    it.stands("shipped")
    it.borrower("receives")
    comes_home(it)


def test_a_condition_is_accepted(asked):
    it = asked()
    it.lender("sets a condition")
    it.stands("conditional")
    it.at_the_lender("amend", changes={"location": "Level 2"})
    it.borrower("accepts the condition")
    it.stands("will_supply")
    it.lender("ships")
    it.borrower("receives")
    comes_home(it)


def test_asked_again_in_other_words(asked):
    it = asked()
    it.lender("offers a retry")
    it.stands("retry_offered")
    it.at_the_borrower("retry", changes={"volume": "2"})
    if it.loan and it.lent:
        assert it.stage.other_half(it.loan).volume == "2"
    if it.loan:
        assert it.loan.wire_id == f"{it.loan.reference}-2"


def test_refused(asked):
    it = asked()
    it.lender("refuses")
    it.stands("unfilled", "rejected")
