"""Commands that show what was said with partners: what became of each message, and how it went over the wire."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ill_workflow.about.calls import MOST_LISTED, OUTCOMES, Call, find_call, list_calls
from ill_workflow.about.thread import Said, thread
from ill_workflow.cli.messages import message_app
from ill_workflow.cli.output import As, AsJson, At, examples, line, say, show
from ill_workflow.cli.requests import Reference, Side, request_of, who_and_where
from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.outbox import EffectRow
from ill_workflow.partners import find_partner

AsRaw = Annotated[
    bool, typer.Option("--raw", help="With the XML of messages and answers, without secrets and patrons.")
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The call's number; `ill message calls` has them.")]


@message_app.command("list", epilog=examples("ill message list XPX-1001", "ill message list --raw XPX-1001"))
def list_messages(
    context: typer.Context, reference: Reference, raw: AsRaw = False, library: At = None, side: Side = None,
    acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """What was said with partners about a request, the oldest first: what became of it, and each try."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        request = request_of(session, place, reference, side)
        mine = (EffectRow.request_id == request.id) & (EffectRow.kind == "send_message")
        work = session.scalars(sa.select(EffectRow).where(mine).order_by(EffectRow.id)).all()
        said = thread(session, request, work, whole=raw)
    if as_json:
        say("", {"reference": request.reference, "messages": [_as_data(one, place, raw) for one in said]}, as_json=True)
        return
    show([_row(one, place) for one in said], as_json=False, empty="Nothing was said yet.")
    for call in [call for one in said for call in one.calls] if raw else ():
        line()
        _print_call(call, place)


@message_app.command("calls", epilog=examples("ill message calls --outcome refused", "ill message calls --nobodys"))
def list_all_calls(
    context: typer.Context,
    partner: Annotated[str | None, typer.Option("--partner", metavar="CODE", help="Only those with it.")] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="HOW", help="Only those that ended so: " + ", ".join(OUTCOMES) + ".")
    ] = "",
    nobodys: Annotated[
        bool, typer.Option("--nobodys", help="Those that were refused before anybody knew whose they were.")
    ] = False,
    library: At = None, acts: As = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The latest calls of partners and to partners, the latest first."""
    if outcome and outcome not in OUTCOMES:
        raise BadInput(f"{outcome!r} is not possible. Choose {', '.join(OUTCOMES)}.", field="outcome")
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        chosen = find_partner(session, place.id, partner).id if partner else None
        found = list_calls(session, library_id=place.id, nobodys=nobodys, partner_id=chosen, outcome=outcome)
    rows = [
        {
            "number": c.id, "at": c.at if as_json else _at(place, c.at), "way": "from" if c.incoming else "to",
            "partner": c.partner or None, "peer": c.peer, "what": c.what, "request": c.reference or None,
            "outcome": c.outcome, "http": c.http_status, "error": c.error or None,
        }
        for c in found
    ]  # fmt: skip
    show(rows, as_json=as_json, empty="No calls.")
    if len(rows) == MOST_LISTED:
        print(f"(The latest {MOST_LISTED}. Name a partner or an outcome to find others.)", file=sys.stderr)


@message_app.command("show", epilog=examples("ill message show 12", "ill message show --json 12"))
def show_call(
    context: typer.Context, number: Number, library: At = None, acts: As = None, as_json: AsJson = False
) -> None:
    """Print a call and its answer as they went over the wire, without secrets and patrons."""
    with context.obj.services().db.reading() as session:
        _, place = who_and_where(session, acts, library)
        call = find_call(session, number, library_ids=[place.id])
    if as_json:
        say("", _call_as_data(call, place, raw=True), as_json=True)
    else:
        _print_call(call, place)


def _at(place: Library, at: datetime) -> str:
    return f"{at.astimezone(place.zone):%Y-%m-%d %H:%M:%S}"


def _row(said: Said, place: Library) -> dict[str, Any]:
    return {
        "at": _at(place, said.at), "way": "from" if said.incoming else "to", "partner": said.partner,
        "what": said.kind or "nothing that can be read", "over": said.transport, "fate": said.fate,
        "tries": said.tries or None, "calls": [call.id for call in said.calls], "why": said.why or None,
    }  # fmt: skip


def _as_data(said: Said, place: Library, raw: bool) -> dict[str, Any]:
    return {
        "id": said.id, "at": said.at.astimezone(place.zone), "way": "in" if said.incoming else "out",
        "partner": said.partner, "what": said.kind, "transport": said.transport, "outcome": said.outcome,
        "fate": said.fate, "why": said.why, "tries": said.tries, "needs_a_person": said.failed, "work": said.effect_id,
        "said": dict(said.lines), "calls": [_call_as_data(call, place, raw=raw) for call in said.calls],
    }  # fmt: skip


def _call_as_data(call: Call, place: Library, *, raw: bool) -> dict[str, Any]:
    texts = {"said": call.said, "answered": call.answered} if raw else {}
    return {
        "number": call.id, "at": call.at.astimezone(place.zone), "way": "in" if call.incoming else "out",
        "peer": call.peer, "partner": call.partner or None, "request": call.reference or None, "what": call.what,
        "http_status": call.http_status, "took_ms": call.took_ms, "outcome": call.outcome, "error": call.error,
        "trouble": call.trouble, "forgiven": list(call.forgiven), **texts,
    }  # fmt: skip


def _print_call(call: Call, place: Library) -> None:
    answer = f"HTTP {call.http_status} {call.status}".strip() if call.http_status is not None else "none"
    took = f", after {call.took_ms} ms" if call.took_ms is not None else ""
    line(f"Call {call.id}: {call.what or 'nothing that can be read'}, {call.outcome}")
    facts: Sequence[tuple[str, str]] = (
        ("at", _at(place, call.at)), ("from" if call.incoming else "to", f"{call.partner} {call.peer}".strip()),
        ("request", call.reference), ("answer", answer + took), ("error", call.error),
        ("noted", call.trouble if call.trouble != call.error else ""), ("forgiven", "; ".join(call.forgiven)),
    )  # fmt: skip
    for name, value in facts:
        if value:
            line(f"  {name}: {value}")
    for heading, text in (("The message", call.said_pretty), ("The answer", call.answered_pretty)):
        line(f"\n{heading}")
        line(text.rstrip() or "none is written down")
