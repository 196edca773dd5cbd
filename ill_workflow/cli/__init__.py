"""`ill …`: the command line, for people and, with `--json`, for programs."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import typer
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from ill_workflow.bootstrap import Services
from ill_workflow.cli import operations, requests, setup
from ill_workflow.cli.output import fail
from ill_workflow.config import Settings
from ill_workflow.errors import BadInput, IllError, Unavailable


def _about_the_database(settings: Settings, trouble: Exception) -> IllError:
    """What is wrong with the database, or with how we were told where it is."""
    field = "ILL_DATABASE_URL" if settings.database_url else "ILL_DATA"
    if isinstance(trouble, DBAPIError):
        said = " ".join(str(trouble.orig).split())[:300]
        if "no such table" in said or "UndefinedTable" in type(trouble.orig).__name__:
            return Unavailable("There are no tables in this database yet. Run: ill migrate", field=field)
        if isinstance(trouble, DataError):
            return BadInput(f"The database has no room for a value: {said}")
        return Unavailable(f"The database of {field} can't be used: {said}", field=field)
    return BadInput(f"{field} is no address of a database: {trouble}", field=field)


@dataclass(frozen=True)
class Doors:
    """What the outermost file hands in: services with the bell, and the programs that only the workers know."""

    settings: Settings
    services: Callable[[], Services]
    up: Callable[[Settings, bool], int]
    demo: Callable[[Settings, bool], int]


app = typer.Typer(name="ill", help="Interlibrary loan.", no_args_is_help=True, pretty_exceptions_enable=False)
setup.register(app)
requests.register(app)
operations.register(app)


def run(doors: Doors) -> None:
    """Carry out the command that was typed. Errors are sentences on standard error; exit code 1, or 2 for usage."""
    try:
        app(obj=doors, standalone_mode=True)
    except IllError as refusal:
        fail(refusal)
        sys.exit(1)
    except (DBAPIError, ArgumentError, ImportError) as trouble:
        fail(_about_the_database(doors.settings, trouble))
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
