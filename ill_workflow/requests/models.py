"""The tables of a request: what it is, what happened to it, what was said about it."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ill_workflow.accounts import Account
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.libraries import Library
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron

BORROWING, LENDING = "borrowing", "lending"
#: What is due on no day is put in order behind all that is.
NO_DAY = date(9999, 12, 31)


def _byte_by_byte(longest: int) -> sa.types.TypeEngine[str]:
    """A text that is put in order in the same way on every database, whatever its language."""
    return sa.String(longest).with_variant(sa.String(longest, collation="C"), "postgresql")


class Request(Base):
    """One half of a request: the borrowing half at one library, or the lending half at another."""

    __tablename__ = "request"
    __table_args__ = (
        sa.UniqueConstraint("library_id", "side", "reference"),
        # The lists, in each of their orders, read from the start of an index and no further than a page.
        sa.Index("ix_request_by_age", "library_id", "side", "state", "id"),
        sa.Index("ix_request_by_due", "library_id", "side", "state", "due_key", "id"),
        sa.Index("ix_request_by_title", "library_id", "side", "state", "title_key", "id"),
        sa.Index("ix_request_by_partner", "library_id", "side", "state", "partner_key", "id"),
        sa.Index("ix_request_of_partner", "partner_id", "side", "state", "due_key", "id"),
        sa.Index(
            "ix_request_assigned",
            "assigned_to_id",
            "library_id",
            "side",
            "state",
            sqlite_where=sa.text("assigned_to_id IS NOT NULL"),
            postgresql_where=sa.text("assigned_to_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_request_alert",
            "library_id",
            "side",
            "alert_at",
            sqlite_where=sa.text("alert_at IS NOT NULL"),
            postgresql_where=sa.text("alert_at IS NOT NULL"),
        ),
        sa.Index(None, "patron_id"),
        sa.Index(None, "library_id", "item_barcode"),
        sa.Index(None, "library_id", "temporary_barcode"),
        sa.Index(None, "library_id", "partner_request_id"),
        sa.Index(None, "partner_id", "partner_request_id"),
        sa.Index(None, "library_id", "side", "id"),
        sa.Index(None, "follows_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    side: Mapped[str] = mapped_column(sa.String(16))  #: borrowing or lending
    reference: Mapped[str] = mapped_column(sa.String(32))  #: short, printed and scanned
    version: Mapped[int] = mapped_column(nullable=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))  #: who is asked, or who asks
    partner_request_id: Mapped[str | None] = mapped_column(sa.String(255))  #: what the partner calls it, verbatim
    wire_id: Mapped[str | None] = mapped_column(sa.String(48))  #: borrowing: the id under which the partner was asked
    patron_id: Mapped[int | None] = mapped_column(sa.ForeignKey("patron.id"))
    follows_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"))  #: that one again

    service: Mapped[str] = mapped_column(sa.String(8), default="loan")
    title: Mapped[str] = mapped_column(sa.Text)
    author: Mapped[str] = mapped_column(sa.Text, default="")
    isbn: Mapped[str] = mapped_column(sa.String(13), default="")
    issn: Mapped[str] = mapped_column(sa.String(9), default="")
    publisher: Mapped[str] = mapped_column(sa.Text, default="")
    year: Mapped[str] = mapped_column(sa.String(16), default="")
    volume: Mapped[str] = mapped_column(sa.String(64), default="")
    pages: Mapped[str] = mapped_column(sa.String(64), default="")
    article_title: Mapped[str] = mapped_column(sa.Text, default="")
    partner_note: Mapped[str] = mapped_column(sa.Text, default="")
    patron_note: Mapped[str] = mapped_column(sa.Text, default="")
    internal_note: Mapped[str] = mapped_column(sa.Text, default="")

    state: Mapped[str] = mapped_column(sa.String(32))
    previous_state: Mapped[str | None] = mapped_column(sa.String(32))
    state_since: Mapped[datetime] = mapped_column(UTCDateTime)
    on_paper: Mapped[bool] = mapped_column(default=False)
    need_by: Mapped[date | None]
    expected_by: Mapped[date | None]
    reply_by: Mapped[date | None]
    not_before: Mapped[date | None]
    lender_due: Mapped[date | None]
    due_before_recall: Mapped[date | None]
    due_assumed: Mapped[bool] = mapped_column(default=False)
    patron_due: Mapped[date | None]
    return_by: Mapped[date | None]
    notice_level: Mapped[int] = mapped_column(default=0)
    renewals: Mapped[int] = mapped_column(default=0)
    renewal_asked: Mapped[bool] = mapped_column(default=False)
    ends_unfilled: Mapped[bool] = mapped_column(default=False)
    kept_recall: Mapped[bool] = mapped_column(default=False)
    kept_overdue: Mapped[bool] = mapped_column(default=False)
    rota_position: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    item_barcode: Mapped[str | None] = mapped_column(sa.String(64))
    piece_count: Mapped[int | None]  #: as told before the pieces were named
    temporary_barcode: Mapped[str | None] = mapped_column(sa.String(64))
    call_number: Mapped[str | None] = mapped_column(sa.String(200))
    location: Mapped[str | None] = mapped_column(sa.String(200))
    carrier: Mapped[str | None] = mapped_column(sa.String(64))
    tracking: Mapped[str | None] = mapped_column(sa.String(128))
    parcel_to: Mapped[str | None] = mapped_column(sa.Text)
    conditions: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    cost: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    offered_reason: Mapped[str | None] = mapped_column(sa.String(200))
    completed_by_us: Mapped[bool] = mapped_column(default=False)
    loan_seen: Mapped[bool] = mapped_column(default=False)
    assigned_to_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))  #: who sees to it
    alert: Mapped[str | None] = mapped_column(sa.String(64))  #: of what staff were alerted; none: they have looked
    alert_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    # By what lists are put in order; kept by `listed`.
    due_key: Mapped[date] = mapped_column(default=NO_DAY)
    title_key: Mapped[str] = mapped_column(_byte_by_byte(60), default="")
    partner_key: Mapped[str] = mapped_column(_byte_by_byte(60), default="")

    library: Mapped[Library] = relationship()
    partner: Mapped[Partner | None] = relationship()
    patron: Mapped[Patron | None] = relationship()
    assigned_to: Mapped[Account | None] = relationship()

    # Whoever writes what somebody else has written since is told so. One event is one version: only events count on.
    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}  # noqa: RUF012


def references(session: Session, request_ids: Iterable[int]) -> dict[int, str]:
    """What people call these requests: the reference, with the library's code."""
    rows = sa.select(Request.id, Request.reference, Library.code).join(Library, Library.id == Request.library_id)
    found = session.execute(rows.where(Request.id.in_(set(request_ids))))
    return {number: f"{reference} ({code})" for number, reference, code in found}


class RequestWord(Base):
    """A word by which a request is found, as `findable` makes them."""

    __tablename__ = "request_word"
    __table_args__ = (sa.Index("ix_request_word_found", "library_id", "side", "word", "request_id"),)

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    word: Mapped[str] = mapped_column(_byte_by_byte(40), primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    side: Mapped[str] = mapped_column(sa.String(16))


class Event(Base):
    """One line of history. Never changed, but for the mark that it was undone."""

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("request_id", "version"),
        sa.Index(
            "ix_event_scanned", "account_id", "at",
            sqlite_where=sa.text("scanned IS NOT NULL"), postgresql_where=sa.text("scanned IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"))
    version: Mapped[int]  #: of the request, after it
    trigger: Mapped[str] = mapped_column(sa.String(32))
    label: Mapped[str] = mapped_column(sa.String(64))
    source: Mapped[str] = mapped_column(sa.String(32))
    dest: Mapped[str] = mapped_column(sa.String(32))
    row: Mapped[int] = mapped_column(default=-1)  #: which row of the table, by its place; -1: none
    actor: Mapped[str] = mapped_column(sa.String(16))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    who: Mapped[str] = mapped_column(sa.String(200))
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    told_by: Mapped[str | None] = mapped_column(sa.String(16))  #: how staff heard it: phone, mail, paper
    scanned: Mapped[str | None] = mapped_column(sa.String(64))  #: the code that was scanned for it
    inputs: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  #: what it wrote over
    undoes_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class RotaEntry(Base):
    """A partner to be asked, in its turn."""

    __tablename__ = "rota_entry"

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[int] = mapped_column(sa.ForeignKey("partner.id"))
    partner: Mapped[Partner] = relationship()


class Attempt(Base):
    """One sending of a borrowing request: to whom, under which id."""

    __tablename__ = "attempt"
    __table_args__ = (
        sa.UniqueConstraint("partner_id", "wire_id"),
        sa.Index(None, "wire_id"),
        sa.Index(None, "item_barcode"),
    )

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    partner_id: Mapped[int] = mapped_column(sa.ForeignKey("partner.id"))
    wire_id: Mapped[str] = mapped_column(sa.String(48))  #: XPX-1042, XPX-1042-2, …
    follows: Mapped[str | None] = mapped_column(sa.String(48))  #: a Retry names the id before
    item_barcode: Mapped[str | None] = mapped_column(sa.String(64))  #: of what this lender said that it sent
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Piece(Base):
    """One of several barcodes that travel as one request."""

    __tablename__ = "piece"
    __table_args__ = (sa.UniqueConstraint("request_id", "barcode"), sa.Index(None, "barcode"))

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"))
    barcode: Mapped[str] = mapped_column(sa.String(64))
    back: Mapped[bool] = mapped_column(default=False)  #: scanned in on its way home


class Receipt(Base):
    """The answer that a caller got for an idempotency key."""

    __tablename__ = "receipt"
    __table_args__ = (sa.UniqueConstraint("library_id", "caller", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    caller: Mapped[str] = mapped_column(sa.String(80))
    key: Mapped[str] = mapped_column(sa.String(200))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class MessageRow(Base):
    """A message that went to a partner, or came from one, in the words of the standard."""

    __tablename__ = "message"
    __table_args__ = (
        sa.UniqueConstraint("library_id", "partner_id", "incoming", "identity"),
        sa.Index(None, "partner_id", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"), index=True)
    partner_id: Mapped[int] = mapped_column(sa.ForeignKey("partner.id"))
    incoming: Mapped[bool]
    identity: Mapped[str] = mapped_column(sa.String(200))  #: by which a repeat is recognised
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64))  #: of what it says, whenever that was said
    kind: Mapped[str] = mapped_column(sa.String(48))  #: what it says, in one word
    transport: Mapped[str] = mapped_column(sa.String(16))
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    outcome: Mapped[str] = mapped_column(sa.Text, default="")  #: the row that it pulled, the mail that carried it
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class MailRow(Base):
    """A mail as it was written, before it left: its text, to whom, and what became of it.

    `effect_id` is the promised work that carries it; while `fate` is `waiting`, that work says how it is. A mail from
    before texts were kept, and one whose text was forgotten, has none.
    """

    __tablename__ = "mail"
    __table_args__ = (
        sa.Index(None, "library_id", "id"),
        sa.Index(None, "request_id"),
        sa.Index(None, "library_id", "name", "id"),
        sa.Index(
            "ix_mail_no_address", "library_id", "id",
            sqlite_where=sa.text("fate = 'no_address'"), postgresql_where=sa.text("fate = 'no_address'"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"))  #: none: about several
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"), unique=True)
    reader: Mapped[str] = mapped_column(sa.String(16))  #: patron, staff, slip (who printed it) or partner
    reader_id: Mapped[int | None]  #: of the patron, library, account or partner
    name: Mapped[str] = mapped_column(sa.String(64))  #: of the letter
    language: Mapped[str] = mapped_column(sa.String(8))
    template_version: Mapped[int | None]  #: of the library's own template; none: ours
    remark: Mapped[str] = mapped_column(sa.Text, default="")  #: what staff should know about how it was written
    address: Mapped[str] = mapped_column(sa.String(254))
    message_id: Mapped[str] = mapped_column(sa.String(200), index=True)
    subject: Mapped[str] = mapped_column(sa.String(250))
    text: Mapped[str | None] = mapped_column(sa.Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)  #: name, folder, file
    fate: Mapped[str] = mapped_column(sa.String(16))  #: waiting, sent, skipped or no_address
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    resends_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mail.id"), index=True)
    asked_by: Mapped[str] = mapped_column(sa.String(200), default="")  #: who asked for it to be sent again
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Notice(Base):
    """Something that was to be told, to the patron or to staff, and the mail that tells it."""

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"), index=True)
    to: Mapped[str] = mapped_column(sa.String(16))  #: patron or staff
    address: Mapped[str] = mapped_column(sa.String(254))
    occasion: Mapped[str] = mapped_column(sa.String(64))
    subject: Mapped[str] = mapped_column(sa.String(250))
    message_id: Mapped[str] = mapped_column(sa.String(200))  #: empty: nobody to write to, so shown on the screen alone
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"), unique=True)
    mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mail.id"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class SlipBatch(Base):
    """Slips that somebody prints together. Until it is printed, it is a claim on them, which lapses."""

    __tablename__ = "slip_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    who: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    lease_until: Mapped[datetime] = mapped_column(UTCDateTime)  #: in the database's own time
    per_sheet: Mapped[int]
    paper: Mapped[str | None] = mapped_column(sa.String(16))  #: None: each slip's own
    file: Mapped[str] = mapped_column(sa.Text)  #: where it was written, in the words of whoever printed it
    printed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Slip(Base):
    """A slip that was promised for a request: its file, once a worker has drawn it, and whether it was printed."""

    __tablename__ = "slip"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "layout"),
        sa.Index(
            "ix_slip_unprinted", "library_id",
            sqlite_where=sa.text("printed_at IS NULL"), postgresql_where=sa.text("printed_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"))
    layout: Mapped[str] = mapped_column(sa.String(32))
    file: Mapped[str] = mapped_column(sa.String(200), default="")  #: below the folder of slips; empty: not drawn yet
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("slip_batch.id"), index=True)
    printed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  #: staff have it on paper


class Bulk(Base):
    """One action on many requests at once: worked off bit by bit, each request in a transaction of its own."""

    __tablename__ = "bulk"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "key"),
        sa.Index(
            "ix_bulk_unfinished", "library_id", "account_id",
            sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    side: Mapped[str] = mapped_column(sa.String(16))
    key: Mapped[str] = mapped_column(sa.String(64))  #: of the form: posted twice, it is one
    trigger: Mapped[str] = mapped_column(sa.String(32))  #: of the row of the table, or `assign`
    inputs: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("slip_batch.id"))  #: of the slips, once they are drawn


class BulkLine(Base):
    """What became of one request of a bulk. Without a sentence its turn has not come yet."""

    __tablename__ = "bulk_line"

    bulk_id: Mapped[int] = mapped_column(sa.ForeignKey("bulk.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"))
    refused: Mapped[bool] = mapped_column(default=False)
    sentence: Mapped[str | None] = mapped_column(sa.Text)
