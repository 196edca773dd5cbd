"""Many requests at once: each by itself, each with what became of it, and none twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pypdfium2
import pytest
import sqlalchemy as sa
from lxml import html

from ill_workflow.errors import IllError
from ill_workflow.lists import bulk as bulks
from ill_workflow.requests.models import Bulk, BulkLine
from state_machines.declaration import MANAGER, STAFF
from state_machines.lending import LENDING

pytestmark = pytest.mark.long


@pytest.fixture
def office(quick_stage, visiting):
    return visiting(quick_stage)


@pytest.fixture
def office_on_both(bare_stage, visiting):
    return visiting(bare_stage)


def begins(page, trigger: str, *halves, side: str = "lending", key: str = "a key", **fields) -> str:
    """Chosen in a list, filled in, begun: the address of the bulk."""
    answer = page.submit(
        f"/l/MAIN/{side}/bulk/begin", request=[half.id for half in halves], trigger=trigger, key=key,
        **{f"in-{name}": value for name, value in fields.items()},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def works_off(page, address: str) -> None:
    """As a page does it by itself: go on until there is no button any more."""
    for _ in range(20):
        if not page.tree(address).xpath("//form[contains(@action, '/on')]"):
            return
        page.submit(f"{address}/on")
    raise AssertionError("it never ends")


def results(page, address: str) -> list[str]:
    return [" ".join(td.text_content().split()) for td in page.tree(address).xpath("//td[@data-label='Result']")]


def test_three_are_rejected_with_one_reason_and_each_says_what_became_of_it(office_on_both, bare_stage):
    first, gone, third = (bare_stage.lends(title=title) for title in ("First", "Gone", "Third"))
    gone.does("ship", condition_checked=True, item_barcode="1")
    ann = office_on_both("operator")

    asked = ann.submit("/l/MAIN/lending/bulk", request=[first.id, gone.id, third.id], trigger="reject", key="k")
    assert 'name="in-reason"' in asked.text
    assert "3 requests" in asked.text
    address = begins(ann, "reject", first, gone, third, reason="NotOnShelf")
    works_off(ann, address)

    assert (first.state, gone.state, third.state) == ("rejected", "shipped", "rejected")
    done, refused, also = results(ann, address)
    assert [word.split()[0] for word in (done, refused, also)] == ["Done", "Refused", "Done"]
    assert "Shipped" in refused
    assert "3 of 3 done, 1 refused" in ann.text(address)


def test_a_reason_is_wanted_before_anything_is_done(office, quick_stage):
    one = quick_stage.lends(title="One")
    answer = office("operator").submit(
        "/l/MAIN/lending/bulk/begin", request=[one.id], trigger="reject", key="k", **{"in-note": "typed already"}
    )
    assert answer.status_code == 422
    assert "Reject needs: Reason" in answer.text
    assert "typed already" in answer.text
    assert one.state == "new"


def test_many_are_asked_for_in_the_same_words_as_one(office, quick_stage):
    """The same fields, with what may be answered by the names that people know."""
    one = quick_stage.lends(title="One")
    one.does("ship", condition_checked=True, item_barcode="1")
    boss = office("manager")
    asked = html.fromstring(
        boss.submit("/l/MAIN/lending/bulk", request=[one.id], trigger="close", key="k", which="chosen").text
    )
    (choice,) = asked.xpath("//select[@name='in-outcome']")
    assert ("completed", "Completed") in [(o.get("value"), o.text) for o in choice.xpath("option")]
    assert asked.xpath("//label[@for=$id]", id=choice.get("id"))[0].text.strip() == "Outcome"
    alone = boss.tree(f"/l/MAIN/requests/{one.id}/actions/close")
    named = {o.get("value"): o.text for o in alone.xpath("//select[@name='outcome']/option")}
    assert named.items() <= {o.get("value"): o.text for o in choice.xpath("option")}.items()


def test_a_form_that_is_posted_twice_is_one_bulk(office, quick_stage):
    one = quick_stage.lends(title="One")
    ann = office("operator")
    address = begins(ann, "reject", one, reason="NotOnShelf")

    assert begins(ann, "reject", one, reason="NotOnShelf") == address
    works_off(ann, address)
    ann.submit(f"{address}/on")
    assert one.history == ["create", "reject"]


def test_it_goes_on_where_it_stopped(office_on_both, bare_stage, monkeypatch):
    halves = [bare_stage.lends(title=f"Book {number}") for number in range(5)]
    ann = office_on_both("operator")
    address = begins(ann, "reject", *halves, reason="NotOnShelf")
    monkeypatch.setattr("ill_workflow.lists.bulk.AT_ONCE", 2)
    with bare_stage.db.reading() as session:
        bulk = session.scalars(sa.select(Bulk)).one()
        account = bare_stage.account(session, "operator", "MAIN")
    bulks.work_on(bare_stage.db, bare_stage.clock, bulk, account, most=2)

    assert [half.state for half in halves] == ["rejected", "rejected", "new", "new", "new"]
    assert "not finished" in ann.text("/l/MAIN/today")
    assert "2 of 5 done" in ann.text(address)
    works_off(ann, address)
    assert {half.state for half in halves} == {"rejected"}
    assert [half.history for half in halves] == [["create", "reject"]] * 5
    assert "not finished" not in ann.text("/l/MAIN/today")


def test_a_row_and_its_result_are_one_transaction(quick_stage, monkeypatch, office):
    """Whatever breaks between the action and its result takes both back; it is done later, once."""
    one = quick_stage.lends(title="One")
    ann = office("operator")
    address = begins(ann, "reject", one, reason="NotOnShelf")
    real = bulks._act

    def breaks_after_it(*given):
        real(*given)
        raise RuntimeError("the plug is pulled")

    monkeypatch.setattr(bulks, "_act", breaks_after_it)
    with pytest.raises(RuntimeError):
        ann.submit(f"{address}/on")
    assert one.state == "new"
    monkeypatch.setattr(bulks, "_act", real)
    works_off(ann, address)
    assert one.history == ["create", "reject"]


def test_slips_of_many_are_one_file_in_shelf_order(office, quick_stage):
    second = quick_stage.lends(title="Second", location="Level 10", call_number="PR1")
    first = quick_stage.lends(title="First", location="Level 2", call_number="PR2")
    ann = office("operator")

    begun = ann.submit("/l/MAIN/lending/bulk", request=[second.id, first.id], trigger="print_slip", key="k")
    address = begun.headers["location"]
    works_off(ann, address)
    answer = ann.submit(f"{address}/slips")
    pdf = ann.get(answer.headers["location"])

    assert pdf.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(pdf.content) as document:
        pages = [document[n].get_textpage().get_text_range() for n in range(len(document))]
    assert [("First" in page, "Second" in page) for page in pages] == [(True, False), (False, True)]
    assert (first.state, second.state) == ("being_processed", "being_processed")
    listed = ann.tree("/l/MAIN/lending?printed=yes").xpath("//table[@data-keys]/tbody//th/a/text()")
    assert set(listed) == {first.reference, second.reference}


def test_all_that_fit_a_filter_are_given_to_somebody(office, quick_stage):
    mine = [quick_stage.lends(title=f"Book {number}", to="HILL") for number in range(3)]
    other = quick_stage.lends(title="Other", to="RIV")
    boss = office("manager")

    asked = boss.submit(
        "/l/MAIN/lending/bulk", which="all", filter="?partner=HILL", trigger="assign", key="k", request=[other.id]
    )
    assert "3 requests" in asked.text
    works_off(boss, begins(boss, "assign", *mine, to="operator-MAIN"))

    listed = office("operator").tree("/l/MAIN/lending?assigned=me").xpath("//table[@data-keys]/tbody//th/a/text()")
    assert listed == [half.reference for half in mine]
    assert boss.tree("/l/MAIN/lending?assigned=nobody").xpath("//table[@data-keys]/tbody//th/a/text()") == [
        other.reference
    ]


def test_loans_are_renewed_until_a_day_that_has_not_passed(office, quick_stage):
    loan = quick_stage.lends(title="Loan")
    loan.does("ship", condition_checked=True, item_barcode="1", due_date="2026-03-01")
    ann = office("operator")

    past = ann.submit(
        "/l/MAIN/lending/bulk/begin", request=[loan.id], trigger="renew", key="k", **{"in-due_date": "2025-01-01"}
    )
    assert past.status_code == 422
    works_off(ann, begins(ann, "renew", loan, due_date="2026-04-01"))
    assert (loan.state, str(loan.lender_due)) == ("renewed", "2026-04-01")


def test_nobody_works_on_requests_of_another_library(office, quick_stage):
    ours, ann = quick_stage.lends(title="Ours"), office("operator", "RIV")
    answer = ann.submit("/l/RIV/lending/bulk/begin", request=[ours.id], trigger="reject", key="k", **{"in-reason": "x"})
    assert answer.status_code == 422
    address = begins(office("operator"), "reject", ours, reason="x")
    assert ann.get(address.replace("MAIN", "RIV")).status_code == 404
    assert office("manager").get(address).status_code == 404
    assert office("manager").submit(f"{address}/on").status_code == 404
    assert ours.state == "new"


def test_what_is_told_of_one_item_alone_is_not_done_with_many(office, quick_stage):
    one, ann = quick_stage.lends(title="One"), office("operator")
    for trigger in ("ship", "check_in", "amend", "partner_received", "settle", "nonsense", "\x00"):
        answer = ann.submit("/l/MAIN/lending/bulk/begin", request=[one.id], trigger=trigger, key=trigger)
        assert answer.status_code == 422, trigger
    assert ann.submit("/l/MAIN/lending/bulk", trigger="reject", key="k").status_code == 422


def test_what_can_be_done_with_many_is_read_from_the_table():
    states = [state.name for state in LENDING.states]
    for manages, people in ((True, {STAFF, MANAGER}), (False, {STAFF})):
        for row in bulks.in_bulk(LENDING, states, manages=manages):
            assert people & set(row.by)
            assert all(need.type in bulks.SAID_ONCE for need in row.needs if need.required)
    assert {"reject", "print_slip", "renew"} <= {row.trigger for row in bulks.in_bulk(LENDING, states, manages=False)}
    assert "settle" not in {row.trigger for row in bulks.in_bulk(LENDING, states, manages=False)}


def test_two_windows_share_the_work(bare_stage, office_on_both):
    halves = [bare_stage.lends(title=f"Book {number}") for number in range(4)]
    address = begins(office_on_both("operator"), "reject", *halves, reason="NotOnShelf")
    with bare_stage.db.reading() as session:
        bulk = session.scalars(sa.select(Bulk)).one()
        account = bare_stage.account(session, "operator", "MAIN")
    assert address.endswith(str(bulk.id))

    def work(_):
        try:
            bulks.work_on(bare_stage.db, bare_stage.clock, bulk, account)
        except IllError as trouble:
            return trouble

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(3))) == [None] * 3
    with bare_stage.db.reading() as session:
        lines = session.scalars(sa.select(BulkLine)).all()
    assert all(line.sentence and not line.refused for line in lines)
    assert [half.history for half in halves] == [["create", "reject"]] * 4
