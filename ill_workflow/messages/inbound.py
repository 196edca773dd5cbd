"""A message arrives: is the partner known, was it seen before, which request, which row hears it?"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, IllError
from ill_workflow.libraries import Library
from ill_workflow.messages.content import (
    Confirmation,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    to_dict,
)
from ill_workflow.messages.hearing import Heard, hear_borrower, hear_lender
from ill_workflow.partners import Partner
from ill_workflow.requests import actions, intake, rota
from ill_workflow.requests.by import By
from ill_workflow.requests.consequences import promise_effects
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, MessageRow
from ill_workflow.requests.models import Request as OurRequest
from state_machines.declaration import Action, Effect
from state_machines.effects import alert_staff, send_message

#: Effects that are added to those of the row get numbers from here on.
_MORE = 100


def receive(
    session: Session, message: Message, *, partner: Partner, identity: str, transport: str, clock: Clock
) -> Confirmation:
    """Take in a message of a partner, in the caller's transaction, and answer it.

    The same `identity` a second time gets the same answer and changes nothing. What can't be understood is answered
    ERROR with the standard's error type, and recorded all the same.
    """
    seen = session.scalar(
        sa.select(MessageRow).where(
            MessageRow.partner_id == partner.id, MessageRow.incoming.is_(True), MessageRow.identity == identity
        )
    )
    if seen is not None:
        return _answer(seen.outcome, clock)
    library = session.get_one(Library, partner.library_id)
    request_id: int | None = None
    try:
        request, outcome = _take(session, message, library, partner, clock)
        request_id = request.id
    except BadInput as wrong:
        outcome = f"ERROR BadlyFormedMessage {wrong.message}"
    except _Unknown as unknown:
        outcome = f"ERROR UnrecognisedDataValue {unknown.message}"
    row = MessageRow(
        library_id=library.id, request_id=request_id, partner_id=partner.id, incoming=True, identity=identity,
        kind=kind_of(message), transport=transport, content=to_dict(message), outcome=outcome, at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _answer(outcome, clock)


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


def hear(session: Session, request: OurRequest, heard: Heard, *, by: By, clock: Clock) -> actions.Outcome:
    """Pull the first row that hears one of the words and may be pulled now; the last is `partner_informs`."""
    lifecycle = lifecycle_of(request)
    rows: list[Action] = []
    for word in heard.words:
        rows += [row for row in lifecycle.hearers(word, request.state) if row not in rows]
    rows += [row for row in lifecycle.rows("partner_informs") if row not in rows]
    for row in rows:
        inputs = {need.name: heard.values[need.name] for need in row.needs if need.name in heard.values}
        complete = all(need.name in inputs for need in row.needs if need.required)
        if complete and actions.may_pull(session, request, row, by=by, clock=clock, inputs=inputs):
            return actions.perform(session, request, row.trigger, by=by, clock=clock, inputs=inputs)
    raise AssertionError("partner_informs hears everything in every state")


class _Unknown(IllError):
    """There is no such request here."""


def _take(
    session: Session, message: Message, library: Library, partner: Partner, clock: Clock
) -> tuple[OurRequest, str]:
    by = By.a_partner(partner)
    match message:
        case Request():
            return _take_request(session, message, library, partner, by, clock)
        case RequestingAgencyMessage():
            request = intake.find_lending(session, partner, message.header.requestingAgencyRequestId)
            if request is None:
                raise _Unknown(f"requestingAgencyRequestId {message.header.requestingAgencyRequestId}")
            request = actions.locked(session, request.id)
            heard = hear_borrower(message)
            outcome = hear(session, request, heard, by=by, clock=clock)
            if heard.asks_status:
                _add_effects(session, request, outcome, (send_message("StatusRequestResponse"),), by)
            return request, f"OK {outcome.trigger}"
        case SupplyingAgencyMessage():
            return _take_answer(session, message, library, partner, by, clock)


def _take_request(
    session: Session, message: Request, library: Library, partner: Partner, by: By, clock: Clock
) -> tuple[OurRequest, str]:
    """A new request, a retry that is linked to the first, or a reminder that is answered with the status."""
    service, wire_id = message.serviceInfo, message.header.requestingAgencyRequestId
    known = intake.find_lending(session, partner, wire_id)
    if known is not None:
        request = actions.locked(session, known.id)
        informed = Heard(("StatusRequest",), {}, asks_status=True)
        outcome = hear(session, request, informed, by=by, clock=clock)
        _add_effects(session, request, outcome, (send_message("StatusRequestResponse"),), by)
        return request, f"OK {outcome.trigger}"
    if service.requestType == "Reminder":
        raise _Unknown(f"requestingAgencyRequestId {wire_id}")
    first = service.requestingAgencyPreviousRequestId
    info, published = message.bibliographicInfo, message.publicationInfo
    fields = {
        "title": info.title, "author": info.author, "article_title": info.titleOfComponent, "volume": info.volume,
        "pages": info.pagesRequested, "isbn": info.isbn, "issn": info.issn, "publisher": published.publisher,
        "year": published.publicationDate,
    }  # fmt: skip
    if service.needBeforeDate:
        fields["need_by"] = service.needBeforeDate.date().isoformat()
    request = intake.lend(
        session, library, partner, {k: v for k, v in fields.items() if v}, by=by, clock=clock,
        partner_request_id=wire_id, service=service.serviceType.lower(), partner_note=service.note,
        follows=intake.find_lending(session, partner, first) if first else None,
    )  # fmt: skip
    return request, "OK create"


def _take_answer(
    session: Session, message: SupplyingAgencyMessage, library: Library, partner: Partner, by: By, clock: Clock
) -> tuple[OurRequest, str]:
    wire_id = message.header.requestingAgencyRequestId
    attempt = session.scalar(sa.select(Attempt).where(Attempt.partner_id == partner.id, Attempt.wire_id == wire_id))
    if attempt is None:
        raise _Unknown(f"requestingAgencyRequestId {wire_id}")
    request, heard = actions.locked(session, attempt.request_id), hear_lender(message, library.zone)
    if message.messageInfo.reasonForMessage == "StatusRequestResponse":
        heard = _only_what_moves(request, heard)
    if attempt.wire_id == request.wire_id:
        outcome = hear(session, request, heard, by=by, clock=clock)
        return request, f"OK {outcome.trigger}"
    return request, _from_a_former_lender(session, request, attempt, heard, by, clock)


def _from_a_former_lender(
    session: Session, request: OurRequest, attempt: Attempt, heard: Heard, by: By, clock: Clock
) -> str:
    """Recorded, and moves nothing; but one that has sent something is the current one again, while no item is here."""
    seeking = request.state in lifecycle_of(request).expand(("SEEKING", "cancel_requested", "needs_review", "unfilled"))
    if heard.item_was_sent and not seeking and "CopyCompleted" not in heard.words:
        return _second_parcel(session, request, attempt, heard, by, clock)
    if not heard.item_was_sent or not seeking:
        told = {
            **heard.values,
            "note": f"{by.who}, asked before, says: {heard.words[0]}. {heard.values.get('note', '')}",
        }
        outcome = hear(session, request, Heard((), told), by=by, clock=clock)
        return f"OK {outcome.trigger}"
    present = rota.current_attempt(session, request)
    rota.take_up_again(session, request, attempt)
    outcome = hear(session, request, heard, by=by, clock=clock)
    if present is not None:
        _add_effects(session, request, outcome, (send_message("Cancel"),), by, attempt=present)
    _add_effects(session, request, outcome, (alert_staff("unexpected_shipment"),), by, number=_MORE + 10)
    return f"OK {outcome.trigger}"


def _second_parcel(session: Session, request: OurRequest, attempt: Attempt, heard: Heard, by: By, clock: Clock) -> str:
    """Another lender's item is coming, here, or has been here: this one gets a half of its own, to be routed home."""
    told = {"note": f"{by.who}, asked before, has sent the item as well. It gets a request of its own."}
    hear(session, request, Heard((), told), by=by, clock=clock)
    second = intake.second_parcel(session, request, attempt, by=by, clock=clock)
    outcome = hear(session, second, heard, by=by, clock=clock)
    return f"OK {outcome.trigger} of {second.reference}"


def _only_what_moves(request: OurRequest, heard: Heard) -> Heard:
    """The answer to a StatusRequest makes up for a message that was lost, and repeats nothing that is known."""
    lifecycle = lifecycle_of(request)
    for word in heard.words:
        for row in lifecycle.hearers(word, request.state):
            if all(target.dest in ("same", request.state) for target in row.targets):
                return Heard((), {**heard.values, "note": heard.values.get("note", "")})
    return heard


def _add_effects(
    session: Session, request: OurRequest, outcome: actions.Outcome, effects: Sequence[Effect], by: By, *,
    attempt: Attempt | None = None, number: int = _MORE,
) -> None:  # fmt: skip
    event = session.get_one(Event, outcome.event_id)
    current = attempt or rota.current_attempt(session, request)
    promise_effects(session, request, tuple(effects), event, by=by, inputs={}, attempt=current, first=number)


def _answer(outcome: str, clock: Clock) -> Confirmation:
    status, _, rest = outcome.partition(" ")
    error: Any = None
    if status == "ERROR":
        kind, _, value = rest.partition(" ")
        error = ErrorData(errorType=kind, errorValue=value)
    return Confirmation(messageStatus=status, timestampReceived=clock.now(), errorData=error, sentence=rest)
