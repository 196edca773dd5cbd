"""The worker of the benchmark: our tasks and the naive way's side by side, all with nothing to do but to be recorded.

What an effect does costs the same either way; what is compared is everything around it.
"""

from typing import Any, cast

from benchmarks import QUEUES, naive
from ill_workflow.bootstrap import HANDLERS, TOGETHER
from workers.main import celery_app, services

cast(dict[str, Any], TOGETHER).clear()
cast(dict[str, Any], HANDLERS).update(dict.fromkeys(HANDLERS, lambda services, claimed: None))


def _effect(request_id: int) -> None:
    naive.effect(services().db.engine.execution_options(writing=True), request_id)


for queue in QUEUES:
    celery_app.task(_effect, name=f"naive.{queue}", ignore_result=True)
