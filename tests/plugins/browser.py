"""People at the console in a real browser: Debian's Chromium, at a real server over the stage's database."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import fontpkg_noto_sans
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Response,
    expect,
    sync_playwright,
)

from ill_workflow.signing_in import begin_session
from ill_workflow.web.app import make_app
from tests.plugins.not_run import wanting
from tests.plugins.stage import Stage
from tests.plugins.visiting import CHEAP
from tests.plugins.waiting import LONGEST, eventually

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
#: Where pictures and pages of tests that failed are kept.
KEPT = Path(tempfile.gettempdir()) / "ill-browser"
#: What WCAG 2.2 AA asks, and what axe's makers recommend besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The fonts that slips are drawn with, so that pages look alike on every machine.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>{folders}<cachedir>{cache}</cachedir>
<match target="pattern"><edit name="family" mode="append" binding="weak"><string>Noto Sans</string></edit></match>
</fontconfig>"""


class Server:
    """The application on a port of loopback, in a thread."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        eventually(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=120)


class Office:
    """Opens a window for a person: `office("operator", "MAIN")` is a page on which they are signed in.

    Each window is a browser of its own. What no page may do is remembered, and fails the test at its end: an error in
    the console, a request that fails or goes elsewhere, something that the policy of the pages forbids.
    """

    def __init__(self, browser: Browser, stage: Stage) -> None:
        self.stage = stage
        self.app = make_app(stage.services, passwords=CHEAP)
        self.server = Server(self.app)
        self.troubles: list[str] = []
        self.pages: list[Page] = []
        self._browser, self._contexts = browser, list[BrowserContext]()

    def __call__(self, who: str | None, at: str = "MAIN", *, width: int = 1280, dark: bool = False, locale: str = "en",
                 **how: Any) -> Page:  # fmt: skip
        """A page for `who` (None: nobody is signed in yet); `goto("/l/MAIN/today")` is relative to the server."""
        how = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce", **how}
        context = self._browser.new_context(
            base_url=self.server.address, color_scheme="dark" if dark else "light", locale=locale,
            timezone_id="America/Chicago", **how,
        )  # fmt: skip
        context.set_default_timeout(LONGEST * 1000)
        self._contexts.append(context)
        if who is not None:
            context.add_cookies([{"name": "ill", "value": self._signed_in(who, at), "url": self.server.address}])
        self._watch(context)
        return context.new_page()

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self.server.stop()

    def keep(self, name: str) -> Path:
        """Keep what is to be seen of the pages: pictures, and their HTML."""
        folder = KEPT / re.sub(r"[^\w.-]+", "-", name)[-120:]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, page in enumerate(self.pages):
            if not page.is_closed():
                page.screenshot(path=folder / f"{number}.png", full_page=True)
                (folder / f"{number}.html").write_text(f"<!-- {page.url} -->\n{page.content()}", encoding="utf-8")
        return folder

    def _signed_in(self, who: str, at: str) -> str:
        with self.stage.db.writing() as session:
            return begin_session(session, self.stage.account(session, who, at))

    def _watch(self, context: BrowserContext) -> None:
        context.on("page", self._watch_page)
        context.on("request", lambda request: self._is_ours(request.url))
        context.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda wrong: self.troubles.append(f"script error: {wrong.error}"))

    def _watch_page(self, page: Page) -> None:
        self.pages.append(page)

    def _is_ours(self, url: str) -> None:
        there = urlsplit(url)
        if there.scheme not in ("data", "blob", "about") and there.netloc != urlsplit(self.server.address).netloc:
            self.troubles.append(f"a request to {url}")

    def _failed(self, url: str, why: str) -> None:
        if "ERR_ABORTED" not in why:  # who leaves a page ends what it was still loading
            self.troubles.append(f"{url} failed: {why}")

    def _answered(self, response: Response) -> None:
        asked_for = response.request.resource_type in ("document", "fetch", "xhr", "eventsource")
        if response.status >= 500 or (response.status >= 400 and not asked_for):
            self.troubles.append(f"{response.url} was answered with {response.status}")

    def _said(self, message: ConsoleMessage) -> None:
        # That a page was refused is the story of some tests; what failed beyond that is seen at its answer.
        refused = message.text.startswith("Failed to load resource") or "Response Status Error Code 4" in message.text
        if message.type in ("error", "warning") and not refused:
            self.troubles.append(f"console: {message.text}")


def program() -> str | None:
    """The browser of this machine."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def launch(playwright: Playwright, folder: Path) -> Browser:
    """Start it, with the fonts of the slips alone; `folder` is for what it has to be told of them."""
    environment = {**os.environ, "FONTCONFIG_FILE": str(_fonts(folder))}
    return playwright.chromium.launch(executable_path=program(), args=FLAGS, env=environment, timeout=LONGEST * 1000)


class Findings(Protocol):
    def __call__(self, page: Page, *, rules: Sequence[str] = ()) -> list[str]: ...


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a process."""
    if program() is None:
        wanting("browser", "chromium is not installed")
    expect.set_options(timeout=LONGEST * 1000)
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright, tmp_path_factory.mktemp("fonts"))
        except Error as trouble:
            wanting("browser", str(trouble).splitlines()[0])
        yield browser
        browser.close()


@pytest.fixture
def offices(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[Stage], Office]]:
    """`offices(stage)`: an office over a stage of the test's choice."""
    made: list[Office] = []

    def over(stage: Stage) -> Office:
        made.append(Office(chromium, stage))
        return made[-1]

    yield over
    troubles = [trouble for office in made for trouble in office.troubles]
    if troubles or getattr(request.node, "failed", False):
        for office in made:
            request.node.add_report_section("teardown", "browser", f"kept in {office.keep(request.node.name)}")
    for office in made:
        office.close()
    assert not troubles, "\n".join(dict.fromkeys(troubles))


@pytest.fixture
def office(offices: Callable[[Stage], Office], quick_stage: Stage) -> Office:
    """`office("operator", "MAIN")`: a page of that person, over `quick_stage`."""
    return offices(quick_stage)


@pytest.fixture(scope="session")
def axe() -> Findings:
    """`axe(page)`: what is wrong with the page for those who see, hear or move differently, a line a finding."""
    axe = Axe()

    def findings(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
        only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": RULES}
        options = {"resultTypes": ["violations"], "runOnly": only}
        found = axe.run(page, options=options).response["violations"]
        return [
            f"{urlsplit(page.url).path}: {rule['id']}: {rule['help']}: {node['target']} {node['html'][:200]}"
            for rule in found for node in rule["nodes"]
        ]  # fmt: skip

    return findings


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses a browser is marked so."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if call.when == "call":
        item.failed = report.failed  # type: ignore[attr-defined]
    return report


def _fonts(folder: Path) -> Path:
    here = Path(fontpkg_noto_sans.__file__).parent
    others = ("fontpkg_noto_sans_*", "fontpkg_heebo", "cvttf_NotoSansCJK_Regular")
    packages = [here, *(found for name in others for found in here.parent.glob(name))]
    written = "".join(f"<dir>{package}</dir>" for package in packages)
    (folder / "fonts.conf").write_text(FONTS.format(folders=written, cache=folder / "cache"))
    return folder / "fonts.conf"
