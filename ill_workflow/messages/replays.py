"""Whether a partner says again what was heard already: systems repeat themselves where no answer came through."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.messages.content import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from ill_workflow.messages.kept import to_dict
from ill_workflow.outbox import RUNNING, EffectRow, may_have_arrived
from ill_workflow.requests.models import MessageRow

#: Some systems write the year 1 for want of a better one: it tells two messages apart from nobody.
FIRST_USABLE_YEAR = 2
#: For how long a system tries to get the same message through, as mail servers do.
LONGEST_TRIED = timedelta(hours=72)
#: What answers a question, by how the answer's kind begins. A question that was answered may be asked again.
_ANSWERS = {
    "Renew": ("RenewResponse", "Recalled"),
    "Cancel": ("CancelResponse", "Cancelled"),
    "StatusRequest": ("StatusRequestResponse",),
    "Reminder": ("StatusRequestResponse",),
}


def identity_of(message: Message) -> str:
    """SHA-256, in hexadecimal, of what a message says and when it was said."""
    return _digest(message, with_time=True)


def fingerprint_of(message: Message) -> str:
    """SHA-256, in hexadecimal, of what a message says, whenever that was."""
    return _digest(message, with_time=False)


def has_usable_time(message: Message) -> bool:
    """Whether the sender's time tells one message from the next."""
    return message.header.timestamp.year >= FIRST_USABLE_YEAR


def heard_already(session: Session, message: Message, partner_id: int) -> MessageRow | None:
    """The message that this one repeats, if it does. What was refused is not among them: it is looked at anew.

    The same at the same time is a repeat. The same at another time is one, too, while the sender has said nothing else
    about that request, and we have not answered what it asks. A request that is known is never a second one; a note or
    a question that was written anew when nobody tries any longer to get the first one through is.
    """
    same = (MessageRow.fingerprint == fingerprint_of(message), MessageRow.outcome.startswith("OK"))
    rows = sa.select(MessageRow).where(MessageRow.partner_id == partner_id, MessageRow.incoming.is_(True), *same)
    identity, usable = identity_of(message), has_usable_time(message)
    same_time = [(MessageRow.identity == identity).desc()] if usable else []
    before = session.scalar(rows.order_by(*same_time, MessageRow.id.desc()).limit(1))
    if before is not None and usable and before.identity == identity:
        return before
    if before is None or _is_new_request(message):
        return before
    return None if _is_meant_anew(message, before) or _something_since(session, message, before) else before


def with_identity(session: Session, partner_id: int, identity: str) -> MessageRow | None:
    """The message of a partner that was written down under an identity."""
    rows = sa.select(MessageRow).where(
        MessageRow.partner_id == partner_id, MessageRow.incoming.is_(True), MessageRow.identity == identity
    )
    return session.scalar(rows)


def unused_identity(session: Session, message: Message, partner_id: int) -> str:
    """Under which to write a message down that is none of those before, though its time may be the same."""
    identity, number = identity_of(message), 1
    if has_usable_time(message):
        return identity
    while (row := with_identity(session, partner_id, identity)) and row.outcome.startswith("OK"):
        number += 1
        identity = f"{identity_of(message)} {number}"
    return identity


def one_at_a_time(session: Session, message: Message, partner_id: int) -> None:
    """Until the end of the transaction nobody else takes in what this partner says about the same request."""
    if session.get_bind().dialect.name != "postgresql":
        return  # SQLite has one writer at a time
    key = hashlib.sha256(f"{partner_id} {message.header.requestingAgencyRequestId}".encode()).digest()
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(key[:8], signed=True))))


def _digest(message: Message, *, with_time: bool) -> str:
    said = to_dict(message)
    if not with_time:
        said["header"] = {name: value for name, value in said["header"].items() if name != "timestamp"}
    text = json.dumps([type(message).__name__, said], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_new_request(message: Message) -> bool:
    return isinstance(message, Request) and message.serviceInfo.requestType != "Reminder"


def _is_meant_anew(message: Message, before: MessageRow) -> bool:
    """By its sender's own times. What tells how things stand says the same however often it is said."""
    match message:
        case SupplyingAgencyMessage():
            may_be = message.messageInfo.reasonForMessage == "Notification"
        case RequestingAgencyMessage():
            may_be = message.action == "Notification" or message.action in _ANSWERS
        case Request():
            may_be = True  # a Reminder: others are not asked about
    then, now = datetime.fromisoformat(before.content["header"]["timestamp"]), message.header.timestamp
    comparable = min(then.year, now.year) >= FIRST_USABLE_YEAR and (then.tzinfo is None) == (now.tzinfo is None)
    return may_be and comparable and now - then > LONGEST_TRIED


def _something_since(session: Session, message: Message, before: MessageRow) -> bool:
    """Whether the sender has said something else about that request since, or we have answered."""
    since = (MessageRow.partner_id == before.partner_id) & (MessageRow.id > before.id)
    about = since & (MessageRow.request_id == before.request_id)
    said = about & MessageRow.incoming.is_(True)
    asks = message.action if isinstance(message, RequestingAgencyMessage) else "Reminder"
    kinds = _ANSWERS.get(asks, ()) if isinstance(message, Request | RequestingAgencyMessage) else ()
    answers = [about & MessageRow.incoming.is_(False) & MessageRow.kind.startswith(kind) for kind in kinds]
    if session.scalar(sa.select(MessageRow.id).where(sa.or_(said, *answers)).limit(1)) is not None:
        return True
    return bool(kinds) and _answer_on_its_way(session, before, kinds)


def _answer_on_its_way(session: Session, before: MessageRow, kinds: Sequence[str]) -> bool:
    """Whether the sender may have read an answer already that it has not confirmed to us."""
    answers = sa.or_(*(EffectRow.argument.startswith(kind) for kind in kinds)) & (EffectRow.kind == "send_message")
    heard = (EffectRow.status == RUNNING) | may_have_arrived()
    rows = sa.select(EffectRow.payload).where(EffectRow.request_id == before.request_id, answers, heard)
    return any(
        said["partner"] == before.partner_id and datetime.fromisoformat(said["at"]) >= before.at
        for said in session.scalars(rows)
    )
