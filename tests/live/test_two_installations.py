"""Loans between two installations over HTTP, while workers and consoles of both are killed: nothing lost or doubled."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow.clock import machine_now
from ill_workflow.migrations import migrate
from ill_workflow.requests.models import Request
from tests.plugins import referee
from tests.plugins.stage import Half
from tests.plugins.two_installations import Running
from tests.plugins.waiting import eventually
from tests.stateful.conversations import listen_to
from workers.broker import EmbeddedBroker
from workers.ports import free_port

pytestmark = [pytest.mark.live, pytest.mark.postgresql]

LOANS = 4
#: What somebody does as soon as a half is in a state.
NEXT = {
    ("lending", "new"): ("ship", {"condition_checked": True, "item_barcode": "312"}),
    ("borrowing", "shipped"): ("receive", {"condition_checked": True}),
    ("borrowing", "received"): ("request_renewal", {}),
    ("lending", "renewal_requested"): ("renew", {"due_date": machine_now().date() + timedelta(days=90)}),
    ("borrowing", "renewed"): ("ship_back", {}),
    ("lending", "returned_by_partner"): ("check_in", {}),
}
#: The whole history of each half, whatever is killed.
BORROWING = [
    "create", "submit", "partner_shipped", "receive", "request_renewal", "partner_renewed", "ship_back",
    "partner_completed",
]  # fmt: skip
LENDING = [
    "create", "ship", "partner_received", "partner_requests_renewal", "renew", "partner_returned", "check_in",
]  # fmt: skip
#: What is killed, one after the other.
KILLED = (("RIV", "web"), ("MAIN", "worker"), ("MAIN", "web"), ("RIV", "worker"))


@pytest.fixture
def two(postgresql, tmp_path: Path) -> Iterator[dict[str, Running]]:
    """Main on PostgreSQL, Riverside on SQLite; each with a broker of its own."""
    ports = {"MAIN": free_port(0), "RIV": free_port(0)}
    urls = {"MAIN": postgresql.create_database(template=postgresql.template("ill", migrate))}
    urls["RIV"] = f"sqlite:///{tmp_path / 'ill.db'}"
    migrate(urls["RIV"])
    with ExitStack() as stack:
        running = {}
        for code, other in (("MAIN", "RIV"), ("RIV", "MAIN")):
            folder = tmp_path / code.lower()
            folder.mkdir()
            broker = EmbeddedBroker(folder / "broker")
            broker.start()
            stack.callback(broker.stop)
            running[code] = Running(code, urls[code], folder, broker, ports[code], ports[other])
            stack.callback(running[code].end)
        eventually(lambda: all(each.is_up() for each in running.values()))
        yield running
    postgresql.drop_database(urls["MAIN"])


def test_workers_and_consoles_are_killed_in_the_middle_of_conversations(two):
    main, riverside = two["MAIN"], two["RIV"]
    for number in range(LOANS):
        main.borrows(title=f"Volume {number} of many", isbn="")
    kills = itertools.cycle(KILLED)
    done = killed = 0

    def goes_on() -> bool:
        """Take each step that can be taken; after every few something is killed."""
        nonlocal done, killed
        halves = [half for each in two.values() for half in halves_of(each)]
        for half in halves:
            step = NEXT.get((half.side, half.state))
            if step is not None:
                half.does(step[0], **step[1])
                done += 1
                if done % 5 == 0:
                    code, program = next(kills)
                    two[code].is_killed(program)
                    killed += 1
        states = [half.state for half in halves]
        return len(states) == 2 * LOANS and set(states) == {"completed"}

    eventually(goes_on, seconds=300)
    eventually(lambda: all(each.is_idle() for each in two.values()))

    assert done == LOANS * len(NEXT)
    assert killed == done // 5
    assert sum(program.restarted for each in two.values() for program in each.programs.values()) >= len(KILLED)
    assert [half.history for half in halves_of(main)] == [BORROWING] * LOANS
    assert [half.history for half in halves_of(riverside)] == [LENDING] * LOANS
    for each in two.values():
        referee.look(each.db, each.clock)
    with main.db.reading() as here, riverside.db.reading() as there:
        listen_to([here, there]).has_come_to_an_end()


def halves_of(running: Running) -> list[Half]:
    with running.db.reading() as session:
        return [Half(running, number) for number in session.scalars(sa.select(Request.id).order_by(Request.id))]
