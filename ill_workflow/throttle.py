"""How often somebody may try to sign in: each wrong password makes the next try wait longer, and nobody is shut out."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.clock import machine_now
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import IllError

#: After this time without a wrong password nothing is held against anybody.
FORGIVEN = timedelta(hours=1)
#: How long an address is known from which somebody has signed in.
FAMILIAR = timedelta(days=90)


class TooManyTries(IllError):
    """Too many wrong passwords."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong passwords. Try again in {seconds} seconds.", field="password")
        self.seconds = seconds


class Tries(Base):
    """How many tries one name, or one address, has had lately; and from where somebody has signed in before."""

    __tablename__ = "tries"

    key: Mapped[str] = mapped_column(sa.String(160), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)  #: of the last one
    until: Mapped[datetime] = mapped_column(UTCDateTime)  #: before that there is no other


@dataclass(frozen=True)
class Patience:
    """How many tries are free, and how long the wait for the next one grows to at most."""

    free: int
    longest: timedelta

    def wait(self, count: int) -> timedelta:
        over = count - self.free
        return timedelta(0) if over <= 0 else min(timedelta(seconds=2 ** min(over, 20)), self.longest)


#: With one name from one address: nobody elsewhere can use these up.
PAIR = Patience(5, timedelta(minutes=5))
#: With one name from wherever it is not known, and from one address, where many people may sit. Where somebody has
#: signed in before, neither holds them up.
NAME, ADDRESS = Patience(100, timedelta(seconds=30)), Patience(30, timedelta(minutes=1))


def begin_try(session: Session, name: str, address: str) -> None:
    """Count a try before the password is looked at. Raises TooManyTries, which counts nothing."""
    now, place = machine_now(), _place(address)
    for key, patience in _counters(session, name, place):
        count, until = _count(session, key, now)
        if until > now:
            raise TooManyTries(int((until - now).total_seconds()) + 1)
        waiting = {"until": now + patience.wait(count), "at": now}
        session.execute(sa.update(Tries).where(Tries.key == key).values(**waiting))


def succeeded(session: Session, name: str, address: str) -> None:
    """It was the right password: nothing is held against this name here, where it is known from now on."""
    now, place = machine_now(), _place(address)
    not_looked_at(session, name, address)
    session.execute(sa.delete(Tries).where(Tries.key == _pair(name, place)))
    _count(session, _familiar(name, place), now)
    session.execute(sa.update(Tries).where(Tries.key == _familiar(name, place)).values(at=now))


def not_looked_at(session: Session, name: str, address: str) -> None:
    """Take back a try that was none."""
    less = {"count": sa.case((Tries.count > 0, Tries.count - 1), else_=0), "until": machine_now()}
    for key, _patience in _counters(session, name, _place(address)):
        session.execute(sa.update(Tries).where(Tries.key == key).values(**less))


def forget(session: Session) -> int:
    """Forget what is held against nobody any more."""
    now = machine_now()
    familiar = Tries.key.startswith("known:")
    old = (~familiar & (Tries.at < now - FORGIVEN)) | (familiar & (Tries.at < now - FAMILIAR))
    gone = session.execute(sa.delete(Tries).where(old), execution_options={"synchronize_session": False})
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _counters(session: Session, name: str, place: str) -> list[tuple[str, Patience]]:
    """What a try counts for, always in this order, so that no two tries wait for each other."""
    known = session.scalar(sa.select(Tries.at).where(Tries.key == _familiar(name, place)))
    pair = (_pair(name, place), PAIR)
    if known and known > machine_now() - FAMILIAR:
        return [pair]
    return [pair, (f"name:{_digest(name)}", NAME), (f"from:{place}", ADDRESS)]


def _pair(name: str, place: str) -> str:
    return f"pair:{_digest(name)}@{place}"


def _familiar(name: str, place: str) -> str:
    return f"known:{_digest(name)}@{place}"


def _digest(name: str) -> str:
    # People type their password where the name belongs.
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()


def _place(address: str) -> str:
    """One household or office: an address, or the network that one has in IPv6."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ip_network(f"{ip}/64", strict=False))


def _count(session: Session, key: str, now: datetime) -> tuple[int, datetime]:
    """Count one more, unless there is still a wait; the count and the wait. Two at once are counted one by one."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new = insert(Tries).values(key=key, count=1, at=now, until=now)
    count = sa.case((Tries.until > now, Tries.count), (Tries.at < now - FORGIVEN, 1), else_=Tries.count + 1)
    counted = new.on_conflict_do_update(index_elements=[Tries.key], set_={"count": count})
    row = session.execute(counted.returning(Tries.count, Tries.until)).one()
    return int(row[0]), row[1]
