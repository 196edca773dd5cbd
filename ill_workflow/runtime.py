"""What the workers and the console leave in the database about themselves, so that `ill doctor` can tell."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import NotFound
from ill_workflow.outbox import Promise, insert_new, promise


@dataclass(frozen=True)
class Job:
    """A periodic job: how often it runs, and what for."""

    every: int  #: seconds of its slots
    does: str


#: The jobs that run by the clock. Workers know how to do them.
JOBS: Mapping[str, Job] = {
    "fire_timers": Job(5, "Due dates, notices, missing answers: whatever timer is due pulls its row."),
    "sweep": Job(5, "Looks for promised work that nobody has taken up."),
    "housekeeping": Job(300, "Forgets what nobody needs any more."),
}
#: The outcome of a run that found nothing to do begins so.
NOTHING = "0 "
#: Web processes give signs of life beside the workers, under names that begin so.
CONSOLE = "console:"


class Heartbeat(Base):
    """The last sign of life of a worker process, or of a web process."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    info: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


class JobRun(Base):
    """A run of a periodic job: one row for each job and slot, whoever asks for it."""

    __tablename__ = "job_run"
    __table_args__ = (sa.UniqueConstraint("job", "slot"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(sa.String(64))
    slot: Mapped[str] = mapped_column(sa.String(64))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str] = mapped_column(sa.Text, default="")


def beat(session: Session, worker: str, now: datetime, info: dict[str, Any]) -> None:
    session.merge(Heartbeat(worker=worker, at=now, info=info))


def leave(session: Session, worker: str) -> None:
    """A worker that ends is heard of no more."""
    session.execute(sa.delete(Heartbeat).where(Heartbeat.worker == worker))


def is_taken(session: Session, job: str, slot: str) -> bool:
    """Whether somebody has taken this slot already: a look that waits for no writer."""
    return session.scalar(sa.select(JobRun.id).where(JobRun.job == job, JobRun.slot == slot)) is not None


def begin(session: Session, job: str, slot: str, now: datetime) -> bool:
    """Take the slot of a job. False: somebody else has it."""
    row = {"job": job, "slot": slot, "started_at": now, "outcome": ""}
    return bool(insert_new(session, JobRun, [row], JobRun.id))


def end(session: Session, job: str, slot: str, now: datetime, outcome: str) -> None:
    mine = (JobRun.job == job) & (JobRun.slot == slot)
    session.execute(sa.update(JobRun).where(mine).values(finished_at=now, outcome=outcome))


def beats(session: Session, since: datetime) -> list[Heartbeat]:
    """The workers that have given a sign of life since then."""
    return _beats(session, since, ~Heartbeat.worker.startswith(CONSOLE))


def consoles(session: Session, since: datetime) -> list[Heartbeat]:
    """The web processes that have given a sign of life since then."""
    return _beats(session, since, Heartbeat.worker.startswith(CONSOLE))


def _beats(session: Session, since: datetime, which: sa.ColumnElement[bool]) -> list[Heartbeat]:
    return list(session.scalars(sa.select(Heartbeat).where(which, Heartbeat.at >= since).order_by(Heartbeat.worker)))


def ask_for(session: Session, job: str) -> int:
    """Promise a run of a job now: a row like any other, for whichever worker comes first. Raises NotFound."""
    if job not in JOBS:
        raise NotFound(f"There is no job {job[:64]!r}. Known: {', '.join(sorted(JOBS))}.", field="job")
    (number,) = promise(session, [Promise("run_job", f"run_job:{secrets.token_hex(8)}", argument=job)])
    return number


def last_runs(session: Session) -> list[JobRun]:
    """The latest run of each job."""
    latest = sa.select(sa.func.max(JobRun.id)).group_by(JobRun.job)
    return list(session.scalars(sa.select(JobRun).where(JobRun.id.in_(latest)).order_by(JobRun.job)))


def history(session: Session, job: str | None, *, quiet: bool, most: int) -> list[JobRun]:
    """The runs of a job, or of all, the latest first; those that found nothing to do only where `quiet`."""
    rows = sa.select(JobRun).order_by(JobRun.id.desc()).limit(most)
    rows = rows.where(JobRun.job == job) if job else rows
    return list(session.scalars(rows if quiet else rows.where(~_quiet())))


def forget(session: Session, before: datetime, news_before: datetime) -> int:
    """Forget quiet runs and heartbeats from before an instant; runs that did something or failed are kept longer."""
    old = (JobRun.started_at < before) & _quiet() | (JobRun.started_at < news_before)
    runs = session.execute(sa.delete(JobRun).where(old), execution_options={"synchronize_session": False})
    beats = session.execute(sa.delete(Heartbeat).where(Heartbeat.at < before))
    return int(runs.rowcount + beats.rowcount)  # type: ignore[attr-defined]


def _quiet() -> sa.ColumnElement[bool]:
    return JobRun.outcome.startswith(NOTHING)
