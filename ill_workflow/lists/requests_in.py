"""Requests from a CSV file: each good line is a request, each bad line is named with all that is wrong with it."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, Conflict, IllError, Simultaneous
from ill_workflow.libraries import Library
from ill_workflow.lists.outcome import TAKEN, THERE, Outcome, Problem, problem_of, refused
from ill_workflow.lists.sheet import Column, Line, Sheet
from ill_workflow.partners import find_partner
from ill_workflow.patrons import remember_patron
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import SYSTEM, By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import as_text, read_fields
from ill_workflow.requests.models import BORROWING, LENDING, Request
from state_machines.changes import EDITABLE

#: Of the patron, besides the barcode.
PATRON_COLUMNS = (
    Column("patron_name", "The patron's name.", "Ann Reader"),
    Column("patron_email", "Where the patron is written to.", "ann@readers.example"),
    Column("pickup_location", "Where the patron picks things up."),
)
COLUMNS = (
    Column("title", "The title of the book or journal. It is needed.", "Pride and Prejudice", required=True),
    Column("author", "The author.", "Austen, Jane"),
    Column("isbn", "The ISBN, with or without hyphens.", "9780141439518"),
    Column("issn", "The ISSN of a journal."),
    Column("publisher", "The publisher."),
    Column("year", "The year of publication.", "2003"),
    Column("volume", "The volume."),
    Column("pages", "The pages of an article."),
    Column("article_title", "The title of an article."),
    Column("service", "loan or copy; empty: loan.", "loan"),
    Column("need_by", "The day by which it is needed, written like 2026-03-01."),
    Column("side", "borrowing (our patron asks) or lending (a partner asks); empty: borrowing.", "borrowing"),
    Column("partners", "Borrowing: whom to ask, in order, as RIV;HILL. Lending: who asks.", "RIV;HILL"),
    Column("partner_id", "Lending: the partner's own id of the request."),
    Column("patron", "Borrowing: the patron's barcode.", "21234000012345"),
    *PATRON_COLUMNS,
    Column("partner_note", "A note to the partner."),
    Column("patron_note", "What the patron said."),
    Column("internal_note", "A note for staff."),
    Column("call_number", "Where it stands."),
    Column("location", "Where it stands."),
    Column("item_barcode", "The barcode of the item."),
    Column("key", "A name of your own for the line: the same key is taken once. Empty: the line itself is the key."),
    Column("reference", "Told by an export. Where this request is here already, it is not taken again.", told=True),
    Column("state", "Told by an export; an import reads over it.", told=True),
    Column("created", "Told by an export; an import reads over it.", told=True),
    Column("due", "Told by an export; an import reads over it.", told=True),
)
_NAMES = {column.name for column in COLUMNS}
_READ_OVER = ("key", "state", "created", "due")
#: What another part calls a value, and which column it stands in.
_COLUMN_OF = {
    "partner": "partners", "asked_by": "partners", "trigger": "partners", "rota": "partners",
    "full_name": "patron_name", "email": "patron_email", "partner_request_id": "partner_id",
}  # fmt: skip
#: Numbers that are names: a spreadsheet that takes them for numbers spoils them.
_NUMBERS = ("isbn", "patron", "item_barcode", "partner_id", "key")
_ROUNDED = re.compile(r"\d[.,]\d+[Ee]\+?\d+")
LONGEST_KEY = 180


class _TakenBack(Exception):
    """Only looked at: nothing of it is kept."""


@dataclass
class RequestImport:
    """Takes the lines of a sheet, each in a transaction of its own; with `dry_run` all is tried and nothing kept."""

    db: Database
    clock: Clock
    library_id: int
    by: By
    send: bool = False  #: borrowing requests with nothing to review go out at once
    dry_run: bool = False
    _seen: dict[str, str] = field(default_factory=dict)
    _twins: Counter[str] = field(default_factory=Counter)

    def outcomes(self, sheet: Sheet) -> Iterator[Outcome]:
        """What became of each line, one by one. Whoever stops asking has taken the lines so far."""
        for line in sheet.lines():
            one = replace(line, values={name: _joined(name, value) for name, value in line.values.items()})
            yield refused(line, [Problem("", line.broken)]) if line.broken else self._take(one)

    def _take(self, line: Line) -> Outcome:
        mark = _mark(line)
        key = self._key(line, mark)
        try:
            return self._take_once(line, key, mark)
        except (IntegrityError, OperationalError, Simultaneous):
            # Somebody else was doing the same at the same moment; now that has ended, one way or the other.
            return self._take_once(line, key, mark)

    def _take_once(self, line: Line, key: str, mark: str) -> Outcome:
        outcome = None
        try:
            with self.db.writing() as session:
                outcome = self._try(session, line, key, mark)
                if self.dry_run or outcome.what != TAKEN:
                    raise _TakenBack
        except _TakenBack:
            assert outcome is not None
        except (IllError, DataError) as trouble:
            if isinstance(trouble, Simultaneous):
                raise
            return refused(line, [problem_of(trouble, _NAMES, _COLUMN_OF)])
        if outcome.what == TAKEN:
            self._seen[key] = mark
        return outcome

    def _try(self, session: Session, line: Line, key: str, mark: str) -> Outcome:
        library, values = session.get_one(Library, self.library_id), line.values
        if known := self._known(session, library, line, key, mark):
            return known
        if problems := _problems(session, library, self.clock, values):
            return refused(line, problems)
        request = _intake(session, library, values, by=self.by, clock=self.clock)
        if self.send and request.side == BORROWING and request.state == "created":
            actions.perform(session, request, "submit", by=self.by, clock=self.clock)
        answer = {"reference": request.reference, "side": request.side}
        actions.remember_answer(session, library.id, SYSTEM, key, mark, answer, self.clock.now())
        label = lifecycle_of(request).label(request.state)
        return Outcome(line, TAKEN, "" if self.dry_run else request.reference, label)

    def _known(self, session: Session, library: Library, line: Line, key: str, mark: str) -> Outcome | None:
        """The request that this line is already: by its reference, by its key, or because it says the same."""
        values = line.values
        if reference := values.get("reference"):
            rows = sa.select(Request).where(Request.library_id == library.id, Request.reference == reference)
            found = session.scalar(rows.where(Request.side == (values.get("side") or BORROWING)))
            if found is not None and found.title == values.get("title"):
                return Outcome(line, THERE, reference)
            if found is not None:
                raise BadInput(
                    f"{reference} is another request here: {found.title[:60]}. Empty the reference to take this one"
                    " as a new one.",
                    field="reference",
                )
        if len(key) > LONGEST_KEY:
            raise BadInput(f"A key has {LONGEST_KEY - len('import:')} characters at most.", field="key")
        if key in self._seen:
            if self._seen[key] != mark:
                raise Conflict("This key stands at another line already, with other values.", field="key")
            return Outcome(line, THERE)
        answer = actions.answered(session, library.id, SYSTEM, key, mark)
        return Outcome(line, THERE, str(answer["reference"])) if answer else None

    def _key(self, line: Line, mark: str) -> str:
        """The line's own key; else what it says, so that a file that was mended elsewhere is no new one."""
        if key := line.values.get("key"):
            return f"import:{key}"
        said = hashlib.sha256(mark.encode(errors="surrogatepass")).hexdigest()
        self._twins[said] += 1
        return f"import-line:{said}:{self._twins[said]}"


def _joined(name: str, value: str) -> str:
    """A line break in a cell stands for a blank, but in notes."""
    return value if name.endswith("_note") else " ".join(value.split("\n")).replace("\r", "")


def _mark(line: Line) -> str:
    said = {name: value for name, value in line.values.items() if value and name not in _READ_OVER}
    return json.dumps(said, sort_keys=True)


def _intake(session: Session, library: Library, values: dict[str, str], *, by: By, clock: Clock) -> Request:
    fields = {name: values[name] for name in EDITABLE if values.get(name)}
    service, note = values.get("service") or "loan", values.get("partner_note", "")
    if values.get("side") == LENDING:
        partner = find_partner(session, library.id, _codes(values)[0], field="partners")
        return intake.lend(
            session, library, partner, fields, by=by, clock=clock, partner_request_id=values.get("partner_id", ""),
            service=service, partner_note=note,
        )  # fmt: skip
    patron = None
    if barcode := values.get("patron"):
        patron = remember_patron(
            session, library.id, barcode, name=values.get("patron_name", ""), email=values.get("patron_email", ""),
            pickup_location=values.get("pickup_location", ""),
        )  # fmt: skip
    return intake.borrow(
        session, library, fields, by=by, clock=clock, patron=patron, service=service, partner_note=note,
        partners=_codes(values),
    )  # fmt: skip


def _problems(session: Session, library: Library, clock: Clock, values: dict[str, str]) -> list[Problem]:
    """All that is wrong with the values of a line, column by column."""
    today, lending = library.today(clock.now()), values.get("side") == LENDING

    def field_is_right(name: str) -> None:
        if name in _NUMBERS and _ROUNDED.fullmatch(values[name]):
            raise BadInput(f"A spreadsheet has rounded it to {values[name]}. Format the column as text.", field=name)
        if name in EDITABLE:
            read_fields({name: values[name]}, today)
        elif name in _CHECKS:
            _CHECKS[name](values[name])

    def partners_are_known() -> None:
        for code in _codes(values):
            find_partner(session, library.id, code, field="partners")
        if lending and len(_codes(values)) != 1:
            raise BadInput("A lending request is asked for by one partner.", field="partners")

    def the_title_is_there() -> None:
        if not values.get("title"):
            raise BadInput("A request needs a title.", field="title")

    def the_patron_fits() -> None:
        of_the_patron = [c.name for c in PATRON_COLUMNS if values.get(c.name)]
        if lending and (values.get("patron") or of_the_patron):
            raise BadInput("A lending request has no patron of ours.", field="patron")
        if of_the_patron and not values.get("patron"):
            raise BadInput("A patron is named by a barcode.", field="patron")
        if values.get("partner_id") and not lending:
            raise BadInput("Only a lending request has a partner's own id.", field="partner_id")

    given = [name for name, value in values.items() if value]
    checks: list[tuple[str, Callable[[], None]]] = [(n, lambda n=n: field_is_right(n)) for n in given]  # type: ignore[misc]
    checks += [("title", the_title_is_there), ("partners", partners_are_known), ("patron", the_patron_fits)]
    found = []
    for name, check in checks:
        try:
            check()
        except IllError as wrong:
            column = wrong.field if wrong.field in _NAMES else name
            found.append(Problem(column or name, wrong.message))
    return found


def _codes(values: dict[str, str]) -> list[str]:
    return [code.strip() for code in values.get("partners", "").split(";") if code.strip()]


def _one_of(name: str, *choices: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        if value not in choices:
            raise BadInput(f"{value[:40]!r} is not possible. Choose {' or '.join(choices)}.", field=name)

    return check


_CHECKS: dict[str, Callable[[str], object]] = {
    "side": _one_of("side", BORROWING, LENDING),
    "service": _one_of("service", *intake.SERVICES),
    "patron": lambda value: typed.check_line("patron", value, 64),
    "patron_name": lambda value: typed.check_line("patron_name", value),
    "patron_email": lambda value: typed.check({"email": value}),
    "pickup_location": lambda value: typed.check_line("pickup_location", value),
    "partner_id": lambda value: as_text("partner_id", value, 255),
    "partner_note": lambda value: as_text("partner_note", value, lines=True),
}
