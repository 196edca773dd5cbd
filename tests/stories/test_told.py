"""What partners say by phone, in a plain mail or on paper is recorded by the row that their message would pull."""

import pytest

from ill_workflow.errors import BadInput, Refused
from state_machines.borrowing import BORROWING
from state_machines.declaration import PARTNER, STAFF
from state_machines.lending import LENDING

pytestmark = pytest.mark.long

#: In which state it is tried, where it isn't the row's first.
STATES = {
    ("borrowing", "partner_completed"): "returned", ("borrowing", "partner_declared_lost"): "returned",
    ("borrowing", "partner_bills"): "on_loan", ("borrowing", "partner_delivered_copy"): "copy",
    ("borrowing", "partner_overdue"): "on_loan", ("borrowing", "partner_recalled"): "on_loan",
    ("borrowing", "partner_renewed"): "renewal_requested", ("borrowing", "change_due_date"): "on_loan",
    ("borrowing", "partner_informs"): "on_loan",
}  # fmt: skip
ROW_STATES = {("lending", "partner_received"): "shipped", ("lending", "partner_returned"): "received_by_partner"}
INPUTS = {
    "partner_will_supply": {"expected_date": "2026-02-06"},
    "partner_sets_condition": {"condition": "LibraryUseOnly", "cost": "12.50", "reply_by": "2026-02-20"},
    "partner_offers_retry": {"reason": "MultiVolAvail", "new_data": "Which volume?"},
    "partner_cannot_supply": {"reason": "NotOnShelf"},
    "partner_shipped": {"due_date": "2026-03-20", "item_barcode": "H-1", "cost": "9.00"},
    "partner_renewed": {"due_date": "2026-04-20"},
    "partner_recalled": {"return_by": "2026-02-20"},
    "partner_declared_lost": {"cost": "80.00", "currency": "USD"},
    "partner_bills": {"amount": "5.00", "kind": "supply"},
    "partner_delivered_copy": {"link": "https://copies.example/1"},
    "change_due_date": {"due_date": "2026-05-01"},
    "partner_informs": {"note": "We are closed next week."},
    "partner_returned": {"tracking": "R-1"},
    "partner_requests_renewal": {"wished_date": "2026-04-20"},
}
ROWS = [
    pytest.param(lifecycle, place, id=f"{lifecycle.name}-{place}-{row.trigger}")
    for lifecycle in (BORROWING, LENDING)
    for place, row in enumerate(lifecycle.actions)
    if PARTNER in row.by
]
#: What nobody means.
WRONG = {"date": "soon", "money": "a few dollars", "currency": "dollars", "flag": "perhaps", "copy": "../ill.db"}


def there(at, lifecycle, row):
    """A request of a partner that reads mail, where this row of its trigger can be pulled."""
    states = [state for state in lifecycle.sources(row) if lifecycle.row(row.trigger, state) is row]
    wanted = STATES.get((lifecycle.name, row.trigger)) or ROW_STATES.get((lifecycle.name, row.trigger))
    it = at(lifecycle.name, wanted if wanted in (*states, "copy") else states[0], "mail")
    return it.loan if lifecycle is BORROWING else it.lent


@pytest.mark.parametrize("way", ["phone", "mail", "paper"])
@pytest.mark.parametrize(("lifecycle", "place"), ROWS)
def test_it_is_recorded_by_the_same_row(at, lifecycle, place, way):
    row = lifecycle.actions[place]
    half = there(at, lifecycle, row)
    half.does(row.trigger, told_by=way, **INPUTS.get(row.trigger, {}))
    event = next(event for event in half.events[::-1] if event.trigger == row.trigger)
    assert event.row == place
    assert (event.actor, event.told_by, event.who) == ("partner", way, "operator-MAIN")
    assert event.partner_id == half.stage.partner("MAIN", "HILL").id


@pytest.mark.parametrize(("lifecycle", "place"), ROWS)
def test_what_was_misheard_is_refused_by_its_name(at, lifecycle, place):
    row = lifecycle.actions[place]
    half, given = there(at, lifecycle, row), INPUTS.get(row.trigger, {})
    before = half.history
    for need in row.needs:
        wrong = "no such thing" if need.choices else WRONG.get(need.type)
        for value in [wrong] if wrong else ["x" * (need.longest + 1)] if need.type in ("text", "lines", "code") else []:
            with pytest.raises(BadInput) as refusal:
                half.does(row.trigger, told_by="phone", **{**given, need.name: value})
            assert refusal.value.field == need.name
    for need in row.needs:
        if need.required:
            with pytest.raises(BadInput) as refusal:
                half.does(row.trigger, told_by="phone", **{k: v for k, v in given.items() if k != need.name})
            assert refusal.value.field == need.name
    with pytest.raises(BadInput, match="knows no field 'weather'"):
        half.does(row.trigger, told_by="phone", **given, weather="fine")
    with pytest.raises(BadInput, match="Choose phone, mail, paper"):
        half.does(row.trigger, told_by="pigeon", **given)
    if STAFF not in row.by and row.trigger != "change_due_date":
        with pytest.raises(Refused, match="staff who say how they were told"):
            half.does(row.trigger, **given)
    assert half.history == before


@pytest.mark.parametrize(
    ("side", "state", "trigger"),
    [("borrowing", "on_loan", "patron_return"), ("lending", "new", "reject"), ("borrowing", "lost", "settle"),
     ("borrowing", "on_loan", "due_date_passed")],
)  # fmt: skip
def test_what_no_partner_says_cant_be_told(at, side, state, trigger):
    it = at(side, state, "mail")
    half = it.loan if side == "borrowing" else it.lent
    with pytest.raises(Refused, match="is nothing that a partner says"):
        half.does(trigger, by="manager", told_by="phone")
