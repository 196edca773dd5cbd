"""What a message says, line by line, for a partner that reads plain mail: all that the standard would carry."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from ill_workflow import copies
from ill_workflow.mail.sentences import Words, words_of
from ill_workflow.messages.content import (
    Costs,
    DeliveryInfo,
    Message,
    Request,
    RequestingAgencyMessage,
    RetryInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.marks import strip_marks

Line = tuple[str, str]


def lines_of(message: Message, language: str = "en") -> tuple[Line, ...]:
    """Labels and values in a language, without those that have no value."""
    words = words_of(language)
    return tuple((words.labels[label], value) for label, value in _lines(message, words) if value)


def _lines(message: Message, words: Words) -> Iterator[Line]:
    match message:
        case Request():
            yield from _of_a_request(message, words)
        case SupplyingAgencyMessage():
            yield from _of_a_lender(message, words)
        case RequestingAgencyMessage():
            yield "Note", words.said(strip_marks(message.note))


def _of_a_request(message: Request, words: Words) -> Iterator[Line]:
    info, published, service = message.bibliographicInfo, message.publicationInfo, message.serviceInfo
    yield "Author", info.author
    yield "Article", info.titleOfComponent
    yield "Volume", ", ".join(info.volume)
    yield "Pages", info.pagesRequested
    yield "ISBN", info.isbn
    yield "ISSN", info.issn
    yield "Publisher", published.publisher
    yield "Year", published.publicationDate
    kind = service.serviceType.lower()
    yield "Service", words.values.get(kind, kind)
    yield "Needed by", _day(service.needBeforeDate, words)
    yield "Asked before as", service.requestingAgencyPreviousRequestId or ""
    yield "Note", service.note


def _of_a_lender(message: SupplyingAgencyMessage, words: Words) -> Iterator[Line]:
    info, status = message.messageInfo, message.statusInfo
    if info.reasonForMessage == "StatusRequestResponse":
        yield "Status", words.of_code(status.status)
    yield "Answer", {"Y": words.values["yes"], "N": words.values["no"]}.get(info.answerYesNo or "", "")
    yield "Reason", words.of_code(info.reasonUnfilled or info.reasonRetry or "")
    yield "Due date", _day(status.dueDate, words)
    yield "Expected", _day(status.expectedDeliveryDate, words)
    if message.retryInfo:
        yield from _of_a_retry(message.retryInfo, words)
    if message.deliveryInfo:
        yield from _of_a_delivery(message.deliveryInfo, words)
    if message.shippingInfo:
        yield "Carrier", message.shippingInfo.courierName or ""
        yield "Tracking number", ", ".join(message.shippingInfo.trackingId)
    if message.returnInfo:
        address = message.returnInfo.physicalAddress
        place = (message.returnInfo.name, *(address.lines if address else ()))
        yield "Return to", ", ".join(part.strip() for part in place if part.strip())
    yield "Note", words.said(strip_marks(info.note))


def _of_a_retry(retry: RetryInfo, words: Words) -> Iterator[Line]:
    yield "Conditions", "; ".join(map(words.of_code, retry.loanCondition))
    yield "Costs", _costs(retry.offeredCosts, words)
    yield "Please answer by", _day(retry.retryBefore, words)
    yield "Not before", _day(retry.retryAfter, words)


def _of_a_delivery(delivery: DeliveryInfo, words: Words) -> Iterator[Line]:
    yield "Item" if len(delivery.itemId) == 1 else "Items", ", ".join(delivery.itemId)
    attached = (delivery.URL or "").startswith(copies.SCHEME)
    yield "Link", "" if attached else delivery.URL or ""
    yield "File", words.values["attached"] if attached else ""
    yield "Delivery", words.values["by post"] if delivery.deliveryMethod == "Mail" else ""
    yield "Conditions", "; ".join(map(words.of_code, delivery.loanCondition))
    yield "Costs", _costs(delivery.deliveryCosts, words)


def _costs(costs: Costs | None, words: Words) -> str:
    return words.money(Decimal(costs.monetaryValue), costs.currencyCode) if costs else ""


def _day(at: datetime | None, words: Words) -> str:
    return words.day(at.date()) if at else ""
