"""Who is asked after whom, and under which id."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput, Refused
from ill_workflow.partners import Partner, find_partner
from ill_workflow.requests.models import Attempt, Request, RotaEntry


def set_rota(session: Session, request: Request, codes: Sequence[str], *, field: str = "rota") -> None:
    """The partners to be asked from now on, in order; those that were asked stay on record."""
    if len(set(codes)) != len(codes):
        raise BadInput("A partner stands twice in the rota.", field=field)
    partners = [find_partner(session, request.library_id, code, field=field) for code in codes]
    for partner in partners:
        if partner.status != "active":
            raise BadInput(f"{partner.code} is suspended. Choose another partner.", field=field)
    behind = (RotaEntry.request_id == request.id) & (RotaEntry.position > request.rota_position)
    session.execute(sa.delete(RotaEntry).where(behind))
    for place, partner in enumerate(partners, start=request.rota_position + 1):
        session.add(RotaEntry(request_id=request.id, position=place, partner_id=partner.id))
    session.flush()


def next_entry(session: Session, request: Request) -> RotaEntry | None:
    """The next partner of the rota that is not suspended."""
    rows = sa.select(RotaEntry).join(Partner, Partner.id == RotaEntry.partner_id)
    rows = rows.where(RotaEntry.request_id == request.id, RotaEntry.position > request.rota_position)
    return session.scalar(rows.where(Partner.status == "active").order_by(RotaEntry.position).limit(1))


def entries(session: Session, request: Request) -> list[RotaEntry]:
    rows = sa.select(RotaEntry).where(RotaEntry.request_id == request.id).order_by(RotaEntry.position)
    return list(session.scalars(rows))


def attempts(session: Session, request: Request) -> list[Attempt]:
    rows = sa.select(Attempt).where(Attempt.request_id == request.id).order_by(Attempt.number)
    return list(session.scalars(rows))


def current_attempt(session: Session, request: Request) -> Attempt | None:
    if request.wire_id is None:
        return None
    mine = (Attempt.request_id == request.id) & (Attempt.wire_id == request.wire_id)
    return session.scalar(sa.select(Attempt).where(mine))


def take_up_again(session: Session, request: Request, attempt: Attempt) -> None:
    """A lender that was asked before is the current one again."""
    make_current(session, request, attempt.partner_id, attempt.wire_id)


def make_current(session: Session, request: Request, partner_id: int | None, wire_id: str | None) -> None:
    request.wire_id, request.partner_id = wire_id, partner_id
    request.partner = session.get_one(Partner, partner_id) if partner_id is not None else None
    session.flush()


def ask(session: Session, request: Request, trigger: str, now: datetime) -> Attempt:
    """The request was sent anew: to whom, and under which id."""
    before = current_attempt(session, request)
    if trigger != "retry":
        request.rota_position -= 1
        entry = next_entry(session, request)
        if entry is None:
            raise Refused(f"Nobody is left in the rota of {request.reference}.", field="rota")
        # The lifecycle counts one on; partners that are suspended are passed over.
        request.rota_position, request.partner = entry.position, entry.partner
    assert request.partner is not None
    attempt = Attempt(
        request_id=request.id,
        number=request.attempt,
        partner_id=request.partner.id,
        wire_id=wire_id(request.reference, request.attempt),
        follows=before.wire_id if before and trigger == "retry" else None,
        at=now,
    )
    session.add(attempt)
    request.partner_id, request.wire_id, request.partner_request_id = request.partner.id, attempt.wire_id, None
    return attempt


def wire_id(reference: str, number: int) -> str:
    """The id on the wire: the reference, with a suffix from the second sending on."""
    return reference if number == 1 else f"{reference}-{number}"
