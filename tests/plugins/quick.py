"""What makes a run of the tests quicker, and changes nothing that it sees."""

from __future__ import annotations

import gc
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

# Thousands of tests stay until the end: to look through them again and again takes half of the time of collecting them.
gc.set_threshold(100_000, 20, 20)

#: The SQL of statements, for all engines of this process: each test has one of its own, and would spend half of its
#: time on compiling the same statements again.
_compiled: LRUCache[Any, Any] = LRUCache(5000)
_create_engine = sa.create_engine


def _sharing(*args: Any, **how: Any) -> sa.Engine:
    engine = _create_engine(*args, **how)
    engine._compiled_cache = _compiled
    return engine


sa.create_engine = _sharing
# Statements are kept by the dialect, of which each engine has another instance; all of one kind write the same SQL.
for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
    kind.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
    kind.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
