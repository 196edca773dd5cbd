"""Says by its exit code whether one of our programs is well: for `HEALTHCHECK`, and for whoever watches machines."""

import argparse
import socket
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

from ill_workflow import runtime
from ill_workflow.clock import machine_now
from ill_workflow.config import read_settings
from ill_workflow.db import Database, make_engine
from ill_workflow.errors import BadInput

#: Seconds without a sign of life after which a program is thought to be stuck.
SILENT = 30.0


def alive(worker: str) -> str:
    """Whether the worker of this name on this machine has given a sign of life lately; why not, or nothing."""
    name = f"{worker}@{socket.gethostname()}"
    db = Database(make_engine(read_settings().url))
    try:
        with db.reading() as session:
            found = runtime.beats(session, machine_now() - timedelta(seconds=SILENT))
    finally:
        db.engine.dispose()
    return "" if any(beat.worker == name for beat in found) else f"{name} gives no sign of life"


def ticks(schedule: str) -> str:
    """Whether beat with this schedule file has looked at the clock lately."""
    file = Path(f"{schedule}.ticks")
    fresh = file.exists() and time.time() - file.stat().st_mtime < SILENT
    return "" if fresh else f"beat does not tick: {file} is old or missing"


def answers(url: str) -> str:
    """Whether a page can be had."""
    with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - an operator's own command line
        return ""


def listens(port: str) -> str:
    """Whether something accepts connections on a port of this machine."""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
        return ""


CHECKS = {check.__name__: check for check in (alive, ticks, answers, listens)}


def main() -> None:
    """`python -m workers.health alive worker`, `ticks SCHEDULE`, `answers URL`, `listens PORT`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("what")
    asked = parser.parse_args()
    try:
        trouble = CHECKS[asked.check](asked.what)
    except BadInput as wrong:
        trouble = wrong.message
    except Exception as error:  # whatever it is, it isn't well
        trouble = f"{type(error).__name__}: {error}"
    if trouble:
        print(trouble, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
