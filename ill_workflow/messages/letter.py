"""What a message says, line by line, for a partner that reads plain mail: all that the standard would carry."""

from collections.abc import Iterator
from datetime import datetime

from ill_workflow import copies
from ill_workflow.mail.sentences import in_words
from ill_workflow.messages.content import (
    Costs,
    DeliveryInfo,
    Message,
    Request,
    RequestingAgencyMessage,
    RetryInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.hearing import strip_marks

Line = tuple[str, str]


def lines_of(message: Message) -> tuple[Line, ...]:
    """Labels and values, without those that have no value."""
    return tuple((label, value) for label, value in _lines(message) if value)


def _lines(message: Message) -> Iterator[Line]:
    match message:
        case Request():
            yield from _of_a_request(message)
        case SupplyingAgencyMessage():
            yield from _of_a_lender(message)
        case RequestingAgencyMessage():
            yield "Note", strip_marks(message.note)


def _of_a_request(message: Request) -> Iterator[Line]:
    info, published, service = message.bibliographicInfo, message.publicationInfo, message.serviceInfo
    yield "Author", info.author
    yield "Article", info.titleOfComponent
    yield "Volume", info.volume
    yield "Pages", info.pagesRequested
    yield "ISBN", info.isbn
    yield "ISSN", info.issn
    yield "Publisher", published.publisher
    yield "Year", published.publicationDate
    yield "Service", service.serviceType.lower()
    yield "Needed by", _day(service.needBeforeDate)
    yield "Asked before as", service.requestingAgencyPreviousRequestId or ""
    yield "Note", service.note


def _of_a_lender(message: SupplyingAgencyMessage) -> Iterator[Line]:
    info, status = message.messageInfo, message.statusInfo
    if info.reasonForMessage == "StatusRequestResponse":
        yield "Status", in_words(status.status)
    yield "Answer", {"Y": "yes", "N": "no"}.get(info.answerYesNo or "", "")
    yield "Reason", in_words(info.reasonUnfilled or info.reasonRetry or "")
    yield "Due date", _day(status.dueDate)
    yield "Expected", _day(status.expectedDeliveryDate)
    if message.retryInfo:
        yield from _of_a_retry(message.retryInfo)
    if message.deliveryInfo:
        yield from _of_a_delivery(message.deliveryInfo)
    if message.shippingInfo:
        yield "Carrier", message.shippingInfo.courierName or ""
        yield "Tracking number", message.shippingInfo.trackingId or ""
    if message.returnInfo:
        place = (message.returnInfo.name, *message.returnInfo.physicalAddress.splitlines())
        yield "Return to", ", ".join(part.strip() for part in place if part.strip())
    yield "Note", strip_marks(info.note)


def _of_a_retry(retry: RetryInfo) -> Iterator[Line]:
    yield "Conditions", "; ".join(map(in_words, retry.loanCondition))
    yield "Costs", _costs(retry.offeredCosts)
    yield "Please answer by", _day(retry.retryBefore)
    yield "Not before", _day(retry.retryAfter)


def _of_a_delivery(delivery: DeliveryInfo) -> Iterator[Line]:
    yield "Item" if len(delivery.itemId) == 1 else "Items", ", ".join(delivery.itemId)
    attached = (delivery.URL or "").startswith(copies.SCHEME)
    yield "Link", "" if attached else delivery.URL or ""
    yield "File", "attached" if attached else ""
    yield "Delivery", "by post" if delivery.deliveryMethod == "Mail" else ""
    yield "Conditions", "; ".join(map(in_words, delivery.loanCondition))
    yield "Costs", _costs(delivery.deliveryCosts)


def _costs(costs: Costs | None) -> str:
    return f"{costs.monetaryValue:.2f} {costs.currencyCode}" if costs else ""


def _day(at: datetime | None) -> str:
    return f"{at.day} {at:%B %Y}" if at else ""
