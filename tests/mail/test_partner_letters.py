"""A partner that reads plain mail is told all that a message would carry."""

import pytest

pytestmark = pytest.mark.long

HILLTOP = "ill@hilltop.example"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def last(stage):
    return stage.mailer.mails_to(HILLTOP)[-1]


def test_a_request_for_a_copy_can_be_filled_from_the_letter_alone(stage):
    stage.borrows(
        ask=("HILL",), service="copy", title="Nature", article_title="On the electrodynamics of moving bodies",
        volume="17", pages="891-921", issn="0028-0836", isbn="", year="1905", publisher="Springer",
        need_by="2026-03-01",
    )  # fmt: skip
    text = last(stage).text
    for line in (
        "Article: On the electrodynamics of moving bodies", "Volume: 17", "Pages: 891-921", "ISSN: 0028-0836",
        "Year: 1905", "Publisher: Springer", "Service: copy", "Needed by: 1 March 2026",
    ):  # fmt: skip
        assert line in text


def test_a_change_says_what_changed_and_nothing_of_ours(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("amend", changes={"volume": "3", "internal_note": "owes us 40 dollars", "patron_note": "for my divorce"})
    assert "volume: 3" in last(stage).text
    assert "owes" not in last(stage).text
    assert "divorce" not in last(stage).text
    before = len(stage.mails(HILLTOP))
    loan.does("amend", changes={"internal_note": "still does"})
    assert len(stage.mails(HILLTOP)) == before, "the partner need not know"


def test_asking_again_names_what_was_asked_before(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_offers_retry", told_by="mail", reason="MultiVolAvail", new_data="Name the volume.")
    loan.does("retry", changes={"volume": "2"})
    text = last(stage).text
    assert "Asked before as: XPX-1001" in text
    assert "Volume: 2" in text


def test_what_would_do_and_how_long_it_is_wanted_are_said(stage):
    lent = stage.lends()
    lent.does("offer_retry", reason="OnLoan", new_data="Ask for the second edition.", cost="4")
    text = last(stage).text
    assert "What would do: Ask for the second edition." in text
    assert "Costs: 4.00 USD" in text
    loan = stage.borrows(ask=("HILL",), title="Emma", isbn="")
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    loan.does("request_renewal", wished_date="2026-04-20")
    assert "We would like to keep it until 2026-04-20." in last(stage).text


def test_a_shipment_names_the_pieces_the_day_and_where_to_return_it(stage):
    lent = stage.lends()
    lent.does(
        "ship", condition_checked=True, item_barcode="V1", pieces=["V2"], due_date="2026-03-20", carrier="Post",
        tracking="T-1", conditions=["LibraryUseOnly"], note="Handle with care.",
    )  # fmt: skip
    text = last(stage).text
    for line in (
        "Items: V1, V2", "Due date: 20 March 2026", "Carrier: Post", "Tracking number: T-1",
        "Conditions: library use only", "Return to: Main Library, 1 Main Library Street, Chicago",
        "Note: Handle with care.",
    ):  # fmt: skip
        assert line in text
    assert "Author" not in text.split("Title:")[0]


def test_codes_are_said_in_words_and_what_one_lender_said_is_not_told_to_the_next(stage):
    loan = stage.borrows(ask=("RIV", "HILL"))
    stage.other_half(loan).does("reject", reason="NotOnShelf", note="We looked twice.")
    text = last(stage).text
    assert "shelf" not in text
    assert "looked twice" not in text
    lent = stage.lends()
    lent.does("reject", reason="NotAvailableForILL")
    assert "Reason: not available for ILL" in last(stage).text


def test_marks_for_machines_are_not_for_people(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.does("mark_lost")
    text = last(stage).text
    assert "#ill" not in text
    assert "Costs: 105.00 USD" in text


def test_a_question_about_the_status_is_answered_in_words(stage):
    lent = stage.lends()
    lent.does("print_slip")
    lent.is_told("StatusRequest")
    assert "Status: expect to supply" in last(stage).text


def test_each_notice_says_which_it_is(stage):
    lent = stage.lends()
    stage.agrees("MAIN", "HILL", loan_days=3, transit_days=0, ladder=[2, 4])
    lent.does("ship", condition_checked=True, item_barcode="312")
    stage.waits_until("2026-02-13")
    assert [s for mail in stage.mailer.mails_to(HILLTOP) for s in mail.text.splitlines() if "This is notice" in s] == [
        "Note: This is notice 1.", "Note: This is notice 2.",
    ]  # fmt: skip


def test_what_waits_is_named_to_staff(stage):
    lent = stage.lends()
    lent.does("will_supply")
    stage.waits_until("2026-02-06")
    subjects = stage.mails("ill@main.example")
    assert any("was promised and has not been shipped" in subject for subject in subjects)
