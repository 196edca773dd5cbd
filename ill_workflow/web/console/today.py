"""Today: what needs this person, with one click to what usually comes next."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi import Request as Http
from fastapi.responses import RedirectResponse, Response

from ill_workflow import backlog
from ill_workflow.about.whole import LARGEST_ID
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.mail.sentences import words_of
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import BORROWING, LENDING, Request
from ill_workflow.requests.next_step import asks_for_nothing
from ill_workflow.requests.today import Day, Failure, Line, Section, today
from ill_workflow.typed import LANGUAGES
from ill_workflow.web import filters
from ill_workflow.web.console.operations import KINDS
from ill_workflow.web.done import what_was_done
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Posted, Signed, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}")

#: States of which staff are alerted by another name.
OCCASIONS = {(LENDING, "new"): "new_request", (BORROWING, "conditional"): "condition"}
#: What is said of states that nobody is alerted of.
SENTENCES = {
    (LENDING, "will_supply"): "Promised. Fetch it, print its slip, and ship it.",
    (LENDING, "being_processed"): "The slip is printed. Pack the item and ship it.",
    (LENDING, "returned_by_partner"): "On its way home. Scan it in when it comes.",
    (BORROWING, "created"): "Not sent to a partner yet.",
    (BORROWING, "return_in_transit"): "The patron has brought it back. Send it home.",
    (BORROWING, "shipped"): "On its way here. Scan it in when it comes.",
    (BORROWING, "in_transit"): "On its way here. Scan it in when it comes.",
    (BORROWING, "received"): "Here, and waiting for the patron.",
}
TONES = {"failed": "bad", "expiring": "bad", "overdue": "warn", "losses": "warn", "recalled": "warn", "cancel": "warn"}
SIDES = {LENDING: "Lending Requests", BORROWING: "Borrowing Requests"}


@dataclass(frozen=True)
class Shown:
    """One line of Today, as it stands on the page."""

    line: Line
    side: str
    sentence: str
    last_day: date | None  #: the clock does something at its end, or the lender wants it
    since: date  #: it is what it is
    one_click: bool  #: what usually comes next asks for nothing


@router.get("/today")
def see(http: Http, visitor: Signed, services: Here, whose: str = "") -> Response:
    mine, now = whose == "mine", services.clock.now()
    with services.db.reading() as session:
        day = today(session, visitor.library, visitor.account, visitor.role, services.clock, mine=mine)
        sections = [
            (section, [_shown(line, visitor) for line in section.lines], _links(section)) for section in day.sections
        ]
        return render(
            http, "today.html", visitor, done=what_was_done(session, visitor, http), day=day, sections=sections,
            mine=mine, tone=_tone, key=secrets.token_urlsafe,
            zone=visitor.library.zone, today=visitor.library.today(now), failed=_failed, what=_what,
            nothing=_nothing(day),
        )  # fmt: skip


@router.post("/today/seen/{number}")
def seen(number: int, visitor: Signed, services: Here, form: Posted) -> Response:
    """Somebody has looked at what staff were alerted of. News that came since they saw it stay."""
    with services.db.writing() as session:
        mine = (Request.id == number) & (Request.library_id == visitor.library.id)
        if not 0 < number < LARGEST_ID or session.scalar(sa.select(Request.id).where(mine)) is None:
            raise NotFound(_("There is no such request here."))
        at = _instant(str(form.get("at", "")))
        looked = sa.update(Request).where(mine, Request.alert_at == at).values(alert=None, alert_at=None)
        session.execute(looked.execution_options(synchronize_session=False))
    return RedirectResponse(f"/l/{visitor.library.code}/today", status_code=303)


@router.post("/today/again/{number}")
def again(number: int, visitor: Signed, services: Here) -> Response:
    """Try again what was given up, or of which nobody knows whether it arrived."""
    with services.db.writing() as session:
        ours = sa.select(EffectRow.id).where(EffectRow.id == number, EffectRow.library_id == visitor.library.id)
        if not 0 < number < LARGEST_ID or session.scalar(ours) is None:
            raise NotFound(_("There is no such work here."))
        backlog.resend(session, number)
    return RedirectResponse(f"/l/{visitor.library.code}/today", status_code=303)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(_("Load the page again."), field="at") from None


def _shown(line: Line, visitor: Visitor) -> Shown:
    request = line.row.request
    return Shown(
        line, request.side, _why(line, visitor), _last_day(line, visitor),
        request.state_since.astimezone(visitor.library.zone).date(),
        line.action is not None and asks_for_nothing(line.action),
    )  # fmt: skip


def _why(line: Line, visitor: Visitor) -> str:
    """Why it is here, in the words in which staff are written to."""
    request = line.row.request
    alerts = words_of(visitor.locale if visitor.locale in LANGUAGES else "en").alerts
    state = (request.side, request.state)
    for occasion in (request.alert or "", (request.alert or "").rsplit("_", 1)[0], OCCASIONS.get(state, request.state)):
        if occasion in alerts:
            return alerts[occasion]
    return _(SENTENCES[state]) if state in SENTENCES else _(line.row.state_label)


def _last_day(line: Line, visitor: Visitor) -> date | None:
    if line.until is None:
        return line.row.request.return_by if line.row.request.state == "recalled" else None
    # At midnight a day is over, and nobody thinks of that as the next one.
    return (line.until - timedelta(seconds=1)).astimezone(visitor.library.zone).date()


def _links(section: Section) -> list[tuple[str, str, int]]:
    """The lists in which all of it stands: what they are called, their addresses, and how much is there."""
    return [(_(SIDES[side]), f"{side}{filters.query(wanted)}", count) for side, wanted, count in section.lists]


def _tone(section: Section) -> str:
    return TONES.get(section.kind.name, "")


def _what(failure: Failure) -> str:
    """What it was to be."""
    if failure.effect_id is None:
        return _("Mail")
    return _(KINDS[failure.what][1]) if failure.what in KINDS else failure.what


def _failed(failure: Failure) -> str:
    """What went wrong."""
    if failure.effect_id is None:
        return _("Nobody had an address for this mail.")
    return failure.why or _("It was given up.")


def _nothing(day: Day) -> str:
    if not day.sections:
        return _("Nothing is waiting.")
    return _("Nothing urgent. What follows can wait.") if day.is_quiet else ""
