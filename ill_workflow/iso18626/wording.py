"""A message as an edition can say it: what it has no element for goes into the note in words, or is left out."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import CLOSED, VERBATIM, YES_NO, Edition, lacks
from ill_workflow.iso18626.shapes import Part, parts_of
from ill_workflow.iso18626.values import (
    FIRST_YEAR,
    LAST_YEAR,
    NEVER,
    as_decimal,
    as_time,
    as_yes_no,
    decimal_as_text,
    time_as_text,
)
from ill_workflow.messages import content as said
from ill_workflow.messages.marks import as_list

M = TypeVar("M", bound="said.Message | said.WireConfirmation")

#: Characters that XML can't hold.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_SUB_TYPES = 3
#: What says nothing without this part of it.
_VITAL: dict[type[Any], str] = {
    said.AgencyId: "agencyIdValue", said.ItemId: "value", said.RecordId: "value",
    said.ElectronicAddress: "electronicAddressData",
}  # fmt: skip


def as_written(message: M, edition: Edition) -> M:
    """The message that stands on the wire. Raises BadInput for a word that is in no list of the standard."""
    words = _Words(type(message), edition)
    cleaned: Any = words.cleaned(message)
    if edition is Edition.Y2017:
        cleaned = _in_2017(cleaned, words.remarks)
    elif isinstance(cleaned, said.SupplyingAgencyMessage):
        cleaned = _with_a_status(cleaned)
    cleaned = _with_note(cleaned, words.remarks)
    return words.checked(words.cleaned(cleaned))  # type: ignore[no-any-return]


class _Words:
    """Goes through all parts of a message."""

    def __init__(self, message: type[Any], edition: Edition) -> None:
        self._message, self._edition = message, edition
        self.remarks: list[str] = []

    def cleaned(self, whole: Any) -> Any:
        """Without characters that XML can't hold, and without parts that say nothing."""
        kind = type(whole)
        values = {part.name: self._part(part, getattr(whole, part.name), kind) for part in parts_of(kind)}
        vital = _VITAL.get(kind)
        if vital is not None and not values[vital]:
            return None
        return kind(**values)

    def checked(self, whole: Any) -> Any:
        """Without parts that the edition lacks in such a message. Raises BadInput for a word that it lacks."""
        kind, values = type(whole), {}
        for part in parts_of(kind):
            value = getattr(whole, part.name)
            # What 2017 can say of a retry stands in its messageInfo.
            if lacks(kind, part.name, self._edition, self._message) and part.name != "retryInfo":
                value = () if part.many else part.nothing
            elif part.holds_parts:
                value = tuple(map(self.checked, value)) if part.many else value and self.checked(value)
            elif part.name in CLOSED[Edition.Y2021]:
                for word in value if part.many else (value,):
                    self._check(part, word)
            values[part.name] = value
        return kind(**values)

    def _check(self, part: Part, word: str | None) -> None:
        known = CLOSED[self._edition][part.name]
        if word not in known and (word or part.needed):
            raise BadInput(
                f"{part.name} can't be {str(word)[:60]!r} in the edition of {self._edition}."
                f" Possible: {', '.join(known)}.",
                field=part.name,
            )

    def _part(self, part: Part, value: Any, kind: type[Any]) -> Any:
        if part.many:
            many = [self._one(part, one) for one in self._apart(part, value)]
            return tuple(one for one in many if one not in (None, ""))
        if value is None:
            return None
        one = self._one(part, self._single(kind, value))
        if one not in (None, "") or not part.needed:
            return part.nothing if one in (None, "") and type(one) is not bool else one
        return self._needed(part, value)

    def _needed(self, part: Part, value: Any) -> Any:
        """There has to be something, though nothing is in it."""
        if part.kind is said.AgencyId:
            return said.AgencyId(agencyIdType=self._text(part, value.agencyIdType).strip(), agencyIdValue="")
        return NEVER if part.kind is datetime else "" if part.kind is str else value

    def _one(self, part: Part, value: Any) -> Any:
        if part.holds_parts:
            inner = self.cleaned(value)
            says_something = part.needed or inner is None or part.name == "serviceInfo" or not _is_empty(inner)
            return inner if says_something else None
        if part.kind is datetime:
            return _time(value)
        if part.kind is Decimal:
            written = decimal_as_text(value)
            if written is None:
                raise BadInput(f"{part.name} can't be {str(value)[:60]}.", field=part.name)
            return as_decimal(written)
        if part.kind is bool:
            return bool(value)
        if part.kind is int:
            fits = abs(value) < 10**18 and (value >= 0 or self._edition is Edition.Y2017)
            return int(value) if fits else None
        return self._text(part, value)

    def _text(self, part: Part, value: str) -> str:
        text = _IMPOSSIBLE.sub("", value)
        if part.name in YES_NO and text.strip():
            answer = as_yes_no(text)
            if answer is None:
                raise BadInput(f"{part.name} is Y or N, and not {text[:60]!r}.", field=part.name)
            return answer
        return text if part.name in VERBATIM and text.strip() else text.strip()

    def _apart(self, part: Part, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Two addresses in one are two."""
        if part.kind is not said.Address:
            return values
        return tuple(
            one
            for both in values
            for one in (replace(both, electronicAddress=None), replace(both, physicalAddress=None))
        )

    def _single(self, kind: type[Any], value: Any) -> Any:
        if isinstance(value, said.Address) and value.physicalAddress and value.electronicAddress:
            if not _is_empty(self.cleaned(value.physicalAddress)):
                self._remark_address(kind, value.electronicAddress)
                return replace(value, electronicAddress=None)
            return replace(value, physicalAddress=None)
        return value

    def _remark_address(self, kind: type[Any], address: said.ElectronicAddress) -> None:
        told = f"{address.electronicAddressType} {address.electronicAddressData}".strip()
        whose = {said.BillingInfo: "Bill to", said.RequestedDeliveryInfo: "Deliver to"}.get(kind, "Delivered to")
        if address.electronicAddressData.strip():
            self.remarks.append(f"{whose}: {told}")


def _is_empty(whole: Any) -> bool:
    return all(getattr(whole, part.name) in (None, "", ()) for part in parts_of(type(whole)))


def _time(at: datetime) -> datetime | None:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    return as_time(time_as_text(at))


def _with_note(message: Any, remarks: list[str]) -> Any:
    said_before = dict.fromkeys(remarks)
    if not said_before:
        return message
    match message:
        case said.Request():
            service = message.serviceInfo
            return replace(message, serviceInfo=replace(service, note=_joined(service.note, said_before)))
        case said.SupplyingAgencyMessage():
            info = message.messageInfo
            return replace(message, messageInfo=replace(info, note=_joined(info.note, said_before)))
        case said.RequestingAgencyMessage():
            return replace(message, note=_joined(message.note, said_before))
    return message


def _joined(note: str, remarks: dict[str, None]) -> str:
    return "\n".join([*([note] if note else []), *remarks])


def _with_a_status(message: said.SupplyingAgencyMessage) -> said.SupplyingAgencyMessage:
    """A Notification may have none, but the schema wants one: the one that other systems write there."""
    if message.statusInfo.status or message.messageInfo.reasonForMessage != "Notification":
        return message
    return replace(message, statusInfo=replace(message.statusInfo, status="RequestReceived"))


def _in_2017(message: Any, remarks: list[str]) -> Any:
    match message:
        case said.Request():
            return _request(message, remarks)
        case said.SupplyingAgencyMessage():
            return _answer(_with_a_status(message), remarks)
        case said.RequestingAgencyMessage() if message.action == "Lost":
            if "#ill:lost#" not in message.note.casefold():
                remarks.insert(0, "#ill:lost# The item is lost.")
            return replace(message, action="Notification")
        case said.RequestingAgencyMessage() if message.action == "HoldReturn":
            remarks.insert(0, "HoldReturn: the item is kept for now.")
            return replace(message, action="Notification")
        case said.RequestingAgencyMessageConfirmation() if message.action in ("Lost", "HoldReturn"):
            message = replace(message, action=None)
    if isinstance(message, said.RequestingAgencyMessage):
        return message
    return replace(message, errorData=_one_error(message.errorData))


def _request(message: said.Request, remarks: list[str]) -> said.Request:
    info, service = message.bibliographicInfo, message.serviceInfo
    edition = {"AnyEdition": "Y", "ThisEdition": "N"}.get(service.preferredEdition)
    if service.preferredEdition and (edition is None or service.anyEdition not in (None, edition)):
        remarks.append(f"Preferred edition: {service.preferredEdition}")
    _remark(remarks, "Loan conditions", service.loanCondition)
    _remark(remarks, "Kind of request", service.requestSubType[_MOST_SUB_TYPES:])
    for delivery in message.requestedDeliveryInfo:
        _remark(remarks, "Delivery", (delivery.deliveryMethod, delivery.courierName))
    return replace(
        message,
        bibliographicInfo=replace(info, volume=_one(", ".join(info.volume))),
        serviceInfo=replace(
            service, anyEdition=service.anyEdition or edition, preferredEdition="", loanCondition=(),
            requestSubType=service.requestSubType[:_MOST_SUB_TYPES],
        ),
        requestedDeliveryInfo=tuple(
            replace(one, deliveryMethod="", courierName="") for one in message.requestedDeliveryInfo
        ),
    )  # fmt: skip


def _answer(message: said.SupplyingAgencyMessage, remarks: list[str]) -> said.SupplyingAgencyMessage:
    status = message.statusInfo.status
    if status in ("HoldReturn", "ReleaseHoldReturn"):
        remarks.append(f"Status: {status}")
        message = replace(
            message,
            messageInfo=replace(message.messageInfo, reasonForMessage="Notification"),
            statusInfo=replace(message.statusInfo, status="Loaned"),
        )
    if message.retryInfo is not None:
        message = _without_retry(message, message.retryInfo, remarks)
    if message.deliveryInfo is not None:
        message = replace(message, deliveryInfo=_delivery(message.deliveryInfo, remarks))
    if message.shippingInfo is not None:
        _tell_shipping(message.shippingInfo, remarks)
    return replace(message, shippingInfo=None)


def _without_retry(
    message: said.SupplyingAgencyMessage, retry: said.RetryInfo, remarks: list[str]
) -> said.SupplyingAgencyMessage:
    """Costs and dates have a place elsewhere; so has a condition, beside what is delivered."""
    delivery = message.deliveryInfo
    if retry.loanCondition:
        delivery = delivery or said.DeliveryInfo(dateSent=message.statusInfo.lastChange)
        both = tuple(dict.fromkeys((*delivery.loanCondition, *retry.loanCondition)))
        delivery = replace(delivery, loanCondition=both)
    _remark(remarks, "Possible editions", retry.edition)
    _remark(remarks, "Possible formats", retry.itemFormat)
    _remark(remarks, "Possible volumes", retry.volume)
    _remark(remarks, "Possible service", (retry.serviceType, *retry.serviceLevel))
    _remark(remarks, "Possible delivery", (*retry.deliveryMethod, *retry.courierName))
    _remark(remarks, "Possible payment", retry.paymentMethod)
    kept = said.RetryInfo(offeredCosts=retry.offeredCosts, retryBefore=retry.retryBefore, retryAfter=retry.retryAfter)
    return replace(message, deliveryInfo=delivery, retryInfo=None if _is_empty(kept) else kept)


def _delivery(delivery: said.DeliveryInfo, remarks: list[str]) -> said.DeliveryInfo:
    if len(delivery.itemId) > 1:
        remarks.append(as_list("items", delivery.itemId))
    if len(delivery.loanCondition) > 1:
        remarks.append(as_list("conditions", delivery.loanCondition))
    _remark(remarks, "URL", (delivery.URL,))
    if delivery.address is not None:
        physical, electronic = delivery.address.physicalAddress, delivery.address.electronicAddress
        lines = physical.lines if physical else ()
        told = (electronic.electronicAddressType, electronic.electronicAddressData) if electronic else ()
        _remark(remarks, "Delivered to", (*lines, " ".join(told).strip()))
    _remark(remarks, "Service", (delivery.serviceType,))
    _remark(remarks, "Payment", (delivery.paymentMethod,))
    return replace(
        delivery, itemId=delivery.itemId[:1], loanCondition=delivery.loanCondition[:1], URL=None, address=None,
        serviceType="", paymentMethod="",
    )  # fmt: skip


def _tell_shipping(shipping: said.ShippingInfo, remarks: list[str]) -> None:
    _remark(remarks, "Shipped with", (shipping.courierName,))
    _remark(remarks, "Tracking", shipping.trackingId)
    insured = {"Y": "yes", "N": "no"}.get(shipping.insurance or "", "")
    other = {"Y": "by a third party", "N": ""}.get(shipping.insuranceThirdParty or "", "")
    costs = shipping.insuranceCosts
    told = f"{costs.monetaryValue} {costs.currencyCode}".strip() if costs else ""
    _remark(remarks, "Insured", (insured, other, shipping.thirdPartyName, told))


def _one_error(errors: tuple[said.ErrorData, ...]) -> tuple[said.ErrorData, ...]:
    """The first; the others are told in its words."""
    if len(errors) < 2:
        return errors
    first, *others = errors
    told = [first.errorValue, *(f"{other.errorType}: {other.errorValue}" for other in others)]
    return (replace(first, errorValue="; ".join(part for part in told if part)),)


def _remark(remarks: list[str], label: str, values: tuple[str | None, ...]) -> None:
    told = [value for value in values if value]
    if told:
        remarks.append(f"{label}: {', '.join(told)}")


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
