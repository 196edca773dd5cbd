"""Letters about a request: to its patron, to the staff of the library, and slips by mail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import copies
from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.mail.envelope import bare_address
from ill_workflow.mail.letters import Letter, LetterValues, TemplateBroken, write_letter
from ill_workflow.mail.mailer import Attachment, Mail, Mailer, MailLater, MailRefused, MailUncertain, mailbox
from ill_workflow.mail.sentences import ALERTS
from ill_workflow.outbox import (
    MAIL,
    Claimed,
    Finish,
    Outside,
    Permanent,
    Promise,
    TryLater,
    Uncertain,
    promise,
)
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import Notice, Request, Slip
from ill_workflow.slips.making import make_slip


@dataclass(frozen=True)
class House:
    """By what the mails of this installation are known: no other one has the same, whatever its settings are."""

    identity: str
    domain: str


#: Notices of which a patron has to hear one way or the other.
URGENT = ("ready_for_pickup", "ready", "overdue", "recalled", "document")


def notify_patron(
    db: Database, mailer: Mailer, clock: Clock, house: House, folder: Path, claimed: Claimed
) -> Finish | Outside:
    """Write to the patron. One without an address gets no mail: the notice stands on the request alone."""
    with db.reading() as session:
        request = session.get_one(Request, claimed.request_id)
        library, partner, patron = request.library, request.partner, request.patron
    if patron is None:
        raise Permanent("The request has no patron.")
    occasion = "overdue" if claimed.argument.startswith("overdue") else claimed.argument
    with sending():
        letter = write_letter(occasion, values_of(claimed, library, partner, patron=patron))
        files = attached_copy(folder, claimed)
    if not patron.email:
        return lambda session: _tell_staff_instead(session, claimed, letter, clock)
    to = mailbox(patron.name, patron.email)
    return _send(mailer, clock, house, claimed, library, letter, "patron", to, files)


def _tell_staff_instead(session: Session, claimed: Claimed, letter: Letter, clock: Clock) -> None:
    """The notice stands on the request, and where the patron has something to do somebody has to say so."""
    _remember(session, claimed, "patron", "", letter, "", clock)
    if claimed.argument in URGENT:
        alert = Promise(
            "alert_staff", f"instead of {claimed.id}", "patron_has_no_address", claimed.library_id,
            claimed.request_id, claimed.event_id, claimed.payload, destination=MAIL,
        )  # fmt: skip
        promise(session, [alert])


def alert_staff(db: Database, mailer: Mailer, clock: Clock, house: House, claimed: Claimed) -> Finish | Outside:
    """Write to the staff's mailbox. A library without one sees the alert on the request alone."""
    with db.reading() as session:
        request = session.get_one(Request, claimed.request_id)
        library, partner = request.library, request.partner
        label = lifecycle_of(request).label(claimed.payload["request"]["state"])
    # What waited is named after its timer.
    precise = f"{claimed.argument}_{claimed.payload['inputs'].get('timer')}"
    occasion = precise if precise in ALERTS else claimed.argument
    with sending():
        letter = write_letter(f"alert_{occasion}", values_of(claimed, library, partner, state_label=label))
    if not library.email:
        return lambda session: _remember(session, claimed, "staff", "", letter, "", clock)
    return _send(mailer, clock, house, claimed, library, letter, "staff", mailbox(library.name, library.email))


def email_slips(
    db: Database, mailer: Mailer, clock: Clock, house: House, folder: Path, claims: Sequence[Claimed]
) -> Outside:
    """Mail slips to the staff member who printed them, all in one mail; makes those that aren't there yet."""
    first, slips, records = claims[0], list[Attachment](), list[Finish]()
    with db.reading() as session:
        library = session.get_one(Request, first.request_id).library
        partner = session.get_one(Request, first.request_id).partner
        account = session.get(Account, first.payload["account"] or 0)
    if account is None or not account.email:
        raise Permanent(f"{account.name if account else 'Whoever printed it'} has no e-mail address.")
    for claimed in claims:
        name = _slip_of(db, folder, claimed, records)
        slips.append(Attachment(filename=name, content=(folder / name).read_bytes()))
    told = [claimed.payload["request"] for claimed in claims]
    lines = tuple((t["reference"], t["title"]) for t in told) if len(claims) > 1 else ()
    with sending():
        letter = write_letter("slip", replace(values_of(first, library, partner), lines=lines))
    to, others = mailbox(account.full_name, account.email), claims[1:]

    def also(session: Session) -> None:
        for record in records:
            record(session)
        for claimed in others:
            _remember(session, claimed, "staff", account.email, letter, message_id(first, house), clock)

    return _send(mailer, clock, house, first, library, letter, "staff", to, tuple(slips), also)


def _slip_of(db: Database, folder: Path, claimed: Claimed, records: list[Finish]) -> str:
    """The file of a slip; where it is made only now, that is to be recorded."""
    with db.reading() as session:
        mine = sa.select(Slip.file).where(Slip.event_id == claimed.event_id, Slip.layout == claimed.argument)
        made = session.scalar(mine)
    if not made or not (folder / made).exists():
        made, record = make_slip(db, folder, claimed)
        records.append(record)
    return made


def attached_copy(folder: Path, claimed: Claimed) -> tuple[Attachment, ...]:
    """The copy that this step delivers as a file, if it does. Raises BadInput where it is kept no longer."""
    name = claimed.payload["inputs"].get("file")
    if not name or claimed.argument not in ("CopyCompleted", "document"):
        return ()
    maintype, subtype = copies.subtype(name)
    called = f"{claimed.payload['request']['reference']}.{name.rpartition('.')[2]}"
    return (Attachment(called, copies.read(folder, name), subtype, maintype),)


def message_id(claimed: Claimed, house: House) -> str:
    """The same for every attempt at the same work, so that a mail server or a reader can see a repeat."""
    return f"<ill-{house.identity}-{claimed.event_id or 0}-{claimed.id}@{house.domain}>"


@contextmanager
def sending() -> Iterator[None]:
    """What the mail says about its failures, in the words of promised work."""
    try:
        yield
    except BadInput as trouble:
        raise Permanent(f"{trouble.field}: {trouble.message}") from trouble
    except (MailRefused, TemplateBroken) as trouble:
        raise Permanent(trouble.message) from trouble
    except MailUncertain as trouble:
        raise Uncertain(trouble.message) from trouble
    except MailLater as trouble:
        raise TryLater(trouble.message, down=MAIL if trouble.destination_down else None) from trouble


def values_of(
    claimed: Claimed,
    library: Library,
    partner: Partner | None,
    wire_id: str | None = None,
    *,
    patron: Patron | None = None,
    state_label: str = "",
) -> LetterValues:
    """The plain values that a letter may use: as they were when it was promised."""
    told, inputs = from_json(claimed.payload["request"]), from_json(claimed.payload["inputs"])
    amounts = from_json(claimed.payload["charged"]) or {}
    amount = inputs.get("amount", inputs.get("cost"))
    currency = inputs.get("currency") or claimed.payload["currency"]
    owed = " and ".join(f"{value:.2f} {currency}" for currency, value in amounts.items() if value > 0)
    due = told["patron_due"] if patron else told["lender_due"]
    return LetterValues(
        reference=wire_id or told["reference"],
        title=told["title"],
        author=told["author"],
        library_name=library.name,
        library_reply_to=library.reply_to or library.email,
        library_address=library.address,
        patron_name=patron.name if patron else "",
        pickup_location=patron.pickup_location if patron else "",
        partner_name=partner.name if partner else "",
        due_date=due,
        return_by=told["return_by"] or inputs.get("return_by"),
        level=0 if claimed.argument == "overdue_level_0" else 1 + told["notice_level"],
        reason=str(inputs.get("reason") or inputs.get("problems") or ""),
        note=str(inputs.get("note") or ""),
        amount=owed or (f"{amount:.2f} {currency}" if amount is not None else ""),
        link=str(inputs.get("link") or ""),
        file=bool(inputs.get("file")),
        state_label=state_label,
        occasion=claimed.argument,
        service=told["service"],
        need_by=told["need_by"],
        call_number=told["call_number"] or "",
        item_barcode=told["item_barcode"] or "",
        partner_reference=told["partner_request_id"] or "",
        conditions=tuple(told["conditions"] or ()),
    )


def _send(
    mailer: Mailer, clock: Clock, house: House, claimed: Claimed, library: Library, letter: Letter, reader: str,
    to: str, attachments: tuple[Attachment, ...] = (), also: Finish | None = None,
) -> Outside:  # fmt: skip
    mail_id = message_id(claimed, house)
    with sending():
        mail = Mail(
            message_id=mail_id,
            sender=mailbox(library.name, library.email or f"ill@{house.domain}"),
            reply_to=library.reply_to or None,
            to=to,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            attachments=attachments,
        )

    def talk() -> Finish:
        with sending():
            mailer.send(mail, clock.now())
        return record

    def record(session: Session) -> None:
        if also:
            also(session)
        _remember(session, claimed, reader, bare_address("to", to), letter, mail_id, clock)

    return Outside(talk)


def _remember(
    session: Session, claimed: Claimed, reader: str, address: str, letter: Letter, mail_id: str, clock: Clock
) -> None:
    notice: dict[str, Any] = {
        "library_id": claimed.library_id, "request_id": claimed.request_id, "to": reader, "address": address,
        "occasion": claimed.argument, "subject": letter.subject, "message_id": mail_id, "effect_id": claimed.id,
        "at": clock.now(),
    }  # fmt: skip
    session.add(Notice(**notice))
