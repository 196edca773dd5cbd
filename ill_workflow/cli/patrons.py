"""Commands about patrons: what is known of one, and how they want to be written to."""

from typing import Annotated, Any

import typer

from ill_workflow import patrons
from ill_workflow.cli.output import As, AsJson, At, pairs, say
from ill_workflow.cli.requests import who_and_where
from ill_workflow.errors import BadInput
from ill_workflow.patrons import Patron

patron_app = typer.Typer(help="The patrons of a library.", no_args_is_help=True)
FIELDS = ("name", "email", "pickup_location", "language", "opt_out")

Barcode = Annotated[str, typer.Argument(metavar="BARCODE", help="The patron's barcode.")]


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(patron_app, name="patron", rich_help_panel=panel)


@patron_app.command("show")
def show_patron(
    context: typer.Context, barcode: Barcode, library: At = None, acts: As = None, as_json: AsJson = False
) -> None:
    """What is known of a patron."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        data = _about(patrons.find_patron(session, place.id, barcode))
    lines = [
        f"{name.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in data.items()
        if value
    ]
    say("\n".join(lines), data, as_json=as_json)


@patron_app.command("change")
def change_patron(
    context: typer.Context, barcode: Barcode,
    fields: Annotated[
        list[str] | None,
            typer.Argument(
                metavar="NAME=VALUE", help="name=…, email=…, pickup_location=…, language=…, opt_out=…"
            )
    ] = None,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Change what is known of a patron: `ill patron change 2123 language=de opt_out=request_sent,shipped`.

    opt_out names the notices that they do without: request_sent, shipped, renewed, due_date_changed, or all of these;
    nothing takes it back. What asks something of a patron, or says how a request ended, is always told.
    """
    given: dict[str, Any] = pairs(fields or [])
    for name in given:
        if name not in FIELDS:
            raise BadInput(f"There is no field {name!r}. Known: {', '.join(FIELDS)}.", field=name)
    if "opt_out" in given:
        given["opt_out"] = [word.strip() for word in given["opt_out"].split(",") if word.strip()]
    with context.obj.services().db.writing() as session:
        _, place = who_and_where(session, acts, library)
        patron = patrons.find_patron(session, place.id, barcode)
        patrons.change_patron(session, patron, **given)
        data = _about(patron)
    say(f"{patron.name or barcode} is changed.", data, as_json=as_json)


def _about(patron: Patron) -> dict[str, Any]:
    return {
        "barcode": patron.barcode, "name": patron.name, "email": patron.email,
        "pickup_location": patron.pickup_location, "language": patron.language, "opt_out": patron.opt_out,
    }  # fmt: skip
