"""The console as a program among the others: killed, started again, one of several, and with Flower behind it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ill_workflow import accounts, libraries, partners
from ill_workflow.bootstrap import start
from ill_workflow.config import Settings
from ill_workflow.requests import intake
from ill_workflow.requests.by import By
from ill_workflow.signing_in import begin_session
from tests.plugins.listening import Listening
from tests.plugins.waiting import eventually, is_running, said_until
from workers.ports import free_port

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
ILL = [sys.executable, "-m", "workers.main"]


class Installation:
    """`ill up` in a folder of its own, and what it says."""

    def __init__(self, folder: Path) -> None:
        given = {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}
        self.data = folder / "data"
        self.environment = {
            **given, "PYTHONPATH": str(ROOT), "ILL_DATA": str(self.data), "ILL_WEB_PORT": str(free_port(0)),
        }  # fmt: skip
        self.up = subprocess.Popen(
            [*ILL, "up", "--catch-mail"], env=self.environment, cwd=folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.said = said_until("Ctrl-C", self.up)
        self.console = re.search(r"Console: (\S+)", self.said)[1]
        self.services = start(Settings(data=self.data))
        with self.services.db.writing() as session:
            library = libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="UTC")
            partners.add_partner(session, library.id, code="HILL", name="Hilltop", email="ill@hilltop.example")
            ann = accounts.add_account(session, "ann", full_name="Ann Operator")
            accounts.grant(session, ann, library.id, "operator")
            self.token = begin_session(session, ann)

    def lends(self) -> str:
        with self.services.db.writing() as session:
            library = libraries.find_library(session, "MAIN")
            by = By.staff(accounts.find_account(session, "ann"))
            partner = partners.find_partner(session, library.id, "HILL")
            return intake.lend(
                session, library, partner, {"title": "Emma"}, by=by, clock=self.services.clock
            ).reference  # fmt: skip

    def get(self, path: str, console: str = "") -> httpx.Response:
        return httpx.get((console or self.console) + path, cookies={"ill": self.token}, timeout=120)

    def listens(self, console: str = "", **how) -> Listening:
        return Listening(console or self.console, self.token, "/l/MAIN/live", **how)

    def program(self, words: str) -> int:
        """The process of ours whose command line has these words."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if words in line and parent == self.up.pid:
                return int(entry.name)
        return 0

    def ends(self) -> str:
        self.up.send_signal(signal.SIGINT)
        rest, _ = self.up.communicate(timeout=120)
        self.services.db.engine.dispose()
        return rest


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    found = Installation(tmp_path_factory.mktemp("console"))
    yield found
    if found.up.poll() is None:
        found.ends()
    found.up.kill()


def test_flower_is_seen_through_the_console_alone(installation):
    eventually(lambda: "worker-1" in installation.get("/flower/workers?json=1").text)
    assert "Flower" in installation.get("/flower/").text
    assert installation.get("/flower/tasks").status_code == 200
    for path in ("metrics", "healthcheck", "api/tasks"):
        assert installation.get(f"/flower/{path}").status_code == 404
    assert httpx.get(f"{installation.console}/flower/", timeout=120).headers["location"] == "/sign-in?next=/flower/"
    (port,) = set(re.findall(r"--port=(\d+)", command_line(installation.program(" flower "))))
    for path in ("/flower/workers", "/flower/api/tasks"):
        assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=120).status_code == 401, (
            "a neighbour on this machine sees nothing"
        )
    logs = "".join(path.read_text(errors="replace") for path in (installation.data / "logs").iterdir())
    assert "console:" not in command_line(installation.program(" flower ")) + logs


def test_the_console_is_killed_and_whoever_was_signed_in_goes_on(installation):
    assert "Nobody can sign in at the console yet." in installation.said
    ann = installation.listens()
    seen = installation.lends()
    eventually(lambda: ann.heard(seen))
    last = next(number for _, _, number in reversed(ann.told) if number)
    killed = installation.program("workers.web")

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: ann.ended and not is_running(killed))
    missed = installation.lends()
    eventually(lambda: installation.program("workers.web") not in (0, killed))
    eventually(lambda: answers(installation.console))
    assert installation.get("/l/MAIN/operations").status_code == 200, "the session stands in the database"
    again = installation.listens(headers={"Last-Event-ID": last})
    eventually(lambda: again.heard(missed) or again.heard(seen, missed))

    # A second one beside it tells the same.
    other = f"http://127.0.0.1:{free_port(0)}"
    program = subprocess.Popen(
        [sys.executable, "-m", "workers.web", f"--port={other.rpartition(':')[2]}"], env=installation.environment,
        cwd=installation.data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: answers(other))
        there = installation.listens(other)
        new = installation.lends()
        eventually(lambda: there.heard(new))
        program.send_signal(signal.SIGTERM)
        # The page that listens does not keep it.
        assert program.wait(timeout=120) == -signal.SIGTERM
        assert there.ended
    finally:
        program.kill()

    doctor = subprocess.run([*ILL, "doctor"], env=installation.environment, capture_output=True, text=True, timeout=120)
    assert installation.console in doctor.stdout
    installation.ends()
    assert installation.up.returncode == 0
    assert again.ended


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def answers(console: str) -> bool:
    try:
        return httpx.get(f"{console}/healthz", timeout=5).text == "well\n"
    except httpx.HTTPError:
        return False
