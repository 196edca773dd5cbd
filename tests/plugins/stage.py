"""The stage of the stories: two branches and a partner that reads mail, on a real database, with a clock to turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries, partners, patrons
from ill_workflow.bootstrap import Services
from ill_workflow.circulation import StandIn
from ill_workflow.clock import FixedClock
from ill_workflow.config import Settings
from ill_workflow.db import Database, make_engine
from ill_workflow.libraries import Library
from ill_workflow.mail.mailer import RememberingMailer
from ill_workflow.messages import inbound
from ill_workflow.messages.content import (
    AgencyId,
    Costs,
    DeliveryInfo,
    Header,
    MessageInfo,
    RequestingAgencyMessage,
    RetryInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.kept import from_dict
from ill_workflow.messages.letter import lines_of
from ill_workflow.migrations import migrate
from ill_workflow.outbox import DONE, EffectRow, SilentBell
from ill_workflow.partners import Partner
from ill_workflow.requests import actions, due_dates, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Event, MessageRow, Notice, Piece, Request, Slip
from ill_workflow.requests.scan import Scanned, scan
from state_machines.declaration import Actor
from tests.plugins import referee, rows
from workers.drain import work_off, work_off_all

ZONE = ZoneInfo("America/Chicago")
START = datetime(2026, 2, 2, 9, 0, tzinfo=ZONE)
PATRON = By(Actor.PATRON)
BOOK = {"title": "Pride and Prejudice", "author": "Austen, Jane", "isbn": "978-0-14-143951-8"}


class Half:
    """One half of a request, seen from its library. Everything is done by an operator unless said otherwise."""

    def __init__(self, stage: Stage, request_id: int) -> None:
        self.stage, self.id = stage, request_id

    def __getattr__(self, name: str) -> Any:
        with self.stage.db.reading() as session:
            return getattr(session.get_one(Request, self.id), name)

    def does(self, trigger: str, *, by: str = "operator", told_by: str | None = None, key: str | None = None, **inputs):
        """Take an action, and let the work that it promised be done."""
        with self.stage.db.writing() as session:
            request = actions.locked(session, self.id)
            account = self.stage.account(session, by, request.library.code)
            outcome = actions.perform(
                session, request, trigger, by=By.staff(account, told_by), clock=self.stage.clock, inputs=inputs, key=key
            )
        self.stage.work()
        return outcome

    def happens(self, trigger: str, by: By, **inputs):
        """The patron or another system does it."""
        with self.stage.db.writing() as session:
            request = actions.locked(session, self.id)
            outcome = actions.perform(session, request, trigger, by=by, clock=self.stage.clock, inputs=inputs)
        self.stage.work()
        return outcome

    def undoes(self):
        with self.stage.db.writing() as session:
            request = actions.locked(session, self.id)
            account = self.stage.account(session, "operator", request.library.code)
            outcome = actions.undo(session, request, by=By.staff(account), clock=self.stage.clock)
        self.stage.work()
        return outcome

    def scanned(self, code: str | None = None, **how) -> Scanned:
        with self.stage.db.writing() as session:
            request = session.get_one(Request, self.id)
            account = self.stage.account(session, "operator", request.library.code)
            by = By.staff(account)
            found = scan(session, request.library, code or request.reference, by=by, clock=self.stage.clock, **how)
        self.stage.work()
        return found

    def hears(
        self, status: str, *, reason: str = "StatusChange", answer: str | None = None, note: str = "",
        due: str | None = None, cost: str | None = None, conditions: tuple[str, ...] = (), items: tuple[str, ...] = (),
        url: str | None = None, of: str | None = None, wire_id: str | None = None,
        lenders_id: str | None = None, ago: timedelta = timedelta(0),
    ):  # fmt: skip
        """What a lender says to this borrowing half: the present one, or `of` (a partner's code) about `wire_id`."""
        with self.stage.db.reading() as session:
            request = session.get_one(Request, self.id)
            partner = partners.find_partner(session, request.library_id, of) if of else request.partner
        day = datetime.combine(date.fromisoformat(due), time(23, 59), tzinfo=ZONE) if due else None
        costs = Costs(currencyCode="USD", monetaryValue=Decimal(cost)) if cost else None
        delivery = status in ("Loaned", "CopyCompleted")
        message = SupplyingAgencyMessage(
            header=self._header(partner, wire_id or self.wire_id, lenders_id, ago),
            messageInfo=MessageInfo(reasonForMessage=reason, answerYesNo=answer, note=note),
            statusInfo=StatusInfo(status=status, lastChange=self.stage.clock.now(), dueDate=day),
            deliveryInfo=DeliveryInfo(
                dateSent=self.stage.clock.now(), itemId=items, URL=url, loanCondition=conditions, deliveryCosts=costs
            )
            if delivery
            else None,
            retryInfo=None if delivery else RetryInfo(offeredCosts=costs, loanCondition=conditions),
        )
        return self.stage.takes_in(message, partner)

    def is_told(self, action: str, note: str = ""):
        """What a borrower says to this lending half."""
        with self.stage.db.reading() as session:
            partner = session.get_one(Request, self.id).partner
        header = self._header(partner, self.partner_request_id)
        return self.stage.takes_in(RequestingAgencyMessage(header=header, action=action, note=note), partner)

    def _header(
        self, partner: Partner, wire_id: str, lenders_id: str | None = None, ago: timedelta = timedelta(0)
    ) -> Header:
        return Header(
            supplyingAgencyId=AgencyId(agencyIdValue="S"), requestingAgencyId=AgencyId(agencyIdValue="R"),
            timestamp=self.stage.clock.now() - ago,
            requestingAgencyRequestId=wire_id, supplyingAgencyRequestId=lenders_id,
        )  # fmt: skip

    def inputs(self, trigger: str) -> dict[str, Any]:
        """What came along with the last event of this trigger."""
        return next(event.inputs for event in reversed(self._of(Event)) if event.trigger == trigger)

    def notes(self, text: str, *, to_partner: bool = False):
        with self.stage.db.writing() as session:
            request = actions.locked(session, self.id)
            by = By.staff(self.stage.account(session, "operator", request.library.code))
            outcome = actions.annotate(session, request, text, by=by, clock=self.stage.clock, to_partner=to_partner)
        self.stage.work()
        return outcome

    @property
    def events(self) -> list[Event]:
        return self._of(Event)

    @property
    def last_event(self) -> Event:
        return self.events[-1]

    @property
    def history(self) -> list[str]:
        return [event.trigger for event in self._of(Event)]

    @property
    def states(self) -> list[str]:
        """The states that it went through, each once in a row."""
        found: list[str] = []
        for event in self._of(Event):
            if not found or found[-1] != event.dest:
                found.append(event.dest)
        return found

    @property
    def said(self) -> list[str]:
        """What it told its partner."""
        return [m.kind for m in self._of(MessageRow) if not m.incoming]

    @property
    def heard(self) -> list[str]:
        return [m.kind for m in self._of(MessageRow) if m.incoming]

    @property
    def letters(self) -> list[str]:
        """The occasions of the letters to its patron."""
        return [n.occasion for n in self._of(Notice) if n.to == "patron"]

    @property
    def alerts(self) -> list[str]:
        return [n.occasion for n in self._of(Notice) if n.to == "staff"]

    @property
    def slips(self) -> list[str]:
        """Those that have been drawn."""
        return [slip.layout for slip in self._of(Slip) if slip.file]

    @property
    def timers(self) -> list[str]:
        from ill_workflow import timers

        with self.stage.db.reading() as session:
            return [t.name for t in timers.of(session, self.id)]

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """Barcode, and whether it is back."""
        return [(piece.barcode, piece.back) for piece in self._of(Piece)]

    @property
    def balance(self) -> dict[str, Any]:
        from ill_workflow.fees import Ledger

        with self.stage.db.reading() as session:
            return Ledger(session, self.library_id, self.id).balances()

    @property
    def work(self) -> list[tuple[str, str, str]]:
        """Kind, argument and status of everything that was promised for it."""
        return [(e.kind, e.argument, e.status) for e in self._of(EffectRow)]

    @property
    def promises(self) -> list[tuple[int | None, str]]:
        """Event and status of everything that was promised for it."""
        return [(e.event_id, e.status) for e in self._of(EffectRow)]

    @property
    def done(self) -> list[tuple[str, str, int | None]]:
        """Kind, argument and event of what was promised and is done."""
        return [(e.kind, e.argument, e.event_id) for e in self._of(EffectRow) if e.status == DONE]

    def _of(self, table: Any) -> list[Any]:
        with self.stage.db.reading() as session:
            return list(session.scalars(sa.select(table).where(table.request_id == self.id).order_by(table.id)))


class Stage:
    """Main and Riverside are branches of one installation; Hilltop reads mail."""

    #: The libraries that are here: code, name, and the prefix of their references.
    libraries: tuple[tuple[str, str, str], ...] = (
        ("MAIN", "Main Library", "XPX"), ("RIV", "Riverside Library", "RIV"),
    )  # fmt: skip

    def __init__(
        self, url: str, folder: Path, *, now: datetime = START, set_up: bool = True, clock: FixedClock | None = None
    ) -> None:
        """`set_up`: the database is empty; else it is a copy of one in which everybody is there already."""
        self.clock, self.received = clock or FixedClock(now), 0
        self.mailer = RememberingMailer()
        self.circulation = StandIn()
        self.db = Database(make_engine(url))
        if self.db.engine.dialect.name == "sqlite":  # nobody mourns for a test's database when the machine stops
            sa.event.listen(self.db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        settings = Settings(data=folder, database_url=url, web_hosts="testserver")
        self.services = Services(settings, self.db, self.clock, self.mailer, SilentBell(), self.circulation)
        if set_up:
            self._set_up()

    def _set_up(self) -> None:
        with self.db.writing() as session:
            here = [
                libraries.add_library(
                    session, code=code, name=name, prefix=prefix, time_zone="America/Chicago",
                    email=f"ill@{code.lower()}.example", address=f"1 {name} Street\nChicago", delivery_code=code,
                    digest_minutes=0,
                )
                for code, name, prefix in self.libraries
            ]  # fmt: skip
            self._partners(session, here)
            for library in here:
                for role in ("operator", "manager"):
                    name = f"{role}-{library.code}"
                    account = accounts.add_account(
                        session, name, full_name=name, email=f"{name}@{library.code}.example"
                    )
                    accounts.grant(session, account, library.id, role)
            accounts.add_account(session, "nobody")

    def _partners(self, session, here: list[Library]) -> None:
        for ours, theirs in itertools.permutations(here):
            partners.add_partner(
                session, ours.id, code=theirs.code, name=theirs.name, transport="local", local_library_id=theirs.id,
                shipping_address=theirs.address, return_address=f"Returns\n{theirs.address}", delivery_code=theirs.code,
            )  # fmt: skip
            self._hilltop(session, ours)

    def _hilltop(self, session, ours: Library) -> None:
        partners.add_partner(
            session, ours.id, code="HILL", name="Hilltop College", transport="email", email="ill@hilltop.example",
            shipping_address="9 Hill Road", return_address="9 Hill Road", delivery_code="HIL",
        )  # fmt: skip

    def account(self, session, role: str, code: str):
        name = role if "-" in role or role == "nobody" else f"{role}-{code}"
        return accounts.find_account(session, name)

    def borrows(self, *, ask: tuple[str, ...] = ("RIV",), at: str = "MAIN", send: bool = True, **more) -> Half:
        """A patron of Main asks for a book; the request goes to the first of the rota."""
        fields = {**BOOK, **{k: v for k, v in more.items() if k != "service"}}
        with self.db.writing() as session:
            library = libraries.find_library(session, at)
            patron = patrons.remember_patron(
                session, library.id, "21234000012345", name="Ann Reader", email="ann@readers.example"
            )
            by = By.staff(self.account(session, "operator", at))
            request = intake.borrow(
                session, library, fields, by=by, clock=self.clock, patron=patron, partners=ask,
                service=more.get("service", "loan"),
            )  # fmt: skip
            half = Half(self, request.id)
        self.work()
        if send:
            half.does("submit")
        return half

    def lends(
        self, *, at: str = "MAIN", to: str = "HILL", service: str = "loan", partner_id: str = "H-77", **fields
    ) -> Half:
        """Staff type in what a partner asks for by mail."""
        with self.db.writing() as session:
            library = libraries.find_library(session, at)
            partner = partners.find_partner(session, library.id, to)
            request = intake.lend(
                session, library, partner, {**BOOK, **fields}, by=By.staff(self.account(session, "operator", at)),
                clock=self.clock, partner_request_id=partner_id, service=service,
            )  # fmt: skip
            half = Half(self, request.id)
        self.work()
        return half

    def other_half(self, half: Half) -> Half:
        """The lending half of a borrowing request that went to another branch."""
        with self.db.reading() as session:
            rows = sa.select(Request.id).where(Request.side == "lending", Request.partner_request_id == half.wire_id)
            return Half(self, session.scalars(rows.order_by(Request.id.desc())).first())

    def request(self, at: str, reference: str) -> Half:
        with self.db.reading() as session:
            library = libraries.find_library(session, at)
            rows = sa.select(Request.id).where(Request.library_id == library.id, Request.reference == reference)
            return Half(self, session.scalars(rows).one())

    def agrees(self, at: str, partner: str, *, fees: dict[str, str] | None = None, **terms: Any) -> None:
        with self.db.writing() as session:
            library = libraries.find_library(session, at)
            entry = partners.find_partner(session, library.id, partner)
            partners.change_partner(session, entry, terms={**entry.terms, **terms}, fees=fees or entry.fees)
            due_dates.reckon_anew(session, library.id, entry.id)
        self.work()

    def work(self) -> None:
        """Let workers do all that was promised."""
        work_off_all(self.services)

    def waits_until(self, day: str | date, at: time = time(9, 0)) -> None:
        """Turn the clock day by day, as a clock does; what is due is fired."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        end = datetime.combine(day, at, tzinfo=ZONE)
        while self.clock.now() < end:
            self.clock.turn(min(end, self.clock.now() + timedelta(days=1)).astimezone(UTC))
            due_dates.fire_due(self.db, self.clock, work_off=lambda: work_off(self.services, "schedule_due_date_check"))
            self.work()

    def takes_in(self, message, partner: Partner):
        """A message of a partner arrives; the confirmation."""
        self.received += 1
        with self.db.writing() as session:
            confirmation = inbound.receive(
                session, message, partner=partner, identity=f"test {self.received}", transport="test", clock=self.clock
            )
        self.work()
        return confirmation

    def changes(self, at: str, partner: str, **fields: Any) -> None:
        with self.db.writing() as session:
            library = libraries.find_library(session, at)
            partners.change_partner(session, partners.find_partner(session, library.id, partner), **fields)

    def last_message(self, half: Half) -> dict[str, Any]:
        """What this half said last, as it was kept."""
        return [row.content for row in half._of(MessageRow) if not row.incoming][-1]

    def letter_for(self, half: Half) -> str:
        """The lines that a partner with nothing but mail would have read of the last message."""
        last = [row for row in half._of(MessageRow) if not row.incoming][-1]
        kind = SupplyingAgencyMessage if half.side == "lending" else RequestingAgencyMessage
        return "\n".join(f"{label}: {value}" for label, value in lines_of(from_dict(kind, last.content)))

    def mails(self, address: str) -> list[str]:
        return [mail.subject for mail in self.mailer.mails_to(address)]

    def partner(self, at: str, code: str) -> Partner:
        with self.db.reading() as session:
            return partners.find_partner(session, libraries.find_library(session, at).id, code)


def set_the_stage(url: str) -> None:
    """Fill an empty database with everybody who is on the stage."""
    migrate(url)
    stage = Stage(url, Path())
    if stage.db.engine.dialect.name == "sqlite":
        with stage.db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    stage.db.engine.dispose()


@pytest.fixture
def bare_stage(stage_url: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage on SQLite, and once more on PostgreSQL."""
    stage = Stage(stage_url, tmp_path / "data", set_up=False)
    yield stage
    stage.db.engine.dispose()


@pytest.fixture
def quick_stage(set_template: Path, tmp_path: Path) -> Iterator[Stage]:
    """A stage on SQLite alone, for what has nothing to do with the database."""
    (tmp_path / "ill.db").write_bytes(set_template.read_bytes())
    stage = Stage(f"sqlite:///{tmp_path / 'ill.db'}", tmp_path, set_up=False)
    yield stage
    stage.db.engine.dispose()


@pytest.fixture
def stage(bare_stage: Stage) -> Iterator[Stage]:
    """The same for stories: the rows that they pull are counted, and the referee looks over what they leave behind."""
    yield bare_stage
    rows.seen |= rows.rows_of(bare_stage.db)
    referee.look(bare_stage.db, bare_stage.clock)


@pytest.fixture(scope="session")
def set_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with everybody who is on the stage, to be copied."""
    path = tmp_path_factory.mktemp("stage") / "ill.db"
    set_the_stage(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the tables in it, to be copied."""
    path = tmp_path_factory.mktemp("template") / "ill.db"
    migrate(f"sqlite:///{path}")
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with its tables, one that nobody else uses: on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "ill.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql")
    url = server.create_database(template=server.template("ill", migrate))
    yield url
    server.drop_database(url)


@pytest.fixture(params=BOTH)
def stage_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of one's own with everybody who is on the stage: on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "ill.db"
        path.write_bytes(request.getfixturevalue("set_template").read_bytes())
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql")
    url = server.create_database(template=server.template("stage", set_the_stage))
    yield url
    server.drop_database(url)
