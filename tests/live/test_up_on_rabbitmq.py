"""`ill up` with a broker that somebody else runs: RabbitMQ, whose password nobody gets to see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.broker import PASSWORD
from tests.plugins.waiting import eventually, said_until
from workers.catcher import Catcher
from workers.ports import free_port

pytestmark = pytest.mark.live

ILL = [sys.executable, "-m", "workers.main"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path, rabbitmq):
    catcher = Catcher(tmp_path / "mails")
    catcher.start()
    given = {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}
    yield {
        **given, "PYTHONPATH": str(ROOT), "ILL_DATA": str(tmp_path / "data"), "ILL_SMTP_PORT": str(catcher.port),
        "ILL_BROKER_URL": f"amqp://ill@127.0.0.1:{rabbitmq.port}//", "ILL_BROKER_PASSWORD": PASSWORD,
        "ILL_WEB_PORT": str(free_port(0)),
    }  # fmt: skip
    catcher.stop()


def test_everything_runs_on_rabbitmq_and_says_so_without_its_password(environment, tmp_path):
    up = subprocess.Popen(
        [*ILL, "up"], env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        said = said_until("Ctrl-C ends it.", up)  # it says all when all of it is there
        looked: list[subprocess.CompletedProcess[str]] = []
        eventually(lambda: looked.append(doctor(environment, tmp_path)) or looked[-1].returncode == 0)
        well = looked[-1]
        up.send_signal(signal.SIGINT)
        said += up.communicate(timeout=120)[0]
    finally:
        up.kill()

    assert up.returncode == 0, said
    assert "rings" in well.stdout
    assert f"Broker: amqp://ill:***@127.0.0.1:{environment['ILL_BROKER_URL'].split(':')[2].strip('/')}//" in said
    logs = "".join(path.read_text(errors="replace") for path in (tmp_path / "data" / "logs").iterdir())
    for text in (said, well.stdout + well.stderr, logs):
        assert "cr@t" not in text
        assert "cr%40t" not in text


def test_a_broker_that_is_not_there_is_said_without_its_password(environment, tmp_path):
    wrong = {**environment, "ILL_BROKER_URL": "amqp://ill:Zauberberg@127.0.0.1:1//"}
    refused = subprocess.run([*ILL, "up"], env=wrong, cwd=tmp_path, text=True, capture_output=True, timeout=120)
    assert refused.returncode == 1
    assert "ILL_BROKER_URL does not answer" in refused.stderr
    assert "Zauberberg" not in refused.stderr + refused.stdout


def doctor(environment, folder):
    return subprocess.run([*ILL, "doctor"], env=environment, cwd=folder, text=True, capture_output=True, timeout=120)
