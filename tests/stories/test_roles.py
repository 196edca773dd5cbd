"""Who may pull which row: every row of both tables with every role, and the table says what should happen."""

import pytest
import sqlalchemy as sa

from ill_workflow.accounts import find_account
from ill_workflow.errors import BadInput, NotAllowed, Refused
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Event, Request
from state_machines.borrowing import BORROWING
from state_machines.declaration import MANAGER, STAFF
from state_machines.lending import LENDING
from tests.plugins.stage import Stage

ROLES = ("operator", "manager", "manager of another library", "nobody")
ACCOUNTS = {
    "operator": "operator-MAIN", "manager": "manager-MAIN", "manager of another library": "manager-RIV",
    "nobody": "nobody",
}  # fmt: skip
ACTORS = {"operator": {STAFF}, "manager": {STAFF, MANAGER}}

VALUES = {
    "date": "2026-09-01", "money": "5.00", "integer": "1", "flag": True, "texts": [], "barcodes": [], "code": "312",
    "fields": {"volume": "2"},
}  # fmt: skip


@pytest.fixture(scope="module")
def halves(tmp_path_factory, sqlite_template):
    """A borrowing and a lending request; no attempt at them is ever committed."""
    folder = tmp_path_factory.mktemp("roles")
    (folder / "ill.db").write_bytes(sqlite_template.read_bytes())
    stage = Stage(f"sqlite:///{folder / 'ill.db'}", folder)
    found = {"borrowing": stage.borrows(ask=("HILL", "RIV")), "lending": stage.lends()}
    yield stage, found
    stage.db.engine.dispose()


def inputs_for(row):
    given = {need.name: VALUES.get(need.type, need.choices[0] if need.choices else "something") for need in row.needs}
    given.pop("outcome", None)
    if "partner" in given:
        given = {"partner": "HILL"}
    if "currency" in given:
        given["currency"] = "USD"
    return {name: value for name, value in given.items() if value != []}


def pull(stage, half, row, state, role):
    """Pull a row in a state, and take it back: what happened, and what it would have left behind."""
    with stage.db.reading() as session:
        before = session.scalar(sa.select(sa.func.count(Event.id)))
        request = session.get_one(Request, half.id)
        request.state, request.previous_state = state, "received" if half.side == "borrowing" else "shipped"
        by = By.staff(find_account(session, ACCOUNTS[role]))
        try:
            actions.perform(session, request, row.trigger, by=by, clock=stage.clock, inputs=inputs_for(row))
            happened, sentence = "done", ""
        except (NotAllowed, Refused, BadInput) as refusal:
            happened, sentence = type(refusal).__name__, refusal.message
            session.rollback()  # as every door does
        grew = session.scalar(sa.select(sa.func.count(Event.id))) - before
        session.rollback()
    return happened, sentence, grew


ROWS = [
    pytest.param(lifecycle, place, id=f"{lifecycle.name}-{place}-{row.trigger}")
    for lifecycle in (LENDING, BORROWING)
    for place, row in enumerate(lifecycle.actions)
]


@pytest.mark.parametrize(("lifecycle", "place"), ROWS)
def test_a_row_is_for_those_whom_the_table_names(halves, lifecycle, place):
    stage, found = halves
    half, row = found[lifecycle.name], lifecycle.actions[place]
    state = lifecycle.sources(row)[0]
    same_trigger = [other for other in lifecycle.rows(row.trigger) if state in lifecycle.sources(other)]
    may = {actor for other in same_trigger for actor in other.by}

    for role in ROLES:
        happened, sentence, grew = pull(stage, half, row, state, role)

        if role not in ACTORS:
            assert happened == "NotAllowed", sentence
        elif not ACTORS[role] & may:
            assert happened == "Refused", sentence
            assert "needs" in sentence, "it says who may"
            assert "What can be done: " in sentence or "Nothing can be done" in sentence
        else:
            assert happened in ("done", "Refused", "BadInput"), sentence
            assert "may not" not in sentence
            assert f"{row.label} needs a" not in sentence
        assert grew == (1 if happened == "done" else 0), "a refusal leaves nothing behind"


def test_most_rows_are_pulled_by_those_who_may(halves):
    """So that the test above can't pass by refusing everything."""
    stage, found = halves
    done = refused = 0
    for lifecycle in (LENDING, BORROWING):
        for row in lifecycle.actions:
            if {STAFF, MANAGER} & set(row.by):
                happened, _sentence, _ = pull(stage, found[lifecycle.name], row, lifecycle.sources(row)[0], "manager")
                done += happened == "done"
                refused += happened != "done"
    assert done >= 30
    assert refused <= 15
