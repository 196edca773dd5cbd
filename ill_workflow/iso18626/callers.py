"""Who calls: which partner of which library says something, as its header names it and what it shows proves it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from ill_workflow.errors import IllError, NotFound, Unauthorised
from ill_workflow.libraries import Library
from ill_workflow.messages.content import AgencyId, ErrorData
from ill_workflow.partner_secrets import FORMER, THEIRS
from ill_workflow.partners import Partner
from ill_workflow.wire_settings import VENDORS, PartnerSecret, WireSettings

#: What partners show, also under the former name of what still opens.
_SHOWN = [name + ending for name in THEIRS for ending in ("", FORMER)]
_WIRE = sa.func.lower(sa.cast(Partner.wire, sa.Text))
_BROKERS = sa.or_(
    *(
        _WIRE.contains(word, autoescape=True)
        for word in ("broker", *(n for n, usual in VENDORS.items() if usual.get("broker")))
    )
)


@dataclass(frozen=True)
class Call:
    """What a call shows of whoever makes it, and whom it names."""

    ours: AgencyId | None  #: for whom it is, as its header says
    theirs: AgencyId | None  #: of whom it is
    ours_is: str  #: the element of the header that names us
    theirs_is: str
    peer: str = ""  #: the address from which it comes
    bearer: str = field(default="", repr=False)
    account: str = ""
    code: str = field(default="", repr=False)
    has_room: bool = True  #: whether a message of that kind has a place for account and code


@dataclass(frozen=True)
class Whose:
    """A partner, for the records: also after the transaction in which it was found."""

    library_id: int
    partner_id: int
    code: str

    @classmethod
    def of(cls, partner: Partner) -> "Whose":
        return cls(partner.library_id, partner.id, partner.code)


class Unproven(Unauthorised):
    """What was shown with this call proves nobody who is known here."""


class NotTheirs(IllError):
    """The sender is known, but says something that is not for it to say."""

    def __init__(self, element: str, wrong: str, known: "_Known | None" = None) -> None:
        self.error = ErrorData(errorType="UnrecognisedDataValue", errorValue=f"{element}: {wrong}")
        self.whose = Whose.of(known.partner) if known else None
        super().__init__(self.error.errorValue)


@dataclass(frozen=True)
class _Known:
    """A partner that speaks ISO 18626, with what was agreed, and the digests of what it shows by their names."""

    partner: Partner
    settings: WireSettings
    digests: Mapping[str, list[str]] = field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether anybody may be it, from anywhere."""
        return self.settings.shows_itself == "nothing" and not self.settings.peer_addresses

    def is_called(self, agency: AgencyId | None) -> bool:
        says_its_list = "agency_type" in self.partner.wire  # or nothing was agreed about it
        kind = self.settings.agency_type if says_its_list else ""
        return _same(agency, kind, self.settings.agency or self.partner.code)

    def calls_us(self, agency: AgencyId | None) -> bool:
        """Whether an id is that of our library, as all know it or as this partner does."""
        wire, library = self.settings, self.partner.library
        if wire.our_agency and _same(agency, wire.our_agency_type, wire.our_agency):
            return True
        return _same(agency, library.agency_type if library.agency else "", library.agency or library.code)


def who_calls(session: Session, call: Call, library_code: str | None) -> Partner:
    """The partner that makes a call; `library_code` is the library of the address, where it names one.

    Raises NotFound where there is no such library; Unproven where nothing that was shown is right; NotTheirs where the
    sender is somebody, but not the one that it names, or not one of the library that it names. To a stranger it is all
    the same whether it names a partner or nobody.
    """
    # In a long list only those that may be meant are looked at; all of them, where none of those is found.
    for those in (_likely(call.theirs), sa.true()):
        known = _known(session, library_code, those)
        addressed = known if call.ours is None else [one for one in known if one.calls_us(call.ours)]
        shown = [one for one in addressed if _shows(one, call)]
        found = [one for one in shown if call.theirs is not None and one.is_called(call.theirs)]
        found = found or [one for one in shown if one.settings.broker]
        if found:
            return _best(found, call)
    if library_code is not None and not _is_there(session, library_code):
        raise NotFound("There is no such library here.", field="library")
    raise _refusal(known, addressed, shown, call)


def _likely(theirs: AgencyId | None) -> sa.ColumnElement[bool]:
    """Whoever may be called so, and brokers."""
    value = theirs.agencyIdValue.strip().lower() if theirs else ""
    if not value or json.dumps(value) != f'"{value}"':
        return sa.true()  # it may stand there in another form
    return sa.or_(sa.func.lower(Partner.code) == value, _WIRE.contains(value, autoescape=True), _BROKERS)


def _known(session: Session, library_code: str | None, those: sa.ColumnElement[bool]) -> list[_Known]:
    """Partners with their libraries and the digests of what they show: each call asks for them, so it is one query."""
    if library_code is not None and not library_code.isprintable():
        return []  # what no database keeps is nobody's code
    rows = _with_what_they_show().where(those)
    if library_code is not None:
        rows = rows.where(Library.code == library_code)
    digests: dict[Partner, dict[str, list[str]]] = {}
    for partner, name, digest in session.execute(rows.order_by(Partner.id)):
        of_partner = digests.setdefault(partner, defaultdict(list))
        if name is not None:
            of_partner[name.removesuffix(FORMER)].append(digest)
    return [_Known(partner, partner.agreed_wire(), shows) for partner, shows in digests.items()]


@cache
def _with_what_they_show() -> sa.Select[Partner, str, str]:
    shown = sa.and_(PartnerSecret.partner_id == Partner.id, PartnerSecret.name.in_(_SHOWN))
    rows = sa.select(Partner, PartnerSecret.name, PartnerSecret.value).where(Partner.transport == "iso18626")
    return rows.join(Partner.library).outerjoin(PartnerSecret, shown).options(contains_eager(Partner.library))


def _is_there(session: Session, library_code: str) -> bool:
    rows = sa.select(Library.id).where(Library.code == library_code)
    return library_code.isprintable() and session.scalar(rows) is not None


def _best(found: list[_Known], call: Call) -> Partner:
    """Who shows something goes before those whom anybody may be."""
    best = [one for one in found if not one.is_open] or found
    if len({one.partner.library_id for one in best}) > 1:
        raise NotTheirs(call.ours_is, "says to none of several libraries which it is for", best[0])
    return best[0].partner


def _shows(one: _Known, call: Call) -> bool:
    """Whether a call shows what was agreed with this partner. It takes as long whatever it shows."""
    wire = one.settings
    near = not wire.peer_addresses or _is_among(call.peer, wire.peer_addresses)
    token = _is_one_of(call.bearer, one.digests.get("token", ()))
    code = _is_one_of(call.code, one.digests.get("code", ()))
    account = compare_digest(call.account.encode(errors="replace"), wire.account.encode(errors="replace"))
    match wire.shows_itself:
        case "nothing":
            return near
        case "address":
            return near and bool(wire.peer_addresses)
        case "token":
            return near and token
        case _:
            # A lender's messages have no place for the account in the edition of 2021: then the address has to do.
            spared = not call.has_room and not call.code and bool(wire.peer_addresses)
            return near and ((account and code) or token or spared)


def _refusal(known: list[_Known], addressed: list[_Known], shown: list[_Known], call: Call) -> IllError:
    """Why nobody was found; more than that only for those who are somebody here, or where nobody shows anything."""
    proven = [one for one in shown if not one.is_open]
    elsewhere = [one for one in known if not one.is_open and one not in addressed and _shows(one, call)]
    all_open = all(one.is_open for one in known) and not (call.bearer or call.account or call.code)
    if proven:
        return NotTheirs(call.theirs_is, f"{_named_to(proven, call.theirs)} is not who shows this", proven[0])
    if elsewhere or (all_open and not addressed):
        return NotTheirs(call.ours_is, f"{_named(call.ours)} is unknown here", elsewhere[0] if elsewhere else None)
    return NotTheirs(call.theirs_is, f"{_named(call.theirs)} is unknown here") if all_open else Unproven()


def _same(agency: AgencyId | None, kind: str, value: str) -> bool:
    """By its value, whatever its capitals; by its list of names only where both say one."""
    if agency is None or agency.agencyIdValue.strip().casefold() != value.strip().casefold():
        return False
    given = agency.agencyIdType.strip().casefold()
    return not given or not kind or given == kind.strip().casefold()


def _is_one_of(given: str, digests: Iterable[str]) -> bool:
    digest = hashlib.sha256(given.encode(errors="replace")).hexdigest()
    # All are compared, so that the time that it takes tells nothing.
    return sum(compare_digest(digest, kept) for kept in digests) > 0


def _is_among(peer: str, networks: Iterable[str]) -> bool:
    address = _address(peer)
    if address is None:
        return False
    for network in networks:
        try:
            if address in ip_network(network.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def _address(peer: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _named_to(proven: list[_Known], agency: AgencyId | None) -> str:
    """With its list where that alone is wrong: the id looks right to whoever sends it."""
    if agency and any(one.is_called(replace(agency, agencyIdType="")) for one in proven):
        return f"{_named(agency)} in the list {agency.agencyIdType[:80]!r}"
    return _named(agency)


def _named(agency: AgencyId | None) -> str:
    return repr(agency.agencyIdValue[:80]) if agency else "nobody"
