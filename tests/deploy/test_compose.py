"""docker-compose.yml: every program starts as it is written there, is well, and is seen to be ill when it has ended."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request

import httpx
import pytest
import yaml

from ill_workflow import accounts, libraries
from ill_workflow.config import Settings
from ill_workflow.db import Database, make_engine
from ill_workflow.signing_in import begin_session
from tests.plugins.broker import redis_program
from tests.plugins.deployed import (
    PROGRAMS,
    ROOT,
    Missing,
    Place,
    Program,
    health_of,
    interpolate,
    program_of,
    variables,
)
from tests.plugins.waiting import eventually
from workers.broker import _program as valkey_program
from workers.ports import free_port

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
EXAMPLE = variables((ROOT / ".env.example").read_text(encoding="utf-8"))
GIVEN = {
    "ILL_DB_PASSWORD": "na/me@:1", "ILL_BROKER_PASSWORD": "wo/rd@:%2", "ILL_FLOWER_LOGIN": "op:secret",
    "ILL_SMTP_HOST": "mail", "ILL_MAIL_DOMAIN": "ill.example",
}  # fmt: skip
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "ill_workflow"}
#: What stays up, and has to be looked after.
LASTING = {name: s for name, s in COMPOSE["services"].items() if s.get("restart") != "no"}
WORKERS = ("worker", "doors")


def test_the_example_names_what_has_to_be_given_and_gives_nothing():
    assert set(EXAMPLE) == set(GIVEN)
    assert not any(EXAMPLE.values())


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_without_a_value_nothing_starts_and_the_variable_is_named(name):
    with pytest.raises(Missing, match=f"{name}: set "):
        interpolate(COMPOSE, {**GIVEN, name: ""})


def test_no_secret_is_written_in_the_file_and_none_stands_on_a_command_line():
    for name, service in COMPOSE["services"].items():
        for key, value in service.get("environment", {}).items():
            if any(word in key for word in ("PASS", "AUTH", "LOGIN")):
                assert value.startswith("${"), f"{name}: {key}"
                assert ":?" in value or value.endswith(":-}"), f"{name}: {key}"
    for name, service in interpolate(COMPOSE, GIVEN)["services"].items():
        words = " ".join([*service.get("command", []), *service.get("entrypoint", [])])
        assert not [secret for secret in ("na/me", "wo/rd", "secret") if secret in words], name


def test_every_setting_reaches_the_programs():
    fixed = {"ILL_DATA", "ILL_DATABASE_URL", "ILL_WEB_HOST", "ILL_WEB_PORT"}
    elsewhere = {
        "ILL_FLOWER_LOGIN": ("flower", "web"), "ILL_FLOWER_URL": ("web",), "ILL_AS": ("ill",), "ILL_LIBRARY": ("ill",),
    }  # fmt: skip
    unheard = {"ILL_BROKER_CA"}  # a file, which would have to be mounted as well
    settings = {f"ILL_{name.upper().rstrip('_')}" for name in Settings.model_fields} | {"ILL_LIBRARY"}
    for setting in settings - fixed - unheard:
        given = interpolate(COMPOSE, {**GIVEN, setting: "said-by-us"})["services"]
        for name in elsewhere.get(setting, ("migrate", "worker", "doors", "beat", "flower", "web", "ill")):
            assert given[name]["environment"].get(setting) == "said-by-us", f"{name}: {setting}"


def test_what_stays_up_is_looked_after_restarted_and_logs_within_bounds():
    assert set(LASTING) >= {"postgres", "valkey", "worker", "doors", "beat", "flower", "web", "mail"}
    for name, service in LASTING.items():
        assert service["restart"] == "unless-stopped", name
        assert health_of(service), name
        assert service["logging"]["options"]["max-size"], name


def test_our_programs_write_on_volumes_alone_and_as_nobody_in_particular():
    for name, service in OURS.items():
        mounted = [volume.partition(":")[2] for volume in service["volumes"]]
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        words = [*service.get("command", []), service.get("environment", {}).get("ILL_DATA", "")]
        for path in (word.partition("=")[2] or word for word in words):
            if path.startswith("/"):
                assert path.startswith((*mounted, *service["tmpfs"])), f"{name} writes to {path}"


def test_workers_can_be_many_and_end_in_peace():
    from workers.app import make_app

    for name in WORKERS:
        service = OURS[name]
        assert "container_name" not in service
        assert "ports" not in service
        assert int(service["stop_grace_period"].rstrip("s")) > make_app("").conf.worker_soft_shutdown_timeout


def test_nothing_is_reached_from_another_machine():
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


@pytest.fixture
def services():
    return interpolate(COMPOSE, GIVEN)["services"]


@pytest.fixture
def place(tmp_path, postgresql_with_password):
    """Where the names of the compose file mean servers of this machine, and the folders those of this test."""
    if shutil.which("redis-cli") is None:
        redis_program()
    ports = {name: free_port(0) for name in ("valkey", "flower", "mail", "web")}
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "valkey-server").symlink_to(valkey_program())
    (programs / "valkey-cli").symlink_to(shutil.which("redis-cli"))
    for folder in ("data", "mails", "broker"):
        (tmp_path / folder).mkdir()
    here = {
        "dir /data": f"dir {tmp_path / 'broker'}\nbind 127.0.0.1\nport {ports['valkey']}",
        "valkey-cli": f"valkey-cli -p {ports['valkey']}",
        "pg_isready": f"pg_isready --port={postgresql_with_password.port}",
        "postgres:5432": f"127.0.0.1:{postgresql_with_password.port}",
        "valkey:6379": f"127.0.0.1:{ports['valkey']}",
        "/data": str(tmp_path / "data"), "/mails": str(tmp_path / "mails"), "/tmp/beat": str(tmp_path / "beat"),
        "127.0.0.1:5555": f"127.0.0.1:{ports['flower']}", "--port=5555": f"--port={ports['flower']}",
        "flower:5555": f"127.0.0.1:{ports['flower']}", "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
        "--port=8000": f"--port={ports['web']}", "0.0.0.0": "127.0.0.1", "--port=25": f"--port={ports['mail']}",
    }  # fmt: skip
    place = Place(tmp_path, here, (programs, PROGRAMS, postgresql_with_password.programs))
    place.ports = ports
    yield place
    place.end()


@pytest.mark.live
@pytest.mark.postgresql
def test_every_program_starts_as_it_is_written_is_well_and_is_missed_when_it_ends(
    services, place, monkeypatch, postgresql_with_password
):
    programs = {name: program_of(name, service) for name, service in services.items()}
    for name in OURS:
        # The names of hosts and ports that are values by themselves.
        environment = {**programs[name].environment}
        if "ILL_SMTP_HOST" in environment:
            environment |= {"ILL_SMTP_HOST": "127.0.0.1", "ILL_SMTP_PORT": str(place.ports["mail"])}
        health = [str(place.ports["mail"]) if word == "25" else word for word in programs[name].health]
        programs[name] = Program(name, programs[name].argv, environment, health)
    assert place.is_well(programs["postgres"]), place.check(programs["postgres"]).stderr
    assert not place.is_well(programs["valkey"])
    place.start(programs["valkey"])
    eventually(lambda: place.is_well(programs["valkey"]))

    assert not place.is_well(programs["worker"]), "there are no tables yet"
    migrated = place.run(programs["migrate"])
    assert migrated.returncode == 0, migrated.stderr
    running = {name: place.start(programs[name]) for name in ("mail", "worker", "doors", "beat", "flower", "web")}
    for name in running:
        eventually(lambda name=name: place.is_well(programs[name]))

    doctor = place.run(programs["ill"])
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert "rings" in doctor.stdout
    assert "console" in doctor.stdout
    console = somebody_at_the_console(place, monkeypatch, postgresql_with_password.port)
    assert console.get("/healthz").text == "well\n"
    flower = f"http://127.0.0.1:{place.ports['flower']}"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{flower}/flower/workers", timeout=120)
    by_name = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    by_name.add_password(None, flower, "op", "secret")
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(by_name))
    pages = [opener.open(f"{flower}/flower/{path}", timeout=120).read().decode() for path in ("workers", "broker")]
    pages += [console.get(f"/flower/{path}").text for path in ("workers", "broker")]
    assert "worker@" in pages[2]
    logs = [(place.folder / f"{name}.log").read_text() for name in running]
    for secret in ("wo/rd", "wo%2Frd", "na/me", "op:secret"):
        assert not [text for text in (*pages, *logs, doctor.stdout) if secret in text]

    for name, child in running.items():
        child.stop()
        if name != "beat":  # which leaves a sign on a disk, and is missed half a minute later
            assert not place.is_well(programs[name]), name
    old = place.folder / "beat.ticks"
    os.utime(old, (1, 1))
    assert not place.is_well(programs["beat"])


def somebody_at_the_console(place, monkeypatch, port):
    """A browser of an operator who is signed in."""
    monkeypatch.setenv("PGPASSWORD", GIVEN["ILL_DB_PASSWORD"])
    db = Database(make_engine(f"postgresql+psycopg://ill@127.0.0.1:{port}/ill"))
    with db.writing() as session:
        library = libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="UTC")
        ann = accounts.add_account(session, "ann")
        accounts.grant(session, ann, library.id, "operator")
        token = begin_session(session, ann)
    db.engine.dispose()
    return httpx.Client(base_url=f"http://127.0.0.1:{place.ports['web']}", cookies={"ill": token}, timeout=120)


@pytest.mark.live
def test_flower_does_not_start_without_a_password(services, tmp_path):
    flower = program_of("flower", services["flower"])
    place = Place(tmp_path, {"/data": str(tmp_path)})
    for login in ("", "op", "op:", ":secret", "op:secret,"):
        environment = {**flower.environment, "ILL_FLOWER_LOGIN": login}
        refused = place.run(Program("flower", flower.argv, environment))
        assert refused.returncode == 1
        assert "ILL_FLOWER_LOGIN" in refused.stderr


@pytest.mark.live
@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_does_not_start_with_a_broker_that_anybody_could_talk_to(services, tmp_path, name):
    worker = program_of(name, services[name])
    environment = {key: value for key, value in worker.environment.items() if key != "ILL_BROKER_PASSWORD"}
    refused = Place(tmp_path, {"/data": str(tmp_path)}).run(Program(name, worker.argv, environment))
    assert refused.returncode != 0
    assert "ILL_BROKER_PASSWORD" in refused.stderr + refused.stdout
