"""What holds for every page in a browser, also for one that somebody adds: it keeps nobody out, and fits on a phone."""

from __future__ import annotations

import pytest

from tests.plugins.walk import walk

#: So many processes may share the pages.
PARTS = 3
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
    stops = [stop for stop in walk(console.app, console("manager"), each=2) if stop.text]
    page = offices(busy_stage)("manager")
    found: list[str] = []
    for stop in stops[part::PARTS]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(stop.address)
        found += axe(page)
        page.emulate_media(color_scheme="dark")
        found += axe(page, rules=["color-contrast"])
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 320, "height": 640})
        found += [f"{stop.address} is too wide: {element}" for element in page.evaluate(TOO_WIDE)]
        found += [f"{stop.address} is hard to hit: {element}" for element in page.evaluate(TOO_SMALL)]
    assert not found, "\n".join(found)
