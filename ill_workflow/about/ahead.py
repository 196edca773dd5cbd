"""What the clock will do with a request, and when."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.about.phrases import Phrase
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, Request

#: By timer; those that mean something else on each side are named with it.
WILL = {
    "lender_due": "It will be overdue on {day}.",
    "patron_due": "{patron} will be reminded on {day}.",
    "notice_level": "The next overdue notice goes out on {day}.",
    "lost_by": "It will count as lost on {day}.",
    "need_by": "The need-by date passes on {day}.",
    "reply_by": "{partner} waits for our answer until {day}.",
    "not_before": "{partner} may be asked again from {day}.",
    "ship_by": "If it has not been shipped by {day}, {partner} is asked for the status.",
    "arrive_by": "If it has not come by {day}, {partner} is asked for the status.",
    "transit_by": "It will count as in transit on {day}.",
    "pickup_by": "If nobody has picked it up by {day}, staff are reminded.",
    "completion_by": "If {partner} has said nothing by {day}, it is looked into.",
    "return_by": "If it has not been sent back by {day}, staff are reminded.",
    "borrowing respond_by": "If {partner} has not answered by {day}, the next partner is asked.",
    "borrowing answer_by": "If {partner} has not answered by {day}, it is asked for the status.",
    "lending respond_by": "If it has not been answered by {day}, it expires.",
    "lending answer_by": "If the answer has not come by {day}, staff are reminded.",
}
#: Where the lender has answered already, and its parcel is what is waited for.
PROMISED = {
    "will_supply": "If it has not been shipped by {day}, staff are reminded.",
    "being_processed": "If it has not been shipped by {day}, it expires.",
}
#: What happens on a day; all else happens at its end, when something has not come by then.
_ON_THE_DAY = ("patron_due", "notice_level", "lost_by", "not_before", "transit_by")


@dataclass(frozen=True)
class Ahead:
    """A timer, when it is due, and what it will do."""

    name: str
    at: datetime
    phrase: Phrase


def ahead(session: Session, request: Request) -> list[Ahead]:
    """The soonest first. A timer that nothing hears in the present state is about to be taken away: it says nothing."""
    heard = lifecycle_of(request).firing
    return [
        Ahead(t.name, t.due_at, _phrase(request, t.name, t.due_at))
        for t in timers.of(session, request.id)
        if heard(t.name, request.state)
    ]


def _phrase(request: Request, timer: str, at: datetime) -> Phrase:
    lifecycle = lifecycle_of(request)
    rows = lifecycle.firing(timer, request.state)
    values = {
        "day": _day(request, timer, at),
        "partner": request.partner.name if request.partner else "the partner",
        "patron": (request.patron.name or request.patron.barcode) if request.patron else "the patron",
        "action": rows[0].label if rows else timer,
    }
    if timer == "respond_by" and request.side != BORROWING and request.state in PROMISED:
        return Phrase(PROMISED[request.state], values)
    words = WILL.get(f"{request.side} {timer}") or WILL.get(timer) or "{action}: on {day}."
    return Phrase(words, values)


def _day(request: Request, timer: str, at: datetime) -> date:
    """The day that is said: a midnight is the end of the day before it."""
    if timer == "lender_due" and request.lender_due:
        return request.lender_due + timedelta(days=1)
    if timer not in _ON_THE_DAY:
        at -= timedelta(seconds=1)
    return at.astimezone(request.library.zone).date()
