"""What holds for every page in a browser, also for one that somebody adds: it keeps nobody out, and fits on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.plugins.walk import walk

#: So many processes may share the pages.
PARTS = 3
#: Besides one page of each kind: a loan that runs late, one that is over, and a form of every kind of field.
MORE = ("/l/MAIN/requests/1", "/l/MAIN/requests/7", "/l/MAIN/requests/1/actions/mark_damaged")
#: What is wider than a small screen, or zoomed in so far that as little is left: by how much, and which element it is.
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest(".scrolls")).map(e => e.outerHTML.slice(0, 120)).slice(0, 3)"""
#: What is too small to be hit, but for links within a text, which the rules leave out.
TOO_SMALL = """() => [...document.querySelectorAll("button, summary, select, input:not([type=hidden]), a[class]")]
  .filter(e => e.checkVisibility() && !e.closest(".visually-hidden, .skip"))
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.height > 1 && (box.height < 24 || box.width < 24))
  .map(([e]) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_keeps_anybody_out(busy_stage, visiting, offices, axe, part):
    console = visiting(busy_stage)
    stops = [stop.address for stop in walk(console.app, console("manager"), each=1) if stop.text]
    stops += [address for address in MORE if address not in stops]
    page = offices(busy_stage)("manager")
    found: list[str] = []
    for address in stops[part::PARTS]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        found += axe(page)
        page.emulate_media(color_scheme="dark")
        found += axe(page, rules=["color-contrast"])
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 320, "height": 640})
        found += [f"{address} is too wide: {element}" for element in page.evaluate(TOO_WIDE)]
        found += [f"{address} is hard to hit: {element}" for element in page.evaluate(TOO_SMALL)]
    assert not found, "\n".join(found)


def test_what_no_link_leads_to_keeps_nobody_out_either(busy_stage, offices, axe):
    office = offices(busy_stage)
    page, stranger = office("manager", dark=True), office(None)
    found: list[str] = []

    stranger.goto("/sign-in")
    stranger.get_by_label("Name").fill("ann")
    stranger.get_by_label("Password").fill("wrong")
    stranger.keyboard.press("Enter")
    stranger.get_by_role("alert").wait_for()
    found += axe(stranger)

    page.goto("/l/MAIN/requests/99999")
    found += axe(page)

    page.goto("/l/MAIN/accounts")
    page.get_by_label("another system").check()
    name = page.get_by_label("Name to sign in with")
    for typed in ("a b", "lms"):
        name.fill(typed)
        page.get_by_role("button", name="Let in").click()
        if typed == "a b":
            page.locator("#e-name").wait_for()
            expect(name, "one begins where it is wrong").to_be_focused()
            found += axe(page)
    page.locator(".secret").wait_for()
    found += axe(page)

    page.goto("/l/MAIN/scan")
    for code, kind in (("nothing of ours", "unknown"), ("31234000000019", "asks"), ("ILL-YES", "done")):
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.locator(f"#scan-answer[data-kind={kind}]").wait_for()
        found += axe(page)
    assert not found, "\n".join(found)
