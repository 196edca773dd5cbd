"""A letter as it would leave now, for a request as it is: to look at before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput
from ill_workflow.fees import Ledger
from ill_workflow.mail import own
from ill_workflow.mail.checking import check_template
from ill_workflow.mail.letters import DIGESTS, MESSAGES, Letter, LetterValues, family, known_values, write_letter
from ill_workflow.mail.mailer import mailbox
from ill_workflow.mail.notices import alert_of, alert_values, digest, notice_of, patron_values, still_news
from ill_workflow.mail.own import Written
from ill_workflow.mail.values import values_of
from ill_workflow.messages.transports import compose, language_of, values_of_message
from ill_workflow.outbox import READY, Claimed, EffectRow
from ill_workflow.requests.consequences import TOLD
from ill_workflow.requests.fields import as_json
from ill_workflow.requests.models import BORROWING, LENDING, Event, MailRow, Notice, Request
from ill_workflow.requests.rota import current_attempt
from ill_workflow.typed import check_language

KINDS = {"patron": "notify_patron", "staff": "alert_staff", "slip": "email_slip", "partner": "send_message"}
#: What a borrower tells a lender; what both may tell; a lender tells the rest.
_BORROWER = frozenset(
    {"Request", "Retry", "Received", "ShippedReturn", "Renew", "Cancel", "Found", "ConditionAccepted", "Amended"}
    | {"StatusRequest"}
)
_BOTH = frozenset({"Lost", "Damaged", "Closed", "Note", "Correction"})


@dataclass(frozen=True)
class Preview:
    """A letter, to whom it would go, and which template wrote it."""

    to: str  #: empty: there is no address
    letter: Letter
    version: int | None
    remark: str
    values: Mapping[str, Any] = field(default_factory=dict)  #: what a template of this letter can use, by names


def preview(
    session: Session, request: Request, name: str, *, account: Account, language: str | None = None,
    source: str | None = None,
) -> Preview:  # fmt: skip
    """Write a letter for a request as it is now; sends nothing, keeps nothing.

    `source` is tried in place of the library's template. Raises BadInput where the letter can't be about this request.
    """
    own.check_name(name)
    check_language("language", language or "")
    to, usual, values = _letter_about(session, request, name, account, language)
    language = language or usual
    if source is not None:
        check_template(name, language, source)
        written = Written(write_letter(name, values, language, source))
    else:
        written = own.write(session, request.library, name, language, values)
    return Preview(to, written.letter, written.version, written.remark, known_values(name, values, language))


def latest_for(session: Session, library_id: int, name: str) -> Request | None:
    """The latest request about which a letter of this name was written; else the latest about which it could be."""
    mine = sa.select(MailRow.id, MailRow.request_id).where(MailRow.library_id == library_id, MailRow.name == name)
    if mail := session.execute(mine.order_by(MailRow.id.desc()).limit(1)).first():
        told = sa.select(Notice.request_id).where(Notice.mail_id == mail.id, Notice.request_id.is_not(None)).limit(1)
        if number := mail.request_id or session.scalar(told):
            return session.get(Request, number)
    rows, who = sa.select(Request).where(Request.library_id == library_id), family(name)
    if who == "patron":
        rows = rows.where(Request.patron_id.is_not(None))
    if who in ("partner", "slip"):
        rows = rows.where(Request.partner_id.is_not(None))
    # Each half has its own stretch of the index; across both a database would put all requests in order.
    sides = (side,) if (side := side_of(name)) else (LENDING, BORROWING)
    latest = [session.scalar(rows.where(Request.side == s).order_by(Request.id.desc()).limit(1)) for s in sides]
    return max(filter(None, latest), key=lambda request: request.id, default=None)


def side_of(name: str) -> str | None:
    """The half about which a letter of this name is; None where it may be about either."""
    if family(name) == "patron":
        return BORROWING
    if name not in MESSAGES or MESSAGES[name] in _BOTH:
        return None
    return BORROWING if MESSAGES[name] in _BORROWER else LENDING


def _letter_about(
    session: Session, request: Request, name: str, account: Account, language: str | None
) -> tuple[str, str, LetterValues]:
    """The reader, their language, and the values."""
    library, who = request.library, family(name)
    if name in DIGESTS:
        return _digest_about(session, request, name, language)
    claimed = _as_if_promised(session, request, KINDS[who], _argument(name, who))
    if who == "patron":
        to, usual = _patron(request)
        return to, usual, patron_values(session, claimed, language or usual)
    if who == "staff":
        to = mailbox(library.name, library.email) if library.email else ""
        return to, library.language, alert_values(session, claimed, language or library.language)
    if request.partner is None:
        raise BadInput(f"{request.reference} has no partner.", field="reference")
    if who == "partner":
        _check_side(request, name)
        outgoing = compose(session, claimed)
        usual = language_of(outgoing)
        to = mailbox(outgoing.partner.name, outgoing.partner.email) if outgoing.partner.email else ""
        return to, usual, values_of_message(outgoing, claimed, language or usual)
    to = mailbox(account.full_name or account.name, account.email) if account.email else ""
    values = values_of(claimed, library, request.partner, language=language or library.language)
    lines = ((request.reference, request.title),) if name == "slips" else ()
    return to, library.language, replace(values, lines=lines)


def _digest_about(session: Session, request: Request, name: str, language: str | None) -> tuple[str, str, LetterValues]:
    """What waits for the reader now; else what was told about the request so far."""
    library, who = request.library, family(name)
    if who == "patron":
        to, usual = _patron(request)
        reader = f"patron:{request.patron_id}"
    else:
        to, usual = mailbox(library.name, library.email) if library.email else "", library.language
        reader = f"staff:{library.id}"
    mine = sa.select(EffectRow).where(EffectRow.kind == KINDS[who]).order_by(EffectRow.id)
    waiting = session.scalars(mine.where(EffectRow.reader == reader, EffectRow.status == READY)).all()
    rows = waiting or session.scalars(mine.where(EffectRow.request_id == request.id)).all()
    told = [_claimed(row) for row in rows if row.payload]
    if not told:
        raise BadInput(f"Nothing was told about {request.reference} yet.", field="reference")
    told = still_news(told) if who == "patron" else told
    language = language or usual
    values_of_one, name_of_one = (patron_values, notice_of) if who == "patron" else (alert_values, alert_of)
    values = [values_of_one(session, claimed, language) for claimed in told]
    names = [name_of_one(claimed) for claimed in told]
    return to, usual, _with_subjects(session, request, digest(name, values, names, language), names, values, language)


def _with_subjects(
    session: Session, request: Request, together: LetterValues, names: Sequence[str], values: Sequence[LetterValues],
    language: str,
) -> LetterValues:  # fmt: skip
    alone = [own.write(session, request.library, n, language, v) for n, v in zip(names, values, strict=True)]
    pairs = zip(together.notices, alone, strict=True)
    return replace(together, notices=tuple(replace(e, subject=w.letter.subject) for e, w in pairs))


def _patron(request: Request) -> tuple[str, str]:
    patron = request.patron
    if patron is None:
        raise BadInput(f"{request.reference} has no patron to write to.", field="reference")
    to = mailbox(patron.name, patron.email) if patron.email else ""
    return to, patron.language or request.library.language


def _argument(name: str, who: str) -> str:
    return MESSAGES[name] if who == "partner" else name.removeprefix("alert_") if who == "staff" else name


def _check_side(request: Request, name: str) -> None:
    what = MESSAGES[name]
    ours = what in _BOTH or (what in _BORROWER) == (request.side == BORROWING)
    if not ours:
        raise BadInput(
            f"{request.reference} is a {request.side} request: {name} is what the other side says.", field="name"
        )


def _as_if_promised(session: Session, request: Request, kind: str, argument: str) -> Claimed:
    """The work that would carry the letter, if it were promised now: with what came along when it last was."""
    mine = sa.select(EffectRow.event_id).where(EffectRow.request_id == request.id, EffectRow.kind == kind)
    told = session.scalar(mine.where(EffectRow.argument == argument).order_by(EffectRow.id.desc()).limit(1))
    last = sa.select(Event).where(Event.request_id == request.id).order_by(Event.version.desc()).limit(1)
    event = session.get(Event, told) if told else session.scalar(last)
    ledger, attempt = Ledger(session, request.library_id, request.id), current_attempt(session, request)
    payload: dict[str, Any] = {
        "request": as_json({name: getattr(request, name) for name in TOLD}),
        "inputs": event.inputs if event else {},
        "source": event.source if event else "",
        "partner": request.partner_id,
        "wire_id": attempt.wire_id if attempt else None,
        "follows": attempt.follows if attempt else None,
        "account": None,
        "charged": as_json(ledger.charged_by(event.id) if event else {}),
        "currency": request.partner.currency if request.partner else request.library.currency,
        "at": _moment(event).isoformat(),
        "pieces": [],
    }
    return Claimed(
        0, kind, argument, "", request.library_id, request.id, event.id if event else None, payload, 1, 0, "",
        machine_now(),
    )  # fmt: skip


def _moment(event: Event | None) -> datetime:
    return event.at if event else machine_now()


def _claimed(row: EffectRow) -> Claimed:
    return Claimed(
        row.id, row.kind, row.argument, row.destination, row.library_id, row.request_id, row.event_id, row.payload,
        row.attempts, row.left, "", row.created_at, row.reader,
    )  # fmt: skip
