"""What a request is now, in plain words: where the item is, who waits for whom, until when."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy.orm import Session

from ill_workflow.about.phrases import Phrase, Sums
from ill_workflow.clock import Clock
from ill_workflow.fees import Ledger
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, Event, Request

#: One sentence for each state; `since` is the day on which it became that.
IS = {
    "borrowing": {
        "created": "It was asked for on {since} and has not been sent to a partner yet.",
        "needs_review": "Somebody has to look at it before it goes on.",
        "request_sent": "{partner} was asked on {since} and has not answered yet.",
        "conditional": "{partner} would supply it, on a condition.",
        "retry_offered": "{partner} can't supply it as asked, but may be asked again.",
        "will_supply": "{partner} said on {since} that it will supply it.",
        "shipped": "{partner} has shipped it. It is on its way here since {since}.",
        "in_transit": "It is on its way here from {partner}.",
        "received": "It is here since {since} and waits for {patron}.",
        "on_loan": "It is with {patron} since {since}.",
        "renewal_requested": "It is here or with {patron}. {partner} was asked on {since} to renew it.",
        "renewed": "It is here or with {patron}. {partner} has renewed it on {since}.",
        "renewal_denied": "It is here or with {patron}. {partner} did not renew it.",
        "overdue": "It is overdue since {since}, and should be on its way back to {partner}.",
        "recalled": "{partner} wants it back early.",
        "return_in_transit": "It came back on {since} and has to be sent home to {partner}.",
        "returned": "It was sent back to {partner} on {since}.",
        "cancel_requested": "{partner} was asked on {since} to cancel it and has not answered yet.",
        "lost": "It is lost since {since}.",
        "completed": "It is completed since {since}.",
        "delivered": "The copy was delivered on {since}.",
        "cancelled": "It was cancelled on {since}.",
        "unfilled": "It could not be filled: that was clear on {since}.",
        "closed_without_return": "It was closed on {since}, without the item coming home.",
    },
    "lending": {
        "new": "{partner} asked for it on {since}. Somebody has to look for it.",
        "conditional": "{partner} was told a condition on {since} and has not answered yet.",
        "will_supply": "We have promised it to {partner} on {since}. It has not been shipped yet.",
        "being_processed": "Its slip was printed on {since}. It has not been shipped to {partner} yet.",
        "shipped": "It is on its way to {partner} since {since}.",
        "received_by_partner": "It is with {partner} since {since}.",
        "renewal_requested": "It is with {partner}, who asked on {since} to keep it longer.",
        "renewed": "It is with {partner}. We have renewed it on {since}.",
        "overdue": "It is with {partner}, and overdue since {since}.",
        "recalled": "It is with {partner}. We have recalled it on {since}.",
        "returned_by_partner": "It is on its way home from {partner} since {since}.",
        "cancel_requested": "{partner} asked on {since} to cancel it, and waits for the answer.",
        "lost": "It is lost since {since}.",
        "damaged": "It is damaged: that was recorded on {since}.",
        "completed": "It came home on {since}.",
        "delivered": "The copy was delivered on {since}.",
        "rejected": "It was refused on {since}.",
        "retry_offered": "On {since} {partner} was told what would do.",
        "cancelled": "It was cancelled on {since}.",
        "expired": "Nobody answered {partner} in time: it expired on {since}.",
        "closed_without_return": "It was closed on {since}, without the item coming home.",
    },
}
AWAY = {
    "borrowing": ("shipped", "in_transit", "received", "on_loan", "renewal_requested", "renewed", "renewal_denied",
                  "overdue", "recalled", "return_in_transit"),
    "lending": ("shipped", "received_by_partner", "renewal_requested", "renewed", "overdue", "recalled"),
}  # fmt: skip


def standing(session: Session, request: Request, events: Sequence[Event], clock: Clock) -> list[Phrase]:
    """Its state first, then what is awaited, and what is open."""
    return list(_sentences(session, request, events, request.library.today(clock.now())))


def _sentences(session: Session, request: Request, events: Sequence[Event], today: date) -> Iterator[Phrase]:
    side, state, zone = request.side, request.state, request.library.zone
    names = {
        "partner": request.partner.name if request.partner else "the partner",
        "patron": (request.patron.name or request.patron.barcode) if request.patron else "the patron",
        "since": request.state_since.astimezone(zone).date(),
        "state": lifecycle_of(request).label(state),
    }
    yield Phrase(IS[side].get(state, "It is {state} since {since}."), names)
    if state == "needs_review" and (problems := _problems(events)):
        yield Phrase("{problems}", {"problems": problems})
    if state == "conditional":
        yield from _condition(request)
    if state in AWAY[side]:
        yield from _dates(request, names, today)
    if request.renewal_asked and state == "overdue":
        yield Phrase("A renewal was asked for and is not answered yet.")
    if request.kept_recall:
        yield Phrase("{partner} has recalled it before it came.", names)
    if request.kept_overdue:
        yield Phrase("{partner} calls it overdue, though it has not come yet.", names)
    if request.offered_reason and state in ("new", "will_supply", "being_processed", "rejected", "retry_offered"):
        yield Phrase("Reason: {reason}.", {"reason": request.offered_reason})
    if request.tracking and state in ("shipped", "in_transit", "returned", "returned_by_partner"):
        yield Phrase("Tracking: {tracking}.", {"tracking": " ".join(filter(None, (request.carrier, request.tracking)))})
    balances = {c: a for c, a in Ledger(session, request.library_id, request.id).balances().items() if a > 0}
    if balances:
        owed = "We owe {partner} {fees}." if side == BORROWING else "{partner} owes us {fees}."
        yield Phrase(owed, {**names, "fees": Sums(balances)})
    if request.need_by and not _over(request) and state not in AWAY[side]:
        yield Phrase("It is needed by {day}.", {"day": request.need_by})


def _condition(request: Request) -> Iterator[Phrase]:
    if request.conditions:
        yield Phrase("Condition: {conditions}.", {"conditions": "; ".join(request.conditions)})
    if request.cost is not None:
        currency = request.partner.currency if request.partner else request.library.currency
        yield Phrase("It costs {cost}.", {"cost": Sums({currency: request.cost})})
    if request.reply_by:
        yield Phrase("The answer is wanted by {day}.", {"day": request.reply_by})


def _dates(request: Request, names: dict[str, object], today: date) -> Iterator[Phrase]:
    due = request.lender_due
    if request.return_by and request.state == "recalled":
        yield Phrase("It has to be back by {day}.", {"day": request.return_by})
    elif due and request.side == BORROWING:
        words = "{partner} wanted it back by {day}." if due < today else "{partner} wants it back by {day}."
        yield Phrase(words, {**names, "day": due})
    elif due:
        yield Phrase("It was due on {day}." if due < today else "It is due on {day}.", {"day": due})
    if request.due_assumed:
        yield Phrase("That day was assumed: {partner} named none.", names)
    if request.side == BORROWING and request.patron_due and request.patron_due != due:
        yield Phrase("{patron} was told {day}.", {**names, "day": request.patron_due})


def _problems(events: Sequence[Event]) -> str:
    said = [str(event.inputs.get("problems") or "") for event in events if event.trigger == "flag_for_review"]
    return said[-1] if said else ""


def _over(request: Request) -> bool:
    return request.state in lifecycle_of(request).terminal
