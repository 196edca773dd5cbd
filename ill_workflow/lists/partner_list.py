"""The partners of a library as a list, with what was agreed, each term in a column of its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import Library, find_library
from ill_workflow.lists.entries import (
    NEVER,
    NOTHING,
    Read,
    changes,
    currency,
    number,
    number_or_never,
    read_cells,
    shown,
    text,
    yes_or_no,
)
from ill_workflow.lists.sheet import Column, Line
from ill_workflow.partners import (
    DELIVERY,
    STATUSES,
    TRANSPORTS,
    Fees,
    Partner,
    add_partner,
    change_partner,
    find_partner,
)
from ill_workflow.requests import due_dates
from ill_workflow.typed import LANGUAGES
from ill_workflow.wire_settings import ABOUT, EDITIONS, PATRON, SHOWS_ITSELF, VENDORS, WireSettings, settings_of
from state_machines.request import Terms

NO_NOTICES, ASK = "none", "ask"
_TERMS = {
    "loan_days": "Days of a loan.",
    "renewals": "How often a loan may be renewed.",
    "renewal_days": "Days of a renewal.",
    "respond_days": "Working days for an answer.",
    "transit_days": "Days that things are under way.",
    "ladder": f"Days after the due date on which notices go out, as 7 14, or {NO_NOTICES}.",
    "lost_after_days": f"Days after the due date on which an item counts as lost, or {NEVER}.",
    "pickup_days": "Days that an item waits for its patron.",
    "completes_itself": "yes where this partner can't tell us that a loan is complete.",
    "renews_by_itself": f"yes, no, or {ASK}: who is asked for a renewal.",
    "accepts_cancel_unshipped": "yes where a cancel is accepted while nothing was shipped.",
    "wants_received": "yes where it wants to be told that its request has arrived.",
}
#: Terms that are one of a few words.
_CHOSEN = {"renews_by_itself": ("no", "yes", ASK)}
_FEES = {
    "replacement": "For a lost item.",
    "processing": "For the work with a lost item.",
    "damage": "For a damaged item.",
}
NAME, SHIPPING, MONEY, DAYS, MESSAGES, TERMS = (
    "Name and status", "Addresses and delivery", "Fees", "Days", "How we talk", "Terms",
)  # fmt: skip
ISO, SHOWING, SYSTEM = "ISO 18626", "ISO 18626: who is calling", "ISO 18626: what its system needs"
WIRE_GROUPS = (ISO, SHOWING, SYSTEM)
#: Each setting of ISO 18626: under which heading a form asks for it, as what, and with which example.
_WIRE = {
    "vendor": (ISO, "System", "reshare"),
    "address": (ISO, "Address for messages", "https://ill.riverside.example/iso18626"),
    "plain_http": (ISO, "Allow http", ""),
    "edition": (ISO, "Edition", "2017"),
    "agency_type": (ISO, "List of its id", "ISIL"),
    "agency": (ISO, "Its id", "US-RIV"),
    "our_agency_type": (ISO, "List of our id", ""),
    "our_agency": (ISO, "Our id", ""),
    "shows_itself": (SHOWING, "Shows itself by", "token"),
    "account": (SHOWING, "Its account", ""),
    "peer_addresses": (SHOWING, "Calls from", ""),
    "our_account": (SHOWING, "Our account", ""),
    "marks": (SYSTEM, "Write ReShare's marks", ""),
    "broker": (SYSTEM, "Broker", ""),
    "id_suffix": (SYSTEM, "Adds a suffix to ids", ""),
    "patron": (ISO, "Told of a patron", "nothing"),
    "answer_after_ms": (SYSTEM, "Milliseconds before our first message", ""),
    "patience_seconds": (SYSTEM, "Seconds for its confirmation", ""),
}
_CHOICES_OF_WIRE = {"vendor": tuple(VENDORS), "edition": EDITIONS, "shows_itself": SHOWS_ITSELF, "patron": PATRON}


def _about_wire(name: str) -> str:
    """What a file has to know of a setting: also what it may be."""
    choices = _CHOICES_OF_WIRE.get(name)
    return f"{ABOUT[name]} {', '.join(choices)}." if choices else ABOUT[name]


COLUMNS = (
    Column("code", "By which the partner is known. It is needed.", "RIV", required=True),
    Column("name", "The name. A new partner needs one.", "Riverside College", group=NAME),
    Column("email", "Where it is written to.", "ill@riverside.example", label="E-mail", group=MESSAGES,
           control="email"),
    Column("shipping_address", "Where things are sent, in several lines.", "12 River Road\nRhinebeck, NY 12572",
           group=SHIPPING, control="lines"),
    Column("billing_address", "Where bills are sent.", group=SHIPPING, control="lines"),
    Column("return_address", "Where things are sent back to.", group=SHIPPING, control="lines"),
    Column("delivery_code", "The code of the courier.", "NYC-07", group=SHIPPING),
    Column("delivery_method", f"{', '.join(DELIVERY)}.", "courier", group=SHIPPING, control="choice",
           choices=DELIVERY),
    Column("hub", "The code of the partner through which things travel.", group=SHIPPING, control="partner",
           help="What goes to this partner goes there first: its name and address are printed on the label, too."),
    Column("time_zone", "Such as America/New_York; empty: ours.", group=DAYS),
    Column("working_days", "Seven digits, Monday first.", "1111100", group=DAYS, control="week"),
    Column("currency", "In which it is charged.", "USD", group=MONEY),
    Column("transport", f"{', '.join(TRANSPORTS)}.", "email", group=MESSAGES, control="choice", choices=TRANSPORTS),
    Column("library_of_ours", "The code of the library of this installation that it is.", group=MESSAGES,
           control="library", help="A library of this installation needs no mail: both halves talk directly."),
    Column("language", "Of letters to it: en or de; empty: that of our library.", group=MESSAGES,
           label="Language of letters", control="choice", choices=("", *LANGUAGES)),
    Column("status", "active or suspended.", "active", group=NAME, control="choice", choices=STATUSES),
    *(Column(f"terms.{name}", about, "21" if name == "loan_days" else "", group=TERMS,
             control="choice" if name in _CHOSEN else "", choices=_CHOSEN.get(name, ()))
      for name, about in _TERMS.items()),
    *(Column(f"fees.{name}", about, "90.00" if name == "replacement" else "", group=MONEY)
      for name, about in _FEES.items()),
    *(Column(f"wire.{name}", _about_wire(name), example, label=label, group=group,
             control="choice" if name in _CHOICES_OF_WIRE else "", choices=_CHOICES_OF_WIRE.get(name, ()),
             help=ABOUT[name])
      for name, (group, label, example) in _WIRE.items()),
)  # fmt: skip
_RECKONED = {"terms", "working_days", "time_zone", "local_library_id"}


def take_partner(session: Session, library_id: int, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
    """Add a partner to a library's list, or change the one of that code."""
    code = values.get("code", "")
    partner = session.scalar(sa.select(Partner).where(Partner.library_id == library_id, Partner.code == code))
    given = read_cells(values, READERS, {"delivery_method": "courier", "status": "active", **dict.fromkeys(_AGREED)})
    given |= _links(session, library_id, values, partner)
    given["terms"] = _agreed(given, "terms.", partner.terms if partner else {})
    given["fees"] = _agreed(given, "fees.", partner.fees if partner else {})
    given["wire"] = _agreed(given, "wire.", partner.wire if partner else {})
    if partner is None:
        name = given.pop("name", "")
        add_partner(session, library_id, code=code, name=name, **given)
        return code, True, ()
    new = changes(partner, given)
    if "fees" in new and _amounts(partner.fees) == _amounts(given["fees"]):
        del new["fees"]
    change_partner(session, partner, **new)
    if _RECKONED & set(new):
        due_dates.reckon_anew(session, library_id, partner.id)
    names = {"hub_id": "hub", "local_library_id": "library_of_ours"}
    return code, False, sorted(names.get(name, name) for name in new)


def hubs_first(lines: list[Line]) -> Iterator[Line]:
    """The lines, each behind that of its hub, wherever that stands in the file."""
    by_code = {line.values.get("code", ""): line for line in lines}
    done = set[int]()
    for line in lines:
        waiting = dict[int, Line]()
        following: Line | None = line
        while following is not None and following.number not in done and following.number not in waiting:
            waiting[following.number] = following
            following = by_code.get(following.values.get("hub", ""))
        done |= waiting.keys()
        yield from reversed(waiting.values())


def rows(session: Session, library_id: int) -> Iterator[dict[str, str]]:
    """The partners of a library; terms that are the usual ones are left empty."""
    mine = sa.select(Partner).where(Partner.library_id == library_id).order_by(Partner.code)
    for partner in session.scalars(mine):
        yield row_of(partner)


def row_of(partner: Partner) -> dict[str, str]:
    """A partner as its line tells it."""
    plain = {n: shown(getattr(partner, n)) for n in READERS if "." not in n}
    return {
        "code": partner.code,
        **plain,
        "hub": partner.hub.code if partner.hub else "",
        "library_of_ours": partner.local_library.code if partner.local_library else "",
        **{f"terms.{name}": shown_term(name, value) for name, value in partner.terms.items()},
        **{f"fees.{name}": str(value) for name, value in partner.fees.items()},
        **{f"wire.{name}": shown_setting(value) for name, value in partner.wire.items()},
    }


def _links(session: Session, library_id: int, values: dict[str, str], partner: Partner | None) -> dict[str, Any]:
    """Hub and library, which are named by their codes."""
    found = dict[str, Any]()
    hub, ours = values.get("hub", ""), values.get("library_of_ours", "")
    if hub == NOTHING:
        found["hub_id"] = None
    elif hub and hub == values.get("code"):
        raise BadInput("A partner is no hub of itself.", field="hub")
    elif hub:
        found["hub_id"] = find_partner(session, library_id, hub, field="hub").id
    if ours == NOTHING:
        found["local_library_id"] = None
    elif ours:
        try:
            library: Library = find_library(session, ours)
        except NotFound as unknown:
            raise BadInput(unknown.message, field="library_of_ours") from None
        found["local_library_id"] = library.id
        if partner is None and not values.get("transport"):
            found["transport"] = "local"
    return found


def _agreed(given: dict[str, Any], prefix: str, before: dict[str, Any]) -> dict[str, Any]:
    """What is agreed from now on: what was, with what the line says; an emptied one is the usual again."""
    said = {name: given.pop(name) for name in list(given) if name.startswith(prefix)}
    agreed = {**before, **{name.removeprefix(prefix): value for name, value in said.items()}}
    emptied = {name.removeprefix(prefix) for name, value in said.items() if value is None}
    nulls = {name for name, value in agreed.items() if value is _NULL}
    return {name: None if name in nulls else value for name, value in agreed.items() if name not in emptied}


class _Null:
    """A term that is agreed to be none: never lost, nobody renews by itself."""


_NULL = _Null()


def _amounts(agreed: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in agreed.items()}


def _money(name: str, cell: str) -> str:
    return str(typed.as_money(name, cell))


def _ladder(name: str, cell: str) -> list[int]:
    if cell.casefold() == NO_NOTICES:
        return []
    return [number(name, part) for part in re.split(r"[\s;,]+", cell.strip("[] "))]


def _term(reader: Read) -> Read:
    def read(name: str, cell: str) -> Any:
        value = reader(name, cell)
        return _NULL if value is None else value

    return read


def _who_renews(name: str, cell: str) -> bool | None:
    return None if cell.casefold() == ASK else yes_or_no(name, cell)


def _reader_of(name: str) -> Read:
    if name == "ladder":
        return _ladder
    if name == "renews_by_itself":
        return _term(_who_renews)
    if name == "lost_after_days":
        return _term(number_or_never)
    return yes_or_no if isinstance(getattr(Terms(), name), bool) else number


def shown_term(name: str, value: Any) -> str:
    """What was agreed, as its cell shows it."""
    if name == "ladder":
        return " ".join(str(day) for day in value) or NO_NOTICES
    if value is None:
        return ASK if name == "renews_by_itself" else NEVER
    return shown(value)


def shown_setting(value: Any) -> str:
    """A setting of ISO 18626, as its cell shows it."""
    return " ".join(value) if isinstance(value, list | tuple) else shown(value)


def _addresses(name: str, cell: str) -> list[str]:
    return re.split(r"[\s;,]+", cell.strip())


def _reader_of_wire(name: str) -> Read:
    match getattr(WireSettings(), name):
        case bool():
            return yes_or_no
        case int():
            return number
        case tuple():
            return _addresses
        case _:
            return text


#: What holds where nothing was agreed, as cells show it.
USUAL = {f"terms.{name}": shown_term(name, value) for name, value in vars(Terms()).items()} | {
    f"fees.{name}": str(value) for name, value in vars(Fees()).items()
}


def usual_wire(vendor: str) -> dict[str, str]:
    """What is usual with the systems of a vendor, as cells show it."""
    usual = {**vars(settings_of({"vendor": vendor})), "vendor": WireSettings.vendor}
    return {f"wire.{name}": shown_setting(value) for name, value in usual.items()}


def wire_of(cells: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is agreed from now on: what was, with what these cells of `wire.` say; an empty one is the usual again."""
    given = read_cells({name: cell or NOTHING for name, cell in cells.items()}, _WIRE_READERS, _EMPTY_WIRE)
    return _agreed(given, "wire.", dict(before))


_WIRE_READERS: dict[str, Read] = {f"wire.{f.name}": _reader_of_wire(f.name) for f in fields(WireSettings)}
_EMPTY_WIRE = dict.fromkeys(_WIRE_READERS)
_AGREED: dict[str, Read] = {
    **{f"terms.{f.name}": _reader_of(f.name) for f in fields(Terms)},
    **{f"fees.{f.name}": _money for f in fields(Fees)},
    **_WIRE_READERS,
}
READERS: dict[str, Read] = {
    "name": text, "email": text, "shipping_address": text, "billing_address": text, "return_address": text,
    "delivery_code": text, "delivery_method": text, "time_zone": text, "language": text, "working_days": text,
    "currency": currency, "transport": text, "status": text, **_AGREED,
}  # fmt: skip
