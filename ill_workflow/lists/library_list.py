"""The libraries of the installation as a list."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library, add_library, change_library
from ill_workflow.lists.entries import (
    NEVER,
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
    Column("claim_days", "For how long after its return an item can be called damaged.", "30"),
)
_READERS: dict[str, Read] = {
    "name": text, "time_zone": text, "address": text, "delivery_code": text, "email": text, "reply_to": text,
    "currency": currency, "working_days": text, "lending_suspended": yes_or_no,
    "transit_after_days": number_or_never, "claim_days": number,
}  # fmt: skip
_RECKONED = {"time_zone", "working_days", "transit_after_days", "claim_days", "lending_suspended"}


def take_library(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
    """Add a library, or change the one of that code."""
    code, prefix = values.get("code", ""), values.get("prefix", "")
    given = read_cells(values, _READERS, {"lending_suspended": False, "time_zone": "UTC"})
    library = session.scalar(sa.select(Library).where(Library.code == code))
    if library is None:
        name, zone = given.pop("name", ""), given.pop("time_zone", "UTC")
        add_library(session, code=code, name=name, prefix=prefix, time_zone=zone, **given)
        return code, True, ()
    if prefix and prefix.upper() != library.prefix:
        raise BadInput(
            f"The prefix of {code} is {library.prefix} and stays: slips are printed with it.", field="prefix"
        )
    new = changes(library, given)
    change_library(session, library, **new)
    if _RECKONED & set(new):
        due_dates.reckon_anew(session, library.id)
    return code, False, sorted(new)


def rows(session: Session) -> Iterator[dict[str, str]]:
    for library in session.scalars(sa.select(Library).order_by(Library.code)):
        row = {column.name: shown(getattr(library, column.name)) for column in COLUMNS}
        yield {**row, "transit_after_days": row["transit_after_days"] or NEVER}
