"""Commands that import and export lists as CSV, with each bad line named."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.cli import completing
from ill_workflow.cli.accounts import account_app
from ill_workflow.cli.output import As, AsJson, At, as_text, examples, line, printable
from ill_workflow.cli.progress import progress
from ill_workflow.cli.requests import a_known_side, a_known_state, request_app, who_and_where
from ill_workflow.cli.setup import library_app, partner_app, place_of
from ill_workflow.errors import BadInput
from ill_workflow.lists import account_list, library_list, partner_list, requests_out, sheet
from ill_workflow.lists import requests_in as incoming
from ill_workflow.lists.entries import Take, import_entries
from ill_workflow.lists.outcome import CHANGED, REFUSED, TAKEN, THERE, Outcome, Tally
from ill_workflow.lists.sheet import Column, Line, Sheet
from ill_workflow.requests.by import By

#: The exit code of an import of which some lines were refused.
PARTLY = 3
#: Of the lines with which nothing is wrong, so many are told; the rest is counted.
MOST_TOLD = 20

File = Annotated[Path | None, typer.Argument(metavar="FILE", help="The CSV file; - reads what is piped in.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Try everything; the database stays as it is.")]
Rejects = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the lines that were refused here, with the reason, to be mended."),
]
Template = Annotated[bool, typer.Option("--template", help="Print the header and an example line, and end.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file to write; else it is printed.")]


def _about(columns: Sequence[Column]) -> str:
    """The columns, for `--help`."""
    width = max(len(column.name) for column in columns if not column.told)
    said = [f"  {column.name:<{width}}  {column.about}" for column in columns if not column.told]
    return "\n".join(["", "Columns, in any order, separated by commas, semicolons or tabs:", *said])


_CELLS = "An empty cell leaves what is there; a single - empties it."


@request_app.command(
    "import",
    epilog=_about(incoming.COLUMNS)
    + "\n"
    + examples(
        "ill request import --template > new.csv",
        "ill request import new.csv --library MAIN --dry-run",
        "ill request import new.csv --library MAIN --send --rejects bad.csv",
    ),
)
def import_requests(
    context: typer.Context,
    file: File = None,
    dry_run: DryRun = False,
    send: Annotated[
        bool, typer.Option("--send", help="Send borrowing requests to the first partner of their line.")
    ] = False,
    rejects: Rejects = None,
    template: Template = False,
    library: At = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """Take in requests from a CSV file. Bad lines are named, good ones taken.

    The same file again makes no doubles: what a line asks for is taken once.

    Where lines were refused the exit code is 3.
    """
    if template:
        return _print_template(incoming.COLUMNS)
    read = _read(file, incoming.COLUMNS)
    _check_rejects(rejects, file)
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = who_and_where(session, acts, library)
    work = incoming.RequestImport(services.db, services.clock, place.id, By.staff(account), send=send, dry_run=dry_run)
    _report(_followed(work.outcomes(read), read), read, dry_run=dry_run, rejects=rejects, as_json=as_json)


@request_app.command(
    "export",
    epilog=examples(
        "ill request export --library MAIN --out requests.csv",
        "ill request export --side lending --state overdue",
    ),
)
def export_requests(
    context: typer.Context,
    side: Annotated[
        str | None, typer.Option(metavar="SIDE", help="borrowing or lending.", autocompletion=completing.sides)
    ] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Such as overdue.", autocompletion=completing.states)
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Those that came on this day or later: 2026-03-01.")
    ] = None,
    with_patrons: Annotated[
        bool, typer.Option("--with-patrons", help="Also names and addresses of patrons, not their barcodes alone.")
    ] = False,
    out: Out = None,
    library: At = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """Write the requests of a library as CSV, or with --json as JSON. The file can be imported again."""
    a_known_side(side)
    a_known_state(state)
    day = _day(since)
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        found = requests_out.rows(session, place, side=side, state=state, since=day, with_patrons=with_patrons)
        _export(requests_out.columns(with_patrons=with_patrons), found, out, as_json=as_json)


@partner_app.command("import", epilog=f"{_about(partner_list.COLUMNS)}\n\n{_CELLS}")
def import_partners(
    context: typer.Context,
    file: File = None,
    dry_run: DryRun = False,
    rejects: Rejects = None,
    template: Template = False,
    library: At = None,
    as_json: AsJson = False,
) -> None:
    """Add and change partners of a library from a CSV file, by their codes. Bad lines are named, good ones taken."""
    if template:
        return _print_template(partner_list.COLUMNS)
    read = _read(file, partner_list.COLUMNS)
    services: Services = context.obj.services()
    with services.db.reading() as session:
        number = place_of(session, library).id

    def take(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
        return partner_list.take_partner(session, number, values)

    _import_entries(
        services, read, take, partner_list.COLUMNS, file, order=partner_list.hubs_first, dry_run=dry_run,
        rejects=rejects, as_json=as_json,
    )  # fmt: skip


@partner_app.command("export")
def export_partners(context: typer.Context, out: Out = None, library: At = None, as_json: AsJson = False) -> None:
    """Write the partners of a library as CSV, which can be changed in a spreadsheet and imported again."""
    with context.obj.services().db.reading() as session:
        found = partner_list.rows(session, place_of(session, library).id)
        _export([c.name for c in partner_list.COLUMNS], found, out, as_json=as_json)


@library_app.command("import", epilog=f"{_about(library_list.COLUMNS)}\n\n{_CELLS}")
def import_libraries(
    context: typer.Context, file: File = None, dry_run: DryRun = False, rejects: Rejects = None,
    template: Template = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Add and change libraries from a CSV file, by their codes. Bad lines are named, good ones taken."""
    if template:
        return _print_template(library_list.COLUMNS)
    read = _read(file, library_list.COLUMNS)
    _import_entries(
        context.obj.services(), read, library_list.take_library, library_list.COLUMNS, file, dry_run=dry_run,
        rejects=rejects, as_json=as_json,
    )  # fmt: skip


@library_app.command("export")
def export_libraries(context: typer.Context, out: Out = None, as_json: AsJson = False) -> None:
    """Write the libraries as CSV, which can be changed in a spreadsheet and imported again."""
    with context.obj.services().db.reading() as session:
        _export([c.name for c in library_list.COLUMNS], library_list.rows(session), out, as_json=as_json)


@account_app.command("import", epilog=f"{_about(account_list.COLUMNS)}\n\n{_CELLS}")
def import_accounts(
    context: typer.Context, file: File = None, dry_run: DryRun = False, rejects: Rejects = None,
    template: Template = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Add and change accounts and their grants from a CSV file, by name. Bad lines are named, good ones taken."""
    if template:
        return _print_template(account_list.COLUMNS)
    read = _read(file, account_list.COLUMNS)
    _import_entries(
        context.obj.services(), read, account_list.take_account, account_list.COLUMNS, file, dry_run=dry_run,
        rejects=rejects, as_json=as_json,
    )  # fmt: skip


@account_app.command("export")
def export_accounts(context: typer.Context, out: Out = None, as_json: AsJson = False) -> None:
    """Write the accounts and their grants as CSV. Secrets are never written."""
    with context.obj.services().db.reading() as session:
        _export([c.name for c in account_list.COLUMNS], account_list.rows(session), out, as_json=as_json)


def _import_entries(
    services: Services, read: Sheet, take: Take, columns: Sequence[Column], file: Path | None, *,
    order: Callable[[list[Line]], Iterable[Line]] = iter, dry_run: bool, rejects: Path | None, as_json: bool,
) -> None:  # fmt: skip
    _check_rejects(rejects, file)
    with progress() as tick:
        found = import_entries(
            services.db, read, take, columns, order=order, dry_run=dry_run,
            told=lambda done, of: tick("Line", done, of),
        )  # fmt: skip
    _report(iter(found), read, dry_run=dry_run, rejects=rejects, as_json=as_json)


def _print_template(columns: Sequence[Column]) -> None:
    taken = [column for column in columns if not column.told]
    sheet.write(sys.stdout, [c.name for c in taken], [{c.name: c.example for c in taken}], end="\n")


def _read(file: Path | None, columns: Sequence[Column]) -> Sheet:
    if file is None:
        raise typer.BadParameter("Name the CSV file, or - for what is piped in. How it begins: --template")
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(sheet.LARGEST_FILE + 1)
        else:
            if file.is_dir():
                raise BadInput(f"{file} is a folder. Name a CSV file.", field="file")
            with file.open("rb") as opened:
                data = opened.read(sheet.LARGEST_FILE + 1)
    except OSError as trouble:
        raise BadInput(f"{file} can't be read: {trouble.strerror}.", field="file") from None
    return sheet.read(data, columns)


def _check_rejects(rejects: Path | None, file: Path | None) -> None:
    """Before anything is taken: afterwards it would be too late to say that the rest can't be written."""
    if rejects is None:
        return
    if file is not None and rejects.resolve() == file.resolve():
        raise BadInput("That is the file which is imported. Name another one.", field="rejects")
    _check_writable(rejects, "rejects")


def _report(outcomes: Iterator[Outcome], read: Sheet, *, dry_run: bool, rejects: Path | None, as_json: bool) -> None:
    """Follow an import to its end, and say what became of it. Exits with 3 where lines were refused."""
    tally, told = Tally(), list[Outcome]()
    try:
        for outcome in outcomes:
            tally.add(outcome)
            if as_json or _is_worth_a_line(outcome, tally, dry_run=dry_run):
                told.append(outcome)
    except (KeyboardInterrupt, DBAPIError):
        _close(tally, read, told, dry_run=dry_run, rejects=rejects, as_json=as_json)
        print("Run it again for the rest: what is there is not taken twice.", file=sys.stderr)
        raise
    _close(tally, read, told, dry_run=dry_run, rejects=rejects, as_json=as_json)
    if tally.refused:
        raise typer.Exit(PARTLY)


def _close(
    tally: Tally, read: Sheet, told: Sequence[Outcome], *, dry_run: bool, rejects: Path | None, as_json: bool
) -> None:
    if rejects is not None and tally.refused:
        with _writing(rejects, "rejects") as out:
            sheet.write_rejects(out, read, ((o.line, o.reason) for o in tally.refused))
    counts = {name.replace(" ", "_"): tally.counts[name] for name in (TAKEN, CHANGED, THERE, REFUSED)}
    if as_json:
        print(as_text({**counts, "dry_run": dry_run, "lines": [_as_data(outcome) for outcome in told]}))
        return
    for outcome in told:
        _tell(outcome)
    span = f" The new ones: {tally.first} to {tally.last}." if tally.first != tally.last else ""
    more = sum(max(0, tally.counts[what] - MOST_TOLD) for what in (CHANGED, THERE, *((TAKEN,) if dry_run else ())))
    if more:
        line(f"… and {more} more. Each of them: --json")
    line(f"{tally.sentence}{span if not dry_run else ' Nothing was written: this was a dry run.'}")
    if rejects is not None and tally.refused:
        line(f"The refused lines are in {rejects}, each with its reason. Mend and import them.")


def _is_worth_a_line(outcome: Outcome, tally: Tally, *, dry_run: bool) -> bool:
    # What was taken is told by its first and last reference; of an entry that stays as it is there is nothing to tell.
    if outcome.what == REFUSED:
        return True
    told = dry_run if outcome.what == TAKEN else outcome.what == CHANGED or bool(outcome.name)
    return told and tally.counts[outcome.what] <= MOST_TOLD


def _tell(outcome: Outcome) -> None:
    number = f"Line {outcome.line.number}"
    for problem in outcome.problems:
        column = f", {problem.column}" if problem.column else ""
        print(printable(f"{number}{column}: {problem.sentence}"), file=sys.stderr)
    if outcome.what == THERE and outcome.name:
        line(f"{number}: {outcome.name} is there already.")
    elif outcome.what != REFUSED:
        line(" ".join(part for part in (f"{number}:", outcome.name, outcome.what) if part) + _noted(outcome))


def _noted(outcome: Outcome) -> str:
    return f": {outcome.note}." if outcome.note else "."


def _as_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "line": outcome.line.number,
        "outcome": outcome.what.replace(" ", "_"),
        "name": outcome.name or None,
        "note": outcome.note or None,
        "problems": [asdict(problem) for problem in outcome.problems],
    }


def _followed(outcomes: Iterator[Outcome], read: Sheet) -> Iterator[Outcome]:
    """The same, with a bar on the terminal of whoever waits."""
    with progress() as tick:
        for outcome in outcomes:
            tick("Line", outcome.line.number, read.last)
            yield outcome


def _export(columns: Sequence[str], rows: Iterator[dict[str, str]], out: Path | None, *, as_json: bool) -> None:
    """As CSV or JSON, row by row. A file is written for spreadsheets, and is there whole or not at all."""
    if out is None:
        if as_json:
            _write_json(sys.stdout, rows)
            return
        shown = ({k: printable(v) for k, v in row.items()} for row in rows) if sys.stdout.isatty() else rows
        sheet.write(sys.stdout, columns, shown, end="\n")
        return
    with _writing(out, "out", mark=not as_json) as opened:
        if as_json:
            _write_json(opened, rows)
        else:
            sheet.write(opened, columns, rows)
    print(f"{out} is written.", file=sys.stderr)


def _write_json(out: IO[str], rows: Iterator[dict[str, str]]) -> None:
    out.write("[")
    for place, row in enumerate(rows):
        out.write(f"{',' if place else ''}\n{as_text(row)}")
    out.write("\n]\n")


@contextmanager
def _writing(path: Path, field: str, *, mark: bool = True) -> Iterator[IO[str]]:
    """A file of ours alone, with the mark by which spreadsheets know UTF-8, put in place when it is whole."""
    _check_writable(path, field)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    encoding = "utf-8-sig" if mark else "utf-8"
    try:
        ours = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(ours, "w", encoding=encoding, newline="") as out:
            yield out
        beside.replace(path)
    except OSError as trouble:
        raise BadInput(f"{path} can't be written: {trouble.strerror}.", field=field) from None
    finally:
        beside.unlink(missing_ok=True)


def _check_writable(path: Path, field: str) -> None:
    if path.is_dir():
        raise BadInput(f"{path} is a folder. Name a file.", field=field)
    if not path.parent.is_dir():
        raise BadInput(f"{path} can't be written: there is no folder {path.parent}.", field=field)
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"{path} can't be written: Permission denied.", field=field)


def _day(said: str | None) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise BadInput("A day is written like 2026-03-01.", field="since") from None
