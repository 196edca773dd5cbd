"""A refusal says what is now, what is needed, who may do it, and what can be done instead."""

from dataclasses import replace
from decimal import Decimal

from state_machines.borrowing import BORROWING
from state_machines.declaration import CLOCK, MANAGER, STAFF
from state_machines.lending import LENDING
from state_machines.refusals import why_not
from tests.state_machines.test_machine import FACTS, Plain


def refusal(lifecycle, state, trigger, by=(STAFF,), facts=FACTS, **inputs):
    return why_not(lifecycle, Plain(state), trigger, by=frozenset(by), inputs=inputs, facts=facts, fees="105.00 USD")


def test_not_in_this_state():
    assert refusal(LENDING, "completed", "ship") == (
        "XPX-1 is Completed. Ship Item is possible while it is New, Will Supply or Being Processed. "
        "What can be done: Mark as Damaged."
    )


def test_somebody_else_may():
    assert refusal(LENDING, "overdue", "change_due_date").startswith(
        "XPX-1 is Overdue. Change Due Date needs a manager. What can be done: Scan In, Renew"
    )


def test_a_condition_is_not_met():
    owing = replace(FACTS, open_fees=Decimal(105))
    assert refusal(BORROWING, "lost", "settle", (STAFF, MANAGER), owing).startswith(
        "XPX-1 is Lost. 105.00 USD is still open. Record the payment or waive it first. What can be done: Found, "
    )


def test_not_due():
    assert "Due Date Passed is not due yet." in refusal(LENDING, "shipped", "due_date_passed", (CLOCK,))


def test_no_such_action():
    assert "There is no such action." in refusal(LENDING, "new", "fly")


def test_an_outcome_that_does_not_exist():
    sentence = refusal(LENDING, "new", "close", (STAFF, MANAGER), reason="x", outcome="completed")
    assert "Choose the outcome rejected. Choose the outcome cancelled." in sentence
