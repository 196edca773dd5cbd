"""Where something from outside is missing, the last line of a run names what was not run; with CI=true it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
STORY = """
from tests.plugins.not_run import wanting

def test_a_story_in_a_browser():
    wanting("browser", "chromium is not installed")

def test_another():
    assert True
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "test_story.py").write_text(STORY)

    def a_run(ci: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.plugins.not_run", f"--rootdir={tmp_path}"],
            cwd=tmp_path, env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip().splitlines()

    return a_run


def test_the_last_line_names_what_was_not_run(run):
    code, said = run(ci="")
    assert (code, said[-1]) == (0, "not run: browser (chromium is not installed)")


def test_where_everything_has_to_be_there_the_run_fails(run):
    code, said = run(ci="true")
    assert code == 1
    assert "1 failed, 1 passed" in said[-1]
