"""Every page can be used by keyboard alone: all is reached, one sees where one is, and nothing traps."""

import pytest
from playwright.sync_api import expect

#: What Tab should come to: each control that is shown, of radio buttons with one name only one.
REACHABLE = """() => {
  const groups = new Set();
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  return [...document.querySelectorAll(all)]
    .filter(e => e.checkVisibility() && e.tabIndex >= 0 && !e.disabled)
    .filter(e => e.type !== "radio" || (!groups.has(e.name) && groups.add(e.name)))
    .map(e => { e.dataset.walked = "no"; return e; }).length }"""
#: Where one is now: whether it shows, and whether something that sticks to an edge lies over it.
HERE = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getClientRects()[0];
  if (e === document.body) return null;
  if (e.type === "radio") document.getElementsByName(e.name).forEach(one => { one.dataset.walked = "yes"; });
  e.dataset.walked = "yes";
  const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.y + box.height / 2, 1), innerHeight - 1);
  const top = document.elementFromPoint(x, y);
  const seen = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none";
  const free = e.contains(top) || [...(e.labels ?? [])].some(label => label.contains(top));
  return {what: e.outerHTML.slice(0, 120), seen, free} }"""
LEFT = """() => [...document.querySelectorAll("[data-walked=no]")].map(e => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(
    ("address", "size"),
    [("today", (1280, 900)), ("lending", (320, 256)), ("requests/3", (1280, 900)), ("scan", (1280, 900)),
     ("borrowing/new", (640, 450))],
)  # fmt: skip
def test_all_of_a_page_is_reached_by_tab(busy_stage, offices, address, size):
    """Also where it is zoomed in to twice or four times its size."""
    page = offices(busy_stage)("manager", viewport={"width": size[0], "height": size[1]})
    page.goto(f"/l/MAIN/{address}")
    number = page.evaluate(REACHABLE)
    assert number > 10
    page.evaluate("document.activeElement.blur()")

    hidden, rounds = [], 0
    for _ in range(number * 3):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None:  # past the last, and on from the first: a page may begin in its middle
            rounds += 1
            if rounds == 2:
                break
            continue
        if not (here["seen"] and here["free"]):
            hidden.append(here)

    assert hidden == []
    assert page.evaluate(LEFT) == []


def test_the_first_stop_leads_over_all_that_is_the_same_on_every_page(busy_stage, offices):
    page = offices(busy_stage)("operator")
    page.goto("/l/MAIN/today")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_be_focused()


def test_a_menu_opens_and_closes_by_keyboard_and_one_stays_where_one_was(busy_stage, offices):
    page = offices(busy_stage)("manager")
    page.goto("/l/MAIN/today")
    menu = page.locator("summary").get_by_text("Manage", exact=True)

    menu.press("Enter")
    expect(page.get_by_role("link", name="Partners")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="Partners")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_list_on_paper_is_the_list_alone(busy_stage, offices):
    page = offices(busy_stage)("operator", dark=True)
    page.goto("/l/MAIN/lending")
    page.emulate_media(media="print")

    assert page.locator("table").is_visible()
    page.set_viewport_size({"width": 640, "height": 900})  # as wide as a sheet
    assert page.locator("tbody tr").first.evaluate("e => getComputedStyle(e).display") == "table-row"
    assert page.get_by_role("heading", level=1).is_visible()
    assert [page.locator(what).first.is_visible() for what in ("header.site", ".toolbar", "button")] == [False] * 3
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_somebody_reads_the_console_in_german(busy_stage, offices):
    page = offices(busy_stage)("operator", locale="de-DE")
    page.goto("/l/MAIN/today")
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.get_by_role("heading", level=1).text_content() == "Heute"

    page.locator("summary", has_text="Ann Operator").click()
    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
