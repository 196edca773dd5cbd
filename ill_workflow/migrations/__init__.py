"""The history of the tables: `migrate` brings a database to the present."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ill_workflow.db import make_engine


def migrate(url: str) -> None:
    """Create or upgrade the tables of the database at this URL."""
    from alembic import command  # most commands need no migrations, and shall start fast

    engine = make_engine(url)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()


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
