"""What the lists of libraries, partners and accounts have in common: new ones are added, known ones changed."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, IllError
from ill_workflow.lists.outcome import CHANGED, TAKEN, THERE, Outcome, Problem, problem_of, refused
from ill_workflow.lists.sheet import Column, Line, Sheet

#: An empty cell leaves what is there; this one empties it.
NOTHING, NEVER = "-", "never"

#: Takes the values of a line: the name of the entry, whether it is new, and which fields have changed.
Take = Callable[[Session, dict[str, str]], tuple[str, bool, Sequence[str]]]
Read = Callable[[str, str], Any]


class _TakenBack(Exception):
    """Only looked at: nothing of it is kept."""


class Several(IllError):
    """More than one value of a line is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(p.sentence for p in problems))
        self.problems = problems


def import_entries(
    db: Database,
    sheet: Sheet,
    take: Take,
    columns: Sequence[Column],
    *,
    order: Callable[[list[Line]], Iterable[Line]] = iter,
    dry_run: bool = False,
    renamed: dict[str, str] | None = None,
    told: Callable[[int, int], object] = lambda done, of: None,
) -> list[Outcome]:
    """Take the lines in one transaction, the bad ones left out: the list is imported, or nothing of it.

    `told` hears how many of how many lines are looked at.
    """
    names, found, key = {column.name for column in columns}, list[Outcome](), columns[0].name
    lines = list(sheet.lines())
    counts = Counter(line.values.get(key) for line in lines if not line.broken)
    twins = {line.number for line in lines if not line.broken and counts[line.values.get(key)] > 1}
    try:
        with db.writing() as session:
            for line in order(lines):
                found.append(
                    _take(session, line, take, names, renamed) if line.number not in twins else _twin(line, key)
                )
                told(len(found), len(lines))
            if dry_run:
                raise _TakenBack
    except _TakenBack:
        pass
    return sorted(found, key=lambda outcome: outcome.line.number)


def _twin(line: Line, key: str) -> Outcome:
    said = line.values.get(key, "")
    sentence = f"{said} stands in several lines. Keep one of them." if said else f"A {key} is needed."
    return refused(line, [Problem(key, sentence)])


def _take(session: Session, line: Line, take: Take, names: set[str], renamed: dict[str, str] | None) -> Outcome:
    if line.broken:
        return refused(line, [Problem("", line.broken)])
    rung = len(session.info.get("promised", ()))
    try:
        with session.begin_nested():
            name, new, changed = take(session, line.values)
    except Several as several:
        return refused(line, several.problems)
    except (IllError, DataError, IntegrityError) as trouble:
        # What was promised in vain is not rung for.
        del session.info.get("promised", [])[rung:]
        return refused(line, [problem_of(trouble, names, renamed)])
    return Outcome(line, TAKEN if new else CHANGED if changed else THERE, name, ", ".join(changed))


def read_cells(values: dict[str, str], readers: dict[str, Read], empty: dict[str, Any]) -> dict[str, Any]:
    """The cells that say something, as values of their fields. Raises Several with all that is wrong.

    `empty` are the values of fields that are emptied, where that is no empty text.
    """
    found, problems = dict[str, Any](), list[Problem]()
    for name, read in readers.items():
        cell = values.get(name, "")
        if not cell:
            continue
        try:
            value = _emptied(name, read, empty) if cell == NOTHING else read(name, cell)
            typed.check({name: value})
            found[name] = value
        except BadInput as wrong:
            problems.append(Problem(name, wrong.message))
    if problems:
        raise Several(problems)
    return found


def _emptied(name: str, read: Read, empty: dict[str, Any]) -> Any:
    if name not in empty and read in (number, number_or_never):
        raise BadInput(f"{name} can't be empty.", field=name)
    return empty.get(name, "")


def text(name: str, cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def currency(name: str, cell: str) -> str:
    return cell.upper()


def yes_or_no(name: str, cell: str) -> bool:
    if cell.casefold() in ("yes", "true", "1"):
        return True
    if cell.casefold() in ("no", "false", "0"):
        return False
    raise BadInput(f"{name} is yes or no.", field=name)


def number(name: str, cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", cell):
        raise BadInput(f"{name} is a whole number.", field=name)
    return int(cell)


def number_or_never(name: str, cell: str) -> int | None:
    return None if cell.casefold() == NEVER else number(name, cell)


def day(name: str, cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise BadInput(f"{name} is a day, written like 2026-03-01.", field=name) from None


def shown(value: Any) -> str:
    """A value as its cell shows it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def changes(entry: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Of what was given, what is another than it was."""
    return {name: value for name, value in given.items() if getattr(entry, name) != value}
