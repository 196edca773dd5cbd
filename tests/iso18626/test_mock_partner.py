"""The mock partner plays what its scenarios say: told as the library hears it that talks with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    BibliographicInfo,
    Costs,
    DeliveryInfo,
    ErrorData,
    MessageInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.mock_partner.manner import Credentials
from ill_workflow.mock_partner.replies import confirmation
from ill_workflow.mock_partner.script import REQUESTER, SUPPLIER, Step, known_scenarios
from tests.plugins.mocked import Library, confirmed

SCENARIOS = known_scenarios()
SUPPLIERS = [name for name, one in SCENARIOS.items() if one.role == SUPPLIER]
REQUESTERS = [name for name, one in SCENARIOS.items() if one.role == REQUESTER]
#: Of these the system that hears them has to forgive something.
NOT_VALID = ("bare", "odd_times", "reshare", "year_one")
#: Requests that name one of these are never taken in.
UNHEARD = (
    "http_500", "http_503", "http_404", "http_301", "http_401", "error_value", "error_element", "error_badly_formed",
    "error_reason",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in SUPPLIERS if name not in UNHEARD])
def test_a_library_that_does_what_is_waited_for_hears_the_whole_scenario(name):
    library, scenario = Library(), SCENARIOS[name]
    wanted = [step.say for step in scenario.steps if step.say]
    times = 2 if scenario.doubled else 1

    for _ in range(scenario.calls.times + 1):  # what was not confirmed is sent again
        library.sends_raw(library.request(f"{name}: Emma"))
    library.plays_along()

    told = [words for words in library.heard if words != "Notification" or "Notification" in wanted]
    plain = [word.removesuffix(" with condition") for word in told]
    assert sorted(plain) == sorted(wanted * times)
    assert library.is_over


@pytest.mark.parametrize("edition", list(Edition))
@pytest.mark.parametrize("name", [name for name in SUPPLIERS if name not in NOT_VALID and SCENARIOS[name].steps])
def test_what_a_scenario_says_is_valid_in_the_edition_that_was_agreed(name, edition, schemas):
    library = Library(edition=edition, scenario=name)
    wrong = []

    for _ in range(SCENARIOS[name].calls.times + 1):
        library.sends_raw(library.request("Emma"))
    library.plays_along()

    for raw in library.raw:
        wrong += validate(raw, Edition(SCENARIOS[name].writes or edition), schemas)
    assert wrong == []
    assert library.raw


def test_a_loan_from_the_request_to_the_return():
    library = Library()

    assert confirmed(library.asks_for("LENDS: Emma")) == "OK"
    assert library.heard == ["WillSupply", "Loaned"]
    assert library.messages[1].statusInfo.dueDate.date().isoformat() == "2026-03-23"

    library.says("Received")
    assert not library.is_over
    library.says("ShippedReturn")
    assert library.heard == ["WillSupply", "Loaned", "LoanCompleted"]
    assert library.is_over


def test_the_first_answer_is_a_response_and_later_ones_are_changes():
    library = Library()
    library.asks_for("lends: Emma")
    assert [m.messageInfo.reasonForMessage for m in library.messages] == ["RequestResponse", "StatusChange"]


def test_an_item_sent_back_without_a_receipt_moves_the_story_on():
    library = Library(scenario="overdue_renews")
    library.asks_for()

    library.says("ShippedReturn")

    assert library.heard == ["Loaned", "LoanCompleted"]


def test_a_renewal_that_no_step_waits_for_gets_the_usual_answer():
    library = Library()
    library.asks_for()

    library.says("Renew")
    library.says("StatusRequest")

    assert library.heard[2:] == ["RenewResponse Y", "StatusRequestResponse"]
    assert library.messages[-1].statusInfo.status == "Loaned"
    assert library.messages[-1].statusInfo.dueDate == library.messages[-2].statusInfo.dueDate


def test_a_cancel_in_time_is_accepted_and_one_that_comes_too_late_is_not():
    in_time, too_late = Library(scenario="cancel_accepted"), Library()
    in_time.asks_for()
    too_late.asks_for()

    in_time.says("Cancel")
    too_late.says("Cancel")

    assert in_time.heard[-1] == "CancelResponse Y"
    assert too_late.heard[-1] == "CancelResponse N"
    assert [one.messages[-1].statusInfo.status for one in (in_time, too_late)] == ["Cancelled", "Loaned"]


def test_a_cancel_crosses_the_shipment():
    library = Library(scenario="cancel_crosses")
    library.asks_for()

    library.says("Cancel")

    assert library.heard == ["WillSupply", "Loaned", "CancelResponse N"]
    assert library.messages[-1].statusInfo.status == "Loaned"


def test_a_condition_is_accepted_or_declined():
    accepts, declines = Library(scenario="condition"), Library(scenario="condition")
    accepts.asks_for()
    declines.asks_for()
    assert accepts.heard == ["WillSupply with condition"]
    assert not accepts.is_over

    accepts.says("Notification conditionAccepted")
    declines.says("Cancel")

    assert accepts.heard[1:] == ["WillSupply", "Loaned"]
    assert declines.is_over


def test_a_retry_is_offered_with_what_would_do_and_the_retry_is_lent():
    library = Library(edition=Edition.Y2021)
    library.asks_for("RETRY:COST: Emma")
    assert library.heard == ["RetryPossible"]
    assert library.messages[0].messageInfo.reasonRetry == "CostExceedsMaxCost"
    assert library.messages[0].retryInfo.offeredCosts == Costs(currencyCode="EUR", monetaryValue=25)

    retry = {"requestType": "Retry", "requestingAgencyPreviousRequestId": "XPX-1"}
    assert confirmed(library.asks_for("RETRY:COST: Emma", "XPX-1-2", **retry)) == "OK"

    assert library.heard[1:] == ["WillSupply", "Loaned"]


def test_messages_that_are_doubled_are_the_same_to_the_last_byte():
    library = Library(scenario="doubled")
    library.asks_for()
    assert library.raw[0] == library.raw[1]
    assert library.raw[2] == library.raw[3] != library.raw[0]


def test_what_is_overtaken_was_said_before():
    library = Library(scenario="reordered")
    library.asks_for()
    assert library.heard == ["Loaned", "WillSupply"]
    assert library.messages[1].header.timestamp < library.messages[0].header.timestamp


def test_a_mock_that_is_late_takes_ten_times_as_long():
    swift, late = Library(), Library(scenario="late")
    swift.asks_for()
    late.asks_for()
    assert [round(at / timedelta(seconds=1)) for at in swift.at] == [1, 2]
    assert [round(at / timedelta(seconds=1)) for at in late.at] == [10, 20]


def test_a_silent_mock_confirms_and_says_nothing():
    library = Library(scenario="silent")
    assert confirmed(library.asks_for()) == "OK"
    assert confirmed(library.says("Cancel")) == "OK"
    assert library.heard == []


def test_a_broker_changes_the_supplier_behind_it():
    opaque, transparent = Library(scenario="broker"), Library(scenario="broker_open")
    opaque.asks_for()
    transparent.asks_for()
    assert {m.header.supplyingAgencyId.agencyIdValue for m in opaque.messages} == {"MOCK"}
    assert opaque.messages[-1].messageInfo.note == "Supplier: SUP-B"
    ids = [m.header.supplyingAgencyId.agencyIdValue for m in transparent.messages]
    assert ids == ["SUP-A", "SUP-B", "SUP-B"]


def test_as_reshare_it_marks_its_notes_and_puts_a_suffix_to_the_id():
    library = Library(scenario="reshare")
    library.asks_for()
    assert library.messages[0].messageInfo.note == "#seq:1#"
    assert {m.header.requestingAgencyRequestId for m in library.messages} == {"XPX-1~1"}
    assert b' version="1.2"' in library.raw[0]


def test_bare_messages_have_no_namespace_and_no_wrapper():
    library = Library(scenario="bare")
    library.asks_for()
    assert b"illtransactions" not in library.raw[0]
    assert library.raw[0].split(b"?>", 1)[1].strip().startswith(b"<supplyingAgencyMessage>")
    assert any("wrapper" in w or "missing around" in w for w in read(library.raw[0]).forgiven)


def test_odd_times_are_written_in_four_ways():
    library = Library(scenario="odd_times")
    library.asks_for()
    times = [raw.split(b"<timestamp>")[1].split(b"</")[0].decode() for raw in library.raw]
    assert times[0] == "2026-03-02 09:00:01"
    assert times[1] == "2026-03-02T09:00:02"
    assert times[2:] == ["2026-03-02T09:00:03.123456789Z", "2026-03-02T09:00:04+0000"]
    assert all(m.header.timestamp.year == 2026 for m in library.messages)


# --- what goes wrong when it is called


@pytest.mark.parametrize("status", [500, 503, 404, 401])
def test_calls_that_fail_are_not_heard(status):
    library = Library()
    assert [library.asks_for(f"http_{status}: Emma").status for _ in range(2)] == [status, status]
    assert library.says("Cancel").status == status
    assert library.mock.state() == []


def test_a_redirect_leads_to_nowhere():
    reply = Library().asks_for("http-301: Emma")
    assert (reply.status, reply.headers["location"]) == (301, "http://127.0.0.1:9/iso18626")


def test_a_call_that_hung_once_was_heard_and_its_repeat_is_confirmed():
    library = Library(scenario="hung_once")
    raw = library.request("Emma")

    assert library.sends_raw(raw).never
    again = library.sends_raw(raw)

    assert not again.never
    assert confirmed(again) == "OK"
    assert library.heard == ["WillSupply", "Loaned"], "the repeat begins nothing anew"


def test_half_empty_and_strange_answers():
    half, empty, page, slow = (Library().asks_for(f"{name}: Emma") for name in ("half", "empty", "html", "slow"))
    assert half.cut
    assert (empty.status, empty.body) == (200, b"")
    assert page.content_type == "text/html"
    assert slow.after == timedelta(seconds=10)
    assert confirmed(slow) == "OK"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("error_value", "UnrecognisedDataValue"), ("error_element", "UnrecognisedDataElement"),
        ("error_badly_formed", "BadlyFormedMessage"), ("error_reason", "UnsupportedReasonForMessageType"),
    ],
)  # fmt: skip
def test_a_request_is_refused_with_each_of_the_errors(name, error):
    library = Library()
    assert confirmed(library.asks_for(f"{name}: Emma")) == error
    assert library.heard == []


def test_only_the_return_is_refused():
    library = Library()
    library.asks_for("error_action: Emma")
    assert confirmed(library.says("Received")) == "OK"
    assert confirmed(library.says("ShippedReturn")) == "UnsupportedActionType"


def test_the_same_message_twice_gets_the_same_confirmation():
    library = Library()
    raw = library.request("Emma")
    assert library.sends_raw(raw).body == library.sends_raw(raw).body
    assert len(library.mock.state()) == 1


def test_a_known_id_with_other_content_and_an_unknown_one_are_refused():
    library = Library()
    library.asks_for("Emma")
    assert confirmed(library.asks_for("Persuasion")) == "UnrecognisedDataValue"
    assert confirmed(library.says("Received", "XPX-9")) == "UnrecognisedDataValue"
    assert confirmed(library.sends_raw(b"<no")) == "BadlyFormedMessage"


def test_credentials_are_asked_for():
    library = Library(expects=Credentials(token="open sesame"))
    raw = library.request("Emma")
    assert library.sends_raw(raw).status == 401
    assert library.sends_raw(raw, bearer="wrong").status == 401
    assert library.sends_raw(b"<no", bearer="wrong").status == 401
    assert confirmed(library.sends_raw(raw, bearer="open sesame")) == "OK"


def test_credentials_are_shown_and_never_logged():
    library = Library(shows=Credentials("mock", "s3cret-code"))
    library.asks_for()
    shown = library.messages[0].header.requestingAgencyAuthentication
    assert (shown.accountId, shown.securityCode) == ("mock", "s3cret-code")
    assert not any("s3cret-code" in entry.message for entry in library.journal.entries)


# --- as requester


@pytest.mark.parametrize("name", REQUESTERS)
def test_a_lender_that_does_what_is_waited_for_hears_the_whole_scenario(name):
    library, scenario = Library(), SCENARIOS[name]
    wanted = [step.say for step in scenario.steps if step.say]

    library.mock.asks(name, BibliographicInfo(title="Emma"))
    library.waits()
    while not library.is_over and library.waits_for:
        word = library.waits_for[0]
        if word.endswith("with condition"):
            library.mock.conversations[-1].hear((word,), library.clock.now())
            library.waits()
        else:
            library.answers(
                "RenewResponse Y"
                if word == "RenewResponse"
                else "CancelResponse Y"
                if word == "CancelResponse"
                else word
            )

    plain = {"Notification conditionAccepted": "Notification"}
    assert sorted(plain.get(word, word) for word in library.heard) == sorted(wanted * (2 if scenario.doubled else 1))
    assert library.is_over


def test_it_gives_up_when_its_request_is_refused():
    library = Library()
    library.mock.asks("borrows", BibliographicInfo(title="Emma"))
    library.waits()
    library.answers("Unfilled")
    assert library.is_over
    assert library.heard == ["Request"]


def test_a_retry_of_its_own_names_the_request_before():
    library = Library()
    library.mock.asks("retries", BibliographicInfo(title="Emma"))
    library.waits()
    first = library.messages[0].header.requestingAgencyRequestId
    library.answers("RetryPossible")
    assert library.messages[1].serviceInfo.requestingAgencyPreviousRequestId == first
    assert library.messages[1].header.requestingAgencyRequestId == f"{first}-2"


# --- by hand, and in strict mode


def test_a_message_is_said_by_hand():
    library = Library(scenario="silent")
    library.asks_for()
    library.mock.adds("XPX-1", {"say": "Recalled", "due": 3})
    library.waits()
    assert library.heard == ["Recalled"]


def test_strict_mode_tells_what_is_wrong_and_refuses_it():
    library = Library(strict=True)
    assert confirmed(library.asks_for("")) == "UnrecognisedDataElement"
    assert confirmed(library.asks_for("Emma", "XPX-2", requestType="Retry")) == "UnrecognisedDataElement"
    library.asks_for("silent: Emma", "XPX-3")
    raw = library.says("Received", "XPX-3") and library.mock.journal.entries[-1].message.encode()
    assert confirmed(library.sends_raw(raw)) == "UnrecognisedDataValue"
    assert not library.journal.entries[-1].ok, "the same once more is refused once more"
    assert len(library.journal.wrong) == 3


def test_strict_mode_finds_nothing_wrong_with_a_good_loan(schemas):
    library = Library(strict=True, schemas=schemas)
    library.asks_for()
    library.says("Received")
    library.says("ShippedReturn")
    assert library.is_over
    assert library.journal.wrong == []


def test_strict_mode_refuses_what_the_schema_does_not_allow(schemas):
    library = Library(strict=True, schemas=schemas)
    raw = library.request("Emma").replace(b"<title>Emma</title>", b"<title>Emma</title><colour>red</colour>")
    assert confirmed(library.sends_raw(raw)) != "OK"
    assert any("colour" in words for words in library.journal.wrong)


@pytest.mark.parametrize("flavour", ["odd-times", "year-one"])
def test_strict_mode_blames_nobody_for_giving_back_what_the_mock_has_written(flavour):
    library = Library(strict=True, flavours=(flavour,), scenario="chatty")
    library.asks_for()
    assert library.journal.wrong == []


@pytest.mark.parametrize("edition", list(Edition))
def test_strict_mode_takes_a_link_where_the_edition_has_room_for_it(edition, schemas):
    library = Library(strict=True, edition=edition, schemas=schemas)
    library.mock.asks("borrows_copy", BibliographicInfo(title="Emma"))
    library.waits()
    copy = SupplyingAgencyMessage(
        header=library.messages[0].header, messageInfo=MessageInfo(reasonForMessage="StatusChange"),
        statusInfo=StatusInfo(status="CopyCompleted", lastChange=library.clock.now()),
        deliveryInfo=DeliveryInfo(dateSent=library.clock.now(), URL="https://copies.example/1"),
    )  # fmt: skip
    assert confirmed(library.sends_raw(write(copy, edition))) == "OK"
    assert library.journal.wrong == []
    assert library.mock.state()[0]["status"] == "CopyCompleted"


def test_a_message_of_ours_that_is_refused_is_told():
    library = Library(strict=True)
    library.refuses.add("Loaned")
    library.asks_for()
    assert any("status: not now" in words for words in library.journal.wrong)


def test_only_a_message_about_a_request_that_is_not_known_yet_is_worth_another_try():
    library = Library()
    library.asks_for("silent: Emma")
    library.mock.asks("borrows", BibliographicInfo(title="Emma"))
    lends, asks = library.mock.conversations
    (loaned,) = library.mock.says(lends, Step(say="Loaned"))
    (request,) = library.mock.says(asks, Step(say="Request"))
    wrong = (ErrorData(errorType="UnrecognisedDataValue", errorValue="requestingAgencyRequestId: unknown"),)

    def again(sending) -> bool:
        body = write(confirmation(sending.message, library.clock.now(), wrong), Edition.Y2017)
        return library.mock.was_answered(sending, 200, body, "application/xml", may_try_again=True)

    assert again(loaned)
    assert not again(request)
    assert library.mock.was_answered(request, 503, b"", "text/plain", may_try_again=True)
