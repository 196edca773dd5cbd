"""The libraries of the installation as a list."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library, add_library, change_library
from ill_workflow.lists.entries import (
    NEVER,
    NOTHING,
    Read,
    changes,
    currency,
    day,
    number,
    number_or_never,
    read_cells,
    shown,
    text,
    yes_or_no,
)
from ill_workflow.lists.sheet import Column
from ill_workflow.requests import due_dates
from ill_workflow.slips import settings as slip_settings
from ill_workflow.slips.content import PAPERS
from ill_workflow.typed import LANGUAGES

_PAPERS = tuple(slip_settings.PAPER_FIELDS)
NAME, MAIL, LENDING, DAYS, SLIPS = "Name and address", "Letters and mail", "Lending", "Days", "Slips"
SCANNING, PARTNERS = "Scanning", "ISO 18626"
COLUMNS = (
    Column("code", "By which the library is known. It is needed.", "MAIN", required=True),
    Column("name", "The name. A new library needs one.", "Main Library", group=NAME),
    Column("prefix", "Of its references: XPX gives XPX-1001. It stays for ever.", "XPX"),
    Column("address", "The address, in several lines.", "400 State Street\nChicago, IL 60605", group=NAME,
           control="lines"),
    Column("delivery_code", "The code of the courier.", "CHI-01", group=NAME),
    Column("time_zone", "Such as America/Chicago.", "America/Chicago", group=NAME),
    Column("currency", "In which fees are.", "USD", group=NAME),
    Column("email", "The address of its mails.", "ill@main.example", label="E-mail", group=MAIL, control="email"),
    Column("reply_to", "Where answers go.", "desk@main.example", label="Answers go to", group=MAIL, control="email"),
    Column("language", "Of its letters: en or de.", "en", label="Language of letters", group=MAIL, control="choice",
           choices=tuple(LANGUAGES)),
    Column("digest_minutes", "Minutes that notices wait to be one mail; 0: each goes at once.", "10",
           label="Minutes that notices wait", group=MAIL),
    Column("agency_type", "The list in which its id for partners stands, such as ISIL.", "ISIL",
           label="List of its id", group=PARTNERS),
    Column("agency", "The id by which partners that speak ISO 18626 know it; empty: its code.", "US-MAIN",
           label="Its id", group=PARTNERS),
    Column("lending_suspended", "yes where nothing is lent until somebody lifts it.", "no",
           label="Suspended until somebody lifts it", group=LENDING),
    Column("lending_suspended_from", "The first day on which nothing is lent; empty: at once.", label="Suspended from",
           group=LENDING),
    Column("lending_suspended_until", "The last day on which nothing is lent, written 2026-12-31. It ends by itself.",
           label="Suspended until", group=LENDING),
    Column("working_days", "Seven digits, Monday first.", "1111100", group=DAYS, control="week"),
    Column("transit_after_days", "Working days after which Shipped becomes In Transit by itself, or never.", "1",
           label="Days until In Transit", group=DAYS),
    Column("claim_days", "For how long after its return an item can be called damaged.", "30",
           label="Days to claim damage", group=DAYS),
    Column("scan_receives", "yes where Scan In receives what arrives without asking first.", "no",
           label="Receive without asking", group=SCANNING, control="yes_or_no"),
    Column("scan_ships", "yes where scanning a slip and then the item ships it.", "no",
           label="Ship by scanning slip and item", group=SCANNING, control="yes_or_no"),
    *(Column(name, f"The paper of this slip, such as {slip_settings.DEFAULT_PAPER}.", group=SLIPS, control="choice",
             choices=PAPERS) for name in _PAPERS),
    Column("per_sheet", f"Slips on one sheet: {', '.join(map(str, slip_settings.SHEETS))}.", label="Slips to a sheet",
           group=SLIPS, control="choice", choices=tuple(map(str, slip_settings.SHEETS))),
    Column("duplex", "yes where RETURN TO stands on the back.", label="RETURN TO on the back", group=SLIPS,
           control="yes_or_no"),
    Column("slip_texts", "A few lines of its own on each slip.", label="Own lines", group=SLIPS, control="lines"),
)  # fmt: skip
#: What a slip setting is when its cell is emptied.
_USUAL_LOOKS = {**dict.fromkeys(_PAPERS, slip_settings.DEFAULT_PAPER), "per_sheet": "1", "duplex": "no"}
READERS: dict[str, Read] = {
    "name": text, "time_zone": text, "address": text, "delivery_code": text, "email": text, "reply_to": text,
    "agency_type": text, "agency": text,
    "currency": currency, "working_days": text, "lending_suspended": yes_or_no,
    "scan_receives": yes_or_no, "scan_ships": yes_or_no,
    "lending_suspended_from": day, "lending_suspended_until": day,
    "transit_after_days": number_or_never, "claim_days": number,
    "language": text, "digest_minutes": number,
}  # fmt: skip
_EMPTY = {
    "lending_suspended": False, "lending_suspended_from": None, "lending_suspended_until": None, "time_zone": "UTC",
    "language": "en", "agency_type": "ISIL", "scan_receives": False, "scan_ships": False,
}  # fmt: skip
_RECKONED = {"time_zone", "working_days", "transit_after_days", "claim_days", "lending_suspended"}


def take_library(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
    """Add a library, or change the one of that code."""
    code, prefix = values.get("code", ""), values.get("prefix", "")
    given = read_cells(values, READERS, _EMPTY)
    library = session.scalar(sa.select(Library).where(Library.code == code))
    if library is None:
        name, zone = given.pop("name", ""), given.pop("time_zone", "UTC")
        library = add_library(session, code=code, name=name, prefix=prefix, time_zone=zone, **given)
        slip_settings.change(session, library, _looks(library, values))
        return code, True, ()
    if prefix and prefix.upper() != library.prefix:
        raise BadInput(
            f"The prefix of {code} is {library.prefix} and stays: slips are printed with it.", field="prefix"
        )
    new = changes(library, given)
    change_library(session, library, **new)
    if _RECKONED & set(new):
        due_dates.reckon_anew(session, library.id)
    looks = _looks(library, values)
    slip_settings.change(session, library, looks)
    return code, False, sorted([*new, *looks])


def _looks(library: Library, values: dict[str, str]) -> dict[str, str]:
    """What the line says of the slips, where that is another than it was."""
    given = {name: values[name] for name in slip_settings.FIELDS if values.get(name)}
    said = {name: _USUAL_LOOKS.get(name, "") if cell == NOTHING else text(name, cell) for name, cell in given.items()}
    now = slip_settings.in_force(library)
    return {name: value for name, value in said.items() if value != shown(now[name])}


def rows(session: Session) -> Iterator[dict[str, str]]:
    for library in session.scalars(sa.select(Library).order_by(Library.code)):
        yield row_of(library)


def row_of(library: Library) -> dict[str, str]:
    """What a library is set to, as its line tells it."""
    looks = {name: shown(value) for name, value in slip_settings.in_force(library).items()}
    row = {c.name: shown(getattr(library, c.name)) for c in COLUMNS if c.name not in looks}
    return {**row, **looks, "transit_after_days": row["transit_after_days"] or NEVER}
