"""Lending Requests and Borrowing Requests in a browser: what is in the list, in which order, and how it is found."""

import csv
import io
import itertools
from datetime import date

import pytest

from ill_workflow.libraries import find_library
from ill_workflow.partners import find_partner
from ill_workflow.requests import intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request
from ill_workflow.requests.worklists import SORTS, Filter, Place, page_of

pytestmark = pytest.mark.long


@pytest.fixture
def office(quick_stage, visiting):
    return visiting(quick_stage)


@pytest.fixture
def office_on_both(bare_stage, visiting):
    return visiting(bare_stage)


def listed(page, address: str) -> list[str]:
    """The references in a list, from top to bottom."""
    return [link.text for link in page.tree(address).xpath("//table[@data-keys]//th[@scope='row']/a")]


def titles(page, address: str) -> list[str]:
    return [t.text_content() for t in page.tree(address).xpath("//table[@data-keys]//td[@data-label='Title']/bdi[1]")]


def test_what_is_under_way_is_listed_by_due_date_and_what_is_over_is_not(quick_stage, office):
    later = quick_stage.lends(title="Later")
    later.does("ship", condition_checked=True, item_barcode="1", due_date="2026-05-01")
    sooner = quick_stage.lends(title="Sooner")
    sooner.does("ship", condition_checked=True, item_barcode="2", due_date="2026-04-01")
    waiting = quick_stage.lends(title="Waiting")
    gone = quick_stage.lends(title="Gone")
    gone.does("reject", reason="NotOnShelf")

    ann = office("operator")

    assert listed(ann, "/l/MAIN/lending") == [sooner.reference, later.reference, waiting.reference]
    assert listed(ann, "/l/MAIN/lending?status=CLOSED") == [gone.reference]
    assert listed(ann, "/l/MAIN/lending?status=any&sort=title") == [
        gone.reference, later.reference, sooner.reference, waiting.reference,
    ]  # fmt: skip
    assert listed(ann, "/l/MAIN/lending?sort=title&down=yes") == [
        waiting.reference, sooner.reference, later.reference,
    ]  # fmt: skip


def test_overdue_is_a_view_of_its_own_the_longest_first(quick_stage, office):
    for barcode, title, due in (("1", "Short", "2026-02-20"), ("2", "Long", "2026-02-10"), ("3", "Fine", "2026-06-01")):
        quick_stage.lends(title=title).does("ship", condition_checked=True, item_barcode=barcode, due_date=due)
    quick_stage.waits_until("2026-02-25")
    ann = office("operator")

    view = next(a for a in ann.tree("/l/MAIN/lending").xpath("//nav[@class='tabs']//a") if a.text == "Overdue")

    assert titles(ann, view.get("href")) == ["Long", "Short"]
    assert ann.tree(view.get("href")).xpath("//nav[@class='tabs']//a[@aria-current]/text()") == ["Overdue"]


KNOWN = (
    "ÜBERFAHRT", "uberf", "sebald", "oneill", "neill", "978-0-14-143951-8", "0141439513", "31THE-1", "1Z-77", "hilltop",
    "HILL", "R-77", "r77 über",
)  # fmt: skip


def test_a_request_is_found_by_whatever_is_known_of_it(office_on_both, bare_stage):
    found = bare_stage.lends(
        title="Die Überfahrt, by O’Neill", author="Sebald, W. G.", isbn="9780141439518", to="HILL", partner_id="R-77"
    )
    found.does("ship", condition_checked=True, item_barcode="31THE1", tracking="1Z77")
    bare_stage.lends(title="Another", author="", isbn="", to="RIV", partner_id="")
    ann = office_on_both("operator")

    assert [typed for typed in KNOWN if listed(ann, f"/l/MAIN/lending?q={typed}") != [found.reference]] == []


def test_words_have_to_fit_all_of_them(office_on_both, bare_stage):
    both = bare_stage.lends(title="Night and Day")
    bare_stage.lends(title="Night Train")
    ann = office_on_both("operator")

    assert listed(ann, "/l/MAIN/lending?q=day+nig") == [both.reference]
    assert "No request fits" in ann.text("/l/MAIN/lending?q=nothing+like+it")
    assert "No request fits" in ann.text("/l/MAIN/lending?q=%25")


def test_a_mended_title_is_found_by_its_new_words_and_a_partner_by_both_its_names(office_on_both, bare_stage):
    loan = bare_stage.lends(title="Emna", to="HILL")
    loan.does("amend", changes={"title": "Emma"})
    bare_stage.changes("MAIN", "HILL", name="Åkermark College")
    ann = office_on_both("operator")

    assert listed(ann, "/l/MAIN/lending?q=emma") == [loan.reference]
    assert listed(ann, "/l/MAIN/lending?q=emna") == []
    assert listed(ann, "/l/MAIN/lending?q=akermark") == listed(ann, "/l/MAIN/lending?q=hilltop") == [loan.reference]


def test_a_borrowed_book_is_found_by_its_patron_and_by_each_lender_that_was_asked(office_on_both, bare_stage):
    loan = bare_stage.borrows(ask=("HILL", "RIV"))
    loan.hears("Unfilled")
    ann = office_on_both("operator")
    with bare_stage.db.reading() as session:
        patron = session.get_one(Request, loan.id).patron

    assert listed(ann, f"/l/MAIN/borrowing?q={patron.barcode}") == [loan.reference]
    assert listed(ann, f"/l/MAIN/borrowing?q={loan.wire_id}") == [loan.reference]
    assert listed(ann, "/l/MAIN/borrowing?q=hilltop") == listed(ann, "/l/MAIN/borrowing?q=riverside")


def test_a_page_is_followed_by_the_next_whatever_comes_in_between(office_on_both, bare_stage, monkeypatch):
    monkeypatch.setattr("ill_workflow.requests.worklists.PAGE", 5)
    with bare_stage.db.writing() as session:
        account, main = bare_stage.account(session, "operator", "MAIN"), find_library(session, "MAIN")
        hill = find_partner(session, main.id, "HILL")
        for number in range(12):
            fields = {"title": f"Book {number:03}"}
            intake.lend(session, main, hill, fields, by=By.staff(account), clock=bare_stage.clock)
    ann = office_on_both("operator")
    numbered = [f"Book {number:03}" for number in range(12)]

    second = ann.tree("/l/MAIN/lending?sort=title").xpath("//a[@rel='next']/@href")[0]
    bare_stage.lends(title="Book 000 and a half")

    assert titles(ann, "/l/MAIN/lending?sort=title")[:3] == ["Book 000", "Book 000 and a half", "Book 001"]
    assert titles(ann, second) == numbered[5:10]
    assert titles(ann, ann.tree(second).xpath("//a[@rel='prev']/@href")[0]) == ["Book 000 and a half", *numbered[1:5]]
    last = ann.tree(second).xpath("//a[@rel='next']/@href")[0]
    assert titles(ann, last) == numbered[10:]
    assert ann.tree(last).xpath("//a[@rel='next']") == []


def test_pages_in_any_order_show_each_request_once(bare_stage, monkeypatch):
    monkeypatch.setattr("ill_workflow.requests.worklists.PAGE", 2)
    for number in range(3):
        bare_stage.lends(title=f"Book {number % 2}", to=("HILL", "RIV")[number % 2])
        shipped = bare_stage.lends(title="B")
        shipped.does("ship", condition_checked=True, item_barcode=str(number), due_date="2026-05-01")
    bare_stage.lends(title="Gone").does("reject", reason="NotOnShelf")

    for sort, down in itertools.product(SORTS, (False, True)):
        with bare_stage.db.reading() as session:
            place = Place(find_library(session, "MAIN"), "lending", date(2026, 2, 2))
            pages = _all_pages(session, place, Filter(states=("any",), sort=sort, descending=down))
        seen = [number for page in pages for number in page]
        assert len(seen) == len(set(seen)) == 7, (sort, down)
        if sort == "age":
            assert seen == sorted(seen, reverse=down)


def _all_pages(session, place, wanted) -> list[list[int]]:
    """Forward to the last page; and on the way back each is what it was."""
    pages, cursors, after = [], [], ""
    while True:
        page = page_of(session, place, wanted, after=after)
        pages.append([row.number for row in page.rows])
        cursors.append(page.before)
        if not page.after:
            break
        after = page.after
    for number in range(len(pages) - 1, 0, -1):
        before = page_of(session, place, wanted, before=cursors[number])
        assert [row.number for row in before.rows] == pages[number - 1]
    return pages


def test_filters_are_in_the_address_and_each_can_be_taken_away(quick_stage, office):
    mine = quick_stage.lends(title="Mine", to="HILL")
    quick_stage.lends(title="Other", to="RIV")
    ann = office("operator")

    page = ann.tree("/l/MAIN/lending?partner=HILL&status=new&due=none&printed=no&assigned=nobody")

    assert listed(ann, "/l/MAIN/lending?partner=HILL&status=new&due=none&printed=no&assigned=nobody") == [
        mine.reference
    ]
    chips = {chip.xpath("string(bdi)"): chip.get("href") for chip in page.xpath("//a[contains(@class,'chip')]")}
    assert list(chips) == ["New", "Hilltop College", "No due date", "Slip not printed", "Assigned to nobody"]
    assert len(listed(ann, chips["Hilltop College"])) == 2
    assert "printed=no" not in chips["Slip not printed"]
    assert "partner=HILL" in chips["Slip not printed"]


WRONG = (
    "sort=shelf", "status=asleep", "due=never", "after=x", "after=17.not-a-day", "partner=NOBODY", "q=" + "x" * 300,
    "assigned=her", "after=99999999999999999999999.2026-01-01", "location=%00",
)  # fmt: skip


def test_what_cannot_be_asked_for_is_said_beside_the_list(quick_stage, office):
    quick_stage.lends(title="Still there")
    ann = office("operator")
    for query in WRONG:
        answer = ann.get(f"/l/MAIN/lending?{query}")
        assert (answer.status_code, "Still there" in answer.text) == (422, True), query


def test_a_list_shows_the_requests_of_its_library_alone(quick_stage, office):
    ours = quick_stage.lends(title="Ours")
    assert listed(office("operator", "RIV"), "/l/RIV/lending?status=any") == []
    assert listed(office("operator"), "/l/MAIN/lending") == [ours.reference]
    assert office("operator", "RIV").get("/l/MAIN/lending").status_code == 403


def test_a_downloaded_list_holds_what_fits_and_no_formula(quick_stage, office):
    quick_stage.lends(title="=HYPERLINK(1)", author="@sum", to="HILL")
    quick_stage.lends(title="Plain", to="RIV")
    answer = office("operator").get("/l/MAIN/lending.csv?sort=title&partner=HILL")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert [(row["title"], row["author"], row["state"]) for row in rows] == [("'=HYPERLINK(1)", "'@sum", "New")]
    assert office("operator").get("/l/MAIN/lending.csv?sort=shelf").status_code == 422


def test_one_field_finds_a_request_in_both_halves(quick_stage, office):
    lent, borrowed = quick_stage.lends(title="Emma"), quick_stage.borrows(title="Persuasion")
    ann = office("operator")

    assert ann.get("/l/MAIN/find?q=persuas").headers["location"] == f"/l/MAIN/requests/{borrowed.id}"
    assert lent.reference in ann.text("/l/MAIN/find?q=austen")
    assert "No request fits" in ann.text("/l/MAIN/find?q=zzz")
