"""What became of each line of a list that was imported."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.exc import DataError, IntegrityError

from ill_workflow.errors import IllError
from ill_workflow.lists.sheet import Line

TAKEN, THERE, CHANGED, REFUSED = "taken", "already there", "changed", "refused"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a line, by the column where it is one."""

    column: str
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """What became of a line: taken, changed, already there, or refused with all that is wrong."""

    line: Line
    what: str
    name: str = ""  #: the reference, or the code
    note: str = ""  #: the state of a request; the fields that changed
    problems: tuple[Problem, ...] = ()

    @property
    def reason(self) -> str:
        return " ".join(f"{p.column}: {p.sentence}" if p.column else p.sentence for p in self.problems)


@dataclass
class Tally:
    """How many lines became what, and which were refused."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Outcome] = field(default_factory=list)
    first: str = ""
    last: str = ""

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.what] += 1
        if outcome.what == REFUSED:
            self.refused.append(outcome)
        if outcome.what == TAKEN and outcome.name:
            self.first, self.last = self.first or outcome.name, outcome.name

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        parts = [f"{self.counts[what]} {what}" for what in (TAKEN, CHANGED, THERE, REFUSED) if self.counts[what]]
        return (", ".join(parts) or "No line below the header") + "."


def refused(line: Line, problems: Iterable[Problem]) -> Outcome:
    return Outcome(line, REFUSED, problems=tuple(problems))


def problem_of(trouble: Exception, columns: Iterable[str], renamed: dict[str, str] | None = None) -> Problem:
    """What is wrong, by the column that has to be mended."""
    if isinstance(trouble, DataError):
        return Problem("", "The database has no room for one of its values.")
    if isinstance(trouble, IntegrityError):
        return Problem("", "Somebody else has changed the same at this moment. Import the line again.")
    assert isinstance(trouble, IllError)
    field_ = (renamed or {}).get(trouble.field or "", trouble.field or "")
    return Problem(field_ if field_ in columns else "", trouble.message)
