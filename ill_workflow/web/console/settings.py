"""The settings of a library: everybody may look, a manager changes them."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict
from ill_workflow.libraries import Library
from ill_workflow.lists import library_list
from ill_workflow.lists.entries import Several
from ill_workflow.lists.outcome import Problem
from ill_workflow.slips import settings as slip_settings
from ill_workflow.web import entry_form
from ill_workflow.web.entry_form import EntryForm, Row
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}")

#: What a library is known by stays.
FIXED = ("code", "prefix")
ALL = EntryForm(tuple(c for c in library_list.COLUMNS if c.name not in FIXED), library_list.READERS, {})
#: How slips look is set on the page where they can be looked at.
FORM = replace(ALL, columns=tuple(c for c in ALL.columns if c.name not in slip_settings.FIELDS))
SLIPS = replace(ALL, columns=tuple(c for c in ALL.columns if c.name in slip_settings.FIELDS))


@router.get("/settings")
def look(request: Request, visitor: Signed, done: str = "") -> Response:
    row = library_list.row_of(visitor.library)
    return _page(request, visitor, row, mark=mark_of(FORM, row), done=_("Saved.") if done == "saved" else "")


@router.post("/settings")
def change(request: Request, visitor: Managing, services: Here, form: Posted) -> Response:
    typed = FORM.typed(form)
    try:
        save(services, visitor, FORM, form, typed)
    except Conflict as conflict:
        now = now_of(services, visitor)
        return _page(
            request, visitor, {**now, **typed}, mark=mark_of(FORM, now), sentence=conflict.message, now=now, status=409
        )
    except (BadInput, Several) as wrong:
        row = {**library_list.row_of(visitor.library), **typed}
        problems = entry_form.problems_of(wrong)
        elsewhere = [p.sentence for p in problems if p.column not in {c.name for c in FORM.columns}]
        sentence = " ".join(elsewhere) or _("Nothing was saved: something has to be mended first.")
        return _page(
            request, visitor, row, mark=str(form.get("mark", "")), sentence=sentence, problems=problems, status=422
        )
    return RedirectResponse(f"/l/{visitor.library.code}/settings?done=saved", status_code=303)


def save(services: Services, visitor: Visitor, asked: EntryForm, form: Posted, typed: Row) -> None:
    """Change what was typed, as the library's line in a list would. Raises Conflict, BadInput or Several."""
    with services.db.writing() as session:
        library = _locked(session, visitor)
        row = library_list.row_of(library)
        entry_form.check_mark(form, _part(asked, row))
        said = entry_form.said(typed, row)
        _refuse_the_past(library, said, services)
        library_list.take_library(session, {"code": library.code, **said})


def now_of(services: Services, visitor: Visitor) -> Row:
    with services.db.reading() as session:
        return library_list.row_of(session.get_one(Library, visitor.library.id))


def mark_of(asked: EntryForm, row: Row) -> str:
    return entry_form.mark(_part(asked, row))


def _part(asked: EntryForm, row: Row) -> Row:
    return {column.name: row.get(column.name, "") for column in asked.columns}


def _locked(session: Session, visitor: Visitor) -> Library:
    return session.get_one(Library, visitor.library.id, with_for_update=True, populate_existing=True)


def _refuse_the_past(library: Library, said: Row, services: Services) -> None:
    """A day that has passed suspends nothing: somebody has mistaken the year."""
    until, today = said.get("lending_suspended_until", ""), library.today(services.clock.now())
    if until.count("-") == 2 and until < today.isoformat():
        sentence = _("This day has passed.")
        raise Several([Problem("lending_suspended_until", sentence)])


def _page(
    request: Request, visitor: Visitor, values: Row, *, mark: str, sentence: str = "", done: str = "",
    problems: list[Problem] | None = None, now: Row | None = None, status: int = 200,
) -> Response:  # fmt: skip
    groups = FORM.groups(values, problems=problems or (), now=now)
    return render(
        request, "settings.html", visitor, status=status, library=visitor.library, groups=groups, mark=mark,
        sentence=sentence, done=done,
    )  # fmt: skip
