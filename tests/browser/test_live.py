"""Two people at two browsers: what one does the other sees, with no page loaded and nothing lost of what they type."""

from playwright.sync_api import expect

from ill_workflow.signing_in import end_all
from ill_workflow.web import live


def test_two_people_on_one_request(office, monkeypatch):
    monkeypatch.setattr(live, "STEPPED_OUT", 0.5)
    loan = office.stage.lends()
    ann, max_ = office("operator"), office("manager")
    page = f"/l/MAIN/requests/{loan.id}"
    ann.goto(page)
    expect(ann.locator("#live")).to_have_text("")

    max_.goto(page)

    expect(ann.get_by_text("manager-MAIN is looking at this request too.")).to_be_visible()
    expect(max_.get_by_text("operator-MAIN is looking at this request too.")).to_be_visible()

    ann.get_by_label("Write a note").press_sequentially("The patron calls")
    loan.does("print_slip", by="manager")

    told = ann.locator('[data-note="news"]')
    expect(told).to_have_text(f"manager-MAIN: Print Slip. {loan.reference} is now Being Processed.")
    expect(ann.locator("#request")).to_have_attribute("data-version", str(loan.version))
    expect(ann.get_by_role("heading", level=1)).to_contain_text("Being Processed")
    ann.keyboard.type(" at noon")
    expect(ann.get_by_label("Write a note")).to_have_value("The patron calls at noon")
    ann.get_by_role("button", name="Keep it here").click()
    expect(ann.locator("#notes")).to_contain_text("The patron calls at noon")
    expect(max_.locator("#notes")).to_contain_text("The patron calls at noon")

    max_.close()
    expect(ann.get_by_text("is looking at this request too.")).to_be_hidden()


def test_who_has_a_dialog_open_is_told_in_it_and_finds_the_way_back(office):
    loan = office.stage.lends()
    ann = office("operator")
    ann.goto(f"/l/MAIN/requests/{loan.id}")
    ann.get_by_role("link", name="Ship Item").click()
    dialog = ann.get_by_role("dialog")
    dialog.get_by_label("Item barcode").fill("312")

    loan.does("print_slip", by="manager")

    expect(dialog.get_by_role("status")).to_contain_text("manager-MAIN: Print Slip.")
    expect(ann.locator("#request")).to_have_attribute("data-version", str(loan.version))
    expect(dialog.get_by_label("Item barcode")).to_have_value("312")
    expect(dialog.get_by_label("Item barcode")).to_be_focused()
    ann.keyboard.press("Escape")
    expect(ann.get_by_role("link", name="Ship Item")).to_be_focused()
    expect(ann.get_by_role("main").locator('[data-note="news"]')).to_be_visible()


def test_what_was_chosen_in_a_list_stays_chosen_while_others_work_on_it(office):
    first, second = office.stage.lends(partner_id="1"), office.stage.lends(partner_id="2")
    ann = office("operator")
    ann.goto("/l/MAIN/lending")
    ann.get_by_label(f"Choose {first.reference}").check()

    second.does("print_slip", by="manager")
    third = office.stage.lends(partner_id="3")

    expect(ann.locator(f'[data-request="{second.id}"]')).to_contain_text("Being Processed")
    expect(ann.locator(f'[data-request="{third.id}"]')).to_contain_text(third.reference)
    expect(ann.get_by_label(f"Choose {first.reference}")).to_be_checked()
    expect(ann.get_by_label(f"Choose {first.reference}")).to_be_focused()


def test_a_page_that_nobody_looked_at_catches_up(office):
    loan = office.stage.lends()
    ann, max_ = office("operator"), office("manager")
    for page in (ann, max_):
        page.goto(f"/l/MAIN/requests/{loan.id}")
    in_sight(ann, False)
    loan.does("print_slip")
    expect(max_.get_by_role("heading", level=1)).to_contain_text("Being Processed")
    expect(ann.get_by_role("heading", level=1)).to_contain_text("New")

    in_sight(ann, True)

    expect(ann.get_by_role("heading", level=1)).to_contain_text("Being Processed")


def test_a_page_without_a_network_says_so_and_catches_up(office):
    loan = office.stage.lends()
    ann = office("operator")
    ann.goto(f"/l/MAIN/requests/{loan.id}")
    ann.context.set_offline(True)
    loan.does("print_slip")
    ann.context.set_offline(False)
    expect(ann.get_by_role("heading", level=1)).to_contain_text("Being Processed")
    office.troubles.clear()  # that there was no network is the story


def test_where_nothing_may_be_listened_to_the_page_asks(office):
    loan = office.stage.lends()
    ann = office("operator")
    ann.route("**/live?*", lambda route: route.fulfill(status=403, body="not through here"))
    ann.clock.install()
    ann.goto(f"/l/MAIN/requests/{loan.id}")
    ann.clock.run_for(1000)
    loan.does("print_slip")
    ann.clock.run_for(15_000)
    expect(ann.locator('[data-note="news"]')).to_contain_text("Print Slip")
    ann.clock.run_for(3_000)
    expect(ann.get_by_role("heading", level=1)).to_contain_text("Being Processed")
    office.troubles.clear()


def test_who_was_signed_out_is_told_and_keeps_what_they_typed(office):
    loan = office.stage.lends()
    ann = office("operator")
    ann.goto(f"/l/MAIN/requests/{loan.id}")
    ann.get_by_label("Write a note").fill("Half a note")
    with office.stage.db.writing() as session:
        end_all(session, office.stage.account(session, "operator", "MAIN"))

    expect(ann.locator('[data-note="gone"]')).to_contain_text("You are signed out here.")

    expect(ann.get_by_label("Write a note")).to_have_value("Half a note")
    ann.get_by_role("link", name="Sign in").click()
    ann.wait_for_url("**/sign-in?next=**")


def test_a_page_on_which_one_was_signed_out_before_it_listened_says_so(office):
    ann = office("operator")
    ann.goto("/l/MAIN/today")
    in_sight(ann, False)
    ann.context.clear_cookies()

    in_sight(ann, True)

    expect(ann.locator('[data-note="gone"]')).to_contain_text("You are signed out here.")


def test_operations_and_what_is_told_keep_nobody_out(office, axe):
    loan = office.stage.lends()
    ann, max_ = office("operator", dark=True), office("manager")
    ann.goto(f"/l/MAIN/requests/{loan.id}")
    max_.goto(f"/l/MAIN/requests/{loan.id}")
    expect(ann.get_by_text("manager-MAIN is looking at this request too.")).to_be_visible()
    loan.does("print_slip", by="manager")
    expect(ann.locator('[data-note="news"]')).to_be_visible()
    assert axe(ann) == []
    max_.goto("/l/MAIN/operations")
    assert axe(max_) == []


def in_sight(page, seen):
    page.evaluate(
        """seen => {
            Object.defineProperty(document, "hidden", { value: !seen, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        seen,
    )
