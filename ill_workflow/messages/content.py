"""The messages of ISO 18626 in the words of its 2021 edition: what is said, whatever carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

# The names of fields are the standard's own.


@dataclass(frozen=True, kw_only=True)
class Header:
    """Who says it to whom, about which request. An agency is named by its code."""

    supplyingAgencyId: str
    requestingAgencyId: str
    timestamp: datetime
    requestingAgencyRequestId: str
    supplyingAgencyRequestId: str | None = None


@dataclass(frozen=True, kw_only=True)
class Costs:
    currencyCode: str
    monetaryValue: Decimal


@dataclass(frozen=True, kw_only=True)
class BibliographicInfo:
    title: str = ""
    author: str = ""
    titleOfComponent: str = ""
    volume: str = ""
    pagesRequested: str = ""
    isbn: str = ""  #: a bibliographicItemId with the code ISBN
    issn: str = ""


@dataclass(frozen=True, kw_only=True)
class PublicationInfo:
    publisher: str = ""
    publicationDate: str = ""


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """`requestType` New, Retry or Reminder; `serviceType` Loan or Copy."""

    requestType: str = "New"
    requestingAgencyPreviousRequestId: str | None = None
    serviceType: str = "Loan"
    needBeforeDate: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A partner asks for an item."""

    header: Header
    bibliographicInfo: BibliographicInfo
    publicationInfo: PublicationInfo = field(default_factory=PublicationInfo)
    serviceInfo: ServiceInfo = field(default_factory=ServiceInfo)


@dataclass(frozen=True, kw_only=True)
class MessageInfo:
    """`reasonForMessage`: RequestResponse, StatusChange, Notification, RenewResponse, CancelResponse, …"""

    reasonForMessage: str
    answerYesNo: str | None = None
    note: str = ""
    reasonUnfilled: str | None = None
    reasonRetry: str | None = None


@dataclass(frozen=True, kw_only=True)
class StatusInfo:
    status: str
    lastChange: datetime
    expectedDeliveryDate: datetime | None = None
    dueDate: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RetryInfo:
    offeredCosts: Costs | None = None
    loanCondition: tuple[str, ...] = ()
    retryBefore: datetime | None = None
    retryAfter: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeliveryInfo:
    dateSent: datetime
    itemId: tuple[str, ...] = ()
    URL: str | None = None
    deliveryMethod: str | None = None
    loanCondition: tuple[str, ...] = ()
    deliveryCosts: Costs | None = None


@dataclass(frozen=True, kw_only=True)
class ShippingInfo:
    courierName: str | None = None
    trackingId: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReturnInfo:
    returnAgencyId: str | None = None
    name: str = ""
    physicalAddress: str = ""


@dataclass(frozen=True, kw_only=True)
class SupplyingAgencyMessage:
    """The lender speaks."""

    header: Header
    messageInfo: MessageInfo
    statusInfo: StatusInfo
    retryInfo: RetryInfo | None = None
    deliveryInfo: DeliveryInfo | None = None
    shippingInfo: ShippingInfo | None = None
    returnInfo: ReturnInfo | None = None


@dataclass(frozen=True, kw_only=True)
class RequestingAgencyMessage:
    """The borrower speaks. `action`: Received, ShippedReturn, Renew, Cancel, Notification, StatusRequest, Lost, …"""

    header: Header
    action: str
    note: str = ""


Message = Request | SupplyingAgencyMessage | RequestingAgencyMessage


@dataclass(frozen=True, kw_only=True)
class ErrorData:
    errorType: str
    errorValue: str = ""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The answer to a message: OK, or ERROR and why."""

    messageStatus: str
    timestampReceived: datetime
    errorData: ErrorData | None = None
    sentence: str = ""  #: for people: what was done with it

    @property
    def ok(self) -> bool:
        return self.messageStatus == "OK"

    @property
    def knows_no_such_request(self) -> bool:
        error = self.errorData
        return (
            error is not None
            and error.errorType == "UnrecognisedDataValue"
            and error.errorValue.startswith("requestingAgencyRequestId")
        )


KINDS: Mapping[str, type[Any]] = {c.__name__: c for c in (Request, SupplyingAgencyMessage, RequestingAgencyMessage)}

T = TypeVar("T")


def to_dict(message: Any) -> dict[str, Any]:
    """The message as JSON can keep it; fields without a value are left out."""
    found: dict[str, Any] = {}
    for f in fields(message):
        value = getattr(message, f.name)
        if is_dataclass(value) and not isinstance(value, type):
            found[f.name] = to_dict(value)
        elif isinstance(value, datetime):
            found[f.name] = value.isoformat()
        elif isinstance(value, Decimal):
            found[f.name] = str(value)
        elif value not in (None, "", ()):
            found[f.name] = list(value) if isinstance(value, tuple) else value
    return found


def from_dict(kind: type[T], given: Mapping[str, Any]) -> T:
    """Read what `to_dict` wrote."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in given.items() if name in hints})


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        hint = next(h for h in get_args(hint) if h is not type(None))
    if is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is Decimal:
        return Decimal(value)
    return tuple(value) if get_origin(hint) is tuple else value
