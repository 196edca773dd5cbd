"""One installation in the long test: it is put back for each run, its workers can die, and its messages lie in a post
office."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ill_workflow import libraries, outbox, partners
from ill_workflow.bootstrap import HANDLERS, Handler
from ill_workflow.clock import FixedClock
from ill_workflow.errors import IllError
from ill_workflow.fees import LedgerLine
from ill_workflow.mail.mailer import Mail, MailUncertain, RememberingMailer
from ill_workflow.outbox import READY, RUNNING, EffectRow, Outside, TryLater
from ill_workflow.pauses import Pause
from ill_workflow.requests import actions, due_dates
from ill_workflow.requests.by import SYSTEM, By
from ill_workflow.requests.models import Event, MessageRow, Notice, Piece, Receipt, Request, Slip
from ill_workflow.timers import TimerRow
from state_machines.declaration import PATRON
from tests.plugins.stage import Half, Stage
from tests.stateful.inputs import COPY
from tests.stateful.office import Office
from workers.drain import take_back_abandoned, work_off

#: What a step may leave no trace in, if it was refused.
TABLES = (Event, EffectRow, LedgerLine, Piece, Receipt, TimerRow, MessageRow, Notice, Slip)


@dataclass(frozen=True)
class Snapshot:
    """A place at a beginning, to be put back."""

    database: bytes
    now: datetime
    mails: tuple[Mail, ...]
    calls: tuple[Any, ...]
    slips: tuple[tuple[str, bytes], ...]


class DroppingMailer(RememberingMailer):
    """Remembers every mail; where it is told to, the line drops before the server has answered."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = False

    def send(self, mail: Mail, at: datetime) -> None:
        super().send(mail, at)
        if self.drop:
            self.drop = False
            raise MailUncertain("The line dropped before the server had answered.")


class Place(Stage):
    """A stage that is put back for each run. `everybody` is what lets workers work: those of all places."""

    everybody: Callable[[], None]

    def __init__(self, url: str, folder: Path, office: Office, clock: FixedClock) -> None:
        self.everybody = super().work
        super().__init__(url, folder, clock=clock)
        self.file, self.office = Path(self.db.engine.url.database or ""), office
        self.mailer = DroppingMailer()
        # What waits for the machine's own time waits until we say so: what a run does must not hang on how fast it is.
        patient = {"retry_base_seconds": 1e6, "retry_cap_seconds": 1e6}
        settings = self.services.settings.model_copy(update=patient)
        handlers = self._handlers()
        self.services = replace(self.services, settings=settings, mailer=self.mailer, handlers=handlers)
        self.local = self.services.settings.copies
        self.local.mkdir(parents=True)
        (self.local / COPY).write_bytes(b"%PDF-1.4 a copy")
        self.trouble: str | None = None  #: the kind of work that fails at its next attempt
        self.surplus: Counter[tuple[str, Any]] = Counter()  #: what may have happened once more, because we let it

    def begins(self) -> None:
        """A run begins here."""
        self.trouble, self.mailer.drop = None, False
        self.surplus.clear()

    def work(self) -> None:
        self.everybody()

    def work_here(self) -> None:
        super().work()

    def agree(self, at: str, code: str, terms: Mapping[str, Any], **more: Any) -> None:
        with self.db.writing() as session:
            entry = partners.find_partner(session, libraries.find_library(session, at).id, code)
            partners.change_partner(session, entry, terms=dict(terms), **more)
            due_dates.reckon_anew(session, entry.library_id, entry.id)

    def photograph(self) -> Snapshot:
        with self.db.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        self.db.engine.dispose()
        folder = self.services.settings.slips
        slips = tuple((path.name, path.read_bytes()) for path in sorted(folder.glob("*.pdf")))
        return Snapshot(
            self.file.read_bytes(), self.clock.now(), tuple(self.mailer.mails), tuple(self.circulation.calls), slips
        )

    def put_back(self, snapshot: Snapshot) -> None:
        self.db.engine.dispose()
        for end in ("-wal", "-shm"):
            Path(f"{self.file}{end}").unlink(missing_ok=True)
        self.file.write_bytes(snapshot.database)
        self.clock.turn(snapshot.now)
        self.mailer.mails[:], self.mailer.messages[:] = snapshot.mails, ()
        self.circulation.calls[:] = snapshot.calls
        folder = self.services.settings.slips
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in snapshot.slips:
            (folder / name).write_bytes(content)

    # Who is there

    def halves(self) -> list[Half]:
        with self.db.reading() as session:
            return [Half(self, number) for number in session.scalars(sa.select(Request.id).order_by(Request.id))]

    def by(self, session, actor: str, request: Request) -> By:
        """operator, manager, patron, system; or how staff were told: phone, mail, paper."""
        if actor == "patron":
            return By(PATRON)
        if actor == "system":
            return SYSTEM
        told = actor if actor in ("phone", "mail", "paper") else None
        return By.staff(self.account(session, "operator" if told else actor, request.library.code), told)

    # What people do

    def tries(self, half: Half, trigger: str, *, actor: str, inputs: Mapping[str, Any], **more: Any) -> Any:
        """Take an action. What is refused is refused with a sentence, and leaves no trace."""
        return self.attempt(
            lambda session, request: actions.perform(
                session, request, trigger, by=self.by(session, actor, request), clock=self.clock, inputs=inputs, **more
            ),
            half,
        )

    def attempt(self, act: Callable[[Any, Request], Any], half: Half) -> Any:
        self.clock.advance(timedelta(seconds=1))
        before, refused = self.trace(), None
        try:
            with self.db.writing() as session:
                return act(session, actions.locked(session, half.id))
        except IllError as refusal:
            refused = refusal
        assert refused.message, f"{type(refused).__name__} without a sentence"
        assert self.trace() == before, f"refused ({refused.message}), and yet something has changed"
        return refused

    def trace(self) -> list[Any]:
        """Enough of all tables to see that something was added, changed or taken away."""
        counted = [sa.select(sa.literal(t.__tablename__), sa.func.count(), sa.func.max(t.id)) for t in TABLES]
        with self.db.reading() as session:
            versions = session.execute(sa.select(Request.id, Request.version, Request.state).order_by(Request.id)).all()
            return [*map(tuple, session.execute(sa.union_all(*counted))), *map(tuple, versions)]

    def story(self) -> list[tuple[datetime, str]]:
        """What has happened to all halves here, each with its time."""
        with self.db.reading() as session:
            names = {r.id: f"{r.side} {r.reference}" for r in session.scalars(sa.select(Request))}
            events = session.scalars(sa.select(Event).order_by(Event.id)).all()
            effects: dict[int | None, list[str]] = {}
            for e in session.scalars(sa.select(EffectRow).order_by(EffectRow.id)):
                if e.kind != "schedule_due_date_check":
                    effects.setdefault(e.event_id, []).append(f"{e.kind}({e.argument}) {e.status}")
            return [
                (
                    e.at,
                    f"{e.id:>3} {e.at:%m-%d %H:%M} {names[e.request_id]}: {e.source or '-'} -> {e.dest} by {e.trigger}"
                    f" ({e.actor}{f' told by {e.told_by}' if e.told_by else ''}) {e.inputs or ''}"
                    f" {effects.get(e.id, '')}",
                )
                for e in events
            ]

    # What machines do

    def _handlers(self) -> dict[str, Handler]:
        handlers = {kind: self._troubled(kind, handler) for kind, handler in HANDLERS.items()}
        send: Handler = lambda services, claimed: self.office.send(services, claimed)  # noqa: E731
        return {**handlers, "send_message": self._troubled("send_message", send)}

    def _troubled(self, kind: str, handler: Handler) -> Handler:
        def handle(services, claimed):
            if self.trouble == kind:
                self.trouble = None
                raise TryLater("It did not work this once.")
            return handler(services, claimed)

        return handle

    def worker_dies(self, kind: str, *, afterwards: bool) -> bool:
        """A worker takes up work and is never heard of again: before it did anything, or after it had happened."""
        with self.db.writing() as session:
            taken = outbox.claim(session, kind, limit=1, lease=timedelta(seconds=10))
        if not taken:
            return False
        if afterwards:
            work = self.services.handlers[kind](self.services, taken[0])
            if isinstance(work, Outside):
                with suppress(TryLater):  # it may as well die when nothing has got through
                    work.talk()
                    self.surplus[self._outside(taken[0])] += 1
        return True

    def _outside(self, claimed: outbox.Claimed) -> tuple[str, Any]:
        if claimed.kind == "circulation":
            return "call", (claimed.argument, claimed.payload["request"]["reference"])
        return "mail", claimed.id

    def waits_for_machines(self) -> None:
        """Leases run out, waits are over, what rested goes on."""
        with self.db.writing() as session:
            past = outbox.db_time(session, timedelta(seconds=-1))
            session.execute(sa.update(EffectRow).where(EffectRow.status == READY).values(available_at=past))
            session.execute(sa.update(EffectRow).where(EffectRow.status == RUNNING).values(lease_until=past))
            session.execute(sa.delete(Pause))
        take_back_abandoned(self.services)

    def ages(self, by: timedelta) -> None:
        """So much time has passed for machines, too, since they promised what is not done yet."""
        with self.db.writing() as session:
            for effect in session.scalars(sa.select(EffectRow).where(EffectRow.status.in_((READY, RUNNING)))):
                effect.created_at -= by
                effect.available_at -= by

    def fire(self) -> None:
        fired = due_dates.fire_due(
            self.db, self.clock, work_off=lambda: work_off(self.services, "schedule_due_date_check")
        )
        assert not fired.failed, "a timer could not be fired"
