"""Waiting for something outside the test to come about: on a condition, never for a fixed time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

#: Seconds that anything gets to come about: a machine that is busy with other things may need them, a quick one won't.
LONGEST = 120.0


def eventually(true: Callable[[], object], *, seconds: float = LONGEST) -> None:
    """Return as soon as `true()` is; fail when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true after {seconds:g} seconds"
        time.sleep(0.01)


def said_until(words: str, program: subprocess.Popen[str]) -> str:
    """What a program says up to the line with these words; fail when it ends without them."""
    said = ""
    while words not in said:
        line = program.stdout.readline() if program.stdout else ""
        assert line, f"it ended without {words!r}:\n{said}"
        said += line
    return said


def is_running(pid: int) -> bool:
    """Whether a process with this number runs (one that ended and was not collected yet doesn't)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        if os.path.exists("/proc/self"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
