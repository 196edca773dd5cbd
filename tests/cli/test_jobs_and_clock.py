"""Operators ask for a job, look at what the jobs did, and turn the clock of a demo."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ill_workflow import runtime
from ill_workflow.bootstrap import start
from ill_workflow.cli import clock as clock_commands
from ill_workflow.cli import jobs as job_commands
from ill_workflow.clock import machine_now
from ill_workflow.demo import make_world
from ill_workflow.mail.mailer import RememberingMailer
from ill_workflow.runtime import JobRun
from workers import jobs
from workers.drain import work_off, work_off_all

CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def ill(empty, monkeypatch):
    """An installation whose workers work while a command waits for them."""
    empty.services = start(empty.settings, run_job=jobs.run_for)

    def work(seconds):
        work_off_all(empty.services)

    monkeypatch.setattr(job_commands, "rest", work)
    monkeypatch.setattr(clock_commands, "rest", work)
    return empty


@pytest.fixture
def demo(ill):
    make_world(ill.services)
    # Started anew it knows that it is a demo.
    ill.services = replace(start(ill.settings, run_job=jobs.run_for), mailer=RememberingMailer())
    return ill


def a_worker_is_there(ill):
    with ill.services.db.writing() as session:
        runtime.beat(session, "worker", machine_now(), {})


def test_the_jobs_that_operators_see_are_those_that_workers_do():
    assert set(runtime.JOBS) == set(jobs.JOBS)
    assert {name: job.every for name, job in jobs.JOBS.items()} == {n: job.every for n, job in runtime.JOBS.items()}


def test_a_job_that_is_asked_for_is_a_promise_which_a_worker_keeps(ill):
    out = ill.does("jobs", "run", "housekeeping")
    assert out == "housekeeping is promised: it runs as soon as a worker is there. Run: ill up.\n"
    assert "run_job 1" in ill.does("outbox", "list")

    assert work_off(ill.services, "run_job") == 1

    (run,) = json.loads(ill.does("jobs", "history", "housekeeping", "--all", "--json"))
    assert (run["job"], run["outcome"]) == ("housekeeping", "0 forgotten")
    assert "run_job" not in ill.does("outbox", "list")
    a_worker_is_there(ill)
    assert "a worker runs it now" in ill.does("jobs", "run", "housekeeping")


def test_whoever_waits_is_told_what_came_of_it(ill, monkeypatch):
    assert "No worker has given a sign of life" in ill("jobs", "run", "sweep", "--wait")[2]
    a_worker_is_there(ill)
    assert ill.does("jobs", "run", "fire_timers", "--wait") == "fire_timers: 0 fired.\n"

    def broken(services):
        raise OSError("no room")

    monkeypatch.setitem(jobs.JOBS, "housekeeping", jobs.Job(300, broken))
    assert "failed: OSError: no room" in ill.does("jobs", "run", "housekeeping", "--wait")
    monkeypatch.delitem(jobs.JOBS, "housekeeping")
    assert "There is no job 'housekeeping'" in ill("jobs", "run", "housekeeping", "--wait")[2]


def test_where_a_worker_died_with_it_the_job_is_run_once_more(ill):
    ran = []
    ill.services = start(ill.settings, run_job=lambda services, name, slot: ran.append(slot))
    ill.does("jobs", "run", "sweep")
    with ill.services.db.writing() as session:
        session.connection().exec_driver_sql('UPDATE effect SET attempts = 1, "left" = 1')
    work_off(ill.services, "run_job")
    assert ran == ["asked 1.2"]


def test_a_job_that_nobody_knows_is_refused_with_those_that_are_known(ill):
    for words in (["run", "nonsense"], ["history", "nonsense"]):
        code, out, err = ill("jobs", *words)
        assert (code, out) == (1, "")
        assert "Known: fire_timers, housekeeping, sweep" in err


def test_the_jobs_are_listed_with_their_last_runs_and_the_history_shows_what_did_something(ill):
    noon = datetime(2026, 2, 2, 12, tzinfo=UTC)
    with ill.services.db.writing() as session:
        for place, outcome in enumerate(("0 fired", "3 fired", "0 fired", "failed: OSError")):
            at = noon + timedelta(seconds=5 * place)
            session.add(JobRun(job="fire_timers", slot=str(place), started_at=at, finished_at=at, outcome=outcome))

    assert ill.does("jobs") == ill.does("jobs", "list")
    assert "has not run yet" in ill.does("jobs")
    told = json.loads(ill.does("jobs", "--json"))
    assert (told[0]["job"], told[0]["outcome"]) == ("fire_timers", "failed: OSError")
    assert [r["outcome"] for r in json.loads(ill.does("jobs", "history", "--json"))] == ["failed: OSError", "3 fired"]
    assert len(json.loads(ill.does("jobs", "history", "fire_timers", "--all", "--most", "3", "--json"))) == 3
    assert "No runs that did something" in ill.does("jobs", "history", "sweep")


def test_runs_that_found_nothing_are_kept_for_a_day_and_news_for_a_month(ill):
    with ill.services.db.writing() as session:
        for days, outcome in ((0, "0 done"), (2, "0 done"), (2, "5 done"), (40, "5 done")):
            at = machine_now() - timedelta(days=days)
            session.add(JobRun(job="sweep", slot=f"{days} {outcome}", started_at=at, finished_at=at, outcome=outcome))
    jobs.run(ill.services, "housekeeping", slot="now")
    runs = json.loads(ill.does("jobs", "history", "sweep", "--all", "--json"))
    assert sorted(r["outcome"] for r in runs) == ["0 done", "5 done"]


@pytest.mark.parametrize("words", [("show",), ("turn", "3", "days")])
def test_only_the_clock_of_a_demo_is_shown_and_turned(main, words):
    before = main.tables()
    code, out, err = main("clock", *words)
    assert (code, out) == (1, "")
    assert "This is no demo" in err
    assert main.tables() == before


def test_days_pass_one_by_one_and_what_is_due_comes_on_its_day(demo, monkeypatch):
    a_worker_is_there(demo)
    monkeypatch.setenv("ILL_AS", "ann")
    need_by = (machine_now() + timedelta(days=3)).date()
    demo.does("request", "new", "--title", "Emma", "--patron", "2123", f"need_by={need_by}")
    work_off_all(demo.services)

    code, out, err = demo("clock", "turn", "1", "week")

    assert (code, err) == (0, "")
    assert "the clock is 7 days ahead" in out
    found = json.loads(demo.does("request", "show", "XPX-1001", "--json"))
    assert found["state"] == "unfilled"
    fired = datetime.fromisoformat(found["history"][-1]["at"])
    assert (fired.date() - need_by).days == 1, "on its day, not at the end of the week"
    assert json.loads(demo.does("clock", "show", "--json"))["turned_seconds"] == pytest.approx(7 * 86400, abs=5)


def test_until_a_day_is_until_that_day_at_the_first_library(demo):
    a_worker_is_there(demo)
    day = (demo.services.clock.now() + timedelta(days=20)).date()
    assert f" {day} " in demo.does("clock", "turn", "--until", str(day))


def test_late_in_the_evening_too_though_summer_time_begins_before_it():
    evening = datetime(2026, 2, 28, 23, 44, tzinfo=CHICAGO)
    then = evening.astimezone(UTC) + clock_commands.time_until("2026-03-21", evening)
    assert then.astimezone(CHICAGO) == evening.replace(month=3, day=21)
    assert clock_commands.time_until("9999-12-31", evening) > clock_commands.LONGEST, "no such hour is needed to tell"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-3", "days"], "turned on, never back"),
        (["0", "days"], "turned on, never back"),
        (["--until", "2020-01-01"], "turned on, never back"),
        (["--until", "tomorrow"], "written like 2026-03-01"),
        (["many", "days"], "is no length of time"),
        (["3", "moons"], "is no length of time"),
        ([], "Say how long"),
        (["3", "days", "--until", "2199-01-01"], "Say how long"),
        (["500", "days"], "longer than 400 days"),
        (["--until", "2199-01-01"], "longer than 400 days"),
        (["3", "days"], "No worker has given a sign of life"),
    ],
)
def test_a_clock_is_not_turned_by_what_is_no_time(demo, words, sentence):
    before = demo.tables()
    code, out, err = demo("clock", "turn", *words)
    assert (code, out) == (1, "")
    assert sentence in err
    assert demo.tables() == before


def test_where_the_workers_fall_silent_the_clock_stands_on_that_day(demo, monkeypatch):
    a_worker_is_there(demo)
    monkeypatch.setenv("ILL_AS", "ann")
    need_by = (machine_now().astimezone(CHICAGO) + timedelta(days=2)).date()
    demo.does("request", "new", "--title", "Emma", "--patron", "2123", f"need_by={need_by}")
    work_off(demo.services, "schedule_due_date_check")
    monkeypatch.setattr(clock_commands, "PATIENCE", timedelta(0))
    monkeypatch.setattr(clock_commands, "rest", lambda seconds: None)

    code, _, err = demo("clock", "turn", "30", "days")

    assert code == 1
    assert "The clock stands there" in err
    assert json.loads(demo.does("clock", "show", "--json"))["turned_seconds"] <= 3 * 86400
