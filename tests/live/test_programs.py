"""The programs as people start them: the README's own commands, and the demo."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.plugins.waiting import eventually, is_running, said_until
from workers.ports import free_port

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path):
    given = {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}
    return {**given, "PYTHONPATH": str(ROOT), "ILL_DATA": str(tmp_path / "data"), "ILL_WEB_PORT": str(free_port(0))}


def children_of(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


def test_the_commands_of_the_readme_one_after_another(environment, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- block: commands -->\n```\n(.*?)```", readme, re.DOTALL)[1]
    for word, here in (
        ("$PWD/.venv/bin", str(PROGRAMS)), ("ILL_DATA=var/mine", f"ILL_DATA={tmp_path / 'mine'}"),
        ("ILL_SMTP_PORT=2525", f"ILL_SMTP_PORT={free_port(0)}"),
        # A script goes on at once, where a person waits for the words that everything is up.
        ("# or in another", "\nuntil ill doctor > doctor 2>&1; do sleep 1; done  # or in another"),
    ):  # fmt: skip
        assert word in block
        block = block.replace(word, here)
    script = tmp_path / "commands.sh"
    script.write_text(f"set -e\ntrap 'kill -INT %1; wait' EXIT\n{block}")

    ran = subprocess.run(
        ["bash", str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300,
        start_new_session=True,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr + (tmp_path / "doctor").read_text()
    assert "XPX-1001 (borrowing): Received" in ran.stdout
    assert "No broker answers" not in ran.stderr
    mails = list((tmp_path / "mine" / "mails").glob("*.eml"))
    assert mails, "the partner was written to"


def test_the_demo_once(environment, tmp_path):
    began = subprocess.Popen(
        [sys.executable, "-m", "workers.main", "demo", "--once"], env=environment, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    again = None
    try:
        eventually((tmp_path / "data" / "demo" / "ill.db").exists)
        again = subprocess.run(
            [sys.executable, "-m", "workers.main", "demo", "--once"], env=environment, cwd=tmp_path, text=True,
            capture_output=True, timeout=120,
        )  # fmt: skip
        said, _ = began.communicate(timeout=240)
    finally:
        began.kill()

    assert began.returncode == 0, said
    before, _, _ = said.partition("A loan to its happy end")
    for words in ("Console      http://127.0.0.1:", "Password", "ann   operator, Main Library", "rita"):
        assert words in before, "who wants to watch has to know before it begins"
    assert again.returncode == 1
    assert "A demo runs already" in again.stderr
    report = json.loads((tmp_path / "demo-report.json").read_text(encoding="utf-8"))
    assert [story["went_wrong"] for story in report["stories"]] == [""] * 13
    over_the_wire = report["stories"][-1]["requests"]
    assert [(r["library"], r["state"]) for r in over_the_wire] == [("MAIN", "completed"), ("LAKE", "completed")]
    names = {task["name"] for task in report["tasks"].values()}
    assert {"ill.generate_slip", "ill.email_slip", "ill.send_message", "ill.notify_patron"} <= names
    assert not [task for task in report["tasks"].values() if task.get("args") not in ("-", "", "()", None)]
    for story in report["stories"]:
        for request in story["requests"]:
            folder = tmp_path / "data" / "demo" / ("neighbour" if request["library"] == "LAKE" else "")
            for slip in request["slips"]:
                assert (folder / "slips" / slip).read_bytes().startswith(b"%PDF")
    caught = {
        line.split(":", 1)[1].strip()
        for mail in (tmp_path / "data" / "demo" / "mails").glob("*.eml")
        for line in mail.read_text(errors="replace").splitlines()
        if line.lower().startswith("message-id:")
    }
    promised = {i for story in report["stories"] for request in story["requests"] for i in request["message_ids"]}
    assert promised <= caught
    eventually(lambda: not children_of(began.pid))


def test_a_running_demo_ends_when_it_is_asked_to(environment, tmp_path):
    began = subprocess.Popen(
        [sys.executable, "-m", "workers.main", "demo"], env=environment, cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said = said_until("A loan to its happy end", began)
        console, password = re.search(r"Console +(\S+)", said)[1], re.search(r"Password +(\S+)", said)[1]
        for name, library in (("ann", "MAIN"), ("max", "MAIN"), ("rita", "RIV"), ("ron", "RIV")):
            browser = httpx.Client(base_url=console, timeout=120, follow_redirects=True)
            browser.post("/sign-in", data={"name": name, "password": password})
            assert browser.get(f"/l/{library}/operations").status_code == 200
        assert len(children_of(began.pid)) >= 1
        began.send_signal(signal.SIGINT)
        began.communicate(timeout=120)
    finally:
        began.kill()
    assert began.returncode == 0
    eventually(lambda: not children_of(began.pid))
    assert not is_running(began.pid)


def test_a_folder_that_no_demo_made_is_left_alone(environment, tmp_path):
    precious = tmp_path / "data" / "demo" / "logs" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    ran = subprocess.run(
        [sys.executable, "-m", "workers.main", "demo", "--once"], env=environment, cwd=tmp_path, text=True,
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert (ran.returncode, precious.read_text()) == (1, "mine")
    assert "files that no demo made" in ran.stderr
