"""Transitions per second with four effects each, all recorded as done, beside the naive way.

Both ways in one run: the same database, broker and worker; *Print Slip* of a new lending request for us, a state and
four `.delay` for the naive way. Each burst is timed from the first call until the last effect is recorded.
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import sqlalchemy as sa

from benchmarks import QUEUES, naive
from ill_workflow import accounts, libraries, outbox, partners, runtime
from ill_workflow.bootstrap import Services, start
from ill_workflow.clock import machine_now
from ill_workflow.config import Settings
from ill_workflow.migrations import migrate
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from workers.app import make_app
from workers.bell import CeleryBell
from workers.broker import EmbeddedBroker
from workers.children import Child

BURST, ROUNDS = 400, 3
#: A burst that is not done by then never will be.
PATIENCE = 120.0


def main() -> None:
    for name, place in (("SQLite", empty_sqlite), ("PostgreSQL", empty_postgresql)):
        with place() as url, _installation(url) as (services, tasks):
            ours, theirs = _compare(services, tasks)
        ratio = statistics.median(a.per_second / b.per_second for a, b in zip(ours, theirs, strict=True))
        print(f"{name}, {ROUNDS} bursts of {BURST} transitions with four effects each, all recorded as done")
        for who, bursts in (("ours", ours), ("naive", theirs)):
            rate = statistics.median(b.per_second for b in bursts)
            calls = sorted(c for b in bursts for c in b.calls)
            p50, p99 = calls[len(calls) // 2], calls[int(len(calls) * 0.99)]
            waits = f"the caller waits p50 {p50 * 1e3:5.2f} ms, p99 {p99 * 1e3:5.2f} ms"
            print(f"  {who:6} {rate:6.0f} transitions/s   {waits}")
        print(f"  ratio  {ratio:6.2f}", flush=True)


class Burst:
    """How long each call took, and how fast all of it was done."""

    def __init__(self, numbers: list[int], call: Callable[[int], None], done: Callable[[], bool]) -> None:
        self.calls: list[float] = []
        began = perf_counter()
        for number in numbers:
            start = perf_counter()
            call(number)
            self.calls.append(perf_counter() - start)
        while not done():
            if perf_counter() - began > PATIENCE:
                sys.exit(f"not done within {PATIENCE:.0f} seconds")
            sleep(0.005)
        self.per_second = len(numbers) / (perf_counter() - began)


def _compare(services: Services, tasks: Sequence[Any]) -> tuple[list[Burst], list[Burst]]:
    engine = services.db.engine.execution_options(writing=True)
    naive.Base.metadata.create_all(engine)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        numbers = _new_requests(services)
        ours.append(Burst(numbers, lambda n: _print_slip(services, n), lambda: _all_done(services)))
        copies = _naive_requests(services)
        done = partial(_naive_done, services, copies)
        theirs.append(Burst(copies, lambda n: naive.print_slip(engine, tasks, n), done))
    return ours, theirs


def _print_slip(services: Services, number: int) -> None:
    with services.db.writing() as session:
        by = By.staff(accounts.find_account(session, "ann"))
        actions.perform(session, actions.locked(session, number), "print_slip", by=by, clock=services.clock)


def _new_requests(services: Services) -> list[int]:
    """A burst of new lending requests, of which nothing is promised any more."""
    with services.db.writing() as session:
        library = libraries.find_library(session, "MAIN")
        partner, by = (
            partners.find_partner(session, library.id, "HILL"),
            By.staff(accounts.find_account(session, "ann")),
        )
        made = [
            intake.lend(session, library, partner, {"title": "Emma"}, by=by, clock=services.clock) for _ in range(BURST)
        ]
        session.execute(sa.update(EffectRow).values(status=outbox.DONE, done_at=machine_now()))
        session.info.pop("promised")
        return [request.id for request in made]


def _naive_requests(services: Services) -> list[int]:
    with services.db.writing() as session:
        made = [naive.NaiveRequest(state="new") for _ in range(BURST)]
        session.add_all(made)
        session.flush()
        return [request.id for request in made]


def _all_done(services: Services) -> bool:
    with services.db.reading() as session:
        return session.scalar(sa.select(EffectRow.id).where(EffectRow.status != outbox.DONE).limit(1)) is None


def _naive_done(services: Services, copies: list[int]) -> bool:
    mine = sa.select(sa.func.count()).where(naive.NaiveDone.request_id >= copies[0])
    with services.db.reading() as session:
        return session.scalar(mine) == len(copies) * 4


@contextmanager
def _installation(url: str) -> Iterator[tuple[Services, list[Any]]]:
    """A library, a broker, and a worker."""
    folder = Path(tempfile.mkdtemp(prefix="ill-bench-"))
    broker = EmbeddedBroker(folder / "broker")
    broker.start()
    settings = Settings(data=folder, database_url=url, broker_url=broker.celery_url)
    environment = {"ILL_DATA": str(folder), "ILL_DATABASE_URL": url, "ILL_BROKER_URL": broker.celery_url}
    argv = [sys.executable, "-m", "celery", "-A", "benchmarks.worker:celery_app", "worker"]
    worker = Child("worker", argv, {**_surroundings(), **environment}, folder / "worker.log", restarts=0)
    try:
        app = make_app(broker.celery_url)
        services = start(settings, CeleryBell(app, settings.bell_bound))
        _furnish(services)
        worker.start()
        worker.wait_until(lambda: _has_beaten(services), seconds=60)
        yield services, [app.signature(f"naive.{queue}", queue=queue) for queue in QUEUES]
        services.db.engine.dispose()
    finally:
        worker.kill()
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _surroundings() -> dict[str, str]:
    """The environment without what it says about another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}


def _has_beaten(services: Services) -> bool:
    with services.db.reading() as session:
        return bool(runtime.beats(session, machine_now() - timedelta(minutes=1)))


def _furnish(services: Services) -> None:
    with services.db.writing() as session:
        library = libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="America/Chicago")
        partners.add_partner(session, library.id, code="HILL", name="Hilltop", email="ill@hilltop.example")
        accounts.grant(session, accounts.add_account(session, "ann", email="ann@main.example"), library.id, "operator")


@contextmanager
def empty_sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ill-bench-") as folder:
        url = f"sqlite:///{folder}/ill.db"
        migrate(url)
        yield url


@contextmanager
def empty_postgresql() -> Iterator[str]:
    from tests.plugins.postgresql import PostgreSQL

    server = PostgreSQL()
    try:
        url = server.create_database()
        migrate(url)
        yield url
    finally:
        server.stop()


if __name__ == "__main__":
    main()
