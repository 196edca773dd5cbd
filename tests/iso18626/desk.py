"""Main, whose partner Faraway speaks ISO 18626 from a server of its own."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from ill_workflow import outbox, partner_secrets, partners
from ill_workflow.libraries import find_library
from ill_workflow.messages.content import BibliographicInfo as About
from ill_workflow.messages.content import Header, Request, ServiceInfo
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.outbox import EffectRow
from ill_workflow.pauses import Pause
from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request as OurRequest
from tests.plugins import far_partner
from tests.plugins.far_partner import FarPartner
from tests.plugins.stage import Half


class Desk:
    """The stage, and what its workers do for partners far away."""

    def __init__(self, stage, far: FarPartner) -> None:
        self.stage = stage
        stage.services.settings.private_partners = True
        self.knows("FAR", "Faraway", far)

    def knows(self, code: str, name: str, partner: FarPartner, **wire) -> None:
        agreed = {"address": partner.url, "plain_http": True, "patience_seconds": 120, "answer_after_ms": 0, **wire}
        with self.stage.db.writing() as session:
            main = find_library(session, "MAIN")
            partners.add_partner(session, main.id, code=code, name=name, transport="iso18626", wire=agreed)

    def agrees(self, **wire) -> None:
        partner = self.stage.partner("MAIN", "FAR")
        self.stage.changes("MAIN", "FAR", wire={**partner.wire, **wire})

    def sets(self, wire) -> None:
        """As it may stand there from before anybody looked it over."""
        with self.stage.db.writing() as session:
            session.execute(sa.update(partners.Partner).where(partners.Partner.code == "FAR").values(wire=wire))

    def shows(self, name: str, value: str) -> None:
        with self.stage.db.writing() as session:
            partner_secrets.set_secret(session, self.stage.partner("MAIN", "FAR"), name, value)

    def all(self, table, **such):
        with self.stage.db.reading() as session:
            return list(session.scalars(sa.select(table).filter_by(**such).order_by(*sa.inspect(table).primary_key)))

    @property
    def messages(self) -> list[EffectRow]:
        return self.all(EffectRow, kind="send_message")

    @property
    def message(self) -> EffectRow:
        return self.messages[-1]

    @property
    def tries(self) -> list[Exchange]:
        return self.all(Exchange, incoming=False)

    @property
    def rests(self) -> dict[str, str]:
        return {pause.destination: pause.reason for pause in self.all(Pause)}

    def lets_time_pass(self) -> None:
        """Until every pause is over and everything that was put off may be tried again; the workers do."""
        with self.stage.db.writing() as session:
            session.execute(sa.update(Pause).values(until=outbox.db_time(session, timedelta(seconds=-1))))
            waiting = sa.update(EffectRow).where(EffectRow.status == "ready")
            session.execute(waiting.values(available_at=outbox.db_time(session, timedelta(seconds=-1))))
        self.stage.work()

    def borrows(self, **more):
        return self.stage.borrows(ask=("FAR",), **more)

    def is_asked(self, wire_id: str, by: str = "FAR", us: str = "MAIN") -> Half:
        """Faraway asks for a book: the request on our side."""
        header = Header(
            supplyingAgencyId=far_partner.agency(us), requestingAgencyId=far_partner.agency(by),
            timestamp=self.stage.clock.now(), requestingAgencyRequestId=wire_id,
        )  # fmt: skip
        asked = Request(header=header, bibliographicInfo=About(title="Emma"), serviceInfo=ServiceInfo())
        assert self.stage.takes_in(asked, self.stage.partner("MAIN", "FAR")).ok
        return Half(self.stage, self.all(OurRequest)[-1].id)

    def promises(self, trigger: str, *loans: Half, **inputs: str) -> None:
        """It is promised to be said; no worker has looked yet."""
        with self.stage.db.writing() as session:
            by = By.staff(self.stage.account(session, "operator", "MAIN"))
            for loan in loans:
                request = actions.locked(session, loan.id)
                actions.perform(session, request, trigger, by=by, clock=self.stage.clock, inputs=inputs)

    def has_it(self):
        """A book of Faraway's is with the patron."""
        loan = self.borrows()
        loan.hears("Loaned", due="2026-03-01", items=("31",))
        loan.does("receive", condition_checked=True)
        return loan
