"""Operations: what was promised and waits, what went wrong, the jobs that run by the clock, and who works."""

import platform
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from babel.dates import format_timedelta
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from ill_workflow import backlog, outbox, runtime
from ill_workflow.bootstrap import Services
from ill_workflow.clock import machine_now
from ill_workflow.errors import NotFound
from ill_workflow.migrations import is_current
from ill_workflow.pauses import CIRCULATION, MAIL, SLIPS
from ill_workflow.requests.models import Request as Loan
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Signed, Visitor
from ill_workflow.web.words import _, locale, ngettext

router = APIRouter(prefix="/l/{library}/operations")

#: How long a worker may be silent before it counts as gone; how long one that went without a word is shown.
SILENT, LOST = timedelta(seconds=20), timedelta(hours=1)
MOST, MOST_RUNS = 100, 20

#: What people call the kinds of promised work: all of a kind, and one piece.
KINDS = {
    "generate_slip": ("Slips to draw", "Slip to draw"), "email_slip": ("Slips to mail", "Slip to mail"),
    "send_message": ("Messages to partners", "Message to the partner"),
    "notify_patron": ("Notices to patrons", "Notice to the patron"),
    "alert_staff": ("Alerts to staff", "Alert to staff"),
    "send_letter": ("Mails to send again", "Mail to send again"),
    "circulation": ("Calls to the circulation system", "Call to the circulation system"),
    "schedule_due_date_check": ("Due dates to set", "Due dates to set"),
    "run_job": ("Jobs that were asked for", "Job that was asked for"),
}  # fmt: skip
JOBS = {"fire_timers": "Due dates and timers", "sweep": "Sweep", "housekeeping": "Housekeeping"}
STATUS = {outbox.DEAD: "Given up", outbox.UNCERTAIN: "Uncertain", outbox.READY: "Will be tried again"}
#: What rests while it is down.
DESTINATIONS = {MAIL: "Mail", SLIPS: "Slips", CIRCULATION: "The circulation system"}


@dataclass(frozen=True)
class Work:
    """A piece of promised work that went wrong."""

    id: int
    what: str
    request_id: int | None
    reference: str
    since: datetime
    status: str
    tone: str
    attempts: int
    why: str


@router.get("")
def operations(request: Request, visitor: Signed, services: Here) -> HTMLResponse:
    """What waits and fails is the library's own; jobs and workers belong to all, and tell nothing of patrons."""
    now, mine = machine_now(), visitor.library.id
    with services.db.reading() as session:
        needing, trying = backlog.needing_attention(session, mine, MOST), backlog.troubled(session, library_id=mine)
        names = _references(session, [row.request_id for row in (*needing, *trying) if row.request_id])
        values: dict[str, Any] = {
            "needing": [_work(row, names) for row in needing],
            "needing_count": backlog.how_many_need_attention(session, mine),
            "given_up": sum(row.status == outbox.DEAD for row in needing),
            "trying": [_work(row, names) for row in trying],
            "waiting": [
                (_(KINDS.get(found.kind, (found.kind,))[0]), found.number, _long(found.oldest))
                for found in backlog.waiting_at(session, mine)
            ],
            "everywhere": _everywhere(backlog.waiting_at(session)),
            "pauses": [
                (_(DESTINATIONS[p.destination]) if p.destination in DESTINATIONS else p.name, p.reason, p.partner_id)
                for p in backlog.pauses(session, mine)
            ],
            "jobs": _jobs({run.job: run for run in runtime.last_runs(session)}, now),
            "runs": [_run(run) for run in runtime.history(session, None, quiet=False, most=MOST_RUNS)],
            "workers": _alive(runtime.beats(session, now - LOST), now),
            "consoles": _alive(runtime.consoles(session, now - LOST), now),
        }
    return render(
        request, "operations.html", visitor, done=_done(request), versions=_versions(services),
        zone=visitor.library.zone, flower=services.settings.flower_url is not None, **values,
    )  # fmt: skip


@router.post("/work/{number}/again")
def again(number: int, visitor: Signed, services: Here) -> Response:
    with services.db.writing() as session:
        if not backlog.resend(session, number, visitor.library.id):
            raise NotFound(_("Nothing here that needs a person has this number: somebody may have been faster."))
    return _back(visitor, "again=1")


@router.post("/work/again")
def all_again(visitor: Signed, services: Here) -> Response:
    with services.db.writing() as session:
        number = backlog.resend_all(session, visitor.library.id)
    return _back(visitor, f"again={number}")


@router.post("/partners/{number}/now")
def try_now(number: int, visitor: Signed, services: Here) -> Response:
    """Whoever knows that a partner is up again need not wait until its pause is over."""
    with services.db.writing() as session:
        tried = backlog.try_now(session, number, visitor.library.id)
    if tried is None:
        raise NotFound(_("It rests no longer: what waits for it is on its way."))
    return _back(visitor, f"again={tried}")


@router.post("/jobs/{name}/run")
def run_now(name: str, visitor: Managing, services: Here) -> Response:
    with services.db.writing() as session:
        runtime.ask_for(session, name)
    return _back(visitor, f"asked={name}")


def _back(visitor: Visitor, what: str) -> Response:
    return RedirectResponse(f"/l/{visitor.library.code}/operations?{what}", status_code=303)


def _done(request: Request) -> str:
    """What the page before has done."""
    asked, number = request.query_params.get("asked", ""), request.query_params.get("again", "")
    if asked in runtime.JOBS:
        return _("{job} is asked for: a worker runs it now.").format(job=_(JOBS.get(asked, asked)))
    if number.isascii() and number.isdigit() and len(number) < 6:
        words = ngettext("{number} piece of work will be tried again.", "{number} will be tried again.", int(number))
        return words.format(number=number)
    return ""


def _references(session: Session, numbers: Collection[int]) -> dict[int, str]:
    rows = sa.select(Loan.id, Loan.reference).where(Loan.id.in_(numbers))
    return {row.id: row.reference for row in session.execute(rows)}


def _work(row: outbox.EffectRow, names: Mapping[int, str]) -> Work:
    tone = {outbox.DEAD: "bad", outbox.UNCERTAIN: "warn"}.get(row.status, "busy")
    what = _(KINDS.get(row.kind, ("", row.kind))[1]) + (
        f": {_(row.argument.replace('_', ' '))}" if row.argument else ""
    )
    return Work(
        row.id, what, row.request_id, names.get(row.request_id or 0, ""), row.created_at,
        _(STATUS.get(row.status, row.status)), tone, row.attempts, row.last_error or "",
    )  # fmt: skip


def _everywhere(found: Sequence[backlog.Waiting]) -> str:
    number = sum(each.number for each in found)
    if not number:
        return _("Nothing waits at any library.")
    oldest = _long(max(each.oldest for each in found))
    words = ngettext(
        "At all libraries {number} waits, for {oldest}.",
        "At all libraries {number} wait, the oldest for {oldest}.",
        number,
    )
    return words.format(number=number, oldest=oldest)


def _jobs(last: Mapping[str, runtime.JobRun], now: datetime) -> list[dict[str, Any]]:
    found = []
    for name, job in sorted(runtime.JOBS.items()):
        slot = (int(now.timestamp()) // job.every + 1) * job.every
        run = _run(last[name]) if name in last else None
        found.append(
            {
                "name": name, "label": _(JOBS.get(name, name)), "does": _(job.does), "last": run,
                "every": _long(timedelta(seconds=job.every)), "next": datetime.fromtimestamp(slot, UTC),
            }
        )  # fmt: skip
    return found


def _run(run: runtime.JobRun) -> dict[str, Any]:
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    seconds = "" if took is None else _("{seconds} s").format(seconds=f"{took:.1f}")
    return {
        "label": _(JOBS.get(run.job, run.job)), "started": run.started_at,
        "took": seconds.replace(" ", "\N{NO-BREAK SPACE}"),
        "outcome": _came_of(run.outcome),
        "failed": run.outcome.startswith("failed"), "asked": run.slot.startswith("asked"),
    }  # fmt: skip


def _came_of(outcome: str) -> str:
    """What a job says of itself, in words; a reason why it failed stays as it is."""
    done = re.fullmatch(r"(\d+) (fired|done|forgotten)(?:, (\d+) could not be fired)?", outcome)
    if done is None:
        return outcome.removeprefix("failed: ") or _("runs, or was cut off")
    number, failed = int(done[1]), int(done[3] or 0)
    if not number and not failed:
        return _("There was nothing to do.")
    match done[2]:
        case "fired":
            said = ngettext("{number} date was acted on.", "{number} dates were acted on.", number)
        case "done":
            said = ngettext("{number} piece of work was done.", "{number} pieces of work were done.", number)
        case _:
            said = ngettext("{number} thing was forgotten.", "{number} things were forgotten.", number)
    said = said.format(number=number)
    if failed:
        words = ngettext("{number} date could not be acted on.", "{number} dates could not be acted on.", failed)
        said = f"{said} {words.format(number=failed)}"
    return said


def _bell(said: str) -> str:
    """Whether a worker reaches the broker."""
    if said == "rings":
        return _("reaches the broker")
    if said.startswith("silent: "):
        return _("does not reach the broker: {why}").format(why=said.removeprefix("silent: "))
    return said


def _alive(beats: Collection[runtime.Heartbeat], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": beat.worker.removeprefix(runtime.CONSOLE), "ago": _long(now - beat.at),
            "well": beat.at >= now - SILENT,
            "says": _bell(beat.info.get("bell") or "") or beat.info.get("address") or "",
        }
        for beat in beats
    ]  # fmt: skip


def _versions(services: Services) -> list[tuple[str, str]]:
    engine = services.db.engine
    tables = _("up to date") if is_current(engine) else _("out of date. Run: ill migrate")
    database = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return [
        ("ill_workflow", version("ill_workflow")), ("Python", platform.python_version()),
        (engine.dialect.name, database), (_("Tables"), tables),
    ]  # fmt: skip


def _long(time: timedelta) -> str:
    return str(format_timedelta(max(time, timedelta(0)), granularity="second", threshold=1.2, locale=locale()))
