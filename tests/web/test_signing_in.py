"""People sign in with their password, and out again."""

import pytest
from fastapi.testclient import TestClient

from ill_workflow.signing_in import set_password
from ill_workflow.web.app import make_app
from tests.plugins.visiting import CHEAP

PASSWORD = "a long enough password"


@pytest.fixture
def browser(quick_stage):
    with quick_stage.db.writing() as session:
        set_password(session, quick_stage.account(session, "operator", "MAIN"), PASSWORD, CHEAP)
    return TestClient(make_app(quick_stage.services, passwords=CHEAP), follow_redirects=False)


def signs_in(browser, password=PASSWORD, name="operator-MAIN", **more):
    return browser.post("/sign-in", data={"name": name, "password": password, **more})


def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_where_they_wanted(browser):
    asked = browser.get("/l/MAIN/today?assigned=me")
    if asked.status_code == 404:
        asked = browser.get("/")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/sign-in")

    signed = signs_in(browser, next="/l/MAIN/lending")

    assert (signed.status_code, signed.headers["location"]) == (303, "/l/MAIN/lending")


@pytest.mark.parametrize("wrong", [{"password": "another"}, {"name": "nobody"}, {"name": "who is that"}])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(browser, wrong):
    answer = signs_in(browser, **wrong)
    assert answer.status_code == 401
    assert "No active account has this name and password." in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session_on_the_server_too(browser, quick_stage, visiting):
    page = visiting(quick_stage)("operator")
    assert page.get("/").headers["location"] == "/l/MAIN/today"

    assert page.submit("/sign-out").headers["location"] == "/sign-in"

    page.client.cookies.set("ill", "stolen before")
    assert page.get("/").headers["location"] == "/sign-in"


def test_a_form_of_another_site_changes_nothing(quick_stage, visiting):
    page = visiting(quick_stage)("operator")
    assert page.client.post("/sign-out").status_code == 403
    assert (
        page.client.post("/sign-out", data={"csrf": page.csrf}, headers={"origin": "https://evil.example"}).status_code
        == 403
    )
    assert page.get("/").status_code == 303
    assert page.get("/").headers["location"] == "/l/MAIN/today"


def test_what_protects_the_pages_is_on_every_answer(browser):
    for address in ("/sign-in", "/nothing", "/static/0/console.css"):
        assert "default-src 'none'" in browser.get(address).headers["content-security-policy"]
