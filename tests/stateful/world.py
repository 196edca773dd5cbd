"""The world of the long test: Main borrows, Riverside lends, Hilltop reads mail; a post office lies between them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ill_workflow import libraries, outbox, partners
from ill_workflow.bootstrap import HANDLERS, Handler
from ill_workflow.errors import IllError
from ill_workflow.fees import LedgerLine
from ill_workflow.mail.mailer import Mail, MailUncertain, RememberingMailer
from ill_workflow.messages import transports
from ill_workflow.messages.inbound import receive
from ill_workflow.outbox import READY, RUNNING, EffectRow, Outside, Pause, TryLater
from ill_workflow.requests import actions, due_dates
from ill_workflow.requests.by import SYSTEM, By
from ill_workflow.requests.models import Event, MessageRow, Notice, Piece, Receipt, Request, Slip
from ill_workflow.timers import TimerRow
from state_machines.declaration import PATRON
from tests.plugins.stage import START, Half, Stage
from tests.stateful.inputs import COPY
from tests.stateful.office import PostOffice
from workers.drain import take_back_abandoned, work_off, work_off_all

#: How a run may begin: what was done before its first step.
BEGINNINGS: Mapping[str, Callable[[Half], None]] = {}
#: Timers that come again and again while somebody is waited for.
REPEATING = frozenset({"respond_by", "answer_by", "ship_by", "arrive_by", "completion_by", "return_by"})
#: What a step may leave no trace in, if it was refused.
TABLES = (Event, EffectRow, LedgerLine, Piece, Receipt, TimerRow, MessageRow, Notice, Slip)


@dataclass(frozen=True)
class Policy:
    """What was agreed between the two branches, as far as a run may choose it."""

    renews_by_itself: bool | None = None
    accepts_cancel_unshipped: bool = False
    lost_after_days: int | None = None
    loan_days: int = 10
    wants_received: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The world at a beginning, to be put back."""

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


class World(Stage):
    """A stage that is put back for each run, whose workers can die and whose messages lie in a post office."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder)
        sa.event.listen(self.db.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.file, self.office = Path(self.db.engine.url.database or ""), PostOffice(self.db, self.clock)
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
        self.prompt = False
        self._snapshots = {("", ""): self._photograph()}
        self._base = self._snapshots["", ""]

    # A run

    def begin(self, beginning: str, service: str, rota: tuple[str, ...], policy: Policy, *, order: bool) -> Half:
        """Put the world back to a beginning; the half that the run is about."""
        name = f"{beginning} {service} {rota}"
        known = self._snapshots.get((name, ""))
        if known is None:
            self._put_back(self._base)
            self.office.begin(order=True)
            self.prompt = True
            half = BEGINNINGS[beginning](self, service, rota)
            self.work()
            known = self._snapshots[name, ""] = self._photograph()
            self._firsts = {**getattr(self, "_firsts", {}), name: half.id}
        self._put_back(known)
        self.office.begin(order=order)
        self.trouble, self.prompt = None, False
        self.surplus.clear()
        self.mailer.drop = False
        for ours, theirs in (("MAIN", "RIV"), ("RIV", "MAIN")):
            self._agree(ours, theirs, policy)
        return Half(self, self._firsts[name])

    def _agree(self, at: str, code: str, policy: Policy) -> None:
        terms = {
            "renews_by_itself": policy.renews_by_itself, "lost_after_days": policy.lost_after_days,
            "accepts_cancel_unshipped": policy.accepts_cancel_unshipped, "loan_days": policy.loan_days,
            "wants_received": policy.wants_received, "ladder": [3], "pickup_days": 5, "transit_days": 1,
        }  # fmt: skip
        with self.db.writing() as session:
            entry = partners.find_partner(session, libraries.find_library(session, at).id, code)
            partners.change_partner(session, entry, terms=terms)
            due_dates.reckon_anew(session, entry.library_id, entry.id)

    def _photograph(self) -> Snapshot:
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

    def _put_back(self, snapshot: Snapshot) -> None:
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

    def story(self) -> str:
        """What has happened to all halves, in order, for whoever has to find out why."""
        with self.db.reading() as session:
            names = {r.id: f"{r.side} {r.reference}" for r in session.scalars(sa.select(Request))}
            events = session.scalars(sa.select(Event).order_by(Event.id)).all()
            effects: dict[int | None, list[str]] = {}
            for e in session.scalars(sa.select(EffectRow).order_by(EffectRow.id)):
                if e.kind != "schedule_due_date_check":
                    effects.setdefault(e.event_id, []).append(f"{e.kind}({e.argument}) {e.status}")
            return "\n".join(
                f"{e.id:>3} {e.at:%m-%d %H:%M} {names[e.request_id]}: {e.source or '-'} -> {e.dest} by {e.trigger}"
                f" ({e.actor}{f' told by {e.told_by}' if e.told_by else ''}) {e.inputs or ''} {effects.get(e.id, '')}"
                for e in events
            )

    # What machines do

    def _handlers(self) -> dict[str, Handler]:
        handlers = {kind: self._troubled(kind, handler) for kind, handler in HANDLERS.items()}

        def send(services, claimed):
            take_in = receive if self.prompt else self.office.takes_in
            return transports.send(services.post, claimed, take_in)

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

    def turn(self, by: timedelta) -> None:
        """The calendar goes on, and what is due is fired."""
        self.clock.turn((self.clock.now() + by).astimezone(UTC))
        self.fire()

    def fire(self) -> None:
        fired = due_dates.fire_due(
            self.db, self.clock, work_off=lambda: work_off(self.services, "schedule_due_date_check")
        )
        assert not fired.failed, "a timer could not be fired"

    def everything_arrives(self) -> None:
        """All promised work is done and all messages are delivered; where no order is kept, the last comes first."""
        for _ in range(100):
            self.waits_for_machines()
            done = work_off_all(self.services)
            while ready := self.office.ready():
                self.office.deliver(ready[0 if self.office.in_order else -1])
                done += 1
            if not done:
                return
        raise AssertionError("they talk to each other without end")

    def until_quiet(self) -> None:
        """Let the calendar run until only those reminders are left that come again and again."""
        self.everything_arrives()
        for _ in range(30):
            with self.db.reading() as session:
                waiting = session.execute(sa.select(TimerRow.name, TimerRow.slot, TimerRow.due_at)).all()
            if all(name in REPEATING and int(slot.rpartition(" ")[2]) >= 2 for name, slot, _ in waiting):
                return
            first = min(due_at for *_, due_at in waiting)
            self.turn(max(first - self.clock.now(), timedelta(0)) + timedelta(days=4))
            self.everything_arrives()
        raise AssertionError(f"the calendar never comes to rest: {waiting}")


def beginning(name: str):
    def register(begin):
        BEGINNINGS[name] = begin
        return begin

    return register


def _asks(world: World, service: str, rota: tuple[str, ...], **more: Any) -> Half:
    fields = {"article_title": "On letters"} if service == "copy" else {}
    return world.borrows(ask=rota, service=service, **fields, **more)


@beginning("typed in")
def _typed_in(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return _asks(world, service, rota, send=False, need_by=(START + timedelta(days=12)).date().isoformat())


@beginning("asked")
def _asked(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return _asks(world, service, rota)


@beginning("shipped")
def _shipped(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        lent = world.other_half(half)
        if service == "copy":
            lent.does("deliver_copy", on_paper=True)
        else:
            lent.does("ship", condition_checked=True, item_barcode="312")
    else:
        half.does("partner_shipped", told_by="mail", item_barcode="H-312")
    return half


@beginning("with the patron")
def _with_the_patron(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _shipped(world, service, rota)
    half.does("receive", condition_checked=True)
    if service == "loan":
        half.does("check_out")
    return half


@beginning("several pieces")
def _several_pieces(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("ship", condition_checked=True, item_barcode="312", pieces=["P-2", "P-3"])
    else:
        half.does("partner_shipped", told_by="mail", item_barcode="312", pieces=["312", "P-2", "P-3"])
    half.does("receive", condition_checked=True)
    return half


@beginning("a condition was set")
def _a_condition_was_set(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("add_condition", condition="LibraryUseOnly", cost="12.50")
    else:
        half.does("partner_sets_condition", told_by="mail", condition="LibraryUseOnly")
    return half


@beginning("asked for later")
def _asked_for_later(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("offer_retry", reason="OnLoan")
    else:
        half.does("partner_offers_retry", told_by="mail", reason="OnLoan")
    return half


@beginning("called off")
def _called_off(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    half.does("cancel", reason="not needed")
    return half


@beginning("asked to renew")
def _asked_to_renew(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("request_renewal")
    return half


@beginning("recalled")
def _recalled(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("recall", return_by=(START + timedelta(days=6)).date().isoformat())
    else:
        half.does("partner_recalled", told_by="mail", return_by=(START + timedelta(days=6)).date().isoformat())
    return half


@beginning("lost")
def _lost(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("report_lost")
    return half


@beginning("on the way back")
def _on_the_way_back(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("ship_back")
    return half


@beginning("lent to Hilltop")
def _lent_to_hilltop(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return world.lends(at="RIV", to="HILL", service=service)
