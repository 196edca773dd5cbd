"""Commands about the clock of a demo: what time it is there, and letting days pass."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ill_workflow import backlog, runtime
from ill_workflow.bootstrap import Services
from ill_workflow.cli.output import AsJson, examples, say
from ill_workflow.clock import machine_now
from ill_workflow.demo.days import pass_time, timers_are_due
from ill_workflow.errors import BadInput, Refused, Unavailable
from ill_workflow.libraries import Installation, Library

clock_app = typer.Typer(
    help="The clock of a demo, which can be turned. That of a real installation is the machine's.",
    no_args_is_help=True,
)

UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
LONGEST = timedelta(days=400)
#: How long the workers get for what falls due on one day, and how long one may be silent.
PATIENCE, SILENT = timedelta(seconds=60), timedelta(seconds=20)
EXAMPLES = examples("ILL_DATA=var/demo ill clock turn 3 days", "ILL_DATA=var/demo ill clock turn --until 2026-03-01")

rest = time.sleep


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(clock_app, name="clock", rich_help_panel=panel)


@clock_app.command("show")
def show_clock(context: typer.Context, as_json: AsJson = False) -> None:
    """What time it is in the demo."""
    services: Services = context.obj.services()
    place = _place(services)
    _tell(services, place, as_json=as_json)


# What begins with a minus is a length of time here, which is refused in words, and no option.
@clock_app.command("turn", epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
def turn(
    context: typer.Context,
    length: Annotated[
        list[str] | None, typer.Argument(metavar="LENGTH", help="How long, such as: 3 days, 1 week, 12 hours.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Until this day instead, such as 2026-03-01.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let time pass, day by day, so that each day's due dates and notices come on their day."""
    services: Services = context.obj.services()
    place = _place(services)
    here = services.clock.now().astimezone(place.zone)
    if bool(length) == bool(until):
        raise BadInput("Say how long (3 days) or until when (--until 2026-03-01).", field="length")
    by = time_until(until, here) if until else _length(" ".join(length or ()))
    if by > LONGEST:
        raise BadInput(
            f"That is longer than {LONGEST.days} days. Turn it in steps.", field="until" if until else "length"
        )
    _there_are_workers(services)
    pass_time([services], by, fire=lambda: _fire(services))
    _tell(services, place, as_json=as_json)


def _place(services: Services) -> Library:
    """The library whose days are counted. Raises Refused where no demo made the database."""
    with services.db.reading() as session:
        demo = session.scalar(sa.select(Installation.demo).limit(1))
        place = session.scalar(sa.select(Library).order_by(Library.id).limit(1))
    if not demo or place is None:
        raise Refused(
            "This is no demo: only the clock of a database that a demo made can be turned."
            " Start one with `ill demo`; its data are in the folder `demo` below ILL_DATA."
        )
    return place


def _tell(services: Services, place: Library, *, as_json: bool) -> None:
    now = services.clock.now()
    here, ahead = now.astimezone(place.zone), now - machine_now()
    days = round(ahead / UNITS["day"], 1)
    turned = f"{days:g} {'day' if days == 1 else 'days'} ahead" if ahead > timedelta(minutes=1) else "not turned"
    data = {"now": now.isoformat(timespec="seconds"), "turned_seconds": round(ahead.total_seconds())}
    say(
        f"It is {here:%A %Y-%m-%d %H:%M} at {place.name} ({place.time_zone}); the clock is {turned}.",
        data,
        as_json=as_json,
    )


def _length(words: str) -> timedelta:
    found = re.fullmatch(r"(-?\d{1,6})\s*([a-z]+?)s?", words.strip().casefold())
    if found is None or found[2] not in UNITS:
        raise BadInput(
            f"{words[:40]!r} is no length of time. Write one like: 3 days, 1 week, 12 hours.", field="length"
        )
    if int(found[1]) <= 0:
        raise BadInput("A clock is turned on, never back.", field="length")
    return min(int(found[1]), 100_000) * UNITS[found[2]]


def time_until(until: str, here: datetime) -> timedelta:
    """How long it is to this hour of that day, where it is `here` now: with the hour of summer time between them."""
    try:
        day = datetime.strptime(until, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no instant
    except ValueError:
        raise BadInput("A day is written like 2026-03-01.", field="until") from None
    if day <= here.date():
        raise BadInput(f"It is {here.date()} there already. A clock is turned on, never back.", field="until")
    days = day - here.date()
    if days > LONGEST:  # at the end of all calendars there may be no such hour
        return days
    return datetime.combine(day, here.timetz()).astimezone(UTC) - here.astimezone(UTC)


def _there_are_workers(services: Services) -> None:
    with services.db.reading() as session:
        if not runtime.beats(session, machine_now() - SILENT):
            raise Unavailable(
                "No worker has given a sign of life, so nothing would happen on those days."
                " Start the demo in another terminal: ill demo"
            )


def _fire(services: Services) -> None:
    """Ask the workers to look at the timers now, and wait until all that follows is done."""
    with services.db.writing() as session:
        runtime.ask_for(session, "fire_timers")
    until = machine_now() + PATIENCE
    while timers_are_due([services]) or _something_waits(services):
        if machine_now() > until:
            now = services.clock.now()
            raise Unavailable(
                f"What fell due by {now:%Y-%m-%d} is not done within {PATIENCE.seconds} seconds."
                " The clock stands there; see: ill doctor"
            )
        rest(0.1)


def _something_waits(services: Services) -> Any:
    with services.db.reading() as session:
        return backlog.waiting(session)
