"""A partner's system as seen from us: it writes messages, sends them by POST, and reads what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient
from lxml import etree
from sqlalchemy.orm import Session

from ill_workflow import libraries, partner_secrets, partners
from ill_workflow.iso18626.callers import Call, NotTheirs, Unproven, who_calls
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    Authentication,
    BibliographicInfo,
    Header,
    MessageInfo,
    Request,
    RequestingAgencyMessage,
    ServiceInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.requests.models import MessageRow
from tests.plugins.stage import Stage
from tests.plugins.visiting import CHEAP

CODE = "hill-knows-this"
#: Where a call shows a secret.
SHOWN_AS = {"code": "code", "token": "bearer"}


@dataclass
class Reply:
    """An answer over HTTP, by the names of the elements in it."""

    status: int
    body: bytes
    headers: Any

    def __getitem__(self, name: str) -> str | None:
        """What stands in the first element of that name; None: there is none."""
        found = etree.fromstring(self.body).find(f".//{{*}}{name}")
        return None if found is None else found.text or ""

    @property
    def kind(self) -> str:
        return etree.QName(etree.fromstring(self.body)[0]).localname

    @property
    def error(self) -> str:
        """Type and value of the error; empty: it is OK."""
        assert self.status == 200, f"{self.status} {self.body!r}"
        if self["messageStatus"] == "OK":
            assert self["errorType"] is None
            return ""
        return f"{self['errorType']} {self['errorValue']}"

    @property
    def but_for_when(self) -> bytes:
        """All of it but the time at which it was received."""
        tree = etree.fromstring(self.body)
        for element in tree.findall(".//{*}timestampReceived"):
            element.text = ""
        return etree.tostring(tree)


@dataclass
class System:
    """Hilltop's system, which calls Main's; what it shows can be changed."""

    stage: Stage
    client: TestClient
    edition: Edition = Edition.Y2017
    account: str = "hilltop"
    code: str = CODE
    token: str = ""
    agency: str = "US-HILL"
    to: str = "MAIN"
    address: str = "/iso18626"
    more: dict[str, str] = field(default_factory=dict)

    def header(self, wire_id: str, *, lends: bool = False, at: Any = None) -> Header:
        us, them = AgencyId(agencyIdValue=self.agency), AgencyId(agencyIdValue=self.to)
        shown = Authentication(accountId=self.account, securityCode=self.code) if self.code else None
        return Header(
            supplyingAgencyId=us if lends else them, requestingAgencyId=them if lends else us,
            timestamp=at or self.stage.clock.now(), requestingAgencyRequestId=wire_id,
            requestingAgencyAuthentication=shown,
        )  # fmt: skip

    def request(self, wire_id: str = "H-1", *, title: str = "Emma", kind: str = "New", at: Any = None, **more: Any):
        return Request(
            header=self.header(wire_id, at=at), bibliographicInfo=BibliographicInfo(title=title),
            serviceInfo=ServiceInfo(requestType=kind), **more,
        )  # fmt: skip

    def action(self, action: str, wire_id: str = "H-1", *, note: str = "", at: Any = None) -> RequestingAgencyMessage:
        return RequestingAgencyMessage(header=self.header(wire_id, at=at), action=action, note=note)

    def status(
        self, status: str, wire_id: str, *, reason: str = "StatusChange", at: Any = None, **more: Any
    ) -> SupplyingAgencyMessage:
        return SupplyingAgencyMessage(
            header=self.header(wire_id, lends=True, at=at), messageInfo=MessageInfo(reasonForMessage=reason),
            statusInfo=StatusInfo(status=status, lastChange=at or self.stage.clock.now()), **more,
        )  # fmt: skip

    def asks(self, wire_id: str = "H-1", **more: Any) -> Reply:
        return self.says(self.request(wire_id, **more))

    def does(self, action: str, wire_id: str = "H-1", **more: Any) -> Reply:
        return self.says(self.action(action, wire_id, **more))

    def answers(self, status: str, wire_id: str, **more: Any) -> Reply:
        return self.says(self.status(status, wire_id, **more))

    def says(self, message: Any, **how: Any) -> Reply:
        return self.posts(write(message, self.edition), **how)

    def posts(self, raw: bytes, *, content_type: str = "application/xml", address: str = "") -> Reply:
        headers = {"Content-Type": content_type, **self.more}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = self.client.post(address or self.address, content=raw, headers=headers)
        return Reply(answer.status_code, answer.content, answer.headers)

    def as_seen_from(self, peer: str) -> System:
        """The same system, which calls from an address."""
        return replace(self, client=TestClient(self.client.app, client=(peer, 50000)))

    def later(self, seconds: float = 1) -> None:
        self.stage.clock.advance(timedelta(seconds=seconds))

    @property
    def heard(self) -> list[MessageRow]:
        """What Main has heard and written down."""
        return self._all(sa.select(MessageRow).where(MessageRow.incoming).order_by(MessageRow.id))

    @property
    def calls(self) -> list[Exchange]:
        return self._all(sa.select(Exchange).where(Exchange.incoming).order_by(Exchange.id))

    def _all(self, rows: Any) -> list[Any]:
        with self.stage.db.reading() as session:
            return list(session.scalars(rows))


def agree(stage: Stage, at: str = "MAIN", partner: str = "HILL", **wire: Any) -> None:
    """Hilltop speaks ISO 18626, and shows itself by its account and code unless it is agreed otherwise."""
    usual = {"agency": "US-HILL", "account": "hilltop", "address": "https://hill.example/iso18626"}
    stage.changes(at, partner, transport="iso18626", wire={**usual, **wire})


def opens(session: Session, partner: partners.Partner, name: str, shown: str) -> bool:
    """Whether a call is the partner's that shows this as its `code` or `token`, besides all else that was agreed."""
    partner = session.get_one(partners.Partner, partner.id)
    settings = partner.agreed_wire()
    call = Call(
        AgencyId(agencyIdValue=partner.library.code), AgencyId(agencyIdValue=settings.agency or partner.code),
        "supplyingAgencyId", "requestingAgencyId", next(iter(settings.peer_addresses), ""), account=settings.account,
        **{SHOWN_AS[name]: shown},
    )  # fmt: skip
    try:
        return who_calls(session, call, None) is partner
    except (Unproven, NotTheirs):
        return False


def give(stage: Stage, name: str, value: str, at: str = "MAIN", partner: str = "HILL") -> None:
    """What a partner shows from now on."""
    with stage.db.writing() as session:
        whose = partners.find_partner(session, libraries.find_library(session, at).id, partner)
        partner_secrets.set_secret(session, whose, name, value)


def system_of(stage: Stage) -> System:
    """Hilltop's system before a running console of this stage."""
    from ill_workflow.web.app import make_app

    agree(stage)
    give(stage, "code", CODE)
    return System(stage, TestClient(make_app(stage.services, passwords=CHEAP), client=("192.0.2.7", 50000)))
