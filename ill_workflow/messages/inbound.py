"""A message arrives: is the partner known, was it seen before, which request, which row hears it?"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, IllError
from ill_workflow.libraries import Library
from ill_workflow.messages import replays
from ill_workflow.messages.content import (
    Confirmation,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    to_dict,
)
from ill_workflow.messages.exchanges import PatronOfPartner
from ill_workflow.messages.hearing import Heard, hear_borrower, hear_lender
from ill_workflow.messages.lateness import as_heard_now
from ill_workflow.partners import Partner
from ill_workflow.requests import actions, former_lenders, intake, rota
from ill_workflow.requests.by import By
from ill_workflow.requests.consequences import promise_effects
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST, LONGEST_CODE, LONGEST_TEXT, as_isbn, as_issn
from ill_workflow.requests.former_lenders import MORE
from ill_workflow.requests.models import Attempt, Event, MessageRow
from ill_workflow.requests.models import Request as OurRequest
from state_machines.declaration import Action, Effect, Input
from state_machines.effects import send_message


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
    seen = replays.with_identity(session, partner.id, identity)
    if seen is not None:
        return _answer(seen.outcome, clock)
    row = MessageRow(identity=identity)
    return _take_down(session, row, message, partner=partner, transport=transport, clock=clock).confirmation


def receive_once(session: Session, message: Message, *, partner: Partner, transport: str, clock: Clock) -> TakenIn:
    """The same for what comes without an identity of its own, and may come again: a repeat is known by what it says."""
    replays.one_at_a_time(session, message, partner.id)
    before = replays.heard_already(session, message, partner.id)
    if before is not None:
        return TakenIn(_answer(before.outcome, clock), before, again=True)
    identity = replays.unused_identity(session, message, partner.id)
    row = replays.with_identity(session, partner.id, identity) or MessageRow(identity=identity)
    row.fingerprint = replays.fingerprint_of(message)
    return _take_down(session, row, message, partner=partner, transport=transport, clock=clock)


def _take_down(
    session: Session, row: MessageRow, message: Message, *, partner: Partner, transport: str, clock: Clock
) -> TakenIn:
    """Let the message do what it does, and write down that."""
    library = session.get_one(Library, partner.library_id)
    row.request_id = None
    try:
        with session.begin_nested():  # what is refused leaves nothing behind
            request, outcome = _take(session, message, library, partner, clock)
            _keep_patron(session, message, request, clock)
        row.request_id = request.id
    except BadInput as wrong:
        outcome = f"ERROR BadlyFormedMessage {wrong.message}"
    except _Unknown as unknown:
        outcome = f"ERROR UnrecognisedDataValue {unknown.message}"
    row.library_id, row.partner_id, row.incoming, row.at = library.id, partner.id, True, clock.now()
    row.kind, row.transport, row.content, row.outcome = kind_of(message), transport, to_dict(message), outcome
    session.add(row)
    session.flush()
    return TakenIn(_answer(outcome, clock), row)


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


def hear(session: Session, request: OurRequest, heard: Heard, *, by: By, clock: Clock) -> actions.Outcome:
    """Pull the first row that hears one of the words and may be pulled now; the last is `partner_informs`."""
    lifecycle = lifecycle_of(request)
    rows: list[Action] = []
    for word in heard.words:
        rows += [row for row in lifecycle.hearers(word, request.state) if row not in rows]
    rows += [row for row in lifecycle.rows("partner_informs") if row not in rows]
    for row in rows:
        inputs = {need.name: _fitted(need, heard.values[need.name]) for need in row.needs if need.name in heard.values}
        inputs = {name: value for name, value in inputs.items() if value not in (None, "", [])}
        complete = all(need.name in inputs for need in row.needs if need.required)
        if complete and actions.may_pull(session, request, row, by=by, clock=clock, inputs=inputs):
            return actions.perform(session, request, row.trigger, by=by, clock=clock, inputs=inputs)
    raise AssertionError("partner_informs hears everything in every state")


def _fitted(need: Input, value: Any) -> Any:
    """What a partner says is cut to what we can keep, and not refused; half a barcode would be none."""
    match need.type:
        case "texts" | "barcodes":
            return [fitted for v in value if (fitted := _fitted(replace(need, type="text"), v))]
        case "currency":
            code = str(value).strip().upper()
            return code if re.fullmatch(r"[A-Z]{3}", code) else None
        case "code":
            text = _plain(str(value)).strip()
            return text if len(text) <= need.longest else None
        case "text" | "lines":
            return _plain(str(value), lines=need.type == "lines").strip()[: need.longest]
        case _:
            return value


def _plain(text: str, *, lines: bool = False) -> str:
    """Without control characters."""
    return "".join(c if (lines and c in "\r\n") or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)


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
            heard = as_heard_now(session, request, message, hear_borrower(message), partner.id, by.who)
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
        "title": info.title, "author": info.author, "article_title": info.titleOfComponent,
        "volume": ", ".join(info.volume), "pages": info.pagesRequested, "isbn": info.isbn, "issn": info.issn,
        "publisher": published.publisher, "year": published.publicationDate,
    }  # fmt: skip
    fields = {name: _plain(value).strip()[: LONGEST[name]] for name, value in fields.items()}
    note = _plain(_without_wrong_numbers(fields, service.note), lines=True)[:LONGEST_TEXT]
    if service.needBeforeDate:
        fields["need_by"] = service.needBeforeDate.date().isoformat()
    request = intake.lend(
        session, library, partner, {k: v for k, v in fields.items() if v}, by=by, clock=clock,
        partner_request_id=wire_id, service=service.serviceType.lower(), partner_note=note,
        follows=intake.find_lending(session, partner, first) if first else None,
    )  # fmt: skip
    return request, "OK create"


def _without_wrong_numbers(fields: dict[str, str], note: str) -> str:
    """A number with a wrong check digit is kept as a note: the item can be found without it."""
    for name, read in (("isbn", as_isbn), ("issn", as_issn)):
        try:
            fields[name] = read(fields[name]) if fields[name] else ""
        except BadInput:
            note = f"{note}\n{name.upper()} as given: {fields[name]}".strip()
            fields[name] = ""
    return note


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
    heard = as_heard_now(session, request, message, heard, partner.id, by.who)
    if attempt.wire_id == request.wire_id:
        # What the lender calls it may be what its label says: a scan finds it by that.
        named = _plain(message.header.supplyingAgencyRequestId or "").strip()
        if named and len(named) <= LONGEST_CODE:
            request.partner_request_id = named
        outcome = hear(session, request, heard, by=by, clock=clock)
        return request, f"OK {outcome.trigger}"
    return request, _from_a_former_lender(session, request, attempt, heard, by, clock)


def _from_a_former_lender(
    session: Session, request: OurRequest, attempt: Attempt, heard: Heard, by: By, clock: Clock
) -> str:
    """Recorded, and moves nothing; but one that has sent something is the current one again, while no item is here."""
    another = former_lenders.another_item(request)
    if heard.item_was_sent and another and "CopyCompleted" not in heard.words:
        return _second_parcel(session, request, attempt, heard, by, clock)
    if not heard.item_was_sent or another:
        said = heard.words[0] if heard.words else heard.values.get("status", "nothing new")
        told = {**heard.values, "note": f"{by.who}, asked before, says: {said}. {heard.values.get('note', '')}"}
        outcome = hear(session, request, Heard((), told), by=by, clock=clock)
        return f"OK {outcome.trigger}"
    meantime = former_lenders.take_up(session, request, attempt)
    outcome = hear(session, request, heard, by=by, clock=clock)
    former_lenders.tell(session, request, outcome, meantime, by)
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
    session: Session, request: OurRequest, outcome: actions.Outcome, effects: Sequence[Effect], by: By
) -> None:
    event, current = session.get_one(Event, outcome.event_id), rota.current_attempt(session, request)
    promise_effects(session, request, tuple(effects), event, by=by, inputs={}, attempt=current, first=MORE)


def _answer(outcome: str, clock: Clock) -> Confirmation:
    status, _, rest = outcome.partition(" ")
    error: Any = None
    if status == "ERROR":
        kind, _, value = rest.partition(" ")
        error = ErrorData(errorType=kind, errorValue=value)
    return Confirmation(messageStatus=status, timestampReceived=clock.now(), errorData=error, sentence=rest)
