"""Flower for operators, read only, behind a name and a password and, for people, behind the console's sign-in."""

import os
import sys

from ill_workflow.config import read_settings
from ill_workflow.errors import BadInput

#: How Flower shows the tasks of an installation, wherever it is started.
OPTIONS = (
    "--url_prefix=flower", "--max-tasks=10000", "--read_only=true", "--purge_offline_workers=300", "--logging=warning",
)  # fmt: skip
#: What asks for no password, and tells that Flower is there.
HEALTH = "/flower/healthcheck"


def login(given: str | None) -> str:
    """Names and passwords as Flower wants them. Raises BadInput where one is missing."""
    pairs = (given or "").split(",")
    if not all(name and password for name, _, password in (pair.partition(":") for pair in pairs)):
        raise BadInput(
            "ILL_FLOWER_LOGIN is missing. Set it to name:password (several: with commas between them); Flower shows"
            " who does what.",
            field="ILL_FLOWER_LOGIN",
        )
    return ",".join(pairs)


def main() -> None:
    """`python -m workers.flower [--address=…] [--port=…]`: what Flower knows as options goes to Flower."""
    try:
        name_and_password = login(read_settings().flower_login)
    except BadInput as wrong:
        sys.exit(wrong.message)
    # By the environment: a command line can be read by everybody on the machine.
    os.environ["FLOWER_BASIC_AUTH"] = name_and_password
    os.environ.pop("FLOWER_UNAUTHENTICATED_API", None)
    celery = [sys.executable, "-m", "celery", "-A", "workers.main:celery_app", "flower"]
    os.execv(sys.executable, [*celery, *OPTIONS, *sys.argv[1:]])  # noqa: S606 - our own program


if __name__ == "__main__":
    main()
