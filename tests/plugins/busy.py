"""A busy morning at Main: loans in many states on both sides, for whoever looks at pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow.accounts import Account
from ill_workflow.demo import world
from ill_workflow.iso18626.masking import mask
from ill_workflow.messages.exchanges import remember_exchange
from ill_workflow.requests.by import SYSTEM
from ill_workflow.requests.models import Event
from tests.plugins.loans import Loan, begin
from tests.plugins.stage import START, Stage

TODAY = "2026-02-09"
PEOPLE = {"operator-MAIN": "Ann Operator", "manager-MAIN": "Max Manager", "operator-RIV": "Rita Operator"}
#: What happens before today: the book, how the other library is met, and the steps. The lender is always the one that
#: isn't us where it says "we borrow".
WE_LEND = (
    (world.ELIOT, "to a mail reader", ("ships",), "2026-02-05"),
    (world.STOKER, "to a mail reader", ("ships", "receives"), "2026-02-05"),
    (world.BRONTE, "to a mail reader", ("ships", "receives", "asks to renew"), "2026-02-12"),
    (world.EMMA, "to a mail reader", ("ships", "receives"), "2026-02-09"),
    (world.AUSTEN, "to a mail reader", ("ships", "receives", "sends back"), "2026-02-20"),
    (world.MELVILLE, "to a mail reader", ("ships", "receives", "says that it is lost"), "2026-02-20"),
    (world.THOREAU, "to a mail reader", ("ships", "receives", "sends back", "has it back"), "2026-02-20"),
)
WE_BORROW = (
    (world.CORMEN, "branches", ("ships", "receives", "out"), "2026-02-05"),
    (world.TOLSTOY, "branches", ("ships", "receives"), "2026-02-27"),
    (world.AUSTEN, "branches", ("ships", "receives", "out", "asks to renew"), "2026-02-13"),
    (world.BRONTE, "from a mail reader", ("ships", "receives", "out", "says that it is lost"), "2026-02-26"),
    (world.CAO, "branches", ("ships", "receives", "out", "back"), "2026-02-26"),
    (world.THOREAU, "branches", ("ships", "receives", "out", "back", "sends back", "has it back"), "2026-02-26"),
)
THIS_MORNING = (
    (world.ELIOT, "branches", ("ships",)),
    (world.STOKER, "from a mail reader", ("sets a condition",)),
    (world.MELVILLE, "from a mail reader", ("refuses",)),
    (world.EMMA, "branches", ("promises",)),
    (world.NIGHTS, "branches", ("offers a retry",)),
    (world.CORMEN, "to a mail reader", ("prints the slip",)),
    (world.TOLSTOY, "to a mail reader", ("sets a condition",)),
    (world.CAO, "to a mail reader", ("promises",)),
    (world.NIGHTS, "to a mail reader", ("calls it off",)),
    (world.ARTICLE, "to a mail reader", ()),
    (world.BRONTE, "to a mail reader", ()),
    (world.AUSTEN, "to a mail reader", ("refuses",)),
)


def make_busy(stage: Stage) -> None:
    """Go through a week at Main, up to this morning."""
    loans = [_begun(stage, *each) for each in (*WE_LEND, *WE_BORROW)]
    stage.waits_until(TODAY)
    loans += [_begun(stage, *each) for each in THIS_MORNING]
    begin(stage, "branches", send=False, **world.MELVILLE)
    flagged = begin(stage, "branches", send=False, **world.ARTICLE)
    flagged.loan.happens("flag_for_review", SYSTEM, problems="It has no patron.")
    for it in loans[:2]:
        it.lent.notes("The spine is loose: handle with care.")
    with stage.db.writing() as session:
        partner = stage.partner("MAIN", "HILL")
        remember_exchange(
            session, incoming=True,
            said=b"<m><requestingAgencyMessage><action>Received</action></requestingAgencyMessage></m>",
            answered=b"<c><messageStatus>OK</messageStatus></c>", at=stage.clock.now(), mask=mask, http_status=200,
            peer="192.0.2.7", took_ms=8, library_id=partner.library_id, partner_id=partner.id,
            request_id=loans[0].lent.id,
        )  # fmt: skip
        for name, full_name in PEOPLE.items():
            session.execute(sa.update(Account).where(Account.name == name).values(full_name=full_name))
            session.execute(sa.update(Event).where(Event.who == name).values(who=full_name))


def _begun(stage: Stage, book: dict[str, str], other: str, steps: tuple[str, ...], due: str = "2026-03-02") -> Loan:
    partner_id = (
        {"partner_id": f"H-{1000 + stage.received + len(steps) + int(book['year'])}"} if "to a" in other else {}
    )
    it = begin(stage, other, **book, **partner_id)
    for step in steps:
        _take(stage, it, step, due)
    return it


def _take(stage: Stage, it: Loan, step: str, due: str) -> None:
    half = it.loan or it.lent
    match step:
        case "ships":
            it.lender("ships", item_barcode=f"3123400{half.id:07}", due_date=due)
        case "out":
            it.at_the_borrower("check_out")
        case "back":
            it.at_the_borrower("patron_return")
        case "says that it is lost" if it.loan:
            it.borrower(step)
        case _ if step in ("receives", "asks to renew", "sends back", "calls it off"):
            it.borrower(step)
        case _:
            it.lender(step)


@pytest.fixture(scope="session")
def busy_template(set_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The busy morning as a SQLite database and the files that go with it, to be copied."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "ill.db").write_bytes(set_template.read_bytes())
    stage = Stage(f"sqlite:///{folder / 'ill.db'}", folder, set_up=False)
    make_busy(stage)
    with stage.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    stage.db.engine.dispose()
    return folder


@pytest.fixture
def busy_stage(busy_template: Path, tmp_path: Path) -> Iterator[Stage]:
    """A busy morning at Main, on a database of one's own; the slips are those of the template."""
    (tmp_path / "ill.db").write_bytes((busy_template / "ill.db").read_bytes())
    stage = Stage(f"sqlite:///{tmp_path / 'ill.db'}", busy_template, now=this_morning(), set_up=False)
    yield stage
    stage.db.engine.dispose()


def this_morning() -> datetime:
    return datetime.combine(date.fromisoformat(TODAY), START.timetz())
