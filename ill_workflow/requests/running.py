"""What is under way with a partner."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.requests.models import BORROWING, LENDING, Request
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.lending import LENDING as LENDING_LIFECYCLE

LIFECYCLES = {LENDING: LENDING_LIFECYCLE, BORROWING: BORROWING_LIFECYCLE}


def under_way(session: Session, partner_id: int) -> Mapping[str, Mapping[str, int]]:
    """How many requests of each half are in which state that is not the end of them, in the order of the states."""
    mine = sa.select(Request.side, Request.state, sa.func.count()).where(Request.partner_id == partner_id)
    counts = {(side, state): n for side, state, n in session.execute(mine.group_by(Request.side, Request.state))}
    return {
        side: {
            state.name: counts[side, state.name]
            for state in lifecycle.states
            if (side, state.name) in counts and state.name not in lifecycle.terminal
        }
        for side, lifecycle in LIFECYCLES.items()
    }
