"""What commands print: tables for people, JSON for programs, and one way of failing."""

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ill_workflow.errors import BadInput, IllError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
As = Annotated[str | None, typer.Option("--as", envvar="ILL_AS", help="The account that acts.")]
At = Annotated[str | None, typer.Option("--library", envvar="ILL_LIBRARY", help="The library's code.")]


#: How wide a table is that nobody watches: a pipe has no width.
WIDE = 200


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str = "None.") -> None:
    """Print rows, which all have the same keys."""
    if as_json:
        named = [{name.replace(" ", "_").replace("-", "_"): value for name, value in row.items()} for row in rows]
        print(json.dumps(named, default=_plain, ensure_ascii=False, indent=2))
    elif not rows:
        print(empty)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in rows[0]:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(_words(value) for value in row.values()))
        Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def say(sentence: str, data: dict[str, Any], *, as_json: bool) -> None:
    print(json.dumps(data, default=_plain, ensure_ascii=False, indent=2) if as_json else sentence)


def fail(refusal: IllError) -> None:
    if "--json" in sys.argv:
        print(json.dumps(refusal.as_dict(), ensure_ascii=False), file=sys.stderr)
        return
    field = f" [{refusal.field}]" if refusal.field else ""
    print(f"{refusal.message}{field}", file=sys.stderr)


def pairs(given: Sequence[str]) -> dict[str, str]:
    """`name=value` arguments. Raises BadInput for one without a `=`."""
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"{pair!r} is not of the form name=value.", field=pair[:64])
        if name in found:
            raise BadInput(f"{name} is named twice.", field=name[:64])
        found[name] = value
    return found


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _words(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_words(v) for v in value)
    return escape(str(value))
