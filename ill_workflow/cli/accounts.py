"""Commands about accounts: who may act, with which password, and where they are signed in."""

import sys
from typing import Annotated

import sqlalchemy as sa
import typer
from argon2 import PasswordHasher

from ill_workflow import accounts, libraries, signing_in
from ill_workflow.cli import completing
from ill_workflow.cli.output import AsJson, At, examples, say, show
from ill_workflow.cli.setup import place_of
from ill_workflow.errors import BadInput

account_app = typer.Typer(help="Accounts of staff and of other systems, and what each may do.", no_args_is_help=True)

AccountName = Annotated[
    str, typer.Argument(metavar="NAME", help="The account's name.", autocompletion=completing.accounts)
]
FullName = typer.Option(help="What history calls the person.")
Email = typer.Option(metavar="ADDRESS", help="Where alerts and slips are sent to.")


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(account_app, name="account", rich_help_panel=panel)


@account_app.command("add", epilog=examples('ill account add ann --full-name "Ann Operator" --email ann@main.example'))
def add_account(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A short name, by which it acts from now on.")],
    full_name: Annotated[str, FullName] = "",
    email: Annotated[str, Email] = "",
    system: Annotated[bool, typer.Option("--system", help="Another system: it gets a secret to sign with.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add an account of a person, or of another system. What it may do is granted after that."""
    with context.obj.services().db.writing() as session:
        account = accounts.add_account(session, name, full_name=full_name, email=email, system=system)
    secret = f" Its secret, shown once: {account.secret}" if account.secret else ""
    say(
        f"{name} is an account. Grant it a role: ill account grant.{secret}",
        {"name": name, "secret": account.secret},
        as_json=as_json,
    )


@account_app.command("change")
def change_account(
    context: typer.Context,
    name: AccountName,
    full_name: Annotated[str | None, FullName] = None,
    email: Annotated[str | None, Email] = None,
    active: Annotated[bool | None, typer.Option("--active/--closed", help="A closed account acts no more.")] = None,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="Of another system: the old one is void.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change an account, close it, or give a system a new secret."""
    with context.obj.services().db.writing() as session:
        account = accounts.change_account(
            session, name, full_name=full_name, email=email, active=active, new_secret=new_secret
        )
    secret = f" Its new secret, shown once: {account.secret}" if new_secret else ""
    data = {"name": name, "active": account.active, "secret": account.secret if new_secret else None}
    say(f"{name} is changed.{secret}", data, as_json=as_json)


@account_app.command("grant", epilog=examples("ill account grant ann operator --library MAIN"))
def grant(
    context: typer.Context,
    name: AccountName,
    role: Annotated[
        str,
        typer.Argument(
            metavar="ROLE",
            help="operator, or manager: who may decide about money and dates, too.",
            autocompletion=completing.roles,
        ),
    ],
    library: At = None,
    as_json: AsJson = False,
) -> None:
    """Let an account act at a library, as operator or manager."""
    with context.obj.services().db.writing() as session:
        place = place_of(session, library)
        accounts.grant(session, accounts.find_account(session, name, field="name"), place.id, role)
    data = {"name": name, "role": role, "library": place.code}
    say(f"{name} is {role} at {place.name}.", data, as_json=as_json)


@account_app.command("password", epilog=examples("ill account password ann", "ill account password ann --once"))
def set_password(
    context: typer.Context,
    name: AccountName,
    once: Annotated[
        bool, typer.Option("--once", help="Make one to pass on, with which they have to take their own.")
    ] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, for scripts.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a person a password for the console. All their sessions end."""
    services = context.obj.services()
    typed_in = ""
    if not once:
        typed_in = sys.stdin.readline().rstrip("\n") if stdin else typer.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )  # fmt: skip
    with services.db.writing() as session:
        account = accounts.find_account(session, name, field="name")
        if once:
            shown: str | None = signing_in.set_password_once(session, account, PasswordHasher())
        else:
            if account.system:
                raise BadInput(f"{name} is a system, which signs in with tokens.", field="name")
            shown = None
            signing_in.set_password(session, account, typed_in, PasswordHasher())
    told = f"Pass it on to {name}: it opens the way to a password of their own for a week: {shown}"
    answer = {"account": name, "password": shown} if once else {"account": name}
    say(told if once else f"{name} can sign in with it.", answer, as_json=as_json)


@account_app.command("sessions", epilog=examples("ill account sessions ann", "ill account sessions ann --end"))
def list_sessions(
    context: typer.Context,
    name: AccountName,
    end: Annotated[bool, typer.Option("--end", help="End them all.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where somebody is signed in at the console."""
    services = context.obj.services()
    if end:
        with services.db.writing() as session:
            ended = signing_in.end_all(session, accounts.any_account(session, name))
        say(f"{ended} ended.", {"account": name, "ended": ended}, as_json=as_json)
        return
    with services.db.reading() as session:
        rows = [
            {"address": s.address, "browser": s.browser, "since": s.at.isoformat(), "seen": s.seen_at.isoformat()}
            for s in signing_in.sessions_of(session, accounts.any_account(session, name))
        ]  # fmt: skip
    show(rows, as_json=as_json)


@account_app.command("list")
def list_accounts(context: typer.Context, as_json: AsJson = False) -> None:
    """List the accounts and what each may do where."""
    with context.obj.services().db.reading() as session:
        codes = {row.id: row.code for row in session.scalars(sa.select(libraries.Library))}
        held: dict[int, list[str]] = {}
        for g in session.scalars(sa.select(accounts.Grant)):
            held.setdefault(g.account_id, []).append(f"{g.role} at {codes[g.library_id]}")
        rows = session.scalars(sa.select(accounts.Account).order_by(accounts.Account.name)).all()
        shown = [
            {
                "name": r.name,
                "full name": r.full_name,
                "e-mail": r.email,
                "system": r.system,
                "active": r.active,
                "grants": held.get(r.id, []),
            }
            for r in rows
        ]
    show(shown, as_json=as_json)
