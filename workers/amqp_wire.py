"""The bell's wire to RabbitMQ: one connection, kept open, on which nobody waits longer than a ring may take."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import kombu
from celery import Celery
from kombu.transport import pyamqp

from workers.wires import ANSWER_TIMEOUT, CONNECT_TIMEOUT, Ring

LONGEST = CONNECT_TIMEOUT + ANSWER_TIMEOUT
_Answer = TypeVar("_Answer")


class AmqpWire:
    """Publishes through kombu, to the unnamed exchange.

    A queue is declared before anything is put into it: that tells its length and makes it where it is missing, and an
    answer shows that the broker lives. What is published after it is not confirmed: a lost ring does no harm.
    """

    def __init__(self, app: Celery[Any]) -> None:
        self._app = app
        self._urls = deque(app.conf.broker_url.split(";"))
        self._line: _Line | None = None
        self._lock = threading.Lock()

    def push(self, filled: Mapping[str, Sequence[Ring]]) -> dict[str, int]:
        return self._talk(lambda line: {queue: self._fill(line, queue, rings) for queue, rings in filled.items()})

    def ping(self) -> None:
        self._talk(lambda line: line.channel.basic_qos(0, 0, False))

    def close(self) -> None:
        if self._line is not None:
            self._say(self._line, lambda line: line.connection.close(), time.monotonic() + ANSWER_TIMEOUT)
            self._line = None

    def _fill(self, line: _Line, queue: str, rings: Sequence[Ring]) -> int:
        waiting = line.channel.queue_declare(queue, durable=True, auto_delete=False).message_count
        for ring in rings:
            task = self._app.amqp.as_task_v2(
                str(uuid.uuid4()), ring.name, ring.args, argsrepr="", kwargsrepr="", ignore_result=True
            )
            line.producer.publish(
                task.body, exchange="", routing_key=queue, serializer="json", headers=task.headers, delivery_mode=1,
                **task.properties,
            )  # fmt: skip
        return int(waiting) + len(rings)

    def _talk(self, say: Callable[[_Line], _Answer]) -> _Answer:
        """Say it on the line that is open; where that has died since, once more on a new one."""
        until = time.monotonic() + LONGEST
        if not self._lock.acquire(timeout=LONGEST):
            raise TimeoutError("The broker keeps others waiting.")
        try:
            if self._line is not None:
                try:
                    return self._say(self._line, say, until)
                except TimeoutError:
                    raise
                except Exception:  # it was closed, or cut off, while nobody looked
                    return self._say(self._open(until), say, until)
            return self._say(self._open(until), say, until)
        finally:
            self._lock.release()

    def _say(self, line: _Line, say: Callable[[_Line], _Answer], until: float) -> _Answer:
        line.connection.until = until
        try:
            answer = say(line)
        except BaseException:
            line.cut()
            self._line = None
            raise
        self._line = line
        return answer

    def _open(self, until: float) -> _Line:
        try:
            return _Line(self._urls[0], self._app.conf.broker_use_ssl, until)
        except Exception:
            self._urls.rotate(-1)  # the next of a cluster, next time
            raise


class _Line:
    """A connection with its channel."""

    def __init__(self, url: str, tls: Any, until: float) -> None:
        client = kombu.Connection(
            url, ssl=tls or False, connect_timeout=CONNECT_TIMEOUT, heartbeat=0, transport=_Transport,
            transport_options={"write_timeout": ANSWER_TIMEOUT, "until": until},
        )  # fmt: skip
        self.connection: _Connection = client.transport.establish_connection()
        try:
            self.channel = self.connection.channel()
            self.producer = kombu.Producer(self.channel, auto_declare=False)
        except BaseException:
            self.cut()
            raise

    def cut(self) -> None:
        """Close it without a word: whoever is at the other end may not listen."""
        with suppress(Exception):
            self.connection.collect()


class _Connection(pyamqp.Connection):
    """One whose waiting ends at an instant, however many answers are outstanding by then."""

    def __init__(self, *args: Any, until: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.until = until

    def drain_events(self, timeout: float | None = None) -> Any:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("The broker takes too long.")
        return super().drain_events(timeout=left if timeout is None else min(timeout, left))


class _Transport(pyamqp.Transport):
    Connection = _Connection
