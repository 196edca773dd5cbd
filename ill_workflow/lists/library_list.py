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

_PAPERS = tuple(slip_settings.PAPER_FIELDS)
COLUMNS = (
    Column("code", "By which the library is known. It is needed.", "MAIN", required=True),
    Column("name", "The name. A new library needs one.", "Main Library"),
    Column("prefix", "Of its references: XPX gives XPX-1001. It stays for ever.", "XPX"),
    Column("time_zone", "Such as America/Chicago.", "America/Chicago"),
    Column("address", "The address, in several lines.", "400 State Street\nChicago, IL 60605"),
    Column("delivery_code", "The code of the courier.", "CHI-01"),
    Column("email", "The address of its mails.", "ill@main.example"),
    Column("reply_to", "Where answers go.", "desk@main.example"),
    Column("currency", "In which fees are.", "USD"),
    Column("working_days", "Seven digits, Monday first.", "1111100"),
    Column("lending_suspended", "yes or no.", "no"),
    Column("transit_after_days", "Working days after which Shipped becomes In Transit by itself, or never.", "1"),
    Column("language", "Of its letters: en or de.", "en"),
    Column("digest_minutes", "Minutes that notices wait to be one mail; 0: each goes at once.", "10"),
    Column("claim_days", "For how long after its return an item can be called damaged.", "30"),
    *(Column(name, f"The paper of this slip, such as {slip_settings.DEFAULT_PAPER}.") for name in _PAPERS),
    Column("per_sheet", f"Slips on one sheet: {', '.join(map(str, slip_settings.SHEETS))}."),
    Column("duplex", "yes where RETURN TO stands on the back."),
    Column("slip_texts", "A few lines of its own on each slip."),
)
#: What a slip setting is when its cell is emptied.
_USUAL_LOOKS = {**dict.fromkeys(_PAPERS, slip_settings.DEFAULT_PAPER), "per_sheet": "1", "duplex": "no"}
_READERS: dict[str, Read] = {
    "name": text, "time_zone": text, "address": text, "delivery_code": text, "email": text, "reply_to": text,
    "currency": currency, "working_days": text, "lending_suspended": yes_or_no,
    "transit_after_days": number_or_never, "claim_days": number,
    "language": text, "digest_minutes": number,
}  # fmt: skip
_RECKONED = {"time_zone", "working_days", "transit_after_days", "claim_days", "lending_suspended"}


def take_library(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
    """Add a library, or change the one of that code."""
    code, prefix = values.get("code", ""), values.get("prefix", "")
    given = read_cells(values, _READERS, {"lending_suspended": False, "time_zone": "UTC", "language": "en"})
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
        looks = {name: shown(value) for name, value in slip_settings.in_force(library).items()}
        row = {c.name: shown(getattr(library, c.name)) for c in COLUMNS if c.name not in looks}
        yield {**row, **looks, "transit_after_days": row["transit_after_days"] or NEVER}
