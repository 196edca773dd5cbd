"""Two people, two systems, two workers at the same moment: one wins, and the other is told what happened."""

import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from ill_workflow.errors import Conflict, IllError, Refused
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Event, Request

pytestmark = pytest.mark.long


def at_once(stage, deeds):
    """Do all of it in threads that start together; what came of each: an outcome or a refusal."""
    gate, found = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(place, deed):
        gate.wait()
        try:
            with stage.db.writing() as session:
                found[place] = deed(session)
        except IllError as refusal:
            found[place] = refusal

    threads = [threading.Thread(target=run, args=(n, deed)) for n, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert None not in found
    return found


def pull(stage, half, trigger, *, role="operator", code="MAIN", **how):
    def deed(session):
        request = actions.locked(session, half.id)
        by = By.staff(stage.account(session, role, code))
        return actions.perform(session, request, trigger, by=by, clock=stage.clock, **how)

    return deed


def test_conflicting_actions_have_one_winner_and_one_set_of_effects(stage):
    lent = stage.lends()
    ship = {"condition_checked": True, "item_barcode": "312"}
    deeds = []
    for _ in range(4):
        deeds += [
            pull(stage, lent, "ship", inputs=ship),
            pull(stage, lent, "reject", inputs={"reason": "NotOnShelf"}),
            pull(stage, lent, "offer_retry", inputs={"reason": "OnLoan"}),
        ]

    found = at_once(stage, deeds)

    won = [outcome for outcome in found if isinstance(outcome, actions.Outcome)]
    lost = [refusal for refusal in found if isinstance(refusal, Refused)]
    assert (len(won), len(lost)) == (1, 11)
    assert all(lent.reference in refusal.message for refusal in lost), "each is told what it is now"
    stage.work()
    assert lent.history == ["create", won[0].trigger]
    assert len(lent.said) == 1


def test_one_key_ten_times_is_one_transition(stage):
    lent = stage.lends()
    deeds = [pull(stage, lent, "will_supply", inputs={"call_number": "PR 1"}, key="k-1") for _ in range(10)]
    found = at_once(stage, deeds)
    outcomes = [outcome for outcome in found if isinstance(outcome, actions.Outcome)]
    assert {type(o) for o in found} <= {actions.Outcome, Conflict}
    assert Counter(outcome.repeated for outcome in outcomes)[False] == 1
    assert len({outcome.event_id for outcome in outcomes}) == 1
    stage.work()
    assert lent.history == ["create", "will_supply"]


def test_a_page_that_is_out_of_date_is_told_who_did_what(stage):
    lent = stage.lends()
    deeds = [pull(stage, lent, "print_slip", version=1) for _ in range(5)]
    found = at_once(stage, deeds)
    told = [refusal.message for refusal in found if isinstance(refusal, Conflict)]
    assert len(told) == 4
    assert all("operator-MAIN did: Print Slip. It is Being Processed now." in message for message in told)
    stage.work()


def test_many_requests_at_once_lose_nothing(stage):
    """Both halves of local loans move in many transactions that lock each other's requests."""
    loans = [stage.borrows(title=f"Volume {n}", isbn="") for n in range(8)]
    lent = [stage.other_half(loan) for loan in loans]
    deeds = [
        pull(stage, half, "ship", code="RIV", inputs={"condition_checked": True, "item_barcode": f"31{half.id}"})
        for half in lent
    ]
    assert all(isinstance(outcome, actions.Outcome) for outcome in at_once(stage, deeds))

    workers = [threading.Thread(target=stage.work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    stage.work()

    # What two workers kept from each other is tried again a moment later.
    with stage.db.writing() as session:
        session.execute(sa.update(EffectRow).where(EffectRow.status == "ready").values(available_at=stage.clock.now()))
    stage.work()
    assert [loan.state for loan in loans] == ["shipped"] * 8
    with stage.db.reading() as session:
        doubled = sa.select(Event.request_id).where(Event.trigger == "partner_shipped").group_by(Event.request_id)
        assert not session.execute(doubled.having(sa.func.count() > 1)).all()


def test_references_are_never_given_twice(stage):
    from ill_workflow.libraries import find_library
    from ill_workflow.requests import intake

    def create(session):
        by = By.staff(stage.account(session, "operator", "MAIN"))
        library = find_library(session, "MAIN")
        return intake.borrow(session, library, {"title": "Emma"}, by=by, clock=stage.clock).reference

    references = at_once(stage, [create] * 12)
    assert len(set(references)) == 12
    stage.work()
    with stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Request.id))) == 12


@pytest.mark.parametrize("workers", [4])
def test_a_timer_that_several_workers_see_fires_once(stage, workers):
    from ill_workflow.requests import due_dates

    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312", due_date="2026-02-10")
    from datetime import timedelta

    stage.clock.advance(timedelta(days=9))
    threads = [threading.Thread(target=due_dates.fire_due, args=(stage.db, stage.clock)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    stage.work()
    assert lent.history.count("due_date_passed") == 1
    assert lent.said.count("Overdue") == 1


def test_one_key_for_one_new_request_of_a_new_patron(stage):
    """Simultaneous commands of another system: one is carried out, the others get its answer."""
    import time

    from ill_workflow import accounts, commands
    from ill_workflow.libraries import find_library

    with stage.db.writing() as session:
        secret = accounts.add_account(session, "kiosk", system=True).secret
        library = find_library(session, "MAIN")
        accounts.grant(session, accounts.find_account(session, "kiosk"), library.id, "operator")
    arguments = {"library": "MAIN", "fields": {"title": "Emma"}, "patron": {"barcode": "2777", "name": "New Reader"}}
    now = int(time.time())

    def envelope(key):
        signature = commands.sign(secret, "ill.create_request", "kiosk", arguments, key, now)
        return {"account": "kiosk", "arguments": arguments, "key": key, "time": now, "signature": signature}

    for keys, made in ((["same"] * 8, 1), ([f"key-{n}" for n in range(8)], 8)):
        answers, gate = [], threading.Barrier(len(keys))

        def send(key, answers=answers, gate=gate):
            gate.wait()
            answers.append(commands.create_request(stage.services, envelope(key)))

        threads = [threading.Thread(target=send, args=(key,)) for key in keys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(answers) == 8
        assert all(answer["ok"] for answer in answers), answers
        assert len({answer["reference"] for answer in answers}) == made
    stage.work()


def test_a_stale_command_that_was_carried_out_gets_its_answer_and_no_refusal(stage):
    import time

    from ill_workflow import accounts, commands
    from ill_workflow.libraries import find_library

    with stage.db.writing() as session:
        secret = accounts.add_account(session, "kiosk", system=True).secret
        accounts.grant(session, accounts.find_account(session, "kiosk"), find_library(session, "MAIN").id, "operator")
    arguments, now = {"library": "MAIN", "fields": {"title": "Emma"}}, int(time.time())

    def envelope(key, at):
        signature = commands.sign(secret, "ill.create_request", "kiosk", arguments, key, at)
        return {"account": "kiosk", "arguments": arguments, "key": key, "time": at, "signature": signature}

    first = commands.create_request(stage.services, envelope("k", now))
    old = commands.create_request(stage.services, envelope("k", now - 3600))
    never = commands.create_request(stage.services, envelope("other", now - 3600))
    assert (old["ok"], old["reference"], old["repeated"]) == (True, first["reference"], True)
    assert (never["ok"], never["field"]) == (False, "time")
    stage.work()


@pytest.mark.parametrize("wrong", [{"account": "a\x00"}, {"key": "k\n"}, {"arguments": {"patron": {"name": {"x": 1}}}}])
def test_a_malformed_command_is_refused_without_a_word_of_it(stage, caplog, wrong):
    from ill_workflow import commands

    envelope = {"account": "kiosk", "arguments": {}, "key": "k", "time": 1, "signature": "s", **wrong}
    answer = commands.create_request(stage.services, envelope)
    assert answer["ok"] is False
    assert "patron" not in caplog.text


def test_the_same_message_twice_gets_the_same_answer_and_changes_nothing(stage):
    from ill_workflow.messages import inbound
    from ill_workflow.messages.content import RequestingAgencyMessage

    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    partner = stage.partner("MAIN", "HILL")
    message = RequestingAgencyMessage(header=lent._header(partner, "H-77"), action="Received")

    def take(session):
        return inbound.receive(session, message, partner=partner, identity="m-1", transport="test", clock=stage.clock)

    first, second = (at_once(stage, [take])[0] for _ in range(2))
    assert (first.messageStatus, first.sentence) == (second.messageStatus, second.sentence) == ("OK", first.sentence)
    stage.work()
    assert lent.history.count("partner_received") == 1
