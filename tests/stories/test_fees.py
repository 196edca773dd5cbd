"""Who owes whom how much, and never twice."""

from decimal import Decimal

import pytest

from tests.stories.test_late_messages import by_mail, with_the_patron

pytestmark = pytest.mark.long

BILL = {"USD": Decimal("105.00")}


def test_what_was_paid_is_not_asked_for_again_when_the_lender_settles(stage):
    loan, lent = with_the_patron(stage)
    lent.does("mark_lost")
    assert loan.balance == lent.balance == BILL
    for half in (loan, lent):
        half.does("record_payment", by="manager", amount="105.00")

    lent.does("settle", by="manager")

    assert lent.state == "closed_without_return"
    assert loan.balance == lent.balance == {}


def test_two_bills_for_one_lost_item_are_one(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("partner_declared_lost", told_by="mail", cost="80")
    loan.does("partner_declared_lost", told_by="phone", cost="85")
    assert loan.balance == {"USD": Decimal("85.00")}


def test_lost_taken_back_and_lost_again(stage):
    loan, lent = with_the_patron(stage)
    lent.does("mark_lost")
    lent.undoes()
    assert lent.balance == {}
    lent.does("mark_lost")
    assert loan.balance == lent.balance == BILL


def test_what_is_found_costs_nothing_on_either_side_and_other_debts_stay(stage):
    loan, lent = with_the_patron(stage)
    loan.does("partner_bills", amount="5", kind="supply")
    loan.does("report_lost")
    assert loan.balance == {"USD": Decimal("110.00")}

    loan.does("found")
    loan.does("ship_back")
    lent.does("check_in")

    assert loan.balance == {"USD": Decimal("5.00")}
    assert (lent.state, lent.balance) == ("completed", {})


def test_what_the_lender_finds_on_its_own_shelf_costs_nothing_on_either_side(stage):
    loan, lent = with_the_patron(stage)
    loan.does("partner_bills", amount="5", kind="supply")
    loan.does("ship_back")
    lent.does("mark_lost")
    assert (loan.state, loan.balance) == ("lost", {"USD": Decimal("110.00")})

    lent.does("check_in")

    assert (loan.state, loan.balance) == ("completed", {"USD": Decimal("5.00")})
    assert (lent.state, lent.balance) == ("completed", {})


def test_a_payment_for_what_is_found_becomes_a_credit_on_both_sides(stage):
    loan, lent = with_the_patron(stage)
    loan.does("report_lost")
    for half in (loan, lent):
        half.does("record_payment", by="manager", amount="105.00")
    loan.does("found")
    loan.does("ship_back")
    lent.does("check_in")
    assert loan.balance == lent.balance == {"USD": Decimal("-105.00")}


def test_what_was_settled_and_comes_home_after_all_is_left_to_people(stage):
    loan, lent = with_the_patron(stage)
    loan.does("report_lost")
    for half in (loan, lent):
        half.does("record_payment", by="manager", amount="105.00")
        half.does("settle", by="manager")
    loan.does("route_home")
    loan.does("ship_back")
    assert lent.state == "returned_by_partner"
    lent.does("check_in")
    assert (loan.state, lent.state) == ("completed", "completed")
    assert loan.balance == lent.balance == {}


def test_damage_is_billed_with_its_own_amount(stage):
    loan, lent = with_the_patron(stage)
    loan.does("partner_bills", amount="7", kind="overdue")
    lent.does("mark_damaged", severity="major", note="coffee", amount="20")
    assert lent.balance == {"USD": Decimal("20.00")}
    assert loan.balance == {"USD": Decimal("27.00")}
    assert "Costs: 20.00 USD" in stage.letter_for(lent)


def test_amounts_are_in_the_partners_currency(stage):
    for at, partner in (("RIV", "MAIN"), ("MAIN", "RIV")):
        stage.changes(at, partner, currency="EUR")
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("add_condition", condition="SignatureRequired", cost="12.50")
    assert stage.last_message(lent)["retryInfo"]["offeredCosts"] == {"currencyCode": "EUR", "monetaryValue": "12.50"}


def test_an_offer_is_no_bill_before_the_item_came(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.hears("RequestReceived", reason="Notification", cost="9.00")
    assert (loan.balance, loan.alerts[-1]) == ({}, "partner_informs")
    loan.hears("Loaned", due="2026-03-20", cost="9.00")
    assert loan.balance == {"USD": Decimal("9.00")}, "what the lender asks for sending it"
    loan.does("receive", condition_checked=True)
    loan.hears("Loaned", reason="Notification", cost="4.00", note="for the insurance")
    assert loan.balance == {"USD": Decimal("13.00")}


@pytest.mark.parametrize(("status", "state"), [("Unfilled", "needs_review"), ("RetryPossible", "retry_offered")])
def test_a_shipment_that_was_taken_back_is_not_paid_for(stage, status, state):
    loan = stage.borrows(ask=("HILL",))
    loan.hears("Loaned", due="2026-03-20", cost="9.00")
    loan.hears(status)
    assert (loan.state, loan.balance, loan.lender_due) == (state, {}, None)


@pytest.mark.parametrize("how", ["report_lost", "partner_declared_lost"])
def test_without_an_amount_the_agreed_fees_are_assumed_once(stage, how):
    stage.changes("MAIN", "HILL", fees={"replacement": "60.00", "processing": "10.00"})
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    if how == "report_lost":
        loan.does("report_lost")
    loan.does("partner_declared_lost", told_by="mail")
    assert loan.balance == {"USD": Decimal("70.00")}
