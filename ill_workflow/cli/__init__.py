"""`ill …`: the command line, for people and, with `--json`, for programs."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import typer
from sqlalchemy.exc import OperationalError

from ill_workflow.bootstrap import Services
from ill_workflow.cli import operations, requests, setup
from ill_workflow.cli.output import fail
from ill_workflow.config import Settings
from ill_workflow.errors import IllError


@dataclass(frozen=True)
class Doors:
    """What the outermost file hands in: services with the bell, and the programs that only the workers know."""

    settings: Settings
    services: Callable[[], Services]
    up: Callable[[Settings], int]
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
    except OperationalError as trouble:
        if "no such table" in str(trouble.orig) or "UndefinedTable" in type(trouble.orig).__name__:
            print("There are no tables in this database yet. Run: ill migrate", file=sys.stderr)
        else:
            print(f"The database can't be used: {trouble.orig}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
