"""What SQLAlchemy has made of a statement for one test serves the next one, too: each has a database of its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

#: Of all engines of this process. Nearly half of the time of a test would else go into the same statements again.
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
