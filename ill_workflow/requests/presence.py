"""Who has which request on the screen, so that two people on one request know of each other."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.accounts import Account
from ill_workflow.db import Base, UTCDateTime, db_time

#: How long somebody counts as being there after the last sign: an open page gives one every ten seconds.
THERE = timedelta(seconds=30)


class Presence(Base):
    """Somebody has a request on the screen. In the database's own time, as several web processes write it."""

    __tablename__ = "presence"

    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


def are_here(session: Session, who: Iterable[tuple[int, int]]) -> None:
    """Note that these accounts have these requests open (request, account); who went long ago is forgotten."""
    session.execute(sa.delete(Presence).where(Presence.seen_at < db_time(session, -2 * THERE)))
    rows = [{"request_id": request, "account_id": account} for request, account in sorted(set(who))]
    if not rows:
        return
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    seen = insert(sa.inspect(Presence).local_table).values(seen_at=db_time(session))
    seen = seen.on_conflict_do_update(index_elements=["request_id", "account_id"], set_={"seen_at": db_time(session)})
    session.execute(seen, rows)


def has_left(session: Session, request_id: int, account_id: int) -> None:
    session.execute(sa.delete(Presence).where(Presence.request_id == request_id, Presence.account_id == account_id))


def who_is_there(session: Session, requests: Collection[int]) -> Mapping[int, tuple[tuple[int, str], ...]]:
    """Who has these requests open: account and name, by request."""
    if not requests:
        return {}
    rows = sa.select(Presence.request_id, Account.id, Account.full_name, Account.name)
    rows = rows.join(Account, Account.id == Presence.account_id).order_by(Presence.request_id, Account.name)
    there = Presence.request_id.in_(list(requests)) & (Presence.seen_at > db_time(session, -THERE))
    found: dict[int, tuple[tuple[int, str], ...]] = {}
    for request, account, full_name, name in session.execute(rows.where(there)):
        found[request] = (*found.get(request, ()), (account, full_name or name))
    return found
