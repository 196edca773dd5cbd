"""What a step brings besides its new state: ledger lines now, promised work after the commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.fees import Ledger, Sign
from ill_workflow.outbox import Promise, promise
from ill_workflow.partners import Partner
from ill_workflow.pauses import CIRCULATION, MAIL, SLIPS, partner_destination
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import as_json, from_json
from ill_workflow.requests.models import Attempt, Event, Piece, Request, Slip
from state_machines.declaration import Effect, Entry, Inputs

#: What the bill for a lost item consists of.
LOST_KINDS = {"replacement": ("replacement", "processing")}

#: What is written down of a request with what it promises.
TOLD = (
    "reference", "partner_request_id", "service", "title", "author", "isbn", "issn", "publisher", "year", "volume",
    "pages", "article_title", "partner_note", "need_by", "state", "previous_state", "lender_due", "patron_due",
    "return_by", "item_barcode", "call_number", "conditions", "cost", "carrier", "tracking", "notice_level", "on_paper",
    "reply_by", "offered_reason", "loan_seen", "location", "piece_count", "parcel_to",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """To whom a request had been sent, and under which id."""

    partner_id: int | None
    wire_id: str | None


def write_entries(
    session: Session, request: Request, entries: tuple[Entry, ...], event: Event, inputs: Inputs, now: datetime
) -> None:
    """Add the ledger lines of a step. Raises BadInput for a settlement of more than is open."""
    ledger = Ledger(session, request.library_id, request.id)
    note = str(inputs.get("note") or inputs.get("reason") or "")
    for entry in entries:
        match entry.do:
            case "assess":
                _assess(ledger, request, entry, event, inputs, now, note)
            case "bill":
                _bill(ledger, request, entry, event, inputs, now, note)
            case "reverse":
                ledger.reverse(
                    at=now, event_id=event.id, provisional=entry.provisional, kinds=entry.kinds, note=event.label
                )
            case "pay" | "waive":
                sign = Sign.PAYMENT if entry.do == "pay" else Sign.WAIVER
                ledger.settle(sign, inputs["amount"], at=now, event_id=event.id, note=note)


def promise_effects(
    session: Session,
    request: Request,
    effects: tuple[Effect, ...],
    event: Event,
    *,
    by: By,
    inputs: Mapping[str, Any],
    former: Asked | None = None,
    attempt: Attempt | None = None,
    first: int = 0,
) -> list[int]:
    """Promise the work of a step. What partners and patrons will be told is written down as it is now."""
    asked = Asked(attempt.partner_id, attempt.wire_id) if attempt else Asked(request.partner_id, None)
    told = as_json({name: getattr(request, name) for name in TOLD})
    charged = Ledger(session, request.library_id, request.id).charged_by(event.id) if _tells_amounts(effects) else {}
    pieces = _pieces(session, request) if any(effect.kind in DRAWN for effect in effects) else []
    promises = []
    for number, effect in enumerate(effects, start=first):
        if effect.kind == "notify_patron" and request.patron_id is None:
            continue
        to = former if effect.to_former and former else asked
        if effect.kind == "send_message" and to.partner_id is None:
            continue
        payload: dict[str, Any] = {}
        if effect.kind != "schedule_due_date_check":
            payload = {
                "request": told,
                "inputs": as_json(_ours(request, inputs, event, by) if effect.kind == "send_message" else inputs),
                "source": event.source,
                "partner": to.partner_id,
                "wire_id": to.wire_id,
                "follows": attempt.follows if attempt else None,
                "account": by.account.id if by.account else None,
                "charged": as_json(charged),
                "currency": request.partner.currency if request.partner else request.library.currency,
                "at": event.at.isoformat(),
                "pieces": pieces,
            }
        if effect.kind in DRAWN:
            payload["look"] = request.library.slip_look(effect.argument)
        if effect.kind == "generate_slip":
            session.add(_slip(request, effect, event))
        reader = _reader(request, effect, event)
        promises.append(
            Promise(
                kind=effect.kind,
                argument=effect.argument,
                dedupe_key=f"e{event.id}:{number}",
                library_id=request.library_id,
                request_id=request.id,
                event_id=event.id,
                payload=payload,
                lane=_lane(request, effect, to),
                destination=_destination(session, effect, to),
                reader=reader,
                delay=timedelta(minutes=request.library.digest_minutes) if reader else _behind(by, effect, to),
            )
        )
    return promise(session, promises)


def _slip(request: Request, effect: Effect, event: Event) -> Slip:
    """Known from now on, so that it can be printed whether or not a worker has drawn it."""
    return Slip(
        library_id=request.library_id, request_id=request.id, event_id=event.id, layout=effect.argument, at=event.at
    )


def sooner(request_before: Mapping[str, Any], patron_due: date | None) -> bool:
    """Whether an event, by what it wrote over, has brought the patron's due date forward."""
    before = from_json(request_before.get("patron_due"))
    return before is not None and patron_due is not None and patron_due < before


def _reader(request: Request, effect: Effect, event: Event) -> str | None:
    """For whom a notice waits, to be told in one mail with others; nobody where it goes by itself and at once."""
    library, patron = request.library, request.patron
    if not library.digest_minutes:
        return None
    if effect.kind == "alert_staff" and library.email:
        return f"staff:{library.id}"
    if effect.kind == "notify_patron" and patron and patron.email and effect.argument not in ALONE:
        declined = patron.declines(effect.argument, sooner=sooner(event.before, request.patron_due))
        return None if declined else f"patron:{patron.id}"
    return None


def _pieces(session: Session, request: Request) -> list[str]:
    rows = sa.select(Piece.barcode).where(Piece.request_id == request.id).order_by(Piece.id)
    return list(session.scalars(rows))


#: Kinds for which a slip is drawn.
DRAWN = ("generate_slip", "email_slip")
#: Notices that go by themselves, and at once: this one brings what was asked for along.
ALONE = ("document",)
#: Kinds whose work for one request is done in the order in which it was promised.
IN_ORDER = ("send_message", "circulation")
#: Where work goes, by its kind; a message goes the way of its partner.
DESTINATIONS = {
    "notify_patron": MAIL, "alert_staff": MAIL, "email_slip": MAIL, "generate_slip": SLIPS, "circulation": CIRCULATION,
}  # fmt: skip


def _lane(request: Request, effect: Effect, to: Asked) -> str | None:
    """Messages of a request are in order for each partner: one that is down does not hold up the next one's."""
    if effect.kind not in IN_ORDER:
        return None
    return f"{effect.kind}:{request.id}" + (f":{to.partner_id}" if effect.kind == "send_message" else "")


def _ours(request: Request, inputs: Mapping[str, Any], event: Event, by: By) -> Mapping[str, Any]:
    """What we may tell: a partner is told neither what stays here, nor in our answer what it wrote itself."""
    row = lifecycle_of(request).pulled(event.row, event.trigger)
    left_out = {need.name for need in (row.needs if row else ()) if need.internal}
    if by.partner is not None or event.trigger.startswith("partner_"):
        left_out |= {"note", "reason"}
    return {name: value for name, value in inputs.items() if name not in left_out}


def _destination(session: Session, effect: Effect, to: Asked) -> str:
    if effect.kind != "send_message" or to.partner_id is None:
        return DESTINATIONS.get(effect.kind, "")
    match session.get_one(Partner, to.partner_id).transport:
        case "email":
            return MAIL
        case "iso18626":
            return partner_destination(to.partner_id)
        case _:
            return ""


def _behind(by: By, effect: Effect, to: Asked) -> timedelta:
    """What we say to a partner that is being answered leaves a little after the answer: it may know of nothing yet."""
    partner = by.partner
    if (
        partner is None
        or effect.kind != "send_message"
        or (partner.id, partner.transport) != (to.partner_id, "iso18626")
    ):
        return timedelta(0)
    return timedelta(milliseconds=partner.agreed_wire().answer_after_ms)


def _tells_amounts(effects: tuple[Effect, ...]) -> bool:
    return any(effect.argument in ("Lost", "Damaged", "billed", "declared_lost", "lost") for effect in effects)


def _assess(
    ledger: Ledger, request: Request, entry: Entry, event: Event, inputs: Inputs, now: datetime, note: str
) -> None:
    if request.partner is None:
        return
    fees = request.partner.agreed_fees()
    for kind in entry.kinds:
        amount: Decimal = inputs.get("amount", getattr(fees, kind))
        ledger.charge(
            kind, amount, request.partner.currency, at=now, event_id=event.id, provisional=entry.provisional, note=note
        )


def _bill(
    ledger: Ledger, request: Request, entry: Entry, event: Event, inputs: Inputs, now: datetime, note: str
) -> None:
    """A final charge; a partner that names no amount leaves what was assessed, or the agreed fee, standing."""
    amount = inputs.get("amount", inputs.get("cost"))
    usual = request.partner.currency if request.partner else request.library.currency
    currency = str(inputs.get("currency") or usual).upper()
    kinds = entry.kinds or LOST_KINDS.get(inputs["kind"], (inputs["kind"],))
    if amount is not None:
        # An item is lost once: what the lender says last about it replaces what it said before.
        final_too = kinds[0] in LOST_KINDS
        ledger.bill(kinds, amount, currency, at=now, event_id=event.id, note=note, final_too=final_too)
    elif not ledger.has_charged(kinds):
        assess = Entry("assess", kinds, provisional=True)
        _assess(ledger, request, assess, event, inputs, now, note)
