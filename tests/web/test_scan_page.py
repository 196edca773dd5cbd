"""Scan In Items as a page: a plain form that asks, answers, and keeps what is still open."""

import re

import pytest
import sqlalchemy as sa
from lxml import html

from ill_workflow.libraries import find_library
from ill_workflow.requests.models import Slip
from tests.plugins.stage import Stage

pytestmark = pytest.mark.long


class Desk:
    """Somebody without a script: each answer is the form for the next code."""

    def __init__(self, page, library="MAIN"):
        self.page, self.address = page, f"/l/{library}/scan"
        self.tree = page.tree(self.address)

    def scans(self, code, **how):
        self.answer = self.page.client.post(self.address, data={**self.state, "code": code}, **how)
        assert self.answer.status_code == 200, self.answer.text
        self.tree = html.fromstring(self.answer.text)
        return self.said

    @property
    def state(self):
        found = {"csrf": self.page.csrf, "left": []}
        for field in self.tree.xpath("//*[@id='scan-state']//input"):
            if field.get("name") == "left":
                found["left"].append(field.get("value"))
            else:
                found[field.get("name")] = field.get("value")
        return found

    @property
    def said(self):
        return " ".join(self.tree.xpath("string(//*[@id='scan-answer'])").split())

    @property
    def kind(self):
        return self.tree.xpath("//*[@id='scan-answer']/@data-kind")[0]

    @property
    def huge(self):
        return self.tree.xpath("string(//*[@class='scan-huge'])").strip()

    @property
    def left(self):
        return [code.text for code in self.tree.xpath("//*[contains(@class, 'scan-left')]//code")]


@pytest.fixture
def desk(visiting, quick_stage: Stage):
    return Desk(visiting(quick_stage)("operator", "MAIN"))


def arriving(stage, **shipped):
    loan = stage.borrows()
    stage.other_half(loan).does("ship", condition_checked=True, item_barcode="312", **shipped)
    return loan


def test_an_arrival_is_looked_over_and_confirmed_with_enter(desk, quick_stage):
    quick_stage.agrees("MAIN", "RIV", renewals=0)
    loan = arriving(quick_stage, due_date="2026-03-20", conditions=["In the library only"])
    said = desk.scans("312")
    assert desk.kind == "asks"
    for words in (
        "Pride and Prejudice",
        "Riverside Library",
        "Mar 20, 2026",
        "In the library only",
        "No renewals",
        "AR 2345",
    ):
        assert words in said
    assert loan.state == "shipped"

    desk.scans("")

    assert (desk.kind, desk.huge, loan.state) == ("done", "AR 2345", "received")
    assert "312" in desk.tree.xpath("string(//*[@id='scan-lists'])")


def test_what_goes_home_shows_where_to_in_huge_type(desk, quick_stage):
    loan = arriving(quick_stage)
    loan.does("receive", condition_checked=True)
    quick_stage.waits_until("2026-02-05")
    said = desk.scans("312")
    assert (desk.huge, "RETURN TO" in said, "Returns" in said) == ("RIV", True, True)


def test_the_form_posted_again_does_nothing_more(desk, quick_stage):
    lent = quick_stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    before = desk.state
    desk.scans("499")
    again = desk.page.client.post(desk.address, data={**before, "code": "499"})
    assert "Scan In" in again.text
    assert lent.history.count("check_in") == 1


def test_what_is_left_stays_on_the_page_until_it_is_done(desk, quick_stage):
    loan = arriving(quick_stage)
    desk.scans("312")
    desk.scans("nobody's")
    assert desk.left == ["312", "nobody's"]
    desk.scans("312")
    assert desk.left == ["nobody's"]
    desk.scans("312")
    assert (desk.kind, loan.state, desk.left) == ("done", "received", ["nobody's"])


def test_undo_stands_beside_each_scan(desk, quick_stage):
    lent = quick_stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="499")
    desk.scans("499")
    address = desk.tree.xpath("//form[@class='scan-undo']/@action")[0]
    answer = desk.page.submit(address, key="u")
    assert answer.status_code == 200
    assert "Taken back" in answer.text
    assert lent.state == "shipped"
    assert "There is no scan of yours" in desk.page.submit(address).text


def test_an_answer_for_the_script_is_a_part_of_the_page(desk, quick_stage):
    quick_stage.lends().does("ship", condition_checked=True, item_barcode="499")
    desk.scans("499", headers={"HX-Request": "true"})
    assert "<html" not in desk.answer.text
    assert desk.kind == "done"


def test_the_slip_is_offered_when_it_is_drawn_and_counts_as_printed(desk, quick_stage):
    loan = arriving(quick_stage)
    desk.scans("312")
    desk.scans("312")
    waiting = desk.tree.xpath("//*[contains(@class, 'scan-slip ')]/@hx-get")[0]
    assert "is being drawn" in desk.page.get(waiting, headers={"HX-Request": "true"}).text
    quick_stage.work()
    drawn = desk.page.get(waiting, headers={"HX-Request": "true"}).text
    assert "Print: Book strap" in drawn.replace("\n", "")
    for _time in range(2):
        pdf = desk.page.submit(waiting)
        assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    with quick_stage.db.reading() as session:
        assert session.scalar(sa.select(Slip.printed_at).where(Slip.request_id == loan.id)) is not None
    desk.scans("ILL-PRINT")
    assert (desk.kind, "Book strap" in desk.said) == ("print", True)


def test_slips_and_scans_of_other_libraries_are_not_there(desk, quick_stage, visiting):
    lent = quick_stage.lends(at="RIV")
    lent.does("print_slip")
    with quick_stage.db.reading() as session:
        number = session.scalar(sa.select(Slip.id).where(Slip.request_id == lent.id))
    assert desk.page.get(f"/l/MAIN/scan/slips/{number}").status_code == 404
    assert desk.page.submit(f"/l/MAIN/scan/slips/{number}").status_code == 404
    assert desk.page.get("/l/RIV/scan").status_code == 403
    assert desk.page.get("/l/MAIN/scan/slips/99999999999999999999").status_code == 404


@pytest.mark.parametrize(
    "question",
    ["x", "[]", "{}", '{"code": 1, "options": [1]}', "[" * 5000, '{"code":"312","options":[["a",{"trigger":"settle"}]],'
     '"wants_item":false,"how":{},"is_checklist":false}', "x" * 30000],
)  # fmt: skip
def test_a_question_that_somebody_made_up_harms_nothing(desk, quick_stage, question):
    loan = arriving(quick_stage)
    answer = desk.page.submit(desk.address, code="312", question=question)
    assert answer.status_code == 200
    assert loan.state == "shipped"


@pytest.mark.parametrize("code", ["<script>alert(1)</script>", "x" * 5000, "a\x00b", "٣١٢", "‮evil", "💣" * 10])
def test_a_hostile_code_is_told_about_and_shown_as_it_is(desk, code):
    desk.scans(code)
    assert desk.kind in ("unknown", "refused")
    assert "<script>alert" not in desk.answer.text


def test_the_control_codes_are_drawn(desk):
    tree = desk.page.tree("/l/MAIN/scan/codes")
    assert tree.xpath("//*[name()='svg']/@aria-label")[:3] == ["ILL-YES", "ILL-NO", "ILL-ONE"]
    widths = tree.xpath("//*[name()='svg']/@width")
    assert all(re.fullmatch(r"\d+\.\d\dmm", width) for width in widths)


def test_fill_and_ship_by_two_scans(visiting, quick_stage):
    with quick_stage.db.writing() as session:
        find_library(session, "MAIN").scan_ships = True
    desk = Desk(visiting(quick_stage)("operator", "MAIN"))
    lent = quick_stage.lends()
    desk.scans(lent.reference)
    assert desk.kind == "asks"
    several = desk.tree.xpath("//*[@id='scan-answer']//a[contains(., 'Several volumes')]/@href")
    assert several == [f"/l/MAIN/requests/{lent.id}/actions/ship"]
    desk.scans("31234")
    assert (desk.huge, lent.state) == ("HIL", "shipped")
