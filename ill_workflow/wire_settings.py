"""How a partner that speaks ISO 18626 is spoken to: what was agreed with it, and what its system needs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ill_workflow.db import Base

EDITIONS = ("2017", "2021")
#: How a partner shows who it is: by its account and code in the header, a bearer token, the address it calls from, or
#: not at all.
SHOWS_ITSELF = ("account", "token", "address", "nothing")
#: What a partner is told of a patron.
PATRON = ("nothing", "id", "name")


@dataclass(frozen=True)
class WireSettings:
    """What was agreed with a partner. What it does not say is as usual with systems of its vendor."""

    vendor: str = "standard"  #: one of VENDORS
    address: str = ""  #: the URL at which it takes messages
    plain_http: bool = False  #: whether that may be http
    edition: str = "2017"  #: the edition that it is written to
    agency_type: str = "ISIL"  #: in which list its id stands
    agency: str = ""  #: its id; empty: its code
    our_agency_type: str = ""  #: in which list the id stands by which it knows us; empty: as our library says
    our_agency: str = ""  #: the id by which it knows us; empty: as our library says
    shows_itself: str = "account"  #: one of SHOWS_ITSELF
    account: str = ""  #: the accountId that it sends
    peer_addresses: tuple[str, ...] = ()  #: addresses and networks from which it calls; empty: any
    our_account: str = ""  #: the accountId that we send
    marks: bool = False  #: ReShare's marks are written into notes (they are always read)
    broker: bool = False  #: other libraries stand behind it: it speaks for whichever of them supplies
    id_suffix: bool = False  #: it may give our ids back with a suffix of its own (`XPX-12~1`)
    patron: str = "nothing"  #: what it is told of a patron: one of PATRON
    answer_after_ms: int = 250  #: our first message leaves that much later than our confirmation
    patience_seconds: int = 30  #: how long its confirmation is waited for


#: What is usual with the systems of a vendor.
VENDORS: Mapping[str, Mapping[str, Any]] = {
    "standard": {},
    "reshare": {"marks": True, "id_suffix": True},
    "broker": {"broker": True, "id_suffix": True, "patience_seconds": 60},
}


def settings_of(given: Mapping[str, Any]) -> WireSettings:
    """The vendor's usual settings, with what was agreed instead."""
    known = {f.name for f in fields(WireSettings)}
    agreed = {name: value for name, value in given.items() if name in known}
    usual = VENDORS.get(agreed.get("vendor", "standard"), {})
    both = {**usual, **agreed}
    if "peer_addresses" in both:
        both["peer_addresses"] = tuple(both["peer_addresses"])
    return WireSettings(**both)


class PartnerSecret(Base):
    """What shows a partner to us, as a digest; or us to it, in clear, since it has to be sent."""

    __tablename__ = "partner_secret"

    partner_id: Mapped[int] = mapped_column(sa.ForeignKey("partner.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(16), primary_key=True)  #: code, token; our_code, our_token
    value: Mapped[str] = mapped_column(sa.String(512))
