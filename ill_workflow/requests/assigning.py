"""Who sees to a request: no transition, but a line of its history."""

from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, role_at
from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput
from ill_workflow.requests.actions import Outcome, outcome_of, remember_remark
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.models import Request


def assign(session: Session, request: Request, to: Account | None, *, by: By, clock: Clock) -> Outcome | None:
    """Give a request to somebody of the library, or to nobody. None where it is theirs already.

    Raises NotAllowed, or BadInput for an account that may not act there.
    """
    actors_at(session, by, request.library_id, request.reference)
    if to is not None and role_at(session, to, request.library_id) is None:
        raise BadInput(f"{to.name} has no grant at {request.library.name}.", field="to")
    if request.assigned_to_id == (to.id if to else None):
        return None
    request.assigned_to, request.assigned_to_id = to, to.id if to else None
    name = (to.full_name or to.name) if to else ""
    label = f"Assigned to {name}"[:64] if name else "Assigned to Nobody"
    event = remember_remark(session, request, by, "assign", label, {"to": to.name if to else None}, clock.now())
    return outcome_of(request, event)
