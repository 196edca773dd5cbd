"""Four loans that play before your eyes, in a database that is only there for them, by a clock that is turned."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any

import sqlalchemy as sa

from ill_workflow import accounts, backlog, fees, libraries, partners, patrons, timers
from ill_workflow.bootstrap import Services, turn_clock
from ill_workflow.errors import IllError
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, MessageRow, Notice, Request, Slip

#: Seconds that the workers get for what was promised before the story counts as gone wrong.
PATIENCE = 45.0

AUSTEN = {"title": "Pride and Prejudice", "author": "Austen, Jane", "isbn": "9780141439518", "year": "2003"}
CORMEN = {"title": "Introduction to Algorithms", "author": "Cormen, Thomas H.", "isbn": "9780262033848", "year": "2009"}
BRONTE = {"title": "Jane Eyre", "author": "Brontë, Charlotte", "isbn": "9780141441146", "year": "2006"}
TOLSTOY = {"title": "Война и мир", "author": "Толстой, Л. Н.", "isbn": "9785170909353", "year": "2015"}


class StoryWentWrong(Exception):
    """A demo story did not go as it should."""


@dataclass
class Story:
    """One loan as it went, for the report."""

    name: str
    references: list[str] = field(default_factory=list)
    went_wrong: str = ""


def make_world(services: Services) -> None:
    """The demo's libraries, partners, accounts and clock. The database has its tables, and nothing in them."""
    with services.db.writing() as session:
        session.execute(sa.update(libraries.Installation).values(demo=True))
        main = libraries.add_library(
            session, code="MAIN", name="Main Library", prefix="XPX", time_zone="America/Chicago",
            email="ill@main.example", reply_to="desk@main.example", delivery_code="CHI-01",
            address="400 State Street\nChicago, IL 60605",
        )  # fmt: skip
        river = libraries.add_library(
            session, code="RIV", name="Riverside Branch", prefix="RVB", time_zone="America/New_York",
            email="ill@riverside.example", delivery_code="NYC-07", address="12 River Road\nRhinebeck, NY 12572",
        )  # fmt: skip
        for ours, theirs in ((main, river), (river, main)):
            hub = partners.add_partner(
                session, ours.id, code="HUB", name="Great Lakes Hub", transport="email", email="ill@hub.example",
                shipping_address="1 Hub Way\nSouth Bend, IN 46601", return_address="1 Hub Way\nSouth Bend, IN 46601",
                delivery_code="HUB-9",
            )  # fmt: skip
            partners.add_partner(
                session, ours.id, code=theirs.code, name=theirs.name, transport="local", local_library_id=theirs.id,
                shipping_address=theirs.address, return_address=theirs.address, delivery_code=theirs.delivery_code,
                hub_id=hub.id, terms={"loan_days": 21, "renewal_days": 14, "ladder": [7], "lost_after_days": 30},
            )  # fmt: skip
        people = (
            ("ann", "Ann Operator", main, "operator"), ("max", "Max Manager", main, "manager"),
            ("rita", "Rita Operator", river, "operator"), ("ron", "Ron Manager", river, "manager"),
        )  # fmt: skip
        for name, full_name, library, role in people:
            account = accounts.add_account(session, name, full_name=full_name, email=f"{name}@demo.example")
            accounts.grant(session, account, library.id, role)
        kiosk = accounts.add_account(session, "kiosk", full_name="Self-service kiosk", system=True)
        accounts.grant(session, kiosk, main.id, "operator")


class Play:
    """Plays the stories: acts as staff would, and waits for the workers as people would."""

    def __init__(
        self,
        services: Services,
        tell: Callable[[str], None],
        nudge: Callable[[], None],
        *,
        pause: float = 0.0,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self.services, self.tell = services, tell
        self._pause, self._rest = pause, rest  #: seconds after each line, for eyes; and how they pass
        self.stories: list[Story] = []
        self._nudge = nudge  #: asks the workers to look at the timers now
        self._told = 0

    def all(self) -> None:
        for name, story in (
            ("A loan to its happy end", self.happy_end),
            ("Renewed, then overdue, then returned", self.renewed_and_overdue),
            ("Rejected by the first lender, filled by the second", self.second_lender),
            ("Lost, billed and settled", self.lost),
        ):
            self.stories.append(Story(name))
            self.tell(f"\n{name}")
            try:
                story()
            except (StoryWentWrong, IllError) as trouble:
                self.stories[-1].went_wrong = str(trouble)
                self.tell(f"  WENT WRONG: {trouble}")

    def happy_end(self) -> None:
        loan = self._borrow(AUSTEN, "Ann Reader", ("RIV",))
        self._supply(loan, "31234000551187")
        self._act("MAIN", loan, "check_out")
        self._turn(days=15)
        self._act("MAIN", loan, "patron_return")
        self._act("MAIN", loan, "ship_back")
        self._act("RIV", loan, "check_in")
        self._expect(loan, "completed", "completed")

    def renewed_and_overdue(self) -> None:
        loan = self._borrow(CORMEN, "Bob Reader", ("RIV",))
        self._supply(loan, "31234000870041")
        self._act("MAIN", loan, "check_out")
        self._turn(days=14)
        self._act("MAIN", loan, "request_renewal")
        self._act("RIV", loan, "renew", due_date=(self._today("RIV") + timedelta(days=14)).isoformat())
        self._wait("both know the new date", lambda: self._states(loan) == ["renewed", "renewed"])
        self._turn(days=18)
        self._wait("both halves are overdue", lambda: self._states(loan) == ["overdue", "overdue"])
        self._turn(days=6)
        self._wait("another notice", lambda: self._count("MAIN", loan, "overdue_notice") == 1)
        self._act("MAIN", loan, "patron_return")
        self._act("MAIN", loan, "ship_back")
        self._act("RIV", loan, "check_in")
        self._expect(loan, "completed", "completed")

    def second_lender(self) -> None:
        loan = self._borrow(BRONTE, "Cleo Reader", ("RIV", "HUB"))
        self._act("RIV", loan, "reject", reason="NotOnShelf")
        self._wait("the hub is asked", lambda: self._field("MAIN", loan, "attempt") == 2)
        due = self._today("MAIN") + timedelta(days=30)
        self._act("MAIN", loan, "partner_will_supply", told_by="mail")
        self._act("MAIN", loan, "partner_shipped", told_by="mail", due_date=due.isoformat(), item_barcode="HUB-000417")
        self._turn(days=2)
        self._act("MAIN", loan, "receive", condition_checked=True)
        self._act("MAIN", loan, "check_out")
        self._turn(days=9)
        self._act("MAIN", loan, "patron_return")
        self._act("MAIN", loan, "ship_back")
        self._act("MAIN", loan, "partner_completed", told_by="phone")
        self._expect(loan, "completed", "rejected")

    def lost(self) -> None:
        loan = self._borrow(TOLSTOY, "Dan Reader", ("RIV",))
        self._supply(loan, "31234000733650")
        self._act("MAIN", loan, "check_out")
        self._turn(days=8)
        self._act("MAIN", loan, "report_lost", note="The patron left it on a train.")
        self._wait("the lender knows", lambda: self._states(loan) == ["lost", "lost"])
        self._wait("the bill is final", lambda: self._fees("MAIN", loan) == self._fees("RIV", loan) != "nothing")
        amount = self._fees("RIV", loan).split()[0]
        self._act("MAIN", loan, "record_payment", by="max", amount=amount, note="paid by the patron")
        self._act("MAIN", loan, "settle", by="max")
        self._act("RIV", loan, "record_payment", by="ron", amount=amount)
        self._act("RIV", loan, "settle", by="ron")
        self._expect(loan, "closed_without_return", "closed_without_return")

    def report(self) -> dict[str, Any]:
        """Each story with its states and their times, its slips and the Message-IDs of its mails."""
        return {"stories": [self._report(story) for story in self.stories]}

    def _borrow(self, book: dict[str, str], reader: str, ask: tuple[str, ...]) -> str:
        with self.services.db.writing() as session:
            library = libraries.find_library(session, "MAIN")
            number = f"2123400{session.scalar(sa.select(sa.func.count(patrons.Patron.id))) or 0:07d}"
            email = f"{reader.split()[0].lower()}@readers.example"
            patron = patrons.remember_patron(session, library.id, number, name=reader, email=email)
            by = By.staff(accounts.find_account(session, "ann"))
            request = intake.borrow(
                session, library, book, by=by, clock=self.services.clock, patron=patron, partners=ask
            )
            reference = request.reference
        self.stories[-1].references.append(reference)
        self._act("MAIN", reference, "submit")
        self._wait("the lender has it", lambda: len(self._states(reference)) == 2)
        return reference

    def _supply(self, loan: str, barcode: str) -> None:
        """From the shelf of Riverside to the hands of Main."""
        self._act("RIV", loan, "print_slip")
        self._act("RIV", loan, "ship", condition_checked=True, item_barcode=barcode)
        self._wait("the borrower knows", lambda: self._states(loan)[0] == "shipped")
        self._turn(days=3)
        self._act("MAIN", loan, "receive", condition_checked=True)
        self._wait("the lender knows", lambda: self._states(loan)[1] == "received_by_partner")

    def _act(
        self, code: str, loan: str, trigger: str, *, by: str = "", told_by: str | None = None, **inputs: Any
    ) -> None:
        name = by or {"MAIN": "ann", "RIV": "rita"}[code]
        with self.services.db.writing() as session:
            request = actions.locked(session, self._id(session, code, loan))
            who = By.staff(accounts.find_account(session, name), told_by)
            actions.perform(session, request, trigger, by=who, clock=self.services.clock, inputs=inputs)
        self._settle()

    def _turn(self, *, days: int) -> None:
        """Let days pass, one by one, so that each day's timers fire on their day."""
        self.tell(f"           … {days} days pass")
        for _ in range(days):
            turn_clock(self.services.db, timedelta(days=1))
            if self._timers_are_due():
                self._nudge()
                self._wait("the timers have fired", lambda: not self._timers_are_due())
                self._settle()

    def _timers_are_due(self) -> bool:
        with self.services.db.reading() as session:
            return bool(timers.due(session, self.services.clock.now(), 1))

    def _settle(self) -> None:
        """Wait until everything that was promised is done, and tell what has happened."""
        self._wait("the promised work is done", self._all_done)
        self._tell_news()

    def _all_done(self) -> bool:
        with self.services.db.reading() as session:
            needing = backlog.needing_attention(session)
            if needing:
                raise StoryWentWrong(f"{needing[0].kind} {needing[0].argument}: {needing[0].last_error}")
            return not backlog.waiting(session)

    def _wait(self, what: str, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > deadline:
                raise StoryWentWrong(f"{what}: not within {PATIENCE:.0f} seconds")
            self._rest(0.03)

    def _tell_news(self) -> None:
        with self.services.db.reading() as session:
            rows = sa.select(Event, Request).join(Request, Request.id == Event.request_id)
            for event, request in session.execute(rows.where(Event.id > self._told).order_by(Event.id)):
                self._told = event.id
                at = event.at.astimezone(request.library.zone)
                state = lifecycle_of(request).label(event.dest)
                told = f" (told by {event.told_by})" if event.told_by else ""
                self.tell(
                    f"  {at:%d %b}  {request.reference:<11} {request.library.code:<5} {event.label:<26}"
                    f" {state:<23} {event.who}{told}"
                )
                self._rest(self._pause)

    def _expect(self, loan: str, *states: str) -> None:
        self._wait(f"{loan} ends {states}", lambda: self._states(loan) == list(states))

    def _states(self, loan: str) -> list[str]:
        with self.services.db.reading() as session:
            return [request.state for request in self._halves(session, loan)]

    def _halves(self, session: Any, loan: str) -> list[Request]:
        rows = sa.select(Request).where((Request.reference == loan) | (Request.partner_request_id == loan))
        return list(session.scalars(rows.order_by(Request.id)))

    def _id(self, session: Any, code: str, loan: str) -> int:
        for request in self._halves(session, loan):
            if request.library.code == code:
                return request.id
        raise StoryWentWrong(f"{loan} has not arrived at {code}")

    def _field(self, code: str, loan: str, name: str) -> Any:
        with self.services.db.reading() as session:
            return getattr(session.get_one(Request, self._id(session, code, loan)), name)

    def _count(self, code: str, loan: str, trigger: str) -> int:
        with self.services.db.reading() as session:
            mine = (Event.request_id == self._id(session, code, loan)) & (Event.trigger == trigger)
            return session.scalar(sa.select(sa.func.count(Event.id)).where(mine)) or 0

    def _fees(self, code: str, loan: str) -> str:
        with self.services.db.reading() as session:
            request = session.get_one(Request, self._id(session, code, loan))
            return fees.in_words(fees.Ledger(session, request.library_id, request.id).balances())

    def _today(self, code: str) -> date:
        with self.services.db.reading() as session:
            return libraries.find_library(session, code).today(self.services.clock.now())

    def _report(self, story: Story) -> dict[str, Any]:
        with self.services.db.reading() as session:
            halves = [request for loan in story.references for request in self._halves(session, loan)]
            found = [
                {
                    "reference": request.reference,
                    "library": request.library.code,
                    "side": request.side,
                    "state": request.state,
                    "states": [
                        {"state": e.dest, "by": e.trigger, "at": e.at.astimezone(UTC).isoformat()}
                        for e in self._of(session, Event, request)
                    ],
                    "slips": [s.file for s in self._of(session, Slip, request)],
                    "message_ids": [n.message_id for n in self._of(session, Notice, request) if n.message_id]
                    + [
                        m.outcome.removeprefix("mail ")
                        for m in self._of(session, MessageRow, request)
                        if m.outcome.startswith("mail ")
                    ],
                    "asked": [
                        a.wire_id for a in session.scalars(sa.select(Attempt).where(Attempt.request_id == request.id))
                    ],
                }
                for request in halves
            ]
        return {"name": story.name, "went_wrong": story.went_wrong, "requests": found}

    def _of(self, session: Any, table: Any, request: Request) -> list[Any]:
        return list(session.scalars(sa.select(table).where(table.request_id == request.id).order_by(table.id)))
