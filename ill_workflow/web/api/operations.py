"""The installation as operators watch it, and the lifecycles as programs read them."""

import json
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path

from ill_workflow import backlog, runtime
from ill_workflow.accounts import libraries_of
from ill_workflow.clock import machine_now
from ill_workflow.web.api.callers import Anywhere, Calling, Here
from ill_workflow.web.api.input_schemas import LIFECYCLES
from ill_workflow.web.api.problems import described
from ill_workflow.web.api.shapes import Health, Jobs, JobShown
from state_machines.render import as_json

router = APIRouter(responses=described(401, 403, 429, 503))
#: How long a worker may be silent before it counts as gone.
SILENT = timedelta(seconds=20)


@router.get("/health", operation_id="get_health", tags=["Operations"], summary="Whether promised work is done")
def get_health(caller: Anywhere, services: Here) -> Health:
    """Workers, what waits and for how long, and what needs a person at your libraries."""
    with services.db.reading() as session:
        mine = [n for n in libraries_of(session, caller.account) if caller.library_id in (None, n)]
        oldest = backlog.oldest_promise(session)
        return Health(
            workers=[beat.worker for beat in runtime.beats(session, machine_now() - SILENT)],
            waiting=backlog.waiting(session),
            oldest_seconds=oldest.total_seconds() if oldest else None,
            needs_attention=sum(len(backlog.needing_attention(session, number)) for number in mine),
            paused=[pause.destination for pause in backlog.pauses(session)],
        )


@router.get("/jobs", operation_id="list_jobs", tags=["Operations"], summary="The periodic jobs")
def list_jobs(caller: Anywhere, services: Here) -> Jobs:
    """What runs by the clock, how often, and what came of it last."""
    with services.db.reading() as session:
        last = {run.job: run for run in runtime.last_runs(session)}
    return Jobs(
        items=[
            JobShown(
                name=name, every_seconds=job.every, does=job.does,
                last_started_at=last[name].started_at if name in last else None,
                last_finished_at=last[name].finished_at if name in last else None,
                last_outcome=last[name].outcome if name in last else "",
            )
            for name, job in sorted(runtime.JOBS.items())
        ]
    )  # fmt: skip


@router.get(
    "/lifecycles/{side}", operation_id="get_lifecycle", tags=["Operations"], summary="What can happen, as a table",
    responses=described(404),
)  # fmt: skip
def get_lifecycle(
    caller: Calling, side: Annotated[Literal["borrowing", "lending"], Path(description="Which.", examples=["lending"])]
) -> dict[str, Any]:
    """The states and actions of a side, from which menus, forms and this description are made."""
    found: dict[str, Any] = json.loads(as_json(LIFECYCLES[side]))
    return found
