"""The bell: one round trip, one task per promise, one for a crowd; and never a reason to fail."""

from __future__ import annotations

import base64
import json
import socket
import threading

import fakeredis
import pytest
import redis

from tests.plugins.waiting import eventually
from workers.app import QUEUES, make_app
from workers.bell import PAUSE, CeleryBell
from workers.redis_wire import RedisWire


@pytest.fixture
def app():
    app = make_app("redis://127.0.0.1:1/0")
    yield app
    app.close()


@pytest.fixture
def wire():
    return fakeredis.FakeRedis()


def rung(wire, queue):
    """Name and arguments of the tasks in a queue, the oldest first."""
    found = [json.loads(envelope) for envelope in wire.lrange(queue, 0, -1)][::-1]
    return [(e["headers"]["task"], *json.loads(base64.b64decode(e["body"]))[0]) for e in found]


def test_a_task_for_each_promise_named_after_its_kind(app, wire):
    CeleryBell(app, wire=RedisWire(app, wire)).ring([(1, "generate_slip"), (2, "notify_patron"), (3, "generate_slip")])
    assert rung(wire, "ill.slips") == [("ill.generate_slip", 1), ("ill.generate_slip", 3)]
    assert rung(wire, "ill.mail") == [("ill.notify_patron", 2)]


def test_a_message_carries_an_id_and_nothing_else(app, wire):
    CeleryBell(app, wire=RedisWire(app, wire)).ring([(7, "send_message")])
    (envelope,) = wire.lrange("ill.messages", 0, -1)
    message = json.loads(envelope)
    assert json.loads(base64.b64decode(message["body"]))[:2] == [[7], {}]
    assert (message["headers"]["argsrepr"], message["headers"]["kwargsrepr"]) == ("", "")
    assert message["content-type"] == "application/json"


def test_a_crowd_is_one_bell_for_its_kind(app, wire):
    bell = CeleryBell(app, bound=3, wire=RedisWire(app, wire))
    bell.ring([(n, "generate_slip") for n in range(30)])
    assert rung(wire, "ill.slips") == [("ill.generate_slip", n) for n in range(3)]
    eventually(lambda: len(rung(wire, "ill.slips")) == 4)
    assert rung(wire, "ill.slips")[3] == ("ill.generate_slip",)


def test_a_stream_of_rings_is_a_crowd_as_well(app, wire):
    bell = CeleryBell(app, bound=2, wire=RedisWire(app, wire))
    for number in range(100):
        bell.ring([(number, "generate_slip")])
    eventually(lambda: ("ill.generate_slip",) in rung(wire, "ill.slips"))
    tasks = rung(wire, "ill.slips")
    assert tasks[:2] == [("ill.generate_slip", 0), ("ill.generate_slip", 1)]
    assert set(tasks[2:]) == {("ill.generate_slip",)}
    assert len(tasks) <= 2 + 4 * 2 + 1


def test_after_a_quiet_second_each_has_its_own_task_again(app, wire):
    now = [100.0]
    bell = CeleryBell(app, bound=2, wire=RedisWire(app, wire), monotonic=lambda: now[0])
    bell.ring([(n, "generate_slip") for n in range(3)])
    eventually(lambda: len(rung(wire, "ill.slips")) == 3)
    wire.flushall()
    now[0] += 2
    bell.ring([(7, "generate_slip")])
    assert rung(wire, "ill.slips") == [("ill.generate_slip", 7)]


def test_a_broker_that_is_away_costs_one_try_and_is_left_in_peace(app):
    now, wire = [100.0], Refusing()
    bell = CeleryBell(app, wire=RedisWire(app, wire), monotonic=lambda: now[0])
    for _ in range(5):
        bell.ring([(1, "generate_slip")])
    assert (wire.tried, bell.failures, bell.skipped) == (1, 1, 4)
    assert bell.health().startswith("silent: nobody home")
    now[0] += PAUSE
    bell.ring([(1, "generate_slip")])
    assert wire.tried == 2
    wire.deaf = False
    now[0] += PAUSE
    bell.ring([(1, "generate_slip")])
    assert bell.health() == "rings"
    wire.deaf = True
    assert bell.health().startswith("silent"), "it is asked, not remembered"


def test_a_broker_that_never_answers_is_waited_for_once_and_not_for_long():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        app = make_app(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        bell = CeleryBell(app)
        for _ in range(50):
            bell.ring([(1, "generate_slip")])
        assert (bell.failures, bell.skipped) == (1, 49)
        app.close()


def test_many_threads_try_a_dead_broker_once(app):
    wire = Refusing()
    bell = CeleryBell(app, wire=RedisWire(app, wire), monotonic=lambda: 100.0)
    bell.ring([(1, "generate_slip")])
    threads = [threading.Thread(target=bell.ring, args=([(1, "generate_slip")],)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wire.tried == 1


def test_each_kind_of_work_has_a_queue_of_its_own_sort(app):
    from ill_workflow.bootstrap import HANDLERS

    tasks = {task for tasks in QUEUES.values() for task in tasks}
    assert {f"ill.{kind}" for kind in HANDLERS} <= tasks
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_annotations["ill.take_action"]["acks_late"]
    assert "acks_late" not in app.conf.task_annotations.get("ill.generate_slip", {})


class Refusing:
    """A broker that nobody can reach."""

    def __init__(self):
        self.tried, self.deaf = 0, True

    def pipeline(self, transaction):
        self.tried += 1
        if self.deaf:
            raise redis.ConnectionError("nobody home")
        return fakeredis.FakeRedis().pipeline(transaction=transaction)

    def ping(self):
        if self.deaf:
            raise redis.ConnectionError("nobody home")
