"""What went over the wire between a partner and us, call by call: when, how it ended, and the text without secrets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.errors import NotFound
from ill_workflow.iso18626.showing import in_a_word, pretty, verdict
from ill_workflow.libraries import Library
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Request

#: Letters of a text that are shown beside others; a longer one has a page of its own.
SHORT = 8 * 1024
MOST, MOST_LISTED = 200, 100
LARGEST_ID = 2**31
#: How calls ended, as one may ask for them.
OUTCOMES = ("well", "refused", "not confirmed")


@dataclass(frozen=True)
class Call:
    """One call and its answer. Texts are masked; `whole` is false where they were cut for the page."""

    id: int
    at: datetime
    incoming: bool
    peer: str
    http_status: int | None
    took_ms: int | None
    forgiven: tuple[str, ...]
    trouble: str
    said: str
    answered: str
    whole: bool = True
    message_id: int | None = None
    effect_id: int | None = None
    request_id: int | None = None
    reference: str = ""
    library: str = ""
    partner: str = ""

    @property
    def what(self) -> str:
        return in_a_word(self.said)

    @property
    def status(self) -> str:
        """OK or ERROR, as the confirmation says; empty where there was none."""
        return verdict(self.answered)[0]

    @property
    def error(self) -> str:
        """The typed error of the confirmation, or what went wrong instead."""
        return verdict(self.answered)[1] or self.trouble

    @property
    def outcome(self) -> str:
        """One of OUTCOMES."""
        if self.status == "ERROR" or (self.http_status or 0) >= 300 or (self.incoming and self.trouble):
            return "refused"
        return "not confirmed" if self.http_status is None or self.trouble else "well"

    @property
    def said_pretty(self) -> str:
        return pretty(self.said)

    @property
    def answered_pretty(self) -> str:
        return pretty(self.answered)


def calls_of(session: Session, request: Request, *, whole: bool = False) -> list[Call]:
    """The latest calls about a request, the oldest first; long texts are cut unless all is wanted."""
    rows = (
        _rows(None if whole else SHORT)
        .where(Exchange.request_id == request.id)
        .order_by(Exchange.id.desc())
        .limit(MOST)
    )
    return [_call(row) for row in reversed(session.execute(rows).all())]


def find_call(session: Session, number: int, *, library_ids: Iterable[int]) -> Call:
    """A call of one of these libraries, or of none; with its whole text. Raises NotFound."""
    ours = sa.or_(Exchange.library_id.in_(set(library_ids)), Exchange.library_id.is_(None))
    row = None
    if 0 < number < LARGEST_ID:
        row = session.execute(_rows(None).where(Exchange.id == number, ours)).one_or_none()
    if row is None:
        raise NotFound("There is no such call at this library, or it is kept no longer.", field="call")
    return _call(row)


def list_calls(
    session: Session, *, library_id: int, nobodys: bool = False, partner_id: int | None = None, outcome: str = "",
    before: int | None = None, most: int = MOST_LISTED,
) -> list[Call]:  # fmt: skip
    """The latest calls of a library, or with `nobodys` those of which nobody knew whose they were; the latest first."""
    whose = Exchange.library_id.is_(None) if nobodys else Exchange.library_id == library_id
    rows = _rows(SHORT).where(whose)
    if partner_id is not None:
        rows = rows.where(Exchange.partner_id == partner_id)
    if before is not None and 0 < before < LARGEST_ID:
        rows = rows.where(Exchange.id < before)
    error = Exchange.answered.contains(">ERROR<")
    refused = sa.or_(error, Exchange.http_status >= 300, Exchange.incoming & (Exchange.trouble != ""))
    refused = sa.func.coalesce(refused, sa.false())
    silent = ~refused & sa.or_(Exchange.http_status.is_(None), Exchange.trouble != "")
    ended = {"refused": refused, "not confirmed": silent, "well": ~refused & ~silent}
    if outcome in ended:
        rows = rows.where(ended[outcome])
    return [_call(row) for row in session.execute(rows.order_by(Exchange.id.desc()).limit(most))]


def _rows(longest: int | None) -> sa.Select[*tuple[Any, ...]]:
    said: sa.ColumnElement[str] = Exchange.said.expression
    answered: sa.ColumnElement[str] = Exchange.answered.expression
    whole: sa.ColumnElement[bool] = sa.true()
    if longest is not None:
        whole = sa.and_(sa.func.length(said) <= longest, sa.func.length(answered) <= longest)
        said, answered = sa.func.substr(said, 1, longest), sa.func.substr(answered, 1, longest)
    return (
        sa.select(
            Exchange.id, Exchange.at, Exchange.incoming, Exchange.peer, Exchange.http_status, Exchange.took_ms,
            Exchange.forgiven, Exchange.trouble, said.label("said"), answered.label("answered"), whole.label("whole"),
            Exchange.message_id, Exchange.effect_id, Exchange.request_id, Request.reference,
            Library.code.label("library"), Partner.name.label("partner"),
        )
        .outerjoin(Request, Request.id == Exchange.request_id)
        .outerjoin(Library, Library.id == Exchange.library_id)
        .outerjoin(Partner, Partner.id == Exchange.partner_id)
    )  # fmt: skip


def _call(row: sa.Row[*tuple[Any, ...]]) -> Call:
    found = row._asdict()
    texts = {name: found[name] or "" for name in ("reference", "library", "partner")}
    return Call(**{**found, **texts, "forgiven": tuple(found["forgiven"] or ()), "whole": bool(found["whole"])})
