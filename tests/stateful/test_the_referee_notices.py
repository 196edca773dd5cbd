"""The long test can fail: each of these broken engines is found out within a few runs."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from ill_workflow.fees import Ledger
from ill_workflow.messages import inbound, routing
from ill_workflow.requests import actions, facts
from tests.stateful.report import Report
from tests.stateful.ways import Way, a_world, run

AT_THE_PATRON = Way("loan", ("with the patron", "on the way back", "asked"))


def drops_an_effect(monkeypatch):
    """The patron is not told of what is overdue, lost or recalled."""
    promise = actions.promise_effects

    def promises_less(session, request, effects, event, **more):
        return promise(session, request, tuple(e for e in effects if e.kind != "notify_patron"), event, **more)

    monkeypatch.setattr(actions, "promise_effects", promises_less)


def knows_no_message_again(monkeypatch):
    """What comes twice is heard twice."""
    receive, times = inbound.receive, iter(range(10**6))

    def receives_anew(session, message, *, identity, **more):
        return receive(session, message, identity=f"{identity} {next(times)}", **more)

    monkeypatch.setattr("tests.stateful.office.receive", receives_anew)


def does_not_hear_that_it_went_back(monkeypatch):
    """A ShippedReturn is confirmed and dropped."""
    hear = routing.hear

    def hears_less(session, request, heard, **more):
        if heard.words[:1] == ("ShippedReturn",):
            heard = dataclasses.replace(heard, words=())
        return hear(session, request, heard, **more)

    monkeypatch.setattr(routing, "hear", hears_less)


def takes_no_fee_back(monkeypatch):
    """The patron pays for what is home again."""
    monkeypatch.setattr(Ledger, "reverse", lambda *given, **more: None)


def undoes_without_a_word(monkeypatch):
    """What was taken back is not taken back at the partner's, and the item stays checked out."""
    monkeypatch.setattr(actions, "take_back_the_work", lambda session, request, undone: ((facts_check(),), []))


def facts_check():
    from state_machines.effects import SCHEDULE_DUE_DATE_CHECK

    return SCHEDULE_DUE_DATE_CHECK


def keeps_the_timers_of_what_is_closed(monkeypatch):
    """A closed loan falls overdue."""
    monkeypatch.setattr(facts.timers, "replace", lambda *given: None)


def says_done_and_does_nothing(world):
    """The circulation system is never called."""
    (place,) = world.places
    handlers = {**place.services.handlers, "circulation": lambda services, claimed: None}
    place.services = dataclasses.replace(place.services, handlers=handlers)


def loses_a_message(world):
    """The post office loses what the lender says last."""
    office, deliver = world.office, world.office.deliver

    def loses(letter):
        if letter.number % 3:
            return deliver(letter)
        office.held.remove(letter)
        return inbound.Confirmation(messageStatus="OK", timestampReceived=world.clock.now())

    office.deliver = loses


BREAKS_THE_ENGINE = (
    drops_an_effect, knows_no_message_again, does_not_hear_that_it_went_back, takes_no_fee_back,
    undoes_without_a_word, keeps_the_timers_of_what_is_closed,
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("broken", BREAKS_THE_ENGINE, ids=lambda broken: broken.__name__)
def test_the_referee_notices(broken, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    broken(monkeypatch)
    with a_world() as world, pytest.raises(AssertionError):
        run(world, Report(), AT_THE_PATRON, runs=60, shrink=False)


@pytest.mark.long
@pytest.mark.parametrize("broken", [says_done_and_does_nothing, loses_a_message], ids=lambda broken: broken.__name__)
def test_the_referee_notices_in_the_world(broken, caplog):
    caplog.set_level(logging.CRITICAL)
    with a_world() as world, pytest.raises(AssertionError):
        run(world, Report(), AT_THE_PATRON, runs=60, shrink=False, break_it=broken)
