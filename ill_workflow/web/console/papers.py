"""The files of a request: slips and copies, and what goes out once more. All belong to the library of the address."""

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import Response

from ill_workflow import backlog, copies
from ill_workflow.about.whole import LARGEST_ID, find_request
from ill_workflow.errors import BadInput, NotFound, Refused
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import Event, Slip
from ill_workflow.slips.batches import How
from ill_workflow.slips.preview import as_png, pages_of
from ill_workflow.slips.printing import choose, layout_of, print_chosen, safe_name
from ill_workflow.web.actions import request_address
from ill_workflow.web.beside import beside_the_pages
from ill_workflow.web.done import go_back
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/requests/{number}")

#: Dots to the inch of the picture of a slip: to be looked at, not to be scanned.
DPI = 100


@router.get("/slips/{slip}.pdf")
def slip_as_pdf(number: int, slip: int, visitor: Signed, services: Here) -> Response:
    content, name = _slip(number, slip, visitor, services)
    return _file(content, "application/pdf", name, inline=True)


@router.get("/slips/{slip}.png")
@beside_the_pages
def slip_as_picture(number: int, slip: int, visitor: Signed, services: Here, page: int = 1) -> Response:
    content, name = _slip(number, slip, visitor, services)
    if not 1 <= page <= pages_of(content):
        raise NotFound(_("There is no such page of this slip."))
    picture = as_png(content, page=page - 1, dpi=DPI)
    return _file(picture, "image/png", name.replace(".pdf", ".png"), inline=True)


@router.post("/print")
@beside_the_pages
def print_slip(number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """The slip on paper: one that waits is marked as printed, any other is drawn once more as it would be now."""
    with services.db.reading() as session:
        request = find_request(session, visitor.library.id, number)
        layout = layout_of(request, str(form.get("layout") or "") or None)
        chosen = choose(session, visitor.library, request, layout, again=True)
        name = f"{safe_name(request.reference)}-{layout or 'slip'}.pdf"
    # One file for each slip, which the next printing replaces.
    folder = services.settings.slips / "printed" / safe_name(visitor.library.code)
    folder.mkdir(parents=True, exist_ok=True)
    printed = print_chosen(
        services.db, services.clock, visitor.account, visitor.library, chosen, folder / name, How(),
        again=True,
    )  # fmt: skip
    if printed.file is None:
        raise Refused(" ".join(left.why for left in printed.left) or _("There is nothing to print."))
    return _file(printed.file.read_bytes(), "application/pdf", name, inline=True)


@router.post("/messages/{effect}/resend")
def resend_message(http: Http, number: int, effect: int, visitor: Signed, services: Here) -> Response:
    """A message that was given up goes on its way again."""
    with services.db.writing() as session:
        find_request(session, visitor.library.id, number)
        work = session.get(EffectRow, effect) if 0 < effect < LARGEST_ID else None
        if work is None or work.request_id != number:
            raise NotFound(_("There is no such message."))
        if not backlog.resend(session, effect):
            raise Refused(_("It is on its way already."))
    return go_back(http, f"{request_address(visitor, number)}#partner")


@router.get("/copies/{name}")
def copy(number: int, name: str, visitor: Signed, services: Here) -> Response:
    """A copy that came or went with this request, as a file to keep."""
    with services.db.reading() as session:
        find_request(session, visitor.library.id, number)
        events = session.scalars(sa.select(Event.inputs).where(Event.request_id == number))
        if name not in {inputs.get("file") for inputs in events}:
            raise NotFound(_("There is no such copy."))
    try:
        content = copies.read(services.settings.copies, name)
    except BadInput as gone:
        raise NotFound(gone.message) from None
    return _file(content, "/".join(copies.subtype(name)), name, inline=False)


def _slip(number: int, slip: int, visitor: Visitor, services: Here) -> tuple[bytes, str]:
    """The file of a slip of this request. Raises NotFound, also where it is not drawn yet."""
    with services.db.reading() as session:
        request = find_request(session, visitor.library.id, number)
        row = session.get(Slip, slip) if 0 < slip < LARGEST_ID else None
        if row is None or row.request_id != request.id:
            raise NotFound(_("There is no such slip."))
        name = f"{safe_name(request.reference)}-{row.layout}.pdf"
        file = row.file
    path = services.settings.slips / file
    if not file or not path.is_file():
        raise NotFound(_("This slip is not drawn yet, or its file is kept no longer. Print it again."))
    return path.read_bytes(), name


def _file(content: bytes, kind: str, name: str, *, inline: bool) -> Response:
    how = "inline" if inline else "attachment"
    return Response(content, media_type=kind, headers={"Content-Disposition": f'{how}; filename="{name}"'})
