"""A broker behind sentinels: its master is killed, another takes its place, and work goes on all the while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.plugins.broker import PASSWORD, RedisServer
from tests.plugins.waiting import eventually
from workers.broker import _program as valkey_program
from workers.children import Child
from workers.ports import free_port

pytestmark = pytest.mark.live

SENTINEL_PASSWORD = "sentinels-word"


class Guarded:
    """A master, its replica, and a sentinel that makes the replica master when the master has died."""

    def __init__(self, folder: Path) -> None:
        program = str(valkey_program())
        for name in ("master", "replica", "sentinel"):
            (folder / name).mkdir(parents=True)
        self.master = RedisServer(folder / "master", program, "--masterauth", PASSWORD)
        follows = ("--replicaof", f"127.0.0.1 {self.master.port}", "--masterauth", PASSWORD)
        self.replica = RedisServer(folder / "replica", program, *follows)
        port = free_port(0)
        conf = folder / "sentinel" / "sentinel.conf"
        conf.write_text(
            f"port {port}\nbind 127.0.0.1\nrequirepass {SENTINEL_PASSWORD}\n"
            f"sentinel monitor ill 127.0.0.1 {self.master.port} 1\nsentinel auth-pass ill {PASSWORD}\n"
            "sentinel down-after-milliseconds ill 500\nsentinel failover-timeout ill 5000\n"
        )
        self._sentinel = Child(
            "sentinel", [program, str(conf), "--sentinel"], log_path=folder / "sentinel" / "log", cwd=folder, restarts=0
        )
        self._asked = redis.Redis(port=port, password=SENTINEL_PASSWORD)
        self.celery_url = f"sentinel://127.0.0.1:{port}/0"

    def start(self) -> None:
        self.master.start()
        self.replica.start()
        self._sentinel.start()
        eventually(lambda: self._knows_the_replica())

    def port_of_master(self) -> int:
        return int(self._asked.sentinel_get_master_addr_by_name("ill")[1])

    def stop(self) -> None:
        self._asked.close()
        self._sentinel.kill()
        self.replica.stop()
        self.master.stop()

    def _knows_the_replica(self) -> bool:
        try:
            (found,) = self._asked.sentinel_slaves("ill")
        except (redis.RedisError, ValueError):
            return False
        return found["master-link-status"] == "ok"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path / "brokers")
    try:
        guarded.start()
        yield guarded
    finally:
        guarded.stop()


def test_the_master_is_killed(tmp_path, sqlite_template, guarded, installed):
    path = tmp_path / "ill.db"
    path.write_bytes(sqlite_template.read_bytes())
    installation = installed(
        f"sqlite:///{path}", guarded, sentinel_master="ill", sentinel_password=SENTINEL_PASSWORD,
        broker_password=PASSWORD,
    )  # fmt: skip
    installation.worker()
    first = installation.borrows()
    installation.wait(lambda: installation.is_done(first))
    assert installation.services.bell.health() == "rings"

    guarded.master.stop()
    second = installation.borrows()
    installation.wait(lambda: installation.is_done(second))

    eventually(lambda: guarded.port_of_master() == guarded.replica.port)
    eventually(lambda: installation.services.bell.health() == "rings")
    asked = installation.command("ill.create_request", "k-1", library="MAIN", fields={"title": "Persuasion"})
    assert asked.get(timeout=120)["ok"]
    third = installation.borrows()
    installation.wait(lambda: installation.is_done(third))
    log = installation.workers[0].last_words(10_000)
    assert "cr@t" not in log
    assert "cr%40t" not in log
    assert SENTINEL_PASSWORD not in log
