"""Counts what an effect did where it arrives: mails, messages, slips, calls; each once, but for what was let happen."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from ill_workflow.outbox import DONE, UNCERTAIN, WITHDRAWN, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Event, MailRow, MessageRow, Notice, Request, Slip
from tests.stateful.world import World


def all_arrived_once(world: World) -> None:
    """At the end of a run: everything promised was done, and happened once."""
    with world.db.reading() as session:
        effects = session.scalars(sa.select(EffectRow).order_by(EffectRow.id)).all()
        uncertain = [e for e in effects if e.status == UNCERTAIN]
        assert all(world.surplus["mail", e.id] for e in uncertain), "uncertain, and nobody knows why"
        left = [f"{e.kind} {e.argument}: {e.status}" for e in effects if e.status not in (DONE, WITHDRAWN, UNCERTAIN)]
        assert not left, f"promised and not done: {left}"
        done = [e for e in effects if e.status != WITHDRAWN]
        transports = {partner.id: partner.transport for partner in session.scalars(sa.select(Partner))}
        written = [e for e in done if e.kind == "send_message" and transports[e.payload["partner"]] == "email"]
        told = [e for e in done if e.kind == "send_message" and transports[e.payload["partner"]] == "local"]
        _mails(world, session, written + [e for e in done if e.kind in ("notify_patron", "alert_staff", "email_slip")])
        _messages(session, told)
        _slips(world, session, [e for e in done if e.kind == "generate_slip"])
        _calls(world, [e for e in done if e.kind == "circulation" and e.argument != "find"])


def _mails(world: World, session, effects: list[EffectRow]) -> None:
    """A mail for each promise, by its Message-ID; several slips may be in one."""
    arrived = Counter(mail.message_id for mail in world.mailer.mails)
    together = {
        row.effect_id: row.message_id
        for table in (MailRow, Notice)
        for row in session.scalars(sa.select(table).where(table.message_id != ""))
    }
    promised = Counter[str]()
    for effect in effects:
        mail_id = together[effect.id]
        surplus = world.surplus["mail", effect.id]
        assert 1 <= arrived[mail_id] <= 1 + surplus, f"{effect.kind} {effect.argument}: {arrived[mail_id]} mails"
        promised[mail_id] += 1
    # What was withdrawn while nobody could know whether it had left may have arrived.
    withdrawn = sa.select(EffectRow.id).where(EffectRow.status == WITHDRAWN)
    perhaps = {together.get(number) for number in session.scalars(withdrawn) if world.surplus["mail", number]}
    assert set(promised) <= set(arrived) <= set(promised) | perhaps, "a mail that nobody promised"
    for effect in effects:
        if effect.kind in ("notify_patron", "alert_staff") and effect.status == DONE:
            assert effect.id in together, f"{effect.kind} {effect.argument} was sent and is not recorded"


def _messages(session, told: list[EffectRow]) -> None:
    """Each message to a branch is there once by its identity, and has moved one thing there."""
    rows = session.scalars(sa.select(MessageRow).where(MessageRow.incoming)).all()
    here = Counter(row.identity for row in rows)
    assert here == Counter(f"effect:{effect.id}" for effect in told), "messages that were sent and those that came"
    assert all(row.outcome.startswith("OK ") for row in rows), [r.outcome for r in rows if r.outcome[:3] != "OK "]
    heard = Counter(row.request_id for row in rows)
    partners_events = sa.select(Event.request_id, sa.func.count()).where(
        Event.actor == "partner", Event.told_by.is_(None)
    )
    moved = Counter(dict(session.execute(partners_events.group_by(Event.request_id)).all()))
    for row in rows:  # a second parcel is told of with the first, and begins with two events
        if " of " in row.outcome:
            reference, side = row.outcome.rpartition(" ")[2], "borrowing"
            second = session.scalar(sa.select(Request.id).where(Request.reference == reference, Request.side == side))
            heard[second] += 2
    assert moved == heard, "what partners said and what it moved"


def _slips(world: World, session, effects: list[EffectRow]) -> None:
    files = Counter(path.name for path in world.services.settings.slips.iterdir())
    # One that was taken back before it was drawn is none.
    kept = session.scalars(sa.select(Slip).where(Slip.file != "")).all()
    assert len(kept) == len({(slip.event_id, slip.layout) for slip in kept})
    promised = {(effect.event_id, effect.argument) for effect in effects}
    assert promised <= {(slip.event_id, slip.layout) for slip in kept}, "a slip is missing"
    assert {slip.file for slip in kept} == set(files), "slips on record and in the folder"


def _calls(world: World, effects: list[EffectRow]) -> None:
    made = Counter((call, item.reference) for call, item in world.circulation.calls)
    promised = Counter((e.argument, e.payload["request"]["reference"]) for e in effects)
    for call in {*made, *promised}:
        most = promised[call] + world.surplus["call", call]
        assert promised[call] <= made[call] <= most, f"{call}: {made[call]} calls, {promised[call]} promised"
