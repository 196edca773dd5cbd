"""What we say to a partner, by what was agreed with it; each is valid in its edition."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import AgencyId, MessageInfo, RequestingAgencyMessage
from ill_workflow.messages.hearing import hear_borrower, hear_lender
from ill_workflow.messages.outbound import Saying, borrower_says, lender_says
from ill_workflow.requests.consequences import TOLD
from state_machines.lending import LENDING

ZONE = ZoneInfo("America/Chicago")


def saying(what, *, state="new", source="new", inputs=None, told=None, **more):
    fields = dict.fromkeys(TOLD) | dict.fromkeys(
        ("title", "author", "isbn", "issn", "publisher", "year", "volume", "pages", "article_title", "partner_note"), ""
    )
    fields |= {"reference": "XPX-7", "state": state, "service": "loan", "title": "Emma", "loan_seen": False}
    return Saying(
        what=what, told=fields | (told or {}), inputs=inputs or {}, charged={}, currency="USD", source=source,
        wire_id="X-12~1", follows=None, at=datetime(2026, 2, 2, 15, tzinfo=UTC), zone=ZONE,
        our_agency=AgencyId(agencyIdValue="MAIN"), partner_agency=AgencyId(agencyIdValue="FAR"),
        return_name="Main Library", return_address="400 State Street\nChicago, IL 60605", **more,
    )  # fmt: skip


@pytest.mark.parametrize(("edition", "action"), [("2017", "Notification"), ("2021", "Lost")])
def test_a_lost_item_in_both_editions_is_heard_alike(edition, action):
    message = borrower_says(saying("Lost", state="lost", edition=edition, inputs={"note": "on a train"}))
    assert message.action == action
    there = read(write(message, Edition(edition))).message
    assert isinstance(there, RequestingAgencyMessage)
    heard = hear_borrower(there)
    assert (heard.words[0] in ("Lost", "Notification lost"), heard.values["status"]) == (True, "Lost")
    assert "on a train" in heard.values["note"]


def test_ids_are_given_back_as_they_came():
    header = borrower_says(saying("Received", their_id="L/9 x")).header
    assert (header.requestingAgencyRequestId, header.supplyingAgencyRequestId) == ("X-12~1", "L/9 x")
    assert lender_says(saying("Loaned")).header.supplyingAgencyRequestId == "XPX-7"
    assert borrower_says(saying("Request", their_id="L/9 x")).header.supplyingAgencyRequestId is None


@pytest.mark.parametrize("edition", Edition)
def test_a_shipment_says_where_it_goes_back_and_what_is_in_it(edition):
    told = {"item_barcode": "311", "call_number": "PR 4034", "lender_due": date(2026, 3, 1), "state": "shipped"}
    said = saying("Loaned", told=told, inputs={"pieces": ["311", "312"], "note": "Enjoy"}, marks=True)
    there = read(write(lender_says(said), edition)).message
    heard = hear_lender(there, ZONE)
    assert heard.values["pieces"] == ["311", "312"]
    assert (heard.values["call_number"], heard.values["due_date"]) == ("PR 4034", date(2026, 3, 1))
    assert heard.values["parcel_to"] == "Main Library\n400 State Street\nChicago, IL 60605"
    assert there.returnInfo.physicalAddress.postalCode == "60605"
    assert "Enjoy" in heard.values["note"]
    assert "#" not in heard.values["note"]


@pytest.mark.parametrize("edition", Edition)
def test_all_that_is_sent_and_asked_for_arrives_in_both_editions(edition):
    codes, conditions = ["311", "312, second", "3#3"], ["LibraryUseOnly", "No photographs, please"]
    told = {"item_barcode": codes[0], "lender_due": date(2026, 3, 1), "state": "shipped", "conditions": conditions}
    said = saying("Loaned", told=told, inputs={"pieces": codes[1:], "note": "Enjoy"})
    heard = hear_lender(read(write(lender_says(said), edition)).message, ZONE)
    assert (heard.values["conditions"], heard.values["note"]) == (conditions, "Enjoy")
    if edition == "2017":
        assert heard.values["pieces"] == codes, "as they are, and not as itemIds of other systems are read"
    asked = saying("StatusRequestResponse", told=told | {"state": "conditional"}, state="conditional")
    heard = hear_lender(read(write(lender_says(asked), edition)).message, ZONE)
    assert (heard.values["conditions"], heard.values.get("note")) == (conditions, None)


def test_without_the_setting_no_mark_of_reshare_is_written():
    for what in ("Loaned", "WillSupply with condition"):
        assert "#" not in lender_says(saying(what, told={"item_barcode": "1"})).messageInfo.note
    assert "ReShare" not in borrower_says(saying("ConditionAccepted")).note
    marked = borrower_says(saying("ConditionAccepted", marks=True))
    assert hear_borrower(marked).words[0] == "Notification conditionAccepted"
    assert "#ReShareLoanConditionAgreeResponse#" in marked.note


@pytest.mark.parametrize("name", ["note", "reason"])
@pytest.mark.parametrize("what", ["Loaned", "CancelResponse N", "RenewResponse N", "Cancel", "Renew"])
def test_what_people_type_is_no_mark(what, name):
    said = saying(what, state="shipped", inputs={name: "Bound with #ill:lost# another"})
    told = lender_says(said).messageInfo.note if what[-1] in "Nd" else borrower_says(said).note
    assert told == ("" if (what, name) == ("Loaned", "reason") else "Bound with another")
    changed = borrower_says(saying("Amended", inputs={"changes": {"title": "Emma #ill:lost# again"}}))
    assert hear_borrower(changed).words == ("Notification",)


@pytest.mark.parametrize("edition", Edition)
def test_a_condition_with_its_cost_and_its_day_arrives_in_both_editions(edition):
    inputs = {"condition": "LibraryUseOnly", "cost": Decimal("12.50"), "reply_by": date(2026, 2, 9)}
    for marks in (False, True):
        said = lender_says(saying("WillSupply with condition", state="conditional", inputs=inputs, marks=marks))
        heard = hear_lender(read(write(said, edition)).message, ZONE)
        assert heard.words[0] == "WillSupply with condition"
        assert (heard.values["cost"], heard.values["reply_by"]) == (Decimal("12.50"), date(2026, 2, 9))
        assert "LibraryUseOnly" in heard.values.get("conditions", []) or "LibraryUseOnly" in heard.values["note"]


def test_a_cost_code_without_a_cost_is_told_in_words():
    said = lender_says(saying("RetryPossible", state="retry_offered", inputs={"reason": "CostExceedsMaxCost"}))
    assert (said.messageInfo.reasonRetry, said.messageInfo.note) == (None, "CostExceedsMaxCost.")


def test_who_asks_is_a_library_and_never_a_patron():
    said = borrower_says(saying("Request", source="created", says_who_asks=True, our_email="ill@main.example"))
    assert said.requestingAgencyInfo.name == "Main Library"
    assert said.requestedDeliveryInfo[0].address.physicalAddress.locality == "Chicago"
    assert said.patronInfo is None
    assert borrower_says(saying("Request", source="created")).requestingAgencyInfo is None


#: What a partner that asks is told, by the states of the lending half.
STATUSES = {
    "RequestReceived": ("new",), "ExpectToSupply": ("being_processed",), "WillSupply": ("will_supply", "conditional"),
    "Overdue": ("overdue", "lost"), "Recalled": ("recalled",),
    "Loaned": ("shipped", "received_by_partner", "renewal_requested", "renewed", "returned_by_partner"),
    "LoanCompleted": ("completed", "damaged"), "CopyCompleted": ("delivered",), "Unfilled": ("rejected", "expired"),
    "RetryPossible": ("retry_offered",), "Cancelled": ("cancelled",),
    "CompletedWithoutReturn": ("closed_without_return",),
}  # fmt: skip


def test_who_asks_how_things_stand_is_told_it_in_every_state():
    told = {state: status for status, states in STATUSES.items() for state in states}
    assert {*told, "cancel_requested"} == {state.name for state in LENDING.states}
    for state, status in told.items():
        info = lender_says(saying("StatusRequestResponse", state=state)).statusInfo
        assert info.status == status
        before = saying("StatusRequestResponse", state="cancel_requested", told={"previous_state": state})
        assert state not in LENDING.groups["OPEN"] or lender_says(before).statusInfo.status == status
    out = saying("StatusRequestResponse", state="damaged", told={"loan_seen": True})
    assert lender_says(out).statusInfo.status == "Loaned", "it is damaged, and not back yet"


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ("N", "Loaned", ("CancelResponse N", "Loaned")),
        ("", "Loaned", ("CancelResponse N", "Loaned")),
        ("N", "WillSupply", ("CancelResponse N",)),
        ("", "Unfilled", ("CancelResponse Y",)),
        ("", "Cancelled", ("CancelResponse Y",)),
        ("", "ExpectToSupply", ("CancelResponse",)),
    ],
)
def test_what_a_cancel_is_answered_is_heard_from_both_its_words(answer, status, words):
    heard = hear_lender(_answers("CancelResponse", status, answer), ZONE)
    assert (heard.words, heard.item_was_sent) == (words, "Loaned" in words)


def test_a_day_is_that_of_the_library_that_wrote_it():
    late_in_tokyo = datetime(2026, 3, 1, 23, 59, tzinfo=ZoneInfo("Asia/Tokyo"))
    said = replace(_answers("StatusChange", "Loaned").statusInfo, dueDate=late_in_tokyo)
    heard = hear_lender(replace(_answers("StatusChange", "Loaned"), statusInfo=said), ZoneInfo("America/Los_Angeles"))
    assert heard.values["due_date"] == date(2026, 3, 1)


def _answers(reason, status, answer=""):
    info = MessageInfo(reasonForMessage=reason, answerYesNo=answer or None)
    said = lender_says(saying("Loaned"))
    return replace(said, messageInfo=info, statusInfo=replace(said.statusInfo, status=status))
