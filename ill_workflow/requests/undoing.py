"""What can be taken back, and what becomes of the work that it promised."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import Refused
from ill_workflow.outbox import DEAD, DONE, RUNNING, UNCERTAIN, WITHDRAWN, EffectRow, may_have_arrived, withdraw
from ill_workflow.requests.consequences import Asked
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Event, MailRow, Notice, Request
from state_machines.declaration import Effect
from state_machines.effects import SCHEDULE_DUE_DATE_CHECK, circulation

#: Which call takes back which, at the library's circulation system.
REVERSE_CALLS = {
    "hold": "release",
    "release": "hold",
    "check_out": "check_in",
    "check_in": "check_out",
    "accept_item": "remove_item",
}
#: Calls that may have ended nothing: they are taken back where what they ended was in force.
ENDING = ("release", "check_in")
#: What is written into the history and moves nothing.
REMARKS = ("note", "assign")


def last_undoable(session: Session, request: Request) -> Event:
    """The last event, where staff may take it back. Raises Refused with the reason why not."""
    # A remark is no transition, and stands in nobody's way.
    mine = (Event.request_id == request.id) & Event.trigger.not_in(REMARKS)
    last = session.scalar(sa.select(Event).where(mine).order_by(Event.version.desc()).limit(1))
    lifecycle = lifecycle_of(request)
    row = lifecycle.pulled(last.row, last.trigger) if last else None
    if last is None or row is None:
        what = last.label if last else "Nothing"
        raise Refused(f"{what} can't be taken back.", field="trigger")
    if not row.undo or last.actor not in ("staff", "manager"):
        raise Refused(f"{last.label} by {last.who} can't be taken back.", field="trigger")
    if row.trigger == "reject" and _left(session, last):
        raise Refused(f"The partner of {request.reference} knows already that it was rejected.", field="trigger")
    return last


def take_back_the_work(session: Session, request: Request, undone: Event) -> tuple[tuple[Effect, ...], list[Asked]]:
    """Withdraw what nobody has begun; the effects that put the rest right, and whom a correction has to reach."""
    follow, misled = list[Effect](), list[Asked]()
    rows = session.scalars(sa.select(EffectRow).where(EffectRow.event_id == undone.id).order_by(EffectRow.id)).all()
    for row in rows:
        if not _carries_others(session, row) and withdraw(session, row.id):
            continue
        if row.kind == "send_message":
            misled.append(Asked(row.payload["partner"], row.payload["wire_id"]))
        elif row.kind == "circulation" and row.argument in REVERSE_CALLS and _ended_something(session, row):
            follow.append(circulation(REVERSE_CALLS[row.argument]))
    return (*dict.fromkeys(follow), SCHEDULE_DUE_DATE_CHECK), list(dict.fromkeys(misled))


def _carries_others(session: Session, row: EffectRow) -> bool:
    """Whether this work is a mail that tells what others have to tell as well: it leaves, whatever is taken back."""
    told = sa.select(sa.func.count()).select_from(Notice).join(MailRow, MailRow.id == Notice.mail_id)
    return (session.scalar(told.where(MailRow.effect_id == row.id)) or 0) > 1


def _ended_something(session: Session, row: EffectRow) -> bool:
    """Whether this call began something, or ended what an earlier one had begun."""
    if row.argument not in ENDING:
        return True
    pair = (row.argument, REVERSE_CALLS[row.argument])
    earlier = sa.select(EffectRow.argument).where(
        EffectRow.request_id == row.request_id, EffectRow.id < row.id, EffectRow.kind == "circulation",
        EffectRow.argument.in_(pair), EffectRow.status != WITHDRAWN,
    )  # fmt: skip
    return session.scalar(earlier.order_by(EffectRow.id.desc()).limit(1)) == REVERSE_CALLS[row.argument]


def _left(session: Session, event: Event) -> bool:
    """Whether a message of this event is with the partner, or may be."""
    gone = EffectRow.status.in_((RUNNING, DONE, DEAD, UNCERTAIN)) | may_have_arrived()
    sent = sa.select(EffectRow.id).where(EffectRow.event_id == event.id, EffectRow.kind == "send_message", gone)
    return session.scalar(sent.limit(1)) is not None
