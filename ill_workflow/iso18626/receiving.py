"""Takes in a message that came over HTTP: read, whose is it, heard, committed, and only then confirmed."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import perf_counter

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from ill_workflow.clock import Clock
from ill_workflow.db import Database, wait_for_locks
from ill_workflow.errors import Conflict, NotFound
from ill_workflow.iso18626.callers import NotTheirs, Unproven, Whose, who_calls
from ill_workflow.iso18626.confirming import confirm
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.headers import Heading, heading_of
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.reading import PartialHeader, Unreadable, read
from ill_workflow.messages import inbound, replays, routing
from ill_workflow.messages.content import (
    Confirmation,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.exchanges import remember_exchange
from ill_workflow.partners import Partner

logger = logging.getLogger(__name__)

XML, TEXT = "application/xml", "text/plain; charset=utf-8"
#: How often it is tried where somebody else does the same at the same time.
TRIES = 4


@dataclass(frozen=True)
class Answer:
    """What goes back: a confirmation, or where the call itself fails a sentence."""

    status: int
    body: bytes
    content_type: str = XML
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """What a message comes in by. `may_note` says whether a stranger's call from an address is still written down."""

    db: Database
    clock: Clock
    may_note: Callable[[str], bool] = lambda peer: True


@dataclass(frozen=True)
class _Said:
    """One call, with what is known of it so far."""

    raw: bytes
    peer: str
    heading: Heading
    edition: Edition
    began: float
    forgiven: tuple[str, ...] = ()

    @property
    def took_ms(self) -> int:
        return round((perf_counter() - self.began) * 1000)


def receive(
    door: Door, raw: bytes, *, library_code: str | None, peer: str, bearer: str | None = None, content_type: str = ""
) -> Answer:
    """Take in a message in a transaction of its own; the answer is made after its commit. Never raises.

    OK is said of nothing but what is committed. Where the database is busy or away nothing is done, and the sender is
    asked to come again (503); where something fails here, too (500).
    """
    unread = _Said(raw, peer, Heading.of_what_was_read(None, PartialHeader()), Edition.Y2017, perf_counter())
    return _guarded(door, unread, lambda: _receive(door, unread, library_code, bearer, content_type))


def _receive(door: Door, unread: _Said, library_code: str | None, bearer: str | None, content_type: str) -> Answer:
    raw = unread.raw
    try:
        understood = read(raw, content_type)
    except Unreadable as wrong:
        error = wrong.error
        said = replace(unread, heading=Heading.of_what_was_read(wrong.kind, wrong.header), edition=wrong.edition)
        return _guarded(door, said, lambda: _refuse_unreadable(door, said, error, library_code, bearer))
    heading = heading_of(understood)
    said = replace(unread, heading=heading, edition=understood.edition, forgiven=understood.forgiven)
    message = understood.message
    if not isinstance(message, Request | SupplyingAgencyMessage | RequestingAgencyMessage):
        wrong_door = ErrorData(
            errorType="BadlyFormedMessage", errorValue=f"{heading.element}: a confirmation is the answer to a call"
        )
        return _guarded(door, said, lambda: _refuse_stranger(door, said, wrong_door))
    return _guarded(door, said, lambda: _take(door, said, message, library_code, bearer))


def _guarded(door: Door, said: _Said, do: Callable[[], Answer]) -> Answer:
    """Whatever fails, and whoever else is at it: the sender learns whether to come again."""
    others: Exception | None = None
    for _ in range(TRIES):
        try:
            return do()
        except (IntegrityError, StaleDataError, Conflict) as faster:
            others = faster  # somebody else was faster: what they wrote is there now
        except (OperationalError, InterfaceError, sa.exc.TimeoutError) as trouble:
            reason = type(getattr(trouble, "orig", None) or trouble).__name__
            return _fails(said, 503, f"The database is busy or away: {reason}")
        except Exception as trouble:  # the sender is answered, whatever it is; operators find it in the log
            logger.exception("a message could not be taken in")
            no_room = isinstance(trouble, DataError)
            why = "The database has no room for a value" if no_room else "Something went wrong here"
            answer = _fails(said, 500, why)
            with suppress(Exception):
                _note(door, said, answer.body, 500, why, None)
            return answer
    logger.warning("somebody else was faster each time", exc_info=others)
    return _fails(said, 503, "Others say something about this request at the same time")


def _fails(said: _Said, status: int, why: str) -> Answer:
    _log(said, "", str(status), why)
    return Answer(status, f"{why}. Nothing was done: send it again.\n".encode(), TEXT, {"Retry-After": "5"})


def _take(door: Door, said: _Said, message: Message, library_code: str | None, bearer: str | None) -> Answer:
    call = said.heading.call(said.peer, bearer)

    def take(refused: routing.CannotTake | None = None) -> tuple[Answer, str, str]:
        with door.db.writing() as session:
            partner = who_calls(session, call, library_code)
            return *_hear(door, session, said, message, partner, refused), partner.code

    try:
        try:
            answer, outcome, code = take()
        except routing.CannotTake as refused:
            answer, outcome, code = take(refused)  # what it did is rolled back: this writes down that it was refused
    except NotTheirs as wrong:
        return _refuse(door, said, wrong.error, wrong.whose)
    except (Unproven, NotFound) as wrong:
        return _turn_away(door, said, wrong)
    _log(said, code, outcome)
    return answer


def _hear(
    door: Door, session: Session, said: _Said, message: Message, partner: Partner, refused: routing.CannotTake | None
) -> tuple[Answer, str]:  # fmt: skip
    taken = inbound.receive_once(
        session, message, partner=partner, transport="iso18626", clock=door.clock, refused=refused
    )
    body = confirm(said.heading.kind, said.heading.said, taken.confirmation, said.edition)
    row = taken.row
    remember_exchange(
        session, incoming=True, said=said.raw, answered=body, at=door.clock.now(), mask=mask, peer=said.peer,
        http_status=200, took_ms=said.took_ms, library_id=partner.library_id, partner_id=partner.id,
        request_id=row.request_id or _about(session, said, partner), message_id=row.id, forgiven=said.forgiven,
        trouble="" if taken.confirmation.ok else taken.confirmation.sentence,
    )  # fmt: skip
    return Answer(200, body), f"{'again ' if taken.again else ''}{row.outcome}"


def _refuse_unreadable(
    door: Door, said: _Said, error: ErrorData, library_code: str | None, bearer: str | None
) -> Answer:
    """What can't be understood is answered to whomever it comes from, unless it names a partner that it isn't."""
    call = said.heading.call(said.peer, bearer)
    if call.theirs is None:
        return _refuse_stranger(door, said, error)
    try:
        with door.db.reading() as session:
            whose = Whose.of(who_calls(session, call, library_code))
    except NotTheirs as refused:
        return _refuse(door, said, error, refused.whose)
    except (Unproven, NotFound) as refused:
        return _turn_away(door, said, refused)
    return _refuse(door, said, error, whose)


def _refuse_stranger(door: Door, said: _Said, error: ErrorData) -> Answer:
    return _refuse(door, said, error, None)


def _refuse(door: Door, said: _Said, error: ErrorData, whose: Whose | None) -> Answer:
    """Answered ERROR, and written down for whoever looks for the reason."""
    refused = Confirmation(messageStatus="ERROR", timestampReceived=door.clock.now(), errorData=error)
    body = confirm(said.heading.kind, said.heading.said, refused, said.edition)
    _note(door, said, body, 200, f"{error.errorType}: {error.errorValue}", whose)
    return Answer(200, body)


def _turn_away(door: Door, said: _Said, refused: Unproven | NotFound) -> Answer:
    """Without a confirmation: to whoever isn't a partner nothing is confirmed."""
    body = f"{refused.message}\n".encode()
    _note(door, said, body, refused.status, refused.message, None)
    headers = {"WWW-Authenticate": 'Bearer realm="ISO 18626"'} if refused.status == 401 else {}
    return Answer(refused.status, body, TEXT, headers)


def _note(door: Door, said: _Said, body: bytes, status: int, trouble: str, whose: Whose | None) -> None:
    """Write down a refused call; of strangers no more than so many, or they could fill the disk."""
    _log(said, whose.code if whose else "", str(status), trouble)
    if whose is None and not door.may_note(said.peer):
        return
    with door.db.writing() as session:
        wait_for_locks(session, seconds=replays.PATIENCE)
        partner = session.get(Partner, whose.partner_id) if whose else None
        remember_exchange(
            session, incoming=True, said=said.raw, answered=body, at=door.clock.now(), mask=mask, peer=said.peer,
            http_status=status, took_ms=said.took_ms, library_id=whose.library_id if whose else None,
            partner_id=whose.partner_id if whose else None, forgiven=said.forgiven, trouble=trouble,
            request_id=_about(session, said, partner) if partner else None,
        )  # fmt: skip


def _about(session: Session, said: _Said, partner: Partner) -> int | None:
    """What is refused is shown where it belongs, too."""
    by_a_lender = said.heading.kind == "supplyingAgencyMessage"
    header = said.heading.said
    return routing.request_meant(
        session, partner, header.requestingAgencyRequestId, asks=header.requestingAgencyId, by_a_lender=by_a_lender
    )


def _log(said: _Said, partner: str, outcome: str, trouble: str = "") -> None:
    """One line for each call, without what was said."""
    logger.info(
        "message kind=%s partner=%s peer=%s outcome=%r ms=%d%s",
        said.heading.element, partner or "-", said.peer or "-", outcome, said.took_ms,
        f" trouble={trouble[:200]!r}" if trouble else "",
    )  # fmt: skip
