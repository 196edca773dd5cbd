"""The letters of a library: whose template writes each, and how it reads for a real request, while it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput, Conflict, IllError
from ill_workflow.libraries import Library
from ill_workflow.mail import own
from ill_workflow.mail.checking import values_for
from ill_workflow.mail.letters import DIGESTS, LETTERS, MESSAGES, default_template, family
from ill_workflow.mail.sentences import in_words, words_of
from ill_workflow.messages.preview import Preview, latest_for, preview, side_of
from ill_workflow.typed import LANGUAGES
from ill_workflow.web.chosen import request_by
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import is_fragment, render
from ill_workflow.web.visitor import Here, Managing, Posted, Signed, Visitor
from ill_workflow.web.words import _, spoken

router = APIRouter(prefix="/l/{library}/letters")

READERS = {
    "patron": N_("To patrons"), "partner": N_("To partners"), "staff": N_("To staff"), "slip": N_("Slips by mail"),
}  # fmt: skip
LONGEST_EXAMPLE = 120
#: Of letters to staff that are named by a timer: what it waits for.
_AFTER_A_TIMER = {
    "no_answer_ship_by": "No answer: shipment due",
    "no_answer_arrive_by": "No answer: arrival due",
    "no_answer_answer_by": "No answer: answer due",
    "no_answer_completion_by": "No answer: completion due",
    "reminder_respond_by": "Reminder: shipment due",
    "reminder_answer_by": "Reminder: answer due",
    "reminder_return_by": "Reminder: return due",
    "reminder_completion_by": "Reminder: completion due",
    "reminder_need_by": "Reminder: needed by now",
    "reminder_reply_by": "Reminder: reply to a condition",
    "reminder_not_before": "Reminder: may be asked again",
    "reminder_pickup_by": "Reminder: pickup due",
    "need_by_passed": "Needed-by date passed",
}


@dataclass(frozen=True)
class Written:
    """By which template a letter is written in a language."""

    language: str
    label: str
    own: str  #: the version and who wrote it; empty: ours
    trouble: str


@dataclass(frozen=True)
class Line:
    """A letter in the list."""

    name: str
    label: str
    about: str
    written: list[Written]


@dataclass(frozen=True)
class Editing:
    """A letter as it is being looked at: its template, and what it reads like."""

    name: str
    language: str
    source: str
    seen: int  #: the version from which this was made; 0: none
    reference: str = ""
    letter: Preview | None = None
    trouble: str = ""  #: why there is nothing to be looked at
    wrong: IllError | None = None  #: why it was not saved

    def error(self, field: str) -> str:
        return self.wrong.message if self.wrong and (self.wrong.field or "template") == field else ""

    @property
    def values(self) -> list[tuple[str, str]]:
        """What may be used, with an example from the request."""
        known: Mapping[str, Any] = self.letter.values if self.letter else {}
        return [(name, _example(known.get(name))) for name in values_for(self.name)]


@router.get("")
def listed(request: Request, visitor: Signed, services: Here) -> Response:
    with services.db.reading() as session:
        mine = {(row.name, row.language): row for row in own.own_templates(session, visitor.library.id)}
    groups: dict[str, list[Line]] = {_(title): [] for title in READERS.values()}
    for name in LETTERS:
        groups[_(READERS[family(name)])].append(_line(name, mine))
    return render(request, "letters.html", visitor, groups=groups, languages=LANGUAGES)


@router.get("/{name}")
def edit(
    request: Request, name: str, visitor: Signed, services: Here, language: str = "", reference: str = "",
    done: str = "",
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        editing = _as_it_is(session, visitor.library, name, language)
        editing = _looked_at(session, visitor, replace(editing, reference=reference.strip()), tried=False)
        said = {"saved": _("Saved: letters leave like this now."), "reset": _("Ours is used again.")}
        return _page(request, visitor, session, editing, done=said.get(done, ""))


@router.post("/{name}/preview")
def try_out(request: Request, name: str, visitor: Signed, services: Here, form: Posted) -> Response:
    """What is being written, as it would read. Nothing is kept."""
    with services.db.reading() as session:
        editing = _looked_at(session, visitor, _typed(session, visitor.library, name, form), tried=True)
        if is_fragment(request):
            return render(request, "letter_preview.html", visitor, editing=editing, library=visitor.library)
        return _page(request, visitor, session, editing)


@router.post("/{name}")
def save(request: Request, name: str, visitor: Managing, services: Here, form: Posted) -> Response:
    with services.db.reading() as session:
        editing = _typed(session, visitor.library, name, form)
    if not (editing.seen == 0 and editing.source == default_template(name, editing.language)):
        try:
            with services.db.writing() as session:
                library = session.get_one(Library, visitor.library.id)
                own.save(
                    session, library, name, editing.language, editing.source, account=visitor.account,
                    at=services.clock.now(), seen=editing.seen,
                )  # fmt: skip
        except (BadInput, Conflict) as wrong:
            with services.db.reading() as session:
                now = _as_it_is(session, visitor.library, name, editing.language)
                theirs = now.source if isinstance(wrong, Conflict) else ""
                seen = now.seen if isinstance(wrong, Conflict) else editing.seen
                editing = _looked_at(session, visitor, replace(editing, wrong=wrong, seen=seen), tried=True)
                return _page(request, visitor, session, editing, theirs=theirs, status=wrong.status)
    return _back(visitor, name, editing.language, "saved")


@router.post("/{name}/reset")
def reset(name: str, visitor: Managing, services: Here, form: Posted) -> Response:
    """Ours is used again."""
    language = _language(str(form.get("language", "")), visitor.library)
    with services.db.writing() as session:
        library = session.get_one(Library, visitor.library.id)
        own.reset(session, library, name, language, account=visitor.account, at=services.clock.now())
    return _back(visitor, name, language, "reset")


def label_of(name: str) -> str:
    """What a letter is called."""
    if name in MESSAGES:
        said = words_of(spoken()).subjects[MESSAGES[name]]
        return f"{said[:1].upper()}{said[1:]}"
    return _(plain_label(name))


def plain_label(name: str) -> str:
    """What a letter to a patron or to staff is called, in English."""
    plain = name.removeprefix("alert_")
    if plain in _AFTER_A_TIMER:
        return _AFTER_A_TIMER[plain]
    return f"{plain[:1].upper()}{plain[1:]}".replace("_", " ")


def _line(name: str, mine: Mapping[tuple[str, str], own.LetterTemplate]) -> Line:
    written = []
    for language, label in LANGUAGES.items():
        row = mine.get((name, language))
        said = _("version {version} by {who}").format(version=row.version, who=row.who) if row else ""
        written.append(Written(language, _(label), said, own.trouble_with(row) if row else ""))
    return Line(name, label_of(name), _about(name), written)


def _about(name: str) -> str:
    words = words_of(spoken())
    if name in DIGESTS:
        return _("Several notices in one mail.")
    if name in MESSAGES:
        return words.messages[MESSAGES[name]]
    return words.alerts.get(name.removeprefix("alert_"), "")


def _as_it_is(session: Session, library: Library, name: str, language: str) -> Editing:
    own.check_name(name)
    language = _language(language, library)
    row = own.current(session, library.id, name, language)
    source = row.source if row and row.source is not None else default_template(name, language)
    return Editing(name, language, source, row.version if row else 0)


def _typed(session: Session, library: Library, name: str, form: Posted) -> Editing:
    now = _as_it_is(session, library, name, str(form.get("language", "")))
    source = str(form.get("source", "")).replace("\r\n", "\n")
    seen = str(form.get("seen", ""))
    known = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else now.seen
    return replace(now, source=source, seen=known, reference=str(form.get("reference", "")).strip())


def _looked_at(session: Session, visitor: Visitor, editing: Editing, *, tried: bool) -> Editing:
    """With the letter for the request that was named; else for the latest that fits."""
    library = visitor.library
    try:
        if editing.reference:
            request = request_by(session, library, editing.reference, side_of(editing.name))
        elif (latest := latest_for(session, library.id, editing.name)) is not None:
            request = latest
        else:
            return replace(editing, trouble=_("There is no request yet on which this letter could be tried."))
        found = preview(
            session, request, editing.name, account=visitor.account, language=editing.language,
            source=editing.source if tried else None,
        )  # fmt: skip
    except BadInput as wrong:
        return replace(editing, trouble=wrong.message)
    return replace(editing, reference=request.reference, letter=found)


def _page(
    request: Request, visitor: Visitor, session: Session, editing: Editing, *, done: str = "", theirs: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    versions = own.versions(session, visitor.library.id, editing.name, editing.language)
    is_own = bool(versions) and versions[0].source is not None
    return render(
        request, "letter.html", visitor, status=status, editing=editing, label=label_of(editing.name), done=done,
        reader=_(READERS[family(editing.name)]), languages=LANGUAGES, versions=versions, is_own=is_own, theirs=theirs,
        library=visitor.library,
    )  # fmt: skip


def _language(said: str, library: Library) -> str:
    return said if said in LANGUAGES else library.language


def _example(value: Any) -> str:
    """A value as an example: short, in one line."""
    match value:
        case None | "" | ():
            return "–"
        case date():
            said = value.isoformat()
        case tuple():
            said = "; ".join(str(getattr(one, "title", one)) for one in value)
        case _:
            said = " / ".join(str(value).splitlines())
    return in_words(said) if len(said) <= LONGEST_EXAMPLE else f"{said[:LONGEST_EXAMPLE]}…"


def _back(visitor: Visitor, name: str, language: str, done: str) -> Response:
    address = f"/l/{visitor.library.code}/letters/{name}?language={language}&done={done}"
    return RedirectResponse(address, status_code=303)
