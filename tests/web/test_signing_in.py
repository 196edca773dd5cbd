"""People sign in with their password, and out again."""

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from ill_workflow import accounts, signing_in
from ill_workflow.accounts import Account, SignIn
from ill_workflow.errors import Unauthorised
from ill_workflow.signing_in import set_password, set_password_once
from ill_workflow.throttle import Tries, _place
from ill_workflow.web.app import make_app
from ill_workflow.web.browsers import browser_called
from ill_workflow.web.console import account as account_page
from ill_workflow.web.visitor import within
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
    assert asked.status_code == 303
    assert asked.headers["location"].startswith("/sign-in?next=/l/MAIN/today")

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


def test_who_is_not_there_takes_as_much_work_as_who_is(quick_stage):
    """Counted, not timed: each try is one verification, whatever is wrong with it."""

    class Counting(PasswordHasher):
        verified = 0

        def verify(self, *what):
            self.verified += 1
            return super().verify(*what)

    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    with quick_stage.db.writing() as session:
        for at in ("MAIN", "RIV"):
            set_password(session, quick_stage.account(session, "operator", at), PASSWORD, hasher)
        accounts.change_account(session, "operator-RIV", active=False)
    browser = TestClient(make_app(quick_stage.services, passwords=hasher), follow_redirects=False)
    tries = [
        {"password": "another"}, {"name": "who"}, {"name": "nobody"}, {"name": "operator-RIV"},
        {"password": PASSWORD + "x" * 5000}, {"name": "y" * 5000}, {"name": "a\x00b"}, {},
    ]  # fmt: skip
    for number, one in enumerate(tries, start=1):
        assert signs_in(browser, **one).status_code == (401 if one else 303)
        assert hasher.verified == number, one


def test_a_password_goes_on_no_further_than_it_may(quick_stage, browser):
    longest = "long password " * 71 + "123456"
    assert len(longest) == 1000
    with quick_stage.db.writing() as session:
        set_password(session, quick_stage.account(session, "operator", "MAIN"), longest, CHEAP)
    assert signs_in(browser, longest + "and more").status_code == 401
    assert signs_in(browser, longest).status_code == 303


def test_the_database_knows_no_token_no_password_and_no_name_that_somebody_typed(browser, quick_stage):
    signs_in(browser)
    token = browser.cookies["ill"]
    signs_in(browser, name="my secret by mistake")
    assert len(token) >= 43, "256 bits"
    with quick_stage.db.engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            kept = str(connection.exec_driver_sql(f'SELECT * FROM "{table}"').all())
            assert not any(secret in kept for secret in (token, PASSWORD, "by mistake")), table


def test_signing_in_again_ends_the_session_that_this_browser_had(browser, quick_stage):
    signs_in(browser)
    stolen = browser.cookies["ill"]
    signs_in(browser)
    thief = TestClient(browser.app, follow_redirects=False, cookies={"ill": stolen})
    assert thief.get("/").headers["location"] == "/sign-in"
    with quick_stage.db.reading() as session:
        assert len(session.scalars(sa.select(SignIn)).all()) == 1


def test_a_session_of_http_is_none_at_https(browser):
    signs_in(browser)
    secure = TestClient(
        browser.app, base_url="https://testserver", follow_redirects=False, cookies={"ill": browser.cookies["ill"]}
    )
    assert secure.get("/").headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}, {"origin": "http://testserver:81"}],
)  # fmt: skip
def test_no_other_site_signs_anybody_in(browser, headers):
    answer = browser.post("/sign-in", data={"name": "operator-MAIN", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "there",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)",
     "/\r\nSet-Cookie: a=b", " /l/MAIN", "/l\\..", "/\u2028", "http:evil.example", "evil"],
)  # fmt: skip
def test_nobody_who_is_signed_in_is_sent_to_another_site(browser, there):
    assert within(there) == "/"
    signs_in(browser)
    assert browser.get("/sign-in", params={"next": there}).headers["location"] == "/"


@pytest.mark.parametrize("what", ["closed", "another password"])
def test_who_is_shut_out_while_their_password_is_looked_at_does_not_get_in(bare_stage, what):
    stage = bare_stage
    with stage.db.writing() as session:
        set_password(session, stage.account(session, "operator", "MAIN"), PASSWORD, CHEAP)
    with stage.db.reading() as session:
        account = signing_in.check_password(session, "operator-MAIN", PASSWORD, CHEAP)
    with stage.db.writing() as session:
        if what == "closed":
            accounts.change_account(session, "operator-MAIN", active=False)
        else:
            set_password(session, session.get_one(Account, account.id), "quite another one", CHEAP)
    with stage.db.writing() as session, pytest.raises(Unauthorised):
        signing_in.begin_session(session, account)


def test_an_account_that_is_closed_by_whatever_door_is_signed_out_and_stays_so(browser, quick_stage):
    signs_in(browser)
    for active in (False, True):
        with quick_stage.db.writing() as session:
            accounts.change_account(session, "operator-MAIN", active=active)
    assert browser.get("/").headers["location"] == "/sign-in"


def test_more_than_there_is_room_for_are_asked_to_come_again_and_nothing_is_held_against_them(
    browser, quick_stage, monkeypatch
):
    monkeypatch.setattr(signing_in, "PATIENCE", 0)
    held = [signing_in._room.acquire(blocking=False) for _place in range(signing_in.AT_ONCE)]
    assert all(held)
    try:
        assert {signs_in(browser).status_code for _try in range(9)} == {503}
    finally:
        for _place in held:
            signing_in._room.release()
    with quick_stage.db.reading() as session:
        assert {row.count for row in session.scalars(sa.select(Tries))} == {0}
    assert signs_in(browser).status_code == 303


def test_those_who_wait_leave_threads_to_the_pages_of_others(browser):
    """Whoever would have to wait behind many is told so at once."""
    places = signing_in.AT_ONCE + signing_in.WAITING
    assert places < 20, "of the forty threads of a process most are for pages"
    assert all(signing_in._queue.acquire(blocking=False) for _place in range(places))
    try:
        assert signs_in(browser).status_code == 503
    finally:
        for _place in range(places):
            signing_in._queue.release()
    assert signs_in(browser).status_code == 303


def test_a_name_is_known_by_all_of_its_letters(browser, quick_stage):
    """Each longer one would begin to be counted anew."""
    name = "n" * 64
    with quick_stage.db.writing() as session:
        set_password(session, accounts.add_account(session, name), PASSWORD, CHEAP)
    assert signs_in(browser, name=f"{name}x").status_code == 401
    assert signs_in(browser, name=name).status_code == 303


def test_of_two_who_change_a_password_at_once_the_slower_is_told_that_it_is_another_one_now(
    quick_stage, visiting, monkeypatch
):
    page = visiting(quick_stage)("operator")
    with quick_stage.db.writing() as session:
        account = quick_stage.account(session, "operator", "MAIN")
        account.password_hash = CHEAP.hash(PASSWORD)
    check, theirs = account_page.check_password, "what somebody else has chosen"

    def and_then_somebody_is_faster(*asked):
        found = check(*asked)
        with quick_stage.db.writing() as session:
            account = quick_stage.account(session, "operator", "MAIN")
            account.password_hash = CHEAP.hash(theirs)
        return found

    monkeypatch.setattr(account_page, "check_password", and_then_somebody_is_faster)
    new = "another long password"
    assert page.submit("/account/password", now=PASSWORD, new=new, again=new).status_code == 422
    with quick_stage.db.reading() as session:
        check(session, "operator-MAIN", theirs, CHEAP)


def test_addresses_are_told_apart_as_networks_are():
    assert _place("2001:db8::1") == _place("2001:db8::ffff:1")
    assert _place("::ffff:192.0.2.1") == "192.0.2.1"
    assert _place("fe80::1%eth0") == _place("fe80::2")
    assert len({_place(each) for each in ("192.0.2.1", "192.0.2.2", "testclient")}) == 3
    assert len(_place("x" * 900)) == 64


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_session_that_ended_under_an_open_page_leads_back_to_that_page(browser, method):
    page = "http://testserver/l/MAIN/borrowing/new?like=7"
    if method == "get":
        sent = browser.get(
            "/l/MAIN/new/patron?patron=1", headers={"HX-Request": "true", "HX-Current-URL": page}
        ).headers["hx-redirect"]
    else:
        sent = browser.post("/l/MAIN/borrowing/new", data={"title": "Emma"}, headers={"Referer": page}).headers[
            "location"
        ]
    assert sent.startswith("/sign-in?next=/l/MAIN/borrowing/new%3Flike%3D7")
    assert ("the last thing was not done" in browser.get(sent).text) == (method == "post")


def test_a_page_elsewhere_is_no_page_to_come_back_to(browser):
    answer = browser.post("/l/MAIN/borrowing/new", headers={"Referer": "http://elsewhere.example/l/MAIN/today"})
    assert answer.headers["location"] == "/sign-in?lost=yes"


def test_whoever_has_taken_their_first_password_goes_on_to_work(quick_stage, visiting):
    with quick_stage.db.writing() as session:
        given = set_password_once(session, quick_stage.account(session, "operator", "MAIN"), CHEAP)
    page = visiting(quick_stage)("operator")
    answer = page.submit("/account/password", now=given, new="a few good words", again="a few good words")
    assert answer.headers["location"] == "/"


def test_browsers_are_called_what_people_call_them():
    edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1 Safari/1 Edg/1"
    assert browser_called(edge) == "Edge, Windows"
    assert browser_called("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0") == "Firefox, Linux"
    assert (browser_called("curl/8"), browser_called("")) == ("curl/8", "Unknown")
