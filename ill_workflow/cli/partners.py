"""Commands about one partner: what was agreed with it, and what it and we show each other."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from ill_workflow import partner_secrets, partners
from ill_workflow.bootstrap import Services
from ill_workflow.cli.output import AsJson, At, as_text, examples, line, say, show
from ill_workflow.cli.setup import PartnerCode, partner_app, place_of
from ill_workflow.errors import BadInput
from ill_workflow.iso18626.trying import try_connection
from ill_workflow.lists import partner_list
from ill_workflow.partner_health import remarks_on

SHOW = examples("ill partner show RIV --library MAIN")
TRY = examples("ill partner try RIV --library MAIN")
SECRET = examples(
    "ill partner secret RIV token --new",
    "ill partner secret RIV token --new --keep-former",
    "ill partner secret RIV token --end-former",
    "ill partner secret RIV our_token",
    "ill partner secret RIV our_code --remove",
)
SecretName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="code or token: what it shows us. our_code or our_token: what we show it, as it gave it."
    ),
]


@partner_app.command("show", epilog=SHOW)
def show_partner(context: typer.Context, code: PartnerCode, library: At = None, as_json: AsJson = False) -> None:
    """Show what was agreed with a partner: what is set, what is usual, which secrets there are; none of them itself."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        place = place_of(session, library)
        partner = partners.find_partner(session, place.id, code, field="code")
        told = _told(services, session, partner)
    told["our address"] = f"{services.settings.web_address}/iso18626/{place.code}"
    told["our id"] = partner.agreed_wire().our_agency or place.agency or place.code
    if as_json:
        print(as_text(told))
        return
    shown = [
        {"what": name, "is": value, "": "agreed" if name in told["agreed"] else "usual" if "." in name else ""}
        for name, value in told["settings"].items()
    ]
    show(shown, as_json=False)
    if partner.transport == "iso18626":
        line()
        line(f"Secrets that are set: {', '.join(told['secrets']) or 'none'}")
        line(f"It sends its messages to {told['our address']}, and knows us as {told['our id']}.")
        for remark in told["remarks"]:
            line(remark)


@partner_app.command("try", epilog=TRY)
def try_partner(context: typer.Context, code: PartnerCode, library: At = None, as_json: AsJson = False) -> None:
    """Call a partner with a question about a request that doesn't exist, and tell what came back."""
    services: Services = context.obj.services()
    with services.db.reading() as session:
        partner = partners.find_partner(session, place_of(session, library).id, code, field="code")
    tried = try_connection(services.db, partner.id, services.clock, may_be_private=services.settings.private_partners)
    told = f"{partner.name} answered after {tried.took_ms} ms, and takes what we say."
    told += " But it confirmed a question about a request that does not exist." if tried.confirmed else ""
    say(told, {"partner": partner.code, "took_ms": tried.took_ms, "confirmed": tried.confirmed}, as_json=as_json)


@partner_app.command("secret", epilog=SECRET)
def secret(
    context: typer.Context,
    code: PartnerCode,
    name: SecretName,
    new: Annotated[bool, typer.Option("--new", help="Make one up for it to show. It is printed this once.")] = False,
    keep_former: Annotated[
        bool, typer.Option("--keep-former", help="The former one opens until --end-former.")
    ] = False,
    end_former: Annotated[bool, typer.Option("--end-former", help="The former one opens nothing any more.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Nothing is shown, or right, from now on.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, for scripts.")] = False,
    library: At = None,
    as_json: AsJson = False,
) -> None:
    """Set what a partner and we show each other. Without an option you are asked for it."""
    if sum((new, remove, end_former, stdin)) > 1 or (keep_former and (remove or end_former)):
        raise BadInput("Say one of --new, --remove, --end-former and --stdin.", field="name")
    typed_in = "" if new or remove or end_former else _typed_in(stdin)
    made = None
    with context.obj.services().db.writing() as session:
        partner = partners.find_partner(session, place_of(session, library).id, code, field="code")
        if new:
            made = partner_secrets.new_secret(session, partner, name, keep_former=keep_former)
            told = f"{partner.name} shows this as its {name} from now on. It is printed this once: {made}"
        elif remove:
            partner_secrets.remove_secret(session, partner, name)
            told = f"{name} of {partner.name} is removed."
        elif end_former:
            partner_secrets.end_former(session, partner, name)
            told = f"The former {name} of {partner.name} opens nothing any more."
        else:
            partner_secrets.set_secret(session, partner, name, typed_in, keep_former=keep_former)
            told = f"{name} of {partner.name} is set."
        names = sorted(partner_secrets.secrets_of(session, partner.id))
    answer: dict[str, Any] = {"code": code, "name": name, "set": names}
    say(told, {**answer, "is": made} if made else answer, as_json=as_json)


def _typed_in(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = typer.prompt("Secret", hide_input=True, confirmation_prompt=True, err=True)
    return typed


def _told(services: Services, session: Session, partner: partners.Partner) -> dict[str, Any]:
    agreed = partner_list.row_of(partner)
    wire = {f"wire.{name}": partner_list.shown_setting(value) for name, value in vars(partner.agreed_wire()).items()}
    usual: Mapping[str, str] = {**partner_list.USUAL, **(wire if partner.transport == "iso18626" else {})}
    remarks = []
    if partner.transport == "iso18626":
        private = services.settings.private_partners
        remarks = [r.sentence for r in remarks_on(session, partner, private_partners=private)]
    return {
        "settings": {**{n: v for n, v in agreed.items() if "." not in n}, **usual, **agreed},
        "agreed": [name for name in agreed if "." in name],
        "secrets": sorted(partner_secrets.secrets_of(session, partner.id)),
        "remarks": remarks,
    }
