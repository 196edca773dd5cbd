"""Every row of both tables in the browser: its form in each state in which a person may pull it, and what it does."""

import pytest

from ill_workflow.errors import BadInput, Refused
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.choices import PEOPLE, choices
from ill_workflow.requests.models import Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.request import WRITTEN
from tests.plugins import states
from tests.web.test_one_request import at as address
from tests.web.test_one_request import hidden

pytestmark = pytest.mark.long

SIDES = {"borrowing": BORROWING, "lending": LENDING}
BY_NAME = {"reason": "NotOnShelf", "amount": "5.00", "outcome": "", "partner": "HILL", "rota": "HILL", "kind": "damage"}
BY_TYPE = {
    "date": "2026-04-20", "money": "5.00", "integer": "1", "count": "1", "flag": "yes", "code": "312",
    "currency": "USD", "barcodes": "", "copy": "",
}  # fmt: skip
PAID = "lost, and paid for"
#: Rows that no loan on the shelf can pull: they are told elsewhere.
ELSEWHERE = {("borrowing", "receive", "Receive Late Piece"): "it takes a loan of several pieces"}


def beginnings(side):
    first = {"borrowing": ("created", "copy"), "lending": ("new", "copy")}[side]
    return (*first, *states.WAYS[side], PAID)


def begun(at, side, state):
    """A loan of one's own in that state; one that is lost and paid for is brought there from Lost."""
    it = at(side, "lost" if state == PAID else state, "mail")
    half = it.loan if side == "borrowing" else it.lent
    if state == PAID:
        half.does("record_payment", by="manager", amount=str(half.balance["USD"]))
    return half


def possible(half):
    with half.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        by = By.staff(half.stage.account(session, "manager", request.library.code))
        return [c for c in choices(session, request, by=by, clock=half.stage.clock) if c.possible]


def values_of(choice):
    """What a person types: all that is required, and what the row's guards wait for."""
    waits_for = {name for guard in choice.action.only_if for name in guard.asks}
    values = {}
    for need in choice.action.needs:
        if need.type == "fields":
            values[f"{need.name}.volume"] = "7"
        elif need.required or need.name in waits_for:
            values[need.name] = (
                (need.choices or (None,))[0] or BY_NAME.get(need.name) or BY_TYPE.get(need.type, "a word")
            )
    if "link" in values:
        values["link"] = "https://copies.example/1"
    if choice.must_be_told:
        values["told_by"] = "phone"
    return {name: value for name, value in values.items() if value}


def what_became(half):
    """All that a step has written, but for times and numbers."""
    with half.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        event = half.last_event
        work = session.query(EffectRow.kind, EffectRow.argument).filter_by(event_id=event.id).all()
        written = {name: getattr(request, name) for name in WRITTEN if name != "state_since"}
        said = (event.trigger, event.label, event.actor, event.told_by, event.inputs, event.who)
        return written, said, sorted(map(tuple, work)), half.balance


@pytest.mark.parametrize("side", SIDES)
def test_every_form_is_there_in_every_state_and_does_what_the_row_does(side, at, visiting):
    left = {(r.trigger, r.label) for r in SIDES[side].actions if PEOPLE & set(r.by)}
    for state in beginnings(side):
        half = begun(at, side, state)
        code = half.library.code
        page, here = visiting(half.stage)("manager", code), address(half, code)
        whole = page.tree(here)
        labels = {each.text_content().strip() for each in whole.xpath("//*[contains(@class, 'button')]")}
        assert {row.label for row in SIDES[side].actions if PEOPLE & set(row.by)} <= labels, f"{state}: all are shown"
        for choice in possible(half):
            form = page.tree(f"{here}/actions/{choice.trigger}")
            for need in choice.action.needs:
                name = f"{need.name}.title" if need.type == "fields" else need.name
                assert form.xpath(f"//form//*[@name='{name}']"), f"{state}: {choice.trigger} asks for {need.name}"
            assert form.xpath("//form[@id='action-form']//button"), f"{state}: {choice.trigger}"
            assert bool(form.xpath("//select[@name='told_by']")) == choice.told
        for choice in possible(half):
            if (choice.trigger, choice.action.label) in left and _does_the_same(side, state, choice, at, visiting):
                left.discard((choice.trigger, choice.action.label))
    assert left == {(trigger, label) for one, trigger, label in ELSEWHERE if one == side}


def _does_the_same(side, state, choice, at, visiting):
    """Posted, and performed on another copy of the same database. False where this state was not the right one."""
    performed, posted = (begun(at, side, state) for _ in range(2))
    values, code = values_of(choice), performed.library.code
    inputs = {name: value for name, value in values.items() if name != "told_by" and "." not in name}
    if any(need.type == "fields" for need in choice.action.needs):
        inputs["changes"] = {"volume": "7"}
    try:
        with performed.stage.db.writing() as session:
            request = actions.locked(session, performed.id)
            by = By.staff(performed.stage.account(session, "manager", code), values.get("told_by"))
            actions.perform(session, request, choice.trigger, by=by, clock=performed.stage.clock, inputs=inputs)
    except (BadInput, Refused):
        return False
    page, here = visiting(posted.stage)("manager", code), f"{address(posted, code)}/actions/{choice.trigger}"
    answer = page.submit(here, **{**hidden(page.tree(here)), **values})
    assert answer.status_code == 303, f"{state}: {choice.trigger}: {answer.text[:2000]}"
    assert what_became(posted) == what_became(performed), f"{state}: {choice.trigger}"
    return True
