"""A request in every state of both lifecycles, brought there on the way that librarians take, and kept to be copied."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from ill_workflow.requests.by import SYSTEM
from tests.plugins import rows
from tests.plugins.loans import Loan, begin
from tests.plugins.postgresql import PostgreSQL
from tests.plugins.stage import START, Half, Stage, set_the_stage

Steps = Callable[[Loan], object]


def lender(does: str) -> Steps:
    return lambda it: it.lender(does)


def borrower(does: str) -> Steps:
    return lambda it: it.borrower(does)


def here(trigger: str, **inputs) -> Steps:
    return lambda it: it.at_the_borrower(trigger, **inputs)


def wait(day: str) -> Steps:
    return lambda it: it.stage.waits_until(day)


def settled(it: Loan) -> None:
    for half in filter(None, (it.loan, it.lent)):
        if half.balance:
            half.does("record_payment", by="manager", amount=str(half.balance["USD"]))
        half.does("settle", by="manager")


def flagged(it: Loan) -> None:
    it.loan.happens("flag_for_review", SYSTEM, problems="It looks odd.")


def sent(it: Loan) -> None:
    it.loan.does("submit", by=it.borrowers)
    if it.loan.partner.transport == "local":
        it.lent = it.stage.other_half(it.loan)


#: From which state, and by what.
BORROWING = {
    "flagged": ("created", flagged),
    "needs_review": ("request_sent", lambda it: it.lender("refuses", reason="NotFoundAsCited")),
    "request_sent": ("created", sent),
    "conditional": ("request_sent", lender("sets a condition")),
    "retry_offered": ("request_sent", lender("offers a retry")),
    "will_supply": ("request_sent", lender("promises")),
    "shipped": ("request_sent", lender("ships")),
    "in_transit": ("shipped", here("mark_in_transit")),
    "received": ("shipped", lambda it: it.borrower("receives", temporary_barcode="TMP-1")),
    "on_loan": ("received", here("check_out")),
    "renewal_requested": ("on_loan", borrower("asks to renew")),
    "renewed": ("renewal_requested", lender("renews")),
    "renewal_denied": ("renewal_requested", lender("denies the renewal")),
    "overdue": ("on_loan", wait("2026-03-06")),
    "recalled": ("on_loan", lender("recalls")),
    "return_in_transit": ("on_loan", here("patron_return")),
    "returned": ("return_in_transit", borrower("sends back")),
    "cancel_requested": ("request_sent", borrower("calls it off")),
    "lost": ("on_loan", borrower("says that it is lost")),
    "completed": ("returned", lender("has it back")),
    "delivered": ("copy", lender("delivers")),
    "cancelled": ("cancel_requested", lender("agrees to cancel")),
    "unfilled": ("request_sent", lender("refuses")),
    "closed_without_return": ("lost", settled),
}
LENDING = {
    "conditional": ("new", lender("sets a condition")),
    "will_supply": ("new", lender("promises")),
    "being_processed": ("new", lender("prints the slip")),
    "shipped": ("new", lender("ships")),
    "received_by_partner": ("shipped", borrower("receives")),
    "renewal_requested": ("received_by_partner", borrower("asks to renew")),
    "renewed": ("renewal_requested", lender("renews")),
    "overdue": ("received_by_partner", wait("2026-03-06")),
    "recalled": ("received_by_partner", lender("recalls")),
    "returned_by_partner": ("received_by_partner", borrower("sends back")),
    "cancel_requested": ("new", borrower("calls it off")),
    "lost": ("received_by_partner", lender("says that it is lost")),
    "damaged": ("returned_by_partner", lender("bills the damage")),
    "completed": ("returned_by_partner", lender("has it back")),
    "delivered": ("copy", lender("delivers")),
    "rejected": ("new", lender("refuses")),
    "retry_offered": ("new", lender("offers a retry")),
    "cancelled": ("cancel_requested", lender("agrees to cancel")),
    "expired": ("new", wait("2026-02-06")),
    "closed_without_return": ("lost", settled),
}
#: Names of ways besides those of states.
LIKE = {"flagged": "needs_review"}
WAYS = {"borrowing": BORROWING, "lending": LENDING}
#: How the other library is met.
OTHERS = {"borrowing": {"branch": "branches", "mail": "from a mail reader"},
          "lending": {"branch": "branches", "mail": "to a mail reader"}}  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A database as a story has left it, and what one has to know to go on with it."""

    database: str  #: a file, or the name of a template
    now: datetime
    loan: int | None
    lent: int | None


class Shelf:
    """Databases to be copied, each made once, when it is first wanted, from the one of the state before."""

    def __init__(self, folder: Path, empty: str, copy: Callable[[str], str], name: Callable[[str], str]) -> None:
        self._folder, self._empty, self._copy, self._name = folder, empty, copy, name
        self._kept: dict[tuple[str, str, str], Kept] = {}
        self._numbers = itertools.count()

    def take(self, side: str, state: str, other: str) -> Loan:
        """A loan of one's own, one half of which is in this state."""
        kept = self._keep(side, state, other)
        return self._open(kept, side, other)

    def _keep(self, side: str, state: str, other: str) -> Kept:
        if (side, state, other) not in self._kept:
            if state in WAYS[side]:
                before, step = WAYS[side][state]
                it = self._open(self._keep(side, before, other), side, other)
                step(it)
                half = it.loan if side == "borrowing" else it.lent
                assert half.state == LIKE.get(state, state), f"the way to {state} leads to {half.state}"
            else:
                it = self._begin(side, state, other)
            self._kept[side, state, other] = self._put_away(it)
        return self._kept[side, state, other]

    def _begin(self, side: str, state: str, other: str) -> Loan:
        service = "copy" if state == "copy" else "loan"
        return begin(self._stage(self._empty, START), OTHERS[side][other], send=state != "created", service=service)

    def _stage(self, database: str, now: datetime) -> Stage:
        return Stage(self._copy(database), self._folder / f"data-{next(self._numbers)}", now=now, set_up=False)

    def _open(self, kept: Kept, side: str, other: str) -> Loan:
        stage = self._stage(kept.database, kept.now)
        loan, lent = (Half(stage, number) if number else None for number in (kept.loan, kept.lent))
        return Loan(stage, loan, lent, "operator", "manager" if other == "branch" else "operator")

    def _put_away(self, it: Loan) -> Kept:
        database = self._name(str(it.stage.services.settings.url))
        it.stage.db.engine.dispose()
        loan, lent = (half.id if half else None for half in (it.loan, it.lent))
        return Kept(database, it.stage.clock.now(), loan, lent)


class Copies:
    """What one test takes from the shelf; at its end the rows are counted, and the databases go."""

    def __init__(self, shelf: Shelf, drop: Callable[[str], None] = lambda url: None) -> None:
        self._shelf, self._drop, self._taken = shelf, drop, list[Loan]()

    def __call__(self, side: str, state: str, other: str = "branch") -> Loan:
        self._taken.append(self._shelf.take(side, state, other))
        return self._taken[-1]

    def close(self) -> None:
        for it in self._taken:
            rows.seen |= rows.rows_of(it.stage.db)
            it.stage.db.engine.dispose()
            self._drop(it.stage.services.settings.url)


@pytest.fixture(scope="session")
def sqlite_shelf(set_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("states")
    numbers = itertools.count()

    def copy(database: str) -> str:
        path = folder / f"{next(numbers)}.db"
        path.write_bytes(Path(database).read_bytes())
        return f"sqlite:///{path}"

    return Shelf(folder, str(set_template), copy, lambda url: url.removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def postgresql_shelf(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    empty = postgresql.template("stage", set_the_stage)

    def copy(database: str) -> str:
        return postgresql.create_database(template=database)

    return Shelf(tmp_path_factory.mktemp("states"), empty, copy, lambda url: make_url(url).database or "")


@pytest.fixture
def at(sqlite_shelf: Shelf) -> Iterator[Copies]:
    """`at("borrowing", "on_loan", "mail")`: a loan in that state, on SQLite."""
    copies = Copies(sqlite_shelf)
    yield copies
    copies.close()


@pytest.fixture
def at_on_postgresql(postgresql: PostgreSQL, postgresql_shelf: Shelf) -> Iterator[Copies]:
    """The same on PostgreSQL."""
    copies = Copies(postgresql_shelf, postgresql.drop_database)
    yield copies
    copies.close()
