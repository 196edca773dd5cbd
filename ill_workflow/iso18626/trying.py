"""Tries the connection to a partner: it is asked about a request that nobody has, so that nothing is left there."""

import re
import secrets
from dataclasses import dataclass, replace

from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, IllError
from ill_workflow.iso18626.answers import NotConfirmed, answer_to
from ill_workflow.iso18626.calling import Called, NoAnswer, call
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.sending import signed
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import Confirmation, Header, RequestingAgencyMessage
from ill_workflow.messages.exchanges import remember_exchange
from ill_workflow.messages.transports import agencies
from ill_workflow.partner_secrets import ours
from ill_workflow.partners import Partner
from ill_workflow.pauses import end_pause, partner_destination

#: Seconds for which somebody waits in front of a page.
LONGEST_WAIT = 15
_AN_AGENCY = re.compile(r"(?:supplying|requesting)AgencyId\b", re.IGNORECASE)


@dataclass(frozen=True)
class Tried:
    """It takes what we say."""

    took_ms: int
    confirmed: bool  #: though there is no such request: it may not look


class NotTaken(IllError):
    """The partner can be called, but does not take what we say."""

    status = 502


def try_connection(db: Database, partner_id: int, clock: Clock, *, may_be_private: bool) -> Tried:
    """Ask how a request stands that doesn't exist, as we would say anything else; the call is written down.

    Raises BadInput where our own settings are wrong, else NoAnswer, NotConfirmed or NotTaken with what to look at.
    """
    with db.reading() as session:
        partner = session.get_one(Partner, partner_id)
        if partner.transport != "iso18626":
            raise BadInput(f"{partner.name} is not called by us: it does not speak ISO 18626.", field="transport")
        settings, (us, them) = partner.agreed_wire(), agencies(partner, partner.library)
        code, token = (ours(session, partner, name) for name in ("our_code", "our_token"))
        library_id = partner.library_id
    settings = replace(settings, patience_seconds=min(settings.patience_seconds, LONGEST_WAIT))
    header = Header(
        supplyingAgencyId=them, requestingAgencyId=us, timestamp=clock.now(),
        requestingAgencyRequestId=f"TRY-{secrets.token_hex(4)}",
    )  # fmt: skip
    question = RequestingAgencyMessage(
        header=header, action="StatusRequest", note="This only tries the connection. There is no such request."
    )
    body = write(signed(question, settings, code), Edition(settings.edition))

    def note(called: Called, trouble: str = "", *, reached: bool = False) -> None:
        with db.writing() as session:
            remember_exchange(
                session, incoming=False, said=body, answered=called.body, at=clock.now(), mask=mask,
                peer=settings.address, http_status=called.status or None, took_ms=called.took_ms,
                library_id=library_id, partner_id=partner_id, trouble=trouble,
            )  # fmt: skip
            if reached:  # what waits for it need wait no longer
                end_pause(session, partner_destination(partner_id))

    try:
        called = call(settings.address, body, settings=settings, token=token, may_be_private=may_be_private)
        answer = answer_to(question, called, settings, clock.now())
    except NoAnswer as silence:
        note(Called(silence.http_status or 0, silence.body, silence.took_ms), silence.message)
        raise
    except NotConfirmed as wrong:
        note(called, wrong.message, reached=wrong.about_the_message)
        raise
    trouble = _trouble(answer.confirmation)
    note(called, trouble.message if trouble else "", reached=True)
    if trouble is not None:
        raise trouble
    return Tried(called.took_ms, answer.confirmation.ok)


def _trouble(said: Confirmation) -> NotTaken | None:
    """What is wrong, but that it has no such request."""
    error = said.errorData
    if said.ok:
        return None
    if error is not None and _AN_AGENCY.search(error.errorValue):
        return NotTaken(f"It does not know one of us by its id: {said.sentence}. Look at the ids that were agreed.")
    if error is not None and error.errorType in ("UnrecognisedDataValue", "UnsupportedActionType"):
        return None
    return NotTaken(f"It takes calls, and refuses what we say: {said.sentence}.")
