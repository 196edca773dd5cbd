"""The rows that no other story tells of; together they pull every row of both tables."""

from decimal import Decimal

import pytest

from ill_workflow import libraries, patrons
from ill_workflow.errors import Refused
from ill_workflow.requests import intake
from ill_workflow.requests.by import By
from tests.plugins.stage import Half
from tests.stories.test_late_messages import by_mail, with_the_patron

pytestmark = pytest.mark.long


def test_a_request_that_looks_odd_waits_for_a_person(stage):
    first = stage.borrows()
    second = stage.borrows(send=False)
    assert (first.state, second.state) == ("request_sent", "needs_review")
    assert "asked for it already: XPX-1001" in second.inputs("flag_for_review")["problems"]
    assert second.alerts == ["needs_review"]
    second.does("amend", changes={"volume": "2"})
    second.does("submit")
    assert stage.other_half(second).volume == "2"


def test_a_request_without_a_patron_is_cancelled_before_it_is_sent(stage):
    with stage.db.writing() as session:
        library = libraries.find_library(session, "MAIN")
        by = By.staff(stage.account(session, "operator", "MAIN"))
        loan = Half(stage, intake.borrow(session, library, {"title": "Emma"}, by=by, clock=stage.clock).id)
    stage.work()
    assert loan.state == "needs_review"
    loan.does("cancel", reason="a test")
    assert (loan.state, loan.said, loan.letters) == ("cancelled", [], [])


def test_asked_again_as_the_lender_suggests(stage):
    loan = stage.borrows()
    first = stage.other_half(loan)
    first.does("amend", changes={"call_number": "PR 4034"})
    assert (first.call_number, first.said) == ("PR 4034", [])
    first.does("offer_retry", reason="MultiVolAvail", new_data="Name the volume.", not_before="2026-02-05")
    assert (loan.state, first.state) == ("retry_offered", "retry_offered")
    stage.waits_until("2026-02-05")
    assert loan.history[-1] == "remind", "the day has come"

    loan.does("retry", changes={"volume": "2"})

    second = stage.other_half(loan)
    assert (loan.state, loan.wire_id) == ("request_sent", "XPX-1001-2")
    assert (second.volume, second.follows_id) == ("2", first.id)


def test_a_renewal_is_asked_for_and_denied_until_it_is_overdue(stage):
    loan, lent = with_the_patron(stage, loan_days=10, transit_days=0, ladder=[], lost_after_days=None)
    loan.does("request_renewal", wished_date="2026-03-30")
    assert (loan.state, lent.state) == ("renewal_requested", "renewal_requested")
    lent.does("deny_renewal", reason="Reserved")
    assert (loan.state, lent.state) == ("renewal_denied", "received_by_partner")
    assert loan.letters[-1] == "renewal_denied"
    loan.does("request_renewal")
    stage.waits_until("2026-02-14")
    assert lent.state == "renewal_requested", "who has asked waits for the answer"
    lent.does("deny_renewal", reason="Reserved")
    assert (loan.state, lent.state) == ("overdue", "overdue")


@pytest.mark.parametrize(("policy", "state", "said"), [(True, "renewed", "RenewResponse Y"), (False, "on_loan", None)])
def test_a_policy_answers_renewals_by_itself(stage, policy, state, said):
    loan, lent = with_the_patron(stage, renews_by_itself=policy)
    loan.does("request_renewal")
    if policy:
        assert (loan.state, lent.state, lent.renewals) == ("renewed", "renewed", 1)
        loan.does("request_renewal")
    assert (loan.state, lent.said[-1]) == ("renewal_denied", "RenewResponse N"), "one renewal was agreed"
    assert lent.alerts.count("renewal_requested") == 0


def test_a_renewal_of_what_is_recalled_is_denied_by_return(stage):
    loan, lent = with_the_patron(stage)
    loan.does("request_renewal")
    lent.does("recall", return_by="2026-02-16")
    assert (loan.state, lent.state) == ("recalled", "recalled")
    lent.is_told("Renew")
    assert lent.said[-1] == "RenewResponse N"
    assert loan.history[-1] == "partner_denied_renewal"
    assert loan.state == "recalled"


def test_sent_back_twice_is_confirmed_twice(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.is_told("ShippedReturn")
    lent.does("check_in")
    assert lent.is_told("ShippedReturn", note="once more").ok
    assert (lent.state, lent.said.count("LoanCompleted")) == ("completed", 2)


def test_a_cancel_is_answered_in_every_state(stage):
    stage.agrees("RIV", "MAIN", accepts_cancel_unshipped=True)
    loan = stage.borrows()
    lent = stage.other_half(loan)
    loan.does("cancel", reason="not needed")
    assert (loan.state, lent.state) == ("cancelled", "cancelled"), "by policy"
    lent.is_told("Cancel")
    assert lent.said[-2:] == ["CancelResponse Y", "CancelResponse Y"]
    other = stage.borrows(title="Emma", isbn="")
    sent = stage.other_half(other)
    sent.does("ship", condition_checked=True, item_barcode="312")
    sent.is_told("Cancel")
    assert (sent.state, sent.said[-1]) == ("shipped", "CancelResponse N")


def test_damage_is_reported_by_the_borrower_and_billed_by_the_lender(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("report_damaged", severity="minor", note="a stain on page 7")
    assert loan.balance == {"USD": Decimal("25.00")}, "what was agreed, until the lender says more"
    loan.does("partner_bills", told_by="paper", amount="12.50", kind="damage")
    assert loan.balance == {"USD": Decimal("12.50")}
    loan.does("waive_fee", by="manager", amount="12.50", reason="it was there before")
    assert loan.balance == {}


def test_a_damaged_item_that_is_back_is_settled_as_completed(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("mark_damaged", severity="major", note="wet", amount="40")
    lent.does("check_in")
    assert lent.state == "damaged"
    with pytest.raises(Refused, match=r"40\.00 USD is still open"):
        lent.does("settle", by="manager")
    lent.does("waive_fee", by="manager", amount="15", reason="old")
    lent.does("record_payment", by="manager", amount="25")
    lent.does("settle", by="manager")
    assert (lent.state, lent.balance) == ("completed", {})


@pytest.mark.parametrize(
    ("outcome", "state", "said"),
    [("", "cancelled", "Cancelled"), ("rejected", "rejected", "Unfilled"), ("completed", None, None)],
)
def test_a_manager_closes_a_lending_request_by_hand(stage, outcome, state, said):
    lent = stage.lends()
    if state is None:
        with pytest.raises(Refused, match="Choose the outcome"):
            lent.does("close", by="manager", reason="cleaning up", outcome=outcome)
        return
    lent.does("will_supply")
    lent.does("close", by="manager", reason="cleaning up", outcome=outcome)
    assert (lent.state, lent.said[-1]) == (state, said)
    assert [call for call, _ in stage.circulation.calls][-1] == "release"
    assert "cleaning up" not in str(stage.last_message(lent)), "a manager's reason stays here"
    lent.is_told("StatusRequest")
    assert (lent.said[-1], lent.inputs("close")["reason"]) == ("StatusRequestResponse", "cleaning up")
    assert "cleaning up" not in str(stage.last_message(lent))


@pytest.mark.parametrize(("outcome", "follows"), [("completed", "completed"), ("closed_without_return", "lost")])
def test_a_manager_closes_a_loan_by_hand(stage, outcome, follows):
    loan, lent = with_the_patron(stage)
    with pytest.raises(Refused, match="needs a manager"):
        lent.does("close", reason="nobody knows", outcome=outcome)
    lent.does("close", by="manager", reason="nobody knows", outcome=outcome)
    assert (lent.state, loan.state) == (outcome, follows), "the borrower is told"
    if follows == "lost":
        loan.does("close", by="manager", reason="nobody knows", outcome=outcome)
        assert (loan.state, loan.said[-1]) == (outcome, "Notification")


def test_what_waits_for_long_is_brought_to_mind(stage):
    lent = stage.lends()
    lent.does("will_supply")
    stage.waits_until("2026-02-06")
    assert (lent.history[-1], lent.alerts[-1]) == ("remind", "reminder")


def test_a_patron_that_is_known_by_barcode_alone_is_written_to_by_staff(stage):
    with stage.db.writing() as session:
        library = libraries.find_library(session, "MAIN")
        by = By.staff(stage.account(session, "operator", "MAIN"))
        nobody = patrons.remember_patron(session, library.id, "2999")
        request = intake.borrow(
            session, library, {"title": "Emma"}, by=by, clock=stage.clock, patron=nobody, partners=("HILL",)
        )
        loan = Half(stage, request.id)
    loan.does("submit")
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    assert "ready_for_pickup" in loan.letters, "it stands on the request"
    assert loan.alerts == ["patron_has_no_address"], "and somebody has to say so"
