"""Requests to look at: lists, one of them, and all that belongs to it."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from ill_workflow.about.thread import thread
from ill_workflow.accounts import Role
from ill_workflow.errors import IllError, NotAllowed, NotFound, Refused
from ill_workflow.fees import Ledger
from ill_workflow.mail.sent import sent_mails
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.choices import Choice, choices
from ill_workflow.requests.models import Event, Request, Slip
from ill_workflow.requests.undoing import last_undoable
from ill_workflow.web.api import telling
from ill_workflow.web.api.callers import Here, Place, Reading
from ill_workflow.web.api.input_schemas import inputs_schema
from ill_workflow.web.api.problems import described
from ill_workflow.web.api.shapes import (
    LARGEST_ID,
    Actions,
    ActionShown,
    Fees,
    History,
    LedgerLineShown,
    Mails,
    MailShown,
    Messages,
    RequestShown,
    Slips,
    SlipShown,
    UndoShown,
)

router = APIRouter(prefix="/libraries/{library}", responses=described(401, 403, 404, 422, 429, 503))
Number = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The number of a request.", examples=[1])]


def request_at(session: Session, place: Place, number: int) -> Request:
    """The request of that number. Raises NotFound, for one of another library as well."""
    request = session.get(Request, number)
    if request is None or request.library_id != place.library.id:
        raise NotFound(f"There is no request {number} at {place.library.name}.", field="number")
    return request


@router.get("/requests/{number}", operation_id="get_request", tags=["Requests"], summary="All about one request")
def get_request(place: Reading, services: Here, number: Number, response: Response) -> RequestShown:
    """What it is now, both due dates, pieces, open fees and what happens by itself. The ETag is its version."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        response.headers["ETag"] = telling.etag(request.version)
        return telling.whole(session, request)


@router.get("/requests/{number}/history", operation_id="get_history", tags=["Requests"], summary="What happened to it")
def get_history(place: Reading, services: Here, number: Number) -> History:
    """Who did what, when, why, and told by whom. Nothing is ever rewritten: an undo is a line of its own."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        rows = sa.select(Event).where(Event.request_id == request.id).order_by(Event.version)
        return History(items=telling.history(session.scalars(rows).all()))


Raw = Annotated[
    bool,
    Query(
        description="With the XML of messages and answers, for a manager with a token that may manage.",
        examples=[False],
    ),
]


@router.get(
    "/requests/{number}/messages", operation_id="get_messages", tags=["Requests"], summary="What was said to partners"
)
def get_messages(place: Reading, services: Here, number: Number, raw: Raw = False) -> Messages:
    """What went to its partners and came from them, what became of it, and each try to say it."""
    if raw and place.role != Role.MANAGER:
        raise NotAllowed("What went over the wire is shown to a manager, with a token that may manage.", field="raw")
    with services.db.reading() as session:
        request = request_at(session, place, number)
        rows = sa.select(EffectRow).where(EffectRow.request_id == request.id, EffectRow.kind == "send_message")
        work = session.scalars(rows.order_by(EffectRow.id)).all()
        return Messages(items=[telling.message(said, raw=raw) for said in thread(session, request, work, whole=raw)])


@router.get("/requests/{number}/fees", operation_id="get_fees", tags=["Requests"], summary="Its ledger")
def get_fees(place: Reading, services: Here, number: Number) -> Fees:
    """Lending: what the partner owes us. Borrowing: what we owe the partner."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        ledger = Ledger(session, request.library_id, request.id)
        lines = [
            LedgerLineShown.model_validate(
                {
                    "id": e.id, "at": e.at, "sign": e.sign, "kind": e.kind, "currency": e.currency,
                    "amount": f"{e.amount:.2f}", "provisional": e.provisional, "note": e.note,
                }
            )
            for e in ledger.lines()
        ]  # fmt: skip
        return Fees(open=telling.money(ledger.balances()), lines=lines)


@router.get("/requests/{number}/slips", operation_id="get_slips", tags=["Requests"], summary="Its slips")
def get_slips(place: Reading, services: Here, number: Number) -> Slips:
    """The slips that were promised for it: whether they are drawn, and whether somebody has printed them."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        rows = sa.select(Slip).where(Slip.request_id == request.id).order_by(Slip.id)
        return Slips(
            items=[
                SlipShown(
                    number=s.id, layout=s.layout, at=s.at, ready=bool(s.file), printed_at=s.printed_at,
                    href=telling.at_library(place.library, "slips", s.id),
                )
                for s in session.scalars(rows)
            ]
        )  # fmt: skip


@router.get(
    "/slips/{slip}", operation_id="get_slip", tags=["Requests"], summary="A slip, to be printed",
    response_class=FileResponse,
    responses={
        200: {"description": "The slip.", "content": {"application/pdf": {"schema": {"type": "string"}}}},
        **described(409),
    },
)  # fmt: skip
def get_slip(
    place: Reading, services: Here,
    slip: Annotated[int, Path(ge=1, le=LARGEST_ID, description="The number of a slip.", examples=[1])],
) -> FileResponse:  # fmt: skip
    """The PDF. Refused while no worker has drawn it."""
    with services.db.reading() as session:
        row = session.get(Slip, slip)
        if row is None or row.library_id != place.library.id:
            raise NotFound(f"There is no slip {slip} at {place.library.name}.", field="slip")
        path = services.settings.slips / row.file
        if not row.file or not path.is_file():
            raise Refused("The slip is not drawn yet. Ask again in a moment.", field="slip")
    return FileResponse(path, media_type="application/pdf", filename=path.name)


@router.get("/requests/{number}/mails", operation_id="get_mails", tags=["Requests"], summary="Mails and their fates")
def get_mails(place: Reading, services: Here, number: Number) -> Mails:
    """The mails that told of it, and whether they arrived: to whom in particular is nobody's business here."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        return Mails(
            items=[
                MailShown(
                    number=mail.id, to=mail.reader, letter=mail.name, subject=mail.subject, at=mail.at,
                    fate=fate.word, fate_at=fate.at, needs_a_person=fate.failed,
                )
                for mail, fate in sent_mails(session, place.library.id, request_id=request.id)
            ]
        )  # fmt: skip


@router.get(
    "/requests/{number}/actions", operation_id="get_actions", tags=["Actions"], summary="What can be done with it"
)
def get_actions(place: Reading, services: Here, number: Number, response: Response) -> Actions:
    """Every action of its table: what is possible now with the schema of its inputs, what is not with the reason."""
    with services.db.reading() as session:
        request = request_at(session, place, number)
        response.headers["ETag"] = telling.etag(request.version)
        found = choices(session, request, by=place.by(), clock=services.clock)
        return Actions(
            version=request.version,
            items=[_action(request, choice) for choice in found],
            undo=_undo(session, request),
        )


def _action(request: Request, choice: Choice) -> ActionShown:
    told: Any = "must" if choice.must_be_told else "may" if choice.told else "no"
    return ActionShown(
        trigger=choice.trigger, label=choice.action.label, possible=choice.possible, why_not=choice.why_not,
        primary=choice.primary, told_by=told, inputs=inputs_schema(choice.action.needs, dict(choice.answers)),
        href=f"{telling.address_of(request)}/actions/{choice.trigger}",
    )  # fmt: skip


def _undo(session: Session, request: Request) -> UndoShown:
    href = f"{telling.address_of(request)}/undo"
    try:
        last = last_undoable(session, request)
    except IllError as refusal:
        return UndoShown(possible=False, label="", why_not=refusal.message, href=href)
    return UndoShown(possible=True, label=last.label, why_not="", href=href)
