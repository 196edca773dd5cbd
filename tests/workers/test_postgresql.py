"""The PostgreSQL that tests run on is a real one, and durable where they kill it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.plugins.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql


def test_each_test_has_a_database_of_its_own(postgresql: PostgreSQL, fresh_postgresql_url: str) -> None:
    engine = sa.create_engine(fresh_postgresql_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE slip (id int)"))
        assert connection.scalar(sa.text("SHOW server_encoding")) == "UTF8"
    assert sa.inspect(sa.create_engine(postgresql.create_database())).get_table_names() == []


def test_a_template_is_filled_once_and_copied(postgresql: PostgreSQL) -> None:
    filled = []

    def build(url: str) -> None:
        filled.append(url)
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE slip (id int)"))
        engine.dispose()

    for _ in range(2):
        url = postgresql.create_database(postgresql.template("slips", build))
        assert sa.inspect(sa.create_engine(url)).get_table_names() == ["slip"]
    assert len(filled) == 1


def test_what_was_committed_survives_a_kill(own_postgresql: PostgreSQL) -> None:
    url = own_postgresql.create_database()
    with sa.create_engine(url).begin() as connection:
        assert connection.scalar(sa.text("SHOW fsync")) == "on"
        connection.execute(sa.text("CREATE TABLE slip (id int)"))

    own_postgresql.kill()
    with pytest.raises(sa.exc.OperationalError):
        sa.create_engine(url).connect()

    own_postgresql.start()
    assert sa.inspect(sa.create_engine(url)).get_table_names() == ["slip"]


def test_nothing_is_left_of_a_stopped_server(own_postgresql: PostgreSQL) -> None:
    own_postgresql.stop()

    assert own_postgresql.pid is None
    assert not own_postgresql.folder.exists()
