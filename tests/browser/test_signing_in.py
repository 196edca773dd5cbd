"""Signing in, in a browser."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from ill_workflow.accounts import SignIn
from ill_workflow.signing_in import set_password
from tests.plugins.visiting import CHEAP
from tests.plugins.waiting import eventually

PASSWORD = "a long enough password"


def test_a_person_signs_in_by_keyboard_and_comes_to_today(office):
    with office.stage.db.writing() as session:
        set_password(session, office.stage.account(session, "operator", "MAIN"), PASSWORD, CHEAP)
    page = office(None)
    page.goto("/")

    page.get_by_label("Name").focus()
    page.keyboard.type("operator-MAIN")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/l/MAIN/today")


def test_a_page_has_nothing_that_keeps_anybody_out(office, axe):
    for dark in (False, True):
        page = office(None, dark=dark)
        page.goto("/sign-in")
        assert axe(page) == []


def test_what_was_typed_when_the_session_ended_comes_back_to_the_same_person_alone(office):
    for who in ("operator", "manager"):
        with office.stage.db.writing() as session:
            set_password(session, office.stage.account(session, who, "MAIN"), PASSWORD, CHEAP)
    lent = office.stage.lends(title="Emma")
    page = office("operator", "MAIN")
    note, offer = page.get_by_label("Write a note"), page.get_by_text("Your session had ended before this was sent:")

    def writes(words, button):
        page.goto(f"/l/MAIN/requests/{lent.id}")
        note.fill(words)
        with office.stage.db.writing() as session:
            session.execute(sa.delete(SignIn))
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("What you had typed waits in this tab.")).to_be_visible()

    def signs_in(who):
        page.get_by_label("Name").fill(f"{who}-MAIN")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**/l/MAIN/requests/{lent.id}")

    writes("The spine is loose.", "Keep it here")
    signs_in("operator")
    page.get_by_role("button", name="Put it back").click()
    expect(note).to_have_value("The spine is loose.")
    expect(note).to_be_focused()
    page.get_by_role("button", name="Keep it here").click()
    expect(page.locator("#notes .noted")).to_contain_text("The spine is loose.")
    expect(offer).to_have_count(0)

    # In a dialog there is no form to come back to on the page: its own page has it.
    page.get_by_role("link", name="Reject", exact=True).click()
    page.get_by_role("dialog").get_by_label("Note", exact=True).fill("Only the second volume is here.")
    with office.stage.db.writing() as session:
        session.execute(sa.delete(SignIn))
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    signs_in("operator")
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Note", exact=True)).to_have_value("Only the second volume is here.")

    writes("For Ann's eyes alone.", "Keep it here")
    signs_in("manager")
    expect(note).to_be_visible()
    expect(offer).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize("script", ["fetch('https://elsewhere.example/')", "document.head.append(Object.assign("
                                    "document.createElement('script'), {textContent: 'window.ran = 1'}))"])  # fmt: skip
def test_a_script_that_somebody_smuggled_in_reaches_nobody(office, script):
    page = office(None)
    page.goto("/sign-in")
    page.evaluate(f"() => {{ {script} }}")
    eventually(lambda: page.evaluate("window.ran") is None and office.troubles)  # what it complains of comes by itself
    assert page.evaluate("window.ran") is None
    office.troubles.clear()
