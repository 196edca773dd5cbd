"""Marks in notes: what systems tell each other where the standard has no word for it, apart from what people write.

Ours are few; ReShare's are understood from whoever sends them, and written where a partner's settings say so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

#: Our marks in the note of a Notification: both of our halves understand them.
OURS = {
    "ConditionAccepted": "#ill:conditionAccepted#",
    "Lost": "#ill:lost#",
    "Damaged": "#ill:damaged#",
    "Found": "#ill:found#",
    "Closed": "#ill:closed#",
}
_LABELS = {"items": "Items", "conditions": "Loan conditions"}
ADDS_CONDITION = "#ReShareAddLoanCondition#"
ACCEPTS_CONDITION = "#ReShareLoanConditionAgreeResponse#"

#: The word by which the tables hear a mark.
WORDS = {
    "#ill:conditionaccepted#": "conditionAccepted",
    ACCEPTS_CONDITION.lower(): "conditionAccepted",
    "#ill:lost#": "lost",
    "#ill:damaged#": "damaged",
    "#ill:found#": "found",
    "#ill:closed#": "closed",
    ADDS_CONDITION.lower(): "conditionAdded",
    "#resharesupplierconditionsassumedagreed#": "conditionsAgreed",
    "#resharesupplierawaitingconditionconfirmation#": "conditionAwaited",
}

#: Letters of a note that are looked at: ten times what a note of ours has room for.
LOOKED_AT = 20_000
_RETURN_TO = re.compile(r"#RETURN_TO#(.*?)#RT_END#", re.DOTALL | re.IGNORECASE)
_PIECES = re.compile(r"#MultipleItems#(.*?)#MultipleItemsEnd#", re.DOTALL | re.IGNORECASE)
_CHANGED = re.compile(r"#ReShareUpdatedField-([^#\s]*)#", re.IGNORECASE)
_LISTED = re.compile(r"(?:Items: |Loan conditions: )?#ill:(items|conditions)#(.*?)#ill:\1End#", re.DOTALL)
_SUPPLIER = re.compile(r"^[^\S\n]*Supplier:\s*(\S[^\n]*?)\s*$", re.IGNORECASE | re.MULTILINE)
#: A mark begins with a word that a system coined; what people write between two number signs stays.
_MARK = re.compile(
    r"#(?:ill:\w+|ReShare[\w-]*|(?:last)?seq:-?\d*|RETURN_TO|RT_END|MultipleItems(?:End)?)#", re.IGNORECASE
)


@dataclass(frozen=True)
class Piece:
    """One of several items that travel together."""

    barcode: str
    call_number: str = ""
    title: str = ""


@dataclass(frozen=True)
class Note:
    """A note as it was meant: what it says to people, and what its marks say."""

    text: str
    words: tuple[str, ...] = ()  #: of WORDS, in the order in which they stand there
    return_to: str = ""  #: the address to which the item goes back
    pieces: tuple[Piece, ...] = ()
    conditions: tuple[str, ...] = ()  #: of a loan, where the message had room for the first alone
    changed: tuple[str, ...] = ()  #: fields of the request that the partner has changed
    supplier: str = ""  #: who supplies, as a broker says


def read_note(note: str) -> Note:
    """Tell a note's marks from its text. An unfinished mark is text."""
    note = note[:LOOKED_AT]
    ours = {name: tuple(_lines(values)) for name, values in _LISTED.findall(note)}
    note = _LISTED.sub(" ", note)
    address = _RETURN_TO.search(note)
    listed = _PIECES.search(note)
    pieces = tuple(filter(None, map(_piece, _lines(listed[1])))) if listed else ()
    supplier = _SUPPLIER.search(note)
    changed = tuple(dict.fromkeys(name for name in _CHANGED.findall(note) if name))
    said = (WORDS.get(mark.lower()) for mark in _MARK.findall(note))
    return Note(
        text=strip_marks(note),
        words=tuple(dict.fromkeys(word for word in said if word)),
        return_to="\n".join(_lines(address[1])) if address else "",
        pieces=pieces or tuple(map(Piece, ours.get("items", ()))),
        conditions=ours.get("conditions", ()),
        changed=changed,
        supplier=supplier[1] if supplier else "",
    )


def strip_marks(note: str) -> str:
    """What a note says to people, its lines kept."""
    without = _PIECES.sub(" ", _RETURN_TO.sub(" ", _LISTED.sub(" ", note[:LOOKED_AT])))
    named = _CHANGED.sub(lambda mark: f"{mark[1]}: " if mark[1] else " ", without)
    lines = (" ".join(line.split()) for line in _MARK.sub(" ", named).splitlines())
    return "\n".join(line for line in lines if line)


def as_list(name: Literal["items", "conditions"], values: Iterable[str]) -> str:
    """What a message has no room for, one below the other, so that another installation reads each as it was."""
    lines = (" ".join(value.replace("#ill:", "#ill ").split()) for value in values)
    return "\n".join([f"{_LABELS[name]}: #ill:{name}#", *lines, f"#ill:{name}End#"])


def return_to(lines: Iterable[str]) -> str:
    """The address to which an item goes back, as ReShare reads it; empty where there is none."""
    address = "\n".join(_harmless(line) for line in lines if line.strip())
    return f"#RETURN_TO#\n{address}\n#RT_END#" if address else ""


def multiple_items(pieces: Iterable[Piece]) -> str:
    """Several items that travel as one request, as ReShare reads them; empty where it is only one."""
    lines = [f"{_cell(piece.barcode)}|{_cell(piece.call_number)}|{_cell(piece.title)}" for piece in pieces]
    return "\n".join(["#MultipleItems#", *lines, "#MultipleItemsEnd#"]) if len(lines) > 1 else ""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _piece(line: str) -> Piece | None:
    barcode, call_number, title = (part.strip() for part in (*line.split("|", 2), "", "")[:3])
    return Piece(barcode, call_number, title) if barcode else None


def _harmless(line: str) -> str:
    """What people write can't end a mark."""
    return line.replace("#", " ").strip()


def _cell(text: str) -> str:
    return " ".join(_harmless(text).replace("|", " ").split())
