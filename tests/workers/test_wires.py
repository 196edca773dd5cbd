"""One contract for the wires to both kinds of broker: what is pushed is a Celery task; nobody waits for long."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import kombu
import pytest

from tests.plugins.broker import RabbitMQ, RedisServer, pings, redis_program
from tests.plugins.not_run import wanting
from tests.plugins.waiting import eventually
from workers.app import make_app
from workers.bell import CeleryBell
from workers.wires import Ring, wire_to

pytestmark = pytest.mark.live

MAIL, SLIPS = "ill.mail", "ill.slips"


@dataclass
class Server:
    """A broker to be stopped, started, and frozen."""

    url: str
    stop: Callable[[], None]
    start: Callable[[], None]
    pid: Callable[[], int]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.killpg(self.pid(), signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid(), signal.SIGCONT)


@pytest.fixture(params=["redis", "rabbitmq"])
def server(request) -> Server:
    if request.param == "redis":
        redis_server: RedisServer = request.getfixturevalue("redis_server")
        return Server(redis_server.celery_url, redis_server.stop, redis_server.start, lambda: redis_server.pid)
    rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
    return Server(rabbitmq.celery_url, rabbitmq.stop, rabbitmq.start, lambda: rabbitmq.pid)


@pytest.fixture
def app(server):
    app = make_app(server.url)
    yield app
    app.close()


def taken_from(app, queue):
    """The next task of a queue, as a worker takes it: name, arguments, and what it tells of them."""
    whole = kombu.Queue(queue, routing_key=queue)
    with app.connection_for_read() as connection, connection.SimpleQueue(whole) as waiting:
        message = waiting.get(timeout=120)
        message.ack()
    args, kwargs, _ = message.payload
    return message.headers["task"], args, kwargs, message.headers["argsrepr"]


def test_what_is_pushed_is_a_task_for_a_worker_and_its_queue_is_measured(app):
    wire = wire_to(app)

    found = wire.push({MAIL: [Ring("ill.notify_patron", (7,)), Ring("ill.alert_staff")], SLIPS: []})

    assert found == {MAIL: 2, SLIPS: 0}
    assert taken_from(app, MAIL) == ("ill.notify_patron", [7], {}, "")
    assert taken_from(app, MAIL) == ("ill.alert_staff", [], {}, "")
    assert wire.push({MAIL: []}) == {MAIL: 0}


def test_a_broker_that_was_away_is_found_again(app, server):
    wire = wire_to(app)
    wire.push({MAIL: [Ring("ill.notify_patron", (1,))]})

    server.stop()
    with pytest.raises(Exception, match=r"."):
        wire.push({MAIL: [Ring("ill.notify_patron", (2,))]})
    server.start()

    wire.ping()
    assert wire.push({SLIPS: [Ring("ill.generate_slip", (3,))]}) == {SLIPS: 1}


def test_a_broker_that_hangs_is_not_waited_for(app, server):
    open_already, new = wire_to(app), wire_to(app)
    open_already.ping()
    with server.frozen():
        for wire in (open_already, new):
            with pytest.raises(Exception, match=r"."):  # it would answer nothing for as long as we wait
                wire.push({MAIL: [Ring("ill.notify_patron", (1,))] * 1000})
    eventually(lambda: pings(open_already))


def test_what_was_closed_can_be_used_again(app):
    wire = wire_to(app)
    for _ in range(2):
        wire.close()
        assert pings(wire)


def test_a_wrong_password_is_said_and_not_repeated(server):
    app = make_app(server.url.replace("%3A1", "%3A2"))
    bell = CeleryBell(app)
    bell.ring([(1, "notify_patron")])
    assert bell.failures == 1
    assert bell.health().startswith("silent")
    assert "cr@t" not in bell.health()
    app.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    """A folder with `ca.pem`, and `cert.pem` and `key.pem` of 127.0.0.1, signed by it."""
    openssl = shutil.which("openssl") or wanting("brokers behind TLS", "openssl is not installed")
    folder = tmp_path_factory.mktemp("authority")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out cert.csr",
        "x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem -extfile names",
    ):
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(params=["redis", "rabbitmq"])
def behind_tls(request, tmp_path, authority) -> Iterator[str]:
    """The address of a broker that shows a certificate."""
    if request.param == "redis":
        folder = tmp_path / "redis"
        folder.mkdir()
        files = ("--tls-cert-file", f"{authority}/cert.pem", "--tls-key-file", f"{authority}/key.pem")
        plain = RedisServer(folder, redis_program(), *files, "--tls-ca-cert-file", f"{authority}/ca.pem")
        port = plain.port + 1 if plain.port < 65000 else plain.port - 1
        plain._argv += ["--tls-port", str(port), "--tls-auth-clients", "no"]
        plain.start()
        yield plain.celery_url.replace("redis://", "rediss://").replace(str(plain.port), str(port))
        plain.stop()
        return
    rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq_behind_tls")
    yield rabbitmq.celery_url.replace("amqp://", "amqps://").replace(str(rabbitmq.port), str(rabbitmq.tls_port))


def test_a_broker_behind_tls_has_to_show_who_it_is(behind_tls, authority):
    trusting = make_app(behind_tls, authority=authority / "ca.pem")
    suspicious = make_app(behind_tls)

    assert wire_to(trusting).push({MAIL: [Ring("ill.notify_patron", (7,))]}) == {MAIL: 1}
    assert taken_from(trusting, MAIL)[:2] == ("ill.notify_patron", [7])
    trusting.send_task("ill.take_action", kwargs={}, queue="ill.doors")
    with pytest.raises(Exception, match="certificate"):
        wire_to(suspicious).ping()
    for app in (trusting, suspicious):
        app.close()
