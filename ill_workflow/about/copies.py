"""The copies that came or went with a request: files that are kept for a while, and links that are passed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from ill_workflow import copies
from ill_workflow.about.history import Happened


@dataclass(frozen=True)
class CopyShown:
    """A copy: a file of ours, or a link of whoever delivered it, which nobody here has opened."""

    at: datetime
    label: str  #: the step with which it came or went
    file: str = ""
    until: datetime | None = None  #: how long the file is kept; none: it is gone
    link: str = ""

    @property
    def can_be_followed(self) -> bool:
        """Whether the link leads to the web. Anything else is shown, and is no link."""
        return is_of_the_web(self.link)


def copies_of(past: Sequence[Happened], folder: Path, days: int) -> list[CopyShown]:
    """The oldest first."""
    found = []
    for line in past:
        file, link = str(line.inputs.get("file") or ""), str(line.inputs.get("link") or "")
        if (file or link) and not line.undone:
            until = copies.kept_until(folder, file, days) if file else None
            found.append(CopyShown(at=line.at, label=line.label, file=file, until=until, link=link))
    return found


def is_of_the_web(link: str) -> bool:
    """Whether it is an http or https address of some host."""
    try:
        parts = urlsplit(link.strip())
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and link.isprintable()
    except ValueError:
        return False
