"""How a partner that speaks ISO 18626 is spoken to: what was agreed with it, and what its system needs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ill_workflow.db import Base
from ill_workflow.wire_vendors import KNOWN_VENDORS

EDITIONS = ("2017", "2021")
#: How a partner shows who it is: by its account and code in the header, a bearer token, the address it calls from, or
#: not at all.
SHOWS_ITSELF = ("account", "token", "address", "nothing")
#: What a partner is told of a patron.
PATRON = ("nothing", "id", "name")


@dataclass(frozen=True)
class WireSettings:
    """What was agreed with a partner. What it does not say is as usual with systems of its vendor."""

    vendor: str = "standard"  #: one of KNOWN_VENDORS
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
    name: {setting: value for setting, (value, _) in vendor.usual.items()} for name, vendor in KNOWN_VENDORS.items()
}

#: Each setting in a plain sentence, for pages, commands and the documentation.
ABOUT: Mapping[str, str] = {
    "vendor": "Whose system it is; what isn't said below is as usual with it.",
    "address": "The URL at which it takes messages.",
    "plain_http": "Its address may be http: messages and secrets can be read on the way.",
    "edition": "The edition of the standard that it is written to. Both are understood from everybody.",
    "agency_type": "The list in which its id stands, such as ISIL.",
    "agency": "The id by which it is known in messages; empty: its code.",
    "our_agency_type": "The list in which our id stands; empty: as our library says.",
    "our_agency": "The id by which it knows us; empty: as our library says.",
    "shows_itself": "How it shows who it is: by an account and code in each message, a bearer token, the address from "
    "which it calls, or not at all.",
    "account": "The accountId that it sends along with its code; empty: it sends none.",
    "peer_addresses": "Addresses and networks from which it may call, such as 192.0.2.7 198.51.100.0/24; empty: any.",
    "our_account": "The accountId that we send along with our code.",
    "marks": "ReShare's marks are written into notes. They are read from everybody.",
    "broker": "Other libraries stand behind it: it speaks for whichever of them supplies.",
    "id_suffix": "It may give our ids back with a suffix of its own, such as XPX-12~1.",
    "patron": "What it is told of a patron with a request: nothing, the barcode (id), or the name.",
    "answer_after_ms": "Milliseconds between our confirmation and our first message, which some systems need.",
    "patience_seconds": "Seconds for which its confirmation is waited for before the message is sent again.",
}


_NAMES = frozenset(f.name for f in fields(WireSettings))


def settings_of(given: Mapping[str, Any]) -> WireSettings:
    """The vendor's usual settings, with what was agreed instead."""
    agreed = {name: value for name, value in given.items() if name in _NAMES}
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
