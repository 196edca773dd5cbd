"""A worker dies while a partner far away is being called: what it had not written down is said again, byte for byte."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa

from ill_workflow import accounts, libraries, partners
from ill_workflow.messages import inbound
from ill_workflow.messages.content import BibliographicInfo, Header, Request, RequestingAgencyMessage
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.outbox import EffectRow
from ill_workflow.requests import intake
from ill_workflow.requests.by import By
from ill_workflow.requests.models import MessageRow
from tests.plugins import far_partner
from tests.plugins.far_partner import FarPartner

pytestmark = [pytest.mark.live, pytest.mark.brokers("valkey")]


@pytest.fixture
def far():
    partner = FarPartner()
    yield partner
    partner.end()


def knows(installation, far: FarPartner) -> None:
    """Main has a partner far away."""
    agreed = {"address": far.url, "plain_http": True}
    with installation.services.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        partners.add_partner(session, main.id, code="FAR", name="Faraway", transport="iso18626", wire=agreed)


def borrows(installation, far: FarPartner) -> int:
    """A book is asked for; the request is on its way."""
    knows(installation, far)
    with installation.services.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        by = By.staff(accounts.find_account(session, "ann"))
        found = intake.borrow(
            session, main, {"title": "Emma"}, by=by, clock=installation.services.clock, partners=("FAR",)
        )
        number = found.id
    installation.submit(number, installation.services)
    return number


def test_a_worker_killed_between_the_confirmation_and_our_record_of_it(sqlite_installation, far):
    installation = sqlite_installation
    held, answered = threading.Event(), threading.Event()

    def confirms_while_nobody_can_write(partner, line, body):
        held.wait(120)
        far_partner.confirms(partner, line, body)
        line.recv(1)  # the worker has read the whole of it, and hung up
        answered.set()

    far.then(confirms_while_nobody_can_write)
    first = installation.worker(ILL_PRIVATE_PARTNERS="true")
    loan = borrows(installation, far)
    installation.wait(lambda: far.calls)
    stranger = sqlite3.connect(installation.settings.url.removeprefix("sqlite:///"), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    held.set()
    assert answered.wait(120)
    first.kill()
    stranger.execute("ROLLBACK")
    stranger.close()
    assert ("send_message", "running") in installation.open_work(loan)

    installation.worker(ILL_PRIVATE_PARTNERS="true")

    installation.wait(lambda: installation.is_done(loan))
    assert len(far.bodies) == 2
    assert far.bodies[0] == far.bodies[1], "the partner knows it by that"
    assert installation.state(loan) == "request_sent"
    with installation.services.db.reading() as session:
        (message,) = session.scalars(sa.select(MessageRow))
        (exchange,) = session.scalars(sa.select(Exchange))
        work = session.get_one(EffectRow, message.effect_id)
    assert (message.outcome, exchange.message_id, work.status) == ("OK", message.id, "done")


def test_what_answers_a_message_is_delivered_although_nobody_is_rung_for_it(sqlite_installation, far):
    installation = sqlite_installation
    installation.worker(ILL_PRIVATE_PARTNERS="true")
    knows(installation, far)
    us, them = far_partner.agency("MAIN"), far_partner.agency("FAR")
    now = installation.services.clock.now()
    header = Header(supplyingAgencyId=us, requestingAgencyId=them, timestamp=now, requestingAgencyRequestId="F-1")
    hears(installation, Request(header=header, bibliographicInfo=BibliographicInfo(title="Emma")))
    hears(installation, RequestingAgencyMessage(header=header, action="StatusRequest"))

    installation.wait(lambda: far.calls)

    assert far.heard[-1].message.messageInfo.reasonForMessage == "StatusRequestResponse"
    with installation.services.db.reading() as session:
        work = session.scalars(sa.select(EffectRow).where(EffectRow.kind == "send_message")).first()
    assert (work.available_at - work.created_at).total_seconds() == 0.25


def hears(installation, message) -> None:
    """A message of Faraway's is taken in."""
    with installation.services.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        partner = partners.find_partner(session, main.id, "FAR")
        confirmation = inbound.receive(
            session, message, partner=partner, identity=type(message).__name__, transport="iso18626",
            clock=installation.services.clock,
        )  # fmt: skip
        assert confirmation.ok
