"""A whole installation of real processes: broker, worker, mail server, database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries, outbox, partners, patrons, runtime
from ill_workflow.bootstrap import Services, start
from ill_workflow.clock import machine_now
from ill_workflow.commands import sign
from ill_workflow.config import Settings
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request
from tests.plugins.broker import KINDS, LiveBroker
from tests.plugins.waiting import LONGEST, eventually
from workers.bell import CeleryBell
from workers.broker import app_of
from workers.catcher import Catcher
from workers.children import Child
from workers.sweep import PATIENCE


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All that needs a broker happens on each kind of them, but for what says on which it makes a difference."""
    if "live_broker" in metafunc.fixturenames:
        named = metafunc.definition.get_closest_marker("brokers")
        metafunc.parametrize("live_broker", named.args if named else KINDS, indirect=True)


class Installation:
    """One library with a patron and a partner that reads mail. `bell` says whether our own commits ring."""

    def __init__(self, folder: Path, url: str, broker: LiveBroker, **settings: object) -> None:
        self.folder, self.broker = folder, broker
        self.gate = folder / "gate"
        self.catcher = Catcher(folder / "mails", gate=self.gate)
        self.catcher.start()
        self.workers: list[Child] = []
        self.settings = Settings(
            data=folder, database_url=url, broker_url=broker.celery_url, smtp_port=self.catcher.port, lease_seconds=3,
            sweep_seconds=0.3, smtp_timeout=30, visibility_seconds=4, **settings,
        )  # fmt: skip
        self.app = app_of(self.settings)
        self.services: Services = start(self.settings, CeleryBell(self.app))
        self.silent: Services = start(self.settings)
        with self.services.db.writing() as session:
            main = libraries.add_library(
                session, code="MAIN", name="Main", prefix="XPX", time_zone="America/Chicago", digest_minutes=0
            )
            partners.add_partner(session, main.id, code="HILL", name="Hilltop", email="ill@hilltop.example")
            ann = accounts.add_account(session, "ann", full_name="Ann Operator", email="ann@main.example")
            accounts.grant(session, ann, main.id, "operator")
            kiosk = accounts.add_account(session, "kiosk", system=True)
            accounts.grant(session, kiosk, main.id, "operator")
            accounts.add_account(session, "stranger", system=True)
            self.secret = kiosk.secret or ""
            self.other_secret = accounts.find_secret(session, "stranger")

    @property
    def environment(self) -> dict[str, str]:
        given = self.settings.model_dump(exclude_none=True, exclude={"as_"})
        return {**os.environ, **{f"ILL_{name.upper()}": str(value) for name, value in given.items()}}

    def waits_longer_than_the_sweep(self) -> None:
        """Until the sweep, were there one, would surely have acted: patience, lease, and a look or two."""
        until = time.monotonic() + self.settings.lease_seconds + PATIENCE.total_seconds() + 2.0
        eventually(lambda: time.monotonic() > until)

    def command(self, name: str, key: str, **arguments):
        """A signed command of the kiosk, as another system sends it."""
        now = int(time.time())
        signature = sign(self.secret, name, "kiosk", arguments, key, now)
        envelope = {"account": "kiosk", "arguments": arguments, "key": key, "time": now, "signature": signature}
        return self.app.send_task(name, kwargs=envelope, queue="ill.doors", argsrepr="", kwargsrepr="")

    def worker(self, **env: str) -> Child:
        """Start a worker, and wait until it takes tasks; on RabbitMQ it may have one in hand before it says so."""
        child = self.start_worker(**env)
        child.wait_until(
            lambda: any(word in child.last_words(100) for word in ("ready.", "] received")), seconds=LONGEST
        )
        return child

    def start_worker(self, **env: str) -> Child:
        number = len(self.workers)
        argv = [sys.executable, "-m", "celery", "-A", "workers.main:celery_app", "worker", "--concurrency=1"]
        argv += [f"--hostname=w{number}@test", "--loglevel=INFO"]
        child = Child(
            f"worker {number}", argv, {**self.environment, **env}, self.folder / f"worker{number}.log", restarts=0
        )
        child.start()
        self.workers.append(child)
        return child

    def borrows(self, services: Services | None = None) -> int:
        """A request is made and sent: the partner and the patron get a mail each."""
        services = services or self.services
        with services.db.writing() as session:
            library = libraries.find_library(session, "MAIN")
            patron = patrons.remember_patron(session, library.id, "2123", name="Ann", email="reader@readers.example")
            by = By.staff(accounts.find_account(session, "ann"))
            request = intake.borrow(
                session, library, {"title": "Emma"}, by=by, clock=services.clock, patron=patron, partners=("HILL",)
            )
            request_id = request.id
        self.submit(request_id, services)
        return request_id

    def submit(self, request_id: int, services: Services) -> None:
        with services.db.writing() as session:
            request = actions.locked(session, request_id)
            if request.state == "created" or request.state == "needs_review":
                by = By.staff(accounts.find_account(session, "ann"))
                actions.perform(session, request, "submit", by=by, clock=services.clock)

    def state(self, request_id: int) -> str:
        with self.services.db.reading() as session:
            return session.get_one(Request, request_id).state

    def open_work(self, request_id: int) -> list[tuple[str, str]]:
        """Kind and status of what is promised for the request and not done."""
        with self.services.db.reading() as session:
            rows = sa.select(EffectRow.kind, EffectRow.status).where(
                EffectRow.request_id == request_id, EffectRow.status != outbox.DONE
            )
            return [(kind, status) for kind, status in session.execute(rows)]

    def is_done(self, request_id: int) -> bool:
        return not self.open_work(request_id)

    def message_ids(self, to: str) -> list[str]:
        return [str(m["Message-ID"]) for m in self.catcher.messages() if to in str(m["To"])]

    def has_beaten(self) -> bool:
        from datetime import timedelta

        with self.services.db.reading() as session:
            return bool(runtime.beats(session, machine_now() - timedelta(minutes=1)))

    def run(self, program: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )

    def wait(self, true) -> None:
        eventually(true)

    def end(self) -> None:
        self.gate.unlink(missing_ok=True)
        for worker in self.workers:
            worker.kill()
        self.catcher.stop()
        for services in (self.services, self.silent):
            services.db.engine.dispose()
        self.app.close()


@pytest.fixture
def installation(tmp_path: Path, database_url: str, live_broker: LiveBroker) -> Iterator[Installation]:
    found = Installation(tmp_path / "data", database_url, live_broker)
    yield found
    found.end()


@pytest.fixture
def installation_on(tmp_path: Path, live_broker: LiveBroker) -> Iterator[Callable[[str], Installation]]:
    """For tests that bring a database of their own."""
    found: list[Installation] = []

    def make(url: str) -> Installation:
        found.append(Installation(tmp_path / "data", url, live_broker))
        return found[-1]

    yield make
    for installation in found:
        installation.end()


@pytest.fixture
def sqlite_installation(tmp_path: Path, sqlite_template: Path, live_broker: LiveBroker) -> Iterator[Installation]:
    """Where one database is as good as the other."""
    path = tmp_path / "ill.db"
    path.write_bytes(sqlite_template.read_bytes())
    found = Installation(tmp_path / "data", f"sqlite:///{path}", live_broker)
    yield found
    found.end()


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """For tests that bring a broker of their own as well: called with a database URL, a broker and settings."""
    found: list[Installation] = []

    def make(url: str, broker: LiveBroker, **settings: object) -> Installation:
        found.append(Installation(tmp_path / "data", url, broker, **settings))
        return found[-1]

    yield make
    for installation in found:
        installation.end()
