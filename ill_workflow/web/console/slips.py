"""How slips look: on the data of real requests, with settings that are tried before they hold; and what was printed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast, get_args
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict, IllError, NotFound
from ill_workflow.libraries import Library, Logo
from ill_workflow.lists import library_list
from ill_workflow.lists.entries import Several
from ill_workflow.requests.models import BORROWING, LENDING
from ill_workflow.requests.models import Request as Loan
from ill_workflow.slips import batches, logo
from ill_workflow.slips import settings as slip_settings
from ill_workflow.slips.batches import How
from ill_workflow.slips.contact_sheet import contact_sheet
from ill_workflow.slips.content import PAPERS, Layout, Paper
from ill_workflow.slips.layouts import render_batch
from ill_workflow.slips.making import contents_of, draw
from ill_workflow.slips.preview import as_png
from ill_workflow.slips.printing import LAYOUTS_OF
from ill_workflow.web import entry_form
from ill_workflow.web.beside import beside_the_pages
from ill_workflow.web.chosen import request_by
from ill_workflow.web.console.settings import SLIPS, mark_of, now_of, save
from ill_workflow.web.entry_form import Row, called
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/slips")

CALLED = {
    "routing": N_("Routing slip"), "shipping": N_("Shipping label"), "book_strap": N_("Book strap"),
    "return_slip": N_("Return slip"),
}  # fmt: skip
#: Dots to the inch: of a picture in a page, of a small one, and the most that anybody gets.
USUAL, SMALL, LARGEST = 75, 45, 200
ON_ONE_PAGE, MOST_LOGOS = 50, 12
LARGEST_ID = 2**31
SHEET = "sheet"


@dataclass(frozen=True)
class Picture:
    """One picture of a slip, and what it is one of."""

    address: str
    large: str
    about: str


@router.get("")
def look(
    request: Request, visitor: Signed, services: Here, reference: str = "", logo: str = "", done: str = ""
) -> Response:
    row = library_list.row_of(visitor.library)
    said = {"saved": _("Saved."), "logo": _("Slips that are promised from now on have it.")}
    return _page(
        request, visitor, services, row, mark=mark_of(SLIPS, row), reference=reference.strip(), logo=logo or None,
        done=said.get(done, ""),
    )  # fmt: skip


@router.post("/preview")
def try_out(request: Request, visitor: Signed, services: Here, form: Posted) -> Response:
    """The same with what was typed. Nothing is kept."""
    typed = SLIPS.typed(form)
    row = {**library_list.row_of(visitor.library), **typed}
    mark, reference = str(form.get("mark", "")), str(form.get("reference", "")).strip()
    return _page(
        request, visitor, services, row, mark=mark, reference=reference, logo=str(form.get("logo", "")) or None
    )


@router.post("")
def change(request: Request, visitor: Managing, services: Here, form: Posted) -> Response:
    typed = SLIPS.typed(form)
    reference = str(form.get("reference", "")).strip()
    try:
        save(services, visitor, SLIPS, form, typed)
    except Conflict as conflict:
        now = now_of(services, visitor)
        return _page(
            request, visitor, services, {**now, **typed}, mark=mark_of(SLIPS, now), reference=reference, now=now,
            sentence=conflict.message, status=409,
        )  # fmt: skip
    except (BadInput, Several) as wrong:
        row = {**library_list.row_of(visitor.library), **typed}
        return _page(
            request,
            visitor,
            services,
            row,
            mark=str(form.get("mark", "")),
            reference=reference,
            wrong=wrong,
            status=422,
        )
    return RedirectResponse(f"/l/{visitor.library.code}/slips?done=saved", status_code=303)


@router.get("/preview.png")
@beside_the_pages
def picture(
    request: Request, visitor: Signed, services: Here, loan: int, layout: str, page: int = 0, dpi: int = USUAL,
    logo: str = "",
) -> Response:  # fmt: skip
    """A slip of a request as it would be printed, with the settings in the address."""
    if not 20 <= dpi <= LARGEST:
        raise BadInput(f"A picture has 20 to {LARGEST} dots to the inch.", field="dpi")
    given = {name: value for name, value in request.query_params.items() if name in slip_settings.FIELDS}
    with services.db.reading() as session:
        about = session.get(Loan, loan) if 0 < loan < LARGEST_ID else None
        if about is None or about.library_id != visitor.library.id:
            raise NotFound(_("There is no such request here."), field="loan")
        tried = slip_settings.tried(session, about.library, given, logo or about.library.logo)
        pdf = _drawn(session, about, layout, tried, services, visitor)
    return _png(as_png(pdf, page=page, dpi=dpi))


@router.get("/contact-sheet.png")
@beside_the_pages
def all_samples(visitor: Signed) -> Response:
    """All slips on all papers, small, of requests that nobody made."""
    return _png(_contact_sheet())


@router.post("/logo")
def add_logo(request: Request, visitor: Managing, services: Here, form: Posted) -> Response:
    """Keep a picture, and show how slips look with it; it is printed only when that is said."""
    given = form.get("logo")
    content = given.file.read(logo.LARGEST_FILE + 1) if isinstance(given, UploadFile) else b""
    try:
        if not content:
            raise BadInput(_("Choose a picture first."), field="logo")
        with services.db.writing() as session:
            library = session.get_one(Library, visitor.library.id)
            digest = slip_settings.keep_logo(session, library, content, services.clock.now())
    except BadInput as wrong:
        row = library_list.row_of(visitor.library)
        return _page(request, visitor, services, row, mark=mark_of(SLIPS, row), reference="", wrong=wrong, status=422)
    return RedirectResponse(f"/l/{visitor.library.code}/slips?logo={digest}#logo", status_code=303)


@router.post("/logo/use")
def use_logo(visitor: Managing, services: Here, form: Posted) -> Response:
    """Print this picture, or none, on slips that are promised from now on."""
    with services.db.writing() as session:
        library = session.get_one(Library, visitor.library.id)
        slip_settings.use_logo(session, library, str(form.get("logo", "")) or None)
    return RedirectResponse(f"/l/{visitor.library.code}/slips?done=logo", status_code=303)


@router.get("/logo/{digest}.png")
def show_logo(digest: str, visitor: Signed, services: Here) -> Response:
    """A logo as slips have it."""
    with services.db.reading() as session:
        kept = session.get(Logo, (visitor.library.id, digest))
    if kept is None:
        raise NotFound(_("There is no such logo of this library."), field="logo")
    return _png(logo.as_printed(kept.content))


@router.get("/batches")
def printed(request: Request, visitor: Signed, services: Here, before: str = "") -> Response:
    """What was printed together, the latest first."""
    behind = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
    with services.db.reading() as session:
        found = batches.printed_batches(session, visitor.library, before=behind, most=ON_ONE_PAGE + 1)
    more = f"?before={found[ON_ONE_PAGE - 1][0].id}" if len(found) > ON_ONE_PAGE else ""
    return render(
        request, "batches.html", visitor, batches=found[:ON_ONE_PAGE], more=more, zone=visitor.library.zone
    )  # fmt: skip


@router.get("/batches/{number}.pdf")
@beside_the_pages
def print_again(number: int, visitor: Signed, services: Here) -> Response:
    """A batch once more: its slips as they are now. Marks nothing."""
    with services.db.reading() as session:
        try:
            batch, wanted = batches.of_batch(session, visitor.library, number)
        except NotFound:
            raise NotFound(_("This library has printed no such batch."), field="batch") from None
        how = How(batch.per_sheet, batch.paper)
    _printed, pdf = batches.drawn_again(services.db, services.clock, visitor.account, wanted, how)
    name = f"slips-{visitor.library.code}-batch-{number}.pdf"
    return Response(
        pdf, media_type="application/pdf", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _page(
    request: Request, visitor: Visitor, services: Services, values: Row, *, mark: str, reference: str,
    logo: str | None = None, wrong: IllError | None = None, now: Row | None = None, sentence: str = "", done: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    problems = entry_form.problems_of(wrong) if wrong else []
    given = {name: values[name] for name in slip_settings.FIELDS}
    with services.db.reading() as session:
        library = session.get_one(Library, visitor.library.id)
        try:
            tried = slip_settings.tried(session, library, given, logo or library.logo)
        except BadInput as refused:
            problems, tried, given = problems or entry_form.problems_of(refused), library, {}
            status = max(status, 422)
        try:
            loans = _loans(session, library, reference)
        except BadInput as unknown:
            problems, loans = [*problems, *entry_form.problems_of(unknown)], []
            status = max(status, 422)
        kept = sa.select(Logo.digest, Logo.at).where(Logo.library_id == library.id)
        logos = session.execute(kept.order_by(Logo.at.desc(), Logo.digest).limit(MOST_LOGOS)).all()
    errors = {problem.column: problem.sentence for problem in problems}
    if problems and not sentence:
        sentence = _("Something has to be mended first.")
    more = {**given, **({"logo": logo} if logo else {})}
    base = f"/l/{library.code}/slips/preview.png"
    return render(
        request, "slips.html", visitor, status=status, groups=SLIPS.groups(values, problems=problems, now=now),
        mark=mark, reference=reference, sentence=sentence, done=done, library=library, logos=logos, candidate=logo,
        pictures=_pictures(base, loans, tried, more), everywhere=_everywhere(base, loans, more),
        logo_error=errors.get("logo", ""), reference_error=errors.get("reference", ""),
    )  # fmt: skip


def _loans(session: Session, library: Library, reference: str) -> list[Loan]:
    """The request that was named; else the latest that is lent and the latest that is borrowed."""
    if reference:
        return [request_by(session, library, reference)]
    found: list[Loan] = []
    for side in (LENDING, BORROWING):
        mine = sa.select(Loan).where(Loan.library_id == library.id, Loan.side == side, Loan.partner_id.is_not(None))
        found += session.scalars(mine.order_by(Loan.id.desc()).limit(1))
    return found


def _pictures(base: str, loans: list[Loan], tried: Library, more: Mapping[str, str]) -> list[Picture]:
    found, back = [], _("back")
    for loan in loans:
        for layout in LAYOUTS_OF[loan.side]:
            called = f"{_(CALLED[layout])}: {loan.reference}"
            found.append(_picture(base, loan, layout, called, more))
            if tried.duplex:
                found.append(_picture(base, loan, layout, f"{called}, {back}", more, page=1))
    if tried.per_sheet > 1 and loans:
        about = _("{count} slips to a sheet").format(count=tried.per_sheet)
        found.append(_picture(base, loans[0], SHEET, about, more))
    return found


def _everywhere(base: str, loans: list[Loan], more: Mapping[str, str]) -> list[tuple[str, list[Picture]]]:
    """Each slip on each paper, small."""
    found = []
    for loan in loans:
        for layout in LAYOUTS_OF[loan.side]:
            papers = [
                _picture(
                    base,
                    loan,
                    layout,
                    f"{_(CALLED[layout])}, {called(paper)}",
                    {**more, f"{layout}_paper": paper},
                    SMALL,
                )
                for paper in PAPERS
            ]
            found.append((_(CALLED[layout]), papers))
    return found


def _picture(
    base: str, loan: Loan, layout: str, about: str, more: Mapping[str, str], dpi: int = USUAL, page: int = 0
) -> Picture:
    asked = {"loan": loan.id, "layout": layout, "page": page, **more}
    return Picture(f"{base}?{urlencode({**asked, 'dpi': dpi})}", f"{base}?{urlencode({**asked, 'dpi': 150})}", about)


def _drawn(session: Session, loan: Loan, layout: str, tried: Library, services: Services, visitor: Visitor) -> bytes:
    if layout != SHEET and layout not in LAYOUTS_OF[loan.side]:
        raise BadInput(_("A request of this kind has no such slip."), field="layout")
    wanted = LAYOUTS_OF[loan.side] if layout == SHEET else (layout,)
    contents = [
        content
        for one in wanted
        for content in contents_of(
            session, loan, cast(Layout, one), services.clock, visitor.account, tried.slip_look(one)
        )
    ]
    if layout != SHEET:
        return draw(contents)
    many = (contents * tried.per_sheet)[: tried.per_sheet]
    return render_batch(many, per_sheet=tried.per_sheet, paper=cast(Paper, slip_settings.sheet_of(tried)))


@cache
def _contact_sheet() -> bytes:
    return contact_sheet()


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png", headers={"Content-Disposition": "inline"})


assert set(CALLED) == set(get_args(Layout)), "every slip has a name on the page"
