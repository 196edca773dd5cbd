"""Scan In Items in every state of both lifecycles: the page says what it is, and where the item goes."""

from datetime import timedelta

import pytest

from ill_workflow.requests.destination import Kind, destination
from ill_workflow.requests.models import Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from tests.web.test_scan_page import Desk

pytestmark = pytest.mark.long

#: Where an item is that somebody has in hand without a scan having changed anything, and why.
BELONGS = {
    "borrowing": {
        "created": None, "needs_review": None, "request_sent": None, "conditional": None, "retry_offered": None,
        "will_supply": None, "shipped": None, "in_transit": None, "cancel_requested": None,
        "received": Kind.HOLD_SHELF, "on_loan": Kind.HOLD_SHELF, "renewal_requested": Kind.HOLD_SHELF,
        "renewed": Kind.HOLD_SHELF, "renewal_denied": Kind.HOLD_SHELF, "overdue": Kind.HOLD_SHELF,
        "recalled": Kind.HOLD_SHELF, "delivered": Kind.HOLD_SHELF,
        "return_in_transit": Kind.RETURN_TO, "returned": Kind.RETURN_TO, "lost": Kind.RETURN_TO,
        "completed": Kind.RETURN_TO, "cancelled": Kind.RETURN_TO, "unfilled": Kind.RETURN_TO,
        "closed_without_return": Kind.RETURN_TO,
    },
    "lending": {
        "new": Kind.SHIP_TO, "conditional": Kind.SHIP_TO, "will_supply": Kind.SHIP_TO, "being_processed": Kind.SHIP_TO,
        "shipped": Kind.SHIP_TO, "received_by_partner": Kind.SHIP_TO, "renewal_requested": Kind.SHIP_TO,
        "renewed": Kind.SHIP_TO, "overdue": Kind.SHIP_TO, "recalled": Kind.SHIP_TO,
        "returned_by_partner": None, "cancel_requested": None, "lost": None, "damaged": Kind.ASIDE,
        "completed": Kind.SHELF, "delivered": Kind.SHELF, "rejected": Kind.SHELF, "retry_offered": Kind.SHELF,
        "cancelled": Kind.SHELF, "expired": Kind.SHELF, "closed_without_return": Kind.SHELF,
    },
}  # fmt: skip
STATES = [
    pytest.param(lifecycle, state.name, id=f"{lifecycle.name}-{state.name}")
    for lifecycle in (BORROWING, LENDING)
    for state in lifecycle.states
]


@pytest.mark.parametrize(("lifecycle", "state"), STATES)
def test_the_page_answers_and_an_item_has_its_place(at, visiting, lifecycle, state):
    it = at(lifecycle.name, state, "branch" if lifecycle is BORROWING else "mail")
    half = it.loan if lifecycle is BORROWING else it.lent
    it.stage.clock.advance(timedelta(days=1))
    with it.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        where = destination(request)
        assert (where.kind if where else None) == BELONGS[lifecycle.name][state]
        code = request.library.code
    desk = Desk(visiting(it.stage)("operator", code), code)
    before = half.history

    desk.scans(half.reference)

    if desk.kind == "done":
        assert len(half.history) == len(before) + 1
        assert desk.huge or "Put it aside" in desk.said
    else:
        assert half.history == before, "what only asks or refuses changes nothing"
        assert half.reference in desk.said
    assert half.title in desk.said
