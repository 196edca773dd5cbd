"""Commands about letters: their templates, a look at one before it leaves, what was sent and what became of it."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.bootstrap import Services
from ill_workflow.cli.output import As, AsJson, At, examples, say, show
from ill_workflow.cli.requests import Reference, Side, request_of, who_and_where
from ill_workflow.errors import BadInput, NotAllowed, NotFound
from ill_workflow.libraries import Library
from ill_workflow.mail import own, sent
from ill_workflow.mail.checking import LONGEST_TEMPLATE, values_for
from ill_workflow.mail.letters import LETTERS, as_html, default_template, family
from ill_workflow.messages.preview import preview
from ill_workflow.requests import actions
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.models import MailRow, references
from ill_workflow.typed import LANGUAGES, check_language
from state_machines.declaration import Actor

letter_app = typer.Typer(help="Letters to patrons, staff and partners.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The letter's name, such as ready_for_pickup; `ill letter list` has them.")
]
Language = Annotated[
    str | None, typer.Option("--language", metavar="LANGUAGE", help=f"One of: {', '.join(LANGUAGES)}.")
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The mail's number; `ill letter sent` has them.")]


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(letter_app, name="letter", rich_help_panel=panel)


@letter_app.command("list")
def list_letters(
    context: typer.Context, language: Language = None, library: At = None, acts: As = None, as_json: AsJson = False
) -> None:
    """The letters, for whom each is, and where the library has a template of its own."""
    check_language("language", language or "")
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        mine = {(t.name, t.language): t for t in own.own_templates(session, place.id)}
        languages = [language] if language else list(LANGUAGES)
        shown = [_about_letter(name, [mine[key] for k in languages if (key := (name, k)) in mine]) for name in LETTERS]
    show(shown, as_json=as_json)


@letter_app.command("show")
def show_letter(
    context: typer.Context, name: Name, language: Language = None,
    version: Annotated[int | None,
        typer.Option(
            metavar="NUMBER", help="An earlier version of the library's own template."
        )] = None,
    ours: Annotated[bool, typer.Option("--default", help="The template that comes with the program.")] = False,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print a letter's template: the library's own, or the one that comes with the program."""
    own.check_name(name)
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        language = _language(language, place)
        rows = own.versions(session, place.id, name, language)
        row = _version(rows, version) if version is not None else next(iter(rows), None) if not ours else None
    source = row.source if row and row.source is not None else default_template(name, language)
    which = f"version {row.version} by {row.who}" if row and row.source is not None else "comes with the program"
    data = {
        "name": name, "language": language, "version": row.version if row else None, "template": source,
        "values": values_for(name),
        "versions": [
            {"version": r.version, "who": r.who, "at": r.at, "reset": r.source is None} for r in reversed(rows)
        ],
    }  # fmt: skip
    say(source.rstrip("\n"), data, as_json=as_json)
    if not as_json:
        older = "".join(
            f"\n  version {r.version}, {_at(place, r.at)}, {r.who}{': back to the default' if r.source is None else ''}"
            for r in reversed(rows)
        )
        print(
            f"({name}, {LANGUAGES[language]}: {which}. Values: {', '.join(values_for(name))}){older}", file=sys.stderr
        )


@letter_app.command("set", epilog=examples("ill letter set overdue overdue.txt --language de"))
def set_letter(
    context: typer.Context, name: Name,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The template's file; - reads what is piped in.")],
    language: Language = None, library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Give the library a template of its own. It is looked over first; what would fail is refused, and nothing kept."""
    services: Services = context.obj.services()
    source = _read(file)
    with services.db.writing() as session:
        account, place = _manager(session, acts, library)
        language = _language(language, place)
        row = own.save(session, place, name, language, source, account=account, at=services.clock.now())
    data = {"name": name, "language": language, "version": row.version}
    say(f"{place.name} writes {name} in {LANGUAGES[language]} by version {row.version} now.", data, as_json=as_json)


@letter_app.command("reset")
def reset_letter(
    context: typer.Context, name: Name, language: Language = None, library: At = None, acts: As = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Use the template that comes with the program again. Earlier versions stay."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = _manager(session, acts, library)
        language = _language(language, place)
        row = own.reset(session, place, name, language, account=account, at=services.clock.now())
    data = {"name": name, "language": language, "version": row.version}
    say(f"{place.name} writes {name} in {LANGUAGES[language]} as it comes with the program now.", data, as_json=as_json)


@letter_app.command("preview", epilog=examples("ill letter preview ready_for_pickup XPX-1001 --language de"))
def preview_letter(
    context: typer.Context, name: Name, reference: Reference, language: Language = None,
    as_html_: Annotated[bool, typer.Option("--html", help="As readers that show HTML get it.")] = False,
    template: Annotated[str | None,
        typer.Option(
            metavar="FILE", help="Try this template; - reads what is piped in."
        )] = None,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print a letter as it would leave now for a request. Nothing is sent."""
    source = _read(template) if template is not None else None
    with context.obj.services().db.reading() as session:
        account, place = who_and_where(session, acts, library)
        request = request_of(session, place, reference, side)
        found = preview(session, request, name, account=account, language=language, source=source)
    letter = found.letter
    body = letter.html if as_html_ else letter.text
    data = {
        "name": name, "reference": request.reference, "language": letter.language, "to": found.to or None,
        "subject": letter.subject, "html" if as_html_ else "text": body, "version": found.version,
        "remark": found.remark,
    }  # fmt: skip
    if as_html_ and not as_json:
        print(body, end="")
        return
    remark = f"\n({found.remark})" if found.remark else ""
    say(f"To: {found.to or '(no e-mail address)'}\nSubject: {letter.subject}\n\n{body}{remark}", data, as_json=as_json)


@letter_app.command("sent", epilog=examples("ill letter sent --failed", "ill letter sent --request XPX-1001"))
def list_sent(
    context: typer.Context,
    request: Annotated[str | None,
        typer.Option(
            "--request", metavar="REFERENCE", help="Only those about this request."
        )] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that did not arrive, or may not have.")] = False,
    to: Annotated[str, typer.Option(metavar="ADDRESS", help="Only those to this address, or a part of one.")] = "",
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The library's mails, the latest first, and what became of each."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        about = request_of(session, place, request, side).id if request else None
        found = sent.sent_mails(session, place.id, request_id=about, to=to, failed=failed)
        names = references(session, [row.request_id for row, _ in found if row.request_id])
        shown = [
            {
                "id": row.id, "at": row.at if as_json else _at(place, row.at), "to": row.address or None,
                "letter": row.name, "request": names.get(row.request_id or 0), "subject": row.subject,
                "fate": fate.word, "why": fate.why or row.remark or None,
            }
            for row, fate in found
        ]  # fmt: skip
    show(shown, as_json=as_json, empty="No mails.")
    if len(shown) == sent.MOST_LISTED:
        print(f"(The latest {sent.MOST_LISTED}. Name a request or an address to find others.)", file=sys.stderr)


@letter_app.command("show-sent")
def show_sent(
    context: typer.Context, number: Number,
    as_html_: Annotated[bool, typer.Option("--html", help="As readers that show HTML get it.")] = False,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print a mail as it was written, and what became of it."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        row = sent.find_mail(session, place.id, number)
        fate, told = sent.fate_of(session, row), sent.told_by(session, row)
        names = references(session, [n.request_id for n in told if n.request_id] + [row.request_id or 0])
        if as_html_ and row.text is not None and not as_json:
            print(as_html(row.text, row.language), end="")
            return
        about = sorted({names[n.request_id] for n in told if n.request_id in names}) or sorted(names.values())
        data = _about_mail(row, fate, about)
    if as_json:
        say("", data, as_json=True)
        return
    for label, value in data.items():
        if label != "text" and value not in (None, "", []):
            words = (
                ", ".join(value)
                if isinstance(value, list)
                else _at(place, value)
                if isinstance(value, datetime)
                else value
            )
            print(f"{label.replace('_', ' ')}: {words}")
    print(f"\n{row.text if row.text is not None else '(The text is kept no longer.)'}", end="")


@letter_app.command("resend")
def resend_letter(
    context: typer.Context, number: Number,
    key: Annotated[str | None, typer.Option(help="An idempotency key.")] = None,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Send the same text again, to the address that its reader has now."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        by, mark = By.staff(account), f"resend mail {number}"
        known = actions.answered(session, place.id, by, key, mark) if key is not None else None
        if known is None:
            row = sent.find_mail(session, place.id, number)
            again = sent.resend(session, row, account=account, clock=services.clock, house=services.house)
            known = {"id": again.mail.id, "resends": number, "message_id": again.mail.message_id}
            if key is not None:
                actions.remember_answer(session, place.id, by, key, mark, known, services.clock.now())
            known["repeated"] = again.repeated
        else:
            known = {**known, "repeated": True}
    as_mail = f" as mail {known['id']}" if known["id"] != number else ""
    already = "is being sent again already" if known["repeated"] else "will be sent again"
    say(f"Mail {number} {already}{as_mail}.", known, as_json=as_json)


def _about_letter(name: str, mine: list[own.LetterTemplate]) -> dict[str, Any]:
    versions = [f"{t.language}: version {t.version} by {t.who}" for t in mine]
    trouble = [f"{t.language}: {wrong}" for t in mine if (wrong := own.trouble_with(t))]
    return {"name": name, "for": family(name), "own": versions, "trouble": trouble}


def _about_mail(row: MailRow, fate: sent.Fate, about: list[str]) -> dict[str, Any]:
    return {
        "id": row.id, "to": row.address or None, "subject": row.subject, "fate": fate.word, "why": fate.why or None,
        "sent_at": row.sent_at, "written_at": row.at, "about": about, "letter": row.name, "language": row.language,
        "template_version": row.template_version, "remark": row.remark or None, "message_id": row.message_id or None,
        "attachments": [kept["name"] for kept in row.attachments], "resends": row.resends_id,
        "asked_by": row.asked_by or None, "text": row.text,
    }  # fmt: skip


def _manager(session: Session, acts: str | None, code: str | None) -> tuple[Account, Library]:
    """Who acts, where they are a manager."""
    account, place = who_and_where(session, acts, code)
    if Actor.MANAGER not in actors_at(session, By.staff(account), place.id, place.name):
        raise NotAllowed(f"Only a manager of {place.name} changes its letters; {account.name} is none.", field="as")
    return account, place


def _language(given: str | None, place: Library) -> str:
    check_language("language", given or "")
    return given or place.language


def _version(rows: Sequence[own.LetterTemplate], version: int) -> own.LetterTemplate:
    found = next((row for row in rows if row.version == version), None)
    if found is None:
        known = ", ".join(str(row.version) for row in reversed(rows)) or "none yet"
        raise NotFound(f"There is no version {version}. Known: {known}.", field="version")
    return found


def _read(file: str) -> str:
    """A template's text. One that is far too long is not read to its end."""
    try:
        if file == "-":
            return sys.stdin.read(LONGEST_TEMPLATE + 1)
        with Path(file).open(encoding="utf-8-sig") as text:
            return text.read(LONGEST_TEMPLATE + 1)
    except UnicodeDecodeError:
        raise BadInput(f"{file} is no text in UTF-8.", field="file") from None
    except (OSError, ValueError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else trouble
        raise BadInput(f"{file} can't be read: {why}.", field="file") from None


def _at(place: Library, at: datetime) -> str:
    return at.astimezone(place.zone).strftime("%Y-%m-%d %H:%M")
