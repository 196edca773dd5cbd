"""How requests come in: from our patrons, from partners, or typed in by staff."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, NotAllowed
from ill_workflow.libraries import Library, next_reference
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests import actions, rota
from ill_workflow.requests.by import SYSTEM, By, actors_at
from ill_workflow.requests.consequences import promise_effects
from ill_workflow.requests.duplicates import duplicates
from ill_workflow.requests.fields import as_text, read_fields
from ill_workflow.requests.models import BORROWING, LENDING, Attempt, Request
from state_machines.changes import EDITABLE
from state_machines.effects import SCHEDULE_DUE_DATE_CHECK, alert_staff, circulation, send_message

SERVICES = ("loan", "copy")
#: The longest id of a partner that fits a label of four inches as a barcode.
LONGEST_PRINTED = 16
#: Of what a partner calls a request.
LONGEST_ID = 255


def borrow(
    session: Session,
    library: Library,
    fields: Mapping[str, Any],
    *,
    by: By,
    clock: Clock,
    patron: Patron | None = None,
    service: str = "loan",
    partner_note: str = "",
    partners: Sequence[str] = (),
    follows: Request | None = None,
    looked_over: bool = False,
) -> Request:
    """A patron of ours wants something. Raises BadInput naming the field; what looks odd goes to Needs Review.

    `looked_over`: somebody knows that the same patron has asked for it already, and wants it all the same.
    """
    request = _new(session, library, BORROWING, fields, service=service, partner_note=partner_note, by=by, clock=clock)
    request.patron, request.state = patron, "created"
    request.reference = _own_reference(session, library, BORROWING)
    request.follows_id = follows.id if follows else None
    session.add(request)
    session.flush()
    if partners:
        rota.set_rota(session, request, partners, field="partner")
    label = f"Create Again after {follows.reference}" if follows else "Create Request"
    event = actions.remember_creation(session, request, by, label, clock.now())
    promise_effects(session, request, (SCHEDULE_DUE_DATE_CHECK,), event, by=by, inputs={})
    if problems := _problems(session, request, looked_over=looked_over):
        actions.perform(
            session, request, "flag_for_review", by=SYSTEM, clock=clock, inputs={"problems": " ".join(problems)}
        )
    return request


def lend(
    session: Session,
    library: Library,
    partner: Partner,
    fields: Mapping[str, Any],
    *,
    by: By,
    clock: Clock,
    partner_request_id: str = "",
    service: str = "loan",
    partner_note: str = "",
    follows: Request | None = None,
) -> Request:
    """A partner wants something of ours. While lending is suspended it is rejected at once."""
    request = _new(session, library, LENDING, fields, service=service, partner_note=partner_note, by=by, clock=clock)
    request.partner, request.partner_id = partner, partner.id
    typed = as_text("partner_request_id", partner_request_id, LONGEST_ID)
    # What a partner's system says it says again and again, blanks and all.
    request.partner_request_id = (typed if by.account is not None else partner_request_id) or None
    suspended = library.lends_nothing(library.today(clock.now()))
    request.state = "rejected" if suspended else "new"
    request.offered_reason = "PolicyProblem" if suspended else None
    # What staff type in carries a reference of ours; the partner's id stands beside it as text.
    verbatim = request.partner_request_id if by.account is None else None
    request.reference = _printed_reference(session, library, verbatim)
    request.follows_id = follows.id if follows else None
    session.add(request)
    session.flush()
    event = actions.remember_creation(session, request, by, "Request Received", clock.now())
    effects = (send_message("Unfilled"),) if suspended else (alert_staff("new_request"), circulation("find"))
    if partner.agreed_terms().wants_received and not suspended:
        effects = (send_message("RequestReceived"), *effects)
    inputs = {"reason": "PolicyProblem", "note": "Lending is suspended."} if suspended else {}
    promise_effects(session, request, (*effects, SCHEDULE_DUE_DATE_CHECK), event, by=by, inputs=inputs)
    return request


def second_parcel(session: Session, first: Request, attempt: Attempt, *, by: By, clock: Clock) -> Request:
    """A half of its own for what a former lender has sent although another's item is coming, here or gone again.

    It belongs to no patron, and begins as Unfilled: nobody waits for it.
    """
    fields = {name: getattr(first, name) for name in ("title", "author", "isbn", "issn", "volume", "publisher", "year")}
    request = _new(
        session, first.library, BORROWING, fields, service=first.service, partner_note="", by=by, clock=clock
    )
    request.state, request.reference = "unfilled", _own_reference(session, first.library, BORROWING)
    request.follows_id, request.attempt = first.id, 1
    request.partner, request.partner_id = session.get_one(Partner, attempt.partner_id), attempt.partner_id
    request.wire_id = attempt.wire_id
    session.add(request)
    session.flush()
    attempt.request_id, attempt.number = request.id, 1
    event = actions.remember_creation(session, request, by, f"Second Parcel of {first.reference}", clock.now())
    promise_effects(session, request, (SCHEDULE_DUE_DATE_CHECK,), event, by=by, inputs={}, attempt=attempt)
    return request


def all_lending(
    session: Session, partner: Partner, partner_request_id: str, *, to_act: bool = False
) -> Sequence[Request]:
    """The lending halves of what a partner calls so, the latest first: more than one where it kept the id of what was
    refused, or speaks for several libraries. For whoever is going to act on one they are locked."""
    mine = (Request.partner_id == partner.id) & (Request.side == LENDING)
    wanted = sa.select(Request).where(mine, Request.partner_request_id == partner_request_id)
    wanted = wanted.order_by(Request.id.desc())
    return actions.all_locked(session, wanted) if to_act else session.scalars(wanted).all()


def _new(
    session: Session, library: Library, side: str, fields: Mapping[str, Any], *, service: str, partner_note: str,
    by: By, clock: Clock,
) -> Request:  # fmt: skip
    if by.account is not None:
        actors_at(session, by, library.id, library.name)
    elif by.partner is not None and by.partner.library_id != library.id:
        raise NotAllowed(f"{by.partner.name} is no partner of {library.name}.")
    if service not in SERVICES:
        raise BadInput(f"{service!r} is not possible. Choose {' or '.join(SERVICES)}.", field="service")
    # A partner's day may have passed on the way; ours is a slip of the pen.
    read = read_fields(fields, library.today(clock.now()) if by.partner is None else None)
    if not read.get("title"):
        raise BadInput("A request needs a title.", field="title")
    request = Request(
        library_id=library.id, side=side, version=1, created_at=clock.now(), state_since=clock.now(), service=service,
        partner_note=as_text("partner_note", partner_note, lines=True), **read,
    )  # fmt: skip
    request.library = library
    # Columns get their defaults at the first flush; the lifecycle reads them before.
    for column in Request.__table__.columns:
        default = column.default
        if default is not None and default.is_scalar and getattr(request, column.name) is None:
            setattr(request, column.name, default.arg)
    request.conditions = []
    return request


def _problems(session: Session, request: Request, *, looked_over: bool) -> list[str]:
    """What a person should look at before the request goes out."""
    found = []
    if request.patron is None:
        found.append("It has no patron.")
    fields = {name: getattr(request, name) for name in EDITABLE}
    twins = duplicates(session, request.library, fields, request.patron, request.created_at, beside=request.id)
    if not looked_over and (twin := next((t for t in twins if t.under_way), None)):
        found.append(f"The same patron has asked for it already: {twin.reference}.")
    return found


def _printed_reference(session: Session, library: Library, partner_id: str | None) -> str:
    """The partner's own id where it can be printed as a barcode and is free here, else a reference of ours."""
    if partner_id and len(partner_id) <= LONGEST_PRINTED and _can_be_scanned(partner_id):
        taken = sa.select(Request.id).where(
            Request.library_id == library.id, Request.side == LENDING, Request.reference == partner_id
        )
        if session.scalar(taken) is None:
            return partner_id
    return _own_reference(session, library, LENDING)


def _can_be_scanned(partner_id: str) -> bool:
    return partner_id.isascii() and partner_id.isprintable() and partner_id == partner_id.strip()


def _own_reference(session: Session, library: Library, side: str) -> str:
    """The next reference of ours; a partner's id may have taken it already."""
    while True:
        reference = next_reference(session, library)
        taken = (Request.library_id == library.id) & (Request.side == side) & (Request.reference == reference)
        if session.scalar(sa.select(Request.id).where(taken)) is None:
            return reference
