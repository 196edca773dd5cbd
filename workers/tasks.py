"""The Celery tasks: each loads the services and calls one function of the application."""

from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery

from ill_workflow import commands, outbox
from ill_workflow.bootstrap import HANDLERS, TOGETHER, Services
from ill_workflow.errors import Unavailable
from workers import jobs
from workers.drain import CALLS, work_off

#: Seconds after which a command is tried again while the database is away.
AWAY = 2
#: How much one task works off before it rings for another: a worker must come to rest now and then.
MOST = 500


def register(app: Celery[Any], services: Callable[[], Services]) -> None:
    """Give the app its tasks. `services` is called in the process that works."""
    for kind in HANDLERS:
        _register_effect(app, services, kind)
    for name in jobs.JOBS:
        _register_job(app, services, name)

    for name, obey in (("ill.take_action", commands.take_action), ("ill.create_request", commands.create_request)):
        _register_command(app, services, name, obey)


def _register_command(
    app: Celery[Any],
    services: Callable[[], Services],
    name: str,
    obey: Callable[[Services, Mapping[str, Any]], dict[str, Any]],
) -> None:
    @app.task(name=name, bind=True, max_retries=None)
    def command(self: Any, /, **envelope: Any) -> dict[str, Any]:
        try:
            return obey(services(), envelope)
        except Unavailable as away:
            # Until it is too old to be carried out, which ends it.
            raise self.retry(exc=away, countdown=AWAY) from None


def _register_effect(app: Celery[Any], services: Callable[[], Services], kind: str) -> None:
    @app.task(name=f"ill.{kind}")
    def effect(number: int | None = None) -> None:
        if number is None:
            with services().db.reading() as session:
                waits = outbox.kinds_to_do(session, [kind])
            if waits and work_off(services(), kind, most=MOST, calls=CALLS) >= MOST:
                app.send_task(f"ill.{kind}", ignore_result=True)
            return
        if kind in TOGETHER:
            work_off(services(), kind)
            return
        numbers = [number]
        for _ in range(MOST):
            if not numbers or not work_off(services(), kind, numbers, calls=CALLS):
                return
            # What waited for it was rung for too early, and found nothing to do.
            with services().db.reading() as session:
                numbers = outbox.next_behind(session, numbers, CALLS)


def _register_job(app: Celery[Any], services: Callable[[], Services], name: str) -> None:
    @app.task(name=f"ill.{name}")
    def job(slot: str | None = None) -> None:
        jobs.run(services(), name, slot=slot)
