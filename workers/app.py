"""The Celery app: which queue takes what, how a worker behaves, and what beat nudges."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import celery
from celery import Celery
from celery.worker.request import Request
from kombu import Queue

if TYPE_CHECKING:
    BaseTask = celery.Task[Any, Any]
else:
    BaseTask = celery.Task

#: The queues, and the names of the tasks that each of them takes.
QUEUES: dict[str, tuple[str, ...]] = {
    "ill.slips": ("ill.generate_slip", "ill.email_slip"),
    "ill.messages": ("ill.send_message",),
    "ill.mail": ("ill.notify_patron", "ill.alert_staff", "ill.send_letter"),
    "ill.circulation": ("ill.circulation",),
    "ill.timers": ("ill.schedule_due_date_check", "ill.sweep", "ill.fire_timers", "ill.housekeeping", "ill.run_job"),
    "ill.doors": ("ill.take_action", "ill.create_request"),
}

DOORS = "ill.doors"
#: Commands of other systems. Unlike a bell they stand in no database yet: acknowledged late, with an answer kept.
COMMANDS = QUEUES[DOORS]

_DEFAULT_QUEUE = DOORS
_QUEUE_OF = {task: queue for queue, tasks in QUEUES.items() for task in tasks}


def make_app(
    broker_url: str,
    result_backend: str | None = None,
    *,
    visibility: int = 60,
    sentinel: Sentinels | None = None,
    authority: Path | None = None,
) -> Celery[Any]:
    """A Celery app for this broker; the answers to commands are kept there too unless there is a `result_backend`.

    RabbitMQ keeps none: there an answer goes back to who waits for it. `authority` is the file of those who signed the
    broker's certificate, where it isn't known to the system.
    """
    backend = result_backend or ("rpc://" if broker_url.startswith("amqp") else broker_url or None)
    app: Celery[Any] = Celery("ill", broker=broker_url, backend=backend, task_cls=Task)
    options = _transport_options(broker_url, visibility, sentinel or Sentinels())
    tls = _tls(broker_url, authority)
    app.conf.update(
        # JSON alone: nobody who can reach the broker may hand us code.
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        accept_content=["json"],
        enable_utc=True,
        timezone="UTC",
        # The unnamed exchange: nothing has to be bound again when somebody has emptied the broker.
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_routes={task: {"queue": queue} for task, queue in _QUEUE_OF.items()},
        task_default_queue=_DEFAULT_QUEUE,
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_annotations={
            name: {"acks_late": True, "reject_on_worker_lost": True, "ignore_result": False} for name in COMMANDS
        },
        task_time_limit=1800,
        result_expires=3600,
        # One process, one task at a time, and as many workers as wanted: nothing is forked while a thread has the
        # database open, and for short tasks it is faster than a pool.
        worker_pool="solo",
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=1000,
        worker_soft_shutdown_timeout=20.0,
        worker_send_task_events=True,  # Flower lives on them
        task_send_sent_event=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_acquire_timeout=1,
        broker_transport_options=options,
        result_backend_transport_options=options if broker_url.startswith("sentinel") else {},
        broker_use_ssl=tls,
        redis_backend_use_ssl=tls if broker_url.startswith("rediss") else None,
        redis_socket_timeout=5.0,
        redis_socket_connect_timeout=1.0,
        redis_backend_health_check_interval=5,
        beat_schedule=_SCHEDULE,
        beat_scheduler="workers.beat:Scheduler",
    )
    return app


def queue_of(task: str) -> str:
    """The queue that takes tasks of this name."""
    return _QUEUE_OF.get(task, _DEFAULT_QUEUE)


class QuietRequest(Request):
    """A task's request that tells neither events, logs nor `inspect` what the task was called with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr = self._kwargsrepr = ""
        # Not empty here: the tracer would then print the arguments themselves.
        self._request_dict.update(argsrepr="-", kwargsrepr="-")  # type: ignore[attr-defined]

    def info(self, safe: bool = False) -> Any:
        return super().info(safe=True)


class Task(BaseTask):
    """What every task of ours has in common."""

    Request = "workers.app:QuietRequest"
    #: A refusal repeats what was said: of an answer, too, nothing is shown.
    resultrepr_maxsize = 0


class _NoBodies(logging.Filter):
    """Celery prints the whole message that it could not make sense of. What was said is nobody's business."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("celery.worker.consumer") and record.levelno >= logging.ERROR and record.args:
            first = record.args[0] if isinstance(record.args, tuple) else ""
            record.msg, record.args = "A message was refused: %s (%s)", (type(first).__name__, str(first)[:80])
            record.exc_info = record.exc_text = None
        return True


logging.getLogger("celery.worker.consumer.consumer").addFilter(_NoBodies())


@dataclass(frozen=True)
class Sentinels:
    """By which name sentinels know the master, and what they want to hear from whoever asks."""

    master: str = "mymaster"
    password: str | None = None


# A worker that is killed gives its commands back after a minute, long before they are too old to be carried out; the
# restore sweep runs every second, since with kombu's own pace a message whose time is up waits another hundred.
_PATIENCE = {"socket_timeout": 5, "socket_connect_timeout": 1}
_REDIS = {**_PATIENCE, "health_check_interval": 5, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}


def _transport_options(broker_url: str, visibility: int, sentinel: Sentinels) -> dict[str, Any]:
    if broker_url.startswith("amqp"):
        # A command that is put off is given back only when the broker has the one that follows it.
        return {"confirm_publish": True}
    options: dict[str, Any] = {**_REDIS, "visibility_timeout": visibility}
    if broker_url.startswith("sentinel"):
        login = {"password": sentinel.password} if sentinel.password else {}
        options |= {"master_name": sentinel.master, "sentinel_kwargs": {**_PATIENCE, **login}}
    return options


def _tls(broker_url: str, authority: Path | None) -> dict[str, Any] | None:
    """A broker that is reached through TLS has to show who it is."""
    if broker_url.startswith("rediss"):
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, **({"ssl_ca_certs": str(authority)} if authority else {})}
    if broker_url.startswith("amqps"):
        known = {"ca_certs": str(authority)} if authority else {}
        return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None, **known}
    return None


# Beat only nudges: each job looks into the database for what is due. A nudge that nobody heard expires, so that
# workers which were away don't find thousands.
_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": expires}}
    for name, seconds, expires in (
        ("ill.sweep", 5.0, 60),
        ("ill.fire_timers", 5.0, 60),
        ("ill.housekeeping", 300.0, 300),
    )
}
