"""What we say to a partner that speaks ISO 18626 arrives once, in order and byte for byte, whatever its system does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import backlog, outbox
from ill_workflow.iso18626 import sending
from ill_workflow.messages.content import RequestingAgencyMessage
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import MessageRow
from tests.plugins import far_partner
from tests.plugins.far_partner import refuses, says
from workers import drain

pytestmark = pytest.mark.long

UNKNOWN = ("UnrecognisedDataValue", "requestingAgencyRequestId: there is no such request")


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


def test_and_after_that_a_person_is_asked(desk, far):
    loan = desk.has_it()
    far.then(*[refuses(*UNKNOWN)] * 20)
    loan.does("request_renewal")
    for _ in range(sending.NOT_YET_TIMES):
        desk.lets_time_pass()
    assert desk.message.status == "dead"
    assert len(far.ways) == 20 - sending.NOT_YET_TIMES - 1


def test_a_cancel_of_what_it_knows_nothing_of_is_granted(desk, far):
    loan = desk.borrows()
    far.then(*[refuses(*UNKNOWN)] * 20)
    loan.does("cancel", reason="not needed")
    for _ in range(sending.NOT_YET_TIMES):
        desk.lets_time_pass()
    assert loan.state == "cancelled"
    assert desk.messages[-1].status == "done"


def test_a_partner_that_reads_mail_by_now_gets_a_mail(desk, far):
    far.then(says(503))
    desk.borrows()
    desk.stage.changes("MAIN", "FAR", transport="email", email="ill@far.example")

    desk.lets_time_pass()

    assert desk.message.status == "done"
    assert len(desk.stage.mails("ill@far.example")) == 1


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
