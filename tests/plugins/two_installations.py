"""Two installations of real processes, each with a database, a broker, a worker and a console, that talk over HTTP."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
from sqlalchemy.orm import Session

from ill_workflow import backlog, partners
from ill_workflow.bootstrap import start
from ill_workflow.clock import SystemClock
from ill_workflow.config import Settings
from ill_workflow.libraries import Library
from ill_workflow.partner_secrets import set_secret
from tests.plugins.stage import Stage
from workers.bell import CeleryBell
from workers.broker import EmbeddedBroker, app_of
from workers.catcher import Catcher
from workers.children import Child

#: Name and prefix of both libraries, by their codes.
LIBRARIES = {"MAIN": ("Main Library", "XPX"), "RIV": ("Riverside Library", "RIV")}


def meet(session: Session, ours: Library, code: str, address: str, **wire: object) -> None:
    """Enter a library that is elsewhere in our list of partners; both show a token."""
    name, _ = LIBRARIES[code]
    lines = f"1 {name} Street\nChicago"
    other = partners.add_partner(
        session, ours.id, code=code, name=name, transport="iso18626", shipping_address=lines,
        return_address=f"Returns\n{lines}", delivery_code=code, time_zone="America/Chicago",
        wire={"address": address, "plain_http": True, "shows_itself": "token", **wire},
    )  # fmt: skip
    set_secret(session, other, "token", f"a-token-of-{code}")
    set_secret(session, other, "our_token", f"a-token-of-{ours.code}")


class Running(Stage):
    """One of them. People act in the test's own process; whatever is promised, its worker does."""

    def __init__(self, code: str, url: str, folder: Path, broker: EmbeddedBroker, port: int, others_port: int) -> None:
        self.libraries = ((code, *LIBRARIES[code]),)
        self._others_port = others_port
        super().__init__(url, folder)
        self.db.engine.dispose()
        self._catcher = Catcher(folder / "mails")
        self._catcher.start()
        settings = Settings(
            data=folder, database_url=url, broker_url=broker.celery_url, smtp_port=self._catcher.port, web_port=port,
            lease_seconds=2, sweep_seconds=0.3, retry_base_seconds=0.2, private_partners=True, visibility_seconds=4,
        )  # fmt: skip
        self._app, self.port = app_of(settings), port
        self.clock = SystemClock()  # type: ignore[assignment]
        self.services = start(settings, CeleryBell(self._app))
        self.db = self.services.db
        given = settings.model_dump(exclude_none=True, exclude={"as_"})
        environment = {**os.environ, **{f"ILL_{name.upper()}": str(value) for name, value in given.items()}}
        celery = [sys.executable, "-m", "celery", "-A", "workers.main:celery_app", "worker", "--concurrency=1"]
        self.programs = {
            "worker": Child("worker", celery, environment, folder / "worker.log", restarts=50),
            "web": Child("web", [sys.executable, "-m", "workers.web"], environment, folder / "web.log", restarts=50),
        }
        for program in self.programs.values():
            program.start()

    def _partners(self, session: Session, here: list[Library]) -> None:
        (ours,) = here
        other = next(code for code in LIBRARIES if code != ours.code)
        meet(session, ours, other, f"http://127.0.0.1:{self._others_port}/iso18626/{other}", patience_seconds=5)

    def work(self) -> None:
        """Others do it."""

    def is_up(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).status_code < 500
        except httpx.HTTPError:
            return False

    def is_killed(self, program: str) -> None:
        """As by `kill -9`; it is started again."""
        pid = self.programs[program].pid
        if pid is not None:
            os.killpg(pid, signal.SIGKILL)

    def is_idle(self) -> bool:
        with self.db.reading() as session:
            return not backlog.waiting(session)

    def end(self) -> None:
        for program in self.programs.values():
            program.kill()
        self._catcher.stop()
        self.db.engine.dispose()
        self._app.close()
