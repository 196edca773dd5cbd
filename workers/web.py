"""The console as a program: `python -m workers.web`, as the settings say where."""

import argparse
import logging
import sys

import uvicorn

from ill_workflow.config import read_settings
from ill_workflow.errors import BadInput

#: Seconds that a page in the making gets when the program is asked to end. Pages that listen are let go at once.
ENDING = 3


def main() -> None:
    """`python -m workers.web [--host ADDRESS] [--port PORT]`: several, on several ports, work side by side."""
    try:
        settings = read_settings()
    except BadInput as wrong:
        sys.exit(wrong.message)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=settings.web_host)
    parser.add_argument("--port", type=int, default=settings.web_port)
    asked = parser.parse_args()
    _write_lines()
    uvicorn.run(
        "workers.main:web", factory=True, host=asked.host, port=asked.port, timeout_graceful_shutdown=ENDING,
        proxy_headers=True, forwarded_allow_ips=settings.web_proxies, server_header=False,
        access_log=False,  # addresses hold what people search for: names of patrons, titles
    )  # fmt: skip


def _write_lines() -> None:
    """What the application says for operators, such as a line for each message of a partner, goes where errors go."""
    lines = logging.StreamHandler()
    lines.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    ours = logging.getLogger("ill_workflow")
    ours.addHandler(lines)
    ours.setLevel(logging.INFO)


if __name__ == "__main__":
    main()
