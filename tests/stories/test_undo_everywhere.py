"""Every row that staff may take back, from each of its states, before its message left and after."""

from datetime import timedelta

import pytest

from ill_workflow.errors import Refused
from ill_workflow.outbox import WITHDRAWN
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.undoing import REVERSE_CALLS
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.request import WRITTEN

pytestmark = pytest.mark.long

INPUTS = {
    "will_supply": {"item_barcode": "B-1", "call_number": "PR 1"},
    "print_slip": {},
    "reject": {"reason": "NotOnShelf", "note": "We looked twice."},
    "ship": {"condition_checked": True, "item_barcode": "B-1", "pieces": ["B-2"], "carrier": "Post", "tracking": "T-1"},
    "mark_in_transit": {},
    "receive": {"condition_checked": True, "temporary_barcode": "TMP-9", "pieces": ["B-1", "B-2"]},
    "check_out": {},
    "patron_return": {},
    "ship_back": {"carrier": "Post", "tracking": "R-1"},
    "check_in": {},
    "report_lost": {"note": "left on a train"},
    "mark_lost": {"note": "nobody knows"},
    "mark_damaged": {"severity": "major", "note": "coffee", "amount": "20"},
}
ROWS = [
    (lifecycle.name, state, row.trigger, place)
    for lifecycle in (BORROWING, LENDING)
    for row in lifecycle.actions
    if row.undo
    for place, state in enumerate(lifecycle.sources(row))
    # A late piece comes for what travels in several alone: its undo has stories of its own.
    if row.label != "Receive Late Piece"
]


def named(rows):
    return [pytest.param(side, state, trigger, id=f"{side}-{trigger}-{state}") for side, state, trigger, _ in rows]


def test_what_may_be_taken_back_is_what_the_contract_says():
    may = {row.trigger for lifecycle in (BORROWING, LENDING) for row in lifecycle.actions if row.undo}
    assert may == set(INPUTS)


def mine(at, side, state, other):
    it = at(side, state, other)
    half, rest = (it.loan, it.lent) if side == "borrowing" else (it.lent, it.loan)
    return half, rest, it.borrowers if side == "borrowing" else it.lenders


def as_it_is(half):
    """Everything that a step may have written."""
    with half.stage.db.reading() as session:
        from ill_workflow import timers
        from ill_workflow.requests.models import Request

        request = session.get_one(Request, half.id)
        waits = sorted((t.name, t.due_at, t.slot) for t in timers.of(session, half.id))
        fields = {name: getattr(request, name) for name in (*WRITTEN, "partner_id", "wire_id")}
    return fields, waits, half.balance, half.pieces


def heard_outside(half, rest):
    """What has left the house: to the other library, to the circulation system, to anybody by mail, and on paper."""
    stage = half.stage
    return rest.history if rest else None, list(stage.circulation.calls), len(stage.mailer.mails), half.slips, half.said


def inputs_of(half, trigger):
    """What the row asks for, where it stands."""
    lifecycle = BORROWING if half.side == "borrowing" else LENDING
    asked = {need.name for need in lifecycle.row(trigger, half.state).needs}
    return {name: value for name, value in INPUTS[trigger].items() if name in asked}


def at_once(half, role, trigger):
    """Done and taken back before any worker looks."""
    stage, inputs = half.stage, inputs_of(half, trigger)
    with stage.db.writing() as session:
        by = By.staff(stage.account(session, role, half.library.code))
        request = actions.locked(session, half.id)
        done = actions.perform(session, request, trigger, by=by, clock=stage.clock, inputs=inputs)
    with stage.db.writing() as session:
        by = By.staff(stage.account(session, role, half.library.code))
        actions.undo(session, actions.locked(session, half.id), by=by, clock=stage.clock)
    return done


@pytest.mark.parametrize(("side", "state", "trigger"), named(ROWS))
def test_with_a_partner_that_reads_mail(at, side, state, trigger):
    never_happened_then_corrected(mine(at, side, state, "mail"), trigger)


@pytest.mark.parametrize(("side", "state", "trigger"), named(row for row in ROWS if row[3] == 0))
def test_with_a_branch(at, side, state, trigger):
    never_happened_then_corrected(mine(at, side, state, "branch"), trigger)


@pytest.mark.postgresql
@pytest.mark.parametrize(("side", "state", "trigger"), named(ROWS))
def test_with_a_branch_on_postgresql(at_on_postgresql, side, state, trigger):
    never_happened_then_corrected(mine(at_on_postgresql, side, state, "branch"), trigger)


def never_happened_then_corrected(whose, trigger):
    half, rest, role = whose
    before = as_it_is(half)
    before_its_message_left(half, rest, role, trigger)
    assert as_it_is(half) == before
    after_its_message_left(half, rest, role, trigger, before)


def before_its_message_left(half, rest, role, trigger):
    outside = heard_outside(half, rest)
    done = at_once(half, role, trigger)
    promised = {status for event, status in half.promises if event == done.event_id}
    half.stage.work()
    assert promised == {WITHDRAWN}
    assert heard_outside(half, rest) == outside, "nobody has heard a word"
    assert half.history[-2:] == [trigger, "undo"], "history is never rewritten"


def after_its_message_left(half, rest, role, trigger, before):
    calls = len(half.stage.circulation.calls)
    done = half.does(trigger, by=role, **inputs_of(half, trigger))
    said, slips = half.said, half.slips
    messages = [argument for kind, argument, event in half.done if event == done.event_id and kind == "send_message"]
    half.stage.clock.advance(timedelta(minutes=5))

    if half.last_event.actor == "partner":  # the other half has answered by return
        assert rest is not None
        with pytest.raises(Refused, match="can't be taken back"):
            half.undoes()
        return
    if trigger == "reject":
        with pytest.raises(Refused, match="knows already that it was rejected"):
            half.undoes()
        assert half.state == "rejected"
        return
    half.undoes()

    assert as_it_is(half) == before
    assert half.said[len(said) :] == (["Notification"] if messages else []), "one word puts right what had left"
    assert half.slips == slips, "paper stays paper"
    made = [call for call, _ in half.stage.circulation.calls[calls:]]
    begun = [call for kind, call, event in half.done if event == done.event_id and kind == "circulation"]
    assert made[: len(begun)] == begun
    assert set(made[len(begun) :]) <= {REVERSE_CALLS[call] for call in begun}
    if messages and rest:
        assert rest.heard[-1] == "Notification"
    elif messages:
        last = half.stage.mailer.mails_to("ill@hilltop.example")[-1]
        assert "disregard our last message" in last.text
    with pytest.raises(Refused, match=r"Undo .* can't be taken back"):
        half.undoes()
