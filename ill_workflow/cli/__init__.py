"""`ill …`: the command line, for people and, with `--json`, for programs."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from ill_workflow.bootstrap import Services
from ill_workflow.cli import (
    accounts,
    clock,
    conversation,
    jobs,
    letters,
    lists,
    messages,
    mock_partner,
    operations,
    partners,
    patrons,
    requests,
    restored,
    setup,
    slips,
    tokens,
)
from ill_workflow.cli.output import fail
from ill_workflow.config import Settings
from ill_workflow.errors import BadInput, IllError, Unavailable


def _about_the_database(settings: Settings, trouble: Exception) -> IllError:
    """What is wrong with the database, or with how we were told where it is."""
    field = "ILL_DATABASE_URL" if settings.database_url else "ILL_DATA"
    if isinstance(trouble, OverflowError):
        return BadInput("No number is as large as that.")
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


_HELP = ["--help", "-h"]
#: What programs may rely on. `docs/commands.md` has them, too.
EXIT_CODES = {
    0: "Done.",
    1: "Refused or failed: why is said on standard error, with the field that has to be mended.",
    2: "The command was not written as it has to be; see its --help.",
    3: "An import is done in part: some lines were refused, and each of them is named.",
    130: "Interrupted with Ctrl-C: what was not finished is not kept.",
}
EPILOG = "\n".join(
    [
        "Say once who you are and where, then leave it out: export ILL_AS=ann ILL_LIBRARY=MAIN",
        "",
        "Every command has --help; --json prints what programs read.",
        "Tab completes words, references and codes after: ill --install-completion",
        "",
        "Exit codes:",
        *(f"  {code:>3}  {words}" for code, words in EXIT_CODES.items()),
    ]
)

app = typer.Typer(
    name="ill", no_args_is_help=True, pretty_exceptions_enable=False, epilog=EPILOG,
    help="Interlibrary loan: what patrons borrow from other libraries, and what we lend to them.",
    context_settings={"help_option_names": _HELP},
)  # fmt: skip
requests.register(app, "Every day")
slips.register(app, "Every day")
letters.register(app, "Every day")
setup.register(app, "Setting up")
accounts.register(app, "Setting up")
patrons.register(app, "Setting up")
operations.register(app, "Keeping it running")
jobs.register(app, "Keeping it running")
messages.register(app, "Keeping it running")
clock.register(app, "Keeping it running")
restored.register(app, "Keeping it running")
mock_partner.register(app, "Connecting others")
# `lists` adds import and export to what is registered above, `tokens` those of systems, `partners` what they show,
# `conversation` what was said with them.
assert conversation
assert lists
assert tokens
assert partners


@cache
def command() -> Any:
    """The program as it is typed, its help without words that only programmers know."""
    program: Any = typer.main.get_command(app)
    names = [name for name in (*_FIRST, *program.commands) if name in program.commands]
    program.commands = {name: program.commands[name] for name in names}
    return _plain(program)


def run(doors: Doors) -> None:
    """Carry out the command that was typed. Errors are sentences on standard error; see `EXIT_CODES`."""
    code = _carry_out(doors)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _nobody_reads_on()
    sys.exit(code)


def _carry_out(doors: Doors) -> int | str | None:
    try:
        command()(obj=doors, prog_name="ill", standalone_mode=True)
    except SystemExit as ended:
        if ended.code == 130:
            print("Interrupted: what was not finished is not kept.", file=sys.stderr)
        # Whoever read our output had seen enough; typer calls that a failure.
        return _nobody_reads_on() if type(sys.stdout).__name__ == "PacifyFlushWrapper" else ended.code
    except BrokenPipeError:
        return _nobody_reads_on()
    except KeyboardInterrupt:
        print("Interrupted: what was not finished is not kept.", file=sys.stderr)
        return 130
    except IllError as refusal:
        fail(refusal)
        return 1
    except (DBAPIError, ArgumentError, ImportError, OverflowError) as trouble:
        fail(_about_the_database(doors.settings, trouble))
        return 1
    except UnicodeEncodeError:
        # Half a character, which neither a database nor a terminal takes: what was typed was in another encoding.
        if not any("\udc80" <= sign <= "\udcff" for sign in "".join(sys.argv)):
            raise
        fail(BadInput("What was typed is no text in UTF-8."))
        return 1
    return 0


def _nobody_reads_on() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


#: In this order help lists what people do every day.
_FIRST = ("request", "scan", "act", "undo", "note", "slip", "letter")
#: What help calls the kinds of values, instead of Python's names for them.
_KINDS = {"<str": "TEXT", "<int": "NUMBER", "<path": "FILE", "<list[str]": "TEXT"}


def _plain(group: Any) -> Any:
    context = typer.Context(group, help_option_names=_HELP)
    for parameter in (*group.params, group.get_help_option(context)):
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""
        elif parameter.is_flag or parameter.name in ("install_completion", "show_completion"):
            parameter.metavar = ""
        elif parameter.metavar is None:
            kind = parameter.display_type(context).casefold()
            parameter.metavar = next((word for start, word in _KINDS.items() if kind.startswith(start)), kind)
    for inner in getattr(group, "commands", {}).values():
        _plain(inner)
    return group
