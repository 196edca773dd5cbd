"""A list and what is done with many of it, by keyboard alone; and Today, which others change."""

from __future__ import annotations

from ill_workflow.lists import bulk


def test_many_are_rejected_by_keyboard_and_the_progress_is_seen(office, monkeypatch, axe):
    monkeypatch.setattr(bulk.work_on, "__defaults__", (1,))
    stage = office.stage
    halves = [stage.lends(title=title, partner_id=title) for title in ("First", "Second", "Third")]
    page = office("operator")
    page.goto("/l/MAIN/lending")

    for key in ("j", "x", "j", "j", "x"):
        page.keyboard.press(key)
    assert page.locator("[data-chosen]").text_content() == "(2)"
    assert axe(page) == []
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "f-q"
    page.get_by_label("Do with them").select_option(label="Reject")
    page.get_by_role("button", name="Go on").press("Enter")
    page.get_by_label("Reason").fill("Not on the shelf")
    assert axe(page) == []
    page.keyboard.press("Enter")

    page.get_by_role("status").get_by_text("2 of 2 done").wait_for(state="attached")
    assert page.get_by_text("Done", exact=True).count() == 2
    assert axe(page) == []
    assert [half.state for half in halves] == ["rejected", "new", "rejected"]


def test_what_comes_while_today_is_open_appears_by_itself(office, axe):
    page = office("operator")
    page.goto("/l/MAIN/today")
    assert page.get_by_text("Nothing is waiting.").count() == 1

    new = office.stage.lends(title="Emma")

    page.get_by_role("link", name=new.reference).wait_for()
    assert axe(page) == []
    page.get_by_role("button", name="Print Slip").press("Enter")
    page.wait_for_url("**/l/MAIN/today**")
    page.get_by_role("heading", name="To send").wait_for()
    assert new.state == "being_processed"


def test_no_other_button_comes_under_the_pointer_while_others_work(office):
    stage = office.stage
    some = [stage.lends(title=f"Book {number}", partner_id=f"P-{number}") for number in range(9)]
    page = office("operator", viewport={"width": 1280, "height": 500})
    page.goto("/l/MAIN/today")
    row = page.locator(f'[data-request="{some[-1].id}"]')
    row.get_by_role("button", name="Print Slip").hover()
    before = row.bounding_box()

    some[0].does("reject", reason="OnLoan")
    page.locator(f'[data-request="{some[0].id}"]').wait_for(state="detached")
    late = stage.lends(title="Late", partner_id="P-late")
    page.get_by_role("link", name=late.reference).wait_for()

    assert abs(row.bounding_box()["y"] - before["y"]) < 2
    page.mouse.down()
    page.mouse.up()
    told = page.get_by_role("status").filter(has_text=some[-1].reference)
    told.get_by_text("Print Slip. It is Being Processed now.").wait_for()
    told.get_by_role("button", name="Undo").press("Enter")
    page.get_by_text("Undo Print Slip. It is New now.").wait_for()
    assert [half.state for half in some] == ["rejected", *["new"] * 8]
