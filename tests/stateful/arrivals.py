"""Counts what an effect did where it arrives: mails, messages, slips, calls; each once, but for what was let happen."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.outbox import DONE, UNCERTAIN, WITHDRAWN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Event, MailRow, MessageRow, Notice, Request, Slip
from tests.stateful.conversations import listen_to
from tests.stateful.place import Place
from tests.stateful.world import World


def all_arrived_once(world: World) -> None:
    """At the end of a run: everything promised was done, and happened once."""
    with ExitStack() as stack:
        sessions = world.reading(stack)
        for place, session in zip(world.places, sessions, strict=True):
            _of_a_place(place, session)
        listen_to(sessions).has_come_to_an_end(all_arrives=not world.office.can_be_cut, in_order=world.office.in_order)


def _of_a_place(place: Place, session: Session) -> None:
    effects = session.scalars(sa.select(EffectRow).order_by(EffectRow.id)).all()
    uncertain = [e for e in effects if e.status == UNCERTAIN]
    assert all(place.surplus["mail", e.id] for e in uncertain), "uncertain, and nobody knows why"
    over = (DONE, WITHDRAWN, UNCERTAIN)
    effects = [e for e in effects if not place.office.gave_up(e)]
    left = [f"{e.kind} {e.argument}: {e.status}" for e in effects if e.status not in over]
    assert not left, f"promised and not done: {left}"
    done = [e for e in effects if e.status != WITHDRAWN]
    transports = {partner.id: partner.transport for partner in session.scalars(sa.select(Partner))}
    written = [e for e in done if e.kind == "send_message" and transports[e.payload["partner"]] == "email"]
    told = [e for e in done if e.kind == "send_message" and transports[e.payload["partner"]] != "email"]
    _mails(place, session, written + [e for e in done if e.kind in ("notify_patron", "alert_staff", "email_slip")])
    _messages(place, session, told)
    _slips(place, session, [e for e in done if e.kind == "generate_slip"])
    _calls(place, [e for e in done if e.kind == "circulation" and e.argument != "find"])


def _mails(place: Place, session, effects: list[EffectRow]) -> None:
    """A mail for each promise, by its Message-ID; several slips may be in one."""
    arrived = Counter(mail.message_id for mail in place.mailer.mails)
    together = {
        row.effect_id: row.message_id
        for table in (MailRow, Notice)
        for row in session.scalars(sa.select(table).where(table.message_id != ""))
    }
    promised = Counter[str]()
    for effect in effects:
        mail_id = together[effect.id]
        surplus = place.surplus["mail", effect.id]
        assert 1 <= arrived[mail_id] <= 1 + surplus, f"{effect.kind} {effect.argument}: {arrived[mail_id]} mails"
        promised[mail_id] += 1
    # What was withdrawn while nobody could know whether it had left may have arrived.
    withdrawn = sa.select(EffectRow.id).where(EffectRow.status == WITHDRAWN)
    perhaps = {together.get(number) for number in session.scalars(withdrawn) if place.surplus["mail", number]}
    assert set(promised) <= set(arrived) <= set(promised) | perhaps, "a mail that nobody promised"
    for effect in effects:
        if effect.kind in ("notify_patron", "alert_staff") and effect.status == DONE:
            assert effect.id in together, f"{effect.kind} {effect.argument} was sent and is not recorded"


def _messages(place: Place, session, told: list[EffectRow]) -> None:
    """Each message was recorded once by whoever sent it, and has moved one thing where it came."""
    rows = session.scalars(sa.select(MessageRow).where(MessageRow.incoming)).all()
    sent = sa.select(MessageRow.effect_id).where(~MessageRow.incoming, MessageRow.transport != "email")
    assert Counter(session.scalars(sent)) == Counter(effect.id for effect in told), "promised and sent"
    if not place.office.can_be_cut:
        assert all(row.outcome.startswith("OK ") for row in rows), [r.outcome for r in rows if r.outcome[:3] != "OK "]
    heard = Counter(row.request_id for row in rows if row.outcome.startswith("OK "))
    partners_events = sa.select(Event.request_id, sa.func.count()).where(
        Event.actor == "partner", Event.told_by.is_(None)
    )
    moved = Counter(dict(session.execute(partners_events.group_by(Event.request_id)).all()))
    for row in rows:  # a second parcel is told of with the first, and begins with two events
        if row.outcome.startswith("OK ") and " of " in row.outcome:
            reference, side = row.outcome.rpartition(" ")[2], "borrowing"
            second = session.scalar(sa.select(Request.id).where(Request.reference == reference, Request.side == side))
            heard[second] += 2
    # What was refused may have told the request something: there is nobody at the other end, or nothing to call off.
    refused = sa.select(MessageRow.request_id).where(~MessageRow.incoming, MessageRow.outcome.startswith("ERROR "))
    most = heard + Counter(session.scalars(refused))
    assert heard <= moved <= most, "what partners said and what it moved"


def _slips(place: Place, session, effects: list[EffectRow]) -> None:
    files = Counter(path.name for path in place.services.settings.slips.iterdir())
    # One that was taken back before it was drawn is none.
    kept = session.scalars(sa.select(Slip).where(Slip.file != "")).all()
    assert len(kept) == len({(slip.event_id, slip.layout) for slip in kept})
    promised = {(effect.event_id, effect.argument) for effect in effects}
    assert promised <= {(slip.event_id, slip.layout) for slip in kept}, "a slip is missing"
    assert {slip.file for slip in kept} == set(files), "slips on record and in the folder"


def _calls(place: Place, effects: list[EffectRow]) -> None:
    made = Counter((call, item.reference) for call, item in place.circulation.calls)
    promised = Counter((e.argument, e.payload["request"]["reference"]) for e in effects)
    for call in {*made, *promised}:
        most = promised[call] + place.surplus["call", call]
        assert promised[call] <= made[call] <= most, f"{call}: {made[call]} calls, {promised[call]} promised"
