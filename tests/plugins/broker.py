"""Real brokers for tests: the one that an installation without any has, a Redis server, and RabbitMQ."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import kombu
import pytest
import redis
from amqp.exceptions import AMQPError, NotFound
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from tests.plugins.not_run import wanting
from tests.plugins.waiting import LONGEST
from workers.app import QUEUES, make_app
from workers.broker import EmbeddedBroker, NoBroker
from workers.children import Child
from workers.ports import free_port
from workers.redis_wire import redis_url
from workers.wires import Wire, wire_to

#: With letters that an address has to quote.
PASSWORD = "se/cr@t:1"
KINDS = ("valkey", "redis", "rabbitmq")


class LiveBroker(Protocol):
    """What faults are tried on, whichever broker it is."""

    celery_url: str

    def start(self) -> None: ...

    def stop(self) -> None:
        """End it as a power cut would; what was told it may be lost or not. `start()` brings it back."""

    def wipe(self) -> None:
        """Take away all that it holds."""

    def waiting(self, queue: str) -> int:
        """How many tasks wait in a queue."""

    def held(self) -> int:
        """How many commands workers have taken and not confirmed yet."""


class OnRedis:
    """What is asked of a broker that speaks as Redis does."""

    def __init__(self, server: EmbeddedBroker | RedisServer) -> None:
        self._server = server
        self.celery_url = server.celery_url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def wipe(self) -> None:
        with self._client() as client:
            client.flushall()

    def waiting(self, queue: str) -> int:
        with self._client() as client:
            return int(client.llen(queue))

    def held(self) -> int:
        with self._client() as client:
            return int(client.hlen("unacked"))

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(redis_url(self.celery_url))


class RedisServer:
    """Redis on loopback, with a password; or whatever `program` speaks as it does."""

    def __init__(self, folder: Path, program: str, *options: str, port: int = 0) -> None:
        self.folder, self.port = folder, port or free_port(0)
        self.celery_url = f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/0"
        self._argv = [
            program, *("--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD),
            *("--dir", str(folder), "--appendonly", "yes", "--save", ""), *options,
        ]  # fmt: skip
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        self._child = Child("redis", self._argv, log_path=self.folder / "redis.log", cwd=self.folder, restarts=0)
        self._child.start()
        self._child.wait_until(lambda: answers(self.celery_url), seconds=LONGEST)

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()


class RabbitMQ:
    """RabbitMQ on loopback with a user and a password, and with an epmd of its own."""

    def __init__(self, folder: Path, program: str, certificates: Path | None = None) -> None:
        self.folder, self._program = folder, program
        self.tls_port = free_port(0)
        self.port, self._dist, self._names = free_port(0), free_port(0), free_port(0)
        self.celery_url = f"amqp://ill:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}//"
        (folder / "enabled_plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = ill\ndefault_pass = {PASSWORD}\n"
            "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 1MB\n"
            + (_tls(self.tls_port, certificates) if certificates else "")
        )
        self._environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._names), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"ill-{os.getpid()}@localhost", "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"), "RABBITMQ_LOG_BASE": str(folder), "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"), "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"), "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
        }  # fmt: skip
        self._names_server = Child("epmd", ["epmd", "-port", str(self._names)], self._environment, restarts=0)
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Of the watcher, and of the group of all its processes."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        if self._names_server.pid is None:
            self._names_server.start()
        # It starts through a shell, which the kernel would kill alone: so somebody watches over both.
        self._child = Child(
            "RabbitMQ",
            [self._program],
            self._environment,
            self.folder / "log",
            cwd=self.folder,
            restarts=0,
            watched=True,
        )
        self._child.start()
        self._child.wait_until(lambda: answers(self.celery_url), seconds=LONGEST, every=0.1)

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def end(self) -> None:
        self.stop()
        self._names_server.kill()

    def ready(self) -> None:
        """It runs, and holds nothing from before."""
        if self._child is None or self._child.pid is None:
            self.start()
        self.wipe()

    def wipe(self) -> None:
        with kombu.Connection(self.celery_url) as connection:
            for queue in QUEUES:
                with connection.channel() as channel:
                    channel.queue_delete(queue)

    def waiting(self, queue: str) -> int:
        with kombu.Connection(self.celery_url) as connection, connection.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except NotFound:
                return 0

    def held(self) -> int:
        """One, when the command that was sent waits no longer: its sender had heard before that it was there."""
        return int(self.waiting("ill.doors") == 0)


def _tls(port: int, certificates: Path) -> str:
    files = {"cacertfile": "ca.pem", "certfile": "cert.pem", "keyfile": "key.pem"}
    lines = [f"ssl_options.{name} = {certificates / file}" for name, file in files.items()]
    return "\n".join([f"listeners.ssl.1 = 127.0.0.1:{port}", *lines, "ssl_options.verify = verify_none", ""])


def answers(url: str) -> bool:
    app = make_app(url)
    try:
        return pings(wire_to(app))
    finally:
        app.close()


def pings(wire: Wire) -> bool:
    """Whether the broker answers; a mistake of ours is none of its answers."""
    try:
        wire.ping()
    except (OSError, RedisError, AMQPError, KombuError):
        return False
    return True


def redis_program() -> str:
    """Debian's Redis."""
    return shutil.which("redis-server") or wanting("Redis", "redis-server is not installed")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """The broker of an installation without any, which nobody else uses; tests may kill it."""
    folder = Path(tempfile.mkdtemp(prefix="ill-broker-"))
    broker = EmbeddedBroker(folder)
    try:
        broker.start()
    except NoBroker as reason:
        wanting("broker", str(reason))
    yield broker
    broker.stop()
    shutil.rmtree(folder)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that nobody else uses."""
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis", redis_program())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    server = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"), _rabbitmq_program())
    yield server
    server.end()


@pytest.fixture
def rabbitmq_behind_tls(tmp_path: Path, authority: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ of one's own that shows the certificate in the folder of the fixture `authority`."""
    (tmp_path / "rabbitmq").mkdir()
    server = RabbitMQ(tmp_path / "rabbitmq", _rabbitmq_program(), authority)
    server.start()
    yield server
    server.end()


def _rabbitmq_program() -> str:
    # Not the script on the path, which wants to be another user.
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not program.exists() or shutil.which("epmd") is None:
        wanting("RabbitMQ", "rabbitmq-server is not installed")
    return str(program)


@pytest.fixture
def rabbitmq(_rabbitmq: RabbitMQ) -> RabbitMQ:
    """A RabbitMQ that runs and is empty; it takes seconds to start, and so it is started once."""
    _rabbitmq.ready()
    return _rabbitmq


@pytest.fixture
def live_broker(request: pytest.FixtureRequest) -> LiveBroker:
    """One broker of each kind (`request.param`), one after the other."""
    if request.param == "valkey":
        return OnRedis(request.getfixturevalue("broker"))
    if request.param == "redis":
        return OnRedis(request.getfixturevalue("redis_server"))
    return request.getfixturevalue("rabbitmq")
