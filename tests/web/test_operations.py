"""Operators see what was promised and went wrong at their library, mend it, and see who works."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import runtime
from ill_workflow.bootstrap import HANDLERS
from ill_workflow.clock import machine_now
from ill_workflow.mail.mailer import MailRefused
from ill_workflow.outbox import DEAD, DONE, READY, UNCERTAIN, EffectRow
from ill_workflow.pauses import pause
from ill_workflow.web.console import operations

PAGE = "/l/MAIN/operations"


@pytest.fixture
def office(quick_stage, visiting):
    return visiting(quick_stage)


def goes_wrong(stage, half, status=DEAD, kind="send_message", why="550 no such mailbox"):
    """The last of this kind that was promised for a request; its number."""
    with stage.db.writing() as session:
        rows = sa.select(EffectRow).where(EffectRow.request_id == half.id, EffectRow.kind == kind)
        work = session.scalars(rows.order_by(EffectRow.id.desc())).first()
        work.status, work.last_error = status, why
        return work.id


def status_of(stage, number):
    with stage.db.reading() as session:
        return session.get_one(EffectRow, number).status


def test_a_quiet_day_looks_quiet(office):
    said = office("operator").text(PAGE)
    assert "Nothing needs a person." in said
    assert "Nothing waits at this library." in said
    assert "No worker has given a sign of life" in said
    assert "has not run yet" in said


def test_what_was_given_up_is_named_with_its_reason_and_tried_again_by_whoever_mended_it(quick_stage, office):
    quick_stage.mailer.fail_with(MailRefused("550 no such mailbox"), to="ill@hilltop.example")
    loan = quick_stage.borrows(ask=("HILL",))
    quick_stage.mailer.recover()
    with quick_stage.db.reading() as session:
        (number,) = session.scalars(sa.select(EffectRow.id).where(EffectRow.status == DEAD))
    ann = office("operator")
    page = ann.tree(PAGE)
    assert "550 no such mailbox" in ann.text(PAGE)
    assert page.xpath(f"//a[@href='/l/MAIN/requests/{loan.id}']")

    answer = ann.submit(f"{PAGE}/work/{number}/again")

    assert answer.status_code == 303
    assert status_of(quick_stage, number) == READY
    assert "1 piece of work will be tried again." in ann.text(answer.headers["location"])
    quick_stage.work()
    assert status_of(quick_stage, number) == DONE
    assert len(quick_stage.mails("ill@hilltop.example")) == 1


def test_of_another_library_nothing_is_seen_and_nothing_tried_again(quick_stage, office):
    loan = quick_stage.borrows(ask=("HILL",))
    number = goes_wrong(quick_stage, loan)
    rita = office("operator", "RIV")

    assert "550 no such mailbox" not in rita.text("/l/RIV/operations")
    assert rita.submit(f"/l/RIV/operations/work/{number}/again").status_code == 404
    assert rita.submit(f"{PAGE}/work/{number}/again").status_code == 403
    assert rita.submit("/l/RIV/operations/work/again").status_code == 303
    assert status_of(quick_stage, number) == DEAD


def test_all_that_was_given_up_is_tried_again_but_not_what_may_have_arrived(quick_stage, office):
    first, second, third = (quick_stage.borrows(ask=("HILL",)) for _ in range(3))
    given_up = [goes_wrong(quick_stage, half) for half in (first, second)]
    unsure = goes_wrong(quick_stage, third, UNCERTAIN, why="cut off after the text")
    ann = office("operator")
    assert "Uncertain" in ann.text(PAGE)

    ann.submit(f"{PAGE}/work/again")

    assert [status_of(quick_stage, number) for number in (*given_up, unsure)] == [READY, READY, UNCERTAIN]


def test_what_somebody_else_has_tried_again_already_is_said(quick_stage, office):
    number = goes_wrong(quick_stage, quick_stage.borrows(ask=("HILL",)))
    ann, max_ = office("operator"), office("manager")
    ann.submit(f"{PAGE}/work/{number}/again")
    late = max_.submit(f"{PAGE}/work/{number}/again")
    assert late.status_code == 404
    assert "somebody may have been faster" in late.text
    assert max_.submit(f"{PAGE}/work/{10**30}/again").status_code == 404
    assert max_.submit(f"{PAGE}/work/x/again").status_code == 422


def test_a_manager_runs_a_job_now_and_an_operator_does_not(quick_stage, office):
    ann, max_ = office("operator"), office("manager")
    assert not ann.tree(PAGE).xpath("//form[contains(@action, '/jobs/')]")
    assert ann.submit(f"{PAGE}/jobs/fire_timers/run").status_code == 403
    assert len(max_.tree(PAGE).xpath("//form[contains(@action, '/jobs/')]")) == len(runtime.JOBS)

    asked = max_.submit(f"{PAGE}/jobs/fire_timers/run")

    assert "Due dates and timers is asked for" in max_.text(asked.headers["location"])
    with quick_stage.db.reading() as session:
        promised = session.scalars(sa.select(EffectRow).where(EffectRow.kind == "run_job")).one()
    assert (promised.argument, promised.status) == ("fire_timers", READY)
    assert max_.submit(f"{PAGE}/jobs/make_coffee/run").status_code == 404


def test_workers_jobs_and_what_rests_are_told(quick_stage, office):
    now = machine_now()
    with quick_stage.db.writing() as session:
        runtime.beat(session, "worker-1@desk", now, {"bell": "rings"})
        runtime.beat(session, "worker-2@desk", now - timedelta(minutes=5), {})
        runtime.beat(session, f"{runtime.CONSOLE}7@desk", now, {"address": "https://ill.example.org"})
        runtime.begin(session, "housekeeping", "1", now)
        runtime.end(session, "housekeeping", "1", now, "failed: OSError: no space left on device")
        pause(session, "mail", timedelta(minutes=5), "connection refused")
    said = office("operator").text(PAGE)
    bell, full = "reaches the broker", "no space left on device"
    for words in ("worker-1@desk", bell, "https://ill.example.org", full, "Mail rests"):
        assert words in said
    assert said.count("Silent") == 1


def test_every_kind_of_work_and_every_job_has_a_name_for_people():
    assert set(operations.KINDS) == set(HANDLERS)
    assert set(operations.JOBS) == set(runtime.JOBS)
