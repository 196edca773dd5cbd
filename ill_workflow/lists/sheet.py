"""A CSV file as libraries have it: from Excel or by hand; its header says what separates the values."""

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from ill_workflow.errors import BadInput

LARGEST_FILE = 32 * 1024 * 1024
#: A file in which more lines than that can't be taken apart is none that anybody would mend.
MOST_BROKEN = 500
#: Of a line that was refused: why. An import reads over it, so that mended lines can be imported as they are.
REASON = "reason"

#: What a spreadsheet would calculate. A quotation mark before it keeps it a text, and is taken off on the way in.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True)
class Column:
    """A column of a list: what it is for, and what could stand in it."""

    name: str
    about: str
    example: str = ""
    required: bool = False
    told: bool = False  #: an export tells it, and an import reads over it
    label: str = ""  #: what a form calls it; else its name in words
    group: str = ""  #: the heading under which a form asks for it
    control: str = ""  #: how a form asks for it, where the value itself doesn't say so: lines, email, week, choice
    choices: tuple[str, ...] = ()  #: of a `choice`
    help: str = ""  #: what a form says of it, where that is another than a file has to know

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name.rpartition(".")[2].replace("_", " ").capitalize()


@dataclass(frozen=True)
class Line:
    """One line of the file, by the number that an editor shows for it."""

    number: int
    values: dict[str, str]
    raw: tuple[str, ...]
    broken: str = ""  #: why it could not be taken apart


@dataclass(frozen=True)
class Sheet:
    """A file whose header was understood."""

    header: tuple[str, ...]
    delimiter: str
    _names: tuple[str, ...]  #: our name of each column; empty for one that has neither name nor values
    _physical: list[str] = field(repr=False)
    _first: int

    @property
    def last(self) -> int:
        """The number of the last line."""
        return len(self._physical)

    def lines(self) -> Iterator[Line]:
        """All lines below the header that hold anything."""
        for number, cells, broken in _take_apart(self._physical, self._first, self.delimiter):
            if broken or any(cell.strip() for cell in cells):
                yield self._line(number, cells, broken)

    def _line(self, number: int, cells: list[str], broken: str) -> Line:
        if not broken and len(cells) > len(self._names) and any(cell.strip() for cell in cells[len(self._names) :]):
            broken = f"It has {len(cells)} values, and the header {len(self._names)} columns."
        if not broken and len(cells) < len(self._names):
            broken = (
                f"It has {len(cells)} values, and the header {len(self._names)} columns. A text with a line break or"
                " a separator in it stands in quotation marks."
            )
        pairs = zip(self._names, cells, strict=False)
        values = {} if broken else {name: _unquoted(cell.strip()) for name, cell in pairs if name}
        return Line(number, values, tuple(cells), broken)


def read(data: bytes, columns: Sequence[Column]) -> Sheet:
    """The sheet in a file. Raises BadInput saying what is wrong with the file or its header."""
    text = _decoded(data)
    physical = _lines_of(text)
    first = 0
    separator = None
    if physical and (said := re.fullmatch(r"sep=(.)\s*", physical[0])):
        separator, first = said[1], 1  # Excel's own word for its separator
    while first < len(physical) and not physical[first].strip(" \t,;\r\n"):
        first += 1
    if first >= len(physical):
        raise BadInput("The file is empty. `--template` shows how it begins.", field="file")
    header, delimiter, after = _header(physical, first, columns, separator)
    names = tuple(_name(cell) for cell in header)
    _check_names(names, columns)
    return Sheet(tuple(header), delimiter, names, physical, after)


def write(
    out: IO[str], columns: Sequence[str], rows: Iterable[dict[str, str]], *, delimiter: str = ",", end: str = "\r\n"
) -> int:
    """Write rows below a header; how many there were. What a spreadsheet would calculate stays a text."""
    writer, count = csv.writer(out, delimiter=delimiter, lineterminator=end), 0
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_quoted(row.get(name, "")) for name in columns])
        count += 1
    return count


def parts(columns: Sequence[str], rows: Iterable[dict[str, str]], every: int = 500) -> Iterator[str]:
    """The same in parts, for whoever sends it on while it is read; first the mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_quoted(row.get(name, "")) for name in columns])
        if number % every == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def write_rejects(out: IO[str], sheet: Sheet, lines: Iterable[tuple[Line, str]]) -> None:
    """Write lines as they were, each with the reason before it. What a spreadsheet would calculate stays a text."""
    writer = csv.writer(out, delimiter=sheet.delimiter, lineterminator="\r\n")
    kept = [place for place, cell in enumerate(sheet.header) if _name(cell) != REASON]
    writer.writerow([REASON, *(sheet.header[place] for place in kept)])
    for line, reason in lines:
        rest = line.raw[len(sheet.header) :]
        cells = line.raw if line.broken else [line.raw[place] for place in kept if place < len(line.raw)]
        writer.writerow([_quoted(reason), *map(_quoted_once, cells), *map(_quoted_once, () if line.broken else rest)])


def _decoded(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        most = LARGEST_FILE // (1024 * 1024)
        raise BadInput(
            f"The file is too large: {most} MB are the most. Split it, each part with the header.", field="file"
        )
    if data.startswith(b"PK\x03\x04"):
        raise BadInput("This is a workbook, no CSV file. Save it as “CSV UTF-8” first.", field="file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise BadInput("The file begins as UTF-16 and isn't. Save it as “CSV UTF-8”.", field="file") from None
    if (place := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, place) + 1
        raise BadInput(f"This is no text: line {line} holds a NUL byte. Save it as “CSV UTF-8”.", field="file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        begins = max(data.rfind(b"\n", 0, wrong.start) + 1, wrong.start - 12)
        word = _shown(data[begins : wrong.start + 12].decode("latin-1").split("\n")[0])
        raise BadInput(
            f"Line {line} is not UTF-8, at “{word}”: it may be Latin-1 or Windows-1252. Save the file as “CSV UTF-8”.",
            field="file",
        ) from None


def _lines_of(text: str) -> list[str]:
    """Lines as an editor counts them: not at the other characters that Unicode calls line ends."""
    return list(io.StringIO(text, newline="")) if text else []


def _header(
    physical: list[str], first: int, columns: Sequence[Column], separator: str | None
) -> tuple[list[str], str, int]:
    """The cells of the header, the delimiter that finds most known names in it, and where the lines begin."""
    known = {column.name for column in columns} | {REASON}
    best: tuple[int, int, str, list[str], int] | None = None
    for rank, delimiter in enumerate([separator] if separator else [",", ";", "\t"]):
        reader = csv.reader(iter(physical[first:]), delimiter=delimiter, strict=True)
        try:
            cells = next(reader)
        except csv.Error:
            continue
        found = (sum(_name(cell) in known for cell in cells), -rank, delimiter, cells, first + reader.line_num)
        if best is None or found[:2] > best[:2]:
            best = found
    if best is None:
        raise BadInput("The first line can't be read as a header: a quotation mark is not closed.", field="file")
    return best[3], best[2], best[4]


def _name(cell: str) -> str:
    return re.sub(r"[\s\-]+", "_", cell.strip()).casefold()


def _check_names(names: Sequence[str], columns: Sequence[Column]) -> None:
    known = [column.name for column in columns]
    for place, name in enumerate(names, start=1):
        if name and name != REASON and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f" Is it {near[0]}?" if near else ""
            raise BadInput(
                f"There is no column “{_shown(name)}” (number {place}).{meant} Known: {', '.join(known)}.", field="file"
            )
        if name and name in names[: place - 1]:
            raise BadInput(f"The column {name} stands there twice.", field="file")
    for column in columns:
        if column.required and column.name not in names:
            raise BadInput(f"The column {column.name} is missing: {column.about}", field="file")


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else " " for c in name[:60]).strip()


def _take_apart(physical: list[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Number, cells and what is wrong, of each record. After a broken one the line behind it is read anew."""
    at, broken = start, 0
    while at < len(physical):
        reader = csv.reader(iter(_Lines(physical, at)), delimiter=delimiter, strict=True)
        began = at
        try:
            for cells in reader:
                yield began + 1, cells, ""
                began = at + reader.line_num
            return
        except csv.Error:
            broken += 1
            text = physical[began].rstrip("\r\n")
            if broken > MOST_BROKEN:
                yield (
                    began + 1,
                    [text],
                    f"More than {MOST_BROKEN} lines can't be taken apart; the rest was not looked at.",
                )
                return
            yield (
                began + 1,
                [text],
                "Its quotation marks don't fit: one is opened and not closed, or text stands beside it.",
            )
            at = began + 1


class _Lines:
    """The lines from a place on, without a copy of them."""

    def __init__(self, physical: list[str], at: int) -> None:
        self._physical, self._at = physical, at

    def __iter__(self) -> Iterator[str]:
        for place in range(self._at, len(self._physical)):
            yield self._physical[place]


def _quoted(value: str) -> str:
    return f"'{value}" if _FORMULA.match(value) else value


def _quoted_once(cell: str) -> str:
    """A cell that came in, with or without the quotation mark: read again, it is the same value."""
    value = cell.strip()
    return value if _QUOTED_FORMULA.match(value) else _quoted(value)


def _unquoted(value: str) -> str:
    return value[1:] if _QUOTED_FORMULA.match(value) else value
