"""What went over the wire, as text: each message with the answer to it, for whoever has to find out what went wrong."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime
from ill_workflow.requests.models import Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

#: Letters of a message that are kept.
MOST_KEPT = 64 * 1024
LONGEST_PEER = 300
LONGEST_TROUBLE = 2000
MOST_FORGIVEN = 50
_SHOWN_CREDENTIALS = re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}|(?<=://)[^\s/@]+(?=@)", re.IGNORECASE)


class Exchange(Base):
    """One call and its answer. Secrets and patrons are masked before it is written down; it is purged after a while.

    A call that was refused before anybody knew whose it was has no library, and is shown to operators alone.
    """

    __tablename__ = "exchange"
    __table_args__ = (
        sa.Index(None, "request_id", "id"), sa.Index(None, "library_id", "id"), sa.Index(None, "partner_id", "id"),
        sa.Index(None, "effect_id"), sa.Index(None, "message_id"), sa.Index(None, "at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library.id"))
    partner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("partner.id"))
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("request.id"))
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey("message.id"))  #: what was taken in, or was sent
    effect_id: Mapped[int | None] = mapped_column(sa.ForeignKey("effect.id"))  #: the promise that it kept
    incoming: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    peer: Mapped[str] = mapped_column(sa.String(300), default="")  #: from which address, or to which URL
    said: Mapped[str] = mapped_column(sa.Text)  #: the message as it stood on the wire, masked
    answered: Mapped[str] = mapped_column(sa.Text, default="")  #: the confirmation, masked
    http_status: Mapped[int | None]  #: none: no answer came
    took_ms: Mapped[int | None]
    forgiven: Mapped[list[str]] = mapped_column(sa.JSON, default=list)  #: what was wrong with it, and was understood
    trouble: Mapped[str] = mapped_column(sa.Text, default="")  #: why it was refused, or did not get through


class PatronOfPartner(Base):
    """What a partner has told us of its patron, apart from all that is shown and logged."""

    __tablename__ = "patron_of_partner"

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)  #: a `patronInfo`
    at: Mapped[datetime] = mapped_column(UTCDateTime)


def remember_exchange(
    session: Session, *, incoming: bool, said: bytes, answered: bytes, at: datetime, mask: Callable[[bytes], str],
    peer: str = "", http_status: int | None = None, took_ms: int | None = None, library_id: int | None = None,
    partner_id: int | None = None, request_id: int | None = None, message_id: int | None = None,
    effect_id: int | None = None, forgiven: Sequence[str] = (), trouble: str = "",
) -> Exchange:  # fmt: skip
    """Write down a call and its answer, in the caller's transaction; `mask` takes the secrets out of both."""
    exchange = Exchange(
        incoming=incoming, said=_kept(said, mask), answered=_kept(answered, mask), at=at, peer=_peer(peer),
        http_status=http_status, took_ms=took_ms, library_id=library_id, partner_id=partner_id, request_id=request_id,
        message_id=message_id, effect_id=effect_id, forgiven=[_plain(one, 500) for one in forgiven[:MOST_FORGIVEN]],
        trouble=_plain(trouble, LONGEST_TROUBLE),
    )  # fmt: skip
    session.add(exchange)
    session.flush()
    return exchange


def forget(session: Session, before: datetime, most: int = 500) -> int:
    """Forget calls from before an instant whose request is over since then, or that belong to none; how many.

    What is said about a request that is under way stays, however old it is: somebody may have to find out.
    """
    over = Exchange.request_id.in_(_over_since(before))
    old = sa.select(Exchange.id).where(Exchange.at < before, Exchange.request_id.is_(None) | over).limit(most)
    return _delete(session, Exchange, Exchange.id, old)


def forget_patrons(session: Session, before: datetime, most: int = 500) -> int:
    """Forget what partners told of their patrons, where the request is over since an instant; of how many."""
    numbers = sa.select(PatronOfPartner.request_id)
    old = numbers.where(PatronOfPartner.request_id.in_(_over_since(before))).limit(most)
    return _delete(session, PatronOfPartner, PatronOfPartner.request_id, old)


def _over_since(before: datetime) -> sa.Select[int]:
    sides = {"borrowing": BORROWING, "lending": LENDING}
    over = [(Request.side == side) & Request.state.in_(lifecycle.terminal) for side, lifecycle in sides.items()]
    return sa.select(Request.id).where(sa.or_(*over), Request.state_since < before)


def _delete(session: Session, table: type[Base], key: Any, which: sa.Select[int]) -> int:
    # In two steps: a delete that is limited is no SQL, and what was found first stays found.
    numbers = list(session.scalars(which))
    if numbers:
        session.execute(sa.delete(table).where(key.in_(numbers)).execution_options(synchronize_session=False))
    return len(numbers)


def _kept(raw: bytes, mask: Callable[[bytes], str]) -> str:
    text = mask(raw)
    if len(text) <= MOST_KEPT:
        return text
    return f"{text[:MOST_KEPT]}\n… cut here: the whole had {len(raw)} bytes."


def _peer(peer: str) -> str:
    """An address, without what shows who calls there."""
    plain = _plain(peer, 2000)
    if "://" in plain:
        try:
            parts = urlsplit(plain)
        except ValueError:
            return plain.split("?")[0].rpartition("@")[2][:LONGEST_PEER]
        plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return plain[:LONGEST_PEER]


def _plain(text: str, longest: int) -> str:
    """Without control characters and credentials."""
    shown = _SHOWN_CREDENTIALS.sub(lambda found: f"{found[1] or ''}•••", text)
    return "".join(c if c >= " " or c == "\n" else " " for c in shown).encode("utf-8", "replace").decode()[:longest]
