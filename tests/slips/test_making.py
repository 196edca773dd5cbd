"""The slip of a promise: the same for every attempt, whatever has happened since."""

import errno
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import backlog
from ill_workflow.outbox import EffectRow
from ill_workflow.pauses import Pause
from workers import drain


@pytest.fixture
def stage(bare_stage):
    return bare_stage


def slip_of(stage, half):
    (path,) = stage.services.settings.slips.glob(f"{half.reference}-routing-*.pdf")
    return path.read_bytes()


def effect_of(stage, half, kind, argument="routing"):
    mine = (EffectRow.request_id == half.id) & (EffectRow.kind == kind) & (EffectRow.argument == argument)
    with stage.db.reading() as session:
        return session.scalars(sa.select(EffectRow).where(mine)).one()


def test_a_later_attempt_draws_the_same_slip(stage):
    lent = stage.lends()
    lent.does("print_slip")
    first = slip_of(stage, lent)
    lent.does("ship", condition_checked=True, item_barcode="312", due_date="2026-03-20")
    stage.clock.advance(timedelta(minutes=5))
    for path in stage.services.settings.slips.glob(f"{lent.reference}-routing-*.pdf"):
        path.unlink()
    with stage.db.writing() as session:
        session.get(EffectRow, effect_of(stage, lent, "generate_slip").id).status = "ready"

    stage.work()

    assert slip_of(stage, lent) == first


def test_a_folder_that_can_never_be_written_is_given_up_and_shown(stage, monkeypatch):
    def refuse(path, pdf):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("ill_workflow.slips.making.write", refuse)
    lent = stage.lends()
    lent.does("print_slip")
    effect = effect_of(stage, lent, "generate_slip").id
    for _ in range(stage.services.settings.max_attempts):
        with stage.db.writing() as session:
            row = session.get(EffectRow, effect)
            row.available_at = row.created_at
        drain.work_off(stage.services, "generate_slip")
    with stage.db.reading() as session:
        assert effect in [e.id for e in backlog.needing_attention(session)]
        assert "Permission denied" in session.get(EffectRow, effect).last_error
    assert lent.state == "being_processed", "the transition stands"


def test_a_full_disk_waits_and_heals_by_itself(stage, monkeypatch):
    def full(path, pdf):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ill_workflow.slips.making.write", full)
        lent = stage.lends()
        lent.does("print_slip")
    with stage.db.writing() as session:
        assert [p.destination for p in backlog.pauses(session)] == ["slips"], "mail goes on"
        assert effect_of(stage, lent, "generate_slip").attempts == 0
        session.query(Pause).delete()
        for row in session.query(EffectRow).filter(EffectRow.status == "ready"):
            row.available_at = row.created_at
    stage.work()
    assert slip_of(stage, lent).startswith(b"%PDF")
