"""The demo itself, with workers that are at hand at once, on both databases."""

import pytest

from ill_workflow.accounts import Role, find_account
from ill_workflow.bootstrap import start
from ill_workflow.config import Settings
from ill_workflow.demo import MORNING, TWELVE, Play, make_world
from ill_workflow.libraries import find_library
from ill_workflow.mail.mailer import RememberingMailer
from ill_workflow.requests import due_dates
from ill_workflow.requests.today import today
from tests.plugins import rows
from workers.drain import work_off, work_off_all

pytestmark = pytest.mark.long

#: Every row on the demo's twelve paths.
LENDING_ROWS = {
    "print_slip", "record_availability", "ship", "reject", "partner_received", "partner_requests_renewal", "renew",
    "due_date_passed", "overdue_notice", "partner_returned", "check_in", "mark_lost", "record_payment", "settle",
}  # fmt: skip
BORROWING_ROWS = {
    "submit", "partner_will_supply", "partner_shipped", "mark_in_transit", "receive", "check_out", "request_renewal",
    "partner_renewed", "patron_due_passed", "partner_overdue", "overdue_notice", "patron_return", "ship_back",
    "partner_completed", "partner_cannot_supply", "report_lost", "partner_declared_lost", "record_payment", "settle",
    "partner_informs",
}  # fmt: skip


class AtOnce:
    """A bell that is heard by somebody who works at once."""

    def __init__(self):
        self.services = None

    def ring(self, rung):
        if self.services is not None:
            work_off_all(self.services)

    def health(self):
        return "rings"


def begin(settings, told):
    """A demo that is about to play."""
    make_world(start(settings))
    bell = AtOnce()
    services = start(settings, bell)
    services = bell.services = type(services)(
        settings, services.db, services.clock, RememberingMailer(), bell, services.circulation
    )

    def nudge():
        work = lambda: work_off(services, "schedule_due_date_check")  # noqa: E731
        due_dates.fire_due(services.db, services.clock, work_off=work)

    return Play(services, told.append, nudge)


def test_the_twelve_loans_of_the_demo(database_url, tmp_path):
    told: list[str] = []
    play = begin(Settings(data=tmp_path / "data", database_url=database_url), told)
    services = play.services
    play.all(TWELVE)
    print("\n".join(told))

    assert [story.went_wrong for story in play.stories] == [""] * 12
    pulled = rows.triggers_of(services.db)
    rows.seen |= rows.rows_of(services.db)
    assert {trigger for side, trigger in pulled if side == "lending"} >= LENDING_ROWS
    assert {trigger for side, trigger in pulled if side == "borrowing"} >= BORROWING_ROWS
    report = play.report()["stories"]
    assert [[request["state"] for request in story["requests"]] for story in report] == [
        ["completed", "completed"], ["completed", "completed"], ["completed", "rejected"],
        ["closed_without_return", "closed_without_return"], ["completed", "completed"], ["cancelled", "cancelled"],
        ["completed", "completed"], ["completed", "completed"], ["completed", "completed"], ["delivered", "delivered"],
        ["completed", "completed"], ["completed", "completed"],
    ]  # fmt: skip
    ids = [i for story in report for request in story["requests"] for i in request["message_ids"]]
    assert len(ids) == len(set(ids)) > 20, "each mail has an identity of its own"
    assert any("Война и мир" in mail.subject for mail in services.mailer.mails)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_signs_in_afterwards_finds_work(database_url, tmp_path):
    play = begin(Settings(data=tmp_path / "data", database_url=database_url), [])
    play.all(MORNING)

    assert play.stories[-1].went_wrong == ""
    with play.services.db.reading() as session:
        main, ann = find_library(session, "MAIN"), find_account(session, "ann")
        day = today(session, main, ann, Role.OPERATOR, play.services.clock)
        assert {section.kind.name for section in day.sections} >= {"cancel", "answers", "new", "overdue", "arrivals"}
