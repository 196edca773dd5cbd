"""Lists as files in the browser: tried first, every bad line named, the good ones taken."""

import base64
import csv
import io
import zlib

import pytest
import sqlalchemy as sa
from lxml import html

from ill_workflow.partners import Partner
from ill_workflow.requests.models import Request

PAGE = "/l/MAIN/lists"
GOOD = "code,name,email,terms.loan_days\nLAKE,Lake College,ill@lake.example,21\nHILL,Hilltop University,,14\n"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def hands_in(page, content, kind="partners", **more):
    data = content.encode() if isinstance(content, str) else content
    return page.submit(f"{PAGE}/{kind}", files={"file": ("list.csv", data, "text/csv")}, **more)


def text_of(answer):
    return " ".join(html.fromstring(answer.text).text_content().split())


def names(stage):
    with stage.db.reading() as session:
        return dict(session.execute(sa.select(Partner.code, Partner.name).where(Partner.library_id == 1)).all())


def count(stage):
    with stage.db.reading() as session:
        return session.scalar(sa.select(sa.func.count(Request.id)))


def test_a_file_is_tried_and_then_taken_without_being_chosen_again(stage, manager):
    before = names(stage)
    tried = hands_in(manager, GOOD + "bad one,x,,\nPOND,Pond,nobody,many\n")
    assert tried.status_code == 200
    said = text_of(tried)
    assert "1 taken, 1 changed, 2 refused. Nothing was taken yet." in said
    assert "HILL: name, terms" in said
    wrong = [row.xpath(".//text()") for row in html.fromstring(tried.text).xpath("//table[.//th='Column']/tbody/tr")]
    assert ["5", "terms.loan_days"] in [row[:2] for row in wrong]
    assert "5" in wrong[-1]
    assert names(stage) == before

    form = html.fromstring(tried.text).xpath("//form[.//input[@name='carried']]")[0]
    taken = manager.submit(f"{PAGE}/partners", **{k: v for k, v in form.form_values() if k != "csrf"})
    assert "1 taken, 1 changed, 2 refused." in text_of(taken)
    assert names(stage) == {**before, "LAKE": "Lake College", "HILL": "Hilltop University"}
    (rejects,) = html.fromstring(taken.text).xpath("//a[@download='refused.csv']/@href")
    refused = list(csv.DictReader(io.StringIO(base64.b64decode(rejects.split(",")[1]).decode("utf-8-sig"))))
    assert [line["code"] for line in refused] == ["bad one", "POND"]
    assert "is not an e-mail address" in refused[1]["reason"]


WRITTEN = {
    "semicolons": GOOD.replace(",", ";"), "tabs": GOOD.replace(",", "\t"), "excel": "\ufeff" + GOOD,
    "windows": GOOD.replace("\n", "\r\n"), "unicode text": GOOD.encode("utf-16"),
    "sep": "sep=;\r\n" + GOOD.replace(",", ";"),
}  # fmt: skip


@pytest.mark.long
def test_files_are_read_as_spreadsheets_write_them(stage, manager):
    for kind, content in WRITTEN.items():
        assert "1 taken, 1 changed." in text_of(hands_in(manager, content)), kind
    hands_in(manager, WRITTEN["unicode text"], step="take")
    assert names(stage)["LAKE"] == "Lake College"


NO_LISTS = (
    (b"", "Choose a file first.|The file is empty."),
    (b"PK\x03\x04xlsx", "This is a workbook"),
    ("name\nLake\n", "The column code is missing"),
    ("code,nam\nL,Lake\n", "Is it name?"),
    (b"code,name\nL,B\xfccher\n", "not UTF-8"),
    (b"\x00\x01\x02", "NUL byte"),
    ("code,name\n" + "L,Lake\n" * 3000, "More than 2000 lines"),
    (b"x" * (5 * 1024 * 1024 + 1), "too large"),
)


def test_what_is_no_list_is_refused_at_the_file(stage, manager):
    before = names(stage)
    for content, sentence in NO_LISTS:
        answer = hands_in(manager, content)
        assert answer.status_code == 422, sentence
        (said,) = html.fromstring(answer.text).xpath("//p[@id='e-partners']/text()")
        assert any(part in said for part in sentence.split("|")), said
    assert names(stage) == before


@pytest.mark.long
def test_what_a_form_carries_is_no_bomb(stage, manager):
    bomb = base64.b64encode(zlib.compress(b"x" * 20_000_000)).decode()
    answer = manager.submit(f"{PAGE}/partners", step="take", carried=bomb)
    assert (answer.status_code, "too large" in answer.text) == (422, True)
    for nonsense in ("####", base64.b64encode(b"no zip").decode()):
        answer = manager.submit(f"{PAGE}/partners", step="take", carried=nonsense)
        assert (answer.status_code, "Choose the file again." in answer.text) == (422, True)


@pytest.mark.long
def test_requests_come_in_once_and_go_out_again(stage, manager, visiting):
    operator = visiting(stage)("operator")
    text = 'title,patron,partners,side\nEmma,2123,HILL,\n,2123,HILL,\n"=1+1",2124,RIV,\nWalden,,HILL,lending\n'
    tried = hands_in(operator, text, "requests", send="yes")
    assert "3 taken, 1 refused." in text_of(tried)
    assert count(stage) == 0
    hands_in(operator, text, "requests", step="take", send="yes")
    assert "3 already there, 1 refused." in text_of(hands_in(operator, text, "requests", step="take"))
    stage.work()

    out = operator.get(f"{PAGE}/requests.csv?side=borrowing")
    assert out.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(out.text.removeprefix("\ufeff"))))
    assert [(r["title"], r["state"]) for r in rows] == [("Emma", "request_sent"), ("'=1+1", "request_sent")]
    assert "patron_name" not in rows[0]
    assert "patron_name" in operator.get(f"{PAGE}/requests.csv?with_patrons=yes").text
    before = count(stage)
    again = hands_in(operator, out.content, "requests", step="take")
    assert (text_of(again).count("2 already there."), count(stage)) == (1, before)
    assert operator.get(f"{PAGE}/requests.csv?state=nowhere").status_code == 422
    assert operator.get(f"{PAGE}/requests.csv?since=soon").status_code == 422


@pytest.mark.long
def test_partners_go_out_as_they_come_in(stage, manager):
    out = manager.get(f"{PAGE}/partners.csv")
    assert "attachment" in out.headers["content-disposition"]
    assert "2 already there." in text_of(hands_in(manager, out.content, step="take"))
    for kind, what in (("partners", "1 changed."), ("requests", "1 taken.")):
        template = manager.get(f"{PAGE}/{kind}-template.csv")
        assert what in text_of(hands_in(manager, template.content.replace(b"RIV;HILL", b"HILL"), kind))
    assert manager.get(f"{PAGE}/accounts-template.csv").status_code == 404


@pytest.mark.long
def test_only_a_manager_imports_partners_and_only_here(stage, visiting):
    operator, other = visiting(stage)("operator"), visiting(stage)("manager", "RIV")
    before = names(stage)
    assert hands_in(operator, GOOD, step="take").status_code == 403
    assert hands_in(other, GOOD, step="take").status_code == 403
    assert other.get(f"{PAGE}/partners.csv").status_code == 403
    assert other.get(f"{PAGE}/requests.csv").status_code == 403
    assert names(stage) == before


@pytest.mark.long
def test_more_than_anybody_hands_in_is_not_read(stage, manager):
    huge = manager.client.post(f"{PAGE}/partners", content=b"x", headers={"content-length": str(10**10)})
    assert huge.status_code == 413

    def endless():
        for _ in range(40):
            yield b"x" * 1024 * 1024

    kind = {"content-type": "multipart/form-data; boundary=b", "x-csrf": manager.csrf}
    assert manager.client.post(f"{PAGE}/partners", content=endless(), headers=kind).status_code in (400, 413)
