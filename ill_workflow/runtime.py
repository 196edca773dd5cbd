"""What the workers leave in the database about themselves, so that `ill doctor` can tell."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime
from ill_workflow.outbox import insert_new


class Heartbeat(Base):
    """The last sign of life of a worker process."""

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
    return list(session.scalars(sa.select(Heartbeat).where(Heartbeat.at >= since).order_by(Heartbeat.worker)))


def last_runs(session: Session) -> list[JobRun]:
    """The latest run of each job."""
    latest = sa.select(sa.func.max(JobRun.id)).group_by(JobRun.job)
    return list(session.scalars(sa.select(JobRun).where(JobRun.id.in_(latest)).order_by(JobRun.job)))


def forget(session: Session, before: datetime) -> int:
    """Forget runs and heartbeats from before an instant."""
    runs = session.execute(sa.delete(JobRun).where(JobRun.started_at < before))
    beats = session.execute(sa.delete(Heartbeat).where(Heartbeat.at < before))
    return int(runs.rowcount + beats.rowcount)  # type: ignore[attr-defined]
