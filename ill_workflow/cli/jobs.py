"""Commands about the periodic jobs: which there are, what they did, and one more run now."""

import time
from datetime import timedelta
from typing import Annotated, Any

import typer

from ill_workflow import outbox, runtime
from ill_workflow.bootstrap import Services
from ill_workflow.cli import completing
from ill_workflow.cli.output import AsJson, examples, say, show
from ill_workflow.clock import machine_now
from ill_workflow.errors import NotFound, Refused, Unavailable

jobs_app = typer.Typer(
    help="The periodic jobs: which there are, what they did, and one more run now.", invoke_without_command=True
)

#: How long a worker may be silent before it counts as gone, and how long a run that was asked for is waited for.
SILENT, PATIENCE = timedelta(seconds=20), timedelta(minutes=5)
NAME = typer.Argument(
    metavar="NAME", help=f"The job: {', '.join(sorted(runtime.JOBS))}.", autocompletion=completing.jobs
)

rest = time.sleep


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(jobs_app, name="jobs", rich_help_panel=panel)


@jobs_app.callback()
def jobs(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_jobs(context, as_json)


@jobs_app.command("list")
def list_jobs(context: typer.Context, as_json: AsJson = False) -> None:
    """The jobs, and the last run of each. `ill jobs` alone does the same."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        last = {run.job: run for run in runtime.last_runs(session)}
        working = _workers(session)
    shown = [{"job": name, **_run(last.get(name)), "does": job.does} for name, job in sorted(runtime.JOBS.items())]
    show(shown, as_json=as_json)
    if not working and not as_json:
        print("\nNo worker has given a sign of life: nothing runs. Run: ill up")


@jobs_app.command("run", epilog=examples("ill jobs run fire_timers --wait"))
def run_job(
    context: typer.Context,
    name: Annotated[str, NAME],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has run, and say what came of it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a worker run a job now, besides its usual times."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        number = runtime.ask_for(session, name)
        working = _workers(session)
    if wait and not working:
        raise Unavailable("No worker has given a sign of life. The job runs as soon as one is there: ill up")
    if wait:
        said = _wait_for(services, number)
        say(f"{name}: {said}.", {"job": name, "promise": number, "outcome": said}, as_json=as_json)
        return
    when = "a worker runs it now" if working else "it runs as soon as a worker is there. Run: ill up"
    say(f"{name} is promised: {when}.", {"job": name, "promise": number, "workers": working}, as_json=as_json)


@jobs_app.command("history", epilog=examples("ill jobs history", "ill jobs history fire_timers --all --most 10"))
def job_history(
    context: typer.Context,
    name: Annotated[str | None, NAME] = None,
    quiet: Annotated[bool, typer.Option("--all", help="Also the runs that found nothing to do.")] = False,
    most: Annotated[int, typer.Option(min=1, max=10000, help="How many runs.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What the jobs did, the latest first. Runs that found nothing to do are kept for a day, others for a month."""
    if name is not None and name not in runtime.JOBS:
        raise NotFound(f"There is no job {name!r}. Known: {', '.join(sorted(runtime.JOBS))}.", field="name")
    with context.obj.services().db.reading() as session:
        runs = runtime.history(session, name, quiet=quiet, most=most)
    hint = "" if quiet else " that did something. Also those that found nothing to do: --all"
    show([{"job": run.job, **_run(run)} for run in runs], as_json=as_json, empty=f"No runs{hint}.")


def _run(run: runtime.JobRun | None) -> dict[str, Any]:
    if run is None:
        return {"started": None, "took": None, "outcome": "has not run yet"}
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    return {
        "started": run.started_at,
        "took": None if took is None else f"{took:.1f} s",
        "outcome": run.outcome or "runs, or was cut off",
    }


def _workers(session: Any) -> int:
    return len(runtime.beats(session, machine_now() - SILENT))


def _wait_for(services: Services, number: int) -> str:
    until = machine_now() + PATIENCE
    while machine_now() < until:
        with services.db.reading() as session:
            promised = session.get_one(outbox.EffectRow, number)
        if promised.status == outbox.DONE:
            return promised.answer or "done"
        if promised.status in outbox.NEEDS_A_PERSON:
            raise Refused(f"It could not be run: {promised.last_error}")
        rest(0.2)
    raise Unavailable(f"It has not run within {PATIENCE.seconds // 60} minutes. It stays promised: ill outbox list")
