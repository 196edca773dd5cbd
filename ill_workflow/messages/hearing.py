"""What a message says, in the words by which the tables hear it, with the values that a row may ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ill_workflow import copies
from ill_workflow.messages.content import (
    Costs,
    MessageInfo,
    RequestingAgencyMessage,
    RetryInfo,
    ReturnInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.item_ids import read_item_id
from ill_workflow.messages.marks import Note, Piece, read_note
from ill_workflow.requests.fields import FIRST_DAY, LAST_DAY

#: Statuses that say that something was sent.
SENT = frozenset({"Loaned", "Overdue", "Recalled", "CopyCompleted"})
#: How a copy is delivered that comes on paper.
_ON_PAPER = frozenset({"Mail", "Courier", "Fax"})
#: What an answer means that says neither yes nor no, by the status that it carries.
_MEANS = {"Cancelled": "Y", "Unfilled": "Y", "Loaned": "N"}
#: The days that may come along, and what they are called on the wire.
_DAYS = {
    "due_date": "dueDate", "return_by": "dueDate", "expected_date": "expectedDeliveryDate", "reply_by": "retryBefore",
    "not_before": "retryAfter",
}  # fmt: skip
#: What a mark says that no row hears, so that a person does.
_STATUS_OF_MARK = {"lost": "Lost", "damaged": "Damaged", "conditionAdded": "Condition", "conditionAwaited": "Condition"}


@dataclass(frozen=True)
class Heard:
    """The words, the first that a row hears counts; and the values that came along, by the names of inputs."""

    words: tuple[str, ...]
    values: Mapping[str, Any]
    item_was_sent: bool = False
    asks_status: bool = False


def hear_lender(message: SupplyingAgencyMessage, zone: ZoneInfo, *, of_a_branch: bool = False) -> Heard:
    """What a lender says to the borrowing half. `zone` is the borrower's, in which its days are read.

    Only a branch of this installation can name a file that is kept here; what another one calls so is a text. And only
    of a branch is it known that what it calls an item is a barcode, whatever is in it.
    """
    info, status = message.messageInfo, message.statusInfo.status
    delivery, retry = message.deliveryInfo, message.retryInfo
    note = read_note(info.note)
    costs = (retry.offeredCosts if retry else None) or (delivery.deliveryCosts if delivery else None)
    codes = [*(retry.loanCondition if retry else ()), *(delivery.loanCondition if delivery else ()), *note.conditions]
    conditions = list(dict.fromkeys(code for code in codes if code))
    if not conditions and "conditionAdded" in note.words and note.text:
        conditions = [note.text]  # said in words alone
    item_ids = delivery.itemId if delivery else ()
    pieces = [Piece(code) for code in item_ids] if of_a_branch else _pieces(item_ids, note)
    url = (delivery.URL if delivery else None) or ""
    kept_here = of_a_branch and url.startswith(copies.SCHEME)
    answer = _answer(info, status)
    values: dict[str, Any] = {
        "note": note.text,
        "reason": info.reasonUnfilled or info.reasonRetry or note.text,
        "status": status,
        "due_date": _day(message.statusInfo.dueDate, zone),
        "return_by": _day(message.statusInfo.dueDate, zone),
        "expected_date": _day(message.statusInfo.expectedDeliveryDate, zone),
        "conditions": conditions,
        "reply_by": _day(retry.retryBefore if retry else None, zone),
        "not_before": _day(retry.retryAfter if retry else None, zone),
        "new_data": "\n".join(_what_would_do(retry, note)),
        "link": None if kept_here else url,
        "file": url.removeprefix(copies.SCHEME) if kept_here else None,
        "on_paper": bool(delivery and delivery.deliveryMethod in _ON_PAPER and not delivery.URL),
        "item_barcode": next((piece.barcode for piece in pieces if piece.barcode), None),
        "call_number": next((piece.call_number for piece in pieces if piece.call_number), None),
        "pieces": [piece.barcode for piece in pieces if piece.barcode] if len(pieces) > 1 else None,
        "carrier": message.shippingInfo.courierName if message.shippingInfo else None,
        "tracking": ", ".join(message.shippingInfo.trackingId) if message.shippingInfo else None,
        "parcel_to": note.return_to or _return_address(message.returnInfo),
        **_costs(costs),
    }
    words = _words(info.reasonForMessage, answer, status, note, bool(conditions), costs is not None)
    if info.reasonForMessage == "Notification":
        # Its status may lie: what a mark says counts, and nothing else.
        values["status"] = next((_STATUS_OF_MARK[word] for word in note.words if word in _STATUS_OF_MARK), None)
    elif info.reasonForMessage in ("RenewResponse", "CancelResponse") and not answer:
        values["note"] = f"{note.text}\n{info.reasonForMessage} says neither yes nor no.".strip()
    if "Notification damaged" in words:
        values["kind"] = "damage"
    elif "Notification lost" in words:
        values["kind"] = "replacement"
    elif costs is not None:
        values["kind"] = "supply"
    values = _without_impossible_days(values)
    sent = words[0] in SENT or words == ("CancelResponse N", "Loaned")
    return Heard(words, {k: v for k, v in values.items() if v not in (None, "", [], False)}, item_was_sent=sent)


def _without_impossible_days(values: dict[str, Any]) -> dict[str, Any]:
    """A day centuries away is no date: a person reads in the note what was written, and nothing is refused for it."""
    days = {name: values[name] for name in _DAYS if values[name] is not None}
    impossible = {name: day for name, day in days.items() if not FIRST_DAY <= day <= LAST_DAY}
    told = dict.fromkeys(f"{_DAYS[name]} as given: {day}" for name, day in impossible.items())
    return {**values, **dict.fromkeys(impossible), "note": "\n".join(filter(None, (values["note"], *told)))}


def hear_borrower(message: RequestingAgencyMessage) -> Heard:
    """What a borrower says to the lending half."""
    note = read_note(message.note)
    words: tuple[str, ...] = (message.action,)
    if message.action == "Notification":
        words = (*(f"Notification {word}" for word in note.words), "Notification")
    values = {"note": note.text, "reason": note.text} if note.text else {}
    values["status"] = "Lost" if "Notification lost" in words else message.action
    return Heard(words, values, asks_status=message.action == "StatusRequest")


def says_yes(answer: str | None) -> bool:
    return (answer or "").strip().upper().startswith(("Y", "T", "1"))


def says_no(answer: str | None) -> bool:
    return (answer or "").strip().upper().startswith(("N", "F", "0"))


def _answer(info: MessageInfo, status: str) -> str:
    """Y or N; empty where nobody can tell."""
    if says_yes(info.answerYesNo):
        return "Y"
    if says_no(info.answerYesNo):
        return "N"
    return _MEANS.get(status, "") if info.reasonForMessage == "CancelResponse" else ""


def _words(
    reason: str, answer: str, status: str, note: Note, with_condition: bool, with_costs: bool
) -> tuple[str, ...]:
    costs = ("offeredCosts",) if with_costs else ()
    if reason == "Notification":
        # Whatever status it carries: only a mark counts.
        return (*(f"Notification {word}" for word in note.words), *costs, "Notification")
    if reason in ("RenewResponse", "CancelResponse"):
        # A cancel that came too late says by the way that the item is coming.
        coming = reason == "CancelResponse" and answer == "N" and status == "Loaned"
        return (f"{reason} {answer}".strip(), *(("Loaned",) if coming else ()))
    if status in ("WillSupply", "ExpectToSupply") and (with_condition or with_costs):
        return (f"{status} with condition", status)
    return (status, *costs)


def _pieces(item_ids: tuple[str, ...], note: Note) -> list[Piece]:
    """What was sent: as the item ids say, or a list in the note that says more."""
    said = [piece for text in item_ids if (piece := read_item_id(text)) != Piece("")]
    return list(note.pieces) if len(note.pieces) >= max(1, len(said)) else said


def _what_would_do(retry: RetryInfo | None, note: Note) -> Iterator[str]:
    """What a lender wants to be asked instead, line by line."""
    if note.text:
        yield note.text
    if retry is None:
        return
    named = {
        "Edition": retry.edition, "Format": retry.itemFormat, "Volume": retry.volume,
        "Service": (retry.serviceType,), "Service level": retry.serviceLevel, "Delivery": retry.deliveryMethod,
        "Courier": retry.courierName, "Payment": retry.paymentMethod, "Condition": retry.loanCondition,
    }  # fmt: skip
    for name, values in named.items():
        if said := ", ".join(value for value in values if value):
            yield f"{name}: {said}"
    if retry.retryBefore:
        yield f"Before: {retry.retryBefore.date()}"


def _return_address(info: ReturnInfo | None) -> str:
    """Where it goes back to; a name alone is no address."""
    lines = info.physicalAddress.lines if info and info.physicalAddress else ()
    return "\n".join((*((info.name,) if info and info.name else ()), *lines)) if lines else ""


def _costs(costs: Costs | None) -> dict[str, Any]:
    if costs is None:
        return {}
    return {"cost": costs.monetaryValue, "amount": costs.monetaryValue, "currency": costs.currencyCode}


def _day(at: datetime | None, zone: ZoneInfo) -> date | None:
    """A day on the wire is read where it was written: its own offset says which day was meant."""
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).date()
