"""A library that prints: what its staff do at the desk, by themselves and at once."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ill_workflow import libraries
from ill_workflow.requests.models import Request, Slip
from ill_workflow.slips import batches, fetching, printing, settings
from ill_workflow.slips.batches import How


class Desk:
    """The printing desk of a library, at which an account works. What was promised waits: printing needs no worker."""

    def __init__(self, stage, at: str = "MAIN", who: str = "operator") -> None:
        self.stage, self.db, self.clock, self.at, self.who = stage, stage.db, stage.clock, at, who
        stage.work = lambda: None

    def lets_workers_work(self) -> None:
        type(self.stage).work(self.stage)

    def library(self, session):
        return libraries.find_library(session, self.at)

    def account(self, session):
        return self.stage.account(session, self.who, self.at)

    def everybody(self):
        with self.db.reading() as session:
            return self.account(session), self.library(session)

    def waiting(self, layout: str | None = None) -> list[str]:
        """The references of the slips that nobody has printed."""
        with self.db.reading() as session:
            slips = batches.unprinted(session, self.library(session), layout=layout)
            return [session.get_one(Request, slip.request_id).reference for slip in slips]

    def prints(self, *halves, layout=None, again=False, file=None, how=None):
        """All that waits, or what is named."""
        account, library = self.everybody()
        with self.db.reading() as session:
            chosen = printing.Chosen() if halves else printing.all_waiting(session, library, layout)
            for half in halves:
                request = session.get_one(Request, half.id)
                chosen.add(printing.choose(session, library, request, layout, again=again))
        return printing.print_chosen(
            self.db, self.clock, account, library, chosen, file or self.file(), how or How(), again=again
        )

    def takes_up(self, *, location=None, file=None, seen=None):
        """Print Slip for all that has to be fetched."""
        account, library = self.everybody()
        things = seen if seen is not None else self.to_fetch(location)
        return printing.print_new(self.db, self.clock, account, library, things, file or self.file(), How())

    def to_fetch(self, location=None):
        with self.db.reading() as session:
            return fetching.to_fetch(session, self.library(session), location=location)

    def list(self, location=None) -> list[str]:
        return [thing.line.title for thing in self.to_fetch(location)]

    def begins(self, slip_ids=None):
        """Takes what waits, and stops there."""
        with self.db.writing() as session:
            library = self.library(session)
            ids = slip_ids or [slip.id for slip in batches.unprinted(session, library)]
            batch = batches.begin(session, library, self.account(session), self.file(), How(), self.clock)
            return batch.id, batches.take(session, batch.id, ids)

    def sets(self, **given: str) -> None:
        with self.db.writing() as session:
            settings.change(session, self.library(session), given)

    def file(self):
        folder = self.stage.services.settings.data
        folder.mkdir(exist_ok=True)
        return folder / "out.pdf"

    def printed(self) -> list[tuple[str, bool]]:
        with self.db.reading() as session:
            return [(s.layout, s.printed_at is not None) for s in session.scalars(sa.select(Slip).order_by(Slip.id))]


@pytest.fixture
def desk(quick_stage):
    return Desk(quick_stage)


@pytest.fixture
def open_desk():
    """A desk at a stage of one's own."""
    return Desk
