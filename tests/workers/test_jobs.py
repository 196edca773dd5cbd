"""Periodic jobs: a slot is run once whoever asks, and what was missed is made up for."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import outbox, runtime, timers
from ill_workflow.outbox import EffectRow, Promise
from ill_workflow.requests import due_dates
from ill_workflow.runtime import JobRun
from workers import jobs

NOON = datetime(2026, 2, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def stage(bare_stage):
    return bare_stage


def runs(stage, job):
    with stage.db.reading() as session:
        return list(session.scalars(sa.select(JobRun).where(JobRun.job == job).order_by(JobRun.id)))


def test_two_beats_run_a_slot_once(stage):
    assert jobs.run(stage.services, "fire_timers", now=NOON) == "0 fired"
    assert jobs.run(stage.services, "fire_timers", now=NOON + timedelta(seconds=1)) is None
    assert jobs.run(stage.services, "fire_timers", now=NOON + timedelta(seconds=5)) == "0 fired"
    assert [r.outcome for r in runs(stage, "fire_timers")] == ["0 fired", "0 fired"]
    assert all(r.finished_at for r in runs(stage, "fire_timers"))


def test_after_a_pause_of_days_each_due_date_fires_once(stage):
    stage.agrees("MAIN", "HILL", loan_days=3, transit_days=0, ladder=[2, 4, 6], lost_after_days=None)
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    stage.clock.advance(timedelta(days=40))  # beat, broker and workers were away

    jobs.run(stage.services, "fire_timers", now=NOON)
    jobs.run(stage.services, "fire_timers", now=NOON + timedelta(seconds=5))

    assert lent.history.count("due_date_passed") == 1
    assert lent.history.count("overdue_notice") == 1, "of the notices that were missed, the last"
    assert (lent.state, lent.notice_level) == ("overdue", 3)


def test_a_run_that_fails_says_so_and_the_next_one_runs(stage, monkeypatch):
    def broken(services):
        raise OSError("no room")

    monkeypatch.setitem(jobs.JOBS, "housekeeping", jobs.Job(300, broken))
    assert jobs.run(stage.services, "housekeeping", now=NOON) == "failed: OSError: no room"
    monkeypatch.undo()
    assert "forgotten" in jobs.run(stage.services, "housekeeping", now=NOON + timedelta(seconds=300))


def test_a_request_that_cannot_be_moved_does_not_hold_up_the_others(stage, monkeypatch):
    first, second = stage.lends(), stage.lends()
    stage.clock.advance(timedelta(days=10))
    fire = due_dates.actions.fire

    def refuses_the_first(session, request, timer, *, clock):
        if request.id == first.id:
            raise RuntimeError("a broken row")
        return fire(session, request, timer, clock=clock)

    monkeypatch.setattr(due_dates.actions, "fire", refuses_the_first)
    outcome = jobs.run(stage.services, "fire_timers", now=NOON)

    assert (first.state, second.state) == ("new", "expired")
    assert outcome == "1 fired, 1 could not be fired"
    monkeypatch.undo()
    stage.clock.advance(due_dates.LATER)
    jobs.run(stage.services, "fire_timers", now=NOON + timedelta(seconds=5))
    assert first.state == "expired", "it was tried again"


def test_housekeeping_forgets_what_nobody_needs_and_nothing_else(stage):
    lent = stage.lends()
    lent.does("reject", reason="NotOnShelf")
    with stage.db.writing() as session:
        (waiting,) = outbox.promise(session, [Promise("notify_patron", "waits")])
        old = datetime(2020, 1, 1, tzinfo=UTC)
        session.execute(sa.update(EffectRow).where(EffectRow.status == "done").values(done_at=old))
        runtime.beat(session, "w@old", old, {})
    jobs.run(stage.services, "fire_timers", now=NOON)

    jobs.run(stage.services, "housekeeping", now=NOON + timedelta(days=400))

    with stage.db.reading() as session:
        kept = {e.kind for e in session.scalars(sa.select(EffectRow))}
        assert "schedule_due_date_check" not in kept
        assert session.get(EffectRow, waiting) is not None
        assert runtime.beats(session, datetime(2019, 1, 1, tzinfo=UTC)) == []
        assert timers.of(session, lent.id) == []
    assert lent.history == ["create", "reject"]


def test_the_sweep_finds_what_no_task_took_up_and_leaves_fresh_work_to_its_task(stage):
    with stage.db.writing() as session:
        promised = [Promise("circulation", "old"), Promise("notify_patron", "fresh")]
        old, fresh = outbox.promise(session, promised)
        session.execute(sa.update(EffectRow).where(EffectRow.id == old).values(available_at=NOON))
    kinds = ("circulation", "notify_patron", "generate_slip")
    with stage.db.reading() as session:
        assert outbox.kinds_to_do(session, kinds, timedelta(minutes=1)) == ["circulation"]
        assert set(outbox.kinds_to_do(session, kinds)) == {"circulation", "notify_patron"}
        assert fresh > old
