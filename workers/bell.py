"""Rings for the workers: tells them, right after a commit, what has just been promised."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.app import queue_of
from workers.broker import redis_url

_log = logging.getLogger(__name__)

#: Seconds for reaching the broker, and for its answer: what a hung one may cost the caller, once.
CONNECT_TIMEOUT, ANSWER_TIMEOUT = 0.3, 0.5
#: Seconds during which a broker that failed is left in peace.
PAUSE = 5.0


class CeleryBell:
    """Sends one Celery task per promise, `ill.<kind>` with its id; for a crowd one task of the kind, without an id.

    A crowd is more than `bound` of one kind in one ring, or a queue that was longer than that when we last rang.
    All tasks of a ring leave in one round trip. The bell may fail, and says so in `health()`, but never to its
    caller: what wasn't rung for is found in the database.
    """

    def __init__(
        self,
        app: Celery[Any],
        bound: int = 20,
        *,
        client: redis.Redis | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bound = bound
        #: Rings that were heard, that failed, and that were not tried since the one before had failed.
        self.heard, self.failures, self.skipped = 0, 0, 0
        self._app = app
        self._redis = client
        self._monotonic = monotonic
        self._lengths: dict[str, int] = {}
        self._lock = threading.Lock()
        self._trouble: str | None = None
        self._try_again_at = 0.0

    def ring(self, rung: Sequence[tuple[int, str]]) -> None:
        """Tell the workers of these promises (id, kind). It takes 0.8 seconds at the very worst, and never raises."""
        if not rung or not self._may_try():
            return
        try:
            self._send(rung)
        except Exception as trouble:  # a deaf bell is no reason to fail
            self._failed(trouble)
        else:
            self.heard += 1
            self._succeeded()

    def health(self) -> str:
        """Ask the broker whether it is there: `rings`, or why the bell is silent."""
        if self._may_try():
            try:
                self._client().ping()
            except Exception as trouble:
                self._failed(trouble)
            else:
                self._succeeded()
        if self._trouble is None:
            return "rings"
        return f"silent: {self._trouble} ({self.failures} rings failed, {self.skipped} were not tried)"

    def _send(self, rung: Sequence[tuple[int, str]]) -> None:
        pipe = self._client().pipeline(transaction=False)
        queues = []
        for queue, envelopes in self._by_queue(rung).items():
            queues.append(queue)
            if envelopes:
                pipe.lpush(queue, *envelopes)
            else:
                pipe.llen(queue)
        self._lengths.update(zip(queues, pipe.execute(), strict=True))

    def _by_queue(self, rung: Iterable[tuple[int, str]]) -> dict[str, list[str]]:
        """What is to be put into which queue; nothing where so many are waiting that one more would change nothing."""
        by_kind: dict[str, list[int]] = {}
        for number, kind in rung:
            by_kind.setdefault(kind, []).append(number)
        filled: dict[str, list[str]] = {}
        for kind, numbers in by_kind.items():
            name = f"ill.{kind}"
            queue = queue_of(name)
            waiting = self._lengths.get(queue, 0)
            envelopes = filled.setdefault(queue, [])
            if waiting > 4 * self.bound:
                continue
            if waiting > self.bound or len(numbers) > self.bound:
                envelopes.append(self._envelope(queue, name, ()))
            else:
                envelopes.extend(self._envelope(queue, name, (number,)) for number in numbers)
        return filled

    def _envelope(self, queue: str, name: str, args: tuple[int, ...]) -> str:
        """A Celery message as kombu's Redis transport writes it."""
        task = self._app.amqp.as_task_v2(str(uuid.uuid4()), name, args, argsrepr="", kwargsrepr="", ignore_result=True)
        return json.dumps(
            {
                "body": base64.b64encode(json.dumps(task.body).encode()).decode(),
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": task.headers,
                "properties": {
                    **task.properties,
                    "delivery_mode": 2,
                    "delivery_info": {"exchange": "", "routing_key": queue},
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": str(uuid.uuid4()),
                },
            }
        )

    def _client(self) -> redis.Redis:
        if self._redis is None:
            self._redis = redis.Redis.from_url(
                redis_url(self._app.conf.broker_url),
                socket_connect_timeout=CONNECT_TIMEOUT,
                socket_timeout=ANSWER_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
        return self._redis

    def _may_try(self) -> bool:
        """After a failure one caller at a time tries again, and only when the pause is over."""
        if self._trouble is None:
            return True
        with self._lock:
            now = self._monotonic()
            if now < self._try_again_at:
                self.skipped += 1
                return False
            self._try_again_at = now + PAUSE
            return True

    def _failed(self, trouble: Exception) -> None:
        with self._lock:
            if self._trouble is None:
                _log.warning("The bell is silent, the sweep delivers: %s", trouble)
            self.failures += 1
            self._trouble = str(trouble) or type(trouble).__name__
            self._try_again_at = self._monotonic() + PAUSE

    def _succeeded(self) -> None:
        with self._lock:
            if self._trouble is not None:
                _log.warning("The bell rings again.")
            self._trouble = None
