"""The command that plays a partner of ours, for whoever connects a system to ours, and for tests."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ill_workflow.cli.output import WIDE, AsJson, as_text, examples, line, printable, show
from ill_workflow.clock import SystemClock
from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import Edition
from ill_workflow.messages.content import AgencyId
from ill_workflow.mock_partner.app import about_of
from ill_workflow.mock_partner.journal import Entry, Journal
from ill_workflow.mock_partner.manner import Credentials, Manner
from ill_workflow.mock_partner.partner import MockPartner
from ill_workflow.mock_partner.peer import Peer, checked_address, is_of_this_machine
from ill_workflow.mock_partner.running import Asking, Run, run
from ill_workflow.mock_partner.script import (
    FLAVOURS,
    REQUESTER,
    SUPPLIER,
    Scenario,
    Scenarios,
    known_scenarios,
    read_scenarios,
)

EXAMPLES = examples(
    "ill mock-partner --scenarios",
    "ill mock-partner --peer http://127.0.0.1:8000/iso18626 --scenario recalls",
    "ill mock-partner --peer http://127.0.0.1:8000/iso18626 --peer-agency MAIN --ask borrows --title Emma --once",
)
AskedFor = Annotated[
    list[str] | None, typer.Option("--ask", metavar="NAME", help="Begin with a request of our own, of this scenario.")
]


def register(app: typer.Typer, panel: str) -> None:
    app.command("mock-partner", rich_help_panel=panel, epilog=EXAMPLES)(mock_partner)


def mock_partner(
    context: typer.Context,
    peer: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the other system takes messages. Without: say nothing.")
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to play for requests that name no scenario. Without: lends."),
    ] = None,
    ask: AskedFor = None,
    title: Annotated[str, typer.Option(help="Of what is asked for.")] = "Emma",
    author: Annotated[str, typer.Option(help="Of what is asked for.")] = "Austen, Jane",
    record: Annotated[
        str, typer.Option(metavar="ID", help="The supplierUniqueRecordId of what is asked for.")
    ] = "",
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Scenarios of your own, TOML or JSON; the first is played.")
    ] = None,
    scenarios: Annotated[bool, typer.Option("--scenarios", help="List the scenarios, each in a sentence.")] = False,
    pace: Annotated[
        float, typer.Option(min=0.0, max=3600.0, metavar="SECONDS", help="The time between two steps.")
    ] = 1.0,
    edition: Annotated[str, typer.Option(metavar="YEAR", help="In which it writes: 2017 or 2021.")] = "2017",
    flavour: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"How it writes besides: {', '.join(FLAVOURS)}.")
    ] = None,
    agency: Annotated[
        str | None, typer.Option(metavar="ID", help="Its own id, TYPE:ID or ID. Without: whoever is addressed.")
    ] = None,
    peer_agency: Annotated[
        str | None, typer.Option(metavar="ID", help="The id of the other system, TYPE:ID or ID; --ask needs it.")
    ] = None,
    account: Annotated[str, typer.Option(metavar="NAME", help="The accountId that it shows.")] = "",
    code: Annotated[
        str, typer.Option(metavar="SECRET", envvar="ILL_MOCK_CODE", help="The securityCode that it shows.")
    ] = "",
    token: Annotated[
        str, typer.Option(metavar="SECRET", envvar="ILL_MOCK_TOKEN", help="The bearer token that it shows.")
    ] = "",
    expect_account: Annotated[str, typer.Option(metavar="NAME", help="The accountId that it wants to see.")] = "",
    expect_code: Annotated[
        str, typer.Option(metavar="SECRET", envvar="ILL_MOCK_EXPECT_CODE", help="The securityCode it wants to see.")
    ] = "",
    expect_token: Annotated[
        str, typer.Option(metavar="SECRET", envvar="ILL_MOCK_EXPECT_TOKEN", help="The bearer token it wants to see.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse whatever is not as it should be; exit code 1 if anything wasn't.")
    ] = False,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add each call to this file, a line of JSON each.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="NUMBER", help="0: any that is free.")] = 8626,
    remote: Annotated[
        bool, typer.Option("--remote", help="It may listen for, and talk to, other machines than this one.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End when all that has begun is over; exit code 1 if it isn't in time.")
    ] = False,
    patience: Annotated[
        float | None,
        typer.Option(min=0.0, max=86400.0, metavar="SECONDS", help="End then in any case. With --once: 60."),
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Play a partner that speaks ISO 18626, in both roles: a lender with --scenario, a borrower with --ask.

    Needs no database. GET /_log and /_state tell what happened, POST /_say, /_ask and /_scenario steer it.
    """
    try:
        known = _known(script)
        if scenarios:
            _list(known, as_json)
            return
        chosen = _chosen(known, script, scenario, ask)
        manner = Manner(
            scenario=chosen,
            pace=timedelta(seconds=pace),
            edition=_edition(edition),
            agency=_agency(agency, "agency"),
            peer_agency=_agency(peer_agency, "peer-agency"),
            shows=Credentials(account, code, token),
            expects=Credentials(expect_account, expect_code, expect_token),
            flavours=_flavours(flavour or []),
            strict=strict,
            schemas=_schemas(context.obj.settings) if strict else None,
        )
        asking = _asking(
            known, ask or [], manner, peer, {"title": title, "author": author, "supplierUniqueRecordId": record}
        )
        if not remote and not is_of_this_machine(host):
            raise BadInput(f"{host} is reached from other machines. Say --remote if it may be.", field="host")
        called = Peer(checked_address(peer, remote=remote), token) if peer else None
        if once and patience is None:
            patience = 60.0
    except BadInput as wrong:
        raise typer.BadParameter(printable(wrong.message), param_hint=f"--{wrong.field}") from None
    if strict and manner.schemas is None:
        print("ILL_ISO18626 names no folder with the schemas: only the rules are checked.", file=sys.stderr)
    with ExitStack() as open_files:
        journal = Journal(_opened(log, open_files), _printer(as_json))
        partner = MockPartner(manner, known, journal, SystemClock())
        how = Run(host, port, called, asking, once=once, patience=patience)
        run(partner, how, lambda address: _say_where(address, manner, as_json))
    _sum_up(partner, as_json)
    if (strict or once) and journal.wrong:
        raise typer.Exit(1)


def _known(script: Path | None) -> Scenarios:
    return {**known_scenarios(), **(read_scenarios(script) if script else {})}


def _list(known: Scenarios, as_json: bool) -> None:
    rows = [{"scenario": one.name, "role": one.role, "what happens": one.about} for one in known.values()]
    show(rows, as_json=as_json)


def _chosen(known: Scenarios, script: Path | None, scenario: str | None, ask: list[str] | None) -> str:
    """The scenario that is played; the first of one's own script, where none is named."""
    if scenario is None and script is not None:
        own = [one.name for one in read_scenarios(script).values() if one.role == SUPPLIER]
        return own[0] if own else "lends"
    return _scenario(known, scenario or "lends", SUPPLIER, "scenario").name


def _scenario(known: Scenarios, name: str, role: str, field: str) -> Scenario:
    found = known.get(name.replace("-", "_"))
    if found is None:
        raise BadInput(f"There is no scenario {name!r}. List them with --scenarios.", field=field)
    if found.role != role:
        other = "--ask" if found.role == REQUESTER else "--scenario"
        raise BadInput(f"{name} is a scenario of a {found.role}: say {other} {name}.", field=field)
    return found


def _asking(
    known: Scenarios, ask: list[str], manner: Manner, peer: str | None, given: dict[str, str]
) -> tuple[Asking, ...]:
    if ask and peer is None:
        raise BadInput("Whom to ask? Name the address of the other system.", field="peer")
    if ask and manner.peer_agency is None:
        raise BadInput("Whom to ask? Name the id of the other system, such as MAIN.", field="peer-agency")
    about = about_of(given)
    return tuple(Asking(_scenario(known, name, REQUESTER, "ask").name, about) for name in ask)


def _edition(year: str) -> Edition:
    try:
        return Edition(year)
    except ValueError:
        raise BadInput(f"{year!r} is no edition. Choose 2017 or 2021.", field="edition") from None


def _agency(written: str | None, field: str) -> AgencyId | None:
    if written is None:
        return None
    kind, colon, value = written.partition(":")
    if not colon:
        kind, value = "ISIL", written
    if not kind.strip() or not value.strip():
        raise BadInput(f"{written!r} is no id of an agency, such as MAIN or ISIL:MAIN.", field=field)
    return AgencyId(agencyIdType=kind, agencyIdValue=value)


def _flavours(given: list[str]) -> tuple[str, ...]:
    for name in given:
        if name not in FLAVOURS:
            raise BadInput(f"{name!r} is no flavour. Known: {', '.join(FLAVOURS)}.", field="flavour")
    return tuple(given)


def _schemas(settings: Any) -> Path | None:
    folder: Path | None = settings.iso18626
    if folder is not None and not folder.is_dir():
        raise BadInput(f"ILL_ISO18626 is {folder}, and that is no folder.", field="strict")
    return folder


def _opened(log: Path | None, open_files: ExitStack) -> Any:
    if log is None:
        return None
    try:
        # It may hold what nobody else is to read: for us alone.
        number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open_files.enter_context(open(number, "a", encoding="utf-8"))
    except OSError as trouble:
        raise typer.BadParameter(f"{log} can't be written: {trouble.strerror}.", param_hint="--log") from None


def _say_where(address: str, manner: Manner, as_json: bool) -> None:
    if as_json:
        print(as_text({"address": address}, indent=None), flush=True)
        return
    line(f"The mock listens on {address} and plays {manner.scenario}. {address}/_log has it all. Ctrl-C ends it.")
    sys.stdout.flush()


def _printer(as_json: bool) -> Callable[[Entry], None]:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)

    def in_words(entry: Entry) -> None:
        ends = f"{entry.sender or '?'} → {entry.receiver or '?'}"
        about = f"{entry.at.astimezone():%H:%M:%S}  {ends}  {entry.word} {entry.request}"
        told = Text(printable(about).replace("\n", " "), style="bold" if entry.heard else "")
        told.append(f"  {printable(entry.outcome)}", style="not bold green" if entry.ok else "not bold red")
        console.print(told, soft_wrap=True)
        for words in entry.wrong:
            if words not in entry.outcome:
                console.print(Text(f"          wrong: {printable(words)}", style="red"), soft_wrap=True)
        sys.stdout.flush()

    def as_lines(entry: Entry) -> None:
        print(as_text(entry.as_dict(), indent=None), flush=True)

    return as_lines if as_json else in_words


def _sum_up(partner: MockPartner, as_json: bool) -> None:
    journal, state = partner.journal, partner.state()
    over = sum(one["over"] for one in state)
    if as_json:
        print(as_text({"conversations": state, "wrong": journal.wrong}, indent=None), flush=True)
        return
    line(
        f"{journal.heard} heard, {journal.said} said; {len(state)} conversations, {over} of them over; "
        f"{len(journal.wrong) or 'nothing'} wrong."
    )
    for one in state:
        if not one["over"]:
            waits = f"waits for {' or '.join(one['waits_for'])}" if one["waits_for"] else "had more to say"
            line(f"  {one['request']} ({one['scenario']}) {waits}.")
    for words in journal.wrong:
        line(f"  wrong: {words}")
