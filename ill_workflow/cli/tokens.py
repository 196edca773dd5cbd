"""The command about tokens, with which other systems use the REST API."""

from typing import Annotated

import typer

from ill_workflow import accounts, libraries, tokens
from ill_workflow.cli.accounts import AccountName, account_app
from ill_workflow.cli.output import AsJson, examples, say, show
from ill_workflow.errors import BadInput

TOKEN = examples(
    "ill account token catalogue --add discovery --scope act --library MAIN --days 365",
    "ill account token catalogue --list",
    "ill account token catalogue --revoke discovery",
)


@account_app.command("token", epilog=TOKEN)
def token(
    context: typer.Context,
    name: AccountName,
    add: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Add a token of this name. It is shown once.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the tokens of this system.")] = False,
    revoke: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="From now on this one opens nothing.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Of a new one: read, act (without one), or manage, which holds both.")
    ] = None,
    library: Annotated[
        str | None, typer.Option(metavar="CODE", help="Of a new one: good at this library only.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Of a new one: how long it lasts. Without: until revoked.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Tokens with which another system uses the REST API. None reaches further than the grants of its account."""
    if sum((add is not None, listed, revoke is not None)) != 1:
        raise BadInput("Say one of --add TOKEN, --list and --revoke TOKEN.", field="add")
    if add is None and (scope or library or days is not None):
        raise BadInput("--scope, --library and --days are of a token that is added.", field="add")
    services = context.obj.services()
    if listed:
        with services.db.reading() as session:
            account = accounts.find_account(session, name, field="name")
            shown = [_row(row) for row in tokens.tokens_of(session, account)]
        show(shown, as_json=as_json, empty="No tokens.")
        return
    with services.db.writing() as session:
        account = accounts.find_account(session, name, field="name")
        if revoke is not None:
            tokens.revoke_token(session, account, revoke)
            say(f"{revoke} opens nothing any more.", {"name": name, "token": revoke, "revoked": True}, as_json=as_json)
            return
        place = libraries.find_library(session, library) if library else None
        row, secret = tokens.add_token(session, account, add or "", scope=scope or "act", library=place, days=days)
        where = f"at {place.name}" if place else f"wherever {name} has a grant"
        end = f"until {row.expires_at:%Y-%m-%d}" if row.expires_at else "until it is revoked"
    data = {"name": name, "token": add, "scope": row.scope, "library": library, "expires": row.expires_at, "is": secret}
    say(f"{add} ({row.scope}, {where}, {end}), shown once: {secret}", data, as_json=as_json)


def _row(row: tokens.Token) -> dict[str, object]:
    return {
        "token": row.name, "begins": row.begins, "scope": row.scope,
        "library": row.library.code if row.library else "", "added": row.added_at, "expires": row.expires_at,
        "last used": row.used_at, "over": row.over,
    }  # fmt: skip
