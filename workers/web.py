"""The console as a program: `python -m workers.web`, as the settings say where."""

import argparse
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
    uvicorn.run(
        "workers.main:web", factory=True, host=asked.host, port=asked.port, timeout_graceful_shutdown=ENDING,
        proxy_headers=True, forwarded_allow_ips=settings.web_proxies, server_header=False,
        access_log=False,  # addresses hold what people search for: names of patrons, titles
    )  # fmt: skip


if __name__ == "__main__":
    main()
