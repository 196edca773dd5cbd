"""Writes what a promise of a message says: every word of "On the wire", once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ill_workflow import copies
from ill_workflow.messages.addresses import split
from ill_workflow.messages.content import (
    Address,
    AgencyId,
    BibliographicInfo,
    BillingInfo,
    Costs,
    DeliveryInfo,
    ElectronicAddress,
    Header,
    ItemId,
    Message,
    MessageInfo,
    PublicationInfo,
    Request,
    RequestedDeliveryInfo,
    RequestingAgencyInfo,
    RequestingAgencyMessage,
    RetryInfo,
    ReturnInfo,
    ServiceInfo,
    ShippingInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.marks import (
    ACCEPTS_CONDITION,
    ADDS_CONDITION,
    OURS,
    Piece,
    multiple_items,
    return_to,
    strip_marks,
)
from state_machines.changes import TRAVELLING

#: What a state is called when a partner asks, or is told a due date.
STATUS = {
    "new": "RequestReceived", "being_processed": "ExpectToSupply", "will_supply": "WillSupply",
    "conditional": "WillSupply", "overdue": "Overdue", "lost": "Overdue", "recalled": "Recalled", "shipped": "Loaned",
    "received_by_partner": "Loaned", "renewal_requested": "Loaned", "renewed": "Loaned",
    "returned_by_partner": "Loaned", "damaged": "Loaned", "completed": "LoanCompleted", "delivered": "CopyCompleted",
    "rejected": "Unfilled", "expired": "Unfilled", "retry_offered": "RetryPossible", "cancelled": "Cancelled",
    "closed_without_return": "CompletedWithoutReturn",
}  # fmt: skip

_SENTENCES = {
    "ConditionAccepted": "We accept the condition.",
    "Lost": "The item is lost.",
    "Damaged": "The item is damaged.",
    "Found": "The item was found and is on its way back.",
    "Closed": "This request was closed.",
    "Amended": "The request was changed.",
    "Correction": "Please disregard our last message: it was sent by mistake.",
}

#: The first answer of a lender is a RequestResponse, later ones are a StatusChange.
_FIRST_ANSWERS = frozenset({"new"})
_STATUS_CHANGES = {
    "WillSupply": "WillSupply", "WillSupply with condition": "WillSupply", "ExpectToSupply": "ExpectToSupply",
    "Unfilled": "Unfilled", "RetryPossible": "RetryPossible", "Loaned": "Loaned", "CopyCompleted": "CopyCompleted",
    "Overdue": "Overdue", "Overdue notice": "Overdue", "Recalled": "Recalled", "LoanCompleted": "LoanCompleted",
    "CompletedWithoutReturn": "CompletedWithoutReturn", "Cancelled": "Cancelled", "RequestReceived": "RequestReceived",
}  # fmt: skip
_ACTIONS = ("Received", "ShippedReturn", "Renew", "Cancel", "Lost", "StatusRequest")


@dataclass(frozen=True)
class Saying:
    """What is to be said, with everything that it may need: as it was when it was promised."""

    what: str
    told: Mapping[str, Any]  #: the request's fields
    inputs: Mapping[str, Any]
    charged: Mapping[str, Decimal]  #: by this very step, by currency
    currency: str  #: the partner's
    source: str  #: the state before
    wire_id: str
    follows: str | None
    at: datetime
    zone: ZoneInfo
    our_agency: AgencyId
    partner_agency: AgencyId
    their_id: str | None = None  #: what the lender calls it, verbatim
    return_name: str = ""
    return_address: str = ""
    link_of_copy: Callable[[str], str] | None = None  #: where the partner gets a file; none: it is handed over
    our_email: str = ""
    says_who_asks: bool = False  #: the partner is told with each request who we are, and where it goes
    edition: str = "2021"  #: in which it is written down
    marks: bool = False  #: ReShare's marks are written as well

    def day(self, day: date | None) -> datetime | None:
        """A day on the wire: its end at the library that means it."""
        return datetime.combine(day, time(23, 59), tzinfo=self.zone) if day else None


def borrower_says(saying: Saying) -> Message:
    """What the borrowing half says."""
    first = saying.what in ("Request", "Retry")
    header = _header(
        saying, supplying=saying.partner_agency, requesting=saying.our_agency,
        supplying_id=None if first else saying.their_id,
    )  # fmt: skip
    if first:
        return _request(saying, header)
    if saying.what in _ACTIONS and not (saying.what == "Lost" and saying.edition == "2017"):
        return RequestingAgencyMessage(header=header, action=saying.what, note=_note_of_an_action(saying))
    return RequestingAgencyMessage(header=header, action="Notification", note=_note(saying))


def lender_says(saying: Saying) -> Message:
    """What the lending half says."""
    what, told, inputs = saying.what, saying.told, saying.inputs
    header = _header(
        saying, supplying=saying.our_agency, requesting=saying.partner_agency, supplying_id=told["reference"]
    )
    status, answer, note = STATUS.get(told["state"], "Loaned"), None, _typed(saying, "note")
    if told["state"] == "cancel_requested":
        status = STATUS.get(told["previous_state"] or "new", "RequestReceived")
    due = told["lender_due"]
    if what in _STATUS_CHANGES:
        reason = "RequestResponse" if saying.source in ("", *_FIRST_ANSWERS) else "StatusChange"
        status = _STATUS_CHANGES[what]
    elif what == "DueDate":
        reason = "StatusChange"
        status = status if status in ("Overdue", "Recalled") else "Loaned"
    elif what.startswith(("RenewResponse", "CancelResponse")):
        reason, _, answer = what.partition(" ")
        status = "Cancelled" if what == "CancelResponse Y" else status
        note = _typed(saying, "note", "reason")
    elif what == "StatusRequestResponse":
        reason = what
        if told["state"] == "damaged" and not told["loan_seen"]:
            status = "LoanCompleted"
    else:
        reason, note = "Notification", _note(saying)
    why = str(inputs.get("reason") or told["offered_reason"] or "")
    retry_info = _retry_info(saying, what)
    if status == "RetryPossible" and why == "CostExceedsMaxCost" and not (retry_info and retry_info.offeredCosts):
        # Some systems take it for granted that the code comes with the costs.
        why, note = "", f"CostExceedsMaxCost. {note}".strip()
    if what == "RetryPossible" and inputs.get("new_data"):
        note = f"{note} What would do: {inputs['new_data']}".strip()
    if what == "Overdue notice":
        note = f"This is notice {told['notice_level']}. {note}".strip()
    if saying.marks:
        note = _with_marks(saying, what, note)
    tells_due = status in ("Loaned", "Overdue", "Recalled") and reason != "Notification" and answer != "N"
    return SupplyingAgencyMessage(
        header=header,
        messageInfo=MessageInfo(
            reasonForMessage=reason,
            answerYesNo=answer,
            note=note,
            reasonUnfilled=why or "NotAvailableForILL" if status == "Unfilled" and reason != "Notification" else None,
            reasonRetry=why or None if status == "RetryPossible" and reason != "Notification" else None,
        ),
        statusInfo=StatusInfo(status=status, lastChange=saying.at, dueDate=saying.day(due) if tells_due else None),
        retryInfo=retry_info,
        deliveryInfo=_delivery_info(saying, what, status),
        shippingInfo=ShippingInfo(
            courierName=told["carrier"], trackingId=(told["tracking"],) if told["tracking"] else ()
        )
        if what == "Loaned"
        else None,
        returnInfo=ReturnInfo(
            returnAgencyId=saying.our_agency, name=saying.return_name, physicalAddress=split(saying.return_address)
        )
        if what == "Loaned"
        else None,
    )


def _header(saying: Saying, *, supplying: AgencyId, requesting: AgencyId, supplying_id: str | None = None) -> Header:
    return Header(
        supplyingAgencyId=supplying,
        requestingAgencyId=requesting,
        timestamp=saying.at,
        requestingAgencyRequestId=saying.wire_id,
        supplyingAgencyRequestId=supplying_id,
    )


def _request(saying: Saying, header: Header) -> Request:
    told = saying.told
    return Request(
        header=header,
        bibliographicInfo=BibliographicInfo(
            title=told["title"],
            author=told["author"],
            titleOfComponent=told["article_title"],
            volume=(told["volume"],) if told["volume"] else (),
            pagesRequested=told["pages"],
            bibliographicItemId=tuple(
                ItemId(code=code, value=value)
                for code, value in (("ISBN", told["isbn"]), ("ISSN", told["issn"]))
                if value
            ),
        ),
        publicationInfo=PublicationInfo(publisher=told["publisher"], publicationDate=told["year"]),
        serviceInfo=ServiceInfo(
            requestType="Retry" if saying.what == "Retry" else "New",
            requestingAgencyPreviousRequestId=saying.follows,
            serviceType="Copy" if told["service"] == "copy" else "Loan",
            needBeforeDate=saying.day(told["need_by"]),
            note=told["partner_note"],
        ),
        billingInfo=_what_it_may_cost(saying),
        requestedDeliveryInfo=_where_to(saying),
        requestingAgencyInfo=_who_asks(saying),
    )


def _what_it_may_cost(saying: Saying) -> BillingInfo | None:
    """Who asks again after a cost was named agrees to it."""
    cost = saying.told["cost"]
    if saying.what != "Retry" or cost is None:
        return None
    return BillingInfo(maximumCosts=Costs(currencyCode=saying.currency, monetaryValue=cost))


def _where_to(saying: Saying) -> tuple[RequestedDeliveryInfo, ...]:
    """To our library, never to a patron."""
    place = split(saying.return_address) if saying.says_who_asks else None
    if place is None or saying.told["service"] == "copy":
        return ()
    return (RequestedDeliveryInfo(sortOrder=1, address=Address(physicalAddress=place)),)


def _who_asks(saying: Saying) -> RequestingAgencyInfo | None:
    if not saying.says_who_asks:
        return None
    place = split(saying.return_address)
    mail = ElectronicAddress(electronicAddressType="Email", electronicAddressData=saying.our_email)
    addresses = (Address(physicalAddress=place) if place else None, Address(electronicAddress=mail))
    reached = tuple(one for one in addresses if one and (one.physicalAddress or saying.our_email))
    return RequestingAgencyInfo(name=saying.return_name, address=reached)


def _typed(saying: Saying, *names: str) -> str:
    """The first of these inputs that says something. What people type is no mark."""
    return next(filter(None, (strip_marks(str(saying.inputs.get(name) or "")) for name in names)), "")


def _note_of_an_action(saying: Saying) -> str:
    note = _typed(saying, "note", "reason")
    if wished := saying.inputs.get("wished_date"):
        note = f"We would like to keep it until {wished.isoformat()}. {note}".strip()
    return note


def _with_marks(saying: Saying, what: str, note: str) -> str:
    """What ReShare reads in notes, besides where the standard has it."""
    if what == "WillSupply with condition":
        return f"{ADDS_CONDITION} {note}".strip()
    if what == "Loaned":
        told = saying.told
        pieces = [Piece(code, told["call_number"] or "", told["title"]) for code in _item_ids(saying)]
        address = return_to((saying.return_name, *saying.return_address.splitlines()))
        return "\n".join(part for part in (note, multiple_items(pieces), address) if part)
    return note


def _note(saying: Saying) -> str:
    """A sentence for people, and our mark where there is one."""
    theirs = ACCEPTS_CONDITION if saying.marks and saying.what == "ConditionAccepted" else ""
    words = [OURS.get(saying.what, ""), theirs, _SENTENCES.get(saying.what, ""), _typed(saying, "note")]
    if changes := saying.inputs.get("changes"):
        told = [f"{name}: {value}" for name, value in changes.items() if name in TRAVELLING]
        words.append(strip_marks("; ".join(told)))
    if severity := saying.inputs.get("severity"):
        words.append(f"Damage: {severity}.")
    return " ".join(word for word in words if word)


def _retry_info(saying: Saying, what: str) -> RetryInfo | None:
    if what in ("Lost", "Damaged"):
        owed = next(((c, a) for c, a in saying.charged.items() if a > 0), None)
        return RetryInfo(offeredCosts=Costs(currencyCode=owed[0], monetaryValue=owed[1])) if owed else None
    if what == "StatusRequestResponse" and saying.told["state"] == "retry_offered":
        cost = _offer(saying, saying.told["cost"])
        return RetryInfo(offeredCosts=cost) if cost else None
    if what == "StatusRequestResponse":
        return _standing_condition(saying)
    if what not in ("WillSupply with condition", "RetryPossible"):
        return None
    cost = saying.inputs.get("cost")
    condition = saying.inputs.get("condition")
    return RetryInfo(
        offeredCosts=_offer(saying, cost),
        loanCondition=(str(condition),) if condition else (),
        retryBefore=saying.day(saying.inputs.get("reply_by")),
        retryAfter=saying.day(saying.inputs.get("not_before")),
    )


def _standing_condition(saying: Saying) -> RetryInfo | None:
    """The condition that waits for an answer is part of the status: a plain WillSupply would say that none is left."""
    told = saying.told
    if "conditional" not in (told["state"], told["state"] == "cancel_requested" and told["previous_state"]):
        return None
    return RetryInfo(
        offeredCosts=_offer(saying, told["cost"]),
        loanCondition=tuple(told["conditions"] or ()),
        retryBefore=saying.day(told["reply_by"]),
    )


def _offer(saying: Saying, cost: Decimal | None) -> Costs | None:
    return Costs(currencyCode=saying.currency, monetaryValue=cost) if cost is not None else None


def _delivery_info(saying: Saying, what: str, status: str) -> DeliveryInfo | None:
    if what not in ("Loaned", "CopyCompleted"):
        return None
    told = saying.told
    kept = saying.inputs.get("file")
    return DeliveryInfo(
        dateSent=saying.at,
        itemId=_item_ids(saying),
        URL=saying.inputs.get("link") or (_file(saying, kept) if kept else None),
        deliveryMethod="Mail" if saying.inputs.get("on_paper") else None,
        loanCondition=tuple(told["conditions"] or ()),
    )


def _file(saying: Saying, kept: str) -> str:
    return saying.link_of_copy(kept) if saying.link_of_copy else f"{copies.SCHEME}{kept}"


def _item_ids(saying: Saying) -> tuple[str, ...]:
    """The barcodes under which it travels, the one on its slip first."""
    first = [saying.told["item_barcode"]] if saying.told["item_barcode"] else []
    return tuple(dict.fromkeys([*first, *(saying.inputs.get("pieces") or ())]))
