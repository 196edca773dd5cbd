"""Commands for operators: start everything, see how it is, look at the promised work."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ill_workflow import backlog, outbox, partner_health, runtime
from ill_workflow.cli import completing
from ill_workflow.cli.output import AsJson, line, say, show
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.mail import own
from ill_workflow.migrations import is_current
from ill_workflow.requests.models import references
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.render import as_json as lifecycle_as_json
from state_machines.render import as_mermaid, as_table

outbox_app = typer.Typer(
    help="Promised work: letters, messages, slips that wait, went wrong, or need a person.", no_args_is_help=True
)

#: How old the oldest promise may be, and how long a worker silent, before the doctor complains.
OLD, SILENT = timedelta(seconds=60), timedelta(seconds=20)
#: Until then a console that was not heard of again is missed.
LOST = timedelta(hours=1)


def register(app: typer.Typer, panel: str) -> None:
    app.command("up", rich_help_panel=panel)(up)
    app.command("demo", rich_help_panel=panel)(demo)
    app.command("doctor", rich_help_panel=panel)(doctor)
    app.command("lifecycles", rich_help_panel=panel)(lifecycles)
    app.add_typer(outbox_app, name="outbox", rich_help_panel=panel)


def up(
    context: typer.Context,
    catch_mail: Annotated[bool, typer.Option("--catch-mail", help="Keep all mails in a folder, deliver none.")] = False,
) -> None:
    """Run everything: broker, workers, beat, Flower and the console, until Ctrl-C."""
    raise typer.Exit(context.obj.up(context.obj.settings, catch_mail))


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End by itself, non-zero if a story went wrong.")] = False,
) -> None:
    """Play thirteen loans before your eyes, in a database of its own."""
    raise typer.Exit(context.obj.demo(context.obj.settings, once))


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how all parts are: tables, workers, console, mail, slips. The exit code is 1 when something is wrong."""
    services, found = context.obj.services(), []

    def check(part: str, well: bool, words: str) -> None:
        found.append({"part": part, "well": well, "says": words})

    current = is_current(services.db.engine)
    check("tables", current, "up to date" if current else "out of date. Run: ill migrate")
    if current:
        _check_work(services, check)
        _check_letters(services, check)
        _check_partners(services, check)
    mail = services.mailer.check()
    check("mail server", mail == "ok", mail)
    if services.settings.mail_domain.endswith("localhost"):
        check("mail domain", True, f"{services.settings.mail_domain}: set ILL_MAIL_DOMAIN before real mail leaves")
    folder = services.settings.slips
    check("slips", *_writable(folder))
    show(found, as_json=as_json)
    if not all(row["well"] for row in found):
        raise typer.Exit(1)


def lifecycles(
    which: Annotated[
        str,
        typer.Argument(metavar="WHICH", help="borrowing, lending or both.", autocompletion=completing.lifecycle_names),
    ] = "both",
    form: Annotated[
        str,
        typer.Option("--form", metavar="FORM", help="table, diagram or json.", autocompletion=completing.forms),
    ] = "table",
    as_json: AsJson = False,
) -> None:
    """Print what may happen to a request: as a table, a Mermaid diagram, or JSON (a list of them)."""
    form = "json" if as_json else form
    known = {"borrowing": (BORROWING,), "lending": (LENDING,), "both": (BORROWING, LENDING)}
    forms = {"table": as_table, "diagram": as_mermaid, "json": lifecycle_as_json}
    if which not in known:
        raise BadInput(f"{which!r} is no lifecycle. Choose borrowing, lending or both.", field="which")
    if form not in forms:
        raise BadInput(f"{form!r} is no form. Choose table, diagram or json.", field="form")
    printed = [forms[form](lifecycle) for lifecycle in known[which]]
    print("[" + ",\n".join(printed) + "]" if form == "json" else "\n".join(printed))


@outbox_app.command("list")
def list_outbox(context: typer.Context, as_json: AsJson = False) -> None:
    """List what waits by kind, what will be tried again, and what needs a person."""
    with context.obj.services().db.reading() as session:
        kinds, paused = backlog.waiting(session), backlog.pauses(session)
        troubled, needing = backlog.troubled(session), backlog.needing_attention(session)
        names = references(session, [e.request_id for e in (*troubled, *needing) if e.request_id])
    attention, waiting = ([_row(e, names) for e in rows] for rows in (needing, troubled))
    if as_json:
        data = {"backlog": kinds, "paused": {p.destination: p.reason for p in paused}}
        say("", {**data, "trying_again": waiting, "attention": attention}, as_json=True)
        return
    print("Waiting: " + (", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "nothing"))
    for pause in paused:
        line(f"Paused: {pause.name}: {pause.reason}")
    if waiting:
        print("Tried, and will be tried again:")
        show(waiting, as_json=False)
    if attention:
        print("Needs attention (mend the cause, then: ill outbox resend ID):")
        show(attention, as_json=False)


@outbox_app.command("resend")
def resend(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help="Its id, as `ill outbox list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Try again what was given up, or of which nobody knows whether it arrived; with the same identity."""
    with context.obj.services().db.writing() as session:
        if not backlog.resend(session, number):
            raise NotFound(f"Nothing that needs attention has the number {number}.", field="number")
    say(f"{number} will be tried again.", {"id": number, "status": "ready"}, as_json=as_json)


def _row(effect: outbox.EffectRow, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": effect.id, "what": f"{effect.kind} {effect.argument}".strip(),
        "request": names.get(effect.request_id or 0),
        "status": effect.status, "attempts": effect.attempts, "why": effect.last_error,
    }  # fmt: skip


def _check_work(services: Any, check: Any) -> None:
    now = machine_now()
    with services.db.reading() as session:
        workers, kinds = runtime.beats(session, now - SILENT), backlog.waiting(session)
        oldest, needing = backlog.oldest_promise(session), backlog.needing_attention(session)
        paused, consoles = backlog.pauses(session), runtime.consoles(session, now - LOST)
    names = ", ".join(w.worker for w in workers)
    check("workers", bool(workers), names or "none has given a sign of life. Run: ill up")
    waits = f"{sum(kinds.values())} waiting, the oldest for {oldest.total_seconds():.0f} s" if oldest else "none waits"
    check("promised work", oldest is None or oldest < OLD, waits)
    check("needs attention", not needing, f"{len(needing)}: ill outbox list" if needing else "nothing")
    for pause in paused:
        check(f"paused: {pause.name}", False, pause.reason)
    answering = [console for console in consoles if console.at >= now - SILENT]
    where = sorted({str(console.info.get("address", "")) for console in answering})
    # One that ended in peace has said goodbye; one that was not heard of again may hang.
    lost = f"{consoles[0].worker} has given no sign of life for a while. Start it again" if consoles else ""
    check("console", bool(answering) or not consoles, ", ".join(where) or lost or "none runs here. Run: ill up")
    says = [services.bell.health(), *(str(w.info.get("bell", "")) for w in workers)]
    silent = [words for words in says if words.startswith("silent")]
    check("bell", not silent, silent[0] if silent else says[0])


def _check_letters(services: Any, check: Any) -> None:
    with services.db.reading() as session:
        mine = own.own_templates(session)
    broken = [f"{t.name} ({t.language}): {wrong}" for t in mine if (wrong := own.trouble_with(t))]
    check("letters", not broken, f"not used: {'; '.join(broken)}" if broken else f"{len(mine)} templates of libraries")


def _check_partners(services: Any, check: Any) -> None:
    with services.db.reading() as session:
        count, found = partner_health.troubles(session, private_partners=services.settings.private_partners)
    for who, remark in found:
        check(f"partner {who}", not remark.bad, remark.sentence)
    if not any(remark.bad for _, remark in found):
        check("partners", True, f"{count} speak{'s' if count == 1 else ''} ISO 18626")


def _writable(folder: Path) -> tuple[bool, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as trouble:
        return False, f"{folder} can't be written: {trouble.strerror}"
    return True, str(folder)
