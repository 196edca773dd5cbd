"""What the long test has found, each told as a small story."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ill_workflow.errors import Refused


def test_nobody_is_asked_about_what_was_sent_to_nobody(quick_stage):
    loan = quick_stage.borrows(send=False)
    loan.does("supply_locally")
    with pytest.raises(Refused, match="sent to no partner"):
        loan.does("ask")


def test_what_was_sent_to_nobody_has_no_home_to_be_routed_to(quick_stage):
    loan = quick_stage.borrows(send=False)
    loan.does("cancel", reason="not needed")
    with pytest.raises(Refused, match="sent to no partner"):
        loan.scanned()
    assert loan.state == "cancelled"


def test_a_copy_on_paper_that_is_found_again_is_for_the_patron(quick_stage):
    copy = quick_stage.borrows(service="copy")
    quick_stage.other_half(copy).does("deliver_copy", on_paper=True)
    copy.does("report_lost")
    copy.does("found")
    assert (copy.state, copy.letters[-1], copy.balance) == ("delivered", "ready_for_pickup", {})


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
