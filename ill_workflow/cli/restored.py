"""The command for the hour after a backup was restored."""

from datetime import UTC

import typer

from ill_workflow.cli.output import AsJson, say
from ill_workflow.restored import SKIPPED, go_on_after


def register(app: typer.Typer, panel: str) -> None:
    app.command("restored", rich_help_panel=panel)(restored)


def restored(context: typer.Context, as_json: AsJson = False) -> None:
    """After a backup was restored, before workers start: leave out the numbers that may have been given since."""
    services = context.obj.services()
    with services.db.writing() as session:
        found = go_on_after(session, services.settings.slips)
    until = found.last_event.astimezone(UTC).isoformat(timespec="seconds") if found.last_event else None
    lines = [
        f"The last thing that this database knows happened at {until}." if until else "This database knows no request.",
        f"References go on {SKIPPED} numbers later, so that none is given twice.",
        *(f"Made since, for what the database doesn't know: {name}" for name in found.unknown_slips),
    ]
    say("\n".join(lines), {"last_event": until, "unknown_slips": found.unknown_slips}, as_json=as_json)
