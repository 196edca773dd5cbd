"""The conversation with a partner in a browser: opened by keyboard, readable on a phone, without a finding of axe."""

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import PatronInfo
from tests.browser.test_one_request import at, press
from tests.plugins.speaking import system_of


def spoken(stage):
    """A request of Hilltop's system, something that it said wrong, and a stranger."""
    hilltop = system_of(stage)
    hilltop.asks("H-1", patronInfo=PatronInfo(surname="Jones"))
    hilltop.posts(write(hilltop.action("Cancel"), Edition.Y2017).replace(b">Cancel<", b">" + b"Dance" * 40 + b"<"))
    hilltop.code = "wrong"
    hilltop.asks("H-2")
    return stage.request("MAIN", "H-1")


def test_what_went_over_the_wire_is_opened_and_read(office, axe):
    lent = spoken(office.stage)
    for width, dark, locale in ((1280, False, "en"), (390, True, "de")):
        page = office("operator", "MAIN", width=width, dark=dark, locale=locale)
        page.goto(at(lent))
        if locale == "en":
            press(page, page.locator("details.wire summary").first.text_content().strip())
            assert "<surname>•••</surname>" in page.locator("pre").first.inner_text()
        page.evaluate("document.querySelectorAll('details.wire').forEach(each => { each.open = true })")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing stands outside"
        for path in ("", "?whose=nobody", "/1"):
            page.goto(f"/l/MAIN/operations/calls{path}")
            assert axe(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
