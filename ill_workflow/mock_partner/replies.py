"""What a call is answered: a confirmation as it should be, or one of the troubles that a scenario asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ill_workflow.clock import Clock
from ill_workflow.iso18626.reading import PartialHeader, Unreadable
from ill_workflow.messages.content import (
    ConfirmationHeader,
    ErrorData,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessage,
    SupplyingAgencyMessageConfirmation,
    WireConfirmation,
)
from ill_workflow.messages.content import Message as WireMessage

XML = "application/xml"
_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works!</p></body></html>"
#: Where a 301 leads: nowhere that anybody would answer.
ELSEWHERE = "http://127.0.0.1:9/iso18626"


@dataclass(frozen=True)
class Reply:
    """How a call is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = XML
    headers: Mapping[str, str] = field(default_factory=dict)
    after: timedelta = timedelta()
    never: bool = False  #: the call is taken, and no answer comes
    cut: bool = False  #: the connection ends in the middle of the body


def troubled(answer: str, body: bytes, after: timedelta) -> Reply:
    """A confirmation to which something happens, or what comes instead of it."""
    match answer:
        case "slow":
            return Reply(body=body, after=after)
        case "hung":
            return Reply(body=body, never=True)
        case "half":
            return Reply(body=body, cut=True)
        case "empty":
            return Reply()
        case "html":
            return Reply(body=_PAGE, content_type="text/html")
        case "301":
            return Reply(status=301, headers={"location": ELSEWHERE}, content_type="text/plain")
        case "":
            return Reply(body=body)
    return Reply(status=int(answer), body=b"The mock says so.", content_type="text/plain")


def confirmation(message: WireMessage, now: datetime, errors: tuple[ErrorData, ...] = ()) -> WireConfirmation:
    """OK, or ERROR and why; ids, action and reason are given back as they came."""
    header = message.header
    head = ConfirmationHeader(
        supplyingAgencyId=header.supplyingAgencyId,
        requestingAgencyId=header.requestingAgencyId,
        timestamp=header.timestamp,
        requestingAgencyRequestId=header.requestingAgencyRequestId,
        multipleItemRequestId=header.multipleItemRequestId,
        timestampReceived=now,
        messageStatus="ERROR" if errors else "OK",
    )
    match message:
        case SupplyingAgencyMessage():
            reason = message.messageInfo.reasonForMessage
            return SupplyingAgencyMessageConfirmation(
                confirmationHeader=head, reasonForMessage=reason, errorData=errors
            )
        case RequestingAgencyMessage():
            return RequestingAgencyMessageConfirmation(confirmationHeader=head, action=message.action, errorData=errors)
        case Request():
            return RequestConfirmation(confirmationHeader=head, errorData=errors)


def refusal(wrong: Unreadable, now: datetime) -> WireConfirmation:
    """The ERROR to a message that could not be understood, with whatever could be read of it."""
    header, errors = wrong.header, (wrong.error,)
    head = ConfirmationHeader(
        supplyingAgencyId=header.supplyingAgencyId,
        requestingAgencyId=header.requestingAgencyId,
        timestamp=_time(header, now),
        requestingAgencyRequestId=header.requestingAgencyRequestId,
        multipleItemRequestId=header.multipleItemRequestId,
        timestampReceived=now,
        messageStatus="ERROR",
    )
    if wrong.kind == "supplyingAgencyMessage":
        return SupplyingAgencyMessageConfirmation(confirmationHeader=head, errorData=errors)
    if wrong.kind == "requestingAgencyMessage":
        return RequestingAgencyMessageConfirmation(confirmationHeader=head, errorData=errors)
    return RequestConfirmation(confirmationHeader=head, errorData=errors)


def _time(header: PartialHeader, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(header.timestamp)
    except ValueError:
        return otherwise
    return at if at.tzinfo else at.replace(tzinfo=otherwise.tzinfo)


def now_of(clock: Clock) -> datetime:
    """The standard's times are told in milliseconds."""
    now = clock.now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
