"""Draws the screenshots of the README from a busy morning at Main: Today, one request, and Scan In Items."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.plugins.browser import Office, launch
from tests.plugins.busy import make_busy, this_morning
from tests.plugins.stage import Stage, set_the_stage

DOCS = Path(__file__).parent
WIDTH, HEIGHT = 1280, 800
#: So few that a picture stays small; text on a calm ground needs no more.
COLOURS = 64


def draw_screens() -> None:
    """Three pictures beside this file."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        url = f"sqlite:///{folder / 'ill.db'}"
        set_the_stage(url)
        stage = Stage(url, folder, set_up=False)
        make_busy(stage)
        stage.clock.turn(this_morning())
        browser = launch(playwright, folder)
        office = Office(browser, stage)
        for name, show in SCREENS.items():
            page = office("operator", width=WIDTH, viewport={"width": WIDTH, "height": HEIGHT})
            show(page)
            page.screenshot(path=folder / name)
            _fewer_colours(folder / name, DOCS / name)
        office.close()
        browser.close()
        stage.db.engine.dispose()


def today(page: Page) -> None:
    page.goto("/l/MAIN/today")


def one_request(page: Page) -> None:
    """A loan whose borrower wants to keep it."""
    page.goto("/l/MAIN/lending?status=renewal_requested")
    page.locator("tbody th a").first.click()
    page.wait_for_load_state("networkidle")


def scan_in(page: Page) -> None:
    """What arrives is scanned: the answer says where it goes."""
    page.goto("/l/MAIN/scan")
    question = page.get_by_role("heading", name="Look it over")
    for code, state in (("XPX-1014", "visible"), ("ILL-YES", "detached")):
        page.get_by_label("Scan or type a code").fill(code)
        page.keyboard.press("Enter")
        question.wait_for(state=state)
    page.wait_for_load_state("networkidle")


SCREENS: dict[str, Callable[[Page], None]] = {
    "today.png": today, "request.png": one_request, "scan.png": scan_in,
}  # fmt: skip


def _fewer_colours(drawn: Path, kept: Path) -> None:
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(kept, optimize=True)


if __name__ == "__main__":
    draw_screens()
