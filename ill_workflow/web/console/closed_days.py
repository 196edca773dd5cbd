"""Days on which a library or a partner is closed: everybody may look, a manager closes and opens."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from ill_workflow import calendars
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.partners import Partner
from ill_workflow.requests import due_dates
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Posted, Signed, Visitor
from ill_workflow.web.words import _, ngettext

router = APIRouter(prefix="/l/{library}/closed-days")

FIRST_YEAR, LAST_YEAR = 1990, 2199


@dataclass(frozen=True)
class Typed:
    """What was typed to close a day, and what is wrong with it."""

    day: str = ""
    until: str = ""
    reason: str = ""
    wrong: BadInput | None = None

    def error(self, field: str) -> str:
        """What is wrong with a field."""
        if self.wrong is None or (self.wrong.field or "day") != field:
            return ""
        return self.wrong.message


@router.get("")
def look(
    request: Request, visitor: Signed, services: Here, year: str = "", partner: str = "", done: str = "",
    days: str = "", anew: str = "",
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        return _page(request, visitor, session, _partner(session, visitor, partner), _year(year, visitor, services),
                     done=_told(done, days, anew))  # fmt: skip


@router.post("")
def close(request: Request, visitor: Managing, services: Here, form: Posted) -> Response:
    """Close a day, or several in a row."""
    typed = Typed(_text(form, "day"), _text(form, "until"), _text(form, "reason"))
    whose = _text(form, "partner")
    try:
        with services.db.writing() as session:
            partner = _partner(session, visitor, whose)
            first, last = _day(typed.day, "day"), _day(typed.until, "until") if typed.until else None
            partner_id = partner.id if partner else None
            days = calendars.close(
                session, first, library_id=visitor.library.id, partner_id=partner_id, reason=typed.reason, until=last
            )
            anew = due_dates.reckon_anew(session, visitor.library.id, partner_id)
    except BadInput as wrong:
        with services.db.reading() as session:
            partner, year = _partner(session, visitor, whose), _year(typed.day[:4], visitor, services)
            failed = Typed(typed.day, typed.until, typed.reason, wrong)
            return _page(request, visitor, session, partner, year, typed=failed, status=422)
    return _back(visitor, partner, first.year, f"done=closed&days={days}&anew={anew}")


@router.post("/open")
def open_again(visitor: Managing, services: Here, form: Posted) -> Response:
    """Open on days that were to be closed."""
    first, last = _day(_text(form, "day"), "day"), _day(_text(form, "until"), "until")
    with services.db.writing() as session:
        partner = _partner(session, visitor, _text(form, "partner"))
        partner_id = partner.id if partner else None
        days = calendars.open_again(session, first, library_id=visitor.library.id, partner_id=partner_id, until=last)
        anew = due_dates.reckon_anew(session, visitor.library.id, partner_id)
    return _back(visitor, partner, first.year, f"done=opened&days={days}&anew={anew}")


def _page(
    request: Request, visitor: Visitor, session: Session, partner: Partner | None, year: int, *,
    typed: Typed | None = None, done: str = "", status: int = 200,
) -> Response:  # fmt: skip
    library: Library = visitor.library
    found = calendars.closings(session, library.id, partner.id if partner else None, year)
    others = session.execute(
        sa.select(Partner.id, Partner.code, Partner.name).where(Partner.library_id == library.id).order_by(Partner.code)
    ).all()
    return render(
        request, "closed_days.html", visitor, status=status, closings=found, year=year, partner=partner, others=others,
        typed=typed or Typed(), done=done, who=partner.name if partner else library.name,
        working_days=partner.working_days if partner else library.working_days,
        earlier=max(year - 1, FIRST_YEAR), later=min(year + 1, LAST_YEAR),
    )  # fmt: skip


def _partner(session: Session, visitor: Visitor, number: str) -> Partner | None:
    """The partner that is meant; none: the library itself. Raises BadInput."""
    if not number:
        return None
    known = number.isascii() and number.isdigit() and len(number) < 10
    partner = session.get(Partner, int(number)) if known else None
    if partner is None or partner.library_id != visitor.library.id:
        raise BadInput(_("There is no such partner in this library's list."), field="partner")
    return partner


def _text(form: Posted, name: str) -> str:
    return str(form.get(name, "")).strip()


def _year(said: str, visitor: Visitor, services: Here) -> int:
    if said.isascii() and said.isdigit() and len(said) == 4 and FIRST_YEAR <= int(said) <= LAST_YEAR:
        return int(said)
    return visitor.library.today(services.clock.now()).year


def _day(said: str, field: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        raise BadInput(_("A day is written like 2026-12-25."), field=field) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadInput(_("This year is too far away."), field=field)
    return day


def _told(done: str, days: str, anew: str) -> str:
    """What was done, and what that changes."""
    digits = days + anew
    if done not in ("closed", "opened") or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return ""
    count, again = int(days or 0), int(anew or 0)
    what = {
        "closed": ngettext("{count} day is closed.", "{count} days are closed.", count),
        "opened": ngettext("{count} day is open again.", "{count} days are open again.", count),
    }[done]
    follows = ngettext(
        "What {count} request under way waits for is reckoned anew.",
        "What {count} requests under way wait for is reckoned anew.", again,
    )  # fmt: skip
    return f"{what.format(count=count)} {follows.format(count=again)}"


def _back(visitor: Visitor, partner: Partner | None, year: int, told: str) -> Response:
    whose = f"&partner={partner.id}" if partner else ""
    return RedirectResponse(f"/l/{visitor.library.code}/closed-days?year={year}{whose}&{told}", status_code=303)
