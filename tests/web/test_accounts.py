"""Who may sign in, how often somebody may try, and what managers decide about accounts."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from ill_workflow import accounts, signing_in, throttle
from ill_workflow.accounts import Account
from ill_workflow.errors import BadInput
from ill_workflow.throttle import TooManyTries
from ill_workflow.web.app import make_app
from tests.plugins.visiting import CHEAP

pytestmark = pytest.mark.long

PASSWORD = "a long enough password"


class Office:
    """The console of `quick_stage`, and browsers at several addresses."""

    def __init__(self, stage) -> None:
        self.stage = stage
        self.app = make_app(stage.services, passwords=CHEAP)
        self.has_password("operator-MAIN")

    def has_password(self, name, password=PASSWORD):
        with self.stage.db.writing() as session:
            signing_in.set_password(session, accounts.any_account(session, name), password, CHEAP)

    def browser(self, address="192.0.2.1", scheme="http"):
        return TestClient(
            self.app, base_url=f"{scheme}://testserver", client=(address, 50000), follow_redirects=False
        )  # fmt: skip

    def account(self, name) -> Account:
        with self.stage.db.reading() as session:
            return accounts.any_account(session, name)

    def tries(self, name="operator-MAIN", password="wrong", address="192.0.2.1", **more):
        return self.browser(address).post("/sign-in", data={"name": name, "password": password, **more})


@pytest.fixture
def office(quick_stage, monkeypatch):
    made = Office(quick_stage)
    made.time = signing_in.machine_now()
    for module in (signing_in, throttle):
        monkeypatch.setattr(module, "machine_now", lambda: made.time)
    return made


def later(office, **how):
    office.time += timedelta(**how)


def test_wrong_passwords_make_the_next_try_wait_longer_and_nobody_is_shut_out(office):
    for _ in range(6):
        assert office.tries().status_code == 401

    waits = office.tries(password=PASSWORD)
    assert (waits.status_code, waits.headers["retry-after"]) == (429, "3")
    assert "Too many wrong passwords. Try again in 3 seconds." in waits.text

    later(office, seconds=3)
    assert office.tries().status_code == 401
    assert office.tries().headers["retry-after"] == "5", "twice as long"

    later(office, minutes=2)
    assert office.tries(password=PASSWORD).status_code == 303
    assert office.tries().status_code == 401, "nothing is held against the name any more"


def test_strangers_do_not_keep_a_person_from_where_they_always_sign_in(office):
    assert office.tries(password=PASSWORD, address="192.0.2.7").status_code == 303

    for _try in range(8):
        office.tries(address="203.0.113.1")
    assert office.tries(password=PASSWORD, address="203.0.113.1").status_code == 429
    assert office.tries(password=PASSWORD, address="203.0.113.99").status_code == 303, "anywhere else one does not wait"
    for number in range(101):
        office.tries(address=f"198.51.100.{number}")
    waits = office.tries(password=PASSWORD, address="203.0.113.200")
    assert waits.status_code == 429, "where one has never been, and a hundred others guess, one does"
    assert int(waits.headers["retry-after"]) <= 30

    assert office.tries(password=PASSWORD, address="192.0.2.7").status_code == 303


def test_an_address_that_tries_many_names_waits_too(office):
    answers = [office.tries(name=f"name-{number}", address="198.51.100.1").status_code for number in range(40)]
    assert answers.count(401) == 31
    assert answers[-1] == 429
    assert office.tries(name="operator-MAIN", password=PASSWORD, address="192.0.2.1").status_code == 303


def test_one_network_of_ipv6_is_one_address(office):
    for number in range(35):
        office.tries(name=f"name-{number}", address=f"2001:db8::{number:x}")
    assert office.tries(name="another", address="2001:db8::ffff").status_code == 429
    assert office.tries(name="another", address="2001:db9::1").status_code == 401


def test_tries_at_once_are_counted_one_by_one(stage):
    """On both databases: the count is one statement, so that no two tries see the same."""
    from concurrent.futures import ThreadPoolExecutor

    def one(_):
        try:
            with stage.db.writing() as session:
                throttle.begin_try(session, "ann", "192.0.2.1")
        except TooManyTries:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(30))) == throttle.PAIR.free + 1


def test_housekeeping_forgets_what_is_over(office):
    office.tries(password=PASSWORD)
    office.tries()
    later(office, days=8)
    with office.stage.db.writing() as session:
        assert (signing_in.forget(session), throttle.forget(session)) == (1, 3)
    later(office, days=90)
    with office.stage.db.writing() as session:
        assert throttle.forget(session) == 1, "from where somebody signs in is known for longer"


def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_a_week(office):
    with office.stage.db.writing() as session:
        token = signing_in.begin_session(session, accounts.any_account(session, "operator-MAIN"))
    for hours, lasts in ((11, True), (2, False)):
        later(office, hours=hours)
        with office.stage.db.reading() as session:
            assert (signing_in.find_session(session, token) is not None) == lasts


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12 to 1000"), ("x" * 1001, "12 to 1000"), ("aaaaaaaaaaaaa", "too easily"),
        ("Operator-MAIN", "too easily"),
    ],
)  # fmt: skip
def test_a_password_that_is_guessed_easily_is_refused(office, password, why):
    with office.stage.db.writing() as session, pytest.raises(BadInput, match=why):
        signing_in.set_password(session, accounts.any_account(session, "operator-MAIN"), password, CHEAP)


def test_the_same_letters_are_the_same_password_however_they_are_composed(office):
    office.has_password("manager-MAIN", "gute B\u00fccher f\u00fcr alle")
    assert office.tries(name="manager-MAIN", password="gute Bu\u0308cher fu\u0308r alle").status_code == 303


def test_a_password_is_kept_as_todays_parameters_want_it(office):
    before = office.account("operator-MAIN").password_hash
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    browser = TestClient(make_app(office.stage.services, passwords=stronger), follow_redirects=False)

    browser.post("/sign-in", data={"name": "operator-MAIN", "password": PASSWORD})

    after = office.account("operator-MAIN").password_hash
    assert before != after
    assert not stronger.check_needs_rehash(after)


def test_over_https_the_cookie_is_for_this_host_alone(office):
    browser = office.browser(scheme="https")
    cookie = browser.post("/sign-in", data={"name": "operator-MAIN", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-ill=")
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))


@pytest.mark.parametrize(
    "to", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x=1", ""]
)
def test_nobody_is_sent_elsewhere_after_signing_in(office, to):
    assert office.tries(password=PASSWORD, next=to).headers["location"] == "/"


def test_a_session_that_somebody_else_has_set_becomes_nobodys(office):
    browser = office.browser()
    browser.cookies.set("ill", "chosen by somebody else")
    signed = browser.post("/sign-in", data={"name": "operator-MAIN", "password": PASSWORD})
    assert "chosen by somebody else" not in signed.headers["set-cookie"]


@pytest.mark.parametrize("name", ["x" * 100_000, "a\x00b", "\u202eann", "' OR 1=1 --"])
def test_hostile_names_are_nobodys(office, name):
    assert office.tries(name=name).status_code == 401
    assert office.tries(name="operator-MAIN", password=name).status_code == 401


def test_another_password_ends_all_other_sessions_and_goes_on_with_a_new_one(office, visiting):
    elsewhere = visiting(office.stage)("operator")
    here = visiting(office.stage)("operator")
    fields = {"now": PASSWORD, "new": "four words to remember", "again": "four words to remember"}

    wrong = here.submit("/account/password", **{**fields, "now": "not mine"})
    assert (wrong.status_code, "This is not your password now." in wrong.text) == (422, True)
    unlike = here.submit("/account/password", **{**fields, "again": "other"})
    assert "These two are not the same." in unlike.text
    changed = here.submit("/account/password", **fields)

    assert (changed.status_code, changed.headers["location"]) == (303, "/account?done=password")
    assert elsewhere.get("/account").headers["location"].startswith("/sign-in")
    assert "This is your password now." in here.get("/account?done=password").text
    assert office.tries(password="four words to remember").status_code == 303


def test_ones_own_sessions_are_listed_and_ended(office, visiting):
    sit = visiting(office.stage)
    here, elsewhere, other = sit("operator"), sit("operator"), sit("manager")
    ends = here.tree("/account").xpath("//form[contains(@action, 'sessions')]/@action")
    assert len(ends) == 1, "this one is not ended here"

    assert other.submit(ends[0]).status_code == 404, "it is somebody else's"
    here.submit(ends[0])

    assert elsewhere.get("/account").headers["location"].startswith("/sign-in")
    assert here.get("/account").status_code == 200


def shown(answer) -> str:
    from lxml import html

    return html.fromstring(answer.text).xpath("//code[@class='secret']/text()")[0]


def test_a_manager_lets_a_new_person_in_who_takes_a_password_of_their_own(office, visiting):
    manager = visiting(office.stage)("manager")
    added = manager.submit(
        "/l/MAIN/accounts", kind="person", name="nia", full_name="Nia New", email="nia@main.example", role="operator"
    )
    given = shown(added)

    browser = office.browser()
    signed = browser.post("/sign-in", data={"name": "nia", "password": given})
    assert signed.headers["location"] == "/account"
    assert browser.get("/l/MAIN/partners").headers["location"] == "/account", "nothing else is open yet"
    csrf = browser.get("/account").text.split('name="csrf" value="')[1].split('"')[0]
    own = {"csrf": csrf, "now": given, "new": "nia has her own now", "again": "nia has her own now"}
    assert browser.post("/account/password", data=own).status_code == 303
    assert browser.get("/l/MAIN/partners").status_code == 200


def test_a_password_to_pass_on_is_good_for_a_week(office, visiting):
    given = shown(
        visiting(office.stage)("manager").submit(f"/l/MAIN/accounts/{office.account('operator-MAIN').id}/password")
    )
    assert office.tries(password=PASSWORD).status_code == 401, "the old one is none any more"
    later(office, days=8)
    assert office.tries(password=given).status_code == 401


def test_what_a_manager_may_not_decide(office, visiting):
    stage = office.stage
    manager = visiting(stage)("manager")
    me, ann, theirs = (office.account(name).id for name in ("manager-MAIN", "operator-MAIN", "operator-RIV"))

    assert "Nobody changes their own role." in manager.submit(f"/l/MAIN/accounts/{me}/role", role="operator").text
    assert "Nobody closes their own account." in manager.submit(f"/l/MAIN/accounts/{me}/close", active="no").text
    assert manager.submit(f"/l/MAIN/accounts/{theirs}/password").status_code == 404

    with stage.db.writing() as session:  # ann works for Riverside, too
        accounts.grant(session, accounts.any_account(session, "operator-MAIN"), 2, "operator")
    for what, fields in (("password", {}), ("close", {"active": "no"}), ("change", {"full_name": "X"})):
        assert manager.submit(f"/l/MAIN/accounts/{ann}/{what}", **fields).status_code == 403
    assert manager.submit(f"/l/MAIN/accounts/{ann}/role", role="").status_code == 303, "their own library is theirs"
    assert manager.get(f"/l/MAIN/accounts/{ann}").status_code == 404


def test_somebody_has_to_manage_a_library(office, visiting):
    manager = visiting(office.stage)("manager")
    ann = office.account("operator-MAIN").id
    assert manager.submit(f"/l/MAIN/accounts/{ann}/role", role="manager").status_code == 303
    other = visiting(office.stage)("operator")  # now a manager, who shows the first one out
    assert other.submit(f"/l/MAIN/accounts/{office.account('manager-MAIN').id}/role", role="").status_code == 303
    assert manager.get("/l/MAIN/accounts").status_code == 403


def test_a_closed_account_is_signed_out_and_opened_again(office, visiting):
    manager, ann = visiting(office.stage)("manager"), visiting(office.stage)("operator")
    number = office.account("operator-MAIN").id
    manager.submit(f"/l/MAIN/accounts/{number}/close", active="no")
    assert ann.get("/account").status_code == 303
    assert office.tries(password=PASSWORD).status_code == 401
    assert "Account closed" in manager.text("/l/MAIN/accounts")
    manager.submit(f"/l/MAIN/accounts/{number}/close", active="yes")
    later(office, minutes=1)
    assert office.tries(password=PASSWORD).status_code == 303


def test_a_system_gets_a_secret_and_tokens_each_shown_once(office, visiting):
    manager = visiting(office.stage)("manager")
    added = manager.submit("/l/MAIN/accounts", kind="system", name="kiosk", role="operator")
    assert shown(added) == office.account("kiosk").secret
    number = office.account("kiosk").id
    page = f"/l/MAIN/accounts/{number}"
    assert shown(added) not in manager.get(page).text

    token = shown(manager.submit(f"{page}/tokens", token="front desk", scope="act", days="30"))
    called = office.browser().get("/api/v1/libraries/MAIN", headers={"Authorization": f"Bearer {token}"})
    assert called.status_code == 200
    assert token not in manager.get(page).text

    manager.submit(f"{page}/tokens/revoke", token="front desk")
    called = office.browser().get("/api/v1/libraries/MAIN", headers={"Authorization": f"Bearer {token}"})
    assert called.status_code == 401
    assert "another secret" in manager.text(page).lower()
    wrong = manager.submit(f"{page}/tokens", token="desk", days="many")
    assert (wrong.status_code, "Days are a whole number." in wrong.text) == (422, True)
