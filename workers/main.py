"""The outermost file: builds the services, hands the bell to them, and opens the doors."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Any

from celery import signals

from ill_workflow.bootstrap import Services, start
from ill_workflow.config import read_settings
from ill_workflow.errors import BadInput, Unavailable
from workers import jobs
from workers.bell import CeleryBell
from workers.broker import app_of
from workers.sweep import Sweep
from workers.tasks import register

try:
    settings = read_settings()
    celery_app = app_of(settings)
except BadInput as wrong:
    sys.exit(wrong.message)

_bells: list[CeleryBell] = []


@cache
def _services_of(pid: int) -> Services:
    bell = CeleryBell(celery_app, settings.bell_bound)
    _bells.append(bell)
    return start(settings, bell, run_job=jobs.run_for)


def services() -> Services:
    """The services of this process: a connection that was opened before a fork is never used after it."""
    return _services_of(os.getpid())


register(celery_app, services)


@signals.worker_init.connect
def _begin_to_sweep(sender: Any, **_: Any) -> None:
    """Before a broker is found: where there is none, what was promised is done all the same."""
    global _sweep
    _sweep = Sweep(services, str(sender.hostname))
    _sweep.start()


@signals.worker_shutting_down.connect
def _cease_to_sweep(**_: Any) -> None:
    if _sweep is not None:
        _sweep.stop()


@signals.worker_shutdown.connect
def _let_it_say_goodbye(**_: Any) -> None:
    if _sweep is not None:
        _sweep.wait_for_its_end()


_sweep: Sweep | None = None


def web() -> Any:
    """The console: `uvicorn --factory workers.main:web`, or `python -m workers.web`."""
    from ill_workflow.web.app import make_app

    app = make_app(services())
    _let_pages_go_when_it_ends(app.state.live.end)
    return app


def _let_pages_go_when_it_ends(let_go: Callable[[], None]) -> None:
    """Pages that listen would keep the server from ending: it waits for whoever it is still talking to."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def end(number: int, frame: FrameType | None, before: Any = before) -> None:
            let_go()
            before(number, frame)

        if callable(before) and threading.current_thread() is threading.main_thread():
            signal.signal(number, end)


def services_for_a_command() -> Services:
    """The services of a command: it looks into a database that is there, and makes none by the way."""
    if settings.database_url is None and not (settings.data / "ill.db").exists():
        raise Unavailable(f"There is no database in {settings.data}. Run: ill migrate", field="ILL_DATA")
    return services()


def cli() -> None:
    """`ill`: the command line, with the bell and the programs that only the workers know."""
    from ill_workflow.cli import Doors, run
    from workers import stack

    # What the bell has to say is said once, at the end, in words for whoever typed the command.
    logging.getLogger("workers.bell").setLevel(logging.CRITICAL)
    try:
        run(Doors(settings=settings, services=services_for_a_command, up=stack.up, demo=stack.demo))
    finally:
        for bell in _bells:
            bell.close()
        bells = [bell for bell in _bells if bell.failures]
        if bells and "doctor" not in sys.argv:
            print("No broker answers: what was promised waits until a worker looks. Run: ill up", file=sys.stderr)


if __name__ == "__main__":
    cli()
