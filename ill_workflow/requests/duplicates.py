"""Whether a patron has asked for the same already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.libraries import Library
from ill_workflow.patrons import Patron
from ill_workflow.requests.findable import fold
from ill_workflow.requests.models import BORROWING, Request
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE

#: What ended longer ago is asked for anew.
RECENT = timedelta(days=90)
#: Of a patron who asks for very much, the latest are looked at.
MOST = 300
_WORD = re.compile(r"[^\W_]+")
_COMPARED = ("title", "author", "isbn", "issn", "volume", "article_title", "pages")


@dataclass(frozen=True)
class Twin:
    """A request of the same patron for the same."""

    id: int
    reference: str
    title: str
    state: str  #: its label
    under_way: bool
    since: datetime


def duplicates(
    session: Session, library: Library, fields: Mapping[str, Any], patron: Patron | None, now: datetime,
    *, beside: int | None = None,
) -> list[Twin]:  # fmt: skip
    """What the patron has under way, or had until recently, the latest first: the same number or title, and part.

    `fields` are those of a request as they were read; `beside` is left out. Looked up by the patron's index.
    """
    if patron is None:
        return []
    columns = (getattr(Request, name) for name in ("id", "reference", "state", "state_since", *_COMPARED))
    theirs = sa.select(*columns).where(Request.patron_id == patron.id, Request.library_id == library.id)
    rows = session.execute(theirs.where(Request.side == BORROWING).order_by(Request.id.desc()).limit(MOST))
    wanted, found = _compared(fields), list[Twin]()
    for row in rows.mappings():
        under_way = row["state"] not in BORROWING_LIFECYCLE.terminal
        recent = under_way or row["state_since"] > now - RECENT
        if row["id"] != beside and recent and _same(wanted, _compared(dict(row))):
            label = BORROWING_LIFECYCLE.label(row["state"])
            found.append(Twin(row["id"], row["reference"], row["title"], label, under_way, row["state_since"]))
    return found


def _compared(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: " ".join(_WORD.findall(fold(str(fields.get(name) or "")))) for name in _COMPARED}


def _same(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """The same part of the same: other volumes, and other articles of a journal, are something else."""
    if any(one[name] != other[name] for name in ("volume", "article_title", "pages")):
        return False
    if any(one[name] and one[name] == other[name] for name in ("isbn", "issn")):
        return True
    authors = {one["author"], other["author"]} - {""}
    return bool(one["title"]) and one["title"] == other["title"] and len(authors) < 2
