"""When it is said: in order, not before its time, again where it did not arrive, and without waiting for others."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from ill_workflow import backlog, outbox
from ill_workflow.db import db_now
from ill_workflow.iso18626 import sending
from ill_workflow.outbox import EffectRow
from ill_workflow.pauses import Pause
from tests.plugins import far_partner
from tests.plugins.far_partner import refuses, says
from tests.plugins.waiting import LONGEST, eventually
from workers import drain, hand

pytestmark = pytest.mark.long

UNKNOWN = ("UnrecognisedDataValue", "requestingAgencyRequestId: there is no such request")


def test_nobody_listens_and_then_somebody_does(desk, far, near):
    near.end()
    desk.agrees(address=near.url)
    desk.borrows()
    assert "Faraway: It does not take calls" in desk.message.last_error
    assert desk.tries[0].http_status is None

    desk.agrees(address=far.url)
    desk.lets_time_pass()

    assert desk.message.status == "done", "at the address of today"
    assert len(far.calls) == 1


def test_messages_about_one_request_keep_their_order_across_tries(desk, far):
    far.then(far_partner.hangs_up, says(500), far_partner.hangs_up)
    loan = desk.borrows()
    loan.does("cancel", reason="not needed")
    assert [message.status for message in desk.messages] == ["ready", "ready"]

    for _ in range(4):
        desk.lets_time_pass()

    assert [message.status for message in desk.messages] == ["done", "done"]
    said = [type(heard.message).__name__ for heard in far.heard]
    assert said == ["Request"] * 4 + ["RequestingAgencyMessage"]


def test_a_partner_that_is_down_is_tried_by_one_message_and_rests_longer_each_time(desk, far, near):
    desk.knows("NEAR", "Nearby", near)
    far.then(*[says(503)] * 5)
    for number in range(3):
        desk.borrows(title=f"Volume {number}")
    assert len(far.calls) == 1, "the others rest with it"

    desk.stage.borrows(ask=("NEAR",))
    assert len(near.calls) == 1, "another partner is not held up"

    rests = []
    for number in range(2, 6):
        desk.lets_time_pass()
        assert len(far.calls) == number, "one finds out"
        (pause,) = desk.all(Pause)
        with desk.stage.db.reading() as session:
            rests.append(round((pause.until - db_now(session)).total_seconds()))
    assert rests == pytest.approx([120, 240, 300, 300], abs=5)

    desk.lets_time_pass()

    assert {message.status for message in desk.messages} == {"done"}
    assert desk.rests == {}
    assert len(set(far.bodies)) == 3


def test_a_message_that_its_system_cannot_bear_does_not_keep_the_others_back(desk, far):
    def breaks_on_emma(partner, line, body):
        (says(500) if b"Emma" in body else far_partner.confirms)(partner, line, body)

    far.then(*[breaks_on_emma] * 30)
    desk.borrows(title="Emma")
    for number in range(3):
        desk.borrows(title=f"Volume {number}")
    for _ in range(4):
        with desk.stage.db.writing() as session:
            session.execute(sa.update(Pause).values(until=outbox.db_time(session, timedelta(seconds=-1))))
        desk.stage.work()

    assert [message.status for message in desk.messages] == ["ready", "done", "done", "done"]


def test_it_is_given_up_by_age_and_may_be_sent_again(desk, far):
    far.then(says(503), says(503))
    loan = desk.borrows()
    with desk.stage.db.writing() as session:
        long_ago = outbox.db_time(session, timedelta(hours=-73))
        session.execute(sa.update(EffectRow).where(EffectRow.kind == "send_message").values(created_at=long_ago))
    desk.lets_time_pass()
    assert desk.message.status == "dead"
    assert desk.message.last_error == "Given up after 72 hours: Faraway: It answered 503: Service Unavailable."

    with desk.stage.db.writing() as session:
        assert backlog.resend(session, desk.message.id, loan.library_id)
    desk.stage.work()

    assert desk.message.status == "done", "whoever sends it again has ended the pause"
    assert len(set(far.bodies)) == 1


def test_a_hung_partner_holds_up_one_worker_and_nobody_else(desk, far, near, monkeypatch):
    desk.knows("NEAR", "Nearby", near)
    monkeypatch.setattr(hand, "GIVE_BACK", 3)  # by then both calls are under way, however busy the machine is
    far.then(*[far_partner.hangs] * 4)
    *slow, other = (
        desk.stage.borrows(ask=(who,), send=False, title=f"{who} {number}")
        for who, number in (("FAR", 1), ("FAR", 2), ("FAR", 3), ("NEAR", 1))
    )
    desk.promises("submit", *slow)
    work = partial(drain.work_off, desk.stage.services, "send_message", calls=2)
    worker = threading.Thread(target=work)
    worker.start()
    eventually(lambda: len(far.calls) == 2)

    desk.promises("submit", other)
    eventually(lambda: desk.messages[2].status == "ready")  # given back: something slow is in front of it
    work()

    assert len(near.calls) == 1
    assert len(far.calls) == 2, "no other worker hangs with it"
    assert [message.status for message in desk.messages] == ["running", "running", "ready", "done"]
    far.end()
    worker.join(120)


def test_it_is_told_several_things_at_once_but_about_one_request_one_after_the_other(desk, far, monkeypatch):
    monkeypatch.setattr(hand, "GIVE_BACK", LONGEST)
    desk.stage.services.settings.lease_seconds = 3 * LONGEST  # however long the second takes to begin
    together = threading.Barrier(2)

    def waits_for_another(partner, line, body):
        together.wait(LONGEST)
        far_partner.confirms(partner, line, body)

    far.then(waits_for_another, waits_for_another)
    first, second = (desk.borrows(send=False, title=title) for title in ("Emma", "Persuasion"))
    desk.promises("submit", first, second)
    desk.promises("cancel", first, reason="not needed")

    assert drain.work_off(desk.stage.services, "send_message", calls=4) == 3

    said = [call.message.header.requestingAgencyRequestId for call in far.heard]
    assert sorted(said[:2]) == [first.wire_id, second.wire_id]
    assert said[2:] == [first.wire_id]


def test_what_was_confirmed_and_could_not_be_written_down_is_said_again(desk, far, monkeypatch):
    real, failed = sending.remember_sent, []

    def fails_once(*how):
        if not failed:
            failed.append(how)
            raise RuntimeError("the disk is full")
        return real(*how)

    monkeypatch.setattr(sending, "remember_sent", fails_once)
    desk.borrows()
    assert desk.message.status == "ready", "it knows a repeat when it sees one: nothing is uncertain"

    desk.lets_time_pass()

    assert desk.message.status == "done"
    assert len(far.bodies) == 2
    assert len(set(far.bodies)) == 1


def test_what_is_taken_back_in_time_is_not_said(desk, far):
    far.then(says(503))
    first = desk.borrows()
    request = desk.stage.lends(to="FAR")
    request.does("will_supply")
    request.undoes()
    assert desk.messages[1].status == "withdrawn"

    desk.lets_time_pass()

    assert [type(heard.message).__name__ for heard in far.heard] == ["Request", "Request"]
    assert first.state == "request_sent"


def test_what_answers_a_message_leaves_after_the_confirmation_of_it(desk, far):
    """The partner may not have written down yet what it said: our confirmation has not reached it."""
    desk.agrees(answer_after_ms=60_000)
    request = desk.is_asked("F-1")
    request.does("ship", item_barcode="31", due_date="2026-03-01", condition_checked=True)
    before = len(far.calls)
    request.is_told("StatusRequest")
    answer = desk.message
    assert answer.argument == "StatusRequestResponse"
    assert answer.available_at - answer.created_at == timedelta(minutes=1)
    request.notes("It is a heavy one.", to_partner=True)
    assert len(far.calls) == before, "what is said later waits for it"

    assert _found_by_a_sweep(desk) == []
    with desk.stage.db.writing() as session:  # the minute is over, just now
        moment = {"available_at": outbox.db_time(session), "created_at": outbox.db_time(session, timedelta(minutes=-1))}
        session.execute(sa.update(EffectRow).where(EffectRow.id == answer.id).values(moment))
    assert _found_by_a_sweep(desk) == ["send_message"], "nobody was rung for it, so no patience is needed"
    desk.stage.work()

    said = [heard.message.messageInfo.reasonForMessage for heard in far.heard[before:]]
    assert said == ["StatusRequestResponse", "Notification"]


def _found_by_a_sweep(desk) -> list[str]:
    with desk.stage.db.reading() as session:
        return outbox.kinds_to_do(session, ["send_message"], timedelta(seconds=2))


def test_why_a_message_waits_and_why_one_was_given_up_stands_where_people_look(desk, far, visiting):
    ann = visiting(desk.stage)("operator")
    loan = desk.borrows()
    far.then(refuses("BadlyFormedMessage", "note: <b>too long</b>"), says(503))
    loan.notes("Please hurry.", to_partner=True)
    page = f"/l/MAIN/requests/{loan.id}"
    assert "Faraway answered: BadlyFormedMessage note: <b>too long</b>" in ann.text(page)
    assert "Faraway answered: BadlyFormedMessage" in ann.text("/l/MAIN/operations")
    loan.notes("It is urgent.", to_partner=True)
    assert "Faraway: It answered 503: Service Unavailable." in ann.text(page)

    answer = ann.submit(f"{page}/messages/{desk.messages[1].id}/resend")

    assert answer.status_code == 303
    desk.stage.work()
    desk.lets_time_pass()
    assert [message.status for message in desk.messages] == ["done", "done", "done"]
    assert ann.tree(page).xpath("//form[contains(@action, '/resend')]") == [], "nothing is left to be done"


def test_whoever_knows_that_a_partner_is_up_again_need_not_wait(desk, far, visiting):
    far.then(says(503))
    desk.borrows()
    operations = "/l/MAIN/operations"
    ann = visiting(desk.stage)("operator")
    assert "Faraway rests, since nothing gets through." in ann.text(operations)
    stranger = visiting(desk.stage)("operator", "RIV")
    number = desk.stage.partner("MAIN", "FAR").id
    assert "Faraway" not in stranger.text("/l/RIV/operations")
    assert stranger.submit(f"/l/RIV/operations/partners/{number}/now").status_code == 404

    assert ann.submit(f"{operations}/partners/{number}/now").status_code == 303
    desk.stage.work()

    assert desk.message.status == "done"
    assert ann.submit(f"{operations}/partners/{number}/now").status_code == 404
    assert ann.submit(f"{operations}/partners/99999999999999999999/now").status_code == 404


def test_a_partner_that_is_down_does_not_keep_the_next_one_from_being_asked(desk, far, near):
    desk.knows("NEAR", "Nearby", near)
    far.then(*[says(503)] * 50)
    loan = desk.stage.borrows(ask=("FAR", "NEAR"))

    loan.does("try_next")

    assert [call.message.header.requestingAgencyRequestId for call in near.heard] == [loan.wire_id]

    far.ways[:] = [refuses("BadlyFormedMessage", "request: no")]
    desk.lets_time_pass()

    assert (loan.state, loan.partner_id) == ("request_sent", desk.stage.partner("MAIN", "NEAR").id), "its turn"
