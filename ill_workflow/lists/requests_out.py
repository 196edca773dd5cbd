"""The requests of a library as rows of a table, which can be imported again."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from ill_workflow.libraries import Library
from ill_workflow.lists.requests_in import COLUMNS, PATRON_COLUMNS
from ill_workflow.partners import Partner
from ill_workflow.requests.models import BORROWING, Request, RotaEntry
from state_machines.changes import EDITABLE

#: How many requests are read at once.
BATCH = 500


def columns(*, with_patrons: bool) -> list[str]:
    """The columns of an export: what it tells first, then what an import takes. Of the patron the barcode alone."""
    hidden = {"key"} if with_patrons else {"key", *(column.name for column in PATRON_COLUMNS)}
    told = [column.name for column in COLUMNS if column.told]
    return told + [column.name for column in COLUMNS if not column.told and column.name not in hidden]


def rows(
    session: Session,
    library: Library,
    *,
    side: str | None = None,
    state: str | None = None,
    since: date | None = None,
    with_patrons: bool = False,
) -> Iterator[dict[str, str]]:
    """The requests, the oldest first, a few hundred in memory at a time."""
    mine = sa.select(Request).where(Request.library_id == library.id).order_by(Request.id).limit(BATCH)
    mine = mine.options(joinedload(Request.partner), joinedload(Request.patron))
    if side:
        mine = mine.where(Request.side == side)
    if state:
        mine = mine.where(Request.state == state)
    if since:
        mine = mine.where(Request.created_at >= datetime.combine(since, time(), tzinfo=library.zone))
    last, wanted = 0, columns(with_patrons=with_patrons)
    while found := session.scalars(mine.where(Request.id > last)).all():
        rotas = _rotas(session, [request.id for request in found])
        for request in found:
            row = _row(request, library, rotas.get(request.id, []))
            yield {name: row[name] for name in wanted}
        last = found[-1].id
        session.expunge_all()


def _row(request: Request, library: Library, rota: Sequence[str]) -> dict[str, str]:
    asked = [request.partner.code] if request.partner else []
    patron = request.patron
    return {
        "reference": request.reference,
        "state": request.state,
        "created": request.created_at.astimezone(library.zone).isoformat(timespec="seconds"),
        "due": str(request.lender_due or ""),
        "side": request.side,
        "service": request.service,
        "partners": ";".join(rota or asked if request.side == BORROWING else asked),
        "partner_id": request.partner_request_id or "",
        "partner_note": request.partner_note,
        "patron": patron.barcode if patron else "",
        "patron_name": patron.name if patron else "",
        "patron_email": patron.email if patron else "",
        "pickup_location": patron.pickup_location if patron else "",
        **{name: str(getattr(request, name) or "") for name in EDITABLE},
    }


def _rotas(session: Session, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The codes of the partners of each rota, in order."""
    entries = sa.select(RotaEntry.request_id, Partner.code).join(Partner, Partner.id == RotaEntry.partner_id)
    entries = entries.where(RotaEntry.request_id.in_(numbers)).order_by(RotaEntry.request_id, RotaEntry.position)
    found: dict[int, list[str]] = {}
    for number, code in session.execute(entries):
        if code not in found.setdefault(number, []):
            found[number].append(code)
    return found
