"""What the shell offers when Tab is pressed: references, actions, codes. Never an error, whatever is missing."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

import sqlalchemy as sa
import typer
from rich.markup import escape
from sqlalchemy.orm import Session

from ill_workflow import runtime
from ill_workflow.accounts import Account, find_account
from ill_workflow.libraries import Library, find_library
from ill_workflow.partners import Partner
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, LENDING, Request
from ill_workflow.slips import Layout
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.lending import LENDING as LENDING_LIFECYCLE

#: More than that nobody reads.
MOST = 50
#: The shell puts what we offer into the line as it is, and a partner chooses its own ids: nothing that a shell obeys.
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")

Offer = Iterator[tuple[str, str]]


def _quietly(look: Callable[[Session, typer.Context, str], Offer]) -> Callable[[typer.Context, str], list[Any]]:
    """Without a database, or with one that can't be read, there is nothing to offer, and nothing to say."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Any]:
        try:
            with ctx.obj.services().db.reading() as session:
                found = look(session, ctx, incomplete)
                fitting = [(w, a) for w, a in found if w.startswith(incomplete) and _HARMLESS.fullmatch(w)]
                return [(word, escape(_one_line(about))) for word, about in fitting][:MOST]
        except Exception:  # whoever presses Tab has asked for no sentence
            return []

    return complete


def _among(*words: str) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


@_quietly
def references(session: Session, ctx: typer.Context, incomplete: str) -> Offer:
    """Requests of the library, the latest first."""
    rows = sa.select(Request).where(Request.reference.startswith(incomplete, autoescape=True))
    if code := _named(ctx, "library"):
        rows = rows.where(Request.library_id == find_library(session, code).id)
    for request in session.scalars(rows.order_by(Request.id.desc()).limit(MOST)):
        state = lifecycle_of(request).label(request.state)
        yield request.reference, f"{state}: {request.title}"


def triggers(ctx: typer.Context, incomplete: str) -> list[Any]:
    """What can be done with the request that was named; else all actions."""
    rows = (row for lifecycle in (BORROWING_LIFECYCLE, LENDING_LIFECYCLE) for row in lifecycle.actions)
    known = {row.trigger: row.label for row in rows if row.trigger.startswith(incomplete)}
    return _possible(ctx, incomplete) or list(known.items())


@_quietly
def _possible(session: Session, ctx: typer.Context, incomplete: str) -> Offer:
    rows = sa.select(Request).where(Request.reference == _named(ctx, "reference"))
    if code := _named(ctx, "library"):
        rows = rows.where(Request.library_id == find_library(session, code).id)
    request = session.scalars(rows).one()
    clock = ctx.obj.services().clock
    by = By.staff(find_account(session, _named(ctx, "acts")), _named(ctx, "told_by"))
    yield from ((row.trigger, row.label) for row in actions.menu(session, request, by=by, clock=clock))


@_quietly
def library_codes(session: Session, ctx: typer.Context, incomplete: str) -> Offer:
    for library in session.scalars(sa.select(Library).order_by(Library.code).limit(MOST)):
        yield library.code, library.name


@_quietly
def accounts(session: Session, ctx: typer.Context, incomplete: str) -> Offer:
    for account in session.scalars(sa.select(Account).where(Account.active.is_(True)).order_by(Account.name)):
        yield account.name, account.full_name


@_quietly
def partner_codes(session: Session, ctx: typer.Context, incomplete: str) -> Offer:
    """Partners of the library, or of all where none is named."""
    rows = sa.select(Partner).where(Partner.code.startswith(incomplete, autoescape=True))
    if code := _named(ctx, "library"):
        rows = rows.where(Partner.library_id == find_library(session, code).id)
    for partner in session.scalars(rows.order_by(Partner.code).limit(MOST)):
        yield partner.code, partner.name


layouts = _among(*get_args(Layout))
sides = _among(BORROWING, LENDING)
told_by = _among("phone", "mail", "paper")
states = _among(*sorted({s.name for lc in (BORROWING_LIFECYCLE, LENDING_LIFECYCLE) for s in lc.states}))
jobs = _among(*sorted(runtime.JOBS))
roles = _among("operator", "manager")
lifecycle_names = _among("borrowing", "lending", "both")
forms = _among("table", "diagram", "json")

__all__ = [
    "accounts", "forms", "jobs", "layouts", "library_codes", "lifecycle_names", "partner_codes", "references", "roles",
    "sides", "states", "told_by", "triggers",
]  # fmt: skip


def _named(ctx: typer.Context, name: str) -> str | None:
    """What was typed for a parameter, or stands in its variable."""
    value = ctx.params.get(name)
    if value:
        return str(value)
    for parameter in ctx.command.params:
        if parameter.name == name:
            return str(parameter.value_from_envvar(ctx) or "") or None
    return None


def _one_line(words: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in words)[:60]
