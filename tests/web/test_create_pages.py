"""Create Request: for a patron of ours, and by hand for a partner."""

import threading

import pytest
import sqlalchemy as sa

from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.models import Request
from tests.plugins.stage import Half

pytestmark = pytest.mark.long

CARD = "21234000012345"
BOOK = {"title": "Emma", "author": "Austen, Jane", "isbn": "978-0-14-143958-7"}


@pytest.fixture
def desk(visiting, quick_stage):
    return visiting(quick_stage)("operator", "MAIN")


def requests(stage):
    with stage.db.reading() as session:
        return [Half(stage, number) for number in session.scalars(sa.select(Request.id).order_by(Request.id))]


def hidden(tree, name):
    return tree.xpath(f"//form[@id='create']//input[@name='{name}']/@value")


def errors(answer):
    from lxml import html

    tree = html.fromstring(answer.text)
    links = tree.xpath("//*[@id='summary']//li/a/@href")
    return {link: tree.xpath(f"string(//*[@id='e-{link[3:]}'])") for link in links}, tree


def test_a_request_is_made_and_sent(desk, quick_stage):
    answer = desk.submit(
        "/l/MAIN/borrowing/new", do="send", patron=CARD, patron_name="Ann Reader", patron_email="ann@readers.example",
        rota=["RIV", "HILL"], partner_note="Any edition", **BOOK,
    )  # fmt: skip
    made = requests(quick_stage)[0]
    assert (answer.status_code, answer.headers["location"]) == (303, f"/l/MAIN/requests/{made.id}")
    assert (made.state, made.isbn, made.patron.name, made.partner.code) == (
        "request_sent", "9780141439587", "Ann Reader", "RIV",
    )  # fmt: skip
    assert made.events[0].who == "operator-MAIN"


def test_a_draft_waits(desk, quick_stage):
    desk.submit("/l/MAIN/borrowing/new", do="draft", patron=CARD, rota=["RIV"], **BOOK)
    assert requests(quick_stage)[0].state == "created"


def test_everything_that_is_wrong_is_said_at_once_and_nothing_is_lost(desk, quick_stage):
    answer = desk.submit(
        "/l/MAIN/borrowing/new", do="send", title="", isbn="978-0-14-143951-9", issn="1234-5678", need_by="2020-01-01",
        patron_name="Ann", author="Austen",
    )  # fmt: skip
    wrong, tree = errors(answer)
    assert answer.status_code == 422
    assert set(wrong) == {"#f-title", "#f-need_by", "#f-isbn", "#f-issn", "#f-patron", "#f-rota"}
    assert all(wrong.values())
    assert tree.xpath("//input[@name='author']/@value") == ["Austen"]
    assert tree.xpath("//input[@name='isbn']/@value") == ["978-0-14-143951-9"]
    assert requests(quick_stage) == []


def test_without_anybody_to_ask_it_is_not_sent(desk, quick_stage):
    wrong, _tree = errors(desk.submit("/l/MAIN/borrowing/new", do="send", patron=CARD, **BOOK))
    assert list(wrong) == ["#f-rota"]
    assert requests(quick_stage) == []
    with quick_stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Patron)) == 0, "nor is the patron remembered"


def test_the_same_patron_and_item_is_shown_and_saved_when_confirmed(desk, quick_stage):
    first = quick_stage.borrows(send=False)
    form = {"do": "draft", "patron": CARD, "rota": ["RIV"], "title": "Pride and Prejudice", "key": "k"}
    answer = desk.submit("/l/MAIN/borrowing/new", **form)
    assert answer.status_code == 200
    assert f"/l/MAIN/requests/{first.id}" in answer.text
    assert len(requests(quick_stage)) == 1

    answer = desk.submit("/l/MAIN/borrowing/new", **form, confirmed=str(first.id))

    assert answer.status_code == 303
    assert requests(quick_stage)[1].state == "created", "somebody has looked at it"


def test_a_form_posted_twice_makes_one_request(desk, quick_stage):
    form = {"do": "send", "patron": CARD, "rota": ["RIV"], "key": "abc", **BOOK}
    first, second = (desk.submit("/l/MAIN/borrowing/new", **form) for _time in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(requests(quick_stage)) == 1
    other = desk.submit("/l/MAIN/borrowing/new", **{**form, "title": "Persuasion"})
    assert other.status_code == 422
    assert "saved already as XPX-1001" in other.text
    assert len(requests(quick_stage)) == 1


def test_the_rota_is_made_by_buttons(desk, quick_stage):
    from lxml import html

    def press(do, rota, **more):
        answer = desk.submit("/l/MAIN/borrowing/new", do=do, rota=rota, title="Emma", **more)
        tree = html.fromstring(answer.text)
        assert tree.xpath("//input[@name='title']/@value") == ["Emma"]
        return hidden(tree, "rota")

    assert press("add", [], add_partner="RIV") == ["RIV"]
    assert press("add", ["RIV"], add_partner="HILL") == ["RIV", "HILL"]
    assert press("up:HILL", ["RIV", "HILL"]) == ["HILL", "RIV"]
    assert press("down:HILL", ["HILL", "RIV"]) == ["RIV", "HILL"]
    assert press("up:RIV", ["RIV", "HILL"]) == ["RIV", "HILL"]
    assert press("out:RIV", ["RIV", "HILL"]) == ["HILL"]
    assert press("out:NOBODY", ["HILL"]) == ["HILL"]
    assert press("check", ["HILL"]) == ["HILL"]
    assert requests(quick_stage) == []


def test_a_suspended_partner_is_marked_and_refused(desk, quick_stage):
    quick_stage.changes("MAIN", "RIV", status="suspended")
    answer = desk.submit("/l/MAIN/borrowing/new", do="draft", rota=["RIV"], patron=CARD, **BOOK)
    wrong, _tree = errors(answer)
    assert wrong == {"#f-rota": "RIV is suspended. Choose another partner."}
    assert "Suspended" in answer.text


def test_numbers_and_patrons_are_looked_up_while_they_are_typed(desk, quick_stage):
    quick_stage.borrows()
    assert "not an ISBN" in desk.get("/l/MAIN/new/number?isbn=978-0-14-143951-9").text
    assert desk.get("/l/MAIN/new/number?isbn=978-0-14-143951-8").text.strip() == ""
    assert "not an ISSN" in desk.get("/l/MAIN/new/number?issn=1234-5678").text
    assert "Ann Reader" in desk.get(f"/l/MAIN/new/patron?patron={CARD}").text
    assert "Not known yet" in desk.get("/l/MAIN/new/patron?patron=0").text
    assert "XPX-1001" in desk.get(f"/l/MAIN/new/duplicates?patron={CARD}&title=pride+and+prejudice&isbn=x").text
    assert desk.get(f"/l/MAIN/new/duplicates?patron={CARD}&title=Emma").text.strip() == ""


def test_a_patron_of_another_library_is_not_known_here(desk, quick_stage, visiting):
    quick_stage.borrows(at="RIV", ask=("MAIN",))
    assert "Ann" not in desk.get(f"/l/MAIN/new/patron?patron={CARD}").text


def test_a_discovery_page_fills_the_form_in(desk):
    tree = desk.tree("/l/MAIN/borrowing/new?rft.genre=article&rft.jtitle=Interlending&rft.atitle=Who+pays&patron=212")
    shown = {name: tree.xpath(f"//input[@name='{name}']/@value") for name in ("title", "article_title", "patron")}
    assert shown == {"title": ["Interlending"], "article_title": ["Who pays"], "patron": ["212"]}
    assert tree.xpath("//input[@id='service-copy']/@checked")


def test_another_like_this_one(desk, quick_stage, visiting):
    old = quick_stage.borrows(ask=("HILL", "RIV"), send=False)
    old.does("cancel", reason="no")
    tree = desk.tree(f"/l/MAIN/borrowing/new?like={old.id}")
    assert tree.xpath("//input[@name='title']/@value") == ["Pride and Prejudice"]
    assert (hidden(tree, "rota"), hidden(tree, "like")) == (["HILL", "RIV"], [str(old.id)])
    assert tree.xpath("//input[@name='patron_name']/@value") == ["Ann Reader"]
    desk.submit(
        "/l/MAIN/borrowing/new", do="draft", like=str(old.id), patron=CARD, rota=["HILL"], title="Emma",
        confirmed=str(old.id),
    )  # fmt: skip
    assert requests(quick_stage)[1].follows_id == old.id
    strange = quick_stage.lends(at="RIV")
    for number in (strange.id, 999, "x", "9" * 30, "-1"):
        assert desk.get(f"/l/MAIN/borrowing/new?like={number}").status_code == 404


def test_what_a_partner_asks_by_phone_is_typed_in(desk, quick_stage):
    answer = desk.submit(
        "/l/MAIN/lending/new", do="save", partner="HILL", partner_request_id="H-12", told_by="phone",
        call_number="PR4034", location="Level 2", key="k", **BOOK,
    )  # fmt: skip
    lent = requests(quick_stage)[0]
    assert answer.headers["location"] == f"/l/MAIN/requests/{lent.id}"
    assert (lent.side, lent.state, lent.partner_request_id, lent.call_number) == ("lending", "new", "H-12", "PR4034")
    assert (lent.events[0].told_by, lent.events[0].who) == ("phone", "operator-MAIN")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"partner": ""}, "#f-partner"), ({"partner": "NOBODY"}, "#f-partner"), ({"title": ""}, "#f-title"),
     ({"item_barcode": "x" * 65}, "#f-item_barcode"), ({"told_by": "drum"}, "#f-told_by"),
     ({"partner_request_id": "x" * 300}, "#f-partner_request_id"), ({"title": "a\x00b"}, "#f-title")],
)  # fmt: skip
def test_a_wrong_field_is_named(desk, quick_stage, wrong, field):
    answer = desk.submit("/l/MAIN/lending/new", **{"do": "save", "partner": "HILL", **BOOK, **wrong})
    found, _tree = errors(answer)
    assert (answer.status_code, list(found)) == (422, [field])
    assert requests(quick_stage) == []


def test_hostile_text_is_shown_as_it_is(desk, quick_stage):
    title = "<script>alert(1)</script> {{ 7*7 }} Ümläut 漢字"
    answer = desk.submit("/l/MAIN/borrowing/new", do="check", title=title, rota=['"><b>'], add_partner="<i>")
    assert "<script>alert(1)" not in answer.text
    assert '"><b>' not in answer.text
    desk.submit("/l/MAIN/borrowing/new", do="draft", title=title, patron="2")
    assert requests(quick_stage)[0].title == title


def test_nobody_without_a_grant_creates(quick_stage, visiting):
    stranger = visiting(quick_stage)("operator", "RIV")
    for address in ("/l/MAIN/borrowing/new", "/l/MAIN/lending/new", "/l/MAIN/new/patron?patron=1"):
        assert stranger.get(address).status_code == 403
    assert stranger.submit("/l/MAIN/borrowing/new", do="draft", **BOOK).status_code == 403
    assert requests(quick_stage) == []


def test_a_form_that_is_posted_many_times_at_once_makes_one_request(bare_stage, visiting):
    sit_down = visiting(bare_stage)
    desks = [sit_down("operator", "MAIN") for _time in range(4)]
    gate, found = threading.Barrier(len(desks)), []

    def save(desk):
        gate.wait()
        form = {"do": "send", "patron": CARD, "patron_name": "Ann", "rota": ["RIV"], "key": "abc", **BOOK}
        found.append(desk.submit("/l/MAIN/borrowing/new", **form))

    threads = [threading.Thread(target=save, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert [answer.status_code for answer in found] == [303] * 4
    assert len({answer.headers["location"] for answer in found}) == 1
    assert len(requests(bare_stage)) == 1


@pytest.mark.parametrize(("who", "way"), [("operator", "/l/MAIN/partners"), ("manager", "/l/MAIN/partners/new")])
@pytest.mark.parametrize("side", ["borrowing", "lending"])
def test_where_there_is_no_partner_yet_the_page_says_who_adds_one(visiting, quick_stage, who, way, side):
    with quick_stage.db.writing() as session:
        session.execute(sa.delete(Partner))
    tree = visiting(quick_stage)(who).tree(f"/l/MAIN/{side}/new")
    assert tree.xpath("//form[@id='create']//*[contains(@class, 'note')]/a/@href") == [way]
