"""A small installation as one program, without a broker: `python -m workers.alone`. The demo's neighbour is one."""

import os
import socket
from datetime import timedelta

import uvicorn

from ill_workflow.bootstrap import start
from ill_workflow.config import read_settings
from ill_workflow.web.app import make_app
from workers import jobs
from workers.sweep import Sweep

#: Seconds that what is under way gets when the program is asked to end.
ENDING = 3


def main() -> None:
    """The console at the address of the settings, and a sweep that waits for nobody else to do the work."""
    settings = read_settings()
    services = start(settings, run_job=jobs.run_for)
    name = f"ill-alone-{os.getpid()}@{socket.gethostname()}"
    sweep = Sweep(lambda: services, name, patience=timedelta(0))
    sweep.start()
    uvicorn.run(
        make_app(services), host=settings.web_host, port=settings.web_port, timeout_graceful_shutdown=ENDING,
        server_header=False, access_log=False,
    )  # fmt: skip
    sweep.stop()
    sweep.wait_for_its_end()


if __name__ == "__main__":
    main()
