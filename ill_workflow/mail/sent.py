"""Every mail's text and fate, and sending one again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import backlog
from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import db_now
from ill_workflow.errors import NotFound, Refused
from ill_workflow.mail.sending import NO_ADDRESS, SENT, SKIPPED, House, current_reader
from ill_workflow.outbox import (
    DEAD,
    LEFT_BEHIND,
    NEEDS_A_PERSON,
    UNCERTAIN,
    WITHDRAWN,
    EffectRow,
    Promise,
    promise,
)
from ill_workflow.pauses import MAIL
from ill_workflow.requests.models import MailRow, Notice

#: Within this time the same resend, asked for twice, is one: a double click.
AT_ONCE = timedelta(minutes=1)
GIVEN_UP = "Given up after"
MOST_LISTED = 200
#: The kind of work that carries a mail which is sent again.
KIND = "send_letter"


@dataclass(frozen=True)
class Fate:
    """What became of a mail: a word, and the reason where there is one."""

    word: str  #: waiting, sent, uncertain, refused, given up, withdrawn, skipped, no address
    why: str = ""
    at: datetime | None = None

    @property
    def failed(self) -> bool:
        return self.word in ("uncertain", "refused", "given up", "no address")


@dataclass(frozen=True)
class Resent:
    """The mail that goes again, and whether it had been asked for already."""

    mail: MailRow
    repeated: bool


def fate_of(session: Session, row: MailRow) -> Fate:
    effect = session.get(EffectRow, row.effect_id) if row.effect_id else None
    return _fate(row, effect)


def sent_mails(
    session: Session, library_id: int, *, request_id: int | None = None, to: str = "", failed: bool = False,
    name: str = "", before: int | None = None, most: int = MOST_LISTED,
) -> list[tuple[MailRow, Fate]]:  # fmt: skip
    """The mails of a library, the latest first: about a request, to an address or a part of one, failed, one letter's.

    `before` is the number of the mail at which an earlier page has ended.
    """
    rows = sa.select(MailRow, EffectRow).outerjoin(EffectRow, EffectRow.id == MailRow.effect_id)
    rows = rows.where(MailRow.library_id == library_id)
    if request_id is not None:
        rows = rows.where(MailRow.id.in_(_about(request_id)))
    if to:
        rows = rows.where(sa.func.lower(MailRow.address).contains(to.lower(), autoescape=True))
    if name:
        rows = rows.where(MailRow.name == name)
    if before is not None:
        rows = rows.where(MailRow.id < before)
    if failed:
        rows = rows.where(MailRow.id.in_(_failed(library_id)))
    found = session.execute(rows.order_by(MailRow.id.desc()).limit(most)).all()
    return [(row, _fate(row, effect)) for row, effect in found]


def _about(request_id: int) -> sa.CompoundSelect[tuple[int | None]]:
    """The mails about a request, what was told of it together with others, and what was sent again of that."""
    told = sa.select(Notice.mail_id).where(Notice.request_id == request_id, Notice.mail_id.is_not(None))
    again = sa.select(MailRow.id).where(MailRow.resends_id.in_(told))
    return sa.union(sa.select(MailRow.id).where(MailRow.request_id == request_id), told, again)


def _failed(library_id: int) -> sa.CompoundSelect[tuple[int]]:
    """Few of many: each half of them is found by an index of its own."""
    # Written into the statement: with parameters no database could tell that the partial indexes serve.
    given_up = EffectRow.status.in_([sa.literal(status, literal_execute=True) for status in NEEDS_A_PERSON])
    no_address = MailRow.fate == sa.literal(NO_ADDRESS, literal_execute=True)
    stuck = sa.select(MailRow.id).join(EffectRow, EffectRow.id == MailRow.effect_id)
    stuck = stuck.where(EffectRow.library_id == library_id, given_up, MailRow.fate != SENT)
    return sa.union_all(stuck, sa.select(MailRow.id).where(MailRow.library_id == library_id, no_address))


def find_mail(session: Session, library_id: int, number: int) -> MailRow:
    row = session.get(MailRow, number) if 0 < number < backlog.LARGEST_ID else None
    if row is None or row.library_id != library_id:
        raise NotFound(f"There is no mail {number} of this library.", field="number")
    return row


def resend(session: Session, row: MailRow, *, account: Account, clock: Clock, house: House) -> Resent:
    """Send the same text again, to the address that its reader has now.

    What has failed, or is uncertain, goes on under the same Message-ID; what was sent goes again as a new mail. Asked
    for twice at once, it goes once.
    """
    session.execute(sa.select(MailRow.id).where(MailRow.id == row.id).with_for_update())
    session.refresh(row)
    _refuse_what_cannot_go(session, row)
    if (again := _just_asked_for(session, row)) is not None:
        return Resent(again, repeated=True)
    who = account.full_name or account.name
    if row.fate not in (SENT, NO_ADDRESS):
        if not backlog.resend(session, row.effect_id or 0):
            if fate_of(session, row).word == "withdrawn":
                raise Refused(f"Mail {row.id} was withdrawn: the step that it tells of was undone.", field="number")
            raise Refused(f"Mail {row.id} waits to be sent already.", field="number")
        row.asked_by, row.asked_at = who, db_now(session)
        session.flush()
        return Resent(row, repeated=False)
    return Resent(_once_more(session, row, who, clock, house), repeated=False)


def forget_texts(session: Session, before: datetime) -> int:
    """Forget the texts of mails that were written before an instant; that they were sent, and to whom, stays."""
    old = sa.update(MailRow).where(MailRow.at < before, MailRow.text.is_not(None)).values(text=None)
    return int(session.execute(old, execution_options={"synchronize_session": False}).rowcount)  # type: ignore[attr-defined]


def told_by(session: Session, row: MailRow) -> Sequence[Notice]:
    """The notices that a mail tells."""
    return session.scalars(sa.select(Notice).where(Notice.mail_id == row.id).order_by(Notice.id)).all()


def _fate(row: MailRow, effect: EffectRow | None) -> Fate:
    if row.fate == SENT:
        return Fate("sent", at=row.sent_at)
    if row.fate == SKIPPED:
        return Fate("skipped", "The patron declines this notice.")
    if row.fate == NO_ADDRESS:
        return Fate("no address", "There was no e-mail address.")
    why = (effect.last_error if effect else "") or ""
    match effect.status if effect else "":
        case s if s == UNCERTAIN or (s == DEAD and why == LEFT_BEHIND):
            return Fate("uncertain", why)
        case s if s == DEAD:
            return Fate("given up" if why.startswith(GIVEN_UP) else "refused", why)
        case s if s == WITHDRAWN:
            return Fate("withdrawn", why)
        case _:
            return Fate("waiting", why)


def _refuse_what_cannot_go(session: Session, row: MailRow) -> None:
    if row.fate == SKIPPED:
        raise Refused(f"Mail {row.id} was not sent because the patron declines such notices.", field="number")
    if row.text is None:
        raise Refused(f"The text of mail {row.id} is kept no longer.", field="number")
    to = current_reader(session, row)
    if not to.email:
        raise Refused(f"{to.name} has no e-mail address. Add one first.", field="number")


def _just_asked_for(session: Session, row: MailRow) -> MailRow | None:
    """The mail that goes already because somebody has asked for it a moment ago."""
    since = db_now(session) - AT_ONCE
    first = row.resends_id or row.id
    asked = (MailRow.resends_id == first) | (MailRow.id == first)
    rows = sa.select(MailRow).where(asked, MailRow.asked_at > since).order_by(MailRow.id.desc()).limit(1)
    again = session.scalar(rows)
    if again is not None and fate_of(session, again).failed:
        return None  # it has failed in the meantime
    return again


def _once_more(session: Session, row: MailRow, who: str, clock: Clock, house: House) -> MailRow:
    again = MailRow(
        library_id=row.library_id, request_id=row.request_id, reader=row.reader, reader_id=row.reader_id, name=row.name,
        language=row.language, template_version=row.template_version, remark=row.remark,
        address=current_reader(session, row).email, message_id="", subject=row.subject, text=row.text,
        attachments=row.attachments, fate="waiting", at=clock.now(), resends_id=row.resends_id or row.id, asked_by=who,
        asked_at=db_now(session),
    )  # fmt: skip
    session.add(again)
    session.flush()
    work = Promise(
        KIND, f"mail {again.id}", str(again.id), row.library_id, row.request_id, destination=MAIL
    )  # fmt: skip
    (again.effect_id,) = promise(session, [work])
    asked = round(again.asked_at.timestamp() * 1000) if again.asked_at else 0
    again.message_id = f"<ill-{house.identity}-m{again.id}-{again.effect_id}-{asked:x}@{house.domain}>"
    session.flush()
    return again
