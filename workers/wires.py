"""What the bell needs of a broker, whichever it is: push tasks into queues, and hear how long these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from celery import Celery

#: Seconds for reaching the broker, and for its answer: what a hung one may cost the caller, once.
CONNECT_TIMEOUT, ANSWER_TIMEOUT = 0.3, 0.5


@dataclass(frozen=True)
class Ring:
    """A task to be pushed: its name, and the id of one promise, or none."""

    name: str
    args: tuple[int, ...] = ()


class Wire(Protocol):
    """The way to one kind of broker. Both methods raise whatever went wrong, 0.8 seconds later at the very worst."""

    def push(self, filled: Mapping[str, Sequence[Ring]]) -> dict[str, int]:
        """Put tasks into queues; how many wait in each of these. A queue that gets none is only looked at."""

    def ping(self) -> None:
        """Ask the broker for an answer, whatever it is."""

    def close(self) -> None:
        """Take leave of the broker, so that it doesn't wonder where we are."""


def wire_to(app: Celery[Any]) -> Wire:
    """The wire to the broker of this app; nothing is opened yet."""
    from workers.amqp_wire import AmqpWire
    from workers.redis_wire import RedisWire

    return AmqpWire(app) if app.conf.broker_url.startswith("amqp") else RedisWire(app)
