"""Which timers a request should have."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.request import WRITTEN, Calendar, Facts, Terms
from state_machines.schedule import add_working_days, timers_for

CHICAGO = ZoneInfo("America/Chicago")
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass
class Plain:
    side: str
    state: str
    state_since: datetime = MONDAY
    values: dict = field(default_factory=dict)

    def __getattr__(self, name):
        if name in WRITTEN:
            return self.values.get(name, 0 if name == "notice_level" else None)
        raise AttributeError(name)


def facts(**more):
    return Facts(**{"now": MONDAY, "today": date(2026, 3, 2), "zone": CHICAGO, "due_zone": CHICAGO, **more})


def due(lifecycle, state, fired=None, facts=facts(), since=MONDAY, **values):  # noqa: B008
    wanted = timers_for(lifecycle, Plain(lifecycle.name, state, since, values), facts, fired or {})
    return {timer.name: (timer.due_at.astimezone(CHICAGO).isoformat(), timer.slot) for timer in wanted}


def test_a_day_has_passed_at_midnight_of_the_library():
    assert due(LENDING, "shipped", lender_due=date(2026, 3, 1)) == {
        "lender_due": ("2026-03-02T00:00:00-06:00", "2026-03-01")
    }


def test_the_clock_is_put_forward_on_the_due_day():
    found = due(LENDING, "shipped", lender_due=date(2026, 3, 8))
    assert found["lender_due"][0] == "2026-03-09T00:00:00-05:00"


def test_a_due_date_passes_where_it_was_set():
    auckland = facts(due_zone=ZoneInfo("Pacific/Auckland"))
    days = {"lender_due": date(2026, 3, 5), "patron_due": date(2026, 3, 5)}
    assert {name: at for name, (at, _) in due(BORROWING, "on_loan", facts=auckland, **days).items()} == {
        "lender_due": "2026-03-05T05:00:00-06:00", "patron_due": "2026-03-06T00:00:00-06:00",
    }  # fmt: skip


def test_whoever_has_to_answer_does_so_on_days_on_which_they_work():
    sundays = facts(theirs=Calendar("0000001"))
    assert due(LENDING, "new", facts=sundays)["respond_by"][0] == "2026-03-06T00:00:00-06:00", "we answer"
    assert due(LENDING, "conditional", facts=sundays)["answer_by"][0] == "2026-03-23T00:00:00-05:00", "they do"
    assert due(BORROWING, "request_sent", facts=sundays)["respond_by"][0] == "2026-03-23T00:00:00-05:00"


def test_a_reminder_leaves_the_need_by_date_to_pass():
    reminded = {("need_by", due(BORROWING, "will_supply", need_by=date(2026, 3, 1))["need_by"][1]): MONDAY}
    assert due(BORROWING, "will_supply", reminded, need_by=date(2026, 3, 1)).keys() == {"ship_by"}
    assert "need_by" in due(BORROWING, "retry_offered", reminded, need_by=date(2026, 3, 1))


def test_a_request_is_answered_within_working_days():
    assert due(LENDING, "new")["respond_by"][0] == "2026-03-06T00:00:00-06:00", "Tuesday, Wednesday, Thursday"
    friday = MONDAY.replace(day=6)
    assert due(LENDING, "new", since=friday)["respond_by"][0] == "2026-03-12T00:00:00-05:00"
    shut = facts(ours=Calendar(closed=frozenset({date(2026, 3, 3)})))
    assert due(LENDING, "new", facts=shut)["respond_by"][0] == "2026-03-07T00:00:00-06:00"


def test_working_days_that_never_come_are_calendar_days():
    assert add_working_days(date(2026, 3, 2), 3, Calendar("0000000")) == date(2026, 3, 5)


def test_the_ladder_goes_up_once_a_rung():
    terms = facts(terms=Terms(ladder=(7, 14)))
    for level, day in ((0, "2026-03-09"), (1, "2026-03-16")):
        found = due(LENDING, "overdue", facts=terms, lender_due=date(2026, 3, 1), notice_level=level)
        assert found["notice_level"] == (f"{day}T00:00:00-05:00", f"2026-03-01 {level}")
    assert "notice_level" not in due(LENDING, "overdue", facts=terms, lender_due=date(2026, 3, 1), notice_level=2)


def test_what_has_fired_does_not_come_again():
    fired = {("lender_due", "2026-03-01"): MONDAY}
    assert due(LENDING, "renewed", fired, lender_due=date(2026, 3, 1)) == {}
    assert "lender_due" in due(LENDING, "renewed", fired, lender_due=date(2026, 3, 20))


def test_a_question_is_asked_again_after_some_days():
    first = due(BORROWING, "returned")["completion_by"]
    fired = {("completion_by", first[1]): datetime(2026, 3, 11, 6, 0, tzinfo=UTC)}
    again = due(BORROWING, "returned", fired)["completion_by"]
    assert again[1] != first[1]
    assert again[0] == "2026-03-17T00:00:00-05:00"


def test_a_recall_reminds_on_its_day_and_a_return_after_a_wait():
    assert due(LENDING, "recalled", return_by=date(2026, 3, 5))["return_by"] == (
        "2026-03-06T00:00:00-06:00", "2026-03-05 0",
    )  # fmt: skip
    fired = {("return_by", "2026-03-05 0"): datetime(2026, 3, 6, 6, 0, tzinfo=UTC)}
    again = due(LENDING, "recalled", fired, return_by=date(2026, 3, 5))["return_by"]
    assert again == ("2026-03-12T00:00:00-05:00", "2026-03-05 1"), "and again while it does not come"
    assert due(BORROWING, "return_in_transit")["return_by"][0] == "2026-03-13T00:00:00-05:00"


def test_in_transit_by_the_morning_of_the_next_working_day():
    assert due(BORROWING, "shipped")["transit_by"][0] == "2026-03-03T00:00:00-06:00"
    assert "transit_by" not in due(BORROWING, "shipped", facts=replace(facts(), transit_after_days=None))


@pytest.mark.parametrize("lifecycle", [BORROWING, LENDING])
def test_what_is_closed_waits_for_nothing(lifecycle):
    days = dict.fromkeys(("need_by", "lender_due", "patron_due", "return_by"), date(2026, 3, 1))
    for state in lifecycle.terminal:
        assert due(lifecycle, state, **days) == {}
