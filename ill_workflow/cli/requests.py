"""Commands about requests: make one, look at it, act on it, scan."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from ill_workflow import copies
from ill_workflow.accounts import Account, find_account, libraries_of
from ill_workflow.bootstrap import Services
from ill_workflow.cli import completing
from ill_workflow.cli.about import all_about, print_all
from ill_workflow.cli.output import As, AsJson, At, examples, pairs, say, show
from ill_workflow.errors import BadInput, NotAllowed, NotFound
from ill_workflow.libraries import Library, find_library
from ill_workflow.partners import find_partner
from ill_workflow.patrons import remember_patron
from ill_workflow.requests import actions, intake
from ill_workflow.requests.again import create_again
from ill_workflow.requests.assigning import assign
from ill_workflow.requests.by import By, actors_at
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import BORROWING, LENDING, Request
from ill_workflow.requests.scan import find, scan
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.changes import EDITABLE
from state_machines.lending import LENDING as LENDING_LIFECYCLE

request_app = typer.Typer(
    help="Requests: make them, look at them, take them in from a file and write them to one.", no_args_is_help=True
)
#: How much of a title a list shows.
LONGEST_SHOWN = 60
Side = Annotated[
    str | None,
    typer.Option(
        metavar="SIDE", help="borrowing or lending, where a reference names both halves.",
        autocompletion=completing.sides,
    ),
]  # fmt: skip
Reference = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE", help="The request's reference, such as XPX-1001.", autocompletion=completing.references
    ),
]

NEW = examples(
    'ill request new --title Emma author="Austen, Jane" --patron 21234000012345 --partner RIV',
    "ill request new --title Emma --asked-by RIV --partner-id R-77",
)
ASSIGN = examples("ill request assign XPX-1001 --to ann", "ill request assign XPX-1001 --nobody")
ACT = examples(
    "ill act XPX-1001 submit",
    'ill act XPX-1001 cancel reason="No longer wanted"',
    "ill act XPX-1001 partner_shipped due_date=2030-03-01 --told-by mail",
)
NOTE = examples(
    'ill note XPX-1001 "The patron is in a hurry."', 'ill note XPX-1001 "Please pack it well." --to-partner'
)
SCAN = examples("ill scan XPX-1001 --checked", "ill scan 31234000551187 --choose receive")


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(request_app, name="request", rich_help_panel=panel)
    app.command("act", rich_help_panel=panel, epilog=ACT)(act)
    app.command("undo", rich_help_panel=panel)(undo)
    app.command("again", rich_help_panel=panel)(again)
    app.command("note", rich_help_panel=panel, epilog=NOTE)(note)
    app.command("scan", rich_help_panel=panel, epilog=SCAN)(scan_in)


@request_app.command("new", epilog=NEW)
def new(
    context: typer.Context,
    title: Annotated[str, typer.Option(help="The title of the book or journal.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help=f"More about it: {', '.join(sorted(EDITABLE - {'title'}))}."),
    ] = None,
    patron: Annotated[str | None, typer.Option(metavar="BARCODE", help="The patron's barcode.")] = None,
    patron_name: Annotated[str, typer.Option(help="The patron's name.")] = "",
    patron_email: Annotated[str, typer.Option(metavar="ADDRESS", help="The patron's e-mail address.")] = "",
    partner: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE", help="Whom to ask, in order; may be repeated.", autocompletion=completing.partner_codes
        ),
    ] = None,
    asked_by: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="Lending: the partner that asks by phone, paper or mail.",
            autocompletion=completing.partner_codes,
        ),
    ] = None,
    partner_id: Annotated[str, typer.Option(metavar="ID", help="Lending: the partner's own id.")] = "",
    copy: Annotated[bool, typer.Option("--copy", help="A copy, not a loan.")] = False,
    library: At = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """Make a request: of a patron of ours, or with --asked-by of a partner."""
    services: Services = context.obj.services()
    service = "copy" if copy else "loan"
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        by, given = By.staff(account), {"title": title, **pairs(fields or [])}
        if asked_by:
            request = intake.lend(
                session, place, find_partner(session, place.id, asked_by, field="asked_by"), given, by=by,
                clock=services.clock, partner_request_id=partner_id, service=service,
            )  # fmt: skip
        else:
            reader = None
            if patron is not None:
                reader = remember_patron(session, place.id, patron, name=patron_name, email=patron_email)
            request = intake.borrow(
                session, place, given, by=by, clock=services.clock, patron=reader, service=service,
                partners=partner or [],
            )  # fmt: skip
        label = lifecycle_of(request).label(request.state)
    data = {"reference": request.reference, "side": request.side, "state": request.state, "state_label": label}
    say(f"{request.reference}: {label}.", data, as_json=as_json)


@request_app.command("list")
def list_requests(
    context: typer.Context,
    library: At = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE", help="Only those in this state, such as overdue.", autocompletion=completing.states
        ),
    ] = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """List the requests of a library, the latest first, 200 at most. All of them: ill request export."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        a_known_state(state)
        mine = sa.select(Request).where(Request.library_id == place.id).order_by(Request.id.desc()).limit(200)
        rows = session.scalars(mine.where(Request.state == state) if state else mine).all()
        shown = [
            {
                "reference": r.reference, "side": r.side,
                "state": r.state if as_json else lifecycle_of(r).label(r.state),
                "title": r.title if as_json or len(r.title) <= LONGEST_SHOWN else f"{r.title[:LONGEST_SHOWN]}…",
                "partner": r.partner.name if r.partner else None, "due": r.lender_due,
            }
            for r in rows
        ]  # fmt: skip
    show(shown, as_json=as_json, empty="No requests.")


@request_app.command("show")
def show_request(
    context: typer.Context, reference: Reference, library: At = None, side: Side = None, acts: As = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show all about a request: what it is, its history, what was said, what can be done, what waits."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        account, place = who_and_where(session, acts, library)
        request = request_of(session, place, reference, side)
        found = all_about(session, request, services, account)
    if as_json:
        say("", found, as_json=True)
    else:
        print_all(found)


@request_app.command("assign", epilog=ASSIGN)
def assign_request(
    context: typer.Context,
    reference: Reference,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="NAME", help="The account that sees to it from now on.",
            autocompletion=completing.accounts,
        ),
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Nobody sees to it any more.")] = False,
    library: At = None,
    side: Side = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Give a request to somebody: to yourself, where you name nobody else."""
    services: Services = context.obj.services()
    if to and nobody:
        raise BadInput("Somebody or nobody: name one.", field="to")
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        request = actions.locked(session, request_of(session, place, reference, side).id)
        whose = None if nobody else find_account(session, to, field="to") if to else account
        assign(session, request, whose, by=By.staff(account), clock=services.clock)
        name = (whose.full_name or whose.name) if whose else "nobody"
    data = {"reference": request.reference, "assigned_to": whose.name if whose else None}
    say(f"{request.reference}: {name} sees to it.", data, as_json=as_json)


def act(
    context: typer.Context,
    reference: Reference,
    trigger: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="The action, such as ship; `ill request show` lists them.",
            autocompletion=completing.triggers,
        ),
    ],
    inputs: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="What the action asks for.")] = None,
    told_by: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Record what the partner said: by phone, mail or paper.",
            autocompletion=completing.told_by,
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="A name of your own: with the same one the action is taken once.")
    ] = None,
    library: At = None,
    side: Side = None,
    acts: As = None,
    as_json: AsJson = False,
) -> None:
    """Take an action on a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        request = actions.locked(session, request_of(session, place, reference, side).id)
        given = _as_asked(request, trigger, pairs(inputs or []), services)
        outcome = actions.perform(
            session, request, trigger, by=By.staff(account, told_by), clock=services.clock, inputs=given, key=key
        )
    _tell(outcome, as_json=as_json)


def undo(
    context: typer.Context, reference: Reference, library: At = None, side: Side = None, acts: As = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Take back the last thing that staff did with a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        request = actions.locked(session, request_of(session, place, reference, side).id)
        outcome = actions.undo(session, request, by=By.staff(account), clock=services.clock)
    _tell(outcome, as_json=as_json)


def again(
    context: typer.Context, reference: Reference,
    key: Annotated[
        str | None, typer.Option(help="A name of your own: with the same one it is created once.")
    ] = None,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Create a request again that is over: a new one with the same data, which follows it."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        old = actions.locked(session, request_of(session, place, reference, side).id)
        new = create_again(session, old, by=By.staff(account), clock=services.clock, key=key)
        label = lifecycle_of(new).label(new.state)
    data = {"reference": new.reference, "follows": old.reference, "state": new.state, "state_label": label}
    say(f"{new.reference}: {label}. It follows {old.reference}.", data, as_json=as_json)


def note(
    context: typer.Context, reference: Reference,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to write.")],
    to_partner: Annotated[bool, typer.Option("--to-partner", help="Send it to the partner.")] = False,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write a note about a request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        request = actions.locked(session, request_of(session, place, reference, side).id)
        by = By.staff(account)
        outcome = actions.annotate(session, request, text, by=by, clock=services.clock, to_partner=to_partner)
    _tell(outcome, as_json=as_json)


def scan_in(
    context: typer.Context,
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="What the scanner reads: a reference, or a barcode of the item.",
            autocompletion=completing.references,
        ),
    ],
    choose: Annotated[
        str | None, typer.Option(metavar="ANSWER", help="Answer a question that the scan asked.")
    ] = None,
    which: Annotated[
        str | None, typer.Option("--reference", metavar="REFERENCE", help="Which request is meant, where several fit.")
    ] = None,
    checked: Annotated[bool, typer.Option("--checked", help="The item's condition was looked at.")] = False,
    item: Annotated[
        str | None, typer.Option(metavar="BARCODE", help="The item that lies with the slip which was scanned.")
    ] = None,
    library: At = None, side: Side = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Scan an item in: what that means is decided by the state of its request."""
    services: Services = context.obj.services()
    with services.db.writing() as session:
        account, place = who_and_where(session, acts, library)
        scanned = scan(
            session, place, code, by=By.staff(account), clock=services.clock, choose=choose, side=side,
            reference=which, checked=checked, item=item,
        )  # fmt: skip
    answers = [f"--choose {c}" for c in scanned.choices]
    answers += ["--item BARCODE"] if scanned.wants_item else []
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


def _as_asked(request: Request, trigger: str, given: dict[str, str], services: Services) -> dict[str, Any]:
    """What was typed, as the inputs of the row: a file is kept, and what is no input is a field to be changed."""
    needs = {need.name: need for row in lifecycle_of(request).rows(trigger) for need in row.needs}
    group = next((name for name, need in needs.items() if need.type == "fields"), None)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in needs and needs[name].type == "copy":
            found[name] = copies.keep(services.settings.copies, _content(value))
        elif group and name not in needs:
            found.setdefault(group, {})[name] = value
        else:
            found[name] = value
    return found


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(copies.LARGEST + 1)
    except OSError as trouble:
        raise BadInput(f"{path} can't be read: {trouble.strerror}.", field="file") from None


def _tell(outcome: actions.Outcome, *, as_json: bool) -> None:
    say(outcome.sentence, {**asdict(outcome), "sentence": outcome.sentence}, as_json=as_json)


def a_known_side(side: str | None) -> None:
    if side not in (None, BORROWING, LENDING):
        raise BadInput(f"{side!r} is not possible. Choose {BORROWING} or {LENDING}.", field="side")


def a_known_state(state: str | None) -> None:
    known = sorted({s.name for lifecycle in (BORROWING_LIFECYCLE, LENDING_LIFECYCLE) for s in lifecycle.states})
    if state and state not in known:
        raise BadInput(f"There is no state {state!r}. Known: {', '.join(known)}.", field="state")


def who_and_where(session: Session, acts: str | None, code: str | None) -> tuple[Account, Library]:
    """Who acts, and where: their only library, where they name none. Raises NotAllowed without a grant there."""
    account = find_account(session, acts)
    if code:
        library = find_library(session, code)
        actors_at(session, By.staff(account), library.id, library.name)
        return account, library
    granted = libraries_of(session, account)
    if not granted:
        raise NotAllowed(f"{account.name} has no grant anywhere. Give one: ill account grant.", field="as")
    if len(granted) > 1:
        raise BadInput(
            f"{account.name} has grants at {len(granted)} libraries. Name one: --library CODE.", field="library"
        )
    return account, session.get_one(Library, granted[0])


def request_of(session: Session, place: Library, reference: str, side: str | None) -> Request:
    """The request of that reference; else the one that has the code, where there is just one under way."""
    a_known_side(side)
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
