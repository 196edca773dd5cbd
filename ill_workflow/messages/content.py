"""The messages of ISO 18626 in the words of its 2021 edition: what is said, whatever carries it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

# The names and the order of fields are the standard's own. An empty text, none, or an empty tuple: it wasn't said.

#: What is never kept with the message: it is for one pair of eyes, or a secret.
APART = {"apart": True}


@dataclass(frozen=True, kw_only=True)
class AgencyId:
    """By what a library is known, and in which list of names."""

    agencyIdType: str = "ISIL"
    agencyIdValue: str


@dataclass(frozen=True, kw_only=True)
class Authentication:
    """Shows that the sender is who it says it is."""

    accountId: str = ""
    securityCode: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Header:
    """Who says it to whom, about which request."""

    supplyingAgencyId: AgencyId
    requestingAgencyId: AgencyId
    consortialId: AgencyId | None = None  #: 2021
    multipleItemRequestId: str = ""
    timestamp: datetime
    requestingAgencyRequestId: str
    supplyingAgencyRequestId: str | None = None
    requestingAgencyAuthentication: Authentication | None = field(default=None, metadata=APART)


@dataclass(frozen=True, kw_only=True)
class Costs:
    currencyCode: str
    monetaryValue: Decimal


@dataclass(frozen=True, kw_only=True)
class ItemId:
    """A `bibliographicItemId`: ISBN, ISSN, ISMN, … and its value."""

    code: str
    value: str


@dataclass(frozen=True, kw_only=True)
class RecordId:
    """A `bibliographicRecordId`: OCLC, LCCN, … and its value."""

    code: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ElectronicAddress:
    """`electronicAddressType` Email, FTP, …"""

    electronicAddressType: str
    electronicAddressData: str


@dataclass(frozen=True, kw_only=True)
class PhysicalAddress:
    line1: str = ""
    line2: str = ""
    locality: str = ""
    postalCode: str = ""
    region: str = ""
    country: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """As it would stand on a parcel."""
        place = " ".join(part for part in (self.locality, self.region, self.postalCode) if part)
        return tuple(line for line in (self.line1, *self.line2.splitlines(), place, self.country) if line.strip())


@dataclass(frozen=True, kw_only=True)
class Address:
    """One of the two."""

    electronicAddress: ElectronicAddress | None = None
    physicalAddress: PhysicalAddress | None = None


@dataclass(frozen=True, kw_only=True)
class BibliographicInfo:
    supplierUniqueRecordId: str = ""
    title: str = ""
    author: str = ""
    authorId: str = ""  #: 2021
    subtitle: str = ""
    seriesTitle: str = ""
    edition: str = ""
    titleOfComponent: str = ""
    authorOfComponent: str = ""
    volume: tuple[str, ...] = ()  #: 2017: one
    issue: str = ""
    pagesRequested: str = ""
    estimatedNoPages: str = ""
    bibliographicItemId: tuple[ItemId, ...] = ()
    sponsor: str = ""
    informationSource: str = ""
    bibliographicRecordId: tuple[RecordId, ...] = ()

    @property
    def isbn(self) -> str:
        return self._number("ISBN")

    @property
    def issn(self) -> str:
        return self._number("ISSN")

    def _number(self, code: str) -> str:
        return next((i.value for i in self.bibliographicItemId if i.code.upper() == code), "")


@dataclass(frozen=True, kw_only=True)
class PublicationInfo:
    publisher: str = ""
    publisherId: str = ""  #: 2021
    publicationType: str = ""
    publicationDate: str = ""
    placeOfPublication: str = ""


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """`requestType` New, Retry or Reminder; `serviceType` Loan, Copy or CopyOrLoan."""

    requestType: str = "New"
    requestSubType: tuple[str, ...] = ()
    requestingAgencyPreviousRequestId: str | None = None
    serviceType: str = "Loan"
    serviceLevel: str = ""
    itemFormat: str = ""  #: 2017: preferredFormat
    needBeforeDate: datetime | None = None
    copyrightCompliance: str = ""
    anyEdition: str | None = None
    preferredEdition: str = ""  #: 2021
    loanCondition: tuple[str, ...] = ()  #: 2021
    startDate: datetime | None = None
    endDate: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SupplierInfo:
    sortOrder: int | None = None
    supplierCode: AgencyId | None = None
    supplierDescription: str = ""
    bibliographicRecordId: RecordId | None = None
    callNumber: str = ""
    summaryHoldings: str = ""
    availabilityNote: str = ""


@dataclass(frozen=True, kw_only=True)
class RequestedDeliveryInfo:
    sortOrder: int | None = None
    address: Address | None = None
    deliveryMethod: str = ""  #: 2021
    courierName: str = ""  #: 2021


@dataclass(frozen=True, kw_only=True)
class RequestingAgencyInfo:
    name: str = ""
    contactName: str = ""
    address: tuple[Address, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PatronInfo:
    patronId: str = ""
    surname: str = ""
    givenName: str = ""
    patronType: str = ""
    sendToPatron: str | None = None
    address: tuple[Address, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BillingInfo:
    paymentMethod: str = ""
    maximumCosts: Costs | None = None
    billingMethod: str = ""
    billingName: str = ""
    address: Address | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """A partner asks for an item."""

    header: Header
    bibliographicInfo: BibliographicInfo
    publicationInfo: PublicationInfo = field(default_factory=PublicationInfo)
    serviceInfo: ServiceInfo = field(default_factory=ServiceInfo)
    supplierInfo: tuple[SupplierInfo, ...] = ()
    requestedDeliveryInfo: tuple[RequestedDeliveryInfo, ...] = ()
    requestingAgencyInfo: RequestingAgencyInfo | None = None
    patronInfo: PatronInfo | None = field(default=None, metadata=APART)
    billingInfo: BillingInfo | None = None


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
    """`status` is empty where a Notification says none."""

    status: str
    expectedDeliveryDate: datetime | None = None
    dueDate: datetime | None = None
    lastChange: datetime


@dataclass(frozen=True, kw_only=True)
class RetryInfo:
    """What would do. 2017 has its costs and dates in `messageInfo`, and nothing of the rest."""

    loanCondition: tuple[str, ...] = ()
    edition: tuple[str, ...] = ()
    itemFormat: tuple[str, ...] = ()
    volume: tuple[str, ...] = ()
    serviceType: str = ""
    serviceLevel: tuple[str, ...] = ()
    deliveryMethod: tuple[str, ...] = ()
    courierName: tuple[str, ...] = ()
    offeredCosts: Costs | None = None
    paymentMethod: tuple[str, ...] = ()
    retryBefore: datetime | None = None
    retryAfter: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DeliveryInfo:
    dateSent: datetime
    itemId: tuple[str, ...] = ()  #: 2017: one
    URL: str | None = None  #: 2021
    deliveryMethod: str | None = None  #: 2017: sentVia
    address: Address | None = None  #: 2021
    sentToPatron: bool | None = None
    loanCondition: tuple[str, ...] = ()  #: 2017: one
    itemFormat: str = ""  #: 2017: deliveredFormat
    serviceType: str = ""  #: 2021
    deliveryCosts: Costs | None = None
    paymentMethod: str = ""  #: 2021


@dataclass(frozen=True, kw_only=True)
class ShippingInfo:
    """2021 only."""

    courierName: str | None = None
    trackingId: tuple[str, ...] = ()
    insurance: str | None = None
    insuranceThirdParty: str | None = None
    thirdPartyName: str = ""
    insuranceCosts: Costs | None = None


@dataclass(frozen=True, kw_only=True)
class ReturnInfo:
    returnAgencyId: AgencyId | None = None
    name: str = ""
    physicalAddress: PhysicalAddress | None = None


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
    """`errorType` is one of five; `errorValue` names the element and what is wrong with it."""

    errorType: str
    errorValue: str = ""


@dataclass(frozen=True, kw_only=True)
class ConfirmationHeader:
    """The message that is confirmed, by what its header said, verbatim; and OK, or ERROR."""

    supplyingAgencyId: AgencyId | None = None
    requestingAgencyId: AgencyId | None = None
    timestamp: datetime
    requestingAgencyRequestId: str = ""
    multipleItemRequestId: str = ""  #: 2017
    timestampReceived: datetime
    messageStatus: str


@dataclass(frozen=True, kw_only=True)
class RequestConfirmation:
    confirmationHeader: ConfirmationHeader
    errorData: tuple[ErrorData, ...] = ()  #: 2017: one


@dataclass(frozen=True, kw_only=True)
class SupplyingAgencyMessageConfirmation:
    confirmationHeader: ConfirmationHeader
    reasonForMessage: str | None = None
    errorData: tuple[ErrorData, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RequestingAgencyMessageConfirmation:
    confirmationHeader: ConfirmationHeader
    action: str | None = None
    errorData: tuple[ErrorData, ...] = ()


WireConfirmation = RequestConfirmation | SupplyingAgencyMessageConfirmation | RequestingAgencyMessageConfirmation


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What is answered to a message, whatever carries it: OK, or ERROR and why."""

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


F = TypeVar("F", bound=Callable[..., Any])


def remembered(function: F) -> F:
    """What is asked about the dataclasses here is answered once for each: they don't change."""
    return cast("F", cache(function))
