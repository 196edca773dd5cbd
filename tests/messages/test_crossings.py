"""Messages that cross each other, and what systems say in words of their own."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ill_workflow.errors import Refused
from ill_workflow.messages.content import (
    Address,
    AgencyId,
    BibliographicInfo,
    BillingInfo,
    Costs,
    DeliveryInfo,
    Header,
    MessageInfo,
    PhysicalAddress,
    RecordId,
    Request,
    RequestedDeliveryInfo,
    RetryInfo,
    ReturnInfo,
    ServiceInfo,
    StatusInfo,
    SupplierInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.requests import models
from tests.plugins.stage import Half

A = AgencyId(agencyIdValue="HILL")


@pytest.fixture
def loan(quick_stage):
    """Asked of Hilltop."""
    return quick_stage.borrows(ask=("HILL", "RIV"))


def says(loan, reason="StatusChange", status="Loaned", *, info=None, of="HILL", supplier=A, **parts):
    """What Hilltop says, in full."""
    header = Header(
        supplyingAgencyId=supplier, requestingAgencyId=A, timestamp=loan.stage.clock.now(),
        requestingAgencyRequestId=loan.wire_id,
    )  # fmt: skip
    message = SupplyingAgencyMessage(
        header=header, messageInfo=MessageInfo(reasonForMessage=reason, **(info or {})),
        statusInfo=StatusInfo(status=status, lastChange=loan.stage.clock.now()), **parts,
    )  # fmt: skip
    return loan.stage.takes_in(message, loan.stage.partner("MAIN", of))


def asks(stage, wire_id="H-1", *, at=0, service=None, **parts):
    """What Hilltop asks for."""
    header = Header(
        supplyingAgencyId=A, requestingAgencyId=A, timestamp=stage.clock.now() + timedelta(seconds=at),
        requestingAgencyRequestId=wire_id,
    )  # fmt: skip
    parts.setdefault("bibliographicInfo", BibliographicInfo(title="Emma"))
    message = Request(header=header, serviceInfo=service or ServiceInfo(), **parts)
    return stage.takes_in(message, stage.partner("MAIN", "HILL"))


def lent(stage, wire_id="H-1"):
    with stage.db.reading() as session:
        rows = sa.select(models.Request.id).where(models.Request.partner_request_id == wire_id)
        found = list(session.scalars(rows.order_by(models.Request.id)))
    return [Half(stage, number) for number in found]


def test_it_is_sent_while_we_call_it_off_and_the_refusal_comes_after(loan):
    loan.does("cancel", reason="not needed")
    loan.hears("Loaned", due="2026-03-20")
    assert (loan.state, loan.alerts[-1]) == ("shipped", "unexpected_shipment")
    loan.hears("Loaned", reason="CancelResponse", answer="N")
    assert loan.state == "shipped"


def test_a_cancel_is_refused_by_a_book_that_is_on_its_way(loan):
    loan.does("cancel", reason="not needed")
    says(
        loan, "CancelResponse", "Loaned", info={"answerYesNo": "N"},
        deliveryInfo=DeliveryInfo(
            dateSent=loan.stage.clock.now(), itemId=("Vol. 1##PR 4034##312",),
            deliveryCosts=Costs(currencyCode="USD", monetaryValue=Decimal("7.50")),
        ),
    )  # fmt: skip
    assert (loan.state, loan.item_barcode, loan.call_number) == ("shipped", "312", "PR 4034")
    assert loan.balance == {"USD": Decimal("7.50")}


def test_an_answer_that_is_neither_yes_nor_no_is_for_a_person(loan):
    loan.does("cancel", reason="not needed")
    says(loan, "CancelResponse", "ExpectToSupply")
    assert (loan.state, loan.alerts[-1]) == ("cancel_requested", "partner_informs")
    says(loan, "CancelResponse", "Cancelled")
    assert loan.state == "cancelled", "the status says which"


def test_it_is_complete_before_we_sent_it_back_and_overdue_after(loan):
    loan.hears("Loaned", due="2026-03-20")
    loan.does("receive", condition_checked=True)
    loan.does("ship_back")
    letters = list(loan.letters)
    loan.hears("Overdue", due="2026-03-20")
    assert (loan.state, loan.letters) == ("returned", letters)
    loan.hears("LoanCompleted")
    loan.hears("LoanCompleted")
    assert loan.state == "completed"


def test_two_loaned_are_one_loan_and_the_later_day_counts(loan):
    loan.hears("Loaned", due="2026-03-20", items=("312",))
    loan.hears("Loaned", due="2026-03-20", reason="RequestResponse")
    assert loan.history[-1] == "partner_informs"
    loan.hears("Loaned", due="2026-04-20", reason="StatusChange")
    assert (loan.state, str(loan.lender_due), loan.item_barcode) == ("shipped", "2026-04-20", "312")


def test_refused_after_all(loan):
    loan.hears("WillSupply")
    loan.hears("Unfilled", note="can't find it")
    assert (loan.state, loan.partner_id) == ("request_sent", loan.stage.partner("MAIN", "RIV").id)
    loan.hears("ExpectToSupply", of="HILL", wire_id="XPX-1001")
    assert (loan.state, loan.alerts[-1]) == ("request_sent", "partner_informs"), "it isn't the current one any more"


@pytest.mark.parametrize("status", ["", "RequestReceived", "Loaned", "Unfilled", "Cancelled"])
def test_a_notification_moves_nothing_whatever_status_it_carries(loan, status):
    says(loan, "Notification", status, info={"note": "We look for it."})
    assert (loan.state, loan.alerts[-1]) == ("request_sent", "partner_informs")


def test_reshare_sets_a_condition_by_a_mark_and_takes_it_as_agreed(loan):
    says(loan, "Notification", "RequestReceived", info={"note": "#ReShareAddLoanCondition# Reading room only #seq:1#"})
    says(loan, "Notification", "RequestReceived", info={"note": "#ReShareAddLoanCondition# Reading room only #seq:2#"})
    assert (loan.state, loan.conditions) == ("conditional", ["Reading room only"])
    says(loan, "Notification", "WillSupply", info={"note": "#ReShareSupplierAwaitingConditionConfirmation#"})
    assert (loan.state, loan.alerts[-1]) == ("conditional", "partner_informs")
    says(loan, "Notification", "WillSupply", info={"note": "#ReShareSupplierConditionsAssumedAgreed#"})
    assert loan.state == "will_supply"


def test_an_item_goes_back_to_where_its_lender_wants_it(loan):
    listed = "#MultipleItems#\n311|PR 1|One\n312|PR 2|Two\n#MultipleItemsEnd#"
    note = f"Enjoy. {listed}\n#RETURN_TO#\nDepot\n9 Far Road\n#RT_END#"
    says(loan, info={"note": note}, deliveryInfo=DeliveryInfo(dateSent=loan.stage.clock.now(), itemId=("311",)))
    assert [code for code, _ in loan.pieces] == ["311", "312"]
    assert (loan.call_number, loan.parcel_to) == ("PR 1", "Depot\n9 Far Road")
    assert loan.inputs("partner_shipped")["note"] == "Enjoy."
    loan.hears("Unfilled", note="we took it back")
    assert loan.parcel_to is None


def test_an_address_that_we_know_already_is_not_written_down_again(loan):
    address = PhysicalAddress(line1="9 Hill Road")
    says(loan, returnInfo=ReturnInfo(name="Hilltop College", physicalAddress=address))
    assert (loan.state, loan.parcel_to) == ("shipped", None)


def test_who_supplies_behind_a_broker_is_kept(loan):
    loan.stage.changes("MAIN", "HILL", wire={"vendor": "broker", "broker": True})
    says(loan, "StatusChange", "ExpectToSupply", supplier=AgencyId(agencyIdValue="SUP-2"))
    assert loan.inputs("partner_will_supply")["note"] == "Supplier: SUP-2"
    says(loan, "Notification", "ExpectToSupply", info={"note": "Supplier: SUP-3"})
    assert loan.inputs("partner_informs")["note"] == "Supplier: SUP-3"


def test_an_id_that_comes_back_with_a_suffix_is_still_ours(loan):
    loan.stage.changes("MAIN", "HILL", wire={"id_suffix": True})
    assert loan.hears("WillSupply", wire_id="XPX-1001~1", lenders_id="L-9").ok
    assert (loan.state, loan.partner_request_id) == ("will_supply", "L-9")


def test_a_retry_says_what_would_do_and_agrees_to_the_cost(loan):
    costs = Costs(currencyCode="USD", monetaryValue=Decimal("30.00"))
    retry = RetryInfo(offeredCosts=costs, edition=("2nd",), volume=("1", "2"), serviceLevel=("Normal",))
    says(loan, "RequestResponse", "RetryPossible", info={"reasonUnfilled": "CostExceedsMaxCost"}, retryInfo=retry)
    told = loan.inputs("partner_offers_retry")
    assert (loan.state, loan.cost, told["reason"]) == ("retry_offered", Decimal("30.00"), "CostExceedsMaxCost")
    assert told["new_data"] == "Edition: 2nd\nVolume: 1, 2\nService level: Normal"
    loan.does("retry")
    asked = loan.stage.last_message(loan)
    assert asked["billingInfo"]["maximumCosts"] == {"currencyCode": "USD", "monetaryValue": "30.00"}
    assert asked["serviceInfo"]["requestingAgencyPreviousRequestId"] == "XPX-1001"


def test_a_cost_that_is_too_high_is_named(quick_stage):
    asks(quick_stage)
    (half,) = lent(quick_stage)
    with pytest.raises(Refused, match="Name the cost"):
        half.does("offer_retry", reason="CostExceedsMaxCost")
    half.does("offer_retry", reason="CostExceedsMaxCost", cost="30")
    assert quick_stage.last_message(half)["retryInfo"]["offeredCosts"]["monetaryValue"] == "30.00"
    half.is_told("StatusRequest")
    again = quick_stage.last_message(half)
    assert (again["statusInfo"]["status"], again["retryInfo"]["offeredCosts"]["monetaryValue"]) == (
        "RetryPossible",
        "30.00",
    )


def test_a_barcode_of_a_branch_is_a_barcode_whatever_is_in_it(quick_stage):
    loan = quick_stage.borrows()
    codes = ["312,PR 4034,Emma", "multivol:A##B##C"]
    quick_stage.other_half(loan).does("ship", condition_checked=True, item_barcode=codes[0], pieces=codes[1:])
    assert (loan.item_barcode, [code for code, _ in loan.pieces]) == (codes[0], codes)
    assert loan.scanned(codes[1], checked=True).outcome.dest == "received"


def test_a_retry_may_keep_the_id_or_name_the_first(quick_stage):
    asks(quick_stage)
    (first,) = lent(quick_stage)
    assert asks(quick_stage, at=1, service=ServiceInfo(requestType="Retry")).ok
    assert len(lent(quick_stage)) == 1, "it is answered with the status while the first is under way"
    first.does("reject", reason="NotOnShelf")
    asks(quick_stage, at=2, service=ServiceInfo(requestType="Retry"))
    _, second = lent(quick_stage)
    assert (second.state, second.follows_id) == ("new", first.id)
    assert second.reference != first.reference
    again = ServiceInfo(requestType="Retry", requestingAgencyPreviousRequestId="H-1")
    asks(quick_stage, "H-2", service=again)
    assert lent(quick_stage, "H-2")[0].follows_id == second.id


def test_another_request_under_a_known_id_is_refused(quick_stage):
    asks(quick_stage)
    refused = asks(quick_stage, at=1, bibliographicInfo=BibliographicInfo(title="Persuasion"))
    assert refused.errorData.errorType == "UnrecognisedDataValue"
    assert refused.errorData.errorValue.startswith("requestingAgencyRequestId: 'H-1' exists already")
    (half,) = lent(quick_stage)
    assert half.title == "Emma"
    assert asks(quick_stage, at=2).ok, "the same once more"
    assert half.said == ["StatusRequestResponse"]


def test_what_a_request_says_beside_its_fields_is_kept(quick_stage):
    asks(
        quick_stage,
        bibliographicInfo=BibliographicInfo(
            title="Emma", subtitle="A novel", edition="2nd", volume=("1",), issue="3", titleOfComponent="Chapter 1",
            bibliographicRecordId=(RecordId(code="OCLC", value="77"),),
        ),
        service=ServiceInfo(serviceType="CopyOrLoan", serviceLevel="Express", note="#seq:0#Please hurry"),
        supplierInfo=(SupplierInfo(callNumber="PR 4034", summaryHoldings="v.1-3"),),
        billingInfo=BillingInfo(maximumCosts=Costs(currencyCode="EUR", monetaryValue=Decimal("20"))),
        requestedDeliveryInfo=(RequestedDeliveryInfo(
            address=Address(physicalAddress=PhysicalAddress(line1="Annex", line2="4 Mill Lane", locality="Elsewhere"))
        ),),
    )  # fmt: skip
    (half,) = lent(quick_stage)
    assert (half.service, half.volume, half.call_number) == ("copy", "1, (3)", "PR 4034")
    assert half.parcel_to == "Annex\n4 Mill Lane\nElsewhere"
    for line in (
        "Please hurry", "Subtitle: A novel", "Edition: 2nd", "Service level: Express", "A loan would do as well.",
        "Costs at most: 20 EUR", "OCLC: 77", "Holdings: PR 4034; v.1-3", "Deliver to: Annex, 4 Mill Lane, Elsewhere",
    ):  # fmt: skip
        assert line in half.partner_note.splitlines()


def test_a_request_may_name_nothing_but_a_record(quick_stage):
    asks(quick_stage, bibliographicInfo=BibliographicInfo(supplierUniqueRecordId="27345786"))
    assert lent(quick_stage)[0].title == "Record 27345786"
    nothing = asks(quick_stage, "H-2", bibliographicInfo=BibliographicInfo())
    assert (nothing.errorData.errorType, lent(quick_stage, "H-2")) == ("UnrecognisedDataValue", [])
    assert nothing.errorData.errorValue.startswith("bibliographicInfo: ")
    empty = asks(quick_stage, " ")
    assert empty.errorData.errorValue == "requestingAgencyRequestId: it is empty"


def test_sent_back_without_a_word_that_it_came(quick_stage):
    asks(quick_stage)
    (half,) = lent(quick_stage)
    half.does("ship", condition_checked=True, item_barcode="312")
    half.is_told("ShippedReturn")
    assert half.state == "returned_by_partner"
    half.is_told("Received")
    assert (half.state, half.history[-1]) == ("returned_by_partner", "partner_informs")


def test_a_renewal_of_what_is_recalled_is_denied(quick_stage):
    asks(quick_stage)
    (half,) = lent(quick_stage)
    half.does("ship", condition_checked=True, item_barcode="312")
    half.does("recall", return_by="2026-02-16")
    half.is_told("Renew")
    assert (half.state, half.said[-1]) == ("recalled", "RenewResponse N")


def test_received_after_all_is_news_of_what_was_lost(quick_stage):
    asks(quick_stage)
    (half,) = lent(quick_stage)
    half.does("ship", condition_checked=True, item_barcode="312")
    half.does("mark_lost")
    half.is_told("Received")
    assert (half.state, half.alerts[-1]) == ("lost", "partner_informs")


def test_a_condition_that_was_overtaken_by_the_answer_to_it_is_recorded_alone(loan):
    then = loan.stage.clock.now()
    loan.stage.clock.turn(then + timedelta(minutes=5))
    loan.hears("WillSupply")
    late = SupplyingAgencyMessage(
        header=Header(
            supplyingAgencyId=A, requestingAgencyId=A, timestamp=then + timedelta(minutes=1),
            requestingAgencyRequestId=loan.wire_id,
        ),
        messageInfo=MessageInfo(reasonForMessage="Notification", note="#ReShareAddLoanCondition# Reading room"),
        statusInfo=StatusInfo(status="WillSupply", lastChange=then),
    )  # fmt: skip
    loan.stage.takes_in(late, loan.stage.partner("MAIN", "HILL"))
    assert (loan.state, loan.history[-1]) == ("will_supply", "partner_informs")
    before = replace(late, header=replace(late.header, timestamp=then + timedelta(minutes=9)))
    loan.stage.takes_in(before, loan.stage.partner("MAIN", "HILL"))
    assert loan.state == "conditional"
