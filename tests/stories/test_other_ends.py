"""How else a step may end, and who else may take it: patrons, other systems, the clock, and managers in person."""

import pytest

from ill_workflow.errors import Refused
from ill_workflow.requests.by import SYSTEM
from tests.plugins.stage import PATRON
from tests.stories.test_late_messages import by_mail, with_the_patron

pytestmark = pytest.mark.long


def test_another_system_does_what_it_may(stage):
    loan = stage.borrows(send=False)
    loan.happens("submit", SYSTEM)
    lent = stage.other_half(loan)
    lent.happens("will_supply", SYSTEM, item_barcode="312")
    assert (loan.state, lent.state) == ("will_supply", "will_supply"), "the catalogue has located it"
    lent.does("ship", condition_checked=True, item_barcode="312")
    loan.happens("mark_in_transit", SYSTEM, carrier_event="out for delivery")
    loan.does("receive", condition_checked=True)
    loan.happens("check_out", SYSTEM)
    loan.happens("request_renewal", PATRON)
    lent.happens("renew", SYSTEM, due_date="2026-04-20")
    assert (loan.state, str(loan.lender_due)) == ("renewed", "2026-04-20")
    loan.happens("request_renewal", PATRON)
    lent.happens("deny_renewal", SYSTEM, reason="Reserved")
    assert loan.state == "renewal_denied"
    with pytest.raises(Refused, match="needs an operator"):
        loan.happens("ship_back", SYSTEM)


def test_a_patron_reports_and_calls_off(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.happens("report_lost", PATRON, note="left on a train")
    assert loan.state == "lost"
    never_sent = stage.borrows(send=False, title="Emma", isbn="")
    never_sent.happens("cancel", PATRON, reason="found it")
    assert (never_sent.state, never_sent.said) == ("cancelled", [])
    sent = stage.borrows(ask=("HILL",), title="Persuasion", isbn="")
    sent.happens("cancel", PATRON, reason="found it")
    assert (sent.state, sent.said[-1]) == ("cancel_requested", "Cancel")
    with pytest.raises(Refused, match="Receive needs an operator"):
        sent.happens("receive", PATRON, condition_checked=True)


def test_a_manager_asks_declines_and_turns_to_the_next(stage):
    loan = stage.borrows(ask=("HILL", "RIV"), send=False)
    loan.does("amend", by="manager", changes={"volume": "2"})
    loan.does("submit", by="manager")
    loan.does("try_next", by="manager", reason="slow")
    lent = stage.other_half(loan)
    assert (lent.state, lent.volume) == ("new", "2")
    lent.does("add_condition", condition="LibraryUseOnly")
    loan.does("decline_condition", by="manager", reason="too strict")
    assert (loan.state, loan.letters[-1]) == ("unfilled", "unfilled"), "nobody is left"
    assert lent.state == "cancel_requested"
    here = stage.borrows(send=False, title="Emma", isbn="")
    here.does("supply_locally", by="manager")
    assert (here.state, here.letters[-1]) == ("completed", "ready")
    no_longer = stage.borrows(send=False, title="Persuasion", isbn="")
    no_longer.does("cancel", by="manager", reason="not needed")
    assert no_longer.state == "cancelled"


@pytest.mark.parametrize("act", ["decline_condition", "try_next"])
def test_a_reason_that_nobody_can_cure_stops_the_rota_whoever_says_it(stage, act):
    loan = stage.borrows(ask=("RIV", "HILL"))
    if act == "decline_condition":
        stage.other_half(loan).does("add_condition", condition="LibraryUseOnly")
    loan.does(act, reason="NotFoundAsCited")
    assert (loan.state, loan.alerts[-1], loan.said[-1]) == ("needs_review", "reason_needs_review", "Cancel")
    assert stage.mails("ill@hilltop.example") == []


@pytest.mark.parametrize("role", ["operator", "manager"])
def test_staff_record_at_the_counter_that_a_condition_is_accepted(stage, role):
    lent = stage.lends()
    lent.does("add_condition", condition="LibraryUseOnly")
    lent.does("partner_accepts_condition", by=role)
    assert (lent.state, lent.last_event.actor, lent.said[-1]) == ("will_supply", "staff", "WillSupply")


def test_a_manager_keeps_a_loan_by_hand(stage):
    loan = by_mail(stage)
    loan.does("receive", by="manager", condition_checked=True, pieces=["D1"])
    loan.does("receive", by="manager", condition_checked=True, pieces=["D2"])
    loan.does("change_due_date", by="manager", due_date="2026-04-20")
    loan.does("report_damaged", by="manager", severity="minor", note="a stain")
    loan.does("partner_bills", by="manager", amount="5.00", kind="damage")
    assert (str(loan.lender_due), str(loan.balance["USD"])) == ("2026-04-20", "5.00")
    loan.does("ship_back", by="manager")
    loan.does("complete", by="manager")
    loan.hears("CompletedWithoutReturn", cost="80.00")
    assert loan.state == "lost", "Hilltop never said that it was complete"
    loan.does("found", by="manager")
    loan.does("ship_back", by="manager")
    loan.hears("LoanCompleted")
    loan.does("route_home", by="manager")
    assert loan.state == "return_in_transit"


def test_a_recall_is_lifted_when_the_day_has_passed(stage):
    loan, lent = with_the_patron(stage, loan_days=7, transit_days=0, ladder=[], lost_after_days=None)
    stage.waits_until("2026-02-12")
    lent.does("recall", return_by="2026-02-20")
    assert (loan.state, lent.state) == ("recalled", "recalled")
    lent.does("cancel_recall")
    assert lent.state == "overdue"


def test_a_damaged_item_is_announced_on_its_way_back(stage):
    loan, lent = with_the_patron(stage)
    lent.does("mark_damaged", severity="major", note="wet", amount="20")
    loan.does("ship_back")
    assert (lent.state, lent.alerts[-1]) == ("damaged", "unexpected_return")


def test_it_was_back_before_it_was_sent_back(stage):
    loan, lent = with_the_patron(stage)
    lent.does("check_in")
    assert (loan.state, loan.alerts[-1]) == ("completed", "completed_by_partner")
    loan.does("route_home")
    loan.does("ship_back")
    assert (loan.state, lent.state, lent.said[-2:]) == ("completed", "completed", ["LoanCompleted"] * 2)


def test_what_is_told_about_something_past(stage):
    refused = stage.lends(partner_id="H-1")
    refused.does("reject", reason="NotOnShelf")
    refused.does("partner_cancels", told_by="phone")
    assert (refused.state, refused.said[-1]) == ("rejected", "CancelResponse Y")
    refused.does("mark_lost", told_by="phone", note="It came, and is gone.")
    assert (refused.state, refused.alerts[-1]) == ("lost", "lost_unscanned"), "it had gone out after all"
    lent = stage.lends(partner_id="H-2")
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("check_in")
    lent.does("partner_requests_renewal", told_by="mail")
    lent.does("partner_returned", told_by="paper")
    assert (lent.state, lent.said[-2:]) == ("completed", ["RenewResponse N", "LoanCompleted"])
    loan = by_mail(stage)
    loan.does("partner_informs", told_by="phone", note="The spine is weak.")
    assert (loan.state, loan.alerts[-1]) == ("shipped", "partner_informs")


def test_what_a_lender_says_while_a_cancel_is_under_way_is_kept_for_later(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("cancel", reason="not needed")
    loan.does("partner_will_supply", told_by="phone")
    assert (loan.state, loan.previous_state) == ("cancel_requested", "will_supply")
    loan.hears("WillSupply", conditions=("LibraryUseOnly",))
    loan.does("partner_sets_condition", told_by="phone", condition="LibraryUseOnly")
    assert (loan.state, loan.previous_state) == ("cancel_requested", "conditional")
    loan.does("partner_refuses_cancel", told_by="phone", reason="too late")
    assert loan.state == "conditional"
    loan.does("cancel", reason="really")
    loan.does("partner_refuses_cancel", told_by="mail", status="Loaned", due_date="2026-03-20")
    assert (loan.state, str(loan.lender_due), loan.letters[-1]) == ("shipped", "2026-03-20", "shipped")


ENDS = {
    "another answer": lambda stage, loan: loan.does("partner_offers_retry", told_by="mail", reason="OnLoan"),
    "a refusal": lambda stage, loan: loan.does("partner_cannot_supply", told_by="mail", reason="OnLoan"),
    "silence": lambda stage, loan: stage.waits_until("2026-02-12"),
    "a mistake": lambda stage, loan: loan.does("partner_completed", told_by="mail"),
    "an agreement": lambda stage, loan: loan.does("partner_accepts_cancel", told_by="mail"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("state", ["cancelled", "unfilled"])
def test_a_cancel_under_way_ends_as_it_began(stage, end, state):
    loan = stage.borrows(ask=("HILL", "RIV"), need_by="2026-02-03" if state == "unfilled" else "2026-03-20")
    if state == "unfilled":
        stage.waits_until("2026-02-04")
    else:
        loan.does("cancel", reason="not needed")
    assert loan.state == "cancel_requested"
    ENDS[end](stage, loan)
    assert (loan.state, loan.letters[-1], loan.timers) == (state, state, []), "nobody else is asked"


def test_a_copy_is_posted_on_paper(stage):
    copy = stage.borrows(service="copy", pages="12-30")
    stage.other_half(copy).does("deliver_copy", on_paper=True)
    assert copy.state == "shipped"
    assert copy.scanned(checked=True).outcome.dest == "delivered"
    assert copy.timers == []


def test_an_overdue_notice_and_a_renewal_before_the_item_came(stage):
    loan = by_mail(stage, due_date="2026-02-03")
    loan.does("partner_overdue", told_by="phone")
    assert (loan.state, loan.alerts[-1]) == ("shipped", "overdue_but_not_here")
    loan.does("receive", condition_checked=True)
    assert (loan.state, loan.letters[-1]) == ("overdue", "overdue")
    other = by_mail(stage, due_date="2026-03-03")
    other.does("partner_overdue", told_by="phone")
    other.does("partner_renewed", told_by="phone", due_date="2026-04-03")
    assert (other.state, str(other.lender_due)) == ("shipped", "2026-04-03")
    other.does("receive", condition_checked=True)
    assert other.state == "received", "the notice is void"


def test_a_partner_that_cant_say_so_is_done_with_after_a_while(stage):
    stage.agrees("MAIN", "HILL", completes_itself=True)
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("ship_back")
    stage.waits_until("2026-02-12")
    assert (loan.state, loan.history[-1]) == ("completed", "complete")
    loan.does("partner_declared_lost", told_by="paper", cost="80.00")
    assert loan.state == "lost", "until it says otherwise"


@pytest.mark.parametrize(
    ("sent", "outcome", "state", "said"),
    [(False, "", "cancelled", []), (True, "unfilled", "unfilled", ["Cancel"]), (True, "completed", None, [])],
)
def test_a_manager_closes_a_request_by_hand(stage, sent, outcome, state, said):
    loan = stage.borrows(ask=("HILL",), send=sent)
    if state is None:
        with pytest.raises(Refused, match="Choose the outcome"):
            loan.does("close", by="manager", reason="cleaning up", outcome=outcome)
        return
    loan.does("close", by="manager", reason="cleaning up", outcome=outcome)
    assert (loan.state, loan.said[1:]) == (state, said)
    assert not said or "cleaning up" not in str(stage.last_message(loan)), "a manager's reason stays here"


def test_a_manager_closes_a_loan_as_completed(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("close", by="manager", reason="Hilltop has closed for good", outcome="completed")
    assert (loan.state, loan.said[-1], loan.timers) == ("completed", "Notification", [])


@pytest.mark.parametrize("trigger", ["receive", "route_home", "ask"])
def test_what_was_sent_to_nobody_came_from_nobody(stage, trigger):
    loan = stage.borrows(send=False, need_by="2026-02-03")
    if trigger == "receive":
        loan.happens("flag_for_review", SYSTEM, problems="It looks odd.")
    else:
        stage.waits_until("2026-02-05")
        assert loan.state == "unfilled"
    with pytest.raises(Refused, match="sent to no partner yet"):
        loan.does(trigger, **({"condition_checked": True} if trigger == "receive" else {}))
    with pytest.raises(Refused, match="sent to no partner yet: nobody can have said that"):
        loan.does("partner_shipped", told_by="phone")
    with pytest.raises(Refused, match="borrowed from nobody yet"):
        loan.scanned(checked=True)
