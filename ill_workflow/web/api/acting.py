"""What other systems do: actions, undo, notes, scans, new requests. Each in one transaction, once for each key."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Header, Path, Response
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, Conflict, NotFound, Simultaneous
from ill_workflow.libraries import Library
from ill_workflow.partners import find_partner
from ill_workflow.patrons import remember_patron
from ill_workflow.requests import actions, intake
from ill_workflow.requests.actions import LONGEST_KEY, Outcome
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Event, Request
from ill_workflow.requests.scan import scan
from ill_workflow.web.api import examples, telling
from ill_workflow.web.api.about_requests import Number, request_at
from ill_workflow.web.api.callers import Acting, Here, Place
from ill_workflow.web.api.input_schemas import check_fields, check_inputs, triggers
from ill_workflow.web.api.problems import Changed, described
from ill_workflow.web.api.shapes import (
    LARGEST_ID,
    ActionGiven,
    CandidateShown,
    ChecklistShown,
    Created,
    NewBorrowing,
    NewLending,
    NoteGiven,
    OutcomeShown,
    ScanGiven,
    ScanShown,
)

router = APIRouter(prefix="/libraries/{library}", responses=described(400, 401, 403, 404, 409, 413, 415, 422, 429, 503))
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY, pattern="^[ -~]+$",
        description=(
            "A name of your own for this one deed, such as a UUID. Send the same again with the same key, and it is "
            "done once and answered alike; the same key with other content is refused."
        ),
    ),
]  # fmt: skip
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=20, pattern=r'^("[0-9]{1,10}"|\*)$',
        description="The ETag of the request that you saw. Where somebody was faster, nothing is done.",
    ),
]  # fmt: skip
Made = TypeVar("Made")


@router.post(
    "/requests/{number}/actions/{trigger}", operation_id="take_action", tags=["Actions"], summary="Take an action",
    responses=described(412),
)  # fmt: skip
def take_action(
    place: Acting, services: Here, number: Number,
    trigger: Annotated[
        str, Path(max_length=64, description="The action, as `get_actions` names it.", examples=["print_slip"])
    ],
    given: Annotated[ActionGiven, Body(openapi_examples=examples.ACTIONS)] = ActionGiven(),  # noqa: B008
    key: Key = None, if_match: IfMatch = None,
) -> OutcomeShown:  # fmt: skip
    """The one way in which a request changes. What an action needs, and whether it is possible, its table says.

    A refusal (409) says what the request is now, what would be needed, and what can be done instead.
    """
    version = given.version if if_match in (None, "*") else _version(if_match)

    def deed(session: Session) -> OutcomeShown:
        request = actions.locked(session, request_at(session, place, number).id)
        if trigger not in triggers(lifecycle_of(request)):
            raise NotFound(f"There is no action {trigger!r} on a {request.side} request.", field="trigger")
        check_inputs(lifecycle_of(request), trigger, given.inputs)
        try:
            outcome = actions.perform(
                session, request, trigger, by=place.by(given.told_by), clock=services.clock, inputs=given.inputs,
                key=key, version=version,
            )  # fmt: skip
        except BadInput as wrong:
            asked = {need.name for row in lifecycle_of(request).rows(trigger) for need in row.needs}
            of_inputs = wrong.field in asked | set(given.inputs)
            raise BadInput(wrong.message, field=f"inputs.{wrong.field}" if of_inputs else wrong.field) from None
        except Conflict as faster:
            if faster.field == "version" and if_match not in (None, "*"):
                raise Changed(faster.message, field="If-Match") from None
            raise
        return telling.outcome_shown(request, outcome)

    return committed(services, deed)


@router.post("/requests/{number}/undo", operation_id="undo", tags=["Actions"], summary="Take back the last action")
def undo(place: Acting, services: Here, number: Number, key: Key = None) -> OutcomeShown:
    """Takes back the last thing that staff or a system did, by an event of its own. Refused where it can't be."""

    def deed(session: Session) -> OutcomeShown:
        request = actions.locked(session, request_at(session, place, number).id)

        def once() -> Outcome:
            return actions.undo(session, request, by=place.by(), clock=services.clock)

        return telling.outcome_shown(request, _outcome_once(session, services, place, key, ["undo", number], once))

    return committed(services, deed)


@router.post(
    "/requests/{number}/notes", operation_id="add_note", tags=["Actions"], summary="Write a note", status_code=201
)
def add_note(
    place: Acting, services: Here, number: Number,
    given: Annotated[NoteGiven, Body(openapi_examples=examples.NOTES)], key: Key = None,
) -> OutcomeShown:  # fmt: skip
    """A note for the staff of this library, or to the partner, who gets it as a message."""

    def deed(session: Session) -> OutcomeShown:
        request = actions.locked(session, request_at(session, place, number).id)

        def once() -> Outcome:
            return actions.annotate(
                session, request, given.note, by=place.by(), clock=services.clock, to_partner=given.to_partner
            )

        mark = ["note", number, given.model_dump()]
        return telling.outcome_shown(request, _outcome_once(session, services, place, key, mark, once))

    return committed(services, deed)


@router.post("/scans", operation_id="scan", tags=["Actions"], summary="Scan an item in")
def scan_in(
    place: Acting, services: Here, given: Annotated[ScanGiven, Body(openapi_examples=examples.SCANS)], key: Key = None
) -> ScanShown:
    """A code of the slip or of the item: the state of its request decides what that means. Where several things fit,
    nothing is done and it asks. The same code again within a minute changes nothing and repeats the answer."""

    def deed(session: Session) -> ScanShown:
        library = session.get_one(Library, place.library.id)

        def once() -> dict[str, Any]:
            return _scanned(session, library, given, place.by(), services)

        found = _once(session, services, place, key, ["scan", given.model_dump()], once)
        return ScanShown.model_validate(found)

    return committed(services, deed)


@router.post(
    "/requests", operation_id="create_request", tags=["Requests"], summary="Make a request", status_code=201,
    responses={200: {"model": Created, "description": "The same key came before: the answer that it got then."}},
)  # fmt: skip
def create_request(
    place: Acting, services: Here, response: Response,
    given: Annotated[NewBorrowing | NewLending, Body(discriminator="side", openapi_examples=examples.NEW)],
    key: Key = None,
) -> Created:  # fmt: skip
    """Borrowing: a patron of ours wants something; what looks odd goes to Needs Review, and `submit` sends it.

    Lending: a partner asks by phone, on paper or in a plain mail.
    """

    def deed(session: Session) -> Created:
        def once() -> dict[str, Any]:
            try:
                request = _new(session, session.get_one(Library, place.library.id), given, place.by(), services)
            except NotFound as unknown:  # a partner that the body names, and not the address
                raise BadInput(unknown.message, field=unknown.field) from None
            session.flush()
            return {
                "number": request.id, "reference": request.reference, "side": request.side, "state": request.state,
                "state_label": lifecycle_of(request).label(request.state), "version": request.version,
                "repeated": False, "href": telling.address_of(request),
            }  # fmt: skip

        return Created(**_once(session, services, place, key, ["create", given.model_dump()], once))

    created = committed(services, deed)
    response.headers["Location"] = created.href
    if created.repeated:
        response.status_code = 200
    return created


def committed(services: Services, deed: Callable[[Session], Made]) -> Made:
    """Do it in one transaction; once more where another one was doing the same at the same moment."""
    try:
        with services.db.writing() as session:
            return deed(session)
    except (IntegrityError, OperationalError, Simultaneous):
        # Now that one has ended, one way or the other.
        with services.db.writing() as session:
            return deed(session)


def _once(
    session: Session, services: Services, place: Place, key: str | None, mark: list[Any],
    deed: Callable[[], dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """The answer of a deed; the same key gets the one of the first time. What is done is in this transaction."""
    content, by = json.dumps(mark, sort_keys=True), place.by()
    if key is not None and (known := actions.answered(session, place.library.id, by, key, content)):
        return {**known, "repeated": True}
    answer = deed()
    if key is not None:
        actions.remember_answer(session, place.library.id, by, key, content, answer, services.clock.now())
    return answer


def _outcome_once(
    session: Session, services: Services, place: Place, key: str | None, mark: list[Any], deed: Callable[[], Outcome]
) -> Outcome:
    return Outcome(**_once(session, services, place, key, mark, lambda: asdict(deed())))


def _scanned(session: Session, library: Library, given: ScanGiven, by: By, services: Services) -> dict[str, Any]:
    found = scan(
        session, library, given.code, by=by, clock=services.clock, choose=given.choose, side=given.side,
        reference=given.reference, checked=given.checked, item=given.item, look=given.look,
    )  # fmt: skip
    outcome = None
    if found.outcome is not None:
        request = session.get_one(Request, session.get_one(Event, found.outcome.event_id).request_id)
        outcome = telling.outcome_shown(request, found.outcome)
    shown = ScanShown(
        reference=found.reference, sentence=found.sentence, done=outcome is not None, outcome=outcome,
        again=found.again, wants_item=found.wants_item, choices=list(found.choices),
        checklist=ChecklistShown.model_validate(asdict(found.checklist)) if found.checklist else None,
        candidates=[
            CandidateShown.model_validate(
                {"side": c.side, "reference": c.reference, "title": c.title, "state_label": c.state}
            )
            for c in found.candidates
        ],
    )  # fmt: skip
    return shown.model_dump(mode="json")


def _new(session: Session, library: Library, given: NewBorrowing | NewLending, by: By, services: Services) -> Request:
    check_fields(given.fields)
    if isinstance(given, NewLending):
        partner = find_partner(session, library.id, given.partner)
        return intake.lend(
            session, library, partner, given.fields, by=by, clock=services.clock,
            partner_request_id=given.partner_request_id, service=given.service, partner_note=given.note,
        )  # fmt: skip
    patron = remember_patron(session, library.id, **given.patron.model_dump()) if given.patron else None
    return intake.borrow(
        session, library, given.fields, by=by, clock=services.clock, patron=patron, service=given.service,
        partner_note=given.note, partners=given.partners,
    )  # fmt: skip


def _version(if_match: str | None) -> int:
    number = int((if_match or "").strip('"'))
    # No request has ever had such a version, and none of that size fits.
    return min(number, LARGEST_ID)
