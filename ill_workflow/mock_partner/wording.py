"""Writes what a step says as a message of the standard."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from ill_workflow.messages.content import (
    AgencyId,
    Authentication,
    Costs,
    DeliveryInfo,
    Header,
    Message,
    MessageInfo,
    PhysicalAddress,
    Request,
    RequestingAgencyMessage,
    RetryInfo,
    ReturnInfo,
    ServiceInfo,
    ShippingInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.mock_partner.conversation import SENT, Conversation
from ill_workflow.mock_partner.script import STATUSES, SUPPLIER, Step

#: Where the mock's items go back to.
ADDRESS = PhysicalAddress(line1="1 Mock Lane", locality="Testville", postalCode="00001", country="US")
_LOST = "#ill:lost# The item is lost."


def message_of(
    step: Step, conversation: Conversation, *, now: datetime, edition: str, shown: Authentication | None
) -> Message:
    """What the step says now. The conversation remembers it."""
    header = _header(step, conversation, now, shown)
    if conversation.scenario.role == SUPPLIER:
        return _supplier_says(step, conversation, header, now)
    if step.say in ("Request", "Retry", "Reminder"):
        return _request(step, conversation, header)
    if step.say == "Lost" and edition == "2017":
        return RequestingAgencyMessage(header=header, action="Notification", note=f"{_LOST} {step.note}".strip())
    return RequestingAgencyMessage(header=header, action=step.say, note=step.note)


def _header(step: Step, conversation: Conversation, now: datetime, shown: Authentication | None) -> Header:
    # Two messages at the same instant could not be told from a message that was sent twice.
    if conversation.last_said is not None and now <= conversation.last_said:
        now = conversation.last_said + timedelta(milliseconds=1)
    conversation.last_said = now
    supplies = conversation.scenario.role == SUPPLIER
    us = replace(conversation.us, agencyIdValue=step.supplier) if step.supplier else conversation.us
    return Header(
        supplyingAgencyId=us if supplies else conversation.them,
        requestingAgencyId=conversation.them if supplies else us,
        timestamp=now,
        requestingAgencyRequestId=conversation.wire_id,
        supplyingAgencyRequestId=conversation.our_id,
        requestingAgencyAuthentication=shown,
    )


def _supplier_says(step: Step, conversation: Conversation, header: Header, now: datetime) -> SupplyingAgencyMessage:
    word, _, answer = step.say.partition(" ")
    status = conversation.status
    if word in STATUSES:
        reason = "StatusChange" if conversation.has_answered else "RequestResponse"
        status = conversation.status = word
        conversation.has_answered = True
        conversation.has_sent = conversation.has_sent or word in SENT
    else:
        reason = word
    if word == "CancelResponse":
        answer = answer or ("N" if status in SENT else "Y")
        status = "Cancelled" if answer == "Y" else status
        conversation.status = status
        conversation.has_sent = conversation.has_sent or step.status == "Loaned"
    if step.due is not None:
        conversation.due_at = _in_days(now, step.due)
    tells_due = conversation.due_at if word == "StatusRequestResponse" and status in SENT else None
    return SupplyingAgencyMessage(
        header=header,
        messageInfo=MessageInfo(
            reasonForMessage=step.reason or reason,
            answerYesNo=answer or None,
            note=step.note,
            reasonUnfilled=step.unfilled or None,
            reasonRetry=step.retry or None,
        ),
        statusInfo=StatusInfo(
            status=status if step.status is None else step.status,
            expectedDeliveryDate=_in_days(now, step.expected),
            dueDate=_in_days(now, step.due) or tells_due,
            lastChange=header.timestamp,
        ),
        retryInfo=_retry_info(step, now),
        deliveryInfo=_delivery_info(step, header.timestamp) if word in ("Loaned", "CopyCompleted") else None,
        shippingInfo=_shipping_info(step),
        returnInfo=_return_info(header.supplyingAgencyId) if word == "Loaned" else None,
    )


def _retry_info(step: Step, now: datetime) -> RetryInfo | None:
    if not (step.cost or step.condition or step.edition or step.reply_by is not None or step.not_before is not None):
        return None
    return RetryInfo(
        loanCondition=step.condition,
        edition=step.edition,
        offeredCosts=_costs(step.cost),
        retryBefore=_in_days(now, step.reply_by),
        retryAfter=_in_days(now, step.not_before),
    )


def _delivery_info(step: Step, now: datetime) -> DeliveryInfo:
    return DeliveryInfo(
        dateSent=now, itemId=step.item, URL=step.link or None, deliveryMethod="Mail" if step.by_post else None
    )


def _shipping_info(step: Step) -> ShippingInfo | None:
    if not (step.courier or step.tracking):
        return None
    return ShippingInfo(courierName=step.courier or None, trackingId=(step.tracking,) if step.tracking else ())


def _return_info(agency: AgencyId) -> ReturnInfo:
    return ReturnInfo(returnAgencyId=agency, name=agency.agencyIdValue, physicalAddress=ADDRESS)


def _request(step: Step, conversation: Conversation, header: Header) -> Request:
    before = None
    if step.say == "Retry":
        before = conversation.wire_id
        conversation.earlier_ids.append(before)
        conversation.wire_id = f"{conversation.earlier_ids[0]}-{len(conversation.earlier_ids) + 1}"
        header = replace(header, requestingAgencyRequestId=conversation.wire_id)
    return Request(
        header=header,
        bibliographicInfo=conversation.about,
        serviceInfo=ServiceInfo(
            requestType="New" if step.say == "Request" else step.say,
            requestingAgencyPreviousRequestId=before,
            serviceType=conversation.scenario.service,
            note=step.note,
        ),
    )


def _costs(written: str) -> Costs | None:
    if not written:
        return None
    amount, currency = written.split()
    return Costs(currencyCode=currency, monetaryValue=Decimal(amount))


def _in_days(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else (now + timedelta(days=days)).replace(hour=23, minute=59, second=0, microsecond=0)
