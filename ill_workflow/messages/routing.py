"""Which request a message is about, and which row of its table hears it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, IllError
from ill_workflow.libraries import Library
from ill_workflow.messages import asked_for
from ill_workflow.messages.content import (
    AgencyId,
    ErrorData,
    Message,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.hearing import Heard, hear_borrower, hear_lender
from ill_workflow.messages.kept import read_kept, to_dict
from ill_workflow.messages.lateness import as_heard_now
from ill_workflow.partners import Partner
from ill_workflow.requests import actions, former_lenders, intake, rota
from ill_workflow.requests.by import By
from ill_workflow.requests.consequences import promise_effects
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import LONGEST_CODE
from ill_workflow.requests.former_lenders import MORE
from ill_workflow.requests.intake import LONGEST_ID
from ill_workflow.requests.models import Attempt, Event, MessageRow
from ill_workflow.requests.models import Request as OurRequest
from state_machines.declaration import Action, Effect, Input
from state_machines.effects import send_message
from state_machines.foreseen import hearers, moves


class CannotTake(IllError):
    """The message can't be taken in."""

    def __init__(self, error: ErrorData) -> None:
        super().__init__(error.errorValue)
        self.error = error

    @property
    def outcome(self) -> str:
        """What is written on the message."""
        return f"ERROR {self.error.errorType} {self.error.errorValue}"


def take(
    session: Session, message: Message, library: Library, partner: Partner, clock: Clock
) -> tuple[OurRequest, str]:
    """Let a partner's message do what it does: the request that it is about, and which row it pulled.

    Raises CannotTake with the standard's error; then the transaction has to be rolled back.
    """
    by = By.a_partner(partner)
    try:
        match message:
            case Request():
                return _take_request(session, message, library, partner, by, clock)
            case RequestingAgencyMessage():
                return _take_from_a_borrower(session, message, partner, by, clock)
            case SupplyingAgencyMessage():
                return _take_from_a_lender(session, message, library, partner, by, clock)
    except BadInput as wrong:
        element = "offeredCosts" if wrong.field in ("cost", "amount", "currency") else wrong.field
        value = f"{element}: {wrong.message}" if element else wrong.message
        raise CannotTake(ErrorData(errorType="UnrecognisedDataValue", errorValue=value)) from None


def request_meant(
    session: Session, partner: Partner, wire_id: str, *, asks: AgencyId | None, by_a_lender: bool
) -> int | None:  # fmt: skip
    """About which request a partner speaks, whether or not what it says of it can be taken in."""
    if not wire_id.strip():
        return None
    if by_a_lender:
        attempt = _attempt(session, partner, wire_id)
        return attempt.request_id if attempt else None
    known = _asked_by(session, partner, asks, wire_id)
    return known.id if known else None


def hear(session: Session, request: OurRequest, heard: Heard, *, by: By, clock: Clock) -> actions.Outcome:
    """Pull the first row that hears one of the words and may be pulled now; the last is `partner_informs`."""
    rows = hearers(lifecycle_of(request), request.state, heard.words)
    told = ((row, _inputs(row, heard)) for row in rows)
    complete = ((row, inputs) for row, inputs in told if all(n.name in inputs for n in row.needs if n.required))
    outcome = actions.take_first(session, request, complete, by=by, clock=clock)
    if outcome is None:
        raise AssertionError("partner_informs hears everything in every state")
    return outcome


def _inputs(row: Action, heard: Heard) -> dict[str, Any]:
    """What came along, as far as a row asks for it."""
    inputs = {need.name: _fitted(need, heard.values[need.name]) for need in row.needs if need.name in heard.values}
    return {name: value for name, value in inputs.items() if value not in (None, "", [])}


def _fitted(need: Input, value: Any) -> Any:
    """What a partner says is cut to what we can keep, and not refused; half a barcode would be none."""
    match need.type:
        case "texts" | "barcodes":
            return [fitted for v in value if (fitted := _fitted(replace(need, type="text"), v))]
        case "currency":
            code = str(value).strip().upper()
            return code if re.fullmatch(r"[A-Z]{3}", code) else None
        case "code":
            text = _plain(str(value)).strip()
            return text if len(text) <= need.longest else None
        case "text" | "lines":
            return _plain(str(value), lines=need.type == "lines").strip()[: need.longest]
        case _:
            return value


def _plain(text: str, *, lines: bool = False) -> str:
    """Without control characters."""
    return "".join(c if (lines and c in "\r\n") or unicodedata.category(c) not in ("Cc", "Cs") else " " for c in text)


def _wrong_id(why: str) -> CannotTake:
    return CannotTake(ErrorData(errorType="UnrecognisedDataValue", errorValue=f"requestingAgencyRequestId: {why}"))


def _unknown(wire_id: str) -> CannotTake:
    shown = wire_id if len(wire_id) <= LONGEST_ID else f"{wire_id[:LONGEST_CODE]}…"
    return _wrong_id(f"there is no request {shown!r} of this agency" if wire_id.strip() else "it is empty")


def _take_request(
    session: Session, message: Request, library: Library, partner: Partner, by: By, clock: Clock
) -> tuple[OurRequest, str]:
    """A new request, a retry that is linked to the first, or a reminder that is answered with the status."""
    service, wire_id = message.serviceInfo, message.header.requestingAgencyRequestId
    asks = message.header.requestingAgencyId
    known = _asked_by(session, partner, asks, wire_id) if wire_id.strip() else None
    if not wire_id.strip() or (known is None and service.requestType == "Reminder"):
        raise _unknown(wire_id)
    if len(wire_id) > LONGEST_ID or wire_id != _plain(wire_id):
        raise _wrong_id(f"it has more than {LONGEST_ID} characters, or control characters among them")
    if known is not None and not _is_asked_anew(message, known):
        if service.requestType == "New" and not _says_the_same(session, message, known):
            raise _wrong_id(f"{wire_id!r} exists already, with other content")
        request = actions.locked(session, known.id)
        note = asked_for.note_of(message) if service.requestType != "New" else ""
        reminded = Heard(("StatusRequest",), {"note": note} if note else {}, asks_status=True)
        outcome = hear(session, request, reminded, by=by, clock=clock)
        _answer_with_the_status(session, request, outcome, by)
        return request, f"OK {outcome.trigger}"
    first = service.requestingAgencyPreviousRequestId
    follows = _asked_by(session, partner, asks, first) if first and first != wire_id else known
    fields, kind, note = asked_for.fields_of(message, partner)
    request = intake.lend(
        session, library, partner, fields, by=by, clock=clock, partner_request_id=wire_id, service=kind,
        partner_note=note, follows=follows,
    )  # fmt: skip
    if parcel_to := asked_for.delivery_address(message, partner):
        request.parcel_to = parcel_to
    return request, "OK create"


def _asked_by(
    session: Session, partner: Partner, asks: AgencyId | None, wire_id: str, *, to_act: bool = False
) -> OurRequest | None:
    """The request of an agency under its id. Libraries behind the same broker may use the same one.

    Of what the broker asked in its own name, and of what was typed in by hand, nobody knows better who asked.
    """
    wire = partner.agreed_wire()
    found = intake.all_lending(session, partner, wire_id, to_act=to_act)
    if not wire.broker or asks is None:
        return next(iter(found), None)
    name, any_of_them = _name(asks), {"", (wire.agency or partner.code).casefold()}
    who = [(_who_asked(session, one), one) for one in found]
    unclear = [one for named, one in who if named in any_of_them or name in any_of_them]
    return next((one for named, one in who if named == name), next(iter(unclear), None))


def _who_asked(session: Session, request: OurRequest) -> str:
    asked = sa.select(MessageRow.content).where(
        MessageRow.request_id == request.id, MessageRow.incoming, MessageRow.kind.startswith("Request ")
    )
    said = session.scalar(asked.order_by(MessageRow.id).limit(1))
    return _name(read_kept(said).header.requestingAgencyId) if said else ""


def _name(agency: AgencyId) -> str:
    return agency.agencyIdValue.strip().casefold()


def _is_asked_anew(message: Request, known: OurRequest) -> bool:
    """Some keep the id when they ask again: what was refused before is then a request of its own."""
    return message.serviceInfo.requestType == "Retry" and known.state in lifecycle_of(known).expand(("REFUSED",))


def _says_the_same(session: Session, message: Request, known: OurRequest) -> bool:
    """Whether a request that is sent once more is the one that we know, whenever that was said."""
    rows = sa.select(MessageRow.content).where(MessageRow.request_id == known.id, MessageRow.incoming)
    first = session.scalar(rows.order_by(MessageRow.id).limit(1))
    kept = read_kept(first) if first else None
    if not isinstance(kept, Request):
        return True  # typed in by hand: as far as anybody can tell
    then = replace(kept, header=replace(kept.header, timestamp=message.header.timestamp))
    return to_dict(then) == to_dict(message)


def _take_from_a_borrower(
    session: Session, message: RequestingAgencyMessage, partner: Partner, by: By, clock: Clock
) -> tuple[OurRequest, str]:
    wire_id = message.header.requestingAgencyRequestId
    asks = message.header.requestingAgencyId
    request = _asked_by(session, partner, asks, wire_id, to_act=True) if wire_id.strip() else None
    if request is None:
        raise _unknown(wire_id)
    heard = as_heard_now(session, request, message, hear_borrower(message), partner.id, by.who)
    outcome = hear(session, request, heard, by=by, clock=clock)
    if heard.asks_status:
        _answer_with_the_status(session, request, outcome, by)
    return request, f"OK {outcome.trigger}"


def _take_from_a_lender(
    session: Session, message: SupplyingAgencyMessage, library: Library, partner: Partner, by: By, clock: Clock
) -> tuple[OurRequest, str]:
    wire_id = message.header.requestingAgencyRequestId
    attempt = _attempt(session, partner, wire_id)
    if attempt is None:
        raise _unknown(wire_id)
    request = actions.locked(session, attempt.request_id)
    heard = hear_lender(message, library.zone, of_a_branch=partner.transport == "local")
    if message.messageInfo.reasonForMessage == "StatusRequestResponse":
        heard = _only_what_moves(request, heard)
    heard = _with_the_supplier(message, partner, heard)
    if asked_for.is_known(heard.values.get("parcel_to", ""), partner):
        heard = replace(heard, values={name: value for name, value in heard.values.items() if name != "parcel_to"})
    heard = as_heard_now(session, request, message, heard, partner.id, by.who)
    if attempt.wire_id == request.wire_id:
        # What the lender calls it may be what its label says: a scan finds it by that.
        named = message.header.supplyingAgencyRequestId or ""
        if named.strip() and len(named) <= LONGEST_ID and named == _plain(named):
            request.partner_request_id = named
        outcome = hear(session, request, heard, by=by, clock=clock)
        return request, f"OK {outcome.trigger}"
    return request, _from_a_former_lender(session, request, attempt, heard, by, clock)


def _attempt(session: Session, partner: Partner, wire_id: str) -> Attempt | None:
    """What we asked of this partner under an id; some give it back with a suffix of their own."""
    own = _SUFFIX.sub("", wire_id) if partner.agreed_wire().id_suffix else wire_id
    rows = sa.select(Attempt).where(Attempt.partner_id == partner.id, Attempt.wire_id.in_({wire_id, own}))
    return session.scalar(rows.order_by(sa.func.length(Attempt.wire_id).desc()).limit(1))


_SUFFIX = re.compile(r"~\d+$")


def _with_the_supplier(message: SupplyingAgencyMessage, partner: Partner, heard: Heard) -> Heard:
    """Behind a broker stands whoever supplies: that is kept in words, where the message says something at all."""
    settings, supplier = partner.agreed_wire(), message.header.supplyingAgencyId.agencyIdValue.strip()
    known = {name.lower() for name in (settings.agency, partner.code) if name}
    note = str(heard.values.get("note", ""))
    moves = heard.words and heard.words[0] not in _SAYS_NOTHING_NEW
    if not settings.broker or not supplier or supplier.lower() in known or "supplier:" in note.lower():
        return heard
    if not moves and not note:
        return heard
    return replace(heard, values={**heard.values, "note": f"{note}\nSupplier: {supplier}".strip()})


#: What every request hears, and nobody has to read.
_SAYS_NOTHING_NEW = ("RequestReceived", "Notification", "")


def _from_a_former_lender(
    session: Session, request: OurRequest, attempt: Attempt, heard: Heard, by: By, clock: Clock
) -> str:
    """Recorded, and moves nothing; but one that has sent something is the current one again, while no item is here."""
    another = former_lenders.another_item(request)
    if heard.item_was_sent and another and "CopyCompleted" not in heard.words:
        return _second_parcel(session, request, attempt, heard, by, clock)
    if not heard.item_was_sent or another:
        said = heard.words[0] if heard.words else heard.values.get("status", "nothing new")
        told = {**heard.values, "note": f"{by.who}, asked before, says: {said}. {heard.values.get('note', '')}"}
        outcome = hear(session, request, Heard((), told), by=by, clock=clock)
        return f"OK {outcome.trigger}"
    meantime = former_lenders.take_up(session, request, attempt)
    outcome = hear(session, request, heard, by=by, clock=clock)
    former_lenders.tell(session, request, outcome, meantime, by)
    return f"OK {outcome.trigger}"


def _second_parcel(session: Session, request: OurRequest, attempt: Attempt, heard: Heard, by: By, clock: Clock) -> str:
    """Another lender's item is coming, here, or has been here: this one gets a half of its own, to be routed home."""
    told = {"note": f"{by.who}, asked before, has sent the item as well. It gets a request of its own."}
    hear(session, request, Heard((), told), by=by, clock=clock)
    second = intake.second_parcel(session, request, attempt, by=by, clock=clock)
    outcome = hear(session, second, heard, by=by, clock=clock)
    return f"OK {outcome.trigger} of {second.reference}"


def _only_what_moves(request: OurRequest, heard: Heard) -> Heard:
    """The answer to a StatusRequest makes up for a message that was lost, and repeats nothing that is known."""
    if moves(lifecycle_of(request), request.state, heard.words):
        return heard
    return Heard((), heard.values)


def _answer_with_the_status(session: Session, request: OurRequest, outcome: actions.Outcome, by: By) -> None:
    _add_effects(session, request, outcome, (send_message("StatusRequestResponse"),), by)


def _add_effects(
    session: Session, request: OurRequest, outcome: actions.Outcome, effects: Sequence[Effect], by: By
) -> None:
    event, current = session.get_one(Event, outcome.event_id), rota.current_attempt(session, request)
    promise_effects(session, request, tuple(effects), event, by=by, inputs={}, attempt=current, first=MORE)
