"""At the packing table, in a browser: a scanner that types and ends with Enter, one free hand, and no mouse."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from ill_workflow.libraries import find_library
from ill_workflow.requests.models import Request, Slip
from tests.plugins.stage import Half
from tests.plugins.waiting import eventually

SCAN = "/l/MAIN/scan"
NOW = datetime(2026, 2, 2, 15, 0, tzinfo=UTC)


def scans(page, code, kind=None):
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    if kind:
        page.wait_for_selector(f"#scan-answer[data-kind={kind}]")


def tabs_to(page, name, most=80):
    """Press Tab until something with this name has the focus."""
    for _step in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "() => { const at = document.activeElement; const label = at.id && document.querySelector("
            "`label[for='${at.id}']`); return (at.getAttribute('aria-label') || (label ? label.textContent : "
            "at.textContent) || '').trim() }"
        )
        if here.startswith(name):
            return
    raise AssertionError(f"Tab never comes to {name}")


def said(page):
    return page.inner_text("#scan-answer")


def lent(stage, barcode, **more):
    half = stage.lends(partner_id=f"H-{barcode}", **more)
    half.does("record_availability", found=True, call_number="PR4034 .P7", location="Level 2")
    half.does("ship", condition_checked=True, item_barcode=barcode)
    return half


@pytest.fixture
def stage(office):
    with office.stage.db.writing() as session:
        find_library(session, "MAIN").scan_ships = True
    return office.stage


def test_a_lending_day_by_keyboard_alone(office, stage):
    half = stage.lends()
    half.does("record_availability", found=True, call_number="PR4034 .P7", location="Level 2")
    page = office("operator", "MAIN")
    page.goto(f"/l/MAIN/requests/{half.id}")
    tabs_to(page, "Print Slip")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] :focus")
    page.keyboard.press("Enter")
    eventually(lambda: half.state == "being_processed")
    stage.work()

    tabs_to(page, "Scan In Items")
    page.keyboard.press("Enter")
    page.wait_for_selector("#scan-code:focus")
    scans(page, half.reference, "asks")
    assert "Now the item" in said(page)
    scans(page, "31234000551187", "done")
    assert "SHIP TO" in said(page)
    assert page.inner_text(".scan-huge") == "HIL"
    assert half.state == "shipped"

    stage.work()
    page.wait_for_selector("[data-print]")
    with page.context.expect_page() as shown:
        scans(page, "print")
    eventually(lambda: printed(stage, half) == ["shipping"])
    shown.value.close()

    stage.waits_until("2026-02-20")
    scans(page, "31234000551187", "done")
    assert page.inner_text(".scan-huge") == "PR4034 .P7"
    assert half.state == "completed"
    scans(page, "undo", "undone")
    assert half.state != "completed"
    scans(page, "31234000551187", "done")
    assert half.state == "completed"
    assert page.locator("#scan-lists tbody tr").count() == 2
    assert page.evaluate("document.activeElement.id") == "scan-code"
    # The slip was shown by the browser itself, which is made of files of its own.
    office.troubles[:] = [trouble for trouble in office.troubles if "chrome" not in trouble]


def printed(stage, half):
    with stage.db.reading() as session:
        mine = sa.select(Slip.layout).where(Slip.request_id == half.id, Slip.printed_at.is_not(None))
        return [layout for layout in session.scalars(mine) if layout == "shipping"]


def test_a_loan_for_a_patron_by_keyboard_alone(office, stage):
    page = office("operator", "MAIN")
    page.goto("/l/MAIN/borrowing/new")
    page.wait_for_selector("#f-title:focus")
    page.keyboard.type("Emma")
    tabs_to(page, "Author")
    page.keyboard.type("Austen, Jane")
    tabs_to(page, "ISBN")
    page.keyboard.type("978-0-14-143958-8")
    page.wait_for_selector("#l-isbn .error")
    page.keyboard.press("Backspace")
    page.keyboard.type("7")
    page.wait_for_selector("#l-isbn .error", state="detached")
    tabs_to(page, "Patron’s barcode")
    scans(page, "21234000012345")  # ends with Enter, which looks up and saves nothing
    page.wait_for_selector("#f-patron_name:focus")
    page.keyboard.type("Ann Reader")
    tabs_to(page, "Add a partner")
    page.keyboard.type("Riverside")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".rota li")
    tabs_to(page, "Save and send")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*")
    with stage.db.reading() as session:
        loan = Half(stage, session.scalars(sa.select(Request.id).where(Request.side == "borrowing")).one())
    assert (loan.state, loan.title, loan.isbn, loan.patron.name) == (
        "request_sent", "Emma", "9780141439587", "Ann Reader",
    )  # fmt: skip
    stage.work()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312")

    page.clock.set_fixed_time(NOW)
    page.goto(SCAN)
    scans(page, "312", "asks")
    assert "Is it the right item, complete and unharmed?" in said(page)
    page.clock.set_fixed_time(NOW + timedelta(seconds=2))
    page.keyboard.press("Enter")
    page.wait_for_selector("#scan-answer[data-kind=done]")
    assert (loan.state, page.inner_text(".scan-huge")) == ("received", "AR 2345")
    stage.waits_until("2026-02-05")
    scans(page, "312")
    page.wait_for_selector(".scan-place[data-place=return_to]")
    assert (loan.state, page.inner_text(".scan-huge")) == ("return_in_transit", "RIV")


def test_codes_that_come_faster_than_answers_are_taken_in_order(office, stage):
    halves = [lent(stage, code) for code in ("401", "402", "403")]
    page = office("operator", "MAIN")
    page.goto(SCAN)
    page.keyboard.type("401\n402\n402\n403\n")
    page.wait_for_selector("#scan-lists tbody tr:nth-child(3)")
    codes = page.locator("#scan-lists tbody td:nth-child(2)").all_inner_texts()
    assert [code.split()[-1] for code in codes] == ["403", "402", "401"]
    assert [half.history.count("check_in") for half in halves] == [1, 1, 1]


def test_a_scanner_that_ends_with_two_enters_confirms_nothing(office, stage):
    loan = stage.borrows()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312")
    page = office("operator", "MAIN")
    page.clock.set_fixed_time(NOW)
    page.goto(SCAN)
    page.keyboard.type("312\n\n312\n\n")
    page.wait_for_selector("#scan-answer[data-kind=asks]")
    page.wait_for_selector("#scan-waiting", state="hidden")
    assert loan.state == "shipped"
    page.clock.set_fixed_time(NOW + timedelta(seconds=1))
    scans(page, "312", "done")
    assert loan.state == "received"


def test_whatever_has_the_focus_a_code_goes_into_the_field(office, stage):
    half = lent(stage, "499")
    page = office("operator", "MAIN")
    page.goto(SCAN)
    scans(page, "9780141439518", "unknown")
    assert "It is an ISBN" in said(page)
    page.keyboard.press("ArrowUp")
    assert page.input_value("#scan-code") == "9780141439518", "what was typed can be mended"
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.click("h1")
    assert page.evaluate("document.activeElement.id") == "scan-code"
    page.locator("header a").first.focus()
    scans(page, "499", "done")
    assert half.state == "completed"
    assert page.url.endswith(SCAN)


def test_nothing_is_lost_where_the_server_is_away(office, stage):
    halves = [lent(stage, code) for code in ("401", "402")]
    page = office("operator", "MAIN")
    page.goto(SCAN)
    page.context.set_offline(True)
    scans(page, "401")
    page.wait_for_selector("#scan-waiting:visible")
    scans(page, "402")
    page.wait_for_selector("#scan-waiting:has-text('401, 402')")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    page.wait_for_selector("#scan-lists tbody tr:nth-child(2)")
    assert [half.history.count("check_in") for half in halves] == [1, 1]
    office.troubles[:] = [trouble for trouble in office.troubles if "INTERNET_DISCONNECTED" not in trouble]


def test_who_is_signed_out_keeps_the_codes(office, stage):
    half = lent(stage, "401")
    page = office("operator", "MAIN")
    page.goto(SCAN)
    kept = page.context.cookies()
    page.context.clear_cookies()
    scans(page, "401")
    page.wait_for_selector("#scan-waiting a[href^='/sign-in']")
    assert half.state == "shipped"
    page.context.add_cookies(kept)
    page.goto(SCAN)
    page.wait_for_selector("#scan-waiting:has-text('401')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#scan-answer[data-kind=done]")
    assert half.history.count("check_in") == 1


def test_of_two_at_the_same_item_one_does_it_and_the_other_is_told(office, stage):
    half = lent(stage, "499")
    pages = [office(who, "MAIN") for who in ("operator", "manager")]
    for page in pages:
        page.goto(SCAN)
    for page in pages:
        scans(page, "499")
    for page in pages:
        page.wait_for_selector("#scan-answer[data-kind]")
    assert sorted(page.get_attribute("#scan-answer", "data-kind") for page in pages) == ["again", "done"]
    assert any("scanned it a moment ago" in said(page) for page in pages)
    assert half.history.count("check_in") == 1


def test_nothing_on_the_pages_keeps_anybody_out(office, stage, axe):
    loan = stage.borrows()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312", conditions=["No copies"])
    page = office("operator", "MAIN", dark=True)
    page.goto(SCAN)
    scans(page, "312", "asks")
    found = axe(page)
    page.goto("/l/MAIN/borrowing/new?isbn=x&like=" + str(loan.id))
    page.click("button[value=send]")
    page.wait_for_selector("#summary")
    assert found + axe(page) == []


def test_the_control_codes_are_read_back(office):
    page = office("operator", "MAIN", device_scale_factor=3)
    page.goto(f"{SCAN}/codes")
    read = []
    for drawn in page.locator(".scan-codes svg").all():
        picture = Image.open(BytesIO(drawn.screenshot()))
        read += [code.text for code in zxingcpp.read_barcodes(picture)]
    assert read == ["ILL-YES", "ILL-NO", "ILL-ONE", "ILL-TWO", "ILL-THREE", "ILL-UNDO", "ILL-PRINT"]
