"""Which states of the two halves agree once everything has arrived and the calendar has come to rest, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.fees import LedgerLine
from ill_workflow.libraries import Library
from ill_workflow.outbox import DEAD, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests import rota
from ill_workflow.requests.intake import all_lending
from ill_workflow.requests.models import Attempt, Event, MessageRow, Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from tests.stateful.place import Place
from tests.stateful.world import World

#: Borrowing state (or group): lending states (or groups) that fit, each with the reason.
AGREE: dict[str, dict[str, str]] = {
    "PREPARING": {
        "REFUSED": "the lender fell away, and a person decides how to go on",
        "completed": "the lender called a loan complete that never came, and a person looks at it",
    },
    "needs_review": {"damaged, and back": "it went home before it came, and a damage is claimed; a person looks at it"},
    "request_sent": {"new": "the lender has not looked at it yet"},
    "conditional": {"conditional": "the condition waits for our answer"},
    "retry_offered": {"retry_offered": "the offer waits for our answer; the lender is done with this request"},
    "will_supply": {
        "will_supply": "promised",
        "being_processed": "on its way to the shelf",
    },
    "INBOUND": {
        "shipped": "on its way",
        "renewed": "its time was extended on the way",
        "recalled": "wanted back before it came; kept for Receive",
        "overdue": "its day passed on the way; kept for Receive",
        "damaged": "the lender claims a damage; the loan goes on",
    },
    "received": {"received_by_partner": "here", "renewed": "here, with a later day", "damaged": "a claim beside"},
    "on_loan": {"received_by_partner": "here", "renewed": "here, with a later day", "damaged": "a claim beside"},
    "renewed": {"renewed": "both know the new day", "damaged": "a claim beside"},
    "renewal_requested": {"renewal_requested": "a person at the lender has to answer"},
    "renewal_denied": {
        "received_by_partner": "it stays as it was",
        "renewed": "an earlier renewal holds, another was denied",
        "damaged": "a claim ended what was asked",
    },
    "overdue": {
        "overdue": "the day has passed for both",
        "renewal_requested": "asked and not answered; the day has passed meanwhile",
        "damaged": "the day has passed; the lender claims a damage",
    },
    "recalled": {
        "recalled": "wanted back",
        "damaged": "wanted back, and damaged",
    },
    "return_in_transit": {
        "ON_LOAN": "the patron has brought it back; the lender hears when it is sent",
        "damaged": "the same, with a claim beside",
        "lost": "found again; the lender was told, and waits for it",
        "returned_by_partner": "called lost on its way back, and found here again; the lender waits for it",
    },
    "returned": {
        "returned_by_partner": "on its way home",
        "damaged": "on its way home, with a claim beside",
    },
    "cancel_requested": {"cancel_requested": "a person at the lender has to answer"},
    "lost": {
        "lost": "both know it",
        "delivered": "a copy on paper got lost on its way; the lender was told, and keeps no count of copies",
        "returned_by_partner": "called lost while it was on its way back; the lender hears of that, and looks for it",
        "damaged": "called lost on its way back, and damaged when it came; the lender says so when it is scanned in",
        "closed_without_return": "the lender has been paid; our manager has to settle",
    },
    "completed": {"completed": "home", "damaged": "home, and claimed to be damaged"},
    "delivered": {"delivered": "the copy came"},
    "cancelled": {
        "REFUSED": "called off",
        "cancel_requested": "called off; a person at the lender has to look",
        "completed": "it went home before it came, and was called off",
        "damaged, and back": "the same, and a damage is claimed",
    },
    "unfilled": {
        "REFUSED": "called off",
        "cancel_requested": "called off; a person at the lender has to look",
        "completed": "it went home before it came, and was called off",
        "damaged, and back": "the same, and a damage is claimed",
    },
    "closed_without_return": {
        "closed_without_return": "settled",
        "lost": "we have settled; the lender's manager has to",
    },
}
#: The item is at the lender.
AND_BACK = ", and back"
#: What a lender that is asked no longer may be doing.
FORMER: dict[str, str] = {
    "CLOSED": "it is done with it",
    "cancel_requested": "a person there has to answer our Cancel",
    "damaged, and back": "the item is home, and a damage is claimed",
}


@dataclass(frozen=True)
class Disagreement:
    """Two halves that don't fit, and whether a person can see it."""

    borrowing: str
    lending: str
    reason: str
    excused: bool

    def __str__(self) -> str:
        return f"{self.borrowing} and {self.lending}: {self.reason}"


def agree(borrowing: str, lending: str, *, back: bool) -> bool:
    """Whether two states fit; `back`: the item is at the lender."""
    groups = {borrowing, *(name for name, members in BORROWING.groups.items() if borrowing in members)}
    return any(_among(AGREE.get(group, ()), lending, back=back) for group in groups)


def _among(names: Iterable[str], lending: str, *, back: bool) -> bool:
    fits = [name.removesuffix(AND_BACK) for name in names if back or not name.endswith(AND_BACK)]
    return lending in LENDING.expand(tuple(fits)) if fits else False


def disagreements(world: World) -> Iterator[Disagreement]:
    """Look at each borrowing half and all that were asked for it, wherever they are."""
    with ExitStack() as stack:
        looks = dict(zip(world.places, world.reading(stack), strict=True))
        for session in looks.values():
            for half in session.scalars(sa.select(Request).where(Request.side == "borrowing").order_by(Request.id)):
                for attempt in rota.attempts(session, half):
                    partner = session.get_one(Partner, attempt.partner_id)
                    if partner.transport == "email":
                        continue
                    lending = _lending(world, looks, half, attempt, partner)
                    if lending is not None:
                        yield from _of_a_pair(world, half, attempt, lending)
                    else:
                        lost = bool(_given_up(world, half, attempt.wire_id))
                        what = f"{half.reference} {half.state}", "nothing", "it was asked, and knows of nothing"
                        yield Disagreement(*what, excused=lost)


def _lending(
    world: World, looks: Mapping[Place, Session], half: Request, attempt: Attempt, partner: Partner
) -> Request | None:
    there = looks[world.at(partner.code)]
    mirror = sa.select(Partner).join(Library, Library.id == Partner.library_id)
    mirror = mirror.where(Library.code == partner.code, Partner.code == half.library.code)
    return next(iter(all_lending(there, there.scalars(mirror).one(), attempt.wire_id)), None)


def _session(half: Request) -> Session:
    """That of the place in which it is."""
    session = sa.orm.object_session(half)
    assert session is not None
    return session


def _of_a_pair(world: World, half: Request, attempt: Attempt, lending: Request) -> Iterator[Disagreement]:
    present = attempt.wire_id == half.wire_id
    manual = by_hand(half, lending)
    judged = partial(_judged, world, half, lending, manual)
    if not present:
        goes_on = lending.state in LENDING.groups["OPEN"] and _refused_the_cancel(lending)
        if not _among(FORMER, lending.state, back=not lending.loan_seen) and not goes_on:
            yield judged("it is asked no longer, and goes on")
        return
    filled_locally = half.state == "completed" and half.previous_state in BORROWING.groups["PREPARING"]
    state = "needs_review" if filled_locally else half.state
    called_off = state in ("needs_review", "cancelled", "unfilled") and lending.state in LENDING.groups["OPEN"]
    if not agree(state, lending.state, back=not lending.loan_seen) and not (
        called_off and _refused_the_cancel(lending)
    ):
        yield judged("these states don't fit")
    elif half.lender_due != lending.lender_due and _on_loan(half, lending):
        yield judged(f"due {half.lender_due} and {lending.lender_due}")
    elif (half.state, lending.state) == ("completed", "completed") and not _settled_by_hand(half, lending):
        ours, theirs = (_for_the_loss(request) for request in (half, lending))
        if ours != theirs:
            yield judged(f"{ours} and {theirs} for the loss of what is home")


def _on_loan(half: Request, lending: Request) -> bool:
    out = BORROWING.expand(("INBOUND", "HELD"))
    return half.state in out and lending.state in LENDING.groups["ON_LOAN"]


def _settled_by_hand(*halves: Request) -> bool:
    """Bills typed in, and what was settled or closed by hand: after that nothing moves by itself."""
    typed_in = (Event.trigger == "partner_bills") & (Event.actor != "partner")
    found = sa.select(Event.id).where(typed_in | Event.trigger.in_(("settle", "close"))).limit(1)
    return any(_session(half).scalar(found.where(Event.request_id == half.id)) is not None for half in halves)


def _for_the_loss(request: Request) -> Decimal:
    """What stands in the ledger for a lost item, paid or not."""
    lines = _session(request).scalars(sa.select(LedgerLine).where(LedgerLine.request_id == request.id)).all()
    return sum((line.signed for line in lines if line.kind in ("replacement", "processing")), Decimal(0))


def _refused_the_cancel(lending: Request) -> bool:
    """The lender goes on: it has said so, and whoever asked was told."""
    said = sa.select(MessageRow.id).where(
        MessageRow.request_id == lending.id, MessageRow.incoming.is_(False), MessageRow.kind == "CancelResponse N"
    )
    return _session(lending).scalar(said.limit(1)) is not None


def _judged(world: World, half: Request, lending: Request, manual: list[Event], why: str) -> Disagreement:
    what = f"{why}; by hand: {', '.join(sorted({event.trigger for event in manual})) or 'nothing'}"
    seen = bool(manual) and _alerted(half, lending, since=min(event.at for event in manual))
    wire_id = lending.partner_request_id or ""
    if not seen and (lost := [*_given_up(world, half, wire_id), *_given_up(world, lending, wire_id)]):
        what, seen = f"{why}; given up: {', '.join(sorted({e.argument for e in lost}))}", True
    return Disagreement(f"{half.reference} {half.state}", f"{lending.reference} {lending.state}", what, excused=seen)


def _given_up(world: World, half: Request, wire_id: str) -> list[EffectRow]:
    """The messages between the two that never got through, for longer than they are tried: a person sees them."""
    dead = sa.select(EffectRow).where(EffectRow.request_id == half.id, EffectRow.status == DEAD)
    between = [
        e
        for e in _session(half).scalars(dead)
        if half.side == "lending" or (e.payload["wire_id"] or half.reference) == wire_id
    ]
    return [effect for effect in between if world.office.gave_up(effect)]


def by_hand(*halves: Request) -> list[Event]:
    """What people decided without the other side, or against it: that may end in disagreement, but not unseen."""
    found = []
    for half in halves:
        for event in _session(half).scalars(sa.select(Event).where(Event.request_id == half.id).order_by(Event.id)):
            closed = event.trigger in ("close", "complete", "route_home") and event.actor != "clock"
            on_our_own = event.trigger == "change_due_date" and half.side == "borrowing" and event.actor != "partner"
            if closed or on_our_own or event.told_by or _too_late(half, event):
                found.append(event)
    return found


def _too_late(half: Request, event: Event) -> bool:
    """An undo of what the partner knows already."""
    if event.trigger != "undo":
        return False
    mine = sa.select(EffectRow.id).where(EffectRow.event_id == event.id, EffectRow.argument == "Correction")
    return _session(half).scalar(mine.limit(1)) is not None


def _alerted(*halves: Request, since: datetime) -> bool:
    """Whether staff of one side were told of something since then."""
    told = sa.select(EffectRow.id).join(Event, Event.id == EffectRow.event_id)
    told = told.where(EffectRow.kind == "alert_staff", Event.at >= since).limit(1)
    return any(_session(half).scalar(told.where(EffectRow.request_id == half.id)) is not None for half in halves)
