"""Whether a partner says again what was heard already: systems repeat themselves where no answer came through."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.messages.content import Message, Request, RequestingAgencyMessage, SupplyingAgencyMessage
from ill_workflow.messages.kept import to_dict
from ill_workflow.outbox import RUNNING, EffectRow, may_have_arrived
from ill_workflow.partners import Partner
from ill_workflow.requests.models import MessageRow

#: Some systems write the year 1 for want of a better one: it tells two messages apart from nobody.
FIRST_USABLE_YEAR = 2
#: For how long a system tries to get the same message through, as mail servers do.
LONGEST_TRIED = timedelta(hours=72)
#: Seconds for which is waited for what somebody else has locked.
PATIENCE = 5
#: What answers a question, by how the answer's kind begins. A question that was answered may be asked again.
_ANSWERS = {
    "Renew": ("RenewResponse", "Recalled"),
    "Cancel": ("CancelResponse", "Cancelled"),
    "StatusRequest": ("StatusRequestResponse",),
    "Reminder": ("StatusRequestResponse",),
    "Retry": ("RetryPossible", "Unfilled", "Cancelled"),
}
#: What an answer answers: who is asked once more may say the same once more.
_QUESTIONS = {
    "RenewResponse": ("Renew",),
    "CancelResponse": ("Cancel",),
    "StatusRequestResponse": ("StatusRequest",),
}


def row_for(session: Session, message: Message, partner: Partner) -> tuple[MessageRow, bool]:
    """The row of a message, and whether it was heard already. What was refused is looked at anew, and written over.

    The same at the same time is a repeat. The same at another time is one, too, while the sender has said nothing else
    about that request, and we have neither answered what it asks nor asked once more what it answers. A request that is
    known is never a second one, unless it is a Retry of what was refused. A note or a question is another one if it was
    written when nobody tries any longer to get the first one through.
    """
    identity, fingerprint = _known_by(message)
    usable, heard = message.header.timestamp.year >= FIRST_USABLE_YEAR, MessageRow.outcome.startswith("OK")
    same_time = [(MessageRow.identity == identity).desc()] if usable else []
    rows = sa.select(MessageRow).where(_of(partner), MessageRow.fingerprint == fingerprint)
    same = session.scalars(rows.order_by(*same_time, heard.desc(), MessageRow.id.desc()).limit(2)).all()
    before = next((row for row in same if _was_heard(row)), None)
    if before is not None and _repeats(session, message, before, same_time=usable and before.identity == identity):
        return before, True
    if usable:
        row = next((row for row in same if row.identity == identity), None) or MessageRow(identity=identity)
    else:
        row = _unheard(session, partner, identity)
    row.fingerprint = fingerprint
    return row, False


def with_identity(session: Session, partner: Partner, identity: str) -> MessageRow | None:
    """The message of a partner that was written down under an identity."""
    return session.scalar(sa.select(MessageRow).where(_of(partner), MessageRow.identity == identity))


def one_at_a_time(session: Session, message: Message, partner_id: int) -> None:
    """Until the end of the transaction nobody else takes in what this partner says about the same request.

    Neither for that nor for rows that somebody else has locked is waited longer than PATIENCE.
    """
    if session.get_bind().dialect.name != "postgresql":
        return  # SQLite has one writer at a time
    key = hashlib.sha256(f"{partner_id} {message.header.requestingAgencyRequestId}".encode()).digest()
    patience = sa.func.set_config("lock_timeout", f"{PATIENCE}s", True)
    session.execute(sa.select(patience, sa.func.pg_advisory_xact_lock(int.from_bytes(key[:8], signed=True))))


def _known_by(message: Message) -> tuple[str, str]:
    """SHA-256, in hexadecimal, of what a message says and when it was said; and of what it says, whenever that was."""
    said = to_dict(message)
    timeless = {**said, "header": {name: value for name, value in said["header"].items() if name != "timestamp"}}
    return _digest(message, said), _digest(message, timeless)


def _digest(message: Message, said: dict[str, Any]) -> str:
    text = json.dumps([type(message).__name__, said], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _of(partner: Partner) -> sa.ColumnElement[bool]:
    """All that a partner has said. The library is named for the sake of the index."""
    whose = (MessageRow.library_id == partner.library_id) & (MessageRow.partner_id == partner.id)
    return whose & MessageRow.incoming.is_(True)


def _was_heard(row: MessageRow) -> bool:
    return row.outcome.startswith("OK")


def _repeats(session: Session, message: Message, before: MessageRow, *, same_time: bool) -> bool:
    if same_time or _is_new_request(message):
        return True
    return not (_is_meant_anew(message, before) or _something_since(session, message, before))


def _unheard(session: Session, partner: Partner, identity: str) -> MessageRow:
    """A row for what says no time: under an identity that is none of those before, though it says the same."""
    numbered, number = identity, 1
    while (row := with_identity(session, partner, numbered)) and _was_heard(row):
        number += 1
        numbered = f"{identity} {number}"
    return row or MessageRow(identity=numbered)


def _is_new_request(message: Message) -> bool:
    return isinstance(message, Request) and message.serviceInfo.requestType == "New"


def _is_meant_anew(message: Message, before: MessageRow) -> bool:
    """By its sender's own times. What tells how things stand says the same however often it is said."""
    what = _what(message)
    may_be = what == "Notification" or (what in _ANSWERS and what != "Retry")
    then, now = _time_of(before.content), message.header.timestamp
    return may_be and _are_comparable(then, now) and now - then > LONGEST_TRIED


def _time_of(content: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(content["header"]["timestamp"])


def _are_comparable(one: datetime, other: datetime) -> bool:
    return min(one.year, other.year) >= FIRST_USABLE_YEAR and (one.tzinfo is None) == (other.tzinfo is None)


def _what(message: Message) -> str:
    match message:
        case Request():
            return message.serviceInfo.requestType
        case RequestingAgencyMessage():
            return message.action
        case SupplyingAgencyMessage():
            return message.messageInfo.reasonForMessage


def _something_since(session: Session, message: Message, before: MessageRow) -> bool:
    """Whether the sender has said something else about that request since, or we have answered, or asked once more."""
    since = (MessageRow.partner_id == before.partner_id) & (MessageRow.id > before.id)
    about = since & (MessageRow.request_id == before.request_id)
    what = _what(message)
    # A Retry asks anew once the last one was refused, whatever else was said.
    if what != "Retry" and any(_was_said_before(message, other) for other in session.scalars(_said(about))):
        return True
    kinds = _ANSWERS.get(what, ()) or _QUESTIONS.get(what, ())
    if not kinds:
        return False
    ours = about & MessageRow.incoming.is_(False) & sa.or_(*(MessageRow.kind.startswith(kind) for kind in kinds))
    told = session.scalar(sa.select(MessageRow.id).where(ours).limit(1)) is not None
    return told or _one_on_its_way(session, before, kinds)


def _said(about: sa.ColumnElement[bool]) -> sa.Select[dict[str, Any]]:
    return sa.select(MessageRow.content).where(about, MessageRow.incoming.is_(True))


def _was_said_before(message: Message, other: Mapping[str, Any]) -> bool:
    """By its sender's own times, where they say their zone: else what came before was said before."""
    then, now = _time_of(other), message.header.timestamp
    return then.tzinfo is None or not _are_comparable(then, now) or then <= now


def _one_on_its_way(session: Session, before: MessageRow, kinds: Sequence[str]) -> bool:
    """Whether the sender may have read one of these already that it has not confirmed to us."""
    ours = sa.or_(*(EffectRow.argument.startswith(kind) for kind in kinds)) & (EffectRow.kind == "send_message")
    heard = (EffectRow.status == RUNNING) | may_have_arrived()
    rows = sa.select(EffectRow.payload).where(EffectRow.request_id == before.request_id, ours, heard)
    return any(
        said["partner"] == before.partner_id and datetime.fromisoformat(said["at"]) >= before.at
        for said in session.scalars(rows)
    )
