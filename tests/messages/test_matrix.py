"""Every message is really taken in in every state, and does what `docs/messages.md` says.

Of messages that do the same in every state, one is sent to each state, another one to the next; with ILL_EVERY_CELL=1
all of them are (`make soak`).
"""

import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow.messages import inbound, routing
from ill_workflow.messages.content import AgencyId, Header
from ill_workflow.messages.hearing import Heard
from ill_workflow.messages.kept import read_kept
from ill_workflow.messages.matrix import RECORDED, Cell, Line, matrix
from ill_workflow.messages.matrix_page import as_markdown
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Event, MessageRow, Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

pytestmark = pytest.mark.long

LINES = matrix()
STATES = [(lifecycle.name, state.name) for lifecycle in (LENDING, BORROWING) for state in lifecycle.states]
A = AgencyId(agencyIdValue="A")
PAGE = Path(__file__).parents[2] / "docs" / "messages.md"


def lines_for(side: str, state: str) -> list[Line]:
    alike = defaultdict(list)
    for line in LINES:
        if line.side == side and state in line.cells:
            alike[line.family, *line.cells.values()].append(line)
    if os.environ.get("ILL_EVERY_CELL"):
        return [line for lines in alike.values() for line in lines]
    turn = STATES.index((side, state))
    return [lines[turn % len(lines)] for lines in alike.values()]


@pytest.mark.parametrize(("side", "state"), STATES)
def test_each_message_in_this_state_does_what_the_matrix_says(at, side, state):
    it = at(side, state)
    half = it.loan if side == "borrowing" else it.lent
    lines = lines_for(side, state)
    wrong = []
    for number, line in enumerate(lines):
        happened, trace = really(it.stage, half.id, line, number)
        if happened != line.cells[state]:
            wrong.append(f"{line.name}: {happened}, and not {line.cells[state]}")
        if not trace:
            wrong.append(f"{line.name} leaves no trace")
    assert not wrong, "\n".join(wrong)
    assert len(lines) > 15


def really(stage, request_id: int, line: Line, number: int) -> tuple[Cell, bool]:
    """What a message does to this request, and whether it left a trace; then all is as before."""
    with stage.db.reading() as session:
        request = session.get_one(Request, request_id)
        before = [session.scalar(sa.select(sa.func.max(table.id))) or 0 for table in (Event, EffectRow, MessageRow)]
        if line.make is None:
            heard = Heard((line.name.replace(" confirmation", ""),), {"note": "UnrecognisedDataValue"})
            by = By.a_partner(request.partner)
            outcome = hear(session, request, heard, by, stage.clock)
        else:
            outcome = receive(session, request, line, number, stage.clock)
        events = sa.select(Event).where(Event.id > before[0]).order_by(Event.id)
        event = session.scalar(events.limit(1))
        work = list(session.scalars(sa.select(EffectRow).where(EffectRow.id > before[1]).order_by(EffectRow.id)))
        kept = session.scalar(sa.select(sa.func.max(MessageRow.id)).where(MessageRow.id > before[2]))
        happened = Cell(
            row=event.trigger if event else "",
            becomes=event.dest if event else "",
            answers=tuple(effect.argument for effect in work if effect.kind == "send_message"),
            seen=any(effect.kind == "alert_staff" for effect in work),
            error="" if outcome.startswith("OK") else outcome,
        )
        session.rollback()
        return happened, bool(event or kept)


def hear(session, request, heard, by, clock):
    outcome = routing.hear(session, actions.locked(session, request.id), heard, by=by, clock=clock)
    return f"OK {outcome.trigger}"


def receive(session, request, line, number, clock):
    wire_id = request.wire_id if request.side == "borrowing" else request.partner_request_id
    new_id = line.name.endswith("new id")
    header = Header(
        supplyingAgencyId=A, requestingAgencyId=A, timestamp=clock.now(),
        requestingAgencyRequestId=(wire_id or "never sent") if line.make else "",
    )  # fmt: skip
    message = line.make(header)
    if line.name == "request New, the same":
        first = sa.select(MessageRow.content).where(MessageRow.request_id == request.id, MessageRow.incoming)
        message = read_kept(session.scalar(first.order_by(MessageRow.id).limit(1)))
    if new_id:
        message = replace(message, header=replace(header, requestingAgencyRequestId=f"{wire_id}-again"))
    partner = request.partner if request.partner_id else next(iter_partners(session, request))
    answer = inbound.receive(
        session, message, partner=partner, identity=f"matrix {number}", transport="test", clock=clock
    )
    error = answer.errorData
    return "OK" if answer.ok else f"{error.errorType} {error.errorValue.partition(':')[0]}"


def iter_partners(session, request):
    from ill_workflow.partners import list_partners

    return iter(list_partners(session, request.library_id))


def test_every_message_is_sent_to_some_states_and_every_cell_of_the_page_is_tried():
    sent = {(line.side, line.name) for side, state in STATES for line in lines_for(side, state)}
    assert sent == {(line.side, line.name) for line in LINES}


def test_the_page_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run: python docs/generate.py"


def test_nothing_is_confirmed_and_dropped():
    """What no row hears is recorded by the last one, which stands in each table for every state."""
    for line in LINES:
        for state, cell in line.cells.items():
            assert bool(cell.row) != bool(cell.error), (line.name, state)
            if cell.row == RECORDED:
                assert cell.becomes == state


def test_a_notification_moves_nothing_without_a_mark():
    plain = [line for line in LINES if line.name.startswith("Notification") and "#" not in line.name]
    assert len(plain) > 15
    for line in plain:
        assert all(cell.error or cell.becomes == state for state, cell in line.cells.items()), line.name
