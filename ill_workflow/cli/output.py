"""What commands print: tables for people, JSON for programs, and one way of failing."""

import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ill_workflow.cli.completing import accounts, library_codes
from ill_workflow.errors import BadInput, IllError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
As = Annotated[
    str | None,
    typer.Option(
        "--as", envvar="ILL_AS", metavar="NAME", help="The account that acts: yours.", autocompletion=accounts
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        "--library", envvar="ILL_LIBRARY", metavar="CODE", help="The library's code, such as MAIN.",
        autocompletion=library_codes,
    ),
]  # fmt: skip


#: How wide a table is that nobody watches: a pipe has no width.
WIDE = 200
#: How narrow a column may get before each row is printed as a block of lines: one of texts, one of words; the first
#: column, by which a row is known, keeps its width up to the last of these.
NARROW_TEXT, NARROW_WORDS, LONGEST_WORD, FIRST = 16, 8, 18, 20
#: What is wider than that is a text.
TEXT = 24
_GAP = 2
#: What makes a terminal act instead of print: control characters, and those that turn the order of what follows.
_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
_ACTS_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str = "None.") -> None:
    """Print rows, which all have the same keys: as a table where it fits the terminal, else each as a block."""
    if as_json:
        named = [{name.replace(" ", "_").replace("-", "_"): value for name, value in row.items()} for row in rows]
        print(as_text(named))
        return
    if not rows:
        print(empty)
        return
    watched = sys.stdout.isatty()
    console = Console(width=None if watched else WIDE, highlight=False)
    cells = [[_words(value) for value in row.values()] for row in rows]
    names = list(rows[0])
    if watched and console.width < WIDE:
        # A column that says nothing has no room to take.
        names, cells = _without_empty_columns(names, cells)
    needed = [_least(name, [row[place] for row in cells], first=place == 0) for place, name in enumerate(names)]
    gaps = _GAP * (len(names) - 1)
    if watched and sum(needed) + gaps > console.width:
        _print_blocks(names, cells)
        return
    natural = [max(map(_width, column)) for column in zip(names, *cells, strict=True)]
    widths = _narrowed(natural, needed, console.width - gaps)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name, width in zip(names, widths, strict=True):
        table.add_column(name, overflow="fold", width=width)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table, width=sum(widths) + gaps, crop=False)


def line(words: str = "") -> None:
    """Print a line to people; what would make the terminal act is shown instead."""
    print(printable(words))


def say(sentence: str, data: dict[str, Any], *, as_json: bool) -> None:
    print(as_text(data) if as_json else printable(sentence))


def as_text(data: Any, *, indent: int | None = 2) -> str:
    """JSON in which nothing makes a terminal act."""
    text = json.dumps(data, default=_plain, ensure_ascii=False, indent=indent)
    return _ACTS_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def fail(refusal: IllError) -> None:
    if "--json" in sys.argv:
        print(as_text(refusal.as_dict(), indent=None), file=sys.stderr)
        return
    field = f" [{refusal.field}]" if refusal.field else ""
    print(printable(f"{refusal.message}{field}"), file=sys.stderr)


def printable(words: str) -> str:
    """The same words, with a picture for each character that a terminal would obey."""
    return _ACTS.sub(lambda found: _picture(found[0]), words.replace("\r\n", "\n").replace("\t", " "))


def examples(*commands: str) -> str:
    """The end of a command's help. It begins with an empty line, so that what is set in stays so."""
    return "\n".join(["", "Examples:" if len(commands) > 1 else "Example:", *(f"  {words}" for words in commands)])


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


def _width(cell: str) -> int:
    return max(cell_len(part) for part in cell.split("\n"))


def _least(name: str, cells: Sequence[str], *, first: bool) -> int:
    """How narrow a column can be and still be read."""
    width = max(map(_width, cells))
    if first:
        return max(cell_len(name), min(width, FIRST))
    longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    least = NARROW_TEXT if width > TEXT else max(NARROW_WORDS, min(longest, LONGEST_WORD))
    return max(cell_len(name), min(width, least))


def _narrowed(natural: Sequence[int], needed: Sequence[int], room: int) -> list[int]:
    """The widths of columns that fit into the room: the widest give way first, none to less than it needs."""
    widths = list(natural)
    while sum(widths) > room and widths != list(needed):
        widest = max((w, place) for place, w in enumerate(widths) if w > needed[place])[1]
        widths[widest] -= 1
    return widths


def _without_empty_columns(names: list[str], cells: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    kept = [place for place in range(len(names)) if any(row[place] for row in cells)]
    return [names[place] for place in kept], [[row[place] for place in kept] for row in cells]


def _print_blocks(names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Each row by itself, a line for each of its values that says anything."""
    for place, row in enumerate(cells):
        if place:
            print()
        said = [f"{name}: {cell}" for name, cell in zip(names[1:], row[1:], strict=True) if cell]
        print("\n  ".join([row[0] or f"{names[0]}: none", *(words.replace("\n", "\n    ") for words in said)]))


def _picture(sign: str) -> str:
    if sign == "\x7f":
        return "␡"
    return chr(0x2400 + ord(sign)) if sign < " " else f"<{ord(sign):04X}>"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"  # as the clock on the wall of whoever reads it
    if isinstance(value, list | tuple):
        return ", ".join(_words(v) for v in value)
    return printable(unicodedata.normalize("NFC", str(value)))
