"""Commands about requests: make one, look at it, act on it, scan, print."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from ill_workflow import timers
from ill_workflow.accounts import Account, find_account, libraries_of
from ill_workflow.bootstrap import Services
from ill_workflow.cli.output import As, AsJson, At, pairs, say, show
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.fees import Ledger, in_words
from ill_workflow.libraries import Library, find_library
from ill_workflow.outbox import DEAD, READY, RUNNING, UNCERTAIN, EffectRow
from ill_workflow.partners import find_partner
from ill_workflow.patrons import remember_patron
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, LENDING, Event, MessageRow, Notice, Request, Slip
from ill_workflow.requests.scan import find, scan
from ill_workflow.slips import render
from ill_workflow.slips.making import content_of

request_app = typer.Typer(help="Requests.", no_args_is_help=True)
Side = Annotated[str | None, typer.Option(help="borrowing or lending, where a reference names both halves.")]
Reference = Annotated[str, typer.Argument(help="The request's reference, such as XPX-1001.")]


def register(app: typer.Typer) -> None:
    app.add_typer(request_app, name="request")
    app.command("act")(act)
    app.command("undo")(undo)
    app.command("note")(note)
    app.command("scan")(scan_in)
    app.command("slip")(slip)


@request_app.command("new")
def new(
    context: typer.Context,
    title: Annotated[str, typer.Option()],
    fields: Annotated[
        list[str] | None, typer.Argument(help="author=…, isbn=…, volume=…, need_by=2026-03-01, …")
    ] = None,
    patron: Annotated[str | None, typer.Option(help="The patron's barcode.")] = None,
    patron_name: Annotated[str, typer.Option()] = "",
    patron_email: Annotated[str, typer.Option()] = "",
    partner: Annotated[list[str] | None, typer.Option(help="Whom to ask, in order; may be repeated.")] = None,
    asked_by: Annotated[
        str | None, typer.Option(help="Lending: the partner that asks by phone, paper or mail.")
    ] = None,
    partner_id: Annotated[str, typer.Option(help="Lending: the partner's own id.")] = "",
    copy: Annotated[bool, typer.Option("--copy", help="A copy, not a loan.")] = False,
    library: At = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """A new request: of a patron of ours, or with --asked-by of a partner."""
    services: Services = context.obj.services()
    service = "copy" if copy else "loan"
    with services.db.writing() as session:
        account, place = _who_and_where(session, acts, library)
        by, given = By.staff(account), {"title": title, **pairs(fields or [])}
        if asked_by:
            request = intake.lend(
                session, place, find_partner(session, place.id, asked_by, field="asked_by"), given, by=by,
                clock=services.clock, partner_request_id=partner_id, service=service,
            )  # fmt: skip
        else:
            reader = (
                remember_patron(session, place.id, patron, name=patron_name, email=patron_email) if patron else None
            )
            request = intake.borrow(
                session, place, given, by=by, clock=services.clock, patron=reader, service=service,
                partners=partner or [],
            )  # fmt: skip
        label = lifecycle_of(request).label(request.state)
        say(f"{request.reference}: {label}.", {"reference": request.reference, "state": request.state}, as_json=as_json)


@request_app.command("list")
def list_requests(
    context: typer.Context, library: At = None, state: Annotated[str | None, typer.Option()] = None,
    acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The requests of a library, the latest first."""
    with context.obj.services().db.reading() as session:
        _, place = _who_and_where(session, acts, library)
        mine = sa.select(Request).where(Request.library_id == place.id).order_by(Request.id.desc()).limit(200)
        rows = session.scalars(mine.where(Request.state == state) if state else mine).all()
        shown = [
            {
                "reference": r.reference, "side": r.side, "state": lifecycle_of(r).label(r.state),
                "title": r.title[:60],
                "partner": r.partner.name if r.partner else "", "due": r.lender_due,
            }
            for r in rows
        ]  # fmt: skip
    show(shown, as_json=as_json, empty="No requests.")


@request_app.command("show")
def show_request(
    context: typer.Context, reference: Reference, library: At = None, side: Side = None, acts: As = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """All about a request: what it is, its history, what was said, what can be done, what waits."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = _who_and_where(session, acts, library)
        request = _request(session, place, reference, side)
        found = _all_about(session, request, services)
        rows = actions.menu(session, request, by=By.staff(account), clock=services.clock)
        found["actions"] = {row.trigger: row.label for row in rows}
    if as_json:
        say("", found, as_json=True)
    else:
        _print(found)


def act(
    context: typer.Context,
    reference: Reference,
    trigger: Annotated[str, typer.Argument(help="The action, such as ship; `ill request show` lists them.")],
    inputs: Annotated[list[str] | None, typer.Argument(help="Its inputs, as name=value.")] = None,
    told_by: Annotated[str | None, typer.Option(help="Record what the partner said: by phone, mail or paper.")] = None,
    key: Annotated[str | None, typer.Option(help="An idempotency key.")] = None,
    library: At = None,
    side: Side = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """Take an action on a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = _who_and_where(session, acts, library)
        request = actions.locked(session, _request(session, place, reference, side).id)
        given: dict[str, Any] = pairs(inputs or [])
        if trigger in ("amend", "retry"):
            given = {"changes": given} if given else {}
        outcome = actions.perform(
            session, request, trigger, by=By.staff(account, told_by), clock=services.clock, inputs=given, key=key
        )
    say(outcome.sentence, {**outcome.__dict__, "sentence": outcome.sentence}, as_json=as_json)


def undo(context: typer.Context, reference: Reference, library: At = None, side: Side = None, acts: As = None) -> None:
    """Take back the last thing that staff did with a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = _who_and_where(session, acts, library)
        request = actions.locked(session, _request(session, place, reference, side).id)
        print(actions.undo(session, request, by=By.staff(account), clock=services.clock).sentence)


def note(
    context: typer.Context, reference: Reference, text: str,
    to_partner: Annotated[bool, typer.Option("--to-partner", help="Send it to the partner.")] = False,
    library: At = None, side: Side = None, acts: As = None,
) -> None:  # fmt: skip
    """Write a note about a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = _who_and_where(session, acts, library)
        request = actions.locked(session, _request(session, place, reference, side).id)
        by = By.staff(account)
        print(actions.annotate(session, request, text, by=by, clock=services.clock, to_partner=to_partner).sentence)


def scan_in(
    context: typer.Context, code: str,
    choose: Annotated[str | None, typer.Option(help="Answer a question that the scan asked.")] = None,
    which: Annotated[str | None, typer.Option("--reference", help="Which request is meant, where several fit.")] = None,
    checked: Annotated[bool, typer.Option("--checked", help="The item's condition was looked at.")] = False,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Scan In: what the code means now is decided by the state of its request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = _who_and_where(session, acts, library)
        scanned = scan(
            session, place, code, by=By.staff(account), clock=services.clock, choose=choose, side=side,
            reference=which, checked=checked,
        )  # fmt: skip
    answers = [f"--choose {c}" for c in scanned.choices]
    answers += [f"--side {c.side} --reference {c.reference}" for c in scanned.candidates]
    say(
        " ".join([scanned.sentence, *(["Answer with:", ", ".join(answers)] if answers else [])]),
        {
            "reference": scanned.reference,
            "sentence": scanned.sentence,
            "done": scanned.outcome is not None,
            "choices": scanned.choices,
            "candidates": [asdict(c) for c in scanned.candidates],
        },
        as_json=as_json,
    )


def slip(
    context: typer.Context, reference: Reference,
    layout: Annotated[str, typer.Option(help="routing, shipping, book_strap or return_slip.")] = "routing",
    out: Annotated[Path | None, typer.Option(help="The PDF file to write.")] = None,
    library: At = None, side: Side = None, acts: As = None,
) -> None:  # fmt: skip
    """Print a slip again: no transition, possible in every state."""
    services: Services = context.obj.services()
    if layout not in ("routing", "shipping", "book_strap", "return_slip"):
        raise BadInput(f"{layout!r} is no layout. Choose routing, shipping, book_strap or return_slip.", field="layout")
    with services.db.reading() as session:
        account, place = _who_and_where(session, acts, library)
        request = _request(session, place, reference, side)
        if request.partner is None:
            raise BadInput(f"{request.reference} has no partner to put on a slip.", field="reference")
        pdf = render(content_of(session, request, layout, services.clock, account))  # type: ignore[arg-type]
    path = out or Path(f"{reference}-{layout}.pdf")
    try:
        path.write_bytes(pdf)
    except OSError as trouble:
        raise BadInput(f"{path} can't be written: {trouble.strerror}.", field="out") from None
    print(path)


def _who_and_where(session: Session, acts: str | None, code: str | None) -> tuple[Account, Library]:
    """Who acts, and where: their only library, where they name none."""
    account = find_account(session, acts)
    if code:
        return account, find_library(session, code)
    granted = libraries_of(session, account)
    if len(granted) != 1:
        raise BadInput(
            f"{account.name} has grants at {len(granted)} libraries. Name one: --library CODE.", field="library"
        )
    return account, session.get_one(Library, granted[0])


def _request(session: Session, place: Library, reference: str, side: str | None) -> Request:
    """The request of that reference; else the one that has the code, where there is just one under way."""
    if side not in (None, BORROWING, LENDING):
        raise BadInput(f"{side!r} is not possible. Choose {BORROWING} or {LENDING}.", field="side")
    found = [r for r in find(session, place, reference) if side in (None, r.side)]
    if not found:
        raise NotFound(f"There is no request {reference!r} at {place.name}.", field="reference")
    exact = [r for r in found if r.reference == reference]
    under_way = [r for r in found if r.state not in lifecycle_of(r).terminal]
    meant = exact or under_way or found[-1:]
    if len({r.side for r in meant}) > 1:
        raise BadInput(f"{reference} is borrowed and lent. Say which: --side borrowing or lending.", field="side")
    if len(meant) > 1:
        names = ", ".join(r.reference for r in meant)
        raise BadInput(f"{reference} fits {names}. Name one of them.", field="reference")
    return meant[0]


def _all_about(session: Session, request: Request, services: Services) -> dict[str, Any]:
    def of(table: Any) -> list[Any]:
        return list(session.scalars(sa.select(table).where(table.request_id == request.id).order_by(table.id)))

    zone = request.library.zone

    def local(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    waiting = [e for e in of(EffectRow) if e.status in (READY, RUNNING, DEAD, UNCERTAIN)]
    return {
        "reference": request.reference,
        "side": request.side,
        "state": lifecycle_of(request).label(request.state),
        "title": request.title,
        "author": request.author,
        "isbn": request.isbn,
        "partner": request.partner.name if request.partner else None,
        "patron": request.patron.barcode if request.patron else None,
        "due": request.lender_due,
        "fees": in_words(Ledger(session, request.library_id, request.id).balances()),
        "history": [
            {"at": local(e.at), "what": e.label, "who": e.who, "told by": e.told_by, "from": e.source, "to": e.dest}
            for e in of(Event)
        ],
        "messages": [
            {"at": local(m.at), "way": "in" if m.incoming else "out", "what": m.kind, "outcome": m.outcome}
            for m in of(MessageRow)
        ],
        "notices": [
            {"at": local(n.at), "to": n.to, "what": n.occasion, "subject": n.subject, "message id": n.message_id}
            for n in of(Notice)
        ],
        "slips": [str(services.settings.slips / s.file) for s in of(Slip)],
        "timers": [{"what": t.name, "at": local(t.due_at)} for t in timers.of(session, request.id)],
        "waiting": [
            {"id": e.id, "what": f"{e.kind} {e.argument}".strip(), "status": e.status, "why": e.last_error or ""}
            for e in waiting
        ],
    }


def _print(found: dict[str, Any]) -> None:
    print(f"{found['reference']} ({found['side']}): {found['state']}")
    for name in ("title", "author", "isbn", "partner", "patron", "due", "fees"):
        if found[name]:
            print(f"  {name}: {found[name]}")
    for name in ("history", "messages", "notices", "timers", "waiting"):
        if found[name]:
            print(f"\n{name.capitalize()}")
            show(found[name], as_json=False)
    for path in found["slips"]:
        print(f"\nSlip: {path}")
    print("\nWhat can be done: " + ", ".join(f"{label} ({name})" for name, label in found["actions"].items()))
