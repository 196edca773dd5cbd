"""Lists as files: partners and requests go out as CSV, and come in with every bad line named."""

import base64
import binascii
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, NotAllowed, NotFound
from ill_workflow.lists import partner_list, requests_in, requests_out, sheet
from ill_workflow.lists.entries import import_entries
from ill_workflow.lists.outcome import CHANGED, REFUSED, TAKEN, Outcome, Tally
from ill_workflow.lists.requests_in import RequestImport
from ill_workflow.lists.sheet import Column, Line, Sheet
from ill_workflow.requests.models import BORROWING, LENDING
from ill_workflow.requests.running import LIFECYCLES
from ill_workflow.web.navigation import N_
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/lists")

PARTNERS, REQUESTS = "partners", "requests"
COLUMNS: dict[str, Sequence[Column]] = {PARTNERS: partner_list.COLUMNS, REQUESTS: requests_in.COLUMNS}
CALLED = {PARTNERS: N_("Partners"), REQUESTS: N_("Requests")}
#: What may become of a line.
OUTCOMES = (N_("taken"), N_("changed"), N_("already there"), N_("refused"))
#: What a browser may hand in; what is larger is for the command line, which shows how far it is.
LARGEST_UPLOAD, MOST_LINES = 5 * 1024 * 1024, 2000
#: What a form can carry from the trial to the taking, packed.
LARGEST_CARRIED = 900_000
FIRST_LINES, MOST_TOLD, LARGEST_REJECTS = 10, 200, 1_000_000


@dataclass(frozen=True)
class Imported:
    """What became of a file, or would become of it."""

    tried: bool  #: nothing was kept
    tally: Tally
    told: list[Outcome]
    header: Sequence[str]
    first: list[tuple[int, Sequence[str], str]]  #: number, cells and outcome of the first lines
    carried: str  #: the file, for the form that takes what was tried; empty where it is too large for one
    rejects: str  #: a file of the refused lines, as an address

    @property
    def sentence(self) -> str:
        """How many lines became what."""
        said = [f"{self.tally.counts[what]} {_(what)}" for what in OUTCOMES if self.tally.counts[what]]
        return f"{', '.join(said)}." if said else _("No line below the header.")

    @property
    def good(self) -> int:
        return self.tally.counts[TAKEN] + self.tally.counts[CHANGED]


@router.get("")
def look(request: Request, visitor: Signed) -> Response:
    return _page(request, visitor)


@router.get("/{kind}-template.csv")
def template(kind: str, visitor: Signed) -> Response:
    """The header of a list, and an example."""
    columns = [column for column in _columns(kind) if not column.told]
    text = sheet.parts([c.name for c in columns], [{c.name: c.example for c in columns}])
    return _csv(text, f"{kind}-template.csv")


@router.get("/partners.csv")
def partners_out(visitor: Signed, services: Here) -> Response:
    names = [column.name for column in partner_list.COLUMNS]

    def rows(session: Session) -> Iterator[dict[str, str]]:
        return partner_list.rows(session, visitor.library.id)

    return _csv(_read(services, names, rows), f"partners-{visitor.library.code}.csv")


@router.get("/requests.csv")
def requests_as_csv(
    visitor: Signed, services: Here, side: str = "", state: str = "", since: str = "", with_patrons: str = ""
) -> Response:
    """The requests, as a file that can be imported again. Of a patron the barcode, unless more is asked for."""
    known = {one.name for lifecycle in LIFECYCLES.values() for one in lifecycle.states}
    if side not in ("", BORROWING, LENDING) or state not in ("", *known):
        raise BadInput(_("There is no such side or state."), field="state")
    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise BadInput(_("A day is written like 2026-03-01."), field="since") from None
    patrons = with_patrons == "yes"

    def rows(session: Session) -> Iterator[dict[str, str]]:
        return requests_out.rows(
            session, visitor.library, side=side or None, state=state or None, since=day, with_patrons=patrons
        )

    columns = requests_out.columns(with_patrons=patrons)
    return _csv(_read(services, columns, rows), f"requests-{visitor.library.code}.csv")


@router.post("/{kind}")
def take(request: Request, kind: str, visitor: Signed, services: Here, form: Posted) -> Response:
    """Try a file, or take its good lines."""
    columns = _columns(kind)
    if kind == PARTNERS and not visitor.manages:
        raise NotAllowed(_("Partners are imported by a manager of the library."))
    tried, send = form.get("step") != "take", form.get("send") == "yes"
    try:
        content = _content(form)
        read = sheet.read(content, columns)
        if read.last > MOST_LINES and sum(1 for _line in read.lines()) > MOST_LINES:
            raise BadInput(
                _("More than {most} lines. Split the file, or use: ill {kind} import").format(
                    most=MOST_LINES, kind=kind.removesuffix("s")
                ),
                field="file",
            )
    except BadInput as wrong:
        return _page(request, visitor, kind=kind, error=wrong.message, send=send, status=422)
    outcomes = _outcomes(kind, read, visitor, services, tried=tried, send=send)
    found = _imported(outcomes, read, content, tried=tried)
    return render(
        request, "imported.html", visitor, kind=kind, called=_(CALLED[kind]), found=found, send=send,
        refused=REFUSED, most=MOST_TOLD,
    )  # fmt: skip


def _outcomes(
    kind: str, read: Sheet, visitor: Visitor, services: Services, *, tried: bool, send: bool
) -> Iterable[Outcome]:
    if kind == REQUESTS:
        work = RequestImport(services.db, services.clock, visitor.library.id, visitor.by(), send=send, dry_run=tried)
        return work.outcomes(read)

    def take_one(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
        return partner_list.take_partner(session, visitor.library.id, values)

    return import_entries(
        services.db, read, take_one, partner_list.COLUMNS, order=partner_list.hubs_first, dry_run=tried
    )


def _imported(outcomes: Iterable[Outcome], read: Sheet, content: bytes, *, tried: bool) -> Imported:
    tally, told, first = Tally(), list[Outcome](), list[tuple[int, Sequence[str], str]]()
    for outcome in outcomes:
        tally.add(outcome)
        if len(first) < FIRST_LINES:
            first.append((outcome.line.number, outcome.line.raw, outcome.what))
        if outcome.what in (REFUSED, CHANGED) and len(told) < MOST_TOLD:
            told.append(outcome)
    return Imported(
        tried, tally, told, read.header, first, _packed(content) if tried else "", _rejects(read, tally.refused)
    )


def _content(form: Posted) -> bytes:
    """The file that was chosen, or the one that was tried before. Raises BadInput."""
    given, carried = form.get("file"), form.get("carried")
    if isinstance(given, UploadFile) and given.filename:
        content = given.file.read(LARGEST_UPLOAD + 1)
    elif isinstance(carried, str) and carried:
        content = _unpacked(carried)
    else:
        raise BadInput(_("Choose a file first."), field="file")
    if len(content) > LARGEST_UPLOAD:
        megabytes = LARGEST_UPLOAD // (1024 * 1024)
        raise BadInput(_("The file is too large: {most} MB are the most here.").format(most=megabytes), field="file")
    if not content.strip():
        raise BadInput(_("The file is empty."), field="file")
    return content


def _packed(content: bytes) -> str:
    packed = base64.b64encode(zlib.compress(content)).decode()
    return packed if len(packed) <= LARGEST_CARRIED else ""


def _unpacked(carried: str) -> bytes:
    try:
        # What unpacks to more than anybody may hand in is not unpacked to its end.
        return zlib.decompressobj().decompress(base64.b64decode(carried, validate=True), LARGEST_UPLOAD + 1)
    except (binascii.Error, zlib.error, ValueError):
        raise BadInput(_("Choose the file again."), field="file") from None


def _rejects(read: Sheet, refused: Sequence[Outcome]) -> str:
    """The refused lines as a file to be mended, each with its reason."""
    if not refused:
        return ""
    out = io.StringIO()
    lines: list[tuple[Line, str]] = [(outcome.line, outcome.reason) for outcome in refused]
    sheet.write_rejects(out, read, lines)
    data = base64.b64encode(("\ufeff" + out.getvalue()).encode(errors="replace")).decode()
    return f"data:text/csv;charset=utf-8;base64,{data}" if len(data) <= LARGEST_REJECTS else ""


def _columns(kind: str) -> Sequence[Column]:
    if kind not in COLUMNS:
        raise NotFound(_("There is no such list."), field="kind")
    return COLUMNS[kind]


def _read(services: Services, columns: Sequence[str], rows: Any) -> Iterator[str]:
    with services.db.reading() as session:
        yield from sheet.parts(columns, rows(session))


def _csv(text: Iterator[str], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(text, media_type="text/csv; charset=utf-8", headers=headers)


def _page(
    request: Request, visitor: Visitor, *, kind: str = "", error: str = "", send: bool = False, status: int = 200
) -> Response:
    states = {
        side: [(state.name, _(state.label)) for state in lifecycle.states] for side, lifecycle in LIFECYCLES.items()
    }
    kinds = [(name, _(called), name == REQUESTS or visitor.manages, COLUMNS[name]) for name, called in CALLED.items()]
    return render(
        request, "lists.html", visitor, status=status, kinds=kinds, wrong=kind, error=error, send=send, states=states,
        most=MOST_LINES,
    )  # fmt: skip
