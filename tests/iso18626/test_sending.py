"""What we say to a partner that speaks ISO 18626 arrives once, in order and byte for byte, whatever its system does."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from ill_workflow import backlog, outbox, partner_secrets, partners
from ill_workflow.db import db_now
from ill_workflow.iso18626 import sending
from ill_workflow.libraries import find_library
from ill_workflow.messages.content import BibliographicInfo as About
from ill_workflow.messages.content import Header, Request, RequestingAgencyMessage, ServiceInfo
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.outbox import EffectRow
from ill_workflow.pauses import Pause
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import MessageRow
from ill_workflow.requests.models import Request as OurRequest
from tests.plugins import far_partner
from tests.plugins.far_partner import FarPartner, refuses, says
from tests.plugins.stage import Half
from tests.plugins.waiting import LONGEST, eventually
from workers import drain, hand

pytestmark = pytest.mark.long

UNKNOWN = ("UnrecognisedDataValue", "requestingAgencyRequestId: there is no such request")


@pytest.fixture
def far():
    partner = FarPartner()
    yield partner
    partner.end()


@pytest.fixture
def near():
    partner = FarPartner()
    yield partner
    partner.end()


@pytest.fixture
def desk(quick_stage, far, monkeypatch):
    """Main has a partner that speaks ISO 18626: Faraway. What is put off waits until a test lets time pass."""
    monkeypatch.setattr(drain, "PAUSE", timedelta(minutes=1))
    monkeypatch.setattr(drain, "_backoff", lambda *_: timedelta(minutes=1))
    monkeypatch.setattr(sending, "_NOT_YET_AFTER", [timedelta(minutes=1).total_seconds()] * sending.NOT_YET_TIMES)
    return Desk(quick_stage, far)


class Desk:
    """The stage, and what its workers do for partners far away."""

    def __init__(self, stage, far: FarPartner) -> None:
        self.stage = stage
        stage.services.settings.private_partners = True
        self.knows("FAR", "Faraway", far)

    def knows(self, code: str, name: str, partner: FarPartner, **wire) -> None:
        agreed = {"address": partner.url, "plain_http": True, "patience_seconds": 120, "answer_after_ms": 0, **wire}
        with self.stage.db.writing() as session:
            main = find_library(session, "MAIN")
            partners.add_partner(session, main.id, code=code, name=name, transport="iso18626", wire=agreed)

    def agrees(self, **wire) -> None:
        partner = self.stage.partner("MAIN", "FAR")
        self.stage.changes("MAIN", "FAR", wire={**partner.wire, **wire})

    def sets(self, wire) -> None:
        """As it may stand there from before anybody looked it over."""
        with self.stage.db.writing() as session:
            session.execute(sa.update(partners.Partner).where(partners.Partner.code == "FAR").values(wire=wire))

    def shows(self, name: str, value: str) -> None:
        with self.stage.db.writing() as session:
            partner_secrets.set_secret(session, self.stage.partner("MAIN", "FAR"), name, value)

    def all(self, table, **such):
        with self.stage.db.reading() as session:
            return list(session.scalars(sa.select(table).filter_by(**such).order_by(*sa.inspect(table).primary_key)))

    @property
    def messages(self) -> list[EffectRow]:
        return self.all(EffectRow, kind="send_message")

    @property
    def message(self) -> EffectRow:
        return self.messages[-1]

    @property
    def tries(self) -> list[Exchange]:
        return self.all(Exchange, incoming=False)

    @property
    def rests(self) -> dict[str, str]:
        return {pause.destination: pause.reason for pause in self.all(Pause)}

    def lets_time_pass(self) -> None:
        """Until every pause is over and everything that was put off may be tried again; the workers do."""
        with self.stage.db.writing() as session:
            session.execute(sa.update(Pause).values(until=outbox.db_time(session, timedelta(seconds=-1))))
            waiting = sa.update(EffectRow).where(EffectRow.status == "ready")
            session.execute(waiting.values(available_at=outbox.db_time(session, timedelta(seconds=-1))))
        self.stage.work()

    def borrows(self, **more):
        return self.stage.borrows(ask=("FAR",), **more)

    def is_asked(self, wire_id: str, by: str = "FAR", us: str = "MAIN") -> Half:
        """Faraway asks for a book: the request on our side."""
        header = Header(
            supplyingAgencyId=far_partner.agency(us), requestingAgencyId=far_partner.agency(by),
            timestamp=self.stage.clock.now(), requestingAgencyRequestId=wire_id,
        )  # fmt: skip
        asked = Request(header=header, bibliographicInfo=About(title="Emma"), serviceInfo=ServiceInfo())
        assert self.stage.takes_in(asked, self.stage.partner("MAIN", "FAR")).ok
        return Half(self.stage, self.all(OurRequest)[-1].id)

    def promises(self, trigger: str, *loans: Half, **inputs: str) -> None:
        """It is promised to be said; no worker has looked yet."""
        with self.stage.db.writing() as session:
            by = By.staff(self.stage.account(session, "operator", "MAIN"))
            for loan in loans:
                request = actions.locked(session, loan.id)
                actions.perform(session, request, trigger, by=by, clock=self.stage.clock, inputs=inputs)

    def has_it(self):
        """A book of Faraway's is with the patron."""
        loan = self.borrows()
        loan.hears("Loaned", due="2026-03-01", items=("31",))
        loan.does("receive", condition_checked=True)
        return loan


def test_a_request_is_said_confirmed_and_written_down(desk, far):
    desk.agrees(agency="FAR-ILL", agency_type="OCLC", our_agency="US-MAIN", our_agency_type="OCLC", our_account="main")
    desk.shows("our_code", "our-own-code")
    desk.shows("our_token", "our-own-token")

    loan = desk.borrows()

    (said,) = far.heard
    header = said.message.header
    assert (header.supplyingAgencyId.agencyIdType, header.supplyingAgencyId.agencyIdValue) == ("OCLC", "FAR-ILL")
    assert header.requestingAgencyId.agencyIdValue == "US-MAIN"
    assert header.requestingAgencyRequestId == loan.wire_id
    assert header.requestingAgencyAuthentication.securityCode == "our-own-code"
    assert said.forgiven == ()
    assert "Authorization: Bearer our-own-token" in far.calls[0][0]
    (kept,) = [row for row in desk.all(MessageRow) if not row.incoming]
    assert (kept.kind, kept.transport, kept.outcome) == ("Request New", "iso18626", "OK")
    (row,) = desk.tries
    assert (row.http_status, row.message_id, row.effect_id, row.trouble) == (200, kept.id, desk.message.id, "")
    assert "Pride and Prejudice" in row.said
    assert "messageStatus>OK<" in row.answered
    assert "our-own-code" not in row.said
    assert "our-own-code" not in str(kept.content)


@pytest.mark.parametrize("edition", ["2017", "2021"])
def test_it_is_written_in_the_partners_edition(desk, far, edition):
    desk.agrees(edition=edition)
    desk.borrows()
    assert far.heard[0].edition == edition


@pytest.mark.long
def test_without_names_of_its_own_a_library_is_known_by_its_code(desk, far):
    desk.borrows()
    header = far.heard[0].message.header
    assert (header.requestingAgencyId.agencyIdValue, header.supplyingAgencyId.agencyIdValue) == ("MAIN", "FAR")
    assert header.requestingAgencyAuthentication is None


def test_who_asked_is_answered_with_the_names_that_stood_there(desk, far):
    request = desk.is_asked("B-1~1", by="BEHIND-THE-BROKER", us="us-main")

    request.does("will_supply")

    header = far.heard[-1].message.header
    assert header.supplyingAgencyId.agencyIdValue == "us-main"
    assert header.requestingAgencyId.agencyIdValue == "BEHIND-THE-BROKER"
    assert header.requestingAgencyRequestId == "B-1~1"


WRONG = [
    (far_partner.hangs_up, "Faraway: It hung up in the middle"),
    (far_partner.half_an_answer, "Faraway: It hung up in the middle"),
    (far_partner.half_an_answer_that_looks_whole, "Faraway: Its answer is no confirmation"),
    (says(200), "Faraway: It answered 200 and nothing else: that confirms nothing."),
    (says(204), "Faraway: It answered 204 and nothing else"),
    (says(200, b"<html><body>Sign in</body></html>", kind="text/html"), "Faraway: Its answer is no confirmation"),
    (says(200, b"<ok/>"), "Faraway: Its answer is no confirmation"),
    (lambda partner, line, body: says(200, body)(partner, line, body), "Its answer is no confirmation but a message."),
    (says(301, b"", "Location: https://new.example/"), "Faraway: It answered 301: it is elsewhere now, at https://new"),
    (says(401), "Faraway: It answered 401: it does not believe who we are"),
    (says(403), "Faraway: It answered 403: it does not let us in"),
    (says(404), "Faraway: It answered 404: nobody takes messages at this address."),
    (says(500, b"Traceback"), "Faraway: It answered 500: Internal Server Error."),
    (says(503), "Faraway: It answered 503: Service Unavailable."),
]


def test_what_is_not_confirmed_is_said_again_byte_for_byte(desk, far):
    far.then(*[way for way, _ in WRONG])
    desk.borrows()
    for way, sentence in WRONG:
        assert desk.message.status == "ready", way
        assert sentence in desk.message.last_error
        assert list(desk.rests.values()) == [desk.message.last_error], "its other messages rest"
        desk.stage.clock.advance(timedelta(minutes=7))
        desk.lets_time_pass()

    assert desk.message.status == "done"
    assert len(far.bodies) == len(WRONG) + 1
    assert len(set(far.bodies)) == 1
    assert desk.rests == {}
    *failed, last = desk.tries
    assert all(
        sentence.removeprefix("Faraway: ") in one.trouble for one, (_, sentence) in zip(failed, WRONG, strict=True)
    )
    assert last.trouble == ""
    assert len([row for row in desk.all(MessageRow) if not row.incoming]) == 1


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        (says(400, b"no such schema"), "It answered 400: Bad Request."),
        (says(413), "It answered 413"),
        (far_partner.confirms_another, "It confirmed another request, 'SOMEBODY-ELSES-1'."),
    ],
)
def test_what_is_wrong_with_one_message_holds_up_no_other(desk, far, way, sentence):
    far.then(way)
    desk.borrows()
    assert sentence in desk.message.last_error
    assert desk.rests == {}

    desk.borrows(title="Emma")

    assert [message.status for message in desk.messages] == ["ready", "done"]


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


def test_an_address_inside_is_refused_unless_the_installation_allows_it(desk, far):
    desk.stage.services.settings.private_partners = False
    desk.borrows()
    assert "localhost is 127.0.0.1, this machine itself." in desk.message.last_error
    assert far.calls == []


@pytest.mark.parametrize(
    ("wire", "sentence"),
    [({"address": ""}, "There is no address to which messages go"), ({"plain_http": False}, "is not encrypted")],
)
def test_what_only_a_person_can_mend_is_shown_at_once_and_sent_again_when_it_is_mended(desk, far, wire, sentence):
    right = dict(desk.stage.partner("MAIN", "FAR").wire)
    desk.sets({**right, **wire})
    loan = desk.borrows()
    assert desk.message.status == "dead"
    assert sentence in desk.message.last_error

    desk.sets(right)
    with desk.stage.db.writing() as session:
        assert backlog.resend(session, desk.message.id, loan.library_id)
    desk.stage.work()

    assert desk.message.status == "done"
    assert len(far.calls) == 1


def test_a_request_that_is_refused_is_not_supplied(desk, far):
    far.then(refuses("UnrecognisedDataValue", "serviceType: Jazz doesn't exist"))
    loan = desk.borrows()
    assert loan.state == "unfilled"
    assert desk.message.status == "done"
    assert "serviceType: Jazz doesn't exist" in str(loan.inputs("partner_cannot_supply"))
    (row,) = desk.tries
    assert "Jazz" in row.trouble


@pytest.mark.long
def test_a_request_that_is_refused_with_the_status_as_well(desk, far):
    error = far_partner.ErrorData(errorType="BadlyFormedMessage", errorValue="request: no")

    def way(partner, line, body):
        says(400, far_partner.confirmation(body, error))(partner, line, body)

    far.then(way)
    assert desk.borrows().state == "unfilled"


def test_a_request_that_had_arrived_although_nobody_told_us_is_not_asked_of_another(desk, far):
    far.then(far_partner.hangs_up, refuses("UnrecognisedDataValue", "requestingAgencyRequestId: exists already"))
    loan = desk.borrows()

    desk.lets_time_pass()

    assert (loan.state, desk.message.status) == ("request_sent", "done")
    assert desk.all(MessageRow)[0].outcome.startswith("OK an earlier try had arrived")


def test_nor_is_one_whose_worker_died_before_it_wrote_down_the_answer(desk, far):
    loan = desk.borrows(send=False)
    desk.promises("submit", loan)
    with desk.stage.db.writing() as session:
        (claimed,) = outbox.claim(session, "send_message", limit=1, lease=timedelta(0))
    desk.stage.services.handlers["send_message"](desk.stage.services, claimed).talk()
    far.then(refuses("UnrecognisedDataValue", "requestingAgencyRequestId: exists already"))

    drain.take_back_abandoned(desk.stage.services)
    desk.stage.work()

    assert len(far.calls) == 2
    assert (loan.state, desk.message.status) == ("request_sent", "done")


def test_any_other_message_that_is_refused_a_person_sees_and_may_send_again(desk, far):
    loan = desk.has_it()
    far.then(refuses("BadlyFormedMessage", "note: too long"))
    loan.does("request_renewal")
    assert desk.message.status == "dead"
    assert desk.message.last_error == "Faraway answered: BadlyFormedMessage note: too long"
    assert desk.rests == {}, "it was reached"
    assert desk.tries[-1].trouble == "BadlyFormedMessage note: too long"
    loan.notes("Please.", to_partner=True)
    assert desk.message.status == "done", "what is said after it does not wait for it"

    with desk.stage.db.writing() as session:
        backlog.resend_all(session, loan.library_id)
    desk.stage.work()

    assert {message.status for message in desk.messages} == {"done"}
    said = [heard.message.action for heard in far.heard if isinstance(heard.message, RequestingAgencyMessage)]
    assert said == ["Received", "Renew", "Notification", "Renew"]
    assert far.bodies[-1] == far.bodies[-3]


@pytest.mark.long
def test_errors_of_every_type_are_shown(desk, far):
    loan = desk.borrows()
    for error in ("UnsupportedActionType", "UnsupportedReasonForMessageType", "UnrecognisedDataElement"):
        far.then(refuses(error))
        loan.notes("Please hurry.", to_partner=True)
        assert (desk.message.status, desk.message.last_error) == ("dead", f"Faraway answered: {error}")


def test_a_partner_that_knows_nothing_of_the_request_yet_is_asked_again_shortly(desk, far):
    loan = desk.has_it()
    far.then(refuses(*UNKNOWN), refuses(*UNKNOWN))
    loan.does("request_renewal")
    assert desk.message.status == "ready"
    assert sending.NOT_YET in desk.message.last_error
    assert desk.rests == {}
    with desk.stage.db.writing() as session:  # what waited for days behind another message has its minute, too
        session.execute(sa.update(EffectRow).values(created_at=outbox.db_time(session, timedelta(hours=-73))))

    desk.lets_time_pass()
    desk.lets_time_pass()

    assert desk.message.status == "done"
    assert len(set(far.bodies[-3:])) == 1


def test_all_that_is_over_within_about_a_minute():
    assert len(sending._NOT_YET_AFTER) == sending.NOT_YET_TIMES
    assert sending._NOT_YET_AFTER[0] <= 1
    assert 30 <= sum(sending._NOT_YET_AFTER) <= 90


@pytest.mark.long
def test_and_after_that_a_person_is_asked(desk, far):
    loan = desk.has_it()
    far.then(*[refuses(*UNKNOWN)] * 20)
    loan.does("request_renewal")
    for _ in range(sending.NOT_YET_TIMES):
        desk.lets_time_pass()
    assert desk.message.status == "dead"
    assert len(far.ways) == 20 - sending.NOT_YET_TIMES - 1


@pytest.mark.long
def test_a_cancel_of_what_it_knows_nothing_of_is_granted(desk, far):
    loan = desk.borrows()
    far.then(*[refuses(*UNKNOWN)] * 20)
    loan.does("cancel", reason="not needed")
    for _ in range(sending.NOT_YET_TIMES):
        desk.lets_time_pass()
    assert loan.state == "cancelled"
    assert desk.messages[-1].status == "done"


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


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
def test_a_partner_that_reads_mail_by_now_gets_a_mail(desk, far):
    far.then(says(503))
    desk.borrows()
    desk.stage.changes("MAIN", "FAR", transport="email", email="ill@far.example")

    desk.lets_time_pass()

    assert desk.message.status == "done"
    assert len(desk.stage.mails("ill@far.example")) == 1


@pytest.mark.long
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


def test_a_retry_that_is_refused_for_the_request_before_it_is_refused(desk, far):
    loan = desk.borrows()
    loan.hears("RetryPossible")
    far.then(says(503), refuses("UnrecognisedDataValue", "requestingAgencyPreviousRequestId: no such request"))

    loan.does("retry")
    desk.lets_time_pass()

    assert (loan.state, loan.history[-1]) == ("unfilled", "partner_cannot_supply")


def test_what_a_borrower_wrote_is_no_word_of_ours(desk, far):
    lent = desk.is_asked("B-1")
    lent.does("ship", condition_checked=True, item_barcode="312")
    header = far.heard[-1].message.header

    desk.stage.takes_in(
        RequestingAgencyMessage(header=header, action="Cancel", note="Our patron has bought it"),
        desk.stage.partner("MAIN", "FAR"),
    )
    desk.stage.work()

    said = far.heard[-1].message.messageInfo
    assert (said.reasonForMessage, said.answerYesNo, said.note) == ("CancelResponse", "N", "")


def test_what_people_type_is_no_mark(desk, far):
    loan = desk.borrows()
    loan.hears("Loaned", due="2026-03-01", items=("31",))
    loan.does("receive", condition_checked=True)

    loan.does("report_damaged", severity="minor", note="see #ill:lost# page 3")

    note = far.heard[-1].message.note
    assert "#ill:damaged#" in note
    assert "#ill:lost#" not in note
    assert "page 3" in note


def test_each_try_names_the_lenders_id_as_it_was_known_when_it_was_promised(desk, far):
    loan = desk.borrows()
    far.then(says(503))
    loan.does("cancel", reason="No longer needed")
    loan.hears("ExpectToSupply", lenders_id="L-77")

    desk.lets_time_pass()

    tries = [body for body in far.bodies if b"<action>Cancel" in body.replace(b"ill:", b"")]
    assert len(tries) == 2
    assert tries[0] == tries[1]


def test_so_does_each_try_to_one_who_is_asked_no_longer(desk, far, near):
    desk.knows("NEAR", "Nearby", near)
    loan = desk.stage.borrows(ask=("FAR", "NEAR"))
    far.then(says(503))
    loan.does("ask")
    desk.stage.clock.advance(timedelta(minutes=1))
    loan.hears("ExpectToSupply", lenders_id="L-77")
    loan.does("try_next")

    desk.lets_time_pass()

    first, second = (body for body in far.bodies if b"StatusRequest" in body)
    assert first == second
