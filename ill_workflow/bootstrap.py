"""Puts the application together: settings and a bell become services, and each kind of work gets its function."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import outbox
from ill_workflow.circulation import Circulation, Item, NoCirculation, Shelf, StandIn
from ill_workflow.clock import Clock, SystemClock, TurnedClock
from ill_workflow.config import Settings
from ill_workflow.copies import link_of_copy
from ill_workflow.db import Database, make_engine
from ill_workflow.iso18626.sending import carry
from ill_workflow.libraries import Installation
from ill_workflow.mail.mailer import Mailer, SmtpMailer
from ill_workflow.mail.notices import alert_staff, notify_patron
from ill_workflow.mail.sending import House, Post, deliver
from ill_workflow.mail.slip_mail import email_slips
from ill_workflow.messages.transports import send
from ill_workflow.outbox import Bell, Claimed, Finish, Outside, SilentBell, TryLater
from ill_workflow.requests import actions, due_dates
from ill_workflow.requests.by import SYSTEM
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import from_json
from ill_workflow.slips.making import make_slip

#: Does one piece of promised work with no transaction open, or says what there is to do outside; what is left to write
#: when it is marked done.
Handler = Callable[["Services", Claimed], Finish | Outside | None]


#: Runs a periodic job for a slot, and says what came of it; None where that slot was run already.
RunJob = Callable[["Services", str, str], str | None]


def _no_worker(services: "Services", job: str, slot: str) -> str | None:
    raise TryLater(f"Only a worker knows how to do {job}.")


@dataclass(frozen=True)
class Services:
    """What doors and workers need."""

    settings: Settings
    db: Database
    clock: Clock
    mailer: Mailer
    bell: Bell
    circulation: Circulation
    handlers: Mapping[str, Handler] = field(default_factory=lambda: HANDLERS)  #: what does each kind of work
    run_job: RunJob = _no_worker  #: handed in by the workers

    @cached_property
    def house(self) -> House:
        """By what our mails are known."""
        with self.db.reading() as session:
            identity = session.scalar(sa.select(Installation.identity).limit(1))
        return House(identity or "", self.settings.mail_domain)

    @property
    def post(self) -> Post:
        """What it takes to send a mail."""
        folders = self.settings.slips, self.settings.copies
        return Post(self.db, self.mailer, self.clock, self.house, *folders, partial(link_of_copy, self.settings))


def start(
    settings: Settings, bell: Bell | None = None, *, clock: Clock | None = None, run_job: RunJob = _no_worker
) -> Services:
    """The services of an installation. Without a bell nothing is rung, and the sweep delivers."""
    bell = bell or SilentBell()
    settings.make_room()
    db = Database(make_engine(settings.url), announce=bell.ring)
    mailer = SmtpMailer(
        settings.smtp_host, settings.smtp_port, settings.smtp_user, settings.smtp_password, settings.smtp_tls,
        settings.smtp_timeout, answer_timeout=settings.smtp_answer_timeout,
    )  # fmt: skip
    demo = _is_demo(db)
    clock = clock or (TurnedClock(lambda: _offset(db)) if demo else SystemClock())
    circulation: Circulation = StandIn(DEMO_SHELVES) if demo else NoCirculation()
    return Services(settings, db, clock, mailer, bell, circulation, run_job=run_job)


def turn_clock(db: Database, by: timedelta) -> None:
    """Turn the demo's clock on. Raises ValueError in a database that no demo made."""
    with db.writing() as session:
        installation = session.scalar(sa.select(Installation))
        if installation is None or not installation.demo:
            raise ValueError("Only the clock of a demo can be turned.")
        installation.clock_offset += int(by.total_seconds())


#: What stands on the shelves of the demo's libraries, by ISBN.
DEMO_SHELVES = {
    "9780141439518": Shelf(True, "PR4034 .P7 2003", "Main stacks, level 2", "31234000551187"),
    "9780262033848": Shelf(True, "QA76.6 .C662 2009", "Science, level 1", "31234000870041"),
    "9780141441146": Shelf(False, reason="NotOnShelf"),
    "9785170909353": Shelf(True, "PG3366 .V6 2015", "Main stacks, level 3", "31234000733650"),
}


def _circulate(services: Services, claimed: Claimed) -> Outside:
    told = from_json(claimed.payload["request"])
    item = Item(
        reference=told["reference"],
        barcode=told["item_barcode"] or "",
        title=told["title"],
        isbn=told["isbn"],
        due=told["lender_due"].isoformat() if told["lender_due"] else "",
    )
    if claimed.argument == "find":
        return Outside(lambda: _availability(services, claimed, services.circulation.find(item)))

    def call() -> Finish | None:
        answer = services.circulation.call(claimed.argument, item)
        return lambda session: outbox.keep_answer(session, claimed, answer)

    return Outside(call)


def _availability(services: Services, claimed: Claimed, shelf: Shelf | None) -> Finish | None:
    """Record what the circulation system knows of the shelf, while that still matters."""
    if shelf is None:
        return None
    known = {
        "found": shelf.found, "call_number": shelf.call_number, "location": shelf.location,
        "item_barcode": shelf.item_barcode, "reason": "" if shelf.found else shelf.reason or "NotOnShelf",
    }  # fmt: skip

    def record(session: Session) -> None:
        outbox.keep_answer(session, claimed, shelf.answer)
        request = actions.locked(session, claimed.request_id or 0)
        if lifecycle_of(request).row("record_availability", request.state):
            actions.perform(session, request, "record_availability", by=SYSTEM, clock=services.clock, inputs=known)

    return record


def _send_message(services: Services, claimed: Claimed) -> Finish | Outside:
    private = services.settings.private_partners
    return send(
        services.post,
        claimed,
        over_http=lambda outgoing: carry(services.post, claimed, outgoing, may_be_private=private),
    )


def _slip(services: Services, claimed: Claimed) -> Finish:
    _name, finish = make_slip(services.db, services.settings.slips, claimed)
    return finish


def _run_job(services: Services, claimed: Claimed) -> Finish:
    # Where a worker died with it, it is run once more.
    said = services.run_job(services, claimed.argument, f"asked {claimed.id}.{claimed.attempts}")
    return lambda session: outbox.keep_answer(session, claimed, said or "")


@dataclass(frozen=True)
class Together:
    """Work that is done as one where several wait at once: those that have the same key."""

    key: Callable[[Claimed], Hashable]
    handler: Callable[[Services, Sequence[Claimed]], Finish | Outside]


#: Several slips for one member of staff are one mail, and so are several notices that wait for the same reader.
TOGETHER: Mapping[str, Together] = {
    "email_slip": Together(
        lambda claimed: (claimed.library_id, claimed.payload["account"]), lambda s, claims: email_slips(s.post, claims)
    ),
    "notify_patron": Together(
        lambda claimed: claimed.reader or claimed.id, lambda s, claims: notify_patron(s.post, claims)
    ),
    "alert_staff": Together(
        lambda claimed: claimed.reader or claimed.id, lambda s, claims: alert_staff(s.post, claims)
    ),
}

HANDLERS: Mapping[str, Handler] = {
    "generate_slip": _slip,
    "email_slip": lambda s, claimed: email_slips(s.post, [claimed]),
    "send_message": _send_message,
    "notify_patron": lambda s, claimed: notify_patron(s.post, [claimed]),
    "alert_staff": lambda s, claimed: alert_staff(s.post, [claimed]),
    "send_letter": lambda s, claimed: deliver(s.post, claimed, int(claimed.argument)),
    "circulation": _circulate,
    "schedule_due_date_check": lambda s, claimed: (
        lambda session: due_dates.rebuild(session, claimed.request_id or 0, s.clock)
    ),
    "run_job": _run_job,
}


def _is_demo(db: Database) -> bool:
    with db.reading() as session:
        if not sa.inspect(session.connection()).has_table("installation"):
            return False
        return bool(session.scalar(sa.select(Installation.demo).limit(1)))


def _offset(db: Database) -> timedelta:
    with db.reading() as session:
        seconds: Any = session.scalar(sa.select(Installation.clock_offset).where(Installation.demo.is_(True)).limit(1))
    return timedelta(seconds=seconds or 0)
