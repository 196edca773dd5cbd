"""The migrations make the tables that the models describe, on both databases."""

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ill_workflow.db import make_engine
from ill_workflow.migrations import _config, is_current, migrate
from ill_workflow.migrations.tables import metadata


def test_migrations_equal_models(database_url):
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "render_as_batch": True}
        )
        assert compare_metadata(context, metadata) == []
    assert is_current(engine)
    engine.dispose()


def test_migrating_again_changes_nothing_and_there_is_a_way_back(database_url):
    migrate(database_url)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    assert not is_current(engine)
    engine.dispose()
    migrate(database_url)
