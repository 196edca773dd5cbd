"""A library with 100,000 requests waits for no page: whatever a page asks the database for is found by an index."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ill_workflow.requests.models import Request
from ill_workflow.requests.worklists import DUES, SORTS
from tests.plugins.many import NOW, fill
from tests.plugins.plans import faults, watching
from tests.plugins.stage import BOTH, Stage, set_the_stage
from tests.plugins.walk import pages_of

pytestmark = pytest.mark.long

#: Lists as they are asked for in different ways. All other pages are looked at as they are.
PAGES = (
    "/l/MAIN/today",
    "/l/MAIN/today?whose=mine",
    "/l/MAIN/lending",
    "/l/MAIN/borrowing",
    *(f"/l/MAIN/lending?status=any&sort={sort}" for sort in SORTS),
    *(f"/l/MAIN/borrowing?status=any&sort={sort}&down=yes" for sort in SORTS),
    *(f"/l/MAIN/lending?due={due}" for due in DUES),
    *(f"/l/MAIN/lending?partner=P130&status=any&sort={sort}" for sort in SORTS),
    *(f"/l/MAIN/lending?assigned={whose}" for whose in ("me", "nobody", "somebody")),
    "/l/MAIN/lending?assigned=me&status=any",
    "/l/MAIN/lending?attention=yes",
    "/l/MAIN/borrowing?attention=yes&status=any",
    "/l/MAIN/lending?printed=no",
    "/l/MAIN/lending?printed=yes&status=CLOSED",
    "/l/MAIN/lending?location=Level+2",
    "/l/MAIN/lending?q=XPX-100777",
    "/l/MAIN/lending?q=pride&status=any",
    "/l/MAIN/lending?q=pride+prejudice+river&status=any&sort=title",
    "/l/MAIN/lending?q=p&status=any",
    "/l/MAIN/find?q=emma+austen",
    "/l/MAIN/lending?status=completed&sort=title&after=500.night",
    "/l/MAIN/lending?status=any&sort=due&after=70000.2024-06-01",
    "/l/MAIN/lending?status=any&sort=age&before=50000.0",
)
#: Pages with a number or a name in their address.
NUMBERED = (
    "/l/MAIN/requests/777", "/l/MAIN/requests/778", "/l/MAIN/requests/777/actions/mark_lost", "/l/MAIN/partners/130",
    "/l/MAIN/accounts/1", "/l/MAIN/letters/sent/1", "/l/MAIN/letters/slips", "/l/MAIN/borrowing/new?like=779",
    "/l/MAIN/new/patron?patron=21234000000017",
    "/l/MAIN/new/duplicates?patron=21234000000017&title=Emma&isbn=9780000000777",
)  # fmt: skip
#: Codes that are scanned: a reference, an item, a partner's id, a patron's card, and what nobody has.
CODES = ("XPX-100777", "31234000000501", "R-901", "21234000000017", "nobody's", "ILL-UNDO")
#: What is done on the pages, with a request of that half in that state: an action, a note, what was seen, many at once.
DEEDS = (
    ("lending", "new", "/requests/{number}/actions/print_slip", {}),
    ("lending", "new", "/requests/{number}/actions/reject", {"reason": "NotOnShelf"}),
    ("borrowing", "request_sent", "/requests/{number}/actions/cancel", {"reason": "NotNeeded"}),
    ("borrowing", "on_loan", "/requests/{number}/notes", {"note": "Look again.", "to": "staff"}),
    ("borrowing", "completed", "/today/seen/{number}", {"at": "2026-02-02T12:00:00+00:00"}),
    ("lending", "new", "/lending/bulk", {"which": "all", "filter": "?status=lost", "trigger": "assign", "key": "k"}),
    ("lending", "new", "/lending/bulk/begin", {"trigger": "assign", "in-to": "manager-MAIN", "key": "k"}),
    ("lending", "new", "/bulk/1/on", {}),
)
#: What holds all there is, because that is what it is for.
WHOLE = (".csv",)


def plain_pages(app) -> list[str]:
    """Every page of the application that has nothing but the library in its address."""
    known = [route.replace("{library}", "MAIN") for route in pages_of(app)]
    return [address for address in known if "{" not in address and not address.endswith(WHOLE)]


def a_request(stage: Stage, side: str, state: str) -> int:
    with stage.db.engine.connect() as connection:
        mine = sa.select(sa.func.min(Request.id)).where(Request.side == side, Request.state == state)
        return int(connection.scalar(mine) or 0)


@pytest.fixture(params=BOTH)
def years(request: pytest.FixtureRequest, tmp_path_factory):
    """A stage over a database that holds years of work."""
    folder = tmp_path_factory.mktemp("years")
    server = None
    if request.param == "sqlite":
        url = f"sqlite:///{folder / 'ill.db'}"
    else:
        server = request.getfixturevalue("postgresql")
        url = server.create_database()
    set_the_stage(url)
    fill(url)
    stage = Stage(url, folder / "data", now=NOW, set_up=False)
    yield stage
    stage.db.engine.dispose()
    if server:
        server.drop_database(url)


def test_no_page_reads_a_large_table_or_sorts_much(years, visiting):
    console = visiting(years)
    ann = console("manager")
    found = {(side, state): a_request(years, side, state) for side, state, _below, _fields in DEEDS}
    with watching(years.db.engine) as watch:
        pages = [address for address in plain_pages(console.app) if not address.startswith("/iso18626")]  # takes calls
        for address in (*PAGES, *NUMBERED, *pages):
            watch.page = address
            answer = ann.get(address)
            assert answer.status_code in (200, 303, 404, 422), f"{address}: {answer.status_code}"
        for code in CODES:
            watch.page = f"a scan of {code}"
            assert ann.submit("/l/MAIN/scan", code=code).status_code == 200, code
        for side, state, below, fields in DEEDS:
            number = found[side, state]
            watch.page = f"POST {below}"
            answer = ann.submit(f"/l/MAIN{below.format(number=number)}", request=[number], **fields)
            assert answer.status_code in (200, 303), f"{below}: {answer.status_code} {answer.text[-3000:]}"
    assert len(watch.seen) > 400

    assert "\n\n".join(faults(years.db.engine, watch)) == ""


def test_the_look_finds_a_statement_that_has_no_index(quick_stage):
    """It has to be able to fail."""
    fill(str(quick_stage.db.engine.url), requests=3000)
    with watching(quick_stage.db.engine) as watch, quick_stage.db.reading() as session:
        watch.page = "/slow"
        session.execute(sa.text("SELECT id FROM request WHERE call_number = 'PR1' ORDER BY title"))

    assert "reads all of a large table" in faults(quick_stage.db.engine, watch)[0]
