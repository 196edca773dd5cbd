"""What a scenario is made of, and how one is read from a file."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from ill_workflow.errors import BadInput

SUPPLIER, REQUESTER = "supplier", "requester"
STATUSES = (
    "RequestReceived", "ExpectToSupply", "WillSupply", "Loaned", "Overdue", "Recalled", "RetryPossible", "Unfilled",
    "HoldReturn", "ReleaseHoldReturn", "CopyCompleted", "LoanCompleted", "CompletedWithoutReturn", "Cancelled",
)  # fmt: skip
#: What can be said, by role. `CancelResponse` alone is Y until the item has left, then N.
WORDS: Mapping[str, tuple[str, ...]] = {
    SUPPLIER: (
        *STATUSES, "RenewResponse Y", "RenewResponse N", "CancelResponse", "CancelResponse Y", "CancelResponse N",
        "StatusRequestResponse", "Notification",
    ),
    REQUESTER: (
        "Request", "Retry", "Reminder", "Received", "Renew", "ShippedReturn", "ShippedForward", "Cancel", "Lost",
        "HoldReturn", "StatusRequest", "Notification",
    ),
}  # fmt: skip
TROUBLES = ("slow", "hung", "half", "empty", "html", "error", "500", "503", "404", "301", "401")
ERRORS = (
    "UnsupportedActionType", "UnsupportedReasonForMessageType", "UnrecognisedDataElement", "UnrecognisedDataValue",
    "BadlyFormedMessage",
)  # fmt: skip
FLAVOURS = ("reshare", "suffix", "bare", "shuffled", "odd-times", "year-one")
#: In a file of scenarios, the table of what is answered where a scenario says nothing of its own.
USUAL = "usual_answers"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_COSTS = re.compile(r"\d{1,9}(\.\d{1,4})? [A-Z]{3}")


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that is said, or something that is waited for. Days are counted from the day on which it is said."""

    say: str = ""  #: what is said, one of the words of its role
    wait: tuple[str, ...] = ()  #: what the peer has to say before it goes on; any of these
    ends: tuple[str, ...] = ()  #: what the peer may say instead, and all is over
    after: float = 1.0  #: how many paces after what came before it is said
    reason: str = ""  #: a reasonForMessage other than usual
    status: str | None = None  #: a status other than usual
    note: str = ""  #: its note
    due: int | None = None  #: days until the item is due
    expected: int | None = None  #: days until it is delivered
    reply_by: int | None = None  #: days within which an answer is wanted
    not_before: int | None = None  #: days before which a retry is of no use
    unfilled: str = ""  #: its reasonUnfilled
    retry: str = ""  #: its reasonRetry
    cost: str = ""  #: what it costs, such as `12.50 EUR`
    condition: tuple[str, ...] = ()  #: its loanCondition, or several
    edition: tuple[str, ...] = ()  #: editions that would do
    item: tuple[str, ...] = ()  #: the barcode of the item, or several
    link: str = ""  #: where a copy is fetched
    by_post: bool = False  #: the copy comes on paper
    courier: str = ""  #: who brings it (2021)
    tracking: str = ""  #: by which number it is followed (2021)
    supplier: str = ""  #: the id of another library, which a broker speaks for
    twice: bool = False  #: the very same message is sent a second time
    held: bool = False  #: it leaves after the message that follows it
    may_be_refused: bool = False  #: an ERROR in answer to it is no fault


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What goes wrong when the peer calls."""

    answer: str = ""  #: what goes wrong; empty: nothing
    times: int = 0  #: how often, for one request; 0: each time
    on: tuple[str, ...] = ()  #: with which messages; empty: with all
    after: float = 10.0  #: slow: how many paces it takes
    error: str = ""  #: with which error the call is refused, where the answer is `error`
    value: str = ""  #: its errorValue


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One way in which things may go."""

    name: str
    about: str  #: a sentence for people
    role: str = SUPPLIER  #: `supplier` or `requester`
    steps: tuple[Step, ...] = ()  #: what is said and waited for, in order
    answers: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)  #: by what the peer says besides
    calls: Calls = field(default_factory=Calls)  #: what goes wrong when the peer calls
    flavours: tuple[str, ...] = ()  #: how its messages look
    writes: str = ""  #: the edition; empty: as the mock was told
    slower: float = 1.0  #: by how much each pace is longer
    doubled: bool = False  #: every message is sent twice
    retried_as: str = ""  #: which scenario a Retry of it plays; empty: the usual one
    service: str = "Loan"  #: what a requester asks for: `Loan`, `Copy` or `CopyOrLoan`


Scenarios = Mapping[str, Scenario]
T = TypeVar("T")


@cache
def known_scenarios() -> Scenarios:
    """Those that come with the program."""
    source = files(__package__).joinpath("scenarios.toml")
    return _scenarios(_toml(source.read_text(encoding="utf-8"), "scenarios.toml"), "scenarios.toml", "")


def read_scenarios(path: Path) -> Scenarios:
    """Scenarios of a file, TOML or JSON. Raises BadInput that names the line or the field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else "it is no text in UTF-8"
        raise BadInput(f"{path} can't be read: {why}.", field="script") from None
    given = _json(text, path.name) if path.suffix.lower() == ".json" else _toml(text, path.name)
    found = _scenarios(given, path.name, text)
    if not found:
        raise BadInput(f"{path.name}: there is no scenario in it.", field="script")
    return found


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise BadInput(f"{where}: {wrong}.", field="script") from None


def _json(text: str, where: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise BadInput(f"{where}: {wrong}.", field="script") from None
    if not isinstance(given, dict):
        raise BadInput(f"{where}: scenarios are an object, each under its name.", field="script")
    return given


def _scenarios(given: Mapping[str, Any], where: str, text: str) -> Scenarios:
    usual = _answers(given.get(USUAL, {}), f"{where}, {USUAL}") if USUAL in given else None
    found = {}
    for name, content in given.items():
        if name == USUAL:
            continue
        place = f"{where}, {_line_of(name, text)}scenario {name}"
        if not _NAME.fullmatch(name):
            raise BadInput(f"{place}: a name is made of small letters, digits and _.", field="script")
        if not isinstance(content, dict):
            raise BadInput(f"{place}: a scenario is a table.", field="script")
        found[name] = _scenario(name, content, place, usual)
    for name, scenario in found.items():
        if scenario.retried_as and scenario.retried_as not in {*found, *_known_names(where)}:
            raise BadInput(
                f"{where}, scenario {name}, retried_as: there is no scenario {scenario.retried_as!r}.", field="script"
            )
    return found


def _known_names(where: str) -> Scenarios:
    return {} if where == "scenarios.toml" else known_scenarios()


def _line_of(name: str, text: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf'\s*(\[{re.escape(name)}\]|\{{?\s*"{re.escape(name)}"\s*:)', line):
            return f"line {number}, "
    return ""


def _scenario(name: str, given: Mapping[str, Any], where: str, usual: dict[str, tuple[Step, ...]] | None) -> Scenario:
    plain = {k: v for k, v in given.items() if k not in ("steps", "answers", "calls")}
    role = plain.get("role", SUPPLIER)
    if role not in WORDS:
        raise BadInput(f"{where}, role: {role!r} is neither {SUPPLIER} nor {REQUESTER}.", field="script")
    steps = _steps(given.get("steps", []), f"{where}, steps", role)
    if "answers" in given:
        answers = _answers(given["answers"], f"{where}, answers", role)
    elif role == SUPPLIER:
        answers = usual if usual is not None else known_usual_answers()
    else:
        answers = {}
    calls = _bound(Calls, given.get("calls", {}), f"{where}, calls")
    _one_of(calls.answer, TROUBLES, f"{where}, calls, answer")
    _one_of(calls.error, ERRORS, f"{where}, calls, error")
    if (calls.answer == "error") != bool(calls.error):
        raise BadInput(f'{where}, calls: answer = "error" and an error go together.', field="script")
    scenario = _bound(
        Scenario, {"about": "", **plain, "name": name}, where, {"steps": steps, "answers": answers, "calls": calls}
    )
    for flavour in scenario.flavours:
        _one_of(flavour, FLAVOURS, f"{where}, flavours")
    _one_of(scenario.writes, ("2017", "2021"), f"{where}, writes")
    _one_of(scenario.service, ("Loan", "Copy", "CopyOrLoan"), f"{where}, service")
    return scenario


@cache
def known_usual_answers() -> dict[str, tuple[Step, ...]]:
    source = files(__package__).joinpath("scenarios.toml").read_text(encoding="utf-8")
    return _answers(_toml(source, "scenarios.toml")[USUAL], USUAL)


def _answers(given: Any, where: str, role: str = SUPPLIER) -> dict[str, tuple[Step, ...]]:
    if not isinstance(given, dict):
        raise BadInput(f"{where}: answers are a table, by what the peer says.", field="script")
    return {word: _steps(steps, f"{where}, {word}", role) for word, steps in given.items()}


def _steps(given: Any, where: str, role: str) -> tuple[Step, ...]:
    if not isinstance(given, list):
        raise BadInput(f"{where}: steps are a list.", field="script")
    return tuple(step_of(one, f"{where}, step {number}", role) for number, one in enumerate(given, 1))


def step_of(given: Any, where: str, role: str) -> Step:
    """One step. Raises BadInput that names the field."""
    step = _bound(Step, given, where)
    if bool(step.say) == bool(step.wait):
        raise BadInput(f"{where}: a step either says something or waits for something.", field="script")
    _one_of(step.say, WORDS[role], f"{where}, say")
    if step.cost and not _COSTS.fullmatch(step.cost):
        raise BadInput(f'{where}, cost: written like "12.50 EUR".', field="script")
    return step


def _one_of(value: str, known: tuple[str, ...], where: str) -> None:
    if value and value not in known:
        raise BadInput(f"{where}: {value!r} is none of {', '.join(known)}.", field="script")


def _bound(kind: type[T], given: Any, where: str, made: Mapping[str, Any] | None = None) -> T:
    """The dataclass of what was given, each value of the kind that its field wants."""
    if not isinstance(given, dict):
        raise BadInput(f"{where}: a table is needed.", field="script")
    made = made or {}
    known = [f.name for f in fields(cast("Any", kind)) if f.name not in made]
    hints = get_type_hints(kind)
    values = {}
    for name, value in given.items():
        if name not in known:
            shown = ", ".join(n for n in known if n != "name")
            raise BadInput(f"{where}: there is no field {name!r}. Known: {shown}.", field="script")
        values[name] = _fitting(hints[name], value, f"{where}, {name}")
    return kind(**values, **made)


def _fitting(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is tuple:
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list) and all(isinstance(one, str) for one in given):
            return tuple(given)
        raise BadInput(f"{where}: a text, or a list of texts.", field="script")
    kinds = get_args(hint) or (hint,)
    if float in kinds and isinstance(value, int | float) and not isinstance(value, bool):
        if 0 <= value <= 1_000_000:
            return float(value)
        raise BadInput(f"{where}: a number from 0 to 1000000.", field="script")
    if int in kinds and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) <= 36_500:
            return value
        raise BadInput(f"{where}: a whole number of at most 36500.", field="script")
    if (bool in kinds and isinstance(value, bool)) or (str in kinds and isinstance(value, str)):
        return value
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    raise BadInput(f"{where}: {next(names[k] for k in kinds if k in names)} is needed.", field="script")
