"""Other systems at a real server: what the documentation shows is what they do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.browser import Server
from tests.plugins.not_run import wanting

pytestmark = pytest.mark.live
SHOWN = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def at_a_server(quick_stage, calls):
    """What a program is told by its surroundings; and the system whose token it has."""
    over = calls(quick_stage)
    system = over()
    server = Server(over.client.app)
    given = {"ILL_URL": server.address, "ILL_TOKEN": system.token, "LIBRARY": "MAIN", "PARTNER": "HILL"}
    yield given
    server.stop()


def run(given, *words):
    done = subprocess.run(words, env={**os.environ, **given}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_with_curl(quick_stage, at_a_server):
    if not shutil.which("curl"):
        wanting("the example with curl", "there is no curl")
    lent = quick_stage.lends()

    said = run(at_a_server, "sh", str(SHOWN / "rest.sh"))

    outcome, history = map(json.loads, said.splitlines())
    assert outcome["sentence"] == "XPX-1001: Print Slip. It is Being Processed now."
    assert [line["trigger"] for line in history["items"]] == ["create", "print_slip"]
    assert lent.state == "being_processed"


def test_with_the_standard_library(quick_stage, at_a_server):
    said = run(at_a_server, sys.executable, str(SHOWN / "rest.py")).splitlines()

    assert said[0].startswith("XPX-1001 can be: Send Request, ")
    assert said[1:] == [
        "XPX-1001: Send Request. It is Request Sent now.",
        "XPX-1001 Create Request created",
        "XPX-1001 Send Request request_sent",
    ]
    wrong = {**at_a_server, "ILL_TOKEN": "ill_wrong"}
    done = subprocess.run(
        [sys.executable, SHOWN / "rest.py"], env={**os.environ, **wrong}, capture_output=True, text=True, check=False
    )
    assert done.stderr == "This token opens nothing: it is unknown, revoked or over.\n"
