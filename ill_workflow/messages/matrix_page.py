"""Tells people what every message does: `docs/messages.md`, made from the matrix."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ill_workflow.messages.matrix import RECORDED, Cell, Line, matrix
from state_machines.borrowing import BORROWING
from state_machines.declaration import Lifecycle
from state_machines.lending import LENDING

_BEGINNING = """# What every message does

Made from the tables by `python docs/generate.py`; a test sends each of these messages to a request in each of these
states.

Every message of ISO 18626 has an answer in every state. It pulls the first row of the table that hears it and may be
pulled now; what no row hears is **recorded**: it stands in the history of the request and in its conversation, is
confirmed with OK, and moves nothing. **Staff are told** means that the request stands on Today, with the reason, until
somebody has looked. What is refused is confirmed with ERROR and one of the five types of the standard.

How to read it

- Each message stands with the states in which it does the same. *Stays* means that the state is the same afterwards.
- *We say* is what goes out after the confirmation, as a message of its own.
- Nothing is known of the request but its state: it is a loan (delivered: a copy) of one piece, with no other partner
  in its rota, no policy that answers renewals or cancels by itself, and a due date that has not passed (but in
  Overdue). Loaned names another due date. What guards make of other circumstances is in the tables of the README.
- A borrowing request that is Created has been sent to nobody: there is nothing that a lender could say to it.
- RequestResponse and StatusChange are heard alike: systems mix them up. The status of a Notification is never
  believed; only a mark in its note moves anything.
- A StatusRequestResponse makes up for what was lost, and repeats nothing that is known.
- A message that was written before one that was heard already is recorded and moves nothing, whatever the tables say.
- A message from a lender that was asked before, and is no longer the current one, is recorded with its name, and staff
  are told. If it says that it has sent something, it is the current one again, and the one asked in the meantime gets
  a Cancel; or, if another item is coming, here, or has been here, its parcel gets a request of its own.
- The same message once more gets the same confirmation, and does nothing; a note or a question that was written more
  than three days after the first one is another one, and so is an answer if we have asked once more.

"""
_REFUSED = """## What is refused in any state

- A message about an id under which this agency has not asked, or that is empty: UnrecognisedDataValue,
  `requestingAgencyRequestId`.
- A request that says nothing of what is wanted: UnrecognisedDataValue, `bibliographicInfo`; one for a service that is
  not there: `serviceType`.
- An ERROR confirmation to any other message of ours stands on the request under *needs attention*, to be mended and
  sent again.
"""
#: So many states that do the same, and are the most, are named as all others.
_MANY = 8
_HEADINGS = {
    "borrowing": ("What lenders say to the borrowing half", BORROWING),
    "lending": ("What borrowers say to the lending half", LENDING),
}


def as_markdown() -> str:
    """The whole page."""
    lines, written = matrix(), [_BEGINNING]
    for side, (heading, lifecycle) in _HEADINGS.items():
        written.append(f"## {heading}\n\n")
        mine = [line for line in lines if line.side == side]
        told = _alike(mine)
        families = Counter(alike[0].family for alike in told)
        for alike in told:
            title = _title(alike, families[alike[0].family] > 1)
            written.append(f"### {title}\n\n" + "".join(_table(lifecycle, alike[0])) + "\n")
    written.append(_REFUSED)
    return "".join(written).rstrip() + "\n"


def _alike(lines: Sequence[Line]) -> list[list[Line]]:
    """Messages of a family that do the same everywhere are told of together."""
    found: dict[tuple[str, tuple[tuple[str, Cell], ...]], list[Line]] = {}
    for line in lines:
        found.setdefault((line.family, tuple(line.cells.items())), []).append(line)
    return list(found.values())


def _title(alike: Sequence[Line], several: bool) -> str:
    """The family; where not all of it does the same, which of it."""
    first = alike[0]
    names = [line.name for line in alike]
    reasons = [name.removesuffix(f" {first.family}") for name in names]
    if all(name != reason for name, reason in zip(names, reasons, strict=True)):
        return f"{first.family} ({', '.join(reasons)})"
    return "; ".join(names) if several else first.family


def _table(lifecycle: Lifecycle, line: Line) -> Iterator[str]:
    yield "| when it is | it does | and then it is | we say | |\n|---|---|---|---|---|\n"
    told: dict[tuple[str, str, tuple[str, ...], bool, str], list[str]] = {}
    cells = {state: cell for state, cell in line.cells.items() if state != "created"}
    for state, cell in cells.items():
        becomes = "stays" if cell.becomes == state else cell.becomes
        told.setdefault((cell.row, becomes, cell.answers, cell.seen, cell.error), []).append(state)
    most = max(map(len, told.values()))
    for (row, becomes, answers, seen, error), states in sorted(told.items(), key=lambda one: len(one[1]) == most):
        others = "*any state*" if len(states) == len(cells) else "*any other state*"
        rest = len(states) == most >= _MANY
        named = others if rest else ", ".join(map(lifecycle.label, states))
        does = f"refused: {error}" if error else _row(lifecycle, row)
        after = {"stays": "*stays*", "": ""}.get(becomes) or lifecycle.label(becomes) if becomes else ""
        yield f"| {named} | {does} | {after} | {', '.join(answers)} | {'staff are told' if seen else ''} |\n"


def _row(lifecycle: Lifecycle, row: str) -> str:
    if row == RECORDED:
        return "recorded"
    return "a new request" if row == "create" else _first(a.label for a in lifecycle.rows(row))


def _first(labels: Iterable[str]) -> str:
    return next(iter(labels))
