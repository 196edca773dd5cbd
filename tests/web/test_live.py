"""What others do is told to the pages that are open: at once, to whoever may see it, and once more after a break."""

import httpx
import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries
from ill_workflow.requests.models import Event
from ill_workflow.requests.news import GIVEN_UP, Lookout
from ill_workflow.signing_in import begin_session, end_all
from ill_workflow.web import live
from ill_workflow.web.app import make_app
from ill_workflow.web.live import BEHIND, CHANGED, PAGES_OF_ONE, RELOAD, Listener, Told
from tests.plugins.browser import Server
from tests.plugins.listening import Listening
from tests.plugins.visiting import CHEAP
from tests.plugins.waiting import eventually

pytestmark = pytest.mark.long


class House:
    """Consoles over one database, and pages that listen to them."""

    def __init__(self, stage):
        self.stage, self.servers, self.pages = stage, [], []
        self.opens()

    def opens(self):
        """One more web process, as far as the database can tell."""
        self.servers.append(Server(make_app(self.stage.services, passwords=CHEAP)))
        return self.servers[-1]

    def signs_in(self, who="operator", at="MAIN"):
        with self.stage.db.writing() as session:
            return begin_session(session, self.stage.account(session, who, at))

    def listens(self, who="operator", at="MAIN", *, server=None, asking="", token=None, **how):
        token = token or self.signs_in(who, at)
        page = Listening((server or self.servers[0]).address, token, f"/l/{at}/live{asking}", **how)
        self.pages.append(page)
        return page

    def ask(self, address, who="operator", at="MAIN"):
        cookies = {"ill": self.signs_in(who, at)}
        return httpx.get(self.servers[0].address + address, cookies=cookies, timeout=120)

    def close(self):
        for page in self.pages:
            page.leaves()
        for server in self.servers:
            server.stop()


@pytest.fixture
def house(quick_stage, monkeypatch):
    monkeypatch.setattr(live, "LOOK", 0.05)
    monkeypatch.setattr(live, "STEPPED_OUT", 0.2)
    found = House(quick_stage)
    yield found
    found.close()


def test_what_happens_at_a_library_is_told_there_and_nowhere_else(house):
    ann, rita = house.listens(), house.listens(at="RIV")

    loan = house.stage.borrows(ask=("HILL",))

    eventually(lambda: ann.heard(loan.reference, loan.reference))
    last = [news for news in ann.of(CHANGED) if news["what"] == "history"][-1]
    assert last["said"] == f"operator-MAIN: Send Request. {loan.reference} is now Request Sent."
    assert (last["request"], last["version"]) == (loan.id, 2)
    theirs = house.stage.lends(at="RIV")
    eventually(lambda: rita.heard(theirs.reference))
    assert ann.heard(loan.reference, loan.reference)


def test_every_console_tells_what_was_done_at_any(house):
    other = house.opens()
    here, there = house.listens(), house.listens("manager", server=other)
    loan = house.stage.borrows(ask=("HILL",), send=False)
    eventually(lambda: here.heard(loan.reference) and there.heard(loan.reference))


def test_when_what_was_promised_is_done_the_page_hears_of_it(house):
    loan = house.stage.lends()
    ann = house.listens()
    work = house.stage.work
    house.stage.work = lambda: None
    loan.does("print_slip")
    eventually(lambda: ann.of(CHANGED))
    work()
    eventually(lambda: [news for news in ann.of(CHANGED) if news["what"] == "work"])
    assert ann.of(CHANGED)[-1]["request"] == loan.id


def test_a_page_that_was_away_hears_what_it_missed(house):
    first, second = house.stage.lends(partner_id="1"), house.stage.lends(partner_id="2")
    since = first.last_event.id
    away, cut_off, new = (
        house.listens(asking=f"?after={since}"),
        house.listens(asking="?after=0", headers={"Last-Event-ID": str(since)}),
        house.listens(asking="?after=0"),
    )
    eventually(lambda: away.heard(second.reference) and cut_off.heard(second.reference))
    eventually(lambda: new.heard(first.reference, second.reference))


def test_a_page_that_missed_too_much_looks_at_everything(house):
    house.stage.lends(partner_id="1")
    restored = house.listens(asking="?after=999999")
    eventually(lambda: restored.of(RELOAD))
    with house.stage.db.writing() as session:
        event = session.scalars(sa.select(Event)).first()
        kept = {c.name: getattr(event, c.name) for c in Event.__table__.columns if c.name not in ("id", "version")}
        session.execute(sa.insert(Event), [{**kept, "version": version} for version in range(10, 600)])
    late = house.listens(asking="?after=1")
    eventually(lambda: late.of(RELOAD))


def test_who_signs_out_or_loses_the_grant_hears_no_more(house):
    ann, max_ = house.listens(), house.listens("manager")
    with house.stage.db.writing() as session:
        end_all(session, house.stage.account(session, "operator", "MAIN"))
    eventually(lambda: ann.ended)
    assert ann.of("gone") == [{}]
    with house.stage.db.writing() as session:
        account = house.stage.account(session, "manager", "MAIN")
        library = accounts.libraries_of(session, account)[0]
        accounts.revoke(session, account, library)
    eventually(lambda: max_.ended)
    assert max_.of("gone") == [{}]


def test_who_may_not_see_it_hears_nothing(house):
    loan = house.stage.lends()
    stranger = house.signs_in("operator", "RIV")
    for address, status in (("/l/MAIN/live", 403), ("/l/MAIN/changes", 403), (f"/l/RIV/live?request={loan.id}", 404),
                            (f"/l/RIV/changes?request={loan.id}", 404), ("/l/RIV/live?request=x", 422),
                            (f"/l/RIV/changes?request={10**30}", 404), (f"/l/RIV/live?request={-1}", 404)):  # fmt: skip
        answer = httpx.get(house.servers[0].address + address, cookies={"ill": stranger}, timeout=120)
        assert answer.status_code == status, address
    assert httpx.get(house.servers[0].address + "/l/MAIN/live").status_code == 303


def test_a_stream_opens_to_whom_it_belongs_and_to_nobody_else(house):
    """Each kind of person at each library, at a server: what is open stays open and is told what happens there."""
    tokens = {(role, at): house.signs_in(role, at) for role in ("operator", "manager") for at in ("MAIN", "RIV")}
    with house.stage.db.writing() as session:
        for name in ("ended", "closed"):
            leaves = accounts.add_account(session, name)
            accounts.grant(session, leaves, libraries.find_library(session, "MAIN").id, "manager")
            tokens[name, ""] = begin_session(session, leaves)
        tokens["nobody", ""] = begin_session(session, accounts.any_account(session, "nobody"))
        end_all(session, accounts.any_account(session, "ended"))
        accounts.change_account(session, "closed", active=False)
    tokens["made up", ""], tokens["", ""] = "A" * 43, "x"

    open_, found = {}, {}
    for (who, of), token in tokens.items():
        for at in ("MAIN", "RIV"):
            page = house.listens(at=at, token=token)
            found[who, of, at] = page.status
            if page.status == 200:
                open_[who, at] = page
    own = {(role, at, at): 200 for role in ("operator", "manager") for at in ("MAIN", "RIV")}
    unknown = {(who, "", at): 401 for who in ("ended", "closed", "made up", "") for at in ("MAIN", "RIV")}
    assert found == {key: own.get(key) or unknown.get(key) or 403 for key in found}

    ours, theirs = house.stage.lends(), house.stage.lends(at="RIV")
    for (_who, at), page in open_.items():
        eventually(lambda page=page, at=at: page.heard((ours if at == "MAIN" else theirs).reference))


def test_two_people_on_one_request_know_of_each_other_also_at_two_consoles(house):
    loan = house.stage.lends()
    other = house.opens()
    ann = house.listens(asking=f"?request={loan.id}")
    max_ = house.listens("manager", server=other, asking=f"?request={loan.id}")

    eventually(lambda: [p["names"] for p in ann.of("present")][-1:] == [["manager-MAIN"]])
    eventually(lambda: [p["names"] for p in max_.of("present")][-1:] == [["operator-MAIN"]])
    assert ann.of("present")[-1]["said"] == "manager-MAIN is looking at this request too."
    asked = house.ask(f"/l/MAIN/changes?request={loan.id}").json()
    assert asked["present"]["names"] == ["manager-MAIN"]
    max_.leaves()
    eventually(lambda: ann.of("present")[-1]["names"] == [])


def test_where_listening_does_not_work_a_page_asks_and_hears_the_same(house):
    first = house.stage.lends(partner_id="1")
    known = house.ask("/l/MAIN/changes?after=0").json()
    assert [news["reference"] for news in known["changed"]] == [first.reference]
    second = house.stage.lends(partner_id="2")
    told = house.ask(f"/l/MAIN/changes?after={first.last_event.id}").json()
    assert [news["reference"] for news in told["changed"]] == [second.reference]
    assert house.ask("/l/MAIN/changes?after=99999999999999999999999").json()["reload"]
    assert house.ask("/l/RIV/changes?after=0", at="RIV").json()["changed"] == []


def test_one_session_does_not_take_all_the_room(house):
    token = house.signs_in()
    for _ in range(PAGES_OF_ONE):
        house.listens(token=token)
    refused = house.listens(token=token)
    assert refused.status == 503
    assert house.listens("manager").status == 200


def test_a_page_that_reads_too_slowly_is_told_to_look_at_everything():
    slow = Listener(1, 1, 1, None)
    for number in range(BEHIND + 1):
        slow.tell(Told(CHANGED, number))
    assert slow.waiting.get_nowait() == Told(RELOAD)
    for number in range(BEHIND - 1):
        slow.tell(Told(CHANGED, number))
    slow.end(Told("gone"))
    assert [slow.waiting.get_nowait(), slow.waiting.get_nowait()] == [Told("gone"), None]


@pytest.mark.postgresql
def test_a_line_that_became_visible_late_is_told_all_the_same(postgresql, tmp_path):
    from tests.plugins.stage import Stage, set_the_stage

    url = postgresql.create_database(template=postgresql.template("stage", set_the_stage))
    stage = Stage(url, tmp_path, set_up=False)
    slow_one, quick_one = stage.lends(partner_id="1"), stage.lends(partner_id="2")
    with stage.db.reading() as session:
        lookout = Lookout(session)

    def look(now):
        with stage.db.reading() as session:
            return [news.reference for news in lookout.look(session, now)]

    def line(half, version):
        kept = {c.name: getattr(half.last_event, c.name) for c in Event.__table__.columns if c.name != "id"}
        return sa.insert(Event).values({**kept, "version": version})

    with stage.db.writing() as late:
        late.execute(line(slow_one, 10))
        with stage.db.writing() as soon:
            soon.execute(line(quick_one, 10))
        assert look(1) == [quick_one.reference]
        assert lookout.cursor < quick_one.last_event.id - 1, "who begins now is told of it as well"
    assert look(2) == [slow_one.reference]
    assert lookout.cursor == quick_one.last_event.id
    with stage.db.writing() as taken_back:
        taken_back.execute(line(slow_one, 11))
        taken_back.rollback()
    with stage.db.writing() as session:
        session.execute(line(quick_one, 12))
    assert look(3) == [quick_one.reference]
    assert look(4 + GIVEN_UP) == []
    assert lookout.cursor == quick_one.last_event.id, "what was taken back is not waited for any longer"
    stage.db.engine.dispose()
    postgresql.drop_database(url)
