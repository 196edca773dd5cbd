"""The systemd units: systemd finds nothing wrong with them, and each starts its program as it is written."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.plugins.broker import PASSWORD, RedisServer
from tests.plugins.deployed import PROGRAMS, ROOT, Place, Program, program_of_unit, variables
from tests.plugins.not_run import wanting
from tests.plugins.waiting import eventually
from workers.broker import _program as valkey_program
from workers.catcher import Catcher
from workers.ports import free_port

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
EXAMPLE = variables((UNITS / "ill.env.example").read_text(encoding="utf-8"))
LASTING = ("ill-worker@", "ill-doors", "ill-beat", "ill-flower", "ill-web")
#: By which check of `workers.health` each is looked after (docs/operating.md).
CHECKS = {
    "ill-worker@1": ("alive", "worker-1"), "ill-doors": ("alive", "doors"), "ill-beat": ("ticks", "/var/lib/ill/beat"),
    "ill-flower": ("answers", "http://127.0.0.1:5555/flower/healthcheck"),
    "ill-web": ("answers", "http://127.0.0.1:8000/healthz"),
}  # fmt: skip


def settings(path):
    return [tuple(line.split("=", 1)) for line in path.read_text().splitlines() if "=" in line]


def test_systemd_finds_nothing_wrong(tmp_path):
    verify = shutil.which("systemd-analyze") or wanting("systemd units", "systemd-analyze is not installed")
    for unit in UNITS.glob("ill*.*"):
        text = (
            unit.read_text(encoding="utf-8").replace("/opt/ill/.venv/bin", str(PROGRAMS)).replace("/opt/ill", str(ROOT))
        )
        (tmp_path / unit.name).write_text(text)
    (tmp_path / "ill.env.example").unlink()
    names = [str(tmp_path / path.name.replace("@.", "@1.")) for path in SERVICES]

    looked = subprocess.run(
        [verify, "verify", str(tmp_path / "ill.target"), *names], capture_output=True, text=True, timeout=60
    )

    ours = [line for line in looked.stderr.splitlines() if "ill" in line]
    assert (looked.returncode, ours) == (0, []), looked.stderr


def test_the_target_brings_up_all_that_stays_up():
    wanted = dict(settings(UNITS / "ill.target"))["Wants"].split()
    assert {re.sub(r"@\d+", "@", name).removesuffix(".service") for name in wanted} == set(LASTING)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_each_unit_is_an_ordinary_user_in_a_small_room(path):
    found = dict(settings(path))
    assert found["User"] == "ill"
    assert found["EnvironmentFile"] == "/etc/ill/ill.env"
    for room in ("NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert found[room] == "yes"
    assert found["ProtectSystem"] == "strict"
    assert found["CapabilityBoundingSet"] == ""
    if path.stem in LASTING:
        assert (found["Restart"], found["KillMode"]) == ("on-failure", "mixed")


def test_a_worker_has_time_to_end_its_work():
    from workers.app import make_app

    for name in ("ill-worker@", "ill-doors"):
        stop = int(dict(settings(UNITS / f"{name}.service"))["TimeoutStopSec"])
        assert stop > make_app("").conf.worker_soft_shutdown_timeout


@pytest.mark.live
@pytest.mark.postgresql
def test_each_unit_starts_its_program_with_the_environment_of_the_example(tmp_path, postgresql_with_password):
    ports = {name: free_port(0) for name in ("flower", "broker", "web")}
    (tmp_path / "broker").mkdir()
    valkey = RedisServer(tmp_path / "broker", str(valkey_program()), port=ports["broker"])
    valkey.start()
    catcher = Catcher(tmp_path / "mails")
    catcher.start()
    given = {
        "PGPASSWORD": "na/me@:1", "ILL_BROKER_PASSWORD": PASSWORD, "ILL_FLOWER_LOGIN": "op:secret",
        "ILL_SMTP_HOST": "127.0.0.1", "ILL_MAIL_DOMAIN": "ill.example",
    }  # fmt: skip
    assert set(given) == {name for name, value in EXAMPLE.items() if not value}
    environment = {**EXAMPLE, **given, "ILL_SMTP_PORT": str(catcher.port), "ILL_WEB_PORT": str(ports["web"])}
    (tmp_path / "data").mkdir()
    here = {
        "/opt/ill/.venv/bin": str(PROGRAMS), "/var/lib/ill": str(tmp_path / "data"),
        "127.0.0.1:5432": f"127.0.0.1:{postgresql_with_password.port}",
        "127.0.0.1:6379": f"127.0.0.1:{ports['broker']}", "127.0.0.1:5555": f"127.0.0.1:{ports['flower']}",
        "--port=5555": f"--port={ports['flower']}", "127.0.0.1:8000": f"127.0.0.1:{ports['web']}",
    }  # fmt: skip
    place = Place(tmp_path, here)
    try:
        migrated = place.run(program_of_unit(UNITS / "ill-migrate.service", environment))
        assert migrated.returncode == 0, migrated.stderr
        programs = [looked_after(name, environment) for name in CHECKS]
        running = [place.start(program) for program in programs]
        for program, child in zip(programs, running, strict=True):
            eventually(lambda program=program: place.is_well(program))
            assert child.alive
    finally:
        place.end()
        catcher.stop()
        valkey.stop()


def looked_after(name, environment):
    file, _, instance = name.partition("@")
    program = program_of_unit(UNITS / (f"{file}@.service" if instance else f"{file}.service"), environment, instance)
    return Program(name, program.argv, environment, ["python", "-m", "workers.health", *CHECKS[name]])
