"""Loans with a partner over HTTP: our web process and worker, and a mock partner as a process of its own."""

from __future__ import annotations

import sys
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries, partner_secrets, partners
from ill_workflow.clock import machine_now
from ill_workflow.requests import actions, intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request
from tests.plugins.mock_process import MockProcess
from tests.plugins.waiting import eventually
from workers.children import Child
from workers.ports import free_port

pytestmark = [pytest.mark.live, pytest.mark.brokers("valkey")]


class Main:
    """Main's installation, connected with a mock partner. Requests are known by their titles."""

    def __init__(self, installation, folder) -> None:
        self.installation, self.services = installation, installation.services
        self.port = free_port(0)
        self.mock = MockProcess(
            folder, "--peer", f"http://127.0.0.1:{self.port}/iso18626/MAIN", "--peer-agency=MAIN", "--agency=MOCK",
            "--code=from-the-mock", "--expect-code=from-main",
        )  # fmt: skip
        with self.services.db.writing() as session:
            main = libraries.find_library(session, "MAIN")
            wire = {"address": f"{self.mock.address}/iso18626", "plain_http": True}
            # Who does not answer rests for a while, and must not hold up others.
            for code, patience in (("MOCK", 30), ("HUNG", 3), ("HALF", 3)):
                partner = partners.add_partner(
                    session, main.id, code=code, name=code.title(), transport="iso18626",
                    wire={**wire, "patience_seconds": patience},
                )  # fmt: skip
                partner_secrets.set_secret(session, partner, "code", "from-the-mock")
                partner_secrets.set_secret(session, partner, "our_code", "from-main")
        argv = [sys.executable, "-m", "workers.web", f"--port={self.port}"]
        self.web = Child("web", argv, installation.environment, installation.folder / "web.log", restarts=0)
        self.web.start()
        installation.start_worker()
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).status_code < 500
        except httpx.HTTPError:
            return False

    def borrows(self, title: str, partner: str = "MOCK") -> None:
        with self.services.db.writing() as session:
            library = libraries.find_library(session, "MAIN")
            intake.borrow(
                session,
                library,
                {"title": title},
                by=self._ann(session),
                clock=self.services.clock,
                partners=(partner,),
            )
        self.does(title, "submit")

    def does(self, title: str, trigger: str, **inputs: object) -> None:
        with self.services.db.writing() as session:
            request = actions.locked(session, self._find(session, title).id)
            actions.perform(session, request, trigger, by=self._ann(session), clock=self.services.clock, inputs=inputs)

    def is_told(self, title: str, state: str) -> None:
        """Waits until the request is in that state."""
        eventually(lambda: self.state(title) == state)

    def sends_back(self, *titles: str) -> None:
        """Receives what was shipped, and ships it back, until the loans are completed."""
        for title in titles:
            self.is_told(title, "shipped")
            self.does(title, "receive", condition_checked=True)
            self.does(title, "ship_back")
        for title in titles:
            self.is_told(title, "completed")

    def state(self, title: str) -> str:
        with self.services.db.reading() as session:
            request = self._find(session, title)
            return request.state if request else ""

    def number(self, title: str) -> str:
        """The id that the newest request for it has on the wire, as the mock knows it."""
        return [one["request"] for one in self.mock.conversations if one["title"] == title][-1]

    def said_about(self, title: str) -> list[str]:
        """What either side has said, as far as it was confirmed."""
        return self.mock.words(self.number(title))

    def _find(self, session, title):
        newest = sa.select(Request).where(Request.title == title).order_by(Request.id.desc()).limit(1)
        return session.scalar(newest)

    def _ann(self, session):
        return By.staff(accounts.find_account(session, "ann"))

    def end(self) -> None:
        self.mock.kill()
        self.web.kill()


@pytest.fixture
def main(tmp_path, sqlite_template, installed, live_broker):
    database = tmp_path / "ill.db"
    database.write_bytes(sqlite_template.read_bytes())
    installation = installed(f"sqlite:///{database}", live_broker, private_partners=True, retry_base_seconds=0.2)
    found = Main(installation, tmp_path)
    yield found
    found.end()


def test_loans_in_both_directions_over_http(main):
    main.mock.post("/_ask", scenario="borrows_and_renews", title="Mansfield Park")
    main.mock.post("/_ask", scenario="accepts_condition", title="Sanditon")
    main.borrows("HUNG-ONCE: Romola", "HUNG")
    main.borrows("HALF-ONCE: Felix Holt", "HALF")
    _what_we_borrow(main)
    _what_we_lend(main)
    _what_had_to_be_said_again(main)

    main.mock.waits_until_over()
    failed = [one for one in main.mock.log if not one["ok"]]
    code, summed = main.mock.end()
    assert failed == []
    assert code == 0
    assert summed["wrong"] == []


def _what_we_borrow(main: Main) -> None:
    emma, persuasion, middlemarch = "LENDS: Emma", "CONDITION: Persuasion", "RETRY-LATER: Middlemarch"
    marner = "CANCEL-CROSSES: Silas Marner"
    for title in (emma, persuasion, middlemarch, marner):
        main.borrows(title)

    main.is_told(persuasion, "conditional")
    main.does(persuasion, "accept_condition")
    main.is_told(middlemarch, "retry_offered")
    main.does(middlemarch, "retry")
    main.is_told(marner, "will_supply")
    main.does(marner, "cancel", reason="patron_request")
    main.sends_back(emma, persuasion, middlemarch, marner)

    assert main.said_about(emma) == ["Request", "WillSupply", "Loaned", "Received", "ShippedReturn", "LoanCompleted"]
    assert main.said_about(persuasion)[1:4] == ["WillSupply", "Notification conditionAccepted", "WillSupply"]
    assert main.said_about(middlemarch)[:3] == ["Retry", "WillSupply", "Loaned"]
    assert main.said_about(marner)[1:5] == ["WillSupply", "Cancel", "Loaned", "CancelResponse N"]


def _what_had_to_be_said_again(main: Main) -> None:
    main.sends_back("HUNG-ONCE: Romola", "HALF-ONCE: Felix Holt")
    for title, trouble in (("HUNG-ONCE: Romola", "hung"), ("HALF-ONCE: Felix Holt", "half")):
        asked = [one for one in main.mock.log if (one["request"], one["word"]) == (main.number(title), "Request")]
        first, *again = [one["outcome"] for one in asked]
        assert (first, set(again)) == (f"OK; answered {trouble}", {"OK, once more"})
        assert [one["message"] for one in asked] == [asked[0]["message"]] * len(asked)
        assert main.said_about(title).count("Loaned") == 1


def _what_we_lend(main: Main) -> None:
    main.is_told("Mansfield Park", "new")
    main.is_told("Sanditon", "new")
    due = (machine_now() + timedelta(days=30)).date()

    main.does("Sanditon", "add_condition", condition="LibraryUseOnly")
    main.does("Mansfield Park", "ship", condition_checked=True, item_barcode="3123", due_date=due)
    main.is_told("Sanditon", "will_supply")
    main.does("Sanditon", "ship", condition_checked=True, item_barcode="3124", due_date=due)
    main.is_told("Mansfield Park", "renewal_requested")
    main.does("Mansfield Park", "renew", due_date=due + timedelta(days=14))

    for title in ("Mansfield Park", "Sanditon"):
        main.is_told(title, "returned_by_partner")
        main.does(title, "check_in")
    eventually(lambda: main.said_about("Mansfield Park")[-1] == "LoanCompleted")
    assert main.said_about("Mansfield Park") == [
        "Request", "Loaned", "Received", "Renew", "RenewResponse Y", "ShippedReturn", "LoanCompleted"
    ]  # fmt: skip
