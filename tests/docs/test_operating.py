"""What docs/operating.md says is so: its settings, its commands, and the backups, which are made and restored."""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
import subprocess

import pytest
import yaml
from sqlalchemy import make_url
from typer.main import get_command

from ill_workflow import libraries
from ill_workflow.cli import app
from ill_workflow.config import Settings
from ill_workflow.db import Database, make_engine
from ill_workflow.migrations import migrate
from tests.plugins.deployed import PROGRAMS, ROOT

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def block(name):
    return re.search(rf"<!-- block: {name} -->\n```\n(.*?)```", PAGE, re.DOTALL)[1]


def test_every_setting_is_described_as_it_is_declared():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)

    assert generate.fill(PAGE) == PAGE, "run: python docs/generate.py"
    for name in Settings.model_fields:
        assert f"| `ILL_{name.upper().rstrip('_')}` |" in PAGE


def test_every_variable_that_is_named_is_known():
    known = {f"ILL_{name.upper().rstrip('_')}" for name in Settings.model_fields}
    compose = set(re.findall(r"\$\{(ILL_\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert set(re.findall(r"ILL_[A-Z0-9_]+[A-Z0-9]", PAGE)) <= known | compose


def test_every_command_that_is_named_is_there():
    commands = get_command(app).commands
    named = re.findall(r"(?:^|`| run --rm )ill ([a-z]+)", PAGE, re.MULTILINE)
    assert {"doctor", "migrate", "restored", "outbox", "jobs", "up", "library"} <= set(named)
    assert set(named) <= set(commands)


def test_every_service_and_profile_of_compose_that_is_named_is_there():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
    assert set(re.findall(r"--profile (\w+)", PAGE)) <= profiles
    assert set(re.findall(r"compose (?:exec|run|logs)(?: --?[\w=-]+)* (\w+)", PAGE)) == {
        "postgres", "ill", "worker",
    }  # fmt: skip
    assert set(re.findall(r"compose cp (\w+):", PAGE)) <= set(services)
    assert set(re.findall(r"--scale (\w+)=", PAGE)) <= set(services)


def test_every_file_that_is_named_is_there():
    for path in re.findall(r"deploy/systemd[\w./*@-]*|Dockerfile|\.env\.example", PAGE):
        assert list(ROOT.glob(path.rstrip("."))), path


def shell(script, folder, programs, **environment):
    path = os.pathsep.join([str(PROGRAMS), *map(str, programs), os.defpath])
    ran = subprocess.run(
        ["bash", "-ec", script], cwd=folder, capture_output=True, text=True, timeout=120,
        env={"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", **environment},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def fill(url, data):
    """A library, a slip and a copy."""
    db = Database(make_engine(url))
    with db.writing() as session:
        libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="UTC")
    for name in ("slips/1/XPX-1001.pdf", "copies/a.pdf"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"%PDF")
    return db


def look(url, data, told):
    db = Database(make_engine(url))
    with db.reading() as session:
        library = libraries.find_library(session, "MAIN")
        assert library.next_number == 2001
    db.engine.dispose()
    assert (data / "copies" / "a.pdf").read_bytes() == b"%PDF"
    assert "This database knows no request." in told
    assert "XPX-1001.pdf" in told


@pytest.mark.live
def test_a_backup_of_sqlite_is_made_and_restored(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    url = f"sqlite:///{data / 'ill.db'}"
    migrate(url)
    fill(url, data)  # and stays open: a running system
    busy = sqlite3.connect(data / "ill.db")
    busy.execute("SELECT * FROM library").fetchone()

    shell(block("backup sqlite"), tmp_path, (), ILL_DATA="data")
    told = shell(block("restore sqlite"), tmp_path, (), ILL_DATA="restored")

    look(f"sqlite:///{tmp_path / 'restored' / 'ill.db'}", tmp_path / "restored", told)
    listed = shell("ill outbox list; ill jobs", tmp_path, (), ILL_DATA="restored")
    assert "Waiting: nothing" in listed
    for line in ("ill doctor", "ill outbox list", "ill jobs"):
        assert line in block("watching")


@pytest.mark.live
def test_a_backup_can_be_made_from_the_first_day_on_and_is_for_nobody_elses_eyes(tmp_path):
    shell("ill migrate\n" + block("backup sqlite"), tmp_path, (), ILL_DATA="data")
    shell(block("restore sqlite"), tmp_path, (), ILL_DATA="restored")

    for path in (*tmp_path.glob("backup/*"), tmp_path / "backup", tmp_path / "data", tmp_path / "restored"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.live
@pytest.mark.postgresql
def test_a_backup_of_postgresql_is_made_and_restored(tmp_path, postgresql):
    data = tmp_path / "data"
    data.mkdir()
    url, new = postgresql.create_database(template=postgresql.template("ill", migrate)), postgresql.create_database()
    fill(url, data).engine.dispose()
    addresses = {
        name: f"postgresql:///{make_url(each).database}?host={postgresql.folder}&user={postgresql.owner}"
        for name, each in (("DATABASE", url), ("NEW_DATABASE", new))
    }

    shell(block("backup postgresql"), tmp_path, (postgresql.programs,), ILL_DATA="data", **addresses)
    told = shell(
        block("restore postgresql"), tmp_path, (postgresql.programs,), ILL_DATA="restored", ILL_DATABASE_URL=new,
        **addresses,
    )  # fmt: skip

    look(new, tmp_path / "restored", told)
