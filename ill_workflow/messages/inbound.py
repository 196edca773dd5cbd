"""A message arrives: was it seen before, and what is answered?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.libraries import Library
from ill_workflow.messages import replays, routing
from ill_workflow.messages.content import (
    Confirmation,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.exchanges import PatronOfPartner
from ill_workflow.messages.kept import to_dict
from ill_workflow.partners import Partner
from ill_workflow.requests.models import MessageRow
from ill_workflow.requests.models import Request as OurRequest


@dataclass(frozen=True)
class TakenIn:
    """What came of a message: the answer, and the row in which it is kept."""

    confirmation: Confirmation
    row: MessageRow
    again: bool = False  #: it was heard before, and has changed nothing


def receive(
    session: Session, message: Message, *, partner: Partner, identity: str, transport: str, clock: Clock
) -> Confirmation:
    """Take in a message of a partner, in the caller's transaction, and answer it.

    The same `identity` a second time gets the same answer and changes nothing. What can't be understood is answered
    ERROR with the standard's error type, and recorded all the same.
    """
    seen = replays.with_identity(session, partner, identity)
    if seen is not None:
        return _answer(seen.outcome, clock.now())
    row, at = MessageRow(identity=identity), clock.now()  # before whatever follows from it
    try:
        with session.begin_nested():  # what is refused leaves nothing behind
            row.request_id, outcome = _hear(session, message, partner, clock)
    except routing.CannotTake as refused:
        outcome = refused.outcome
    return _write_down(session, row, message, outcome, partner=partner, transport=transport, at=at).confirmation


def receive_once(
    session: Session, message: Message, *, partner: Partner, transport: str, clock: Clock,
    refused: routing.CannotTake | None = None,
) -> TakenIn:  # fmt: skip
    """The same for what comes without an identity of its own, and may come again: a repeat is known by what it says.

    Raises CannotTake: the caller rolls back, so that nothing is left behind, and takes it in once more as `refused`.
    """
    replays.one_at_a_time(session, message, partner.id)
    row, again = replays.row_for(session, message, partner)
    if again:
        return TakenIn(_answer(row.outcome, clock.now()), row, again=True)
    at = clock.now()
    row.request_id, outcome = (None, refused.outcome) if refused else _hear(session, message, partner, clock)
    return _write_down(session, row, message, outcome, partner=partner, transport=transport, at=at)


def _hear(session: Session, message: Message, partner: Partner, clock: Clock) -> tuple[int, str]:
    """Let the message do what it does: to which request, and what that was."""
    library = session.get_one(Library, partner.library_id)
    request, outcome = routing.take(session, message, library, partner, clock)
    _keep_patron(session, message, request, clock)
    return request.id, outcome


def _write_down(
    session: Session, row: MessageRow, message: Message, outcome: str, *, partner: Partner, transport: str, at: datetime
) -> TakenIn:
    row.library_id, row.partner_id, row.incoming, row.at = partner.library_id, partner.id, True, at
    row.kind, row.transport, row.content, row.outcome = kind_of(message), transport, to_dict(message), outcome
    session.add(row)
    session.flush()
    return TakenIn(_answer(outcome, at), row)


def _keep_patron(session: Session, message: Message, request: OurRequest, clock: Clock) -> None:
    """For whom the partner asks is kept apart: nobody needs it for the loan."""
    if isinstance(message, Request) and message.patronInfo is not None:
        told = to_dict(message.patronInfo)
        if told and session.get(PatronOfPartner, request.id) is None:
            session.add(PatronOfPartner(request_id=request.id, content=told, at=clock.now()))


def kind_of(message: Message) -> str:
    """What a message says, in one word."""
    match message:
        case Request():
            return f"Request {message.serviceInfo.requestType}"
        case RequestingAgencyMessage():
            return message.action
        case SupplyingAgencyMessage():
            info = message.messageInfo
            if info.reasonForMessage in ("RequestResponse", "StatusChange"):
                return message.statusInfo.status
            return f"{info.reasonForMessage} {info.answerYesNo or ''}".strip()


def _answer(outcome: str, at: datetime) -> Confirmation:
    status, _, rest = outcome.partition(" ")
    error: Any = None
    if status == "ERROR":
        kind, _, value = rest.partition(" ")
        error = ErrorData(errorType=kind, errorValue=value)
    return Confirmation(messageStatus=status, timestampReceived=at, errorData=error, sentence=rest)
