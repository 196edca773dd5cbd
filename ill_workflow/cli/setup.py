"""Commands with which an installation is set up: tables, libraries, accounts, partners."""

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ill_workflow import calendars, libraries, partners
from ill_workflow.cli import completing
from ill_workflow.cli.output import AsJson, At, examples, pairs, say, show
from ill_workflow.errors import BadInput
from ill_workflow.lists import partner_list
from ill_workflow.migrations import migrate
from ill_workflow.requests import due_dates
from ill_workflow.slips import logo
from ill_workflow.slips import settings as slip_settings
from ill_workflow.wire_settings import ABOUT

library_app = typer.Typer(
    help="The libraries of this installation: add, change, list, close for a day.", no_args_is_help=True
)
partner_app = typer.Typer(help="The partners of a library, and what was agreed with them.", no_args_is_help=True)

LIBRARY_FIELDS = (
    "address", "delivery_code", "email", "reply_to", "currency", "working_days", "lending_suspended",
    "lending_suspended_from", "lending_suspended_until", "claim_days",
    "transit_after_days", "language", "digest_minutes", "scan_receives", "scan_ships", "agency_type", "agency",
)  # fmt: skip
PARTNER_FIELDS = (
    "email", "shipping_address", "billing_address", "return_address", "delivery_code", "delivery_method",
    "working_days", "time_zone", "currency", "transport", "status", "hub", "library_of_ours", "language",
    *(f"wire.{name}" for name in ABOUT),
)  # fmt: skip


def _fields(known: tuple[str, ...]) -> Any:
    return typer.Argument(metavar="NAME=VALUE", help=f"Further fields: {', '.join(known)}. \\n breaks a line.")


LibraryFields = Annotated[list[str] | None, _fields((*LIBRARY_FIELDS, *slip_settings.FIELDS))]
PartnerFields = Annotated[list[str] | None, _fields(PARTNER_FIELDS)]
NewCode = Annotated[str, typer.Argument(metavar="CODE", help="A short code, by which it is known from now on.")]
LibraryCode = Annotated[
    str,
    typer.Argument(metavar="CODE", help="The library's code, such as MAIN.", autocompletion=completing.library_codes),
]
PartnerCode = Annotated[
    str,
    typer.Argument(metavar="CODE", help="The partner's code, such as RIV.", autocompletion=completing.partner_codes),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="DAY", help="The last of several days; without it that one day.")
]
ClosedPartner = Annotated[
    str | None,
    typer.Option(
        "--partner", metavar="CODE", help="Not the library, but this partner of it.",
        autocompletion=completing.partner_codes,
    ),
]  # fmt: skip
ADD_LIBRARY = examples(
    'ill library add MAIN --name "Main Library" --prefix XPX --time-zone America/Chicago',
    'ill library add MAIN --name Main --prefix XPX email=ill@main.example address="1 Main Street\\nChicago, IL"',
)
CHANGE_LIBRARY = examples(
    "ill library change MAIN lending_suspended=yes", "ill library change MAIN lending_suspended_until=2026-12-31"
)
CLOSE = examples(
    "ill library close MAIN 2026-12-25 --reason Christmas", "ill library close MAIN 2026-12-24 --until 2027-01-02"
)
ADD_PARTNER = examples(
    'ill partner add RIV --library MAIN --name "Riverside College" email=ill@riverside.example',
    """ill partner add HILL --library MAIN --name Hilltop --terms '{"loan_days": 21}' hub=RIV""",
    "ill partner add LAKE --name Lake transport=iso18626 wire.address=https://ill.lake.example/iso18626",
)


def register(app: typer.Typer, panel: str) -> None:
    app.command("migrate", rich_help_panel=panel)(migrate_tables)
    app.add_typer(library_app, name="library", rich_help_panel=panel)
    app.add_typer(partner_app, name="partner", rich_help_panel=panel)


def migrate_tables(context: typer.Context, as_json: AsJson = False) -> None:
    """Create the tables, or bring them up to date."""
    settings = context.obj.settings
    settings.make_room()
    migrate(settings.url)
    say("The tables are up to date.", {"tables": "up to date"}, as_json=as_json)


@library_app.command("add", epilog=ADD_LIBRARY)
def add_library(
    context: typer.Context,
    code: NewCode,
    name: Annotated[str, typer.Option(help="Its name.")],
    prefix: Annotated[str, typer.Option(help="Of its references: XPX gives XPX-1001.")],
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Such as America/Chicago.")] = "UTC",
    fields: LibraryFields = None,
    as_json: AsJson = False,
) -> None:
    """Add a library."""
    given = _known(pairs(fields or []), (*LIBRARY_FIELDS, *slip_settings.FIELDS))
    looks = {name: given.pop(name) for name in slip_settings.FIELDS if name in given}
    with context.obj.services().db.writing() as session:
        library = libraries.add_library(session, code=code, name=name, prefix=prefix, time_zone=time_zone, **given)
        slip_settings.change(session, library, looks)
    _warn_without_an_address(library.name, library.address, library.delivery_code)
    say(f"{library.name} is {library.code}.", {"code": library.code, "id": library.id}, as_json=as_json)


@library_app.command("change", epilog=CHANGE_LIBRARY)
def change_library(
    context: typer.Context, code: LibraryCode, fields: LibraryFields = None, as_json: AsJson = False
) -> None:
    """Change fields of a library."""
    with context.obj.services().db.writing() as session:
        library = libraries.find_library(session, code)
        given = _known(pairs(fields or []), (*LIBRARY_FIELDS, *slip_settings.FIELDS))
        looks = {name: given[name] for name in slip_settings.FIELDS if name in given}
        libraries.change_library(session, library, **{n: v for n, v in given.items() if n not in looks})
        slip_settings.change(session, library, looks)
        due_dates.reckon_anew(session, library.id)
    say(f"{library.name} is changed.", {"code": library.code, "changed": sorted(given)}, as_json=as_json)


@library_app.command("logo", epilog=examples("ill library logo MAIN logo.png", "ill library logo MAIN --remove"))
def library_logo(
    context: typer.Context,
    code: LibraryCode,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The picture: PNG or JPEG.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Print no logo any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """The logo on the slips of a library; it is kept in the database. Slips promised before keep the one they had."""
    if (file is None) != remove:
        raise BadInput("Name a picture, or say --remove.", field="file")
    try:
        content = _beginning(file) if file else None
    except OSError as trouble:
        raise BadInput(f"{file} can't be read: {trouble.strerror}.", field="file") from None
    services = context.obj.services()
    with services.db.writing() as session:
        library = libraries.find_library(session, code)
        slip_settings.set_logo(session, library, content, services.clock.now())
    what = "prints no logo any more" if remove else "prints its logo on each slip"
    say(f"{library.name} {what}.", {"code": library.code, "logo": library.logo}, as_json=as_json)


@library_app.command("close", epilog=CLOSE)
def close_library(
    context: typer.Context,
    code: LibraryCode,
    day: Annotated[str, typer.Argument(metavar="DAY", help="Such as 2026-12-25.")],
    until: Until = None,
    reason: Annotated[str, typer.Option(help="Why, for people.")] = "",
    partner: ClosedPartner = None,
    as_json: AsJson = False,
) -> None:
    """Close the library, or a partner of it, on a day or several in a row: they are no working days."""
    first, last = _day(day, "day"), _day(until, "until") if until else None
    with context.obj.services().db.writing() as session:
        library = libraries.find_library(session, code)
        theirs = partners.find_partner(session, library.id, partner) if partner else None
        whose = theirs.id if theirs else None
        calendars.close(session, first, library_id=library.id, partner_id=whose, reason=reason, until=last)
        due_dates.reckon_anew(session, library.id, whose)
    who = theirs.name if theirs else library.name
    when = f"from {first} to {last}" if last and last != first else f"on {first}"
    say(f"{who} is closed {when}.", {"who": who, "closed": first, "until": last or first}, as_json=as_json)


@library_app.command("open", epilog=examples("ill library open MAIN 2026-12-25"))
def open_library(
    context: typer.Context,
    code: LibraryCode,
    day: Annotated[str, typer.Argument(metavar="DAY", help="A day that was to be closed.")],
    until: Until = None,
    partner: ClosedPartner = None,
    as_json: AsJson = False,
) -> None:
    """Open on a day, or several in a row, that were to be closed."""
    first, last = _day(day, "day"), _day(until, "until") if until else None
    with context.obj.services().db.writing() as session:
        library = libraries.find_library(session, code)
        theirs = partners.find_partner(session, library.id, partner) if partner else None
        whose = theirs.id if theirs else None
        count = calendars.open_again(session, first, library_id=library.id, partner_id=whose, until=last)
        due_dates.reckon_anew(session, library.id, whose)
    who = theirs.name if theirs else library.name
    days = "1 day" if count == 1 else f"{count} days"
    say(f"{who} is open again on {days}.", {"who": who, "days": count}, as_json=as_json)


@library_app.command("list")
def list_libraries(context: typer.Context, as_json: AsJson = False) -> None:
    """List the libraries."""
    with context.obj.services().db.reading() as session:
        rows = session.scalars(sa.select(libraries.Library).order_by(libraries.Library.code)).all()
        shown = [
            {"code": r.code, "name": r.name, "prefix": r.prefix, "time zone": r.time_zone, "e-mail": r.email}
            for r in rows
        ]
    show(shown, as_json=as_json)


@partner_app.command("add", epilog=ADD_PARTNER)
def add_partner(
    context: typer.Context,
    code: NewCode,
    name: Annotated[str, typer.Option(help="Its name.")],
    library: At = None,
    terms: Annotated[str, typer.Option(metavar="JSON", help='What was agreed, such as {"loan_days": 21}')] = "{}",
    fees: Annotated[str, typer.Option(metavar="JSON", help='Such as {"replacement": "90.00"}')] = "{}",
    fields: PartnerFields = None,
    as_json: AsJson = False,
) -> None:
    """Add a partner to a library's list."""
    with context.obj.services().db.writing() as session:
        place = place_of(session, library)
        given = _partner_fields(session, place.id, _known(pairs(fields or []), PARTNER_FIELDS), {})
        agreed = {"terms": _json("terms", terms), "fees": _json("fees", fees)}
        partner = partners.add_partner(session, place.id, code=code, name=name, **agreed, **given)
    _warn_without_an_address(partner.name, partner.shipping_address, partner.delivery_code)
    if partner.transport == "email" and not partner.email:
        print(f"{partner.name} has no e-mail address: messages to it will need attention.", file=sys.stderr)
    say(f"{partner.name} is {code} at {place.name}.", {"code": code, "id": partner.id}, as_json=as_json)


@partner_app.command("change")
def change_partner(
    context: typer.Context,
    code: PartnerCode,
    library: At = None,
    terms: Annotated[str | None, typer.Option(metavar="JSON", help="Replaces what was agreed.")] = None,
    fees: Annotated[str | None, typer.Option(metavar="JSON", help="Replaces what was agreed.")] = None,
    fields: PartnerFields = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a partner."""
    with context.obj.services().db.writing() as session:
        place = place_of(session, library)
        partner = partners.find_partner(session, place.id, code, field="code")
        given = _partner_fields(session, place.id, _known(pairs(fields or []), PARTNER_FIELDS), partner.wire)
        given |= {k: _json(k, v) for k, v in (("terms", terms), ("fees", fees)) if v is not None}
        partners.change_partner(session, partner, **given)
        due_dates.reckon_anew(session, place.id, partner.id)
    say(f"{partner.name} is changed.", {"code": code, "changed": sorted(given)}, as_json=as_json)


@partner_app.command("list")
def list_partners(context: typer.Context, library: At = None, as_json: AsJson = False) -> None:
    """List the partners of a library."""
    with context.obj.services().db.reading() as session:
        place = place_of(session, library)
        mine = sa.select(partners.Partner).where(partners.Partner.library_id == place.id)
        rows = session.scalars(mine.order_by(partners.Partner.code)).all()
        shown = [
            {"code": r.code, "name": r.name, "transport": r.transport, "e-mail": r.email, "status": r.status}
            for r in rows
        ]
    show(shown, as_json=as_json)


def _beginning(file: Path) -> bytes:
    """As much of a picture as tells whether it is too large."""
    with file.open("rb") as picture:
        return picture.read(logo.LARGEST_FILE + 1)


def place_of(session: sa.orm.Session, code: str | None) -> libraries.Library:
    """The library that was named. Raises BadInput where none was."""
    if not code:
        raise BadInput("Name a library: --library CODE, or set ILL_LIBRARY.", field="library")
    return libraries.find_library(session, code)


def _warn_without_an_address(name: str, address: str, delivery_code: str) -> None:
    missing = " and ".join(
        what for what, value in (("address", address), ("delivery code", delivery_code)) if not value
    )
    if missing:
        print(f"{name} has no {missing} yet: on slips the place stays empty.", file=sys.stderr)


def _known(given: dict[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    for name in given:
        if name not in names:
            raise BadInput(f"There is no field {name!r}. Known: {', '.join(names)}.", field=name)
    found: dict[str, Any] = {name: value.replace("\\n", "\n") for name, value in given.items()}
    for name, unit in (("claim_days", "days"), ("transit_after_days", "days"), ("digest_minutes", "minutes")):
        if name in found and not found[name].isdecimal():
            raise BadInput(f"{name} is a number of {unit}.", field=name)
        if name in found:
            found[name] = int(found[name])
    if "currency" in found:
        found["currency"] = found["currency"].upper()
    for name in ("lending_suspended_from", "lending_suspended_until"):
        if name in found:
            found[name] = _day(found[name], name) if found[name] else None
    for name in ("lending_suspended", "scan_receives", "scan_ships"):
        if name in found:
            if found[name] not in ("yes", "no"):
                raise BadInput(f"{name} is yes or no.", field=name)
            found[name] = found[name] == "yes"
    return found


def _partner_fields(
    session: sa.orm.Session, library_id: int, given: dict[str, Any], wire: Mapping[str, Any]
) -> dict[str, Any]:
    if cells := {name: given.pop(name) for name in list(given) if name.startswith("wire.")}:
        given["wire"] = partner_list.wire_of(cells, wire)
    if hub := given.pop("hub", None):
        given["hub_id"] = partners.find_partner(session, library_id, hub, field="hub").id
    if ours := given.pop("library_of_ours", None):
        given["local_library_id"] = libraries.find_library(session, ours).id
        given.setdefault("transport", "local")
    return given


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("A day is written like 2026-12-25.", field=field) from None


def _json(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput(f"{name} are a JSON object.", field=name)
    return value
