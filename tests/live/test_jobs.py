"""A job that an operator asks for is run by a real worker, rung for by a real broker."""

import pytest

from ill_workflow import runtime
from ill_workflow.outbox import DONE, EffectRow

pytestmark = pytest.mark.live


def test_a_job_that_is_asked_for_is_run_by_whichever_worker_comes_first(sqlite_installation):
    installation = sqlite_installation
    installation.worker(ILL_SWEEP="false")  # the bell alone brings it
    with installation.services.db.writing() as session:
        number = runtime.ask_for(session, "housekeeping")

    def promised():
        with installation.services.db.reading() as session:
            return session.get_one(EffectRow, number)

    installation.wait(lambda: promised().status == DONE)

    assert promised().answer.endswith("forgotten")
    with installation.services.db.reading() as session:
        assert any(
            run.slot == f"asked {number}.1" for run in runtime.history(session, "housekeeping", quiet=True, most=9)
        )
