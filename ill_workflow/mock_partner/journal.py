"""What the mock has heard and said, in order."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TextIO

#: What is kept for whoever asks; the file has all of it.
LONGEST = 10_000


@dataclass
class Entry:
    """One call, and the answer to it."""

    number: int
    at: datetime
    heard: bool  #: the peer called us; else we called the peer
    word: str  #: what was said, in a word
    request: str = ""  #: its requestingAgencyRequestId
    sender: str = ""
    receiver: str = ""
    scenario: str = ""
    conversation: int | None = None
    edition: str = ""
    message: str = ""  #: as it stood on the wire, secrets masked
    answer: str = ""
    status: int | None = None  #: the HTTP status; none: there was no answer
    outcome: str = ""  #: OK, ERROR and why, or what went wrong
    ok: bool = True
    forgiven: list[str] = field(default_factory=list)  #: what was wrong with it, and was understood
    wrong: list[str] = field(default_factory=list)  #: what strict mode found

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat(), "way": "heard" if self.heard else "said"}


class Journal:
    """Remembers entries, writes each to a file as a line of JSON, and tells whoever listens."""

    def __init__(self, file: TextIO | None = None, listener: Callable[[Entry], None] = lambda entry: None) -> None:
        self.entries: list[Entry] = []
        self.heard = self.said = self.failed = 0
        self.wrong: list[str] = []  #: each with what it is about
        self._count = 0
        self._file, self._listener = file, listener

    def begin(self, at: datetime, *, heard: bool, word: str = "", **more: Any) -> Entry:
        self._count += 1
        return Entry(self._count, at, heard, word, **more)

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)
        del self.entries[:-LONGEST]
        self.heard += entry.heard
        self.said += not entry.heard
        self.failed += not entry.ok
        self.wrong += [f"{entry.number} {entry.word} {entry.request}: {words}" for words in entry.wrong]
        if self._file is not None:
            self._file.write(json.dumps(entry.as_dict(), ensure_ascii=False) + "\n")
            self._file.flush()
        self._listener(entry)

    def complain(self, about: str, words: str) -> None:
        """Something is wrong that is no part of one call."""
        self.wrong.append(f"{about}: {words}")
