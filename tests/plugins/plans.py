"""How a database goes about a statement: what it reads whole, how much it sorts, how many rows it touches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

#: A table with more rows is large: nobody reads it from end to end for a page.
LARGE = 2000
#: Rows that one statement of a page may sort, and touch.
MOST_SORTED, MOST_TOUCHED = 3000, 30_000
#: Steps of SQLite's machine for one statement: some twenty for each row that it touches.
MOST_STEPS, TICK = 1_000_000, 1000


@dataclass
class Watch:
    """The statements that pages have issued, each with the first values it came with and where it came from."""

    seen: dict[str, tuple[Any, str]] = field(default_factory=dict)
    page: str = ""


@contextmanager
def watching(engine: sa.Engine) -> Iterator[Watch]:
    """Note every statement until the end."""
    watch = Watch()

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.split(None, 1)[0] in ("SELECT", "WITH") and not many:
            watch.seen.setdefault(f"{watch.page}\n{statement}", (parameters, statement))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield watch
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def faults(engine: sa.Engine, watch: Watch) -> list[str]:
    """What is wrong with the plan of each statement, with the page that issued it."""
    large = _large_tables(engine)
    look = _on_sqlite if engine.dialect.name == "sqlite" else _on_postgresql
    found, connection = [], engine.raw_connection()
    try:
        for name, (parameters, statement) in watch.seen.items():
            page = name.split("\n", 1)[0]
            found += [f"{page}: {what}\n  {statement}" for what in look(connection, statement, parameters, large)]
    finally:
        connection.close()
    return found


def _large_tables(engine: sa.Engine) -> set[str]:
    names = sa.inspect(engine).get_table_names()
    with engine.connect() as connection:
        counts = {name: connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar() for name in names}
    return {name for name, rows in counts.items() if rows > LARGE}


def _on_sqlite(connection: Any, statement: str, parameters: Any, large: set[str]) -> list[str]:
    cursor, found = connection.cursor(), []
    # What holds the rows of one kind alone, such as the work that waits, is as short as that.
    partial = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
    short = {name for (name,) in cursor.execute(partial)}
    for *_, detail in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
        scanned = re.match(r"SCAN (\w+?)(_\d+)?( |$)", detail)
        if scanned and scanned[1] in large and not short & set(detail.split()):
            found.append(f"reads all of a large table ({detail})")
    ticks = [0]

    def tick() -> int:
        ticks[0] += 1
        return 0

    raw = connection.driver_connection
    raw.set_progress_handler(tick, TICK)
    try:
        cursor.execute(statement, parameters).fetchall()
    finally:
        raw.set_progress_handler(None, 0)
    if ticks[0] * TICK > MOST_STEPS:
        found.append(f"takes {ticks[0] * TICK:,} steps")
    return found


def _on_postgresql(connection: Any, statement: str, parameters: Any, large: set[str]) -> list[str]:
    cursor = connection.cursor()
    cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
    told = cursor.fetchone()[0]
    connection.rollback()
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    found = []
    for node in _nodes(plan):
        loops = node["Actual Loops"]
        touched = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops
        what = f"{node['Node Type']} {node.get('Relation Name', '')} {node.get('Index Name', '')}".strip()
        if node["Node Type"] in ("Seq Scan", "Parallel Seq Scan") and node["Relation Name"] in large:
            found.append(f"reads all of a large table ({what})")
        elif touched > MOST_TOUCHED:
            found.append(f"touches {touched:,.0f} rows ({what})")
        if "Sort" in node["Node Type"] and _input(node) > MOST_SORTED:
            found.append(f"sorts {_input(node):,.0f} rows ({what})")
    return found


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _input(node: dict[str, Any]) -> float:
    return sum(below["Actual Rows"] * below["Actual Loops"] for below in node.get("Plans", ()))
