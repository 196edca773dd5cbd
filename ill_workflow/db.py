"""One transaction a door: opened and committed here, announced to the bell after the commit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session

Announce = Callable[[Sequence[tuple[int, str]]], None]


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware, in UTC, on both databases."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the application."""

    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: sa.JSON, list[str]: sa.JSON}  # noqa: RUF012
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(url: str, *, foreign_keys: bool = True) -> sa.Engine:
    """An engine for SQLite or PostgreSQL (psycopg), with what each needs for durable work."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=_PATIENCE)
    engine = sa.create_engine(url, connect_args={"timeout": 10}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        keys = f"foreign_keys={'ON' if foreign_keys else 'OFF'}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", keys, "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


# A server that is gone is noticed within seconds, also where the network swallows everything.
_PATIENCE = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 15000,
}  # fmt: skip


class Database:
    """The door to the tables: one transaction for each `with`."""

    def __init__(self, engine: sa.Engine, announce: Announce | None = None) -> None:
        self.engine = engine
        self.announce = announce
        self._writer = engine.execution_options(writing=True)

    @contextmanager
    def writing(self, *, patient: bool = True) -> Iterator[Session]:
        """A transaction that writes: committed at the end, rolled back on an error; then the bell is rung.

        One that is not `patient` waits a second for rows that somebody else has locked, and then fails.
        """
        with Session(self._writer, expire_on_commit=False) as session:
            with session.begin():
                if not patient:
                    wait_for_locks(session, seconds=1)
                yield session
            promised = session.info.get("promised")
        if promised and self.announce:
            self.announce(promised)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, and waits for no writer."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session


def wait_for_locks(session: Session, *, seconds: int) -> None:
    """Until its transaction ends, wait no longer for what somebody else has locked. SQLite has its own patience."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"SET LOCAL lock_timeout = '{seconds}s'"))


def db_time(session: Session, offset: timedelta = timedelta(0)) -> sa.ColumnElement[datetime]:
    """The database's own time, the machine clock that all workers share, as an expression to be used in a statement."""
    if session.get_bind().dialect.name == "sqlite":
        moved = f"{offset.total_seconds():+.3f} seconds"
        return sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now", moved, type_=UTCDateTime())
    # Not `clock_timestamp`: what may change within a statement can't be looked up in an index.
    now = sa.func.statement_timestamp(type_=UTCDateTime())
    return sa.type_coerce(now + sa.literal(offset, sa.Interval), UTCDateTime) if offset else now


def db_now(session: Session) -> datetime:
    """The database's own time."""
    now: datetime = session.scalars(sa.select(db_time(session))).one()
    return now
