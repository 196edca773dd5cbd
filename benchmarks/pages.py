"""How long a page of the console takes over 100,000 requests, beside its bare queries.

Both in one run: a page is asked of the application in its own process, again and again; then the statements that it
issued are sent to the database once more, by themselves, with the values that they had. What is between them is ours.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from ill_workflow.accounts import find_account
from ill_workflow.bootstrap import start
from ill_workflow.clock import FixedClock
from ill_workflow.config import Settings
from ill_workflow.signing_in import begin_session
from ill_workflow.web.app import make_app
from tests.plugins.many import NOW, REQUESTS, fill
from tests.plugins.stage import set_the_stage

ROUNDS = 15
PAGES = {
    "Today": "/l/MAIN/today",
    "Lending Requests": "/l/MAIN/lending",
    "the same, deep": "/l/MAIN/lending?status=any&sort=title&after=50000.music",
    "of one partner": "/l/MAIN/lending?status=any&partner=P110",
    "by words": "/l/MAIN/lending?status=any&q=pride+prejudice",
    "by a barcode": "/l/MAIN/lending?status=any&q=31234000077777",
    "Borrowing Requests": "/l/MAIN/borrowing",
    "one request": "/l/MAIN/requests/77777",
}


def main() -> None:
    from benchmarks.transitions import empty_postgresql, empty_sqlite

    for name, place in (("SQLite", empty_sqlite), ("PostgreSQL", empty_postgresql)):
        with place() as url, _office(url) as (ask, engine):
            print(f"{name}, pages over {REQUESTS:,} requests, median of {ROUNDS}")
            for what, address in PAGES.items():
                page, queries, number = _compare(ask, engine, address)
                print(
                    f"  {what:20} {page * 1e3:6.1f} ms   its {number:3} queries alone {queries * 1e3:6.1f} ms"
                    f"   ratio {page / queries:5.1f}",
                    flush=True,
                )


def _compare(ask: Callable[[str], int], engine: sa.Engine, address: str) -> tuple[float, float, int]:
    """Seconds of the page, seconds of its queries, and how many they are."""
    ask(address)  # once, so that all is compiled
    issued = list[tuple[str, Any]]()

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        issued.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    if ask(address) != 200:
        sys.exit(f"{address} is not there")
    sa.event.remove(engine, "before_cursor_execute", note)
    queries = [(statement, given) for statement, given in issued if statement.startswith("SELECT")]
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        page = _median(lambda: ask(address))
        bare = _median(lambda: [cursor.execute(*query).fetchall() for query in queries])
        connection.rollback()
    finally:
        connection.close()
    return page, bare, len(queries)


def _median(do: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        do()
        times.append(perf_counter() - began)
    return statistics.median(times)


@contextmanager
def _office(url: str) -> Iterator[tuple[Callable[[str], int], sa.Engine]]:
    """Somebody at a browser of an office that has worked for years."""
    set_the_stage(url)
    fill(url)
    with tempfile.TemporaryDirectory(prefix="ill-bench-") as folder:
        services = start(Settings(data=Path(folder), database_url=url), clock=FixedClock(NOW))
        app = make_app(services, passwords=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        client = TestClient(app, base_url="http://localhost")
        with services.db.writing() as session:
            client.cookies.set("ill", begin_session(session, find_account(session, "manager-MAIN")))
        yield lambda address: client.get(address).status_code, services.db.engine
        services.db.engine.dispose()


if __name__ == "__main__":
    main()
