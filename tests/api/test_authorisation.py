"""A token opens what it is for, where its account has a grant, and nothing else."""

import pytest

from ill_workflow import accounts, libraries, tokens
from ill_workflow.web.api.limits import Limit
from ill_workflow.web.api.problems import TooMany
from tests.plugins.speaking import CODE, system_of

pytestmark = pytest.mark.long

AT = "libraries/MAIN"
NEW = {"side": "lending", "partner": "HILL", "fields": {"title": "Emma"}}
LOOKS = (
    AT, f"{AT}/requests?side=lending", f"{AT}/requests/1", f"{AT}/requests/1/history", f"{AT}/requests/1/messages",
    f"{AT}/requests/1/fees", f"{AT}/requests/1/slips", f"{AT}/requests/1/mails", f"{AT}/requests/1/actions",
    f"{AT}/partners", f"{AT}/closed-days", f"{AT}/events", f"{AT}/today", f"{AT}/slips/1", "me", "health", "jobs",
    "lifecycles/lending",
)  # fmt: skip
DEEDS = (
    (f"{AT}/requests/1/actions/print_slip", {}), (f"{AT}/requests/1/undo", None),
    (f"{AT}/copies", None), (f"{AT}/requests/1/notes", {"note": "x"}), (f"{AT}/scans", {"code": "XPX-1001"}),
    (f"{AT}/requests", NEW),
)  # fmt: skip


@pytest.fixture
def lent(quick_stage):
    return quick_stage.lends()


@pytest.mark.parametrize("shown", ["", "Bearer", "Basic aWxsOmlsbA==", "Bearer ill_wrong"])
def test_without_a_good_token_there_is_nothing(lent, catalogue, shown):
    said = {"Authorization": shown}
    for answer in (
        *(catalogue.get(address, headers=said) for address in LOOKS),
        *(catalogue.post(address, body, headers=said) for address, body in DEEDS),
    ):
        assert answer.status_code == 401, answer.url
        assert answer.headers["www-authenticate"] == 'Bearer realm="ill"'
        assert answer.headers["content-type"] == "application/problem+json"
    assert lent.history == ["create"]


def test_a_cookie_of_the_console_opens_nothing(lent, catalogue, visiting):
    page = visiting(catalogue.stage)("manager")
    catalogue.client.cookies.set("ill", page.client.cookies["ill"])
    assert catalogue.get("me", headers={"Authorization": ""}).status_code == 401


def test_who_may_read_changes_nothing(lent, quick_stage, calls):
    reader = calls(quick_stage)(scope="read")
    for address in LOOKS:
        assert reader.get(address).status_code in (200, 404), address
    for address, body in DEEDS:
        answer = reader.post(address, body)
        assert answer.status_code == 403, address
        assert answer.json()["detail"] == "The token t0 may read. This needs one that may act."
    assert lent.history == ["create"]


def test_at_a_library_without_a_grant_nothing_is_seen_or_done(lent, quick_stage, calls):
    other = calls(quick_stage)("other", at="RIV")
    for address in (a for a in LOOKS if a.startswith("libraries")):
        assert other.get(address).status_code == 403, address
    for address, body in DEEDS:
        assert other.post(address, body).status_code == 403, address
    assert other.get("libraries/RIV/requests/1").status_code == 404
    assert other.post("libraries/RIV/requests/1/actions/print_slip", {}).status_code == 404
    assert other.post("libraries/RIV/requests/1/undo").status_code == 404
    assert other.told("libraries/RIV/events?after=0")["items"] == []
    assert other.told("libraries/RIV/requests?code=XPX-1001")["items"] == []
    assert [library["code"] for library in other.told("me")["libraries"]] == ["RIV"]
    assert lent.history == ["create"]


def test_a_token_for_one_library_is_good_at_no_other(quick_stage, calls):
    over = calls(quick_stage)
    over("both", at="RIV")
    system = over("both", at="MAIN", only="MAIN")
    assert system.get(AT).status_code == 200
    assert system.get("libraries/RIV").status_code == 403
    assert [library["code"] for library in system.told("me")["libraries"]] == ["MAIN"]


@pytest.mark.parametrize(
    ("scope", "role", "may"),
    [("act", "operator", False), ("act", "manager", False), ("manage", "operator", False), ("manage", "manager", True)],
)
def test_money_needs_a_manager_and_a_token_that_manages(lent, quick_stage, calls, scope, role, may):
    lent.does("ship", condition_checked=True, item_barcode="3123")
    lent.does("mark_lost")
    system = calls(quick_stage)(scope=scope, role=role)
    answer = system.post(f"{AT}/requests/1/actions/waive_fee", {"inputs": {"amount": "5.00", "reason": "Old."}})
    assert answer.status_code == (200 if may else 409)
    if not may:
        assert "needs a manager" in answer.json()["detail"]
    assert system.told(AT)["role"] == ("manager" if may else "operator")


@pytest.mark.parametrize(
    ("scope", "role", "may"),
    [("read", "manager", False), ("act", "manager", False), ("manage", "operator", False), ("manage", "manager", True)],
)
def test_what_went_over_the_wire_needs_a_manager_and_a_token_that_manages(quick_stage, calls, scope, role, may):
    hilltop = system_of(quick_stage)
    hilltop.asks("H-1")
    system = calls(quick_stage)(scope=scope, role=role)
    here = f"{AT}/requests/{quick_stage.request('MAIN', 'H-1').id}/messages"
    (asked,) = (m for m in system.told(here)["items"] if m["way"] == "in")
    (call,) = asked["exchanges"]
    assert (asked["what"], asked["fate"], call["http_status"]) == ("Request New", "received", 200)
    assert (call["said"], call["answered"]) == (None, None)

    answer = system.get(f"{here}?raw=true")
    assert answer.status_code == (200 if may else 403)
    if may:
        raw = next(m for m in answer.json()["items"] if m["way"] == "in")["exchanges"][0]
        assert "<title>Emma</title>" in raw["said"]
        assert "OK</" in raw["answered"]
    assert CODE not in answer.text


def test_what_is_taken_away_is_taken_away_at_once(lent, quick_stage, calls):
    system = calls(quick_stage)()
    assert system.get(AT).status_code == 200
    with quick_stage.db.writing() as session:
        account = accounts.find_account(session, "catalogue")
        accounts.revoke(session, account, libraries.find_library(session, "MAIN").id)
    assert system.get(AT).status_code == 403
    assert system.get("health").status_code == 403
    with quick_stage.db.writing() as session:
        tokens.revoke_token(session, account, "t0")
    assert system.get("me").status_code == 401


def test_the_use_of_a_token_is_seen(quick_stage, calls):
    system = calls(quick_stage)()
    system.get("me")
    with quick_stage.db.reading() as session:
        (token,) = tokens.tokens_of(session, accounts.find_account(session, "catalogue"))
    assert token.used_at is not None


def test_too_many_calls_are_told_when_to_go_on(quick_stage, calls):
    quick_stage.services.settings.api_per_minute = 3
    over = calls(quick_stage)
    system, another = over("one"), over("two")
    assert [system.get("me").status_code for _ in range(3)] == [200] * 3
    answer = system.get("me")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "20"
    assert answer.json()["detail"] == "That was too much at once. Go on in 20 seconds."
    assert another.get("me").status_code == 200


def test_wrong_tokens_from_one_address_slow_that_address_down(quick_stage, calls):
    system = calls(quick_stage)()
    wrong = {"Authorization": "Bearer ill_" + "0" * 64}
    said = [system.get("me", headers=wrong).status_code for _ in range(40)]
    assert said == [401] * 30 + [429] * 10


def test_a_limit_flows_back_with_time():
    now = [0.0]
    limit = Limit(60, now=lambda: now[0])
    for _ in range(60):
        limit.take("a")
    with pytest.raises(TooMany) as wait:
        limit.take("a")
    assert wait.value.seconds == 1
    now[0] = 1.0
    limit.take("a")
    with pytest.raises(TooMany):
        limit.check("a")
    now[0] = 1000.0
    for _ in range(60):
        limit.take("a")
