"""The two editions of ISO 18626 that are spoken: what each calls its elements, and which words its lists have."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ill_workflow.messages import content as said
from ill_workflow.messages.content import remembered

NAMESPACE = "http://illtransactions.org/2013/iso18626"


class Edition(StrEnum):
    """2017 is version 1.2 of the schema, which nearly everybody speaks; 2021 is its version 2021-2."""

    Y2017 = "2017"
    Y2021 = "2021"


Y2017, Y2021 = Edition.Y2017, Edition.Y2021

#: What the `version` attribute of a message says.
VERSIONS: Mapping[Edition, str] = {Y2017: "1.2", Y2021: "2021-2"}

#: The six messages, by the name of their element.
MESSAGES: Mapping[str, type[Any]] = {
    "request": said.Request,
    "requestConfirmation": said.RequestConfirmation,
    "supplyingAgencyMessage": said.SupplyingAgencyMessage,
    "supplyingAgencyMessageConfirmation": said.SupplyingAgencyMessageConfirmation,
    "requestingAgencyMessage": said.RequestingAgencyMessage,
    "requestingAgencyMessageConfirmation": said.RequestingAgencyMessageConfirmation,
}

_ACTIONS = ("StatusRequest", "Received", "Cancel", "Renew", "ShippedReturn", "ShippedForward", "Notification")
_STATUSES = (
    "RequestReceived", "ExpectToSupply", "WillSupply", "Loaned", "Overdue", "Recalled", "RetryPossible", "Unfilled",
    "CopyCompleted", "LoanCompleted", "CompletedWithoutReturn", "Cancelled",
)  # fmt: skip

#: The lists to which nobody may add: by the element that takes its words from them.
CLOSED: Mapping[Edition, Mapping[str, tuple[str, ...]]] = {
    Y2017: {
        "action": _ACTIONS,
        "status": _STATUSES,
        "reasonForMessage": (
            "RequestResponse", "StatusRequestResponse", "RenewResponse", "CancelResponse", "StatusChange",
            "Notification",
        ),
        "requestType": ("New", "Retry", "Reminder"),
        "requestSubType": (
            "BookingRequest", "MultipleItemRequest", "PatronRequest", "TransferRequest", "SupplyingLibrarysChoice",
        ),
        "serviceType": ("Copy", "Loan", "CopyOrLoan"),
        "messageStatus": ("OK", "ERROR"),
        "errorType": (
            "UnsupportedActionType", "UnsupportedReasonForMessageType", "UnrecognisedDataElement",
            "UnrecognisedDataValue", "BadlyFormedMessage",
        ),
    },
}  # fmt: skip
CLOSED = {
    **CLOSED,
    Y2021: {
        **CLOSED[Y2017],
        "action": (*_ACTIONS, "HoldReturn", "Lost"),
        "status": (*_STATUSES, "HoldReturn", "ReleaseHoldReturn"),
        "preferredEdition": ("MostRecentEdition", "ThisEdition", "AnyEdition"),
    },
}

#: Elements that say Y or N.
YES_NO = frozenset({"answerYesNo", "anyEdition", "sendToPatron", "insurance", "insuranceThirdParty"})

#: What is given back just as it came, blanks and all.
VERBATIM = frozenset({
    "agencyIdValue", "requestingAgencyRequestId", "supplyingAgencyRequestId", "multipleItemRequestId",
    "requestingAgencyPreviousRequestId", "accountId", "securityCode",
})  # fmt: skip

#: Elements whose name is another one than the field's, in both editions.
_NAMES: Mapping[type[Any], Mapping[str, str]] = {
    said.ItemId: {"code": "bibliographicItemIdentifierCode", "value": "bibliographicItemIdentifier"},
    said.RecordId: {"code": "bibliographicRecordIdentifierCode", "value": "bibliographicRecordIdentifier"},
}
#: And those that the edition of 2021 has renamed, by what they were called before.
_FORMERLY: Mapping[type[Any], Mapping[str, str]] = {
    said.ServiceInfo: {"itemFormat": "preferredFormat"},
    said.DeliveryInfo: {"deliveryMethod": "sentVia", "itemFormat": "deliveredFormat"},
}
#: Fields for which the edition of 2017 has no element.
_NEW: Mapping[type[Any], frozenset[str]] = {
    said.Header: frozenset({"consortialId"}),
    said.BibliographicInfo: frozenset({"authorId"}),
    said.PublicationInfo: frozenset({"publisherId"}),
    said.ServiceInfo: frozenset({"preferredEdition", "loanCondition"}),
    said.RequestedDeliveryInfo: frozenset({"deliveryMethod", "courierName"}),
    said.DeliveryInfo: frozenset({"URL", "address", "serviceType", "paymentMethod"}),
    said.SupplyingAgencyMessage: frozenset({"retryInfo", "shippingInfo"}),
}
#: What the edition of 2021 has taken out of the header of a message of that kind.
_GONE: Mapping[type[Any], frozenset[str]] = {
    said.Request: frozenset({"supplyingAgencyRequestId"}),
    said.SupplyingAgencyMessage: frozenset({"consortialId", "multipleItemRequestId", "requestingAgencyAuthentication"}),
    said.RequestingAgencyMessage: frozenset({"multipleItemRequestId"}),
}
#: Costs and dates of a retry stood in `messageInfo` before they had a place of their own.
MOVED = ("offeredCosts", "retryAfter", "retryBefore")


@remembered
def element_of(kind: type[Any], field: str, edition: Edition) -> str:
    """What an edition calls the element of a field."""
    formerly = _FORMERLY.get(kind, {}) if edition is Y2017 else {}
    return formerly.get(field) or _NAMES.get(kind, {}).get(field) or field


@remembered
def lacks(kind: type[Any], field: str, edition: Edition, message: type[Any]) -> bool:
    """Whether an edition has no element for a field, in a message of that kind."""
    if edition is Y2017:
        return field in _NEW.get(kind, ())
    if kind is said.Header:
        return field in _GONE.get(message, ())
    return kind is said.ConfirmationHeader and field == "multipleItemRequestId"
