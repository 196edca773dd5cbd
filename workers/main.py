"""The outermost file: builds the services, hands the bell to them, and opens the doors."""

import os
import sys
from functools import cache
from typing import Any

from celery import signals

from ill_workflow.bootstrap import Services, start
from ill_workflow.config import read_settings
from ill_workflow.errors import BadInput
from workers.app import make_app
from workers.bell import CeleryBell
from workers.broker import broker_url
from workers.sweep import Sweep
from workers.tasks import register

try:
    settings = read_settings()
except BadInput as wrong:
    sys.exit(wrong.message)

celery_app = make_app(broker_url(settings), settings.result_backend)


@cache
def _services_of(pid: int) -> Services:
    return start(settings, CeleryBell(celery_app, settings.bell_bound))


def services() -> Services:
    """The services of this process: a connection that was opened before a fork is never used after it."""
    return _services_of(os.getpid())


register(celery_app, services)


@signals.worker_ready.connect
def _begin_to_sweep(sender: Any, **_: Any) -> None:
    global _sweep
    _sweep = Sweep(services(), str(sender.hostname))
    _sweep.start()


@signals.worker_shutting_down.connect
def _cease_to_sweep(**_: Any) -> None:
    if _sweep is not None:
        _sweep.stop()


_sweep: Sweep | None = None


def cli() -> None:
    """`ill`: the command line, with the bell and the programs that only the workers know."""
    from ill_workflow.cli import Doors, run
    from workers import stack

    run(Doors(settings=settings, services=services, up=stack.up, demo=stack.demo))


if __name__ == "__main__":
    cli()
