"""How a letter becomes a mail that leaves: written down first, carried by promised work, its fate recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import copies, outbox
from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.mail.envelope import bare_address
from ill_workflow.mail.letters import TemplateBroken, as_html
from ill_workflow.mail.mailer import Attachment, Mail, Mailer, MailLater, MailRefused, MailUncertain, mailbox
from ill_workflow.mail.own import Written
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent, TryLater, Uncertain
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.pauses import MAIL
from ill_workflow.requests.models import MailRow, Notice

WAITING, SENT, SKIPPED, NO_ADDRESS = "waiting", "sent", "skipped", "no_address"
#: The most notices that one mail tells.
MOST_TOLD = 50
#: Work that is taken along is done a moment later, in the same transaction.
_LEASE = timedelta(seconds=10)


@dataclass(frozen=True)
class House:
    """By what the mails of this installation are known: no other one has the same, whatever its settings are."""

    identity: str
    domain: str


#: The address of a copy, by its name.
LinkOfCopy = Callable[[str], str]


@dataclass(frozen=True)
class Post:
    """What it takes to send a mail."""

    db: Database
    mailer: Mailer
    clock: Clock
    house: House
    slips: Path  #: folders of what may be attached
    copies: Path
    link_of_copy: LinkOfCopy | None = None  #: where partners of other installations fetch a copy


@dataclass(frozen=True)
class Draft:
    """A mail to be written down."""

    reader: str  #: patron, staff, slip or partner
    reader_id: int | None
    name: str  #: of the letter
    address: str
    written: Written
    attachments: tuple[dict[str, str], ...] = ()
    subjects: Mapping[int, str] = field(default_factory=dict)  #: of each notice by itself, by its work


Write = Callable[[Session, Sequence[Claimed]], Draft]
#: What else is recorded once a mail has left, by its Message-ID.
Also = Callable[[Session, str], None]


def mail_of(db: Database, claimed: Claimed) -> int | None:
    """The mail that this work carries, if it was written down at an earlier attempt."""
    with db.reading() as session:
        return session.scalar(sa.select(MailRow.id).where(MailRow.effect_id == claimed.id))


def send_as_one(post: Post, claims: Sequence[Claimed], write: Write, also: Also | None = None) -> Outside | Finish:
    """Send what these claims tell in one mail: the first carries it.

    It is written down before anything leaves, with all that it tells, and the others are done with that: whatever
    happens then, each attempt sends the same to the same end, under the same Message-ID.
    """
    first = claims[0]
    number = mail_of(post.db, first)
    if number is None:
        number = _write_down(post, claims, write)
    if number is None:
        return _nothing
    return deliver(post, first, number, also)


def deliver(post: Post, claimed: Claimed, number: int, also: Also | None = None) -> Outside:
    """Send a mail that was written down, to the address that its reader has now."""
    with post.db.reading() as session:
        row = session.get_one(MailRow, number)
        library, to = session.get_one(Library, row.library_id), current_reader(session, row)
    if row.text is None:
        raise Permanent("The text of this mail was forgotten. It can't be sent any more.")
    if not to.email:
        raise Permanent(f"{to.name} has no e-mail address. Add one, then send the mail again.")
    with sending():
        mail = Mail(
            message_id=row.message_id,
            sender=mailbox(library.name, library.email or f"ill@{post.house.domain}"),
            reply_to=library.reply_to or None,
            to=mailbox(to.name, to.email),
            subject=row.subject,
            text=row.text,
            html=as_html(row.text, row.language),
            attachments=tuple(_attached(post, kept) for kept in row.attachments),
        )
        address = bare_address("to", mail.to)

    def talk() -> Finish:
        with sending():
            post.mailer.send(mail, post.clock.now())
        return record

    def record(session: Session) -> None:
        left = {"fate": SENT, "sent_at": post.clock.now(), "address": address}
        session.execute(sa.update(MailRow).where(MailRow.id == number).values(**left))
        session.execute(sa.update(Notice).where(Notice.mail_id == number).values(address=address))
        if also:
            also(session, mail.message_id)

    return Outside(talk)


def keep_unsent(session: Session, post: Post, claimed: Claimed, draft: Draft, fate: str) -> None:
    """Write down what is not to be sent: nobody has an address, or the patron declines it."""
    row = _row(session, post, claimed, draft, fate)
    _notice(session, post, claimed, row, draft.written.letter.subject)


@dataclass(frozen=True)
class Reader:
    """To whom a mail goes."""

    name: str
    email: str


def current_reader(session: Session, row: MailRow) -> Reader:
    """The reader of a mail, with the address of today: whoever sends a mail again has mended it."""
    match row.reader:
        case "patron":
            patron = session.get(Patron, row.reader_id or 0)
            found = Reader(patron.name or patron.barcode, patron.email) if patron else None
        case "partner":
            partner = session.get(Partner, row.reader_id or 0)
            found = Reader(partner.name, partner.email) if partner else None
        case "slip":
            account = session.get(Account, row.reader_id or 0)
            found = Reader(account.full_name or account.name, account.email) if account else None
        case _:
            library = session.get(Library, row.reader_id or row.library_id)
            found = Reader(library.name, library.email) if library else None
    return found or Reader("The reader", row.address)


def attached_copy(claimed: Claimed) -> tuple[dict[str, str], ...]:
    """The copy that this step delivers as a file, if it does."""
    name = claimed.payload["inputs"].get("file")
    if not name or claimed.argument not in ("CopyCompleted", "document"):
        return ()
    called = f"{claimed.payload['request']['reference']}.{name.rpartition('.')[2]}"
    return ({"name": called, "folder": "copies", "file": name},)


def message_id(claimed: Claimed, house: House) -> str:
    """Made once, and kept with the mail: a mail server or a reader can see that another attempt is a repeat."""
    # After a backup was restored, numbers come again for other work: only with its time they are nobody else's.
    promised = round(claimed.created_at.timestamp() * 1000)
    return f"<ill-{house.identity}-{claimed.event_id or 0}-{claimed.id}-{promised:x}@{house.domain}>"


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


def _write_down(post: Post, claims: Sequence[Claimed], write: Write) -> int | None:
    """The number of the mail. None: somebody else has taken the work over.

    What can't be told together with others that wait is told by itself: one that is broken shall not spoil it.
    """
    try:
        with sending(), post.db.writing() as session:
            return _written_with(session, post, claims, write, MOST_TOLD - len(claims))
    except Permanent:
        if len(claims) > 1 or claims[0].reader is None:
            raise
    with sending(), post.db.writing() as session:
        return _written_with(session, post, claims, write, 0)


def _written_with(session: Session, post: Post, claims: Sequence[Claimed], write: Write, others: int) -> int | None:
    ours = outbox.still_ours(session, claims)
    if claims[0].id not in ours:
        return None
    told = [claimed for claimed in claims if claimed.id in ours]
    told += outbox.take_along(session, claims[0], max(others, 0), _LEASE)
    draft = write(session, told)
    row = _row(session, post, claims[0], draft, WAITING)
    row.request_id = claims[0].request_id if len({claimed.request_id for claimed in told}) == 1 else None
    if draft.reader != "partner":  # what partners are told stands among the messages
        for claimed in told:
            _notice(session, post, claimed, row, draft.subjects.get(claimed.id, draft.written.letter.subject))
    outbox.finish(session, told[1:])
    return row.id


def _row(session: Session, post: Post, claimed: Claimed, draft: Draft, fate: str) -> MailRow:
    letter = draft.written.letter
    row = MailRow(
        library_id=claimed.library_id, request_id=claimed.request_id, effect_id=claimed.id, reader=draft.reader,
        reader_id=draft.reader_id, name=draft.name, language=letter.language, template_version=draft.written.version,
        remark=draft.written.remark, address=draft.address, subject=letter.subject, text=letter.text,
        message_id=message_id(claimed, post.house) if fate == WAITING else "", attachments=list(draft.attachments),
        fate=fate, at=post.clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _notice(session: Session, post: Post, claimed: Claimed, row: MailRow, subject: str) -> None:
    notice: dict[str, Any] = {
        "library_id": claimed.library_id, "request_id": claimed.request_id,
        "to": "patron" if row.reader == "patron" else "staff", "address": row.address, "occasion": claimed.argument,
        "subject": subject, "message_id": row.message_id, "effect_id": claimed.id, "mail_id": row.id, "at": row.at,
    }  # fmt: skip
    session.add(Notice(**notice))


def _attached(post: Post, kept: Mapping[str, str]) -> Attachment:
    if kept["folder"] == "copies":
        maintype, subtype = copies.subtype(kept["file"])
        return Attachment(kept["name"], copies.read(post.copies, kept["file"]), subtype, maintype)
    path = post.slips / kept["file"]
    if not path.exists():
        raise BadInput(f"{kept['file']} is kept no longer. Print the slip again: ill slip print.", field="attachments")
    return Attachment(kept["name"], path.read_bytes())


def _nothing(session: Session) -> None:
    """Somebody else has it in hand."""
