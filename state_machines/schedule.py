"""Which timers a request should have now: one pure function of its state, its dates, the terms and the calendars."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from state_machines.declaration import Lifecycle
from state_machines.request import Calendar, Facts, Request

Fired = Mapping[tuple[str, str], datetime]

#: After how many working days a question that found no answer is asked again.
ASK_AGAIN_DAYS = 3


@dataclass(frozen=True)
class Timer:
    """A moment at which the clock pulls a row. `slot` says what it is for; a slot fires once."""

    name: str
    due_at: datetime
    slot: str


def timers_for(lifecycle: Lifecycle, request: Request, facts: Facts, fired: Fired) -> tuple[Timer, ...]:
    """The timers of a request: none for a state that waits for nothing, none for a slot that has fired."""
    found = []
    for name in lifecycle.timers.get(request.state, ()):
        timer = RULES[name](name, request, facts, fired)
        if timer is not None and (timer.name, timer.slot) not in fired:
            found.append(timer)
    return tuple(found)


def add_working_days(start: date, days: int, calendar: Calendar) -> date:
    """The day that many working days after a day. With no working day within a year, calendar days count."""
    day, left = start, days
    for _ in range(366 + 7 * days):
        if left <= 0:
            return day
        day += timedelta(days=1)
        if calendar.working_days[day.weekday()] == "1" and day not in calendar.closed:
            left -= 1
    return start + timedelta(days=days)


Rule = Callable[[str, Request, Facts, Fired], Timer | None]


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    """The midnight with which a day has passed."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def _since(request: Request, facts: Facts) -> date:
    return request.state_since.astimezone(facts.zone).date()


def _day(field: str) -> Rule:
    """A timer for a day that stands on the request: once for each day."""

    def rule(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
        day = getattr(request, field)
        return Timer(name, _end_of(day, facts.zone), day.isoformat()) if day else None

    return rule


def _need_by(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    """What is on its way gets a reminder of its own: should the lender fall away, the day has still to pass."""
    if request.need_by is None:
        return None
    what = " reminder" if request.state == "will_supply" else ""
    return Timer(name, _end_of(request.need_by, facts.zone), f"{request.need_by.isoformat()}{what}")


def _lender_due(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    """A due date passes where it was set."""
    day = request.lender_due
    return Timer(name, _end_of(day, facts.due_zone), day.isoformat()) if day else None


def _at_the_day(field: str) -> Rule:
    """A timer for the morning of a day, not for its end."""

    def rule(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
        day = getattr(request, field)
        return Timer(name, _end_of(day - timedelta(days=1), facts.zone), day.isoformat()) if day else None

    return rule


def _since_the_state(request: Request) -> str:
    return request.state_since.isoformat()


def _waits(
    first: Callable[[Request, Facts], date], *, repeats: bool, began: Callable[[Request], str] = _since_the_state
) -> Rule:
    """A timer for a wait, told from others by when it began; where it repeats, a round follows the last one fired."""

    def rule(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
        wait = began(request)
        day, rounds = first(request, facts), 0
        while repeats and (at := fired.get((name, f"{wait} {rounds}"))) is not None:
            day = add_working_days(at.astimezone(facts.zone).date(), ASK_AGAIN_DAYS, facts.ours)
            rounds += 1
        return Timer(name, _end_of(day, facts.zone), f"{wait} {rounds}")

    return rule


def _respond_by(request: Request, facts: Facts) -> date:
    """The working days of whoever has to answer: when we lend it is we, but for a condition that we have set."""
    whose = facts.theirs if request.side == "borrowing" or request.state == "conditional" else facts.ours
    return add_working_days(_since(request, facts), facts.terms.respond_days, whose)


def _transit(request: Request, facts: Facts) -> date:
    return add_working_days(_since(request, facts), 2 * facts.terms.transit_days, facts.theirs)


def _ship_by(request: Request, facts: Facts) -> date:
    usual = add_working_days(_since(request, facts), facts.terms.transit_days, facts.theirs)
    return request.expected_by or usual


def _pickup_by(request: Request, facts: Facts) -> date:
    return _since(request, facts) + timedelta(days=facts.terms.pickup_days)


def _return_by(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    """A recall names a day, and then reminds again; of what is to be sent back we remind once."""
    if request.state != "recalled":
        return _waits(_pickup_by, repeats=False)(name, request, facts, fired)
    if (day := request.return_by) is None:
        return None
    return _waits(lambda *_: day, repeats=True, began=lambda _: day.isoformat())(name, request, facts, fired)


def _answer_by(request: Request, facts: Facts) -> date:
    return request.reply_by if request.state == "conditional" and request.reply_by else _respond_by(request, facts)


def _transit_by(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    if facts.transit_after_days is None:
        return None
    day = add_working_days(_since(request, facts), facts.transit_after_days, facts.theirs)
    return Timer(name, _end_of(day - timedelta(days=1), facts.zone), request.state_since.isoformat())


def _notice_level(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    """The next notice of the ladder, counted from the due date; of several that were missed, the last alone."""
    due, ladder, level = request.lender_due, facts.terms.ladder, request.notice_level
    if due is None or level >= len(ladder):
        return None
    moments = [_end_of(due + timedelta(days=days), facts.due_zone) for days in ladder]
    while level + 1 < len(ladder) and moments[level + 1] <= facts.now:
        level += 1
    return Timer(name, moments[level], f"{due.isoformat()} {level}")


def _lost_by(name: str, request: Request, facts: Facts, fired: Fired) -> Timer | None:
    if request.lender_due is None or facts.terms.lost_after_days is None:
        return None
    day = request.lender_due + timedelta(days=facts.terms.lost_after_days)
    return Timer(name, _end_of(day, facts.due_zone), request.lender_due.isoformat())


RULES: Mapping[str, Rule] = {
    "need_by": _need_by,
    "reply_by": _day("reply_by"),
    "not_before": _at_the_day("not_before"),
    "patron_due": _day("patron_due"),
    "lender_due": _lender_due,
    "respond_by": _waits(_respond_by, repeats=True),
    "answer_by": _waits(_answer_by, repeats=True),
    "ship_by": _waits(_ship_by, repeats=True),
    "arrive_by": _waits(_transit, repeats=True),
    "completion_by": _waits(_transit, repeats=True),
    "return_by": _return_by,
    "pickup_by": _waits(_pickup_by, repeats=False),
    "transit_by": _transit_by,
    "notice_level": _notice_level,
    "lost_by": _lost_by,
}
