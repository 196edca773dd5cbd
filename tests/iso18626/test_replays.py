"""What comes again gets the same answer and changes nothing; what only looks alike is heard."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import MessageInfo
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import Event, MessageRow, Request
from tests.plugins.speaking import agree, give, system_of

NEVER = datetime(1, 1, 1, tzinfo=UTC)


def everything(stage):
    """How much there is of what a message may leave behind."""
    with stage.db.reading() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Request, Event, MessageRow)]


def test_the_same_bytes_again_and_again(hilltop):
    hilltop.asks("H-1")
    loan = hilltop.stage.borrows(ask=("HILL",))
    messages = [
        hilltop.request("H-1"), hilltop.action("Cancel"), hilltop.action("StatusRequest"), hilltop.action("Nonsense"),
        hilltop.status("Loaned", loan.wire_id), hilltop.status("Loaned", "gone"), hilltop.request("H-1", title="Other"),
    ]  # fmt: skip
    raws = [write(m, Edition.Y2017) for m in messages if getattr(m, "action", "") != "Nonsense"]
    first = [hilltop.posts(raw).but_for_when for raw in raws]
    before = everything(hilltop.stage)

    for seconds in (1, 100_000):
        hilltop.later(seconds)
        for raw, answer in zip(raws, first, strict=True):
            assert hilltop.posts(raw).but_for_when == answer

    assert everything(hilltop.stage) == before
    assert loan.history.count("partner_shipped") == 1


def test_a_request_that_is_sent_again_at_another_time(hilltop):
    hilltop.asks("H-1")
    hilltop.later()
    hilltop.does("StatusRequest")
    before = everything(hilltop.stage)
    hilltop.later(86400)

    assert hilltop.asks("H-1").error == ""
    assert everything(hilltop.stage) == before


def lent(hilltop, wire_id="H-1"):
    hilltop.asks(wire_id)
    half = hilltop.stage.request("MAIN", wire_id)
    half.does("ship", condition_checked=True, item_barcode="31234", due_date="2026-03-02")
    return half


def test_a_renewal_is_asked_for_again_after_it_was_answered(hilltop):
    half = lent(hilltop)
    hilltop.does("Renew")
    hilltop.later()
    hilltop.does("Renew")
    assert half.history.count("partner_requests_renewal") == 1, "nobody has answered: it was impatient"
    with hilltop.stage.db.writing() as session:
        session.add(_answered(session, half, "RenewResponse N"))
    hilltop.later()

    hilltop.does("Renew")

    assert half.heard.count("Renew") == 2


def test_a_retry_that_keeps_the_id_is_heard_each_time_that_the_one_before_was_refused(hilltop):
    hilltop.asks("H-1")
    for number in range(1, 4):
        for _ in range(2):
            hilltop.later()
            assert hilltop.asks("H-1", kind="Retry" if number > 1 else "New").error == ""
        with hilltop.stage.db.writing() as session:
            last = session.scalars(sa.select(Request).order_by(Request.id.desc())).first()
            assert (last.id, last.state) == (number, "new"), "the second of each two is a repeat"
            last.state = "retry_offered"
            session.add(_answered(session, last, "RetryPossible", hilltop.stage.clock.now()))


def _answered(session, half, kind, at=None):
    request, at = session.get_one(Request, half.id), at or half.stage.clock.now()
    return MessageRow(
        library_id=request.library_id, request_id=request.id, partner_id=request.partner_id, incoming=False,
        identity=f"ours {half.id} {at}", kind=kind, transport="iso18626", content={}, at=at,
    )  # fmt: skip


def test_the_same_words_after_others_are_news(hilltop):
    half = lent(hilltop)
    for action in ("Received", "ShippedReturn", "Received"):
        hilltop.later()
        assert hilltop.does(action).error == ""

    assert half.heard == ["Request New", "Received", "ShippedReturn", "Received"]


def test_a_repeat_that_comes_again_is_one_whatever_was_said_after_it(hilltop):
    half = lent(hilltop)
    hilltop.does("Notification", note="Thank you.")
    hilltop.later()
    raw = write(hilltop.action("Notification", note="Thank you."), Edition.Y2017)
    hilltop.posts(raw)
    hilltop.later()
    hilltop.does("Received")

    assert hilltop.posts(raw).error == ""

    assert half.heard.count("Notification") == 1


def test_two_notes_that_say_something_else(hilltop):
    half = lent(hilltop)
    for note in ("Where is it?", "Where is it?", "Thank you.", "Where is it?"):
        hilltop.later()
        hilltop.does("Notification", note=note)

    assert half.heard.count("Notification") == 3


@pytest.mark.parametrize("action", ["Notification", "StatusRequest", "Renew"])
def test_a_note_and_a_question_that_are_written_again_days_later(hilltop, action):
    """Nobody tries that long to get the first one through; the answer to it may be what was lost."""
    half = lent(hilltop)
    first = write(hilltop.action(action, note="Where is it?"), Edition.Y2017)
    for hours, heard in ((0, 1), (71, 1), (2, 2), (71, 2)):
        hilltop.later(hours * 3600)
        assert hilltop.does(action, note="Where is it?").error == ""
        assert half.heard.count(action) == heard
    hilltop.posts(first)

    assert half.heard.count(action) == 2, "the very first one again is a repeat, however late"


def test_how_things_stand_is_no_news_however_late(hilltop):
    half = lent(hilltop)
    for _ in range(3):
        hilltop.later(96 * 3600)
        hilltop.does("Received")

    assert half.heard.count("Received") == 1


def test_a_time_that_nobody_can_use_tells_nothing_apart(hilltop):
    half = lent(hilltop)
    for action in ("StatusRequest", "StatusRequest", "Received", "StatusRequest", "StatusRequest"):
        assert hilltop.does(action, at=NEVER).error == ""

    assert half.heard == ["Request New", "StatusRequest", "Received", "StatusRequest"]


def test_what_was_refused_is_looked_at_anew(hilltop):
    early = write(hilltop.action("Received"), Edition.Y2017)
    assert hilltop.posts(early).error.startswith("UnrecognisedDataValue requestingAgencyRequestId")
    lent(hilltop)

    assert hilltop.posts(early).error == "", "it has overtaken the request"
    assert [(row.kind, row.outcome[:2]) for row in hilltop.heard] == [("Received", "OK"), ("Request New", "OK")]


def test_a_suffix_is_the_partners_own(hilltop):
    agree(hilltop.stage, id_suffix=True)
    loan = hilltop.stage.borrows(ask=("HILL",))

    said = hilltop.answers("Loaned", f"{loan.wire_id}~1")

    assert (said.error, said["requestingAgencyRequestId"]) == ("", f"{loan.wire_id}~1")
    assert loan.state == "shipped"


def at_once(hilltop, raws):
    """Each on a connection of its own, all at the same moment."""
    answers, ready = [], threading.Barrier(len(raws))

    def send(raw):
        system = hilltop.as_seen_from("192.0.2.7")
        ready.wait(120)
        answers.append(system.posts(raw))

    threads = [threading.Thread(target=send, args=(raw,)) for raw in raws]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_copies_at_the_same_instant(bare_stage):
    """Each is taken in by a thread of the same process, and by another process's connections: both are separate."""
    hilltop = system_of(bare_stage)
    other = system_of(bare_stage)
    assert hilltop.client.app is not other.client.app
    request = hilltop.request("H-1")
    again = hilltop.request("H-1", at=datetime(2026, 2, 2, 20, tzinfo=UTC))

    answers = at_once(hilltop, [write(request, Edition.Y2017)] * 4 + [write(again, Edition.Y2017)] * 2)
    answers += at_once(other, [write(request, Edition.Y2017)] * 2)

    assert [answer.error for answer in answers] == [""] * 8
    assert len({answer.but_for_when.replace(b"20:00", b"15:00") for answer in answers}) == 1
    assert everything(bare_stage)[0] == 1
    cancels = at_once(hilltop, [write(hilltop.action("Cancel"), Edition.Y2017)] * 5)
    assert len({answer.but_for_when for answer in cancels}) == 1
    assert bare_stage.request("MAIN", "H-1").heard == ["Request New", "Cancel"]


def test_many_requests_at_the_same_instant(bare_stage):
    hilltop = system_of(bare_stage)
    give(bare_stage, "token", "hill-bears-this")

    answers = at_once(hilltop, [write(hilltop.request(f"H-{n}"), Edition.Y2017) for n in range(12)])

    assert [answer.error for answer in answers] == [""] * 12
    assert everything(bare_stage)[0] == 12


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_the_same_answer_to_the_same_question_once_more_is_news(hilltop, is_confirmed):
    """Some write when the item's status last changed, and not when they answer: then only our question tells."""
    loan = hilltop.stage.borrows(ask=("HILL",))
    hilltop.answers("Loaned", loan.wire_id)
    loan.does("receive", condition_checked=True)
    denied = replace(
        hilltop.status("Loaned", loan.wire_id, reason="RenewResponse"),
        messageInfo=MessageInfo(reasonForMessage="RenewResponse", answerYesNo="N", note="It is reserved."),
    )
    for number in (1, 2):
        hilltop.later()
        loan.does("request_renewal")
        with hilltop.stage.db.writing() as session:
            sent = sa.update(EffectRow).where(EffectRow.argument == "Renew").values(status="done", last_error=None)
            session.execute(sent if is_confirmed else sent.values(last_error="no answer", status="ready"))
            if is_confirmed:
                session.add(_answered(session, loan, "Renew"))
        for _ in range(2):
            hilltop.later()
            assert hilltop.says(replace(denied, header=hilltop.header(loan.wire_id, lends=True))).error == ""
        assert (loan.state, loan.heard.count("RenewResponse N")) == ("renewal_denied", number)
