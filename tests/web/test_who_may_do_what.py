"""All that the console and the API answer, asked by everybody: whoever may not gets nothing, and changes nothing.

What is asked is read from the application and from the tables: a new page, file, call or action is asked for here
without another line. Two lists say what nobody can read off: what is open to all, and what is for managers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from starlette.routing import Mount

from ill_workflow import accounts, libraries, tokens
from ill_workflow.accounts import Account
from ill_workflow.messages.exchanges import remember_exchange
from ill_workflow.outbox import EffectRow
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Bulk, Event, MailRow, Request, Slip, SlipBatch
from ill_workflow.signing_in import begin_session, end_all, find_session, set_password_once
from ill_workflow.web.app import make_app
from state_machines.borrowing import BORROWING
from state_machines.declaration import MANAGER, PARTNER, STAFF
from state_machines.lending import LENDING
from tests.plugins.stage import Stage
from tests.plugins.visiting import CHEAP

pytestmark = pytest.mark.long

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
#: What is open to all, and why.
PUBLIC = {
    ("GET", "/static/{digest}/{name}"): "style sheets and scripts, the same for everybody: the sign-in needs them",
    ("GET", "/healthz"): "asked by machines; says one word",
    ("GET", "/copies/{name}"): "a partner's system or its patron gets a copy by its unguessable name",
    ("HEAD", "/copies/{name}"): "the same",
    ("POST", "/language"): "whoever signs in wants to read that page; changes a cookie alone",
    ("GET", "/sign-in"): "the door",
    ("POST", "/sign-in"): "the door",
    **{
        (method, f"/iso18626{below}"): "whoever calls shows what was agreed with the partner; else nothing is done"
        for method in METHODS
        for below in ("", "/", "/{library}", "/{library}/")
    },
    ("GET", "/api/"): "how the API is used, the same for every installation",
    ("GET", "/api/v1/openapi.json"): "the same for programs",
}
#: What needs a manager of the library. Everything else below a library is for its operators, too.
FOR_MANAGERS = re.compile(
    r"(GET|POST) /accounts.*"
    r"|(GET|POST) /partners/new|POST /partners/.*"
    r"|POST /settings|POST /closed-days.*"
    r"|POST /letters/\{name\}(/reset)?"
    r"|POST /slips|POST /slips/logo(/use)?"
    r"|POST /operations/jobs/.*"
)
#: Who asks. `None` as a name: nobody.
STRANGERS = {
    "nobody": "signs in first", "somebody whose session was ended": "signs in first",
    "somebody whose account was closed": "signs in first", "somebody with a made-up session": "signs in first",
    "somebody with a password to be changed": "takes a password first",
    "somebody without a grant": "is refused", "a manager of another library": "is refused",
}  # fmt: skip
#: Of no library: for each person's own, whatever they may do where.
OWN = ("/", "/sign-out", "/account", "/account/password", "/account/sessions/{number}/end")
#: At the packing table every scan has an answer; a refusal is one.
ANSWERED_AT_THE_TABLE = ("/l/{library}/scan/undo/{event_id}",)
#: Which news somebody has seen.
NOON = "2026-02-02T12:00:00+00:00"


@dataclass(frozen=True)
class Route:
    method: str
    path: str

    @property
    def at_a_library(self) -> bool:
        return "{library}" in self.path

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    @property
    def below(self) -> str:
        """Below the library: `GET /requests/{number}`."""
        return f"{self.method} {self.path.removeprefix('/l/{library}')}"

    @property
    def for_managers(self) -> bool:
        return self.path.startswith("/l/") and FOR_MANAGERS.fullmatch(self.below) is not None


def routes_of(app: FastAPI, prefix: str = "") -> Iterator[Route]:
    for context in iter_route_contexts(app.routes):
        if isinstance(getattr(context, "app", None), FastAPI) or getattr(context, "methods", None) is None:
            continue
        for method in sorted(context.methods or ()):
            yield Route(method, f"{prefix}{context.path}")
    for mount in app.routes:
        if isinstance(mount, Mount):
            assert isinstance(mount.app, FastAPI), f"{mount.path} is no application whose routes are known"
            yield from routes_of(mount.app, f"{prefix}{mount.path}")


class House:
    """The console over a busy morning at Main, with people of all kinds who are signed in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.app = make_app(stage.services, passwords=CHEAP)
        # Nobody listens for ever in a test: who may listen is told that too many pages are open.
        self.app.state.live.end()
        self.routes = [route for route in routes_of(self.app) if (route.method, route.path) not in PUBLIC]
        self._people: dict[str, tuple[str, str]] = {}
        with stage.db.writing() as session:
            self._make_people(session)
            self.things = dict(self._things(session))

    def _make_people(self, session: Any) -> None:
        main = libraries.find_library(session, "MAIN").id
        for name in ("spare", "closed", "ended", "fresh"):
            accounts.grant(session, accounts.add_account(session, name), main, "manager")
        set_password_once(session, accounts.any_account(session, "fresh"), CHEAP)
        for who, name in (
            ("operator", "operator-MAIN"), ("manager", "manager-MAIN"), ("somebody without a grant", "nobody"),
            ("a manager of another library", "manager-RIV"), ("somebody whose session was ended", "ended"),
            ("somebody whose account was closed", "closed"), ("somebody with a password to be changed", "fresh"),
        ):  # fmt: skip
            self._people[who] = self._session(session, name)
        self._people["somebody with a made-up session"] = "A" * 43, "made up"
        self._people["nobody"] = "", "x"
        end_all(session, accounts.any_account(session, "ended"))
        accounts.change_account(session, "closed", active=False)

    def _session(self, session: Any, name: str) -> tuple[str, str]:
        token = begin_session(session, accounts.any_account(session, name))
        return token, find_session(session, token).csrf

    def _things(self, session: Any) -> Iterator[tuple[str, Any]]:
        """What Main has, by where its number stands in an address."""
        main = libraries.find_library(session, "MAIN").id

        def first(row: Any, *where: Any) -> Any:
            return session.scalars(sa.select(row).where(*where).order_by(row.id).limit(1)).one()

        ours = sa.select(Request.id).where(Request.library_id == main)
        slip = first(Slip, Slip.request_id.in_(ours), Slip.file != "")
        loan, effect = slip.request_id, first(EffectRow, EffectRow.library_id == main).id
        batch, bulk = self._printed(session, main, slip)
        yield from {
            "/requests/number": loan,
            "/requests/number/slips/slip": slip.id,
            "/slips/slip": slip.id,
            "/requests/number/messages/effect": effect,
            "/requests/number/copies/name": "0" * 64 + ".pdf",
            "/requests/number/actions/trigger": "print_slip",
            "/scan/undo/event_id": first(Event, Event.request_id == loan).id,
            "/scan/slips/slip_id": slip.id,
            "/today/seen/number": loan,
            "/today/again/number": effect,
            "/operations/work/number": effect,
            "/operations/jobs/name": "sweep",
            "/operations/calls/number": self._called(session, main),
            "/operations/partners/number": first(Partner, Partner.library_id == main).id,
            "/accounts/number": accounts.any_account(session, "spare").id,
            "/partners/number": first(Partner, Partner.library_id == main).id,
            "/letters/sent/number": first(MailRow, MailRow.library_id == main).id,
            "/letters/name": "shipped",
            "/slips/batches/number": batch,
            "/slips/logo/digest": "0" * 64,
            "/lists/kind": "requests",
            "/bulk/number": bulk,
            "/side": "lending",
            "/account/sessions/number": 1,
            "/flower/path": "workers",
            "/api/v1/lifecycles/side": "lending",
        }.items()

    def _called(self, session: Any, main: int) -> int:
        """A call of a partner of Main that was written down."""
        at = self.stage.clock.now()
        return remember_exchange(
            session, incoming=True, said=b"<m/>", answered=b"", at=at, library_id=main, mask=lambda raw: raw.decode()
        ).id

    def _printed(self, session: Any, main: int, slip: Slip) -> tuple[int, int]:
        """A batch of slips that an operator has printed, and what was done to many requests at once."""
        now, operator = self.stage.clock.now(), accounts.any_account(session, "operator-MAIN")
        batch = SlipBatch(
            library_id=main, account_id=operator.id, who="Ann", at=now, lease_until=now, per_sheet=1, file="slips.pdf",
            printed_at=now,
        )  # fmt: skip
        session.add(batch)
        session.flush()
        slip.batch_id = batch.id
        bulk = Bulk(
            library_id=main, account_id=operator.id, side="lending", key="k", trigger="print_slip", inputs={}, at=now,
            done_at=now, batch_id=batch.id,
        )  # fmt: skip
        session.add(bulk)
        session.flush()
        return batch.id, bulk.id

    def address(self, route: Route, library: str = "MAIN") -> str:
        path = route.path.removeprefix("/api/v1/libraries/{library}").removeprefix("/l/{library}")
        while found := re.search(r"\{(\w+)(:path)?\}", path):
            key = re.sub(r"[{}]", "", _names(route.path, path, found))
            assert key in self.things, f"{route.method} {route.path}: say in `_things` what Main has at {key}"
            path = path[: found.start()] + str(self.things[key]) + path[found.end() :]
        before = route.path[: len(route.path) - len(route.path.split("{library}", 1)[-1])] if route.at_a_library else ""
        return before.replace("{library}", library) + path

    def asks(self, who: str, route: Route, library: str = "MAIN", *, csrf: str | None = None, **how: Any) -> Any:
        token, known = self._people[who]
        client = TestClient(self.app, follow_redirects=False, cookies={"ill": token} if token else {})
        if route.method == "POST":
            how |= {"json": {}} if route.is_api else {"data": {"at": NOON, "csrf": known if csrf is None else csrf}}
        return client.request(route.method, self.address(route, library), **how)

    def stays(self) -> dict[str, list[Any]]:
        """All that stands in the database, but for who was seen when."""
        with self.stage.db.engine.connect() as connection:
            names = set(sa.inspect(connection).get_table_names()) - {"sign_in", "sqlite_sequence"}
            return {n: sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{n}"'))) for n in sorted(names)}


def _names(whole: str, rest: str, found: re.Match[str]) -> str:
    """Up to a name: that name, and those before it, as they are written in the route."""
    end = whole.index("{" + found[1])
    before = whole[:end].removeprefix("/api/v1/libraries/{library}").removeprefix("/l/{library}")
    return before + found[1]


@pytest.fixture(scope="module")
def house(set_template, tmp_path_factory) -> Iterator[House]:
    """A request of each side at Main, with slips, mails and work that was done."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "ill.db").write_bytes(set_template.read_bytes())
    stage = Stage(f"sqlite:///{folder / 'ill.db'}", folder, set_up=False)
    stage.borrows(ask=("HILL",))
    stage.lends().does("print_slip")
    yield House(stage)
    stage.db.engine.dispose()


def is_refused(answer: Any, how: str) -> bool:
    to = urlsplit(answer.headers.get("location", "")).path
    match how:
        case "signs in first":
            return answer.status_code == 303 and to == "/sign-in"
        case "takes a password first":
            return answer.status_code == 303 and to == "/account"
        case _:
            return answer.status_code == 403


def test_the_lists_name_what_there_is(house):
    """A route that went leaves no hole behind in the lists."""
    there = {(route.method, route.path) for route in routes_of(house.app)}
    assert set(PUBLIC) <= there
    assert {path for _method, path in there if not path.startswith(("/l/", "/api/", "/flower/"))} == {
        *OWN, *(path for _method, path in PUBLIC if not path.startswith("/api/"))
    }  # fmt: skip
    assert sum(route.for_managers for route in house.routes) >= 20
    assert len(house.routes) > 100


@pytest.mark.parametrize(("who", "how"), STRANGERS.items())
def test_strangers_see_and_do_nothing(house, who, how):
    before = house.stays()
    wrong = []
    for route in house.routes:
        if route.is_api or (how != "signs in first" and not route.at_a_library):
            continue
        answer = house.asks(who, route)
        if not is_refused(answer, how):
            wrong.append(f"{route.method} {route.path}: {answer.status_code} {answer.headers.get('location', '')}")
    assert wrong == []
    assert house.stays() == before


def test_flower_is_for_whoever_works_anywhere(house):
    for route in (route for route in house.routes if route.path.startswith("/flower/")):
        assert house.asks("somebody without a grant", route).status_code == 403
        assert is_refused(house.asks("somebody with a password to be changed", route), "takes a password first")
        assert house.asks("operator", route).status_code in (404, 503), "it is not set up here"


def test_operators_are_refused_what_is_for_managers(house):
    before = house.stays()
    answers = {route: house.asks("operator", route) for route in house.routes if route.for_managers}
    assert {route.below: a.status_code for route, a in answers.items() if a.status_code != 403} == {}
    assert house.stays() == before


def test_a_list_of_partners_is_taken_in_from_managers_alone(house):
    before = house.stays()
    token, csrf = house._people["operator"]
    client = TestClient(house.app, follow_redirects=False, cookies={"ill": token})
    assert client.post("/l/MAIN/lists/partners", data={"csrf": csrf}).status_code == 403
    assert house.stays() == before


def test_what_changes_something_comes_from_a_page_of_the_session(house):
    before = house.stays()
    changing = [r for r in house.routes if r.method == "POST" and not r.is_api and not r.path.startswith("/flower")]
    for route in changing:
        for how in ({"csrf": ""}, {"csrf": house._people["operator"][1]}):
            assert house.asks("manager", route, **how).status_code == 403, route
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            assert house.asks("manager", route, headers=headers).status_code == 403, route
    assert house.stays() == before
    assert house.asks("manager", Route("GET", "/account")).status_code == 200, "and nobody was signed out"


def test_what_is_anothers_is_not_there_at_ones_own_library(house):
    """Its number in an address of one's own library opens nothing."""
    before = house.stays()
    numbers = re.compile(r"\{(number|slip|effect|event_id|slip_id)\}")
    found = 0
    for route in house.routes:
        if route.path.startswith("/l/") and numbers.search(route.path):
            found += 1
            answer = house.asks("a manager of another library", route, "RIV")
            if route.path in ANSWERED_AT_THE_TABLE:
                assert "undone" not in answer.text
                continue
            assert answer.status_code == 404, f"{route.method} {route.path}: {answer.status_code}"
    assert found > 25
    assert house.stays() == before


@pytest.mark.long
@pytest.mark.parametrize("who", ["nobody", "somebody without a grant", "operator"])
def test_by_no_other_method_is_there_anything(house, who):
    """HEAD, OPTIONS, PUT and the like."""
    before = house.stays()
    known: dict[str, set[str]] = {}
    for route in house.routes:
        known.setdefault(route.path, set()).add(route.method)
    for path, methods in known.items():
        for method in sorted(set(METHODS) - methods):
            if path.startswith("/flower/") and who == "operator":
                continue  # a page of Flower goes by GET, whatever it is called
            answer = house.asks(who, Route(method, path))
            assert answer.status_code in (303, 401, 403, 404, 405, 415), f"{method} {path}: {answer.status_code}"
            assert answer.status_code != 303 or answer.headers["location"].startswith("/sign-in"), f"{method} {path}"
    assert house.stays() == before


@pytest.mark.parametrize(
    "library",
    ["main", "Main", "MAIN%20", "%20MAIN", "MAIN%00", "MAIN%2f", "MAIN%2f..%2fRIV", "RIV%2f..%2fMAIN", "..%2fMAIN",
     "MAIN;", "MAIN%3f", "*", "%25", "ＭＡＩＮ", "%4DAIN", "./MAIN", "/MAIN", "RIV/../MAIN", "MAIN/", "RIV,MAIN"],
)  # fmt: skip
def test_a_library_goes_by_its_code_alone(house, library):
    token, _csrf = house._people["a manager of another library"]
    client = TestClient(house.app, follow_redirects=False, cookies={"ill": token})
    for path in (
        "today",
        "lending",
        "lending.csv",
        "settings",
        "accounts",
        f"requests/{house.things['/requests/number']}",
    ):
        answer = client.get(f"/l/{library}/{path}")
        assert answer.status_code in (403, 404, 422), f"{library}/{path}: {answer.status_code}"


# The API


def test_the_api_opens_nothing_without_a_token(house):
    before = house.stays()
    for route in (route for route in house.routes if route.is_api):
        for who in ("nobody", "manager"):
            assert house.asks(who, route).status_code == 401, f"a cookie is no token: {route}"
    assert house.stays() == before


def test_a_token_opens_no_other_library_and_no_page(house):
    with house.stage.db.writing() as session:
        kiosk = accounts.add_account(session, "kiosk", system=True)
        accounts.grant(session, kiosk, libraries.find_library(session, "RIV").id, "manager")
        _token, shown = tokens.add_token(session, kiosk, "all", scope="manage")
    says = {"Authorization": f"Bearer {shown}"}
    before = _but_tokens(house.stays())
    for route in house.routes:
        if route.at_a_library and route.is_api:
            answer = house.asks("nobody", route, headers=says)
            assert answer.status_code == 403, f"{route}: {answer.status_code}"
            if "{number}" in route.path or "{slip}" in route.path:
                answer = house.asks("nobody", route, "RIV", headers=says)
                assert answer.status_code in (404, 415, 422), f"{route}: {answer.status_code}"
        elif not route.is_api:
            assert is_refused(house.asks("nobody", route, headers=says), "signs in first"), route
    assert _but_tokens(house.stays()) == before


def _but_tokens(stays: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """That a token was used is noted."""
    return {name: rows for name, rows in stays.items() if name != "token"}


# Every row of both tables

TRIGGERS = [
    pytest.param(lifecycle, trigger, id=f"{lifecycle.name}-{trigger}")
    for lifecycle in (LENDING, BORROWING)
    for trigger in dict.fromkeys(row.trigger for row in lifecycle.actions)
]


@pytest.fixture(scope="module")
def halves(house) -> dict[str, int]:
    with house.stage.db.reading() as session:
        main = libraries.find_library(session, "MAIN").id
        rows = sa.select(Request.side, sa.func.min(Request.id)).where(Request.library_id == main).group_by(Request.side)
        return dict(session.execute(rows).tuples().all())


@pytest.mark.long
def test_strangers_pull_no_row(house, halves):
    """Each row of both tables, its form and the deed, by page, by API, and for many at once."""
    before = house.stays()
    for lifecycle in (LENDING, BORROWING):
        for trigger in dict.fromkeys(row.trigger for row in lifecycle.actions):
            house.things["/requests/number"] = halves[lifecycle.name]
            house.things["/requests/number/actions/trigger"] = trigger
            for who, how in STRANGERS.items():
                for method in ("GET", "POST"):
                    answer = house.asks(who, Route(method, "/l/{library}/requests/{number}/actions/{trigger}"))
                    assert is_refused(answer, how), f"{who}: {method} {trigger}: {answer.status_code}"
            there = house.asks(
                "a manager of another library", Route("POST", "/l/{library}/requests/{number}/actions/{trigger}"), "RIV"
            )
            assert there.status_code == 404, trigger
    assert house.stays() == before


@pytest.mark.long
@pytest.mark.parametrize(("lifecycle", "trigger"), TRIGGERS)
def test_a_row_is_pulled_by_whom_its_table_names(house, halves, lifecycle, trigger):
    """In each state in which only managers may: the operator's page says so, and nothing is done."""
    number = halves[lifecycle.name]
    house.things["/requests/number"], house.things["/requests/number/actions/trigger"] = number, trigger
    pull = Route("POST", "/l/{library}/requests/{number}/actions/{trigger}")
    rows = [row for row in lifecycle.actions if row.trigger == trigger]
    if not any({STAFF, MANAGER} & set(row.by) for row in rows):
        before = house.stays()
        refused = (404, 409, 422)  # 422: it is what a partner says, and nobody said how it came
        assert house.asks("manager", pull).status_code in refused, "it is for the clock, the engine or a partner"
        assert house.stays() == before
        return
    for state in lifecycle.sources(rows[0]):
        here = [row for row in rows if state in lifecycle.sources(row)]
        if any(STAFF in row.by for row in here) or not any(MANAGER in row.by for row in here):
            continue
        with house.stage.db.writing() as session:
            session.execute(sa.update(Request).where(Request.id == number).values(state=state))
        before = house.stays()
        answer = house.asks("operator", pull)
        told = any(PARTNER in row.by for row in here)
        assert answer.status_code in ((403, 409, 422) if told else (403, 409)), f"{state}: {answer.status_code}"
        assert "manager" in answer.text or (told and "told_by" in answer.text)
        assert house.stays() == before


# Those who may: last, since it changes things


@pytest.mark.long
@pytest.mark.parametrize("who", ["operator", "manager"])
def test_whoever_works_there_is_refused_nothing_else(house, who):
    wrong = []
    for route in house.routes:
        if route.is_api or route.path in OWN or (who == "operator" and route.for_managers):
            continue
        with house.stage.db.writing() as session:
            name = f"{who}-MAIN"
            house._people[who] = house._session(session, name)
        answer = house.asks(who, route)
        if answer.status_code in (401, 403) or answer.headers.get("location", "").startswith("/sign-in"):
            wrong.append(f"{route.method} {route.path}: {answer.status_code}")
    assert wrong == []


# That the test can fail


def test_a_page_that_somebody_forgot_to_protect_is_noticed(house):
    app = make_app(house.stage.services, passwords=CHEAP)

    @app.get("/l/{library}/everything")
    def everything(library: str) -> str:
        return "everything"

    route = Route("GET", "/l/{library}/everything")
    assert route in list(routes_of(app))
    assert route not in house.routes
    answer = TestClient(app).get("/l/MAIN/everything")
    assert not is_refused(answer, "signs in first")


def test_accounts_are_those_of_the_test(house):
    with house.stage.db.reading() as session:
        names = set(session.scalars(sa.select(Account.name)))
    assert {"spare", "closed", "ended", "fresh", "nobody"} <= names
