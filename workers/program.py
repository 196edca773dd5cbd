"""`ill` as it is typed: pressing Tab is answered at once and without the workers, everything else by all of it."""

import os
import sys

COMPLETING = "_ILL_COMPLETE"


def cli() -> None:
    """The command line. What completes a word neither needs a broker nor has anything to complain of."""
    if COMPLETING in os.environ:
        _complete()
        return
    from workers.main import cli as whole

    whole()


def _complete() -> None:
    from ill_workflow.bootstrap import Services, start
    from ill_workflow.cli import Doors, run
    from ill_workflow.config import Settings, read_settings
    from ill_workflow.errors import IllError, Unavailable

    try:
        settings = read_settings()
    except IllError:
        settings = Settings.model_construct()  # words can be completed, if not what stands in the database

    def services() -> Services:
        if settings.database_url is None and not (settings.data / "ill.db").exists():
            raise Unavailable("There is no database.")
        return start(settings)

    def nothing(*_: object) -> int:
        return 0

    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    run(Doors(settings=settings, services=services, up=nothing, demo=nothing))
