"""What patrons and staff are told about requests: each by itself, or several in one mail."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from ill_workflow.libraries import Library
from ill_workflow.mail import own
from ill_workflow.mail.letters import ALERTS, Entry, LetterValues, sentence_of
from ill_workflow.mail.own import Written
from ill_workflow.mail.sending import (
    NO_ADDRESS,
    SKIPPED,
    Draft,
    Post,
    attached_copy,
    deliver,
    keep_unsent,
    mail_of,
    send_as_one,
    sending,
)
from ill_workflow.mail.values import label_of_state, values_of
from ill_workflow.outbox import Claimed, Finish, Outside, Permanent, Promise, promise
from ill_workflow.pauses import MAIL
from ill_workflow.requests.consequences import sooner
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import Event, Request

#: Notices that say no more than the next one about the same request, where both are told at once.
OVERTAKEN = ("request_sent", "shipped")
#: Notices of which a patron has to hear one way or the other.
URGENT = ("ready_for_pickup", "ready", "overdue", "recalled", "document")


def notify_patron(post: Post, claims: Sequence[Claimed]) -> Finish | Outside:
    """Write to the patron. One without an address gets no mail: the notice stands on the request alone."""
    first = claims[0]
    if (number := mail_of(post.db, first)) is not None:
        return deliver(post, first, number)
    with post.db.reading() as session:
        patron = session.get_one(Request, first.request_id).patron
        if patron is None:
            raise Permanent("The request has no patron.")
        declined = all(_declined(session, claimed) for claimed in claims)
    if patron.email and not declined:
        return send_as_one(post, claims, lambda session, told: _to_patron(session, told))

    def keep(session: Session) -> None:
        with sending():
            draft = _to_patron(session, [first])
        keep_unsent(session, post, first, draft, SKIPPED if declined else NO_ADDRESS)
        if not declined:
            _tell_staff_instead(session, first)

    return keep


def alert_staff(post: Post, claims: Sequence[Claimed]) -> Finish | Outside:
    """Write to the staff's mailbox. A library without one sees the alert on the request alone."""
    first = claims[0]
    if (number := mail_of(post.db, first)) is not None:
        return deliver(post, first, number)
    with post.db.reading() as session:
        library = session.get_one(Request, first.request_id).library
    if library.email:
        return send_as_one(post, claims, lambda session, told: _to_staff(session, told))

    def keep(session: Session) -> None:
        with sending():
            draft = _to_staff(session, [first])
        keep_unsent(session, post, first, draft, NO_ADDRESS)

    return keep


def alert_of(claimed: Claimed) -> str:
    """The name of the letter: what waited is named after its timer."""
    precise = f"alert_{claimed.argument}_{claimed.payload['inputs'].get('timer')}"
    return precise if precise in ALERTS else f"alert_{claimed.argument}"


def notice_of(claimed: Claimed) -> str:
    """The name of the letter to a patron; all levels of an overdue notice are one."""
    return "overdue" if claimed.argument.startswith("overdue") else claimed.argument


def patron_values(session: Session, claimed: Claimed, language: str) -> LetterValues:
    request = session.get_one(Request, claimed.request_id)
    return values_of(claimed, request.library, request.partner, language=language, patron=request.patron)


def alert_values(session: Session, claimed: Claimed, language: str) -> LetterValues:
    request = session.get_one(Request, claimed.request_id)
    label = label_of_state(request, claimed.payload["request"]["state"], language)
    return values_of(claimed, request.library, request.partner, language=language, state_label=label)


def digest(name: str, values: Sequence[LetterValues], names: Sequence[str], language: str) -> LetterValues:
    """The values of one letter that tells what several would have told, by their names and values."""
    told = tuple(
        Entry(
            reference=v.reference, title=v.title, sentence=sentence_of(letter, v, language), author=v.author,
            partner_name=v.partner_name, state_label=v.state_label, reason=v.reason, note=v.note, amount=v.amount,
            due_date=v.due_date, call_number=v.call_number,
        )
        for letter, v in zip(names, values, strict=True)
    )  # fmt: skip
    return replace(values[0], notices=told)


def still_news(told: Sequence[Claimed]) -> list[Claimed]:
    """What is worth telling: that an item was asked for or is coming is none once more has happened to it."""
    told = sorted(told, key=lambda claimed: claimed.id)
    latest = {claimed.request_id: claimed.id for claimed in told}
    return [
        claimed for claimed in told if claimed.argument not in OVERTAKEN or latest[claimed.request_id] == claimed.id
    ]


def _to_patron(session: Session, told: Sequence[Claimed]) -> Draft:
    request = session.get_one(Request, told[0].request_id)
    library, patron = request.library, request.patron
    if patron is None:
        raise Permanent("The request has no patron.")
    wanted = [claimed for claimed in told if not _declined(session, claimed)]
    language, told = patron.language or library.language, still_news(wanted or told)
    values = [patron_values(session, claimed, language) for claimed in told]
    names = [notice_of(claimed) for claimed in told]
    name, written, subjects = _one_letter(session, library, "patron_digest", language, told, names, values)
    return Draft("patron", patron.id, name, patron.email, written, attached_copy(told[0]), subjects)


def _to_staff(session: Session, told: Sequence[Claimed]) -> Draft:
    library = session.get_one(Request, told[0].request_id).library
    values = [alert_values(session, claimed, library.language) for claimed in told]
    names = [alert_of(claimed) for claimed in told]
    name, written, subjects = _one_letter(session, library, "alert_digest", library.language, told, names, values)
    return Draft("staff", library.id, name, library.email, written, subjects=subjects)


def _one_letter(
    session: Session, library: Library, together: str, language: str, told: Sequence[Claimed], names: Sequence[str],
    values: Sequence[LetterValues],
) -> tuple[str, Written, dict[int, str]]:  # fmt: skip
    """The name of the letter, the letter, and what each notice would have been called by itself."""
    if len(told) == 1:
        return names[0], own.write(session, library, names[0], language, values[0]), {}
    alone = [own.write(session, library, name, language, v) for name, v in zip(names, values, strict=True)]
    subjects = {claimed.id: written.letter.subject for claimed, written in zip(told, alone, strict=True)}
    all_of_it = digest(together, values, names, language)
    entries = [
        replace(entry, subject=written.letter.subject) for entry, written in zip(all_of_it.notices, alone, strict=True)
    ]
    written = own.write(session, library, together, language, replace(all_of_it, notices=tuple(entries)))
    return together, written, subjects


def _declined(session: Session, claimed: Claimed) -> bool:
    """Whether the patron does without this notice."""
    patron = session.get_one(Request, claimed.request_id).patron
    event = session.get(Event, claimed.event_id or 0)
    due = from_json(claimed.payload["request"]["patron_due"])
    earlier = event is not None and sooner(event.before, due)
    return patron is not None and patron.declines(claimed.argument, sooner=earlier)


def _tell_staff_instead(session: Session, claimed: Claimed) -> None:
    """Where the patron has something to do, somebody has to say so."""
    if claimed.argument in URGENT:
        alert = Promise(
            "alert_staff", f"instead of {claimed.id}", "patron_has_no_address", claimed.library_id,
            claimed.request_id, claimed.event_id, claimed.payload, destination=MAIL,
        )  # fmt: skip
        promise(session, [alert])
