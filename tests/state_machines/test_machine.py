"""One step of a request: what it writes, who may take it, and what it leaves alone."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state_machines import machine
from state_machines.borrowing import BORROWING
from state_machines.declaration import CLOCK, MANAGER, PARTNER, PATRON, STAFF, SYSTEM
from state_machines.foreseen import Imagined
from state_machines.lending import LENDING
from state_machines.refusals import why_not
from state_machines.request import Facts, Terms

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")
FACTS = Facts(now=NOW, today=date(2026, 3, 2), zone=CHICAGO, due_zone=CHICAGO)


class Plain(Imagined):
    """A request that knows no database."""

    def __init__(self, state="new", side="lending", **more):
        usual = {
            "reference": "XPX-1",
            "state_since": datetime(2026, 3, 1, tzinfo=UTC),
            "rota_position": 0,
            "attempt": 0,
        }
        super().__init__(side, state, **{**usual, **more})


def step(lifecycle, request, trigger, by=STAFF, facts=FACTS, **inputs):
    return machine.advance(lifecycle, request, trigger, by=frozenset({by}), inputs=inputs, facts=facts)


def test_a_step_writes_the_request_and_says_what_follows():
    lent = Plain("being_processed")
    taken = step(LENDING, lent, "ship", condition_checked=True, item_barcode="312")
    assert (lent.state, lent.previous_state, lent.state_since) == ("shipped", "being_processed", NOW)
    assert (lent.item_barcode, lent.lender_due, lent.loan_seen) == ("312", date(2026, 4, 2), True)
    assert [effect.label for effect in taken.effects] == [
        "circulation(check_out)", "send_message(Loaned)", "generate_slip(shipping)", "schedule_due_date_check",
    ]  # fmt: skip
    assert (taken.source, taken.dest) == ("being_processed", "shipped")


def test_staying_leaves_the_waits_alone():
    lent = Plain("new")
    since = lent.state_since
    step(LENDING, lent, "amend", changes={"volume": "2"})
    assert (lent.state, lent.state_since, lent.previous_state) == ("new", since, None)


def test_an_interruption_of_an_interruption_goes_back_to_before_both():
    lent = Plain("received_by_partner", lender_due=date(2026, 3, 20))
    step(LENDING, lent, "partner_requests_renewal", PARTNER)
    step(LENDING, lent, "recall", return_by=date(2026, 3, 10))
    assert (lent.state, lent.previous_state) == ("recalled", "received_by_partner")
    step(LENDING, lent, "cancel_recall")
    assert lent.state == "received_by_partner"


def test_going_back_is_overdue_where_the_day_has_passed():
    lent = Plain("renewal_requested", "shipped", lender_due=date(2026, 3, 1), renewal_asked=True)
    step(LENDING, lent, "deny_renewal", reason="no")
    assert lent.state == "overdue"


def test_only_those_whom_the_row_names():
    for actor in (PARTNER, PATRON, CLOCK, SYSTEM):
        with pytest.raises(machine.NotPossible):
            step(LENDING, Plain("new"), "reject", actor, reason="x")
    step(LENDING, Plain("new"), "reject", reason="x")


def test_the_clock_pulls_only_what_hears_its_timer():
    overdue = replace(FACTS, timer="lender_due")
    with pytest.raises(machine.NotPossible):
        step(LENDING, Plain("shipped"), "due_date_passed", CLOCK)
    with pytest.raises(machine.NotPossible):
        step(LENDING, Plain("shipped"), "mark_lost", CLOCK, overdue)
    lent = Plain("shipped")
    step(LENDING, lent, "due_date_passed", CLOCK, overdue)
    assert lent.state == "overdue"


def test_a_row_that_a_timer_pulls_only_for_some_partners():
    done = replace(FACTS, timer="completion_by")
    with pytest.raises(machine.NotPossible):
        step(BORROWING, Plain("returned"), "complete", CLOCK, done)
    silent = replace(done, terms=Terms(completes_itself=True))
    loan = Plain("returned")
    step(BORROWING, loan, "complete", CLOCK, silent)
    assert (loan.state, loan.completed_by_us) == ("completed", True)


def test_what_is_not_possible_leaves_the_request_untouched():
    lent = Plain("new", service="copy")
    before = replace(lent)
    for trigger in ("ship", "check_in", "settle", "no_such_trigger"):
        with pytest.raises(machine.NotPossible):
            step(LENDING, lent, trigger, item_barcode="1")
    assert lent == before


def test_asking_whether_changes_nothing():
    lent = Plain("new")
    before = replace(lent)
    asked = {"by": frozenset({STAFF}), "inputs": {}, "facts": FACTS}
    assert machine.may(LENDING, lent, "ship", **asked) is True
    assert machine.may(LENDING, lent, "check_in", **asked) is False
    assert machine.may(LENDING, lent, "nonsense", **asked) is False
    assert lent == before


def test_a_bill_for_a_request_that_is_closed_leaves_it_closed():
    loan = Plain("completed")
    taken = step(BORROWING, loan, "partner_bills", PARTNER, amount=Decimal(5), kind="damage")
    assert loan.state == "completed"
    assert [entry.do for entry in taken.entries] == ["bill"]


VALUES = {
    "due_date": st.sampled_from([None, date(2026, 2, 1), date(2026, 5, 1)]),
    "return_by": st.sampled_from([None, date(2026, 3, 9)]),
    "reason": st.sampled_from([None, "NotOnShelf", "PolicyProblem"]),
    "status": st.sampled_from([None, "Loaned"]),
    "condition": st.sampled_from([None, "x"]),
    "link": st.sampled_from([None, "https://x.example"]),
    "outcome": st.sampled_from([None, "completed", "cancelled", "rejected", "unfilled", "closed_without_return"]),
}
FACTS_OF_ALL_KINDS = st.builds(
    replace,
    st.just(FACTS),
    next_in_rota=st.booleans(),
    open_fees=st.sampled_from([Decimal(0), Decimal(5)]),
    pieces_out=st.sampled_from([0, 1]),
    timer=st.sampled_from(
        [None, *{t for names in (*BORROWING.timers.values(), *LENDING.timers.values()) for t in names}]
    ),
)


@pytest.mark.parametrize("lifecycle", [LENDING, BORROWING], ids=["lending", "borrowing"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_however_it_is_walked_through(lifecycle, data):
    request = Plain(lifecycle.initial[0])
    triggers = st.sampled_from(sorted({a.trigger for a in lifecycle.actions}))
    for _ in range(data.draw(st.integers(5, 40))):
        trigger, actor = (
            data.draw(triggers),
            data.draw(st.sampled_from([STAFF, MANAGER, PARTNER, PATRON, CLOCK, SYSTEM])),
        )
        facts = data.draw(FACTS_OF_ALL_KINDS)
        inputs = {name: value for name, values in VALUES.items() if (value := data.draw(values)) is not None}
        inputs |= {"changes": {"volume": "2"}, "amount": Decimal(1), "kind": "damage", "item_barcode": "1"}
        before = replace(request, conditions=list(request.conditions))
        try:
            taken = step(lifecycle, request, trigger, actor, facts, **inputs)
        except machine.NotPossible:
            assert request == before
            sentence = why_not(
                lifecycle, request, trigger, by=frozenset({actor}), inputs=inputs, facts=facts, fees="5.00 USD"
            )
            assert sentence.startswith(f"XPX-1 is {lifecycle.label(request.state)}. ")
            continue
        assert taken.source == before.state
        assert taken.dest == request.state in {s.name for s in lifecycle.states}
        assert actor in taken.action.by
        assert request.previous_state not in lifecycle.passing
        if before.state in lifecycle.terminal and request.state != before.state:
            groups = {name for name, members in lifecycle.groups.items() if before.state in members}
            assert {before.state, *groups} & set(taken.action.source)
        assert taken.effects[-1].kind == "schedule_due_date_check"
