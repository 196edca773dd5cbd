"""The bell's wire to Redis and Valkey, alone or behind sentinels: all tasks of a ring in one round trip."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from workers.wires import ANSWER_TIMEOUT, CONNECT_TIMEOUT, Ring

#: Of the time for one ring, what may be lost with asking sentinels where the master is.
ASKING = 0.3


class RedisWire:
    """Writes Celery's messages as kombu's Redis transport does."""

    def __init__(self, app: Celery[Any], client: redis.Redis | None = None) -> None:
        self._app, self._redis = app, client

    def push(self, filled: Mapping[str, Sequence[Ring]]) -> dict[str, int]:
        pipe = self._client().pipeline(transaction=False)
        for queue, rings in filled.items():
            if rings:
                pipe.lpush(queue, *(self._envelope(queue, ring) for ring in rings))
            else:
                pipe.llen(queue)
        return dict(zip(filled, pipe.execute(), strict=True))

    def ping(self) -> None:
        self._client().ping()

    def close(self) -> None:
        if self._redis is not None:
            self._redis.close()

    def _client(self) -> redis.Redis:
        if self._redis is None:
            self._redis = _connect(self._app)
        return self._redis

    def _envelope(self, queue: str, ring: Ring) -> str:
        task = self._app.amqp.as_task_v2(
            str(uuid.uuid4()), ring.name, ring.args, argsrepr="", kwargsrepr="", ignore_result=True
        )
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


def redis_url(celery_url: str) -> str:
    """The same broker, as redis-py writes it: `unix://` instead of Celery's `redis+socket://`."""
    parts = urlsplit(celery_url)
    if parts.scheme != "redis+socket":
        return celery_url
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    query["db"] = query.pop("virtual_host", "0")
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"unix://{login}{parts.path}?{urlencode(query)}"


def _connect(app: Celery[Any]) -> redis.Redis:
    url = app.conf.broker_url
    patience: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)}
    if not url.startswith("sentinel://"):
        patience |= {"socket_connect_timeout": CONNECT_TIMEOUT, "socket_timeout": ANSWER_TIMEOUT}
        return redis.Redis.from_url(redis_url(url), **patience, **(app.conf.broker_use_ssl or {}))
    sentinels = [urlsplit(part) for part in url.split(";")]
    first, options = sentinels[0], app.conf.broker_transport_options
    # Whom to ask, and then the master: together no longer than without sentinels.
    each = ASKING / (2 * len(sentinels))
    asking = {**options.get("sentinel_kwargs", {}), "socket_connect_timeout": each, "socket_timeout": each}
    patience |= {"socket_connect_timeout": CONNECT_TIMEOUT / 2, "socket_timeout": ANSWER_TIMEOUT - ASKING / 2}
    login = {"username": first.username or None, "password": unquote(first.password) if first.password else None}
    guard: Any = Sentinel([(s.hostname, s.port or 26379) for s in sentinels], sentinel_kwargs=asking, **patience)  # type: ignore[no-untyped-call]
    client: redis.Redis = guard.master_for(options["master_name"], db=int(first.path.strip("/") or 0), **login)
    return client
