"""A message that was overtaken tells of what was so before: it is recorded, and moves nothing."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.messages.content import RequestingAgencyMessage, SupplyingAgencyMessage
from ill_workflow.messages.hearing import Heard, says_no
from ill_workflow.messages.marks import read_note
from ill_workflow.requests.models import MessageRow, Request

#: What a lender says of the state as a whole; its answers to us do so where they were heard.
_TELLS_ALL = ("RequestResponse", "StatusChange")
_TELLS_WHERE_HEARD = ("StatusRequestResponse", "RenewResponse")
_BORROWER_TELLS = ("Received", "ShippedReturn", "Lost")
#: Marks of a Notification that do so too, and what such a message is heard as.
_MARKS_TELL = frozenset({"lost", "conditionAdded", "conditionsAgreed"})
_MARKED = frozenset(f"Notification {mark}" for mark in _MARKS_TELL)
#: The states in which an answer is waited for, however late it comes.
_WAITED_FOR = {"RenewResponse": "renewal_requested", "CancelResponse": "cancel_requested"}
#: Days that may have been changed since.
_DAYS = ("due_date", "return_by")


def as_heard_now(
    session: Session, request: Request, message: SupplyingAgencyMessage | RequestingAgencyMessage, heard: Heard,
    partner_id: int, who: str,
) -> Heard:  # fmt: skip
    """What is left of a message if a later one has overtaken it, by the time that its sender wrote on both."""
    if _stands_beside(message, heard) or not _overtaken(session, request, message, partner_id):
        return heard
    reason = message.messageInfo.reasonForMessage if isinstance(message, SupplyingAgencyMessage) else ""
    if request.state == _WAITED_FOR.get(reason):
        return replace(heard, words=heard.words[:1], values=_without_days(heard), item_was_sent=False)
    if not heard.words:
        return replace(heard, values=_without_days(heard), item_was_sent=False)  # it says nothing that is not known
    note = f"{who} said before what was heard already: {heard.words[0]}. {heard.values.get('note', '')}".strip()
    return replace(heard, words=(), values={**_without_days(heard), "note": note}, item_was_sent=False)


def _stands_beside(message: SupplyingAgencyMessage | RequestingAgencyMessage, heard: Heard) -> bool:
    """Whether it says nothing that another one could have overtaken: a note, a bill, a step of the borrower's."""
    if isinstance(message, SupplyingAgencyMessage):
        return message.messageInfo.reasonForMessage == "Notification" and not _MARKED & set(heard.words)
    return message.action != "Lost" and "Notification lost" not in heard.words


def _without_days(heard: Heard) -> dict[str, Any]:
    return {name: value for name, value in heard.values.items() if name not in _DAYS}


def _overtaken(
    session: Session, request: Request, message: SupplyingAgencyMessage | RequestingAgencyMessage, partner_id: int
) -> bool:
    header = message.header
    # Some write the year 1, or no zone: what can't be compared is taken as it comes.
    if header.timestamp.tzinfo is None or header.timestamp < request.created_at:
        return False
    rows = sa.select(MessageRow.content, MessageRow.outcome).where(
        MessageRow.request_id == request.id, MessageRow.partner_id == partner_id, MessageRow.incoming,
        # Of notes, however many there are, only those are read in which a mark may stand.
        ~MessageRow.kind.startswith("Notification") | sa.cast(MessageRow.content, sa.Text).contains("#"),
    )  # fmt: skip
    for content, outcome in session.execute(rows):
        told = content["header"]
        if told["requestingAgencyRequestId"] == header.requestingAgencyRequestId and _tells(content, outcome):
            at = datetime.fromisoformat(told["timestamp"])
            if at.tzinfo is not None and at > header.timestamp:
                return True
    return False


def _tells(content: dict[str, Any], outcome: str) -> bool:
    """Whether a message said how things stand, and was heard."""
    was_heard = outcome.startswith("OK ") and not outcome.startswith("OK partner_informs")
    if "messageInfo" not in content:
        return was_heard and content.get("action") in _BORROWER_TELLS
    info = content["messageInfo"]
    refuses = info["reasonForMessage"] == "RenewResponse" and says_no(info.get("answerYesNo"))
    tells = was_heard and info["reasonForMessage"] in _TELLS_WHERE_HEARD
    if info["reasonForMessage"] == "Notification":
        return was_heard and bool(_MARKS_TELL & set(read_note(info.get("note", "")).words))
    return info["reasonForMessage"] in _TELLS_ALL or (tells and not refuses)
