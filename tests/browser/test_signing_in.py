"""Signing in, in a browser."""

import pytest

from ill_workflow.signing_in import set_password
from tests.plugins.visiting import CHEAP

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


@pytest.mark.parametrize("script", ["fetch('https://elsewhere.example/')", "document.head.append(Object.assign("
                                    "document.createElement('script'), {textContent: 'window.ran = 1'}))"])  # fmt: skip
def test_a_script_that_somebody_smuggled_in_reaches_nobody(office, script):
    page = office(None)
    page.goto("/sign-in")
    page.evaluate(f"() => {{ {script} }}")
    page.wait_for_timeout(0)
    assert page.evaluate("window.ran") is None
    assert office.troubles
    office.troubles.clear()
