"""Waiting for something outside the test to come about: on a condition, never for a fixed time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def eventually(true: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Return as soon as `true()` is; fail when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true after {seconds:g} seconds"
        time.sleep(0.01)


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
