"""The history of the tables: `migrate` brings a database to the present."""

import secrets
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ill_workflow.clock import machine_now
from ill_workflow.db import UTCDateTime, make_engine
from ill_workflow.errors import Unavailable


def migrate(url: str) -> None:
    """Create or upgrade the tables of the database at this URL."""
    from alembic import command  # most commands need no migrations, and shall start fast

    # A table of SQLite is changed by making it anew: what refers to it would be in the way, and is looked over after.
    engine = make_engine(url, foreign_keys=False)
    try:
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _name(connection)
            if engine.dialect.name == "sqlite" and (
                broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            ):
                raise Unavailable(
                    f"The migration left {broken[0]} with a row that refers to nothing. It was taken back."
                )
            connection.commit()
    finally:
        engine.dispose()


def _look_over(connection: sa.Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise Unavailable(f"The migration left a row of {broken[0]} that refers to nothing, and was taken back.")


def _name(connection: sa.Connection) -> None:
    """Give an installation its one row, and the name by which its mails are known."""
    table = sa.table("installation", *(sa.column(c) for c in ("demo", "clock_offset", "created_at", "identity")))
    identity = secrets.token_hex(4)
    if connection.scalar(sa.select(sa.func.count()).select_from(table)):
        connection.execute(sa.update(table).where(table.c.identity == "").values(identity=identity))
        return
    now = sa.literal(machine_now(), UTCDateTime())
    connection.execute(sa.insert(table).values(demo=False, clock_offset=0, created_at=now, identity=identity))


def is_current(engine: sa.Engine) -> bool:
    """Whether the database has the tables of this version."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    return at == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
