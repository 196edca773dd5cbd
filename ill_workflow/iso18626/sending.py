"""Carries a message to a partner that speaks ISO 18626, and makes of its answer what is to be done."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.iso18626.answers import Answer, NotConfirmed, answer_to
from ill_workflow.iso18626.calling import Called, NoAnswer, call
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.writing import write
from ill_workflow.mail.sending import Post
from ill_workflow.messages.content import Authentication, Confirmation, Message
from ill_workflow.messages.exchanges import Exchange, remember_exchange
from ill_workflow.messages.transports import Outgoing, hear_error, remember_sent, word_of_error
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent, TryLater
from ill_workflow.partner_secrets import ours
from ill_workflow.pauses import end_pause, partner_destination
from ill_workflow.wire_settings import WireSettings

#: What is written on a call that came before the partner knew of the request.
NOT_YET = "It does not know this request yet"
#: How often a message is repeated for that, and how long after: about a minute in all.
NOT_YET_TIMES = 6
_NOT_YET_AFTER = (0.5, 1.0, 3.0, 8.0, 16.0, 30.0)
#: Ids of other requests than the one that we sent.
_OTHER_REQUEST = re.compile("(?:previous|multipleItem)RequestId", re.IGNORECASE)


@dataclass(frozen=True)
class _Line:
    """A message on its way, and whatever it takes to write down each try."""

    post: Post
    claimed: Claimed
    outgoing: Outgoing
    settings: WireSettings
    body: bytes

    @property
    def destination(self) -> str:
        return partner_destination(self.outgoing.partner.id)

    @property
    def name(self) -> str:
        return self.outgoing.partner.name


def carry(post: Post, claimed: Claimed, outgoing: Outgoing, *, may_be_private: bool) -> Outside:
    """Call the partner, at the address and as agreed today, with what was promised then.

    Each try sends the same bytes: the partner knows a repeat when it sees one, so whatever happens in between, it is
    sent again until it is confirmed.
    """
    settings = outgoing.partner.agreed_wire()
    with post.db.reading() as session:
        code, token = (ours(session, outgoing.partner, name) for name in ("our_code", "our_token"))
    try:
        body = write(signed(outgoing.message, settings, code), Edition(settings.edition))
    except BadInput as wrong:
        raise Permanent(f"{wrong.field}: {wrong.message}") from wrong
    line = _Line(post, claimed, outgoing, settings, body)

    def talk() -> Finish:
        try:
            called = call(settings.address, body, settings=settings, token=token, may_be_private=may_be_private)
        except BadInput as wrong:
            raise Permanent(f"{outgoing.partner.name}: {wrong.message}") from wrong
        except NoAnswer as silence:
            _note(line, Called(silence.http_status or 0, silence.body, silence.took_ms), silence.message)
            raise TryLater(f"{line.name}: {silence.message}", down=line.destination) from silence
        return _conclude(line, called)

    return Outside(talk, recognised=True)


def signed(message: Message, settings: WireSettings, code: str | None) -> Message:
    """With what shows the partner who we are."""
    if not (settings.our_account or code):
        return message
    shown = Authentication(accountId=settings.our_account, securityCode=code or "")
    return replace(message, header=replace(message.header, requestingAgencyAuthentication=shown))


def _conclude(line: _Line, called: Called) -> Finish:
    """What is left to write. Raises what is to be done instead."""
    try:
        answer = answer_to(line.outgoing.message, called, line.settings, line.post.clock.now())
    except NotConfirmed as wrong:
        _note(line, called, wrong.message, reached=wrong.about_the_message)
        down = None if wrong.about_the_message else line.destination
        raise TryLater(f"{line.name}: {wrong.message}", down=down) from wrong
    if answer.confirmation.ok:
        return lambda session: _done(session, line, called, answer)
    return _refused(line, called, answer)


def _refused(line: _Line, called: Called, answer: Answer) -> Finish:
    error, outgoing = answer.confirmation, line.outgoing
    with line.post.db.reading() as session:
        tried, too_early = _tries(session, line.claimed)
    if outgoing.saying.what in ("Request", "Retry"):
        if (tried or line.claimed.left) and _is_there_already(error):
            taken = replace(error, messageStatus="OK", sentence=f"an earlier try had arrived: {error.sentence}")
            return lambda session: _done(session, line, called, replace(answer, confirmation=taken))
    elif _may_be_too_early(error) and too_early < NOT_YET_TIMES:
        _note(line, called, f"{NOT_YET}: {error.sentence}", answer.forgiven, reached=True)
        after = timedelta(seconds=_NOT_YET_AFTER[too_early])
        raise TryLater(f"{line.name}: {NOT_YET}: {error.sentence}", after=after)
    if word_of_error(outgoing, error) is None:
        _note(line, called, error.sentence, answer.forgiven, reached=True)
        raise Permanent(f"{line.name} answered: {error.sentence}")
    return lambda session: _done(session, line, called, answer)


def _is_there_already(error: Confirmation) -> bool:
    """Whether our request is refused because it is known: the first time it had arrived, and nobody had told us."""
    said = error.errorData
    if said is None or said.errorType != "UnrecognisedDataValue":
        return False
    return _OTHER_REQUEST.search(said.errorValue) is None and "requestid" in said.errorValue.casefold()


def _may_be_too_early(error: Confirmation) -> bool:
    """Whether it knows nothing of a request that it may be writing down at this moment."""
    said = error.errorData
    if said is None or said.errorType != "UnrecognisedDataValue":
        return False
    return not said.errorValue or "request" in said.errorValue.casefold()


def _tries(session: Session, claimed: Claimed) -> tuple[int, int]:
    """How often this was tried before, and how often of these too early."""
    mine = (Exchange.effect_id == claimed.id) & Exchange.incoming.is_(False)
    early = sa.func.coalesce(sa.func.sum(sa.case((Exchange.trouble.startswith(NOT_YET), 1), else_=0)), 0)
    tried, too_early = session.execute(sa.select(sa.func.count(), early).where(mine)).one()
    return int(tried), int(too_early)


def _done(session: Session, line: _Line, called: Called, answer: Answer) -> None:
    """It was taken in, or refused in a way that the request itself hears."""
    said, now = answer.confirmation, line.post.clock.now()
    outcome = f"{said.messageStatus} {said.sentence}".strip()
    row = remember_sent(session, line.outgoing, line.claimed, now, outcome)
    session.flush()
    trouble = "" if said.ok else said.sentence
    _write_exchange(session, line, called, trouble, answer.forgiven, message_id=row.id)
    end_pause(session, line.destination)
    if not said.ok:
        hear_error(session, line.outgoing, line.claimed, said, line.post.clock)


def _note(line: _Line, called: Called, trouble: str, forgiven: tuple[str, ...] = (), *, reached: bool = False) -> None:
    """Write down a try that came to nothing, whatever is written about the work itself."""
    with line.post.db.writing() as session:
        _write_exchange(session, line, called, trouble, forgiven)
        if reached:
            end_pause(session, line.destination)


def _write_exchange(
    session: Session, line: _Line, called: Called, trouble: str, forgiven: tuple[str, ...] = (),
    message_id: int | None = None,
) -> None:  # fmt: skip
    remember_exchange(
        session, incoming=False, said=line.body, answered=called.body, at=line.post.clock.now(), mask=mask,
        peer=line.settings.address, http_status=called.status or None, took_ms=called.took_ms,
        library_id=line.outgoing.library.id, partner_id=line.outgoing.partner.id, request_id=line.claimed.request_id,
        message_id=message_id, effect_id=line.claimed.id, forgiven=forgiven, trouble=trouble,
    )  # fmt: skip
