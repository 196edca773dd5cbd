"""What a partner that speaks ISO 18626 still lacks, and what is risky as it was agreed: for pages and the doctor."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.partner_secrets import FORMER, secrets_of
from ill_workflow.partners import Partner
from ill_workflow.wire_checks import check_wire
from ill_workflow.wire_settings import WireSettings


@dataclass(frozen=True)
class Remark:
    """A sentence about a partner; `bad` where messages fail until it is mended."""

    sentence: str
    bad: bool = True


def remarks_on(session: Session, partner: Partner, *, private_partners: bool) -> list[Remark]:
    """What there is to say of a partner that speaks ISO 18626."""
    settings, names = partner.agreed_wire(), secrets_of(session, partner.id)
    return [
        *_agreed(partner),
        *_address(settings, private_partners),
        *_theirs(settings, names),
        *_ours(settings, names),
    ]


def troubles(session: Session, *, private_partners: bool) -> tuple[int, list[tuple[str, Remark]]]:
    """How many active partners speak ISO 18626, and what there is to say of them, each with where it stands."""
    rows = sa.select(Partner, Library.code).join(Library, Library.id == Partner.library_id)
    speaking = rows.where(Partner.transport == "iso18626", Partner.status == "active").order_by(
        Library.code, Partner.code
    )
    found, count = [], 0
    for partner, library in session.execute(speaking):
        count += 1
        found += [
            (f"{partner.code} at {library}", remark)
            for remark in remarks_on(session, partner, private_partners=private_partners)
        ]
    return count, found


def is_private(address: str) -> bool:
    """Whether a URL names a place that is not on the public network. A name is looked up when it is called."""
    host = urlsplit(address).hostname or ""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _agreed(partner: Partner) -> list[Remark]:
    try:
        settings = check_wire(partner.wire)
    except BadInput as wrong:
        return [Remark(wrong.message)]
    return [] if settings.address else [Remark("It has no address: nothing can be sent.")]


def _address(settings: WireSettings, private_partners: bool) -> list[Remark]:
    if is_private(settings.address) and not private_partners:
        return [Remark("Its address is private, and ILL_PRIVATE_PARTNERS doesn't allow that: nothing is sent.")]
    if settings.address.startswith("http:") and settings.plain_http:
        return [Remark("Its address is http: messages and secrets can be read on the way.", bad=False)]
    return []


def _theirs(settings: WireSettings, names: Collection[str]) -> list[Remark]:
    found = []
    if settings.shows_itself == "account" and "code" not in names and "token" not in names:
        found.append(Remark("It shows itself by a code, and none is set: what it says is refused. Set one."))
    elif settings.shows_itself == "account" and "code" not in names:
        found.append(Remark("It shows itself by a code, and none is set: only its token opens.", bad=False))
    if settings.shows_itself == "token" and "token" not in names:
        found.append(Remark("It shows itself by a token, and none is set: what it says is refused. Make one."))
    no_room = settings.edition == "2021" and "token" not in names and not settings.peer_addresses
    if settings.shows_itself == "account" and no_room:
        found.append(
            Remark(
                "In the 2021 edition a lender's messages have no room for an account. Where it also lends, name the "
                "addresses from which it calls, or give it a token as well.",
                bad=False,
            )
        )
    if settings.shows_itself == "nothing":
        found.append(Remark("It shows itself by nothing: whoever knows its id can speak for it.", bad=False))
    if any(name.endswith(FORMER) for name in names):
        found.append(Remark("What it showed before still opens. End it once it has changed over.", bad=False))
    return found


def _ours(settings: WireSettings, names: Collection[str]) -> list[Remark]:
    if settings.our_account and "our_code" not in names:
        return [Remark("We send it an account without a code. Set the code that it gave us.", bad=False)]
    return []
