"""What the long test has found, each told as a small story."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ill_workflow.clock import FixedClock
from ill_workflow.errors import Refused
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from tests.stateful.inputs import inputs
from tests.stateful.office import PostOffice

pytestmark = pytest.mark.long


def test_nobody_is_asked_about_what_was_sent_to_nobody(quick_stage):
    loan = quick_stage.borrows(send=False)
    loan.does("supply_locally")
    with pytest.raises(Refused, match="sent to no partner"):
        loan.does("ask")


def test_what_was_sent_to_nobody_has_no_home_to_be_routed_to(quick_stage):
    loan = quick_stage.borrows(send=False)
    loan.does("cancel", reason="not needed")
    with pytest.raises(Refused, match="borrowed from nobody yet"):
        loan.scanned()
    with pytest.raises(Refused, match="sent to no partner"):
        loan.does("route_home")
    assert loan.state == "cancelled"


@pytest.mark.parametrize(
    ("trigger", "how"),
    [
        ("receive", {"condition_checked": True}),
        ("partner_shipped", {"told_by": "phone"}),
        ("partner_delivered_copy", {"told_by": "phone"}),
    ],
)
def test_nothing_comes_of_what_was_sent_to_nobody(quick_stage, trigger, how):
    quick_stage.borrows(send=False)
    twin = quick_stage.borrows(send=False)
    assert twin.state == "needs_review"
    with pytest.raises(Refused, match="sent to no partner"):
        twin.does(trigger, **how)


def test_what_is_damaged_can_get_lost_as_well(quick_stage):
    loan = with_the_patron(quick_stage)
    lent = quick_stage.other_half(loan)
    lent.does("mark_damaged", severity="major", note="wet", amount="40")

    loan.does("report_lost")

    assert (lent.state, lent.balance) == ("lost", {"USD": Decimal("145.00")})


def test_what_is_damaged_and_back_is_not_lost(quick_stage):
    lent = quick_stage.other_half(with_the_patron(quick_stage))
    lent.does("mark_damaged", severity="major", note="wet", amount="40")
    lent.does("check_in")
    with pytest.raises(Refused, match="damaged item is back"):
        lent.does("mark_lost")


def with_the_patron(stage):
    loan = stage.borrows()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312")
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    return loan


def test_what_was_called_lost_while_it_was_on_its_way_back_costs_nobody_anything(quick_stage):
    loan = with_the_patron(quick_stage)
    lent = quick_stage.other_half(loan)
    lent.does("mark_lost")
    assert (loan.state, loan.balance) == ("lost", {"USD": Decimal("105.00")})

    lent.does("check_in")

    assert (loan.state, lent.state) == ("completed", "completed")
    assert (loan.balance, lent.balance) == ({}, {})


class TickingClock(FixedClock):
    """Each look at it is a moment later, as it is in life."""

    def now(self):
        self.advance(timedelta(milliseconds=1))
        return super().now()


@pytest.fixture
def out_of_order(quick_stage):
    """A stage whose messages between branches are delivered when a test says so, the last one first."""
    clock = TickingClock(quick_stage.clock.now())
    office = PostOffice()
    office.begin(False)
    handlers = {**quick_stage.services.handlers, "send_message": office.send}
    quick_stage.clock, quick_stage.office = clock, office
    quick_stage.services = replace(quick_stage.services, clock=clock, handlers=handlers)
    return quick_stage


def arrives(stage):
    while ready := stage.office.ready():
        stage.office.deliver(ready[-1])
    stage.work()


def asked(stage):
    loan = stage.borrows()
    arrives(stage)
    return loan, stage.other_half(loan)


def lent_out(stage):
    loan, lent = asked(stage)
    lent.does("ship", condition_checked=True, item_barcode="312")
    arrives(stage)
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    arrives(stage)
    return loan, lent


def test_a_recall_that_overtakes_its_shipment_is_kept_for_the_parcel(out_of_order):
    loan, lent = asked(out_of_order)
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("recall", return_by="2026-02-16")
    arrives(out_of_order)
    assert (loan.state, str(loan.lender_due)) == ("shipped", "2026-02-16")
    assert loan.alerts[-1] == "partner_informs", "somebody sees what came late"

    loan.does("receive", condition_checked=True)

    assert loan.state == "recalled"


def test_a_recall_that_was_lifted_before_it_was_heard_moves_nothing(out_of_order):
    loan, lent = lent_out(out_of_order)
    lent.does("recall", return_by="2026-02-16")
    lent.does("cancel_recall")
    arrives(out_of_order)
    assert (loan.state, loan.lender_due) == ("on_loan", lent.lender_due)


def test_the_last_word_about_a_due_date_counts_not_the_one_that_comes_last(out_of_order):
    loan, lent = lent_out(out_of_order)
    lent.does("change_due_date", by="manager", due_date="2026-03-20", reason="sooner")
    lent.does("change_due_date", by="manager", due_date="2026-04-20", reason="later")
    arrives(out_of_order)
    assert str(loan.lender_due) == "2026-04-20"


def test_a_late_answer_that_is_waited_for_is_heard_without_its_day(out_of_order):
    loan, lent = lent_out(out_of_order)
    loan.does("request_renewal")
    arrives(out_of_order)
    lent.does("renew", due_date="2026-04-01")
    lent.does("change_due_date", by="manager", due_date="2026-04-20", reason="later")
    arrives(out_of_order)
    assert (loan.state, str(loan.lender_due)) == ("renewed", "2026-04-20")


def test_what_was_lost_and_found_and_sent_back_is_not_lost_once_more(out_of_order):
    loan, lent = lent_out(out_of_order)
    loan.does("report_lost")
    loan.does("found")
    loan.does("ship_back")
    arrives(out_of_order)
    assert (loan.state, lent.state) == ("returned", "returned_by_partner")
    assert "partner_informs" in lent.alerts


def test_a_lender_asked_before_answers_a_question_that_was_put_to_it_then(out_of_order):
    loan = out_of_order.borrows(ask=("RIV", "HILL"))
    arrives(out_of_order)
    loan.does("ask")
    arrives_at_riverside = out_of_order.office.ready()[-1]
    out_of_order.office.deliver(arrives_at_riverside)
    out_of_order.work()
    loan.does("try_next")

    arrives(out_of_order)

    assert (loan.state, loan.wire_id) == ("request_sent", "XPX-1001-2")
    assert loan.alerts[-1] == "partner_informs"


def test_a_renewal_to_a_day_that_has_passed_on_the_way_is_due_on_that_day(out_of_order):
    loan, lent = lent_out(out_of_order)
    lent.does("renew", due_date="2026-02-03")
    out_of_order.clock.advance(timedelta(days=5))
    arrives(out_of_order)
    assert str(loan.lender_due) == "2026-02-03"


def test_a_denial_says_nothing_of_the_item(out_of_order):
    loan, lent = lent_out(out_of_order)
    loan.does("request_renewal")
    lent.does("mark_lost")
    arrives(out_of_order)
    assert (loan.state, lent.state) == ("lost", "lost")


def test_every_row_of_both_tables_can_be_typed():
    """A type of input that the long test doesn't know would only be met by chance."""
    for row in (*LENDING.actions, *BORROWING.actions):
        inputs(row, date(2026, 2, 2), "1.00")
