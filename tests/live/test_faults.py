"""What was promised is done, whatever is killed or wiped on the way; and without the sweep it would not be."""

import sqlite3

import pytest

from ill_workflow.migrations import migrate

pytestmark = pytest.mark.live

READER = "reader@readers.example"

#: Commits a transition, and dies before its bell is heard.
DIES_BEFORE_THE_BELL = """
import os, signal, sys
from ill_workflow.accounts import find_account
from ill_workflow.bootstrap import start
from ill_workflow.config import Settings
from ill_workflow.requests import actions
from ill_workflow.requests.by import By

class Deadly:
    def ring(self, rung):
        os.kill(os.getpid(), signal.SIGKILL)
    def health(self):
        return "deadly"

services = start(Settings(), Deadly())
with services.db.writing() as session:
    request = actions.locked(session, int(os.environ["REQUEST"]))
    actions.perform(session, request, "ask", by=By.staff(find_account(session, "ann")), clock=services.clock)
"""


def test_a_worker_killed_in_the_middle_of_a_mail(installation):
    first = installation.worker()
    installation.gate.touch()
    loan = installation.borrows()
    installation.wait(lambda: installation.message_ids(READER))

    first.kill()
    assert ("notify_patron", "running") in installation.open_work(loan)
    installation.gate.unlink()
    installation.worker()

    installation.wait(lambda: installation.is_done(loan))
    assert len(set(installation.message_ids(READER))) == 1, "a repeat can be recognised"
    assert len(set(installation.message_ids("hilltop"))) == 1


def test_a_process_killed_between_commit_and_bell(installation):
    installation.worker()
    loan = installation.borrows()
    installation.wait(lambda: installation.is_done(loan))

    died = installation.run(DIES_BEFORE_THE_BELL, REQUEST=str(loan))

    assert died.returncode == -9, died.stderr
    installation.wait(lambda: len(installation.message_ids("hilltop")) == 2)
    installation.wait(lambda: installation.is_done(loan))
    assert len(set(installation.message_ids("hilltop"))) == 2


def test_the_broker_is_wiped_with_work_pending(installation):
    loan = installation.borrows()
    assert installation.broker.waiting("ill.mail") > 0
    installation.broker.wipe()

    installation.worker()

    installation.wait(lambda: installation.is_done(loan))
    assert len(installation.message_ids(READER)) == 1


def test_the_broker_is_gone(sqlite_installation):
    installation = sqlite_installation
    installation.worker()
    installation.broker.stop()

    loan = installation.borrows()

    installation.wait(lambda: installation.is_done(loan))
    assert len(installation.message_ids(READER)) == 1


def test_a_worker_that_finds_no_broker_when_it_starts_works_all_the_same_and_can_be_ended(sqlite_installation):
    installation = sqlite_installation
    installation.broker.stop()
    loan = installation.borrows()

    worker = installation.start_worker()

    installation.wait(lambda: installation.is_done(loan))
    assert len(installation.message_ids(READER)) == 1
    assert "ready." not in worker.last_words(100), "it has never had a broker"
    assert installation.has_beaten()
    worker.ask_to_stop()
    installation.wait(lambda: not worker.alive)


def test_the_broker_comes_back(sqlite_installation):
    installation = sqlite_installation
    installation.worker()
    installation.broker.stop()
    loan = installation.borrows()
    installation.wait(lambda: installation.is_done(loan))

    installation.broker.start()

    installation.wait(lambda: installation.services.bell.health() == "rings")
    asked = installation.command("ill.create_request", "k-9", library="MAIN", fields={"title": "Persuasion"})
    assert asked.get(timeout=120)["ok"]


@pytest.mark.brokers("valkey")
def test_control_without_the_sweep_a_killed_bell_is_never_made_up_for(sqlite_installation):
    installation = sqlite_installation
    loan = installation.borrows(installation.silent)  # committed, and nothing was rung
    installation.worker(ILL_SWEEP="false")
    later = installation.borrows()

    installation.wait(lambda: installation.is_done(later))
    installation.waits_longer_than_the_sweep()

    assert {status for _, status in installation.open_work(loan)} == {"ready"}


@pytest.mark.brokers("valkey")
def test_control_without_the_sweep_a_wiped_broker_loses_work(sqlite_installation):
    installation = sqlite_installation
    loan = installation.borrows()
    installation.broker.wipe()
    installation.worker(ILL_SWEEP="false")
    later = installation.borrows()

    installation.wait(lambda: installation.is_done(later))
    installation.waits_longer_than_the_sweep()

    assert {status for _, status in installation.open_work(loan)} == {"ready"}


@pytest.mark.brokers("valkey")
def test_control_without_the_sweep_a_killed_workers_mail_is_left(sqlite_installation):
    installation = sqlite_installation
    first = installation.worker(ILL_SWEEP="false")
    installation.gate.touch()
    loan = installation.borrows()
    installation.wait(installation.catcher.messages)
    first.kill()
    installation.gate.unlink()
    installation.worker(ILL_SWEEP="false")
    later = installation.borrows()

    installation.wait(lambda: installation.is_done(later))
    installation.waits_longer_than_the_sweep()

    assert "running" in {status for _, status in installation.open_work(loan)}, "nobody takes it over"


def test_a_worker_that_is_up_before_its_database(own_postgresql, installation_on):
    server = own_postgresql
    url = server.create_database(template=server.template("ill", migrate))
    installation = installation_on(url)
    loan = installation.borrows(installation.silent)
    server.stop_server()
    installation.start_worker()
    installation.wait(lambda: "ready." in installation.workers[-1].last_words(200))
    server.start()
    installation.wait(lambda: installation.is_done(loan))
    assert len(installation.message_ids(READER)) == 1


def test_a_command_whose_worker_is_killed_is_carried_out_by_another(sqlite_installation):
    """The database is held by a stranger, so that the worker is in the middle of the command when it is killed."""
    installation = sqlite_installation
    first = installation.worker()
    path = installation.settings.url.removeprefix("sqlite:///")
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    asked = installation.command("ill.create_request", "k-1", library="MAIN", fields={"title": "Persuasion"})
    installation.wait(lambda: installation.broker.held() == 1)
    first.kill()
    stranger.execute("ROLLBACK")
    stranger.close()

    installation.worker()

    assert asked.get(timeout=120)["reference"] == "XPX-1001"
    again = installation.command("ill.create_request", "k-1", library="MAIN", fields={"title": "Persuasion"})
    assert again.get(timeout=120)["repeated"]


@pytest.mark.brokers("valkey", "rabbitmq")
def test_a_command_waits_for_a_database_that_is_held(sqlite_installation):
    installation = sqlite_installation
    installation.worker()
    path = installation.settings.url.removeprefix("sqlite:///")
    stranger = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    asked = installation.command("ill.create_request", "k-2", library="MAIN", fields={"title": "Emma"})
    log = installation.workers[-1]
    installation.wait(lambda: "waits for the database" in log.last_words(500))
    stranger.execute("ROLLBACK")
    stranger.close()
    assert asked.get(timeout=120)["ok"]
