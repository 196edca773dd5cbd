"""Carries messages to partners: handed over to a branch of this installation, called over HTTP, or a plain mail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import Refused
from ill_workflow.libraries import Library
from ill_workflow.mail import own
from ill_workflow.mail.letters import LetterValues
from ill_workflow.mail.sending import Draft, LinkOfCopy, Post, attached_copy, send_as_one
from ill_workflow.mail.sentences import name_of_message
from ill_workflow.mail.values import values_of
from ill_workflow.messages.content import AgencyId, Confirmation, Message
from ill_workflow.messages.hearing import Heard
from ill_workflow.messages.inbound import kind_of, receive
from ill_workflow.messages.kept import read_kept, to_dict
from ill_workflow.messages.letter import lines_of
from ill_workflow.messages.outbound import Saying, borrower_says, lender_says
from ill_workflow.messages.patron_told import with_patron
from ill_workflow.messages.routing import hear
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent
from ill_workflow.partners import Partner, partner_for_library
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import BORROWING, MessageRow, Request


@dataclass(frozen=True)
class Outgoing:
    """A message with its two ends."""

    message: Message
    partner: Partner
    library: Library
    side: str
    saying: Saying


class TakesIn(Protocol):
    """Takes in a message at the other end, in the transaction that marks it sent; usually `inbound.receive`."""

    def __call__(
        self, session: Session, message: Message, *, partner: Partner, identity: str, transport: str, clock: Clock
    ) -> Confirmation: ...


#: Calls a partner with a message.
Calls = Callable[[Outgoing], Outside]


def send(
    post: Post, claimed: Claimed, take_in: TakesIn = receive, *, over_http: Calls | None = None
) -> Finish | Outside:
    """Carry one message over the partner's transport; what is to be written once it has arrived."""
    clock = post.clock
    with post.db.reading() as session:
        outgoing = compose(session, claimed, post.link_of_copy)
    if outgoing.partner.transport == "local":
        return lambda session: _hand_over(session, outgoing, claimed, clock, take_in)
    if outgoing.partner.transport == "iso18626":
        if over_http is None:
            raise Permanent(f"Nothing here can call {outgoing.partner.name}.")
        return over_http(outgoing)

    def write(session: Session, told: Sequence[Claimed]) -> Draft:
        partner, library, language = outgoing.partner, outgoing.library, language_of(outgoing)
        name = name_of_message(claimed.argument)
        written = own.write(session, library, name, language, values_of_message(outgoing, claimed, language))
        return Draft("partner", partner.id, name, partner.email, written, attached_copy(claimed))

    def remember(session: Session, message_id: str) -> None:
        remember_sent(session, outgoing, claimed, clock.now(), f"mail {message_id}")

    return send_as_one(post, [claimed], write, remember)


def language_of(outgoing: Outgoing) -> str:
    """The language of letters to this partner."""
    return outgoing.partner.language or outgoing.library.language


def values_of_message(outgoing: Outgoing, claimed: Claimed, language: str) -> LetterValues:
    """What a letter to a partner says, line by line."""
    values = values_of(claimed, outgoing.library, outgoing.partner, outgoing.saying.wire_id, language=language)
    return replace(values, lines=lines_of(outgoing.message, language))


def compose(session: Session, claimed: Claimed, link_of_copy: LinkOfCopy | None = None) -> Outgoing:
    """What is to be said. Raises Permanent where a file can't be fetched from us."""
    payload = claimed.payload
    request = session.get_one(Request, claimed.request_id)
    partner, library = session.get_one(Partner, payload["partner"]), session.get_one(Library, request.library_id)
    told = from_json(payload["request"])
    lending = request.side != BORROWING
    us, them = _agencies(session, request, partner, library)
    wire_id = (told["partner_request_id"] or told["reference"]) if lending else payload["wire_id"] or told["reference"]
    at, their_id = datetime.fromisoformat(payload["at"]), None
    if not lending:
        their_id = told["partner_request_id"] or _their_former_id(session, request, partner, wire_id, at)
    over_http, wire = partner.transport == "iso18626", partner.agreed_wire()
    saying = Saying(
        what=claimed.argument,
        told=told,
        inputs=from_json(payload["inputs"]),
        charged=from_json(payload["charged"]),
        currency=payload["currency"],
        source=payload["source"],
        wire_id=wire_id,
        follows=payload["follows"],
        at=at,
        zone=library.zone,
        our_agency=us,
        partner_agency=them,
        their_id=their_id,
        return_name=library.name,
        return_address=library.address,
        link_of_copy=link_of_copy if partner.transport == "iso18626" else None,
        our_email=library.email,
        says_who_asks=over_http,
        edition=wire.edition if over_http else "2021",
        marks=over_http and wire.marks,
    )
    try:
        message = lender_says(saying) if lending else with_patron(borrower_says(saying), request.patron, partner)
    except Refused as wrong:
        raise Permanent(wrong.message) from None
    return Outgoing(message, partner, library, request.side, saying)


def agencies(partner: Partner, library: Library) -> tuple[AgencyId, AgencyId]:
    """Who we are and who the partner is, as was agreed."""
    wire = partner.agreed_wire()
    us = AgencyId(
        agencyIdType=wire.our_agency_type or library.agency_type,
        agencyIdValue=wire.our_agency or library.agency or library.code,
    )
    return us, AgencyId(agencyIdType=wire.agency_type, agencyIdValue=wire.agency or partner.code)


def _agencies(session: Session, request: Request, partner: Partner, library: Library) -> tuple[AgencyId, AgencyId]:
    """Who we are and who the partner is, in the words that it knows."""
    if partner.transport != "iso18626":
        other = session.get(Library, partner.local_library_id) if partner.local_library_id else None
        return AgencyId(agencyIdValue=library.code), AgencyId(agencyIdValue=other.code if other else partner.code)
    us, them = agencies(partner, library)
    # What it has asked is answered with the names that stood there: a broker may have asked for somebody behind it.
    asked = request.side != BORROWING and session.scalar(
        sa.select(MessageRow.content)
        .where(MessageRow.request_id == request.id, MessageRow.partner_id == partner.id, MessageRow.incoming)
        .where(MessageRow.kind.startswith("Request "))
        .order_by(MessageRow.id)
        .limit(1)
    )
    if not asked:
        return us, them
    said = read_kept(asked).header
    named = said.supplyingAgencyId if said.supplyingAgencyId.agencyIdValue else us
    return named, said.requestingAgencyId


def _their_former_id(
    session: Session, request: Request, partner: Partner, wire_id: str, promised_at: datetime
) -> str | None:
    """What a lender asked before has called it. The present one's id was written down with the promise: each try is
    to say the same."""
    if wire_id == request.wire_id:
        return None
    rows = sa.select(MessageRow.content).where(
        MessageRow.request_id == request.id,
        MessageRow.partner_id == partner.id,
        MessageRow.incoming,
        MessageRow.at <= promised_at,
    )
    for content in session.scalars(rows.order_by(MessageRow.id.desc())):
        header = content["header"]
        if header["requestingAgencyRequestId"].partition("~")[0] == wire_id and header.get("supplyingAgencyRequestId"):
            return str(header["supplyingAgencyRequestId"])
    return None


def _hand_over(session: Session, outgoing: Outgoing, claimed: Claimed, clock: Clock, take_in: TakesIn) -> None:
    """The other half hears it in the transaction that marks the message sent."""
    ours = partner_for_library(session, outgoing.partner.local_library_id or 0, outgoing.library.id)
    if ours is None:
        raise Permanent(f"{outgoing.partner.name} has no entry for {outgoing.library.name} in its list of partners.")
    answer = take_in(
        session, outgoing.message, partner=ours, identity=f"effect:{claimed.id}", transport="local", clock=clock
    )
    remember_sent(session, outgoing, claimed, clock.now(), f"{answer.messageStatus} {answer.sentence}")
    if not answer.ok:
        hear_error(session, outgoing, claimed, answer, clock)


def word_of_error(outgoing: Outgoing, answer: Confirmation) -> str | None:
    """A partner that can't take our request can't supply; one that knows nothing of it has nothing to cancel."""
    what = outgoing.saying.what
    if outgoing.side == BORROWING and what in ("Request", "Retry"):
        return "ERROR to our request"
    if outgoing.side == BORROWING and what == "Cancel" and answer.knows_no_such_request:
        return "ERROR to our Cancel"
    return None


def hear_error(session: Session, outgoing: Outgoing, claimed: Claimed, answer: Confirmation, clock: Clock) -> None:
    """Let the request hear an ERROR that tells it something. Raises Permanent where a person has to look."""
    word = word_of_error(outgoing, answer)
    if word is None:
        raise Permanent(f"{outgoing.partner.name} answered: {answer.sentence}")
    request = actions.locked(session, claimed.request_id or 0)
    if request.wire_id == outgoing.saying.wire_id:
        heard = Heard((word,), {"note": answer.sentence})
        hear(session, request, heard, by=By.a_partner(outgoing.partner), clock=clock)


def remember_sent(session: Session, outgoing: Outgoing, claimed: Claimed, at: datetime, outcome: str) -> MessageRow:
    """Keep what was said to a partner, and what it said to that."""
    row = MessageRow(
        library_id=outgoing.library.id, request_id=claimed.request_id, partner_id=outgoing.partner.id,
        incoming=False, identity=f"effect:{claimed.id}", kind=kind_of(outgoing.message),
        transport=outgoing.partner.transport, content=to_dict(outgoing.message), outcome=outcome,
        effect_id=claimed.id, at=at,
    )  # fmt: skip
    session.add(row)
    return row
