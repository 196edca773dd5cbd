"""What a message says, in the words by which the tables hear it, with the values that a row may ask for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ill_workflow import copies
from ill_workflow.messages.content import Costs, RequestingAgencyMessage, SupplyingAgencyMessage

#: Marks in notes, ours and ReShare's, and the word for each.
MARKS = {
    "#ill:conditionaccepted#": "conditionAccepted",
    "#reshareloanconditionagreeresponse#": "conditionAccepted",
    "#ill:lost#": "lost",
    "#ill:damaged#": "damaged",
    "#ill:found#": "",
    "#ill:closed#": "",
}
#: Statuses that say that something was sent.
SENT = frozenset({"Loaned", "Overdue", "Recalled", "CopyCompleted"})

_MARK = re.compile(r"#[A-Za-z]+:?[A-Za-z-]*(:\w+)?#")


@dataclass(frozen=True)
class Heard:
    """The words, the first that a row hears counts; and the values that came along, by the names of inputs."""

    words: tuple[str, ...]
    values: Mapping[str, Any]
    item_was_sent: bool = False
    asks_status: bool = False


def hear_lender(message: SupplyingAgencyMessage, zone: ZoneInfo) -> Heard:
    """What a lender says to the borrowing half. `zone` is the borrower's, in which its days are read."""
    info, status = message.messageInfo, message.statusInfo.status
    delivery, retry = message.deliveryInfo, message.retryInfo
    costs = (retry.offeredCosts if retry else None) or (delivery.deliveryCosts if delivery else None)
    conditions = [*(retry.loanCondition if retry else ()), *(delivery.loanCondition if delivery else ())]
    url = (delivery.URL if delivery else None) or ""
    values: dict[str, Any] = {
        "note": strip_marks(info.note),
        "reason": info.reasonUnfilled or info.reasonRetry or strip_marks(info.note),
        "status": status,
        "due_date": _day(message.statusInfo.dueDate, zone),
        "return_by": _day(message.statusInfo.dueDate, zone),
        "expected_date": _day(message.statusInfo.expectedDeliveryDate, zone),
        "conditions": conditions,
        "reply_by": _day(retry.retryBefore if retry else None, zone),
        "not_before": _day(retry.retryAfter if retry else None, zone),
        "new_data": strip_marks(info.note),
        "link": url if not url.startswith(copies.SCHEME) else None,
        "file": url.removeprefix(copies.SCHEME) if url.startswith(copies.SCHEME) else None,
        "on_paper": bool(delivery and delivery.deliveryMethod == "Mail" and not delivery.URL),
        "item_barcode": delivery.itemId[0] if delivery and delivery.itemId else None,
        "pieces": list(delivery.itemId) if delivery and len(delivery.itemId) > 1 else None,
        "carrier": message.shippingInfo.courierName if message.shippingInfo else None,
        "tracking": ", ".join(message.shippingInfo.trackingId) if message.shippingInfo else None,
        **_costs(costs),
    }
    words = _words(info.reasonForMessage, info.answerYesNo, status, info.note, bool(conditions or costs))
    if "Notification damaged" in words:
        values["kind"], values["status"] = "damage", "Damaged"
    elif "Notification lost" in words:
        values["kind"], values["status"] = "replacement", "Lost"
    elif costs is not None:
        values["kind"] = "supply"
    sent = words[0] in SENT or words == ("CancelResponse N", "Loaned")
    return Heard(words, {k: v for k, v in values.items() if v not in (None, "", [], False)}, item_was_sent=sent)


def hear_borrower(message: RequestingAgencyMessage) -> Heard:
    """What a borrower says to the lending half."""
    note = strip_marks(message.note)
    words: tuple[str, ...] = (message.action,)
    if message.action == "Notification":
        marked = mark_of(message.note)
        words = (f"Notification {marked}", "Notification") if marked else ("Notification",)
    values = {"note": note, "reason": note} if note else {}
    values["status"] = "Lost" if "Notification lost" in words else message.action
    return Heard(words, values, asks_status=message.action == "StatusRequest")


def says_yes(answer: str | None) -> bool:
    return (answer or "Y").upper().startswith(("Y", "T"))


def mark_of(note: str) -> str | None:
    lowered = note.lower()
    return next((word for mark, word in MARKS.items() if mark in lowered and word), None)


def strip_marks(note: str) -> str:
    return " ".join(_MARK.sub(" ", note).split())


def _words(reason: str, answer: str | None, status: str, note: str, with_condition: bool) -> tuple[str, ...]:
    if reason == "Notification":
        marked = mark_of(note)
        costs = ("offeredCosts",) if with_condition else ()
        return (*((f"Notification {marked}",) if marked else ()), *costs, "Notification")
    if reason in ("RenewResponse", "CancelResponse"):
        yes = says_yes(answer)
        # A cancel that came too late says by the way that the item is coming.
        coming = reason == "CancelResponse" and not yes and status == "Loaned"
        return (f"{reason} {'Y' if yes else 'N'}", *(("Loaned",) if coming else ()))
    if status in ("WillSupply", "ExpectToSupply") and with_condition:
        return (f"{status} with condition", status)
    return (status, *(("offeredCosts",) if with_condition else ()))


def _costs(costs: Costs | None) -> dict[str, Any]:
    if costs is None:
        return {}
    return {"cost": costs.monetaryValue, "amount": costs.monetaryValue, "currency": costs.currencyCode}


def _day(at: datetime | None, zone: ZoneInfo) -> date | None:
    """A day on the wire is read where it was written: its own offset says which day was meant."""
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).date()
