"""One request in a browser: a loan goes out by keyboard alone, and two people meet on it."""

import re

from playwright.sync_api import expect

from tests.plugins.waiting import eventually
from tests.web.test_one_request import at


def press(page, name):
    """Go to a button or link with Tab, as somebody without a mouse, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement?.textContent?.trim()")
        if here == name:
            return page.keyboard.press("Enter")
    raise AssertionError(f"{name} is not reached with Tab")


def test_a_loan_goes_out_by_keyboard_alone(office, axe):
    lent = office.stage.lends(title="Emma")
    page = office("operator", "MAIN")
    page.goto(at(lent))
    dialog, status = page.get_by_role("dialog"), page.locator("#status")

    # L2: looked for on the shelf and found.
    press(page, "Check Availability")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Found on the shelf")).to_be_focused()
    assert axe(page) == []
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("PR 4034 .E5")
    page.keyboard.press("Enter")
    expect(status).to_contain_text("Check Availability. It is New now.")
    expect(page.get_by_text("PR 4034 .E5").first).to_be_visible()

    # Escape leaves it, and one is where one was.
    press(page, "Reject")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Reject", exact=True)).to_be_focused()

    # L3: the slip, and back again.
    page.goto(at(lent))
    press(page, "Print Slip")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    expect(status).to_contain_text("Print Slip. It is Being Processed now.")
    expect(page.get_by_role("link", name="Ship Item")).to_have_attribute("data-size", "big")

    # L5: what is missing is said at its field, and what was typed is still there.
    press(page, "Ship Item")
    expect(dialog.get_by_label("Condition checked")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("31234000551187")
    page.keyboard.press("Enter")
    checked = dialog.get_by_label("Condition checked")
    expect(checked).to_have_attribute("aria-invalid", "true")
    expect(checked).to_be_focused()
    assert axe(page) == []
    expect(dialog.get_by_label("Item barcode")).to_have_value("31234000551187")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(status).to_contain_text("Ship Item. It is Shipped now.")
    assert (lent.state, lent.item_barcode) == ("shipped", "31234000551187")

    # And taken back, since it was the wrong one.
    press(page, "Undo")
    expect(status).to_contain_text("Undo Ship Item. It is Being Processed now.")
    assert lent.state == "being_processed"


def test_of_two_people_at_one_request_the_slower_is_told(office):
    lent = office.stage.lends()
    one, other = office("operator", "MAIN"), office("manager", "MAIN")
    for page in (one, other):
        page.goto(at(lent))
    other.get_by_role("link", name="Reject", exact=True).click()
    dialog = other.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("OnLoan")
    dialog.get_by_label("Note", exact=True).fill("back in May")

    one.get_by_role("link", name="Ship Item").click()
    one.get_by_label("Condition checked").check()
    one.get_by_label("Item barcode").fill("312")
    one.get_by_role("dialog").get_by_role("button", name="Ship Item").click()
    expect(one.locator("#status")).to_contain_text("It is Shipped now.")

    dialog.get_by_role("button", name="Reject").click()
    expect(dialog.get_by_role("alert").first).to_contain_text(
        "has changed since you looked. operator-MAIN did: Ship Item"
    )
    expect(dialog.get_by_label("Note", exact=True)).to_have_value("back in May")
    expect(dialog.get_by_role("button", name="Reject")).to_have_count(0)
    assert lent.history.count("reject") == 0


def test_without_scripts_the_same_is_done_on_pages(office):
    lent = office.stage.lends()
    page = office("operator", "MAIN", java_script_enabled=False)
    page.goto(at(lent))
    page.get_by_role("link", name="Reject", exact=True).click()
    page.get_by_label("Reason").fill("OnLoan")
    page.get_by_role("button", name="Reject").click()
    expect(page).to_have_url(re.compile(rf"{at(lent)}\?done=\d+$"))
    expect(page.get_by_text("Reject. It is Rejected now.")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    eventually(lambda: lent.state == "new")
