"""What each requirement asks, as the people of two libraries do it, each at a browser of their own."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from ill_workflow.requests.models import Request
from tests.plugins.stage import Half


class Desk:
    """Somebody at a browser: finds requests, and does with them what the page offers."""

    def __init__(self, office, who: str, at: str) -> None:
        self.stage, self.at = office.stage, at
        self.page = office(who, at)

    def does(self, action: str, half=None, **fields) -> None:
        """Press the button, fill the form in by its labels, and send it; then the workers work."""
        if half is not None:
            self.page.goto(f"/l/{self.at}/requests/{half.id}")
        asks, at_once = (self.page.get_by_role(role, name=action, exact=True) for role in ("link", "button"))
        asks.or_(at_once).first.click()
        dialog = self.page.get_by_role("dialog")
        for label, value in fields.items():
            control = dialog.get_by_label(re.compile(rf"^\s*{label.replace('_', ' ')}\b"))
            if value is True:
                control.check()
            elif control.evaluate("each => each.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        if asks.count():
            dialog.get_by_role("button", name=action, exact=True).click()
        expect(self.page.locator("#status")).to_contain_text(f"{action}.")
        self.stage.work()

    def sees(self, half, *words: str) -> None:
        self.page.goto(f"/l/{self.at}/requests/{half.id}")
        for each in words:
            expect(self.page.locator("main")).to_contain_text(each)

    def lists(self, side: str, query: str = "") -> str:
        self.page.goto(f"/l/{self.at}/{side}{query}")
        return self.page.inner_text("main")

    def scans(self, code: str, *, confirms: bool = False) -> str:
        self.page.goto(f"/l/{self.at}/scan")
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")
        if confirms:
            self.page.wait_for_selector("#scan-answer[data-kind=asks]")
            self.page.keyboard.type("ILL-YES")
            self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#scan-answer[data-kind=done]")
        self.stage.work()
        return self.page.inner_text("#scan-answer")


@pytest.fixture
def ann(office):
    return Desk(office, "operator", "MAIN")


@pytest.fixture
def max_manages(office):
    return Desk(office, "manager", "MAIN")


@pytest.fixture
def rita(office):
    return Desk(office, "operator", "RIV")


@pytest.fixture
def ron_manages(office):
    return Desk(office, "manager", "RIV")


def creates(ann, title: str) -> Half:
    """B1: title, author, ISBN and patron; it is submitted to a partner."""
    page = ann.page
    page.goto("/l/MAIN/borrowing/new")
    page.get_by_label("Title").first.fill(title)
    page.get_by_label("Author").fill("Austen, Jane")
    page.get_by_label("Patron’s barcode").fill("21234000012345")
    page.get_by_label("Name", exact=True).fill("Jane Reader")
    page.get_by_label("E-mail", exact=True).fill("jane@readers.example")
    page.get_by_label("Add a partner").select_option("RIV")
    page.get_by_role("button", name="Save and send").click()
    page.wait_for_url(re.compile(r"/requests/\d+"))
    ann.stage.work()
    number = int(re.search(r"/requests/(\d+)", page.url)[1])
    return Half(ann.stage, number)


def test_a_book_is_asked_for_sent_renewed_and_comes_home(ann, rita, office):
    """L1, L2, L3, L5, L8; B1 to B6."""
    loan = creates(ann, "Emma")
    ann.sees(loan, "Request Sent", "Riverside Library")
    lent = office.stage.other_half(loan)

    assert lent.reference in rita.lists("lending"), "L1: from another branch"
    rita.does("Check Availability", lent, Found_on_the_shelf=True, Call_number="PR4034 .E5", Location="Level 2")
    rita.does("Print Slip")
    expect(rita.page.get_by_role("link", name="Open the PDF")).to_be_visible()
    slips = [mail for mail in office.stage.mailer.mails if mail.attachments]
    assert ["operator-RIV@RIV.example" in mail.to for mail in slips] == [True], "L3: e-mailed to who printed it"
    rita.does("Ship Item", Condition_checked=True, Item_barcode="312", Due_date="2026-03-02", Carrier="UPS",
              Tracking_number="1Z 999")  # fmt: skip
    assert "Shipped" in rita.lists("lending", "?q=312")

    ann.sees(loan, "Shipped", "Mar 2, 2026", "1Z 999")  # B2, B4: the day that the lender gave
    ann.does("Mark as In Transit")
    ann.sees(loan, "In Transit")
    assert "Received" in ann.scans("312", confirms=True)
    assert loan.letters[-1] == "ready_for_pickup", "B3: the patron is told"
    ann.does("Check Out", loan)

    ann.does("Request Renewal", loan)
    assert "Renewal Requested" in rita.lists("lending", "?q=Emma")
    rita.does("Renew", lent, Due_date="2026-03-20")
    ann.sees(loan, "Renewed", "Mar 20, 2026")
    ann.does("Request Renewal")
    rita.does("Deny Renewal", lent, Reason="PatronWaiting")
    ann.sees(loan, "Renewal Denied")

    office.stage.waits_until("2026-02-20")
    assert "RIV" in ann.scans("312"), "B6: where it goes back to, in huge type"
    ann.sees(loan, "Return in Transit")
    ann.does("Ship Back")
    ann.sees(loan, "Returned")
    assert "PR4034 .E5" in rita.scans("312"), "L8: where it belongs"
    rita.sees(lent, "Completed")
    ann.sees(loan, "Completed")


def test_what_is_not_there_is_rejected_with_a_reason(ann, rita, office):
    """L4."""
    loan = creates(ann, "Persuasion")
    lent = office.stage.other_half(loan)
    rita.does("Reject", lent, Reason="NotOnShelf", Note="Missing since May.")
    rita.sees(lent, "Rejected")
    ann.sees(loan, "Missing since May.")
    assert loan.state == "unfilled", "nobody else is left to be asked"


def test_a_request_is_called_off_and_the_lender_agrees(ann, rita, office):
    """B9, L6."""
    loan = creates(ann, "Walden")
    lent = office.stage.other_half(loan)
    ann.does("Cancel Request", loan, Reason="No longer wanted")
    rita.sees(lent, "Cancel Requested", "No longer wanted")
    rita.does("Mark as Cancelled")
    rita.sees(lent, "Cancelled")
    ann.sees(loan, "Cancelled")
    assert (lent.state, loan.state) == ("cancelled", "cancelled")


def test_what_is_late_is_seen_on_both_sides_and_what_is_lost_is_paid(ann, rita, max_manages, ron_manages, office):
    """L7, B7; L9, B8."""
    loan = creates(ann, "Dracula")
    lent = office.stage.other_half(loan)
    rita.does("Ship Item", lent, Condition_checked=True, Item_barcode="312", Due_date="2026-03-02")
    ann.scans("312", confirms=True)
    ann.does("Check Out", loan)
    office.stage.waits_until("2026-03-04")

    rita.page.goto("/l/RIV/lending")
    rita.page.get_by_role("link", name="Overdue", exact=True).first.click()
    expect(rita.page.locator("main")).to_contain_text(lent.reference)
    ann.page.goto("/l/MAIN/today")
    expect(ann.page.locator("main")).to_contain_text(loan.reference)
    ann.sees(loan, "Overdue")

    rita.does("Mark as Lost", lent)
    rita.sees(lent, "Lost", "$105.00")
    ann.sees(loan, "Lost", "$105.00")
    assert "Settle" not in [each.strip() for each in rita.page.get_by_role("link").all_inner_texts()]
    for manager, half in ((max_manages, loan), (ron_manages, lent)):
        manager.does("Record Payment", half, Amount="105.00")
        manager.does("Settle", half)
        manager.sees(half, "Closed without Return")


def test_each_library_is_open_to_its_own_people_alone(ann, rita, office):
    """R1."""
    loan = creates(ann, "Middlemarch")
    rita.page.goto(f"/l/MAIN/requests/{loan.id}")
    expect(rita.page.locator("main")).to_contain_text("You have no grant at this library.")
    with office.stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Request.id))) == 2
    rita.page.goto(f"/l/RIV/requests/{loan.id}")
    expect(rita.page.locator("h1")).to_contain_text("Not possible")
