"""What is wrong with a message of the peer, for whoever wants to hear all of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ill_workflow.iso18626.reading import Understood, read
from ill_workflow.iso18626.validating import validate
from ill_workflow.messages.content import (
    AgencyId,
    ErrorData,
    Header,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
    WireConfirmation,
)
from ill_workflow.messages.content import Message as WireMessage
from ill_workflow.mock_partner.conversation import Conversation
from ill_workflow.mock_partner.manner import Manner

ELEMENT, VALUE = "UnrecognisedDataElement", "UnrecognisedDataValue"
_AFTER_THE_ITEM_LEFT = ("Loaned", "Overdue", "Recalled")


@dataclass(frozen=True)
class Finding:
    """What is wrong in a sentence, and with which error it is answered."""

    sentence: str
    error: str = ELEMENT

    @property
    def data(self) -> ErrorData:
        return ErrorData(errorType=self.error, errorValue=self.sentence)


def findings(
    understood: Understood, raw: bytes, manner: Manner, conversation: Conversation | None
) -> Iterator[Finding]:
    """All that is wrong: by the schema of the agreed edition, by what had to be forgiven, by the rules."""
    for sentence in schema_findings(raw, manner):
        yield Finding(sentence)
    if understood.edition != manner.edition and not understood.forgiven:
        yield Finding(f"ISO18626Message: written to {understood.edition}, and {manner.edition} was agreed")
    for sentence in understood.forgiven:
        yield Finding(sentence)
    message = understood.message
    if isinstance(message, Request | SupplyingAgencyMessage | RequestingAgencyMessage):
        yield from _about_the_header(message, manner, conversation)
    match message:
        case Request():
            yield from _about_a_request(message)
        case SupplyingAgencyMessage():
            yield from _about_a_supplier(message)
        case RequestingAgencyMessage():
            yield from _about_a_requester(message, conversation)


def schema_findings(raw: bytes, manner: Manner) -> list[str]:
    """Nothing where no folder of schemas is known."""
    if manner.schemas is None:
        return []
    return [f"schema {manner.edition}: {sentence}" for sentence in validate(raw, manner.edition, manner.schemas)]


def confirmation_findings(
    said: WireMessage, written: bytes, understood: Understood, raw: bytes, content_type: str, manner: Manner
) -> Iterator[str]:
    """What is wrong with the peer's confirmation of what we said, in the very bytes that it got."""
    yield from schema_findings(raw, manner)
    ours = _gives_our_time_back(written, understood)
    yield from (sentence for sentence in understood.forgiven if not (ours and sentence.startswith("timestamp:")))
    if not content_type.strip():
        yield "content type: none instead of application/xml"
    confirmation = understood.message
    if isinstance(confirmation, Request | SupplyingAgencyMessage | RequestingAgencyMessage):
        yield "the answer is no confirmation"
        return
    expected = f"{type(said).__name__}Confirmation"
    if type(confirmation).__name__ != expected:
        yield f"the answer is a {type(confirmation).__name__}, and a {expected} is due"
    yield from _echoes(said, confirmation)


def _gives_our_time_back(written: bytes, confirmed: Understood) -> bool:
    """However oddly a flavour has it written: it is not the peer's fault."""
    header = getattr(confirmed.message, "confirmationHeader", None)
    said = read(written).message
    return isinstance(said, WireMessage) and header is not None and header.timestamp == said.header.timestamp


def _echoes(said: WireMessage, confirmation: WireConfirmation) -> Iterator[str]:
    header, ours = confirmation.confirmationHeader, said.header
    if header.requestingAgencyRequestId != ours.requestingAgencyRequestId:
        yield f"requestingAgencyRequestId: {header.requestingAgencyRequestId!r} is not the one that was sent"
    for name in ("supplyingAgencyId", "requestingAgencyId"):
        if not _same(getattr(header, name), getattr(ours, name)):
            yield f"{name}: is not the one that was sent"
    if isinstance(said, RequestingAgencyMessage) and getattr(confirmation, "action", None) != said.action:
        yield "action: is not the one that was sent"
    reason = said.messageInfo.reasonForMessage if isinstance(said, SupplyingAgencyMessage) else None
    if reason and getattr(confirmation, "reasonForMessage", None) != reason:
        yield "reasonForMessage: is not the one that was sent"


def _about_the_header(message: WireMessage, manner: Manner, conversation: Conversation | None) -> Iterator[Finding]:
    header = message.header
    supplies = isinstance(message, SupplyingAgencyMessage)
    us, them = (
        (header.requestingAgencyId, header.supplyingAgencyId)
        if supplies
        else (header.supplyingAgencyId, header.requestingAgencyId)
    )
    names = ("requestingAgencyId", "supplyingAgencyId") if supplies else ("supplyingAgencyId", "requestingAgencyId")
    if manner.agency and not _same(us, manner.agency):
        yield Finding(f"{names[0]}: {us.agencyIdValue} is not {manner.agency.agencyIdValue}", VALUE)
    if manner.peer_agency and not _same(them, manner.peer_agency):
        yield Finding(f"{names[1]}: {them.agencyIdValue} is not {manner.peer_agency.agencyIdValue}", VALUE)
    if header.timestamp.year < 2000:
        yield Finding(f"timestamp: the year {header.timestamp.year}", VALUE)
    if conversation is not None:
        yield from _about_our_id(header, conversation, supplies)


def _about_our_id(header: Header, conversation: Conversation, supplies: bool) -> Iterator[Finding]:
    theirs = header.supplyingAgencyRequestId
    if not supplies and theirs and conversation.our_id and theirs != conversation.our_id:
        yield Finding(f"supplyingAgencyRequestId: {theirs} is not {conversation.our_id}", VALUE)


def _about_a_request(message: Request) -> Iterator[Finding]:
    info, service = message.bibliographicInfo, message.serviceInfo
    if not (info.title or info.titleOfComponent or info.supplierUniqueRecordId or info.bibliographicItemId):
        yield Finding("title: neither a title nor a number says what is wanted")
    if service.requestType == "Retry" and not service.requestingAgencyPreviousRequestId:
        yield Finding("requestingAgencyPreviousRequestId: a Retry names the request before it")


def _about_a_supplier(message: SupplyingAgencyMessage) -> Iterator[Finding]:
    info, status = message.messageInfo, message.statusInfo
    answers = info.reasonForMessage in ("RenewResponse", "CancelResponse")
    if answers and not info.answerYesNo:
        yield Finding(f"answerYesNo: a {info.reasonForMessage} says Y or N")
    if info.reasonForMessage not in ("RequestResponse", "StatusChange"):
        return
    if status.status in _AFTER_THE_ITEM_LEFT and status.dueDate is None:
        yield Finding(f"dueDate: {status.status} without a due date")
    if status.status == "Unfilled" and not info.reasonUnfilled:
        yield Finding("reasonUnfilled: Unfilled without a reason")
    if status.status == "RetryPossible" and not info.reasonRetry:
        yield Finding("reasonRetry: RetryPossible without a reason")
    costs = message.retryInfo.offeredCosts if message.retryInfo else None
    if info.reasonRetry == "CostExceedsMaxCost" and costs is None:
        yield Finding("offeredCosts: CostExceedsMaxCost without the costs")


def _about_a_requester(message: RequestingAgencyMessage, conversation: Conversation | None) -> Iterator[Finding]:
    if message.action in ("Received", "ShippedReturn", "Renew") and conversation and not conversation.has_sent:
        yield Finding(f"action: {message.action}, and nothing was sent yet", VALUE)


def _same(one: AgencyId | None, other: AgencyId | None) -> bool:
    return (one.agencyIdValue.casefold() if one else "") == (other.agencyIdValue.casefold() if other else "")
