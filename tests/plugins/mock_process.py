"""`ill mock-partner` as a process, and what it tells of itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.plugins.waiting import LONGEST, eventually

ROOT = Path(__file__).parents[2]


class MockProcess:
    """A mock partner that runs until it is asked to end."""

    def __init__(self, folder: Path, *words: str, pace: float = 0.05) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "ILL_DATA"}
        if schemas := environment.get("ILL_ISO18626"):  # it may be told from where the tests are run
            environment["ILL_ISO18626"] = str(Path(schemas).resolve())
        self._said, self._errors = folder / "mock.out", folder / "mock.err"
        # Files, since a pipe that nobody reads would make it wait once it is full.
        with self._said.open("w") as said, self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workers.main", "mock-partner", "--port=0", f"--pace={pace}", "--json", *words],
                env={**environment, "PYTHONPATH": str(ROOT)}, cwd=folder, stdout=said, stderr=errors,
            )  # fmt: skip
        eventually(lambda: "\n" in self._said.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self._errors.read_text()
        self.address = json.loads(self._said.read_text().splitlines()[0])["address"]

    def post(self, path: str, **given: object) -> dict:
        answer = httpx.post(f"{self.address}{path}", json=given, timeout=LONGEST, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def log(self) -> list[dict]:
        return httpx.get(f"{self.address}/_log", timeout=LONGEST, trust_env=False).json()

    @property
    def conversations(self) -> list[dict]:
        return httpx.get(f"{self.address}/_state", timeout=LONGEST, trust_env=False).json()["conversations"]

    def words(self, request: str) -> list[str]:
        """What was said about a request, by either side, as far as it was confirmed; what was said again once."""
        about = [one for one in self.log if one["request"] == request and one["ok"]]
        return [one["word"] for one in about if not one["outcome"].endswith("once more")]

    def waits_until_over(self) -> None:
        eventually(lambda: all(one["over"] for one in self.conversations))

    def end(self) -> tuple[int, dict]:
        """The exit code, and what it sums up."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(LONGEST), json.loads(self._said.read_text().splitlines()[-1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
