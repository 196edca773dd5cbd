"""Plays loans before your eyes: acts as staff would, and waits for the workers as people would."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import sqlalchemy as sa
from reportlab.pdfgen.canvas import Canvas

from ill_workflow import accounts, backlog, copies, fees, libraries, patrons
from ill_workflow.bootstrap import Services
from ill_workflow.demo.days import pass_time, timers_are_due
from ill_workflow.errors import IllError
from ill_workflow.requests import actions, due_dates, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, MessageRow, Notice, Request, Slip

#: Seconds that the workers get for what was promised before the story counts as gone wrong.
PATIENCE = 45.0
#: Who does what nobody else is named for.
STAFF = {"MAIN": "ann", "RIV": "rita", "LAKE": "lena"}


class StoryWentWrong(Exception):
    """A demo story did not go as it should."""


@dataclass
class Story:
    """One loan as it went, for the report."""

    name: str
    references: list[str] = field(default_factory=list)
    went_wrong: str = ""


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
        #: Libraries that are elsewhere, by their codes.
        self.elsewhere: dict[str, Services] = {}
        self._pause, self._rest = pause, rest  #: seconds after each line, for eyes; and how they pass
        self.stories: list[Story] = []
        self._nudge = nudge  #: asks the workers to look at the timers now
        self._told: dict[str, int] = {}  #: the last event that was told of, by where it happened

    def all(self, stories: Sequence[tuple[str, Callable[["Play"], None]]]) -> None:
        """Play stories one after another; one that goes wrong is told, and the next one begins."""
        for name, story in stories:
            self.stories.append(Story(name))
            self.tell(f"\n{name}")
            try:
                story(self)
            except (StoryWentWrong, IllError) as trouble:
                self.stories[-1].went_wrong = str(trouble)
                self.tell(f"  WENT WRONG: {trouble}")

    def report(self) -> dict[str, Any]:
        """Each story with its states and their times, its slips and the Message-IDs of its mails."""
        return {"stories": [self._report(story) for story in self.stories]}

    def borrow(
        self, book: dict[str, str], reader: str, ask: tuple[str, ...], *, at: str = "MAIN", service: str = "loan"
    ) -> str:
        """A patron wants a book; the request goes to the first of those to ask. Answers its reference."""
        with self.services.db.writing() as session:
            library = libraries.find_library(session, at)
            number = f"2123400{session.scalar(sa.select(sa.func.count(patrons.Patron.id))) or 0:07d}"
            email = f"{reader.split()[0].lower()}@readers.example"
            patron = patrons.remember_patron(session, library.id, number, name=reader, email=email)
            by = By.staff(accounts.find_account(session, STAFF[at]))
            request = intake.borrow(
                session, library, book, by=by, clock=self.services.clock, patron=patron, partners=ask, service=service
            )
            reference = request.reference
        self.stories[-1].references.append(reference)
        self.act(at, reference, "submit")
        self.wait("the lender has it", lambda: len(self.states(reference)) == 2)
        return reference

    def supply(self, loan: str, barcode: str, **more: Any) -> None:
        """From the shelf of Riverside to the hands of Main."""
        self.act("RIV", loan, "print_slip")
        self.act("RIV", loan, "ship", condition_checked=True, item_barcode=barcode, **more)
        self.wait("the borrower knows", lambda: self.states(loan)[0] == "shipped")
        self.turn(days=3)
        self.act("MAIN", loan, "receive", condition_checked=True)
        self.wait("the lender knows", lambda: self.states(loan)[1] == "received_by_partner")

    def act(
        self, code: str, loan: str, trigger: str, *, by: str = "", told_by: str | None = None, **inputs: Any
    ) -> None:
        name = by or STAFF[code]
        services = self._at(code)
        with services.db.writing() as session:
            request = actions.locked(session, self._id(session, code, loan))
            who = By.staff(accounts.find_account(session, name), told_by)
            actions.perform(session, request, trigger, by=who, clock=services.clock, inputs=inputs)
        self._settle()

    def turn(self, *, days: int) -> None:
        """Let days pass, one by one, so that each day's timers fire on their day."""
        self.tell(f"           … {days} days pass")
        pass_time(self._everywhere(), timedelta(days=days), fire=self._fire)

    def _fire(self) -> None:
        self._nudge()
        for services in self.elsewhere.values():
            due_dates.fire_due(services.db, services.clock)
        self.wait("the timers have fired", lambda: not timers_are_due(self._everywhere()))
        self._settle()

    def scanned(self, words: str) -> str:
        """A page that came from the scanner; the name under which it is kept."""
        file = BytesIO()
        page = Canvas(file, invariant=1)
        page.drawString(72, 720, words)
        page.save()
        return copies.keep(self.services.settings.copies, file.getvalue())

    def _settle(self) -> None:
        """Wait until everything that was promised is done, and tell what has happened."""
        self.wait("the promised work is done", self._all_done)
        self._tell_news()

    def _all_done(self) -> bool:
        return all(self._is_done(services) for services in self._everywhere())

    def _is_done(self, services: Services) -> bool:
        with services.db.reading() as session:
            needing = backlog.needing_attention(session)
            if needing:
                raise StoryWentWrong(f"{needing[0].kind} {needing[0].argument}: {needing[0].last_error}")
            return not backlog.waiting(session)

    def wait(self, what: str, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > deadline:
                raise StoryWentWrong(f"{what}: not within {PATIENCE:.0f} seconds")
            self._rest(0.03)

    def _tell_news(self) -> None:
        news = sorted(line for services in self._everywhere() for line in self._news_of(services))
        for _, _, line in news:
            self.tell(line)
            self._rest(self._pause)

    def _news_of(self, services: Services) -> list[tuple[datetime, int, str]]:
        """What has happened there since it was told of last, each with its time and place in the order."""
        place, found = services.settings.url, list[tuple[datetime, int, str]]()
        with services.db.reading() as session:
            rows = sa.select(Event, Request).join(Request, Request.id == Event.request_id)
            for event, request in session.execute(rows.where(Event.id > self._told.get(place, 0)).order_by(Event.id)):
                self._told[place] = event.id
                at = event.at.astimezone(request.library.zone)
                state = lifecycle_of(request).label(event.dest)
                told = f" (told by {event.told_by})" if event.told_by else ""
                line = (
                    f"  {at:%d %b}  {request.reference:<11} {request.library.code:<5} {event.label:<26}"
                    f" {state:<23} {event.who}{told}"
                )
                found.append((event.at, event.id, line))
        return found

    def expect(self, loan: str, *states: str) -> None:
        self.wait(f"{loan} ends {states}", lambda: self.states(loan) == list(states))

    def states(self, loan: str) -> list[str]:
        found: list[str] = []
        for services in self._everywhere():
            with services.db.reading() as session:
                found += [request.state for request in self._halves(session, loan)]
        return found

    def _everywhere(self) -> list[Services]:
        return [self.services, *self.elsewhere.values()]

    def _at(self, code: str) -> Services:
        return self.elsewhere.get(code, self.services)

    def _halves(self, session: Any, loan: str) -> list[Request]:
        rows = sa.select(Request).where((Request.reference == loan) | (Request.partner_request_id == loan))
        return list(session.scalars(rows.order_by(Request.id)))

    def _id(self, session: Any, code: str, loan: str) -> int:
        for request in self._halves(session, loan):
            if request.library.code == code:
                return request.id
        raise StoryWentWrong(f"{loan} has not arrived at {code}")

    def field(self, code: str, loan: str, name: str) -> Any:
        with self._at(code).db.reading() as session:
            return getattr(session.get_one(Request, self._id(session, code, loan)), name)

    def count(self, code: str, loan: str, trigger: str) -> int:
        with self._at(code).db.reading() as session:
            mine = (Event.request_id == self._id(session, code, loan)) & (Event.trigger == trigger)
            return session.scalar(sa.select(sa.func.count(Event.id)).where(mine)) or 0

    def fees(self, code: str, loan: str) -> str:
        with self._at(code).db.reading() as session:
            request = session.get_one(Request, self._id(session, code, loan))
            return fees.in_words(fees.Ledger(session, request.library_id, request.id).balances())

    def in_days(self, code: str, days: int) -> str:
        """The day that it will be at a library, as people type it."""
        services = self._at(code)
        with services.db.reading() as session:
            today = libraries.find_library(session, code).today(services.clock.now())
        return (today + timedelta(days=days)).isoformat()

    def _report(self, story: Story) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for services in self._everywhere():
            with services.db.reading() as session:
                found += self._in_report(session, story)
        return {"name": story.name, "went_wrong": story.went_wrong, "requests": found}

    def _in_report(self, session: Any, story: Story) -> list[dict[str, Any]]:
        halves = [request for loan in story.references for request in self._halves(session, loan)]
        return [
            {
                "reference": request.reference,
                "library": request.library.code,
                "side": request.side,
                "state": request.state,
                "states": [
                    {"state": e.dest, "by": e.trigger, "at": e.at.astimezone(UTC).isoformat()}
                    for e in self._of(session, Event, request)
                ],
                "slips": [s.file for s in self._of(session, Slip, request) if s.file],
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

    def _of(self, session: Any, table: Any, request: Request) -> list[Any]:
        return list(session.scalars(sa.select(table).where(table.request_id == request.id).order_by(table.id)))
