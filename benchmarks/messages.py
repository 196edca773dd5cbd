"""Messages of a partner received over HTTP, committed and confirmed, beside the bare commit of the same rows.

Both in one run, on PostgreSQL: several clients send whole conversations to a console that runs as a process of its own,
with a broker to ring; then as many connections write the rows that came of each message, in one transaction for each,
into tables with the same columns and indexes. What is between the two is ours: HTTP, XML, who calls, the lifecycle.
Of each is said, too, how much processor time it took where Python runs: that depends less on who else uses the machine.
"""

import http.client
import os
import shutil
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import sqlalchemy as sa

from ill_workflow import libraries, partner_secrets, partners
from ill_workflow.bootstrap import Services, start
from ill_workflow.clock import machine_now
from ill_workflow.config import Settings
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    Authentication,
    BibliographicInfo,
    Header,
    ItemId,
    Message,
    Request,
    RequestingAgencyMessage,
)
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import Event, MessageRow, RequestWord
from ill_workflow.requests.models import Request as OurRequest
from workers.broker import EmbeddedBroker
from workers.children import Child
from workers.ports import free_port

CLIENTS, CONVERSATIONS, WARM_UP = 8, 40, 3
ACTIONS = ("Notification", "Received", "ShippedReturn")
CODE = "shown-with-each"
#: Rows are written in this order, so that nothing refers to what isn't there.
TABLES: tuple[Any, ...] = (OurRequest, RequestWord, Event, EffectRow, MessageRow, Exchange)


def main() -> None:
    from benchmarks.transitions import empty_postgresql

    with empty_postgresql() as url, _console(url) as (services, port, pid):
        _all_at_once([lambda: _speak(port, "warm", WARM_UP, [])])
        begun = _processor_seconds(pid)
        took: list[list[float]] = [[] for _ in range(CLIENTS)]
        clients = [(lambda n=n: _speak(port, f"c{n}", CONVERSATIONS, took[n])) for n in range(CLIENTS)]
        ours = _all_at_once(clients), sorted(chain.from_iterable(took))
        spent = _processor_seconds(pid) - begun
        portions = _portions(services)
        bare_took: list[list[float]] = [[] for _ in range(CLIENTS)]
        writers = [(lambda n=n: _commit(services, portions[n::CLIENTS], bare_took[n])) for n in range(CLIENTS)]
        begun = process_time()
        bare = _all_at_once(writers), sorted(chain.from_iterable(bare_took))
        bare_spent = process_time() - begun
    print(f"PostgreSQL, {len(ours[1])} messages received over HTTP from {CLIENTS} clients at once")
    for name, (seconds, calls), processor in (("confirmed", ours, spent), ("bare rows", bare, bare_spent)):
        p50, p99 = calls[len(calls) // 2], calls[int(len(calls) * 0.99)]
        waits = f"p50 {p50 * 1e3:6.1f} ms   p99 {p99 * 1e3:6.1f} ms"
        used = f"{processor / len(calls) * 1e3:5.2f} ms of the processor each"
        print(f"  {name:10} {len(calls) / seconds:6.0f}/s   {waits}   {used}")
    print(f"  ratio  {len(ours[1]) / ours[0] / (len(bare[1]) / bare[0]):6.2f}", flush=True)


def _all_at_once(deeds: Sequence[Callable[[], None]]) -> float:
    """Seconds until all are done."""
    failed: list[BaseException] = []

    def do(deed: Callable[[], None]) -> None:
        try:
            deed()
        except BaseException as trouble:
            failed.append(trouble)

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return perf_counter() - began


def _speak(port: int, name: str, conversations: int, took: list[float]) -> None:
    """Whole conversations over one connection; each confirmation has to say OK."""
    raws = [write(m, Edition.Y2017) for n in range(conversations) for m in _conversation(f"{name}-{n}")]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for raw in raws:
        began = perf_counter()
        connection.request("POST", "/iso18626", raw, {"Content-Type": "application/xml"})
        answer = connection.getresponse()
        body = answer.read()
        took.append(perf_counter() - began)
        if answer.status != 200 or b">OK<" not in body:
            sys.exit(f"not confirmed: {answer.status} {body.decode()[:500]}")
    connection.close()


def _conversation(wire_id: str) -> list[Message]:
    header = Header(
        supplyingAgencyId=AgencyId(agencyIdValue="MAIN"), requestingAgencyId=AgencyId(agencyIdValue="HILL"),
        timestamp=machine_now(), requestingAgencyRequestId=wire_id,
        requestingAgencyAuthentication=Authentication(accountId="hill", securityCode=CODE),
    )  # fmt: skip
    book = BibliographicInfo(
        title="Pride and Prejudice", author="Austen, Jane",
        bibliographicItemId=(ItemId(code="ISBN", value="9780141439518"),),
    )  # fmt: skip
    told = [RequestingAgencyMessage(header=header, action=action, note=wire_id) for action in ACTIONS]
    return [Request(header=header, bibliographicInfo=book), *told]


def _portions(services: Services) -> list[list[tuple[sa.Table, list[dict[str, Any]]]]]:
    """The rows that came of each message, by table, for tables of the same form that nothing else writes."""
    copies = {table: _copy(services, sa.inspect(table).local_table) for table in TABLES}
    found: dict[tuple[int, int], dict[Any, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    with services.db.engine.connect() as connection:
        rows = {
            table: [dict(row) for row in connection.execute(sa.select(sa.inspect(table).local_table)).mappings()]
            for table in TABLES
        }
    number = {event["id"]: (event["request_id"], event["version"]) for event in rows[Event]}
    counted: dict[int, int] = defaultdict(int)
    message: dict[int, tuple[int, int]] = {}
    for row in sorted(rows[MessageRow], key=lambda row: row["id"]):
        counted[row["request_id"]] += 1
        message[row["id"]] = row["request_id"], counted[row["request_id"]]
        found[message[row["id"]]][MessageRow].append(row)
    for row in rows[OurRequest]:
        found[row["id"], 1][OurRequest].append(row)
    for row in rows[RequestWord]:
        found[row["request_id"], 1][RequestWord].append(row)
    for row in rows[Event]:
        found[number[row["id"]]][Event].append(row)
    for row in rows[EffectRow]:
        found[number.get(row["event_id"], (row["request_id"], 1))][EffectRow].append(row)
    for row in rows[Exchange]:
        found[message[row["message_id"]]][Exchange].append(row)
    return [
        [(copies[table], portion[table]) for table in TABLES if portion[table]] for _, portion in sorted(found.items())
    ]


def _copy(services: Services, table: sa.Table) -> sa.Table:
    with services.db.engine.begin() as connection:
        connection.execute(sa.text(f'CREATE TABLE "bare_{table.name}" (LIKE "{table.name}" INCLUDING ALL)'))
    return sa.Table(f"bare_{table.name}", sa.MetaData(), *(sa.Column(c.name, c.type) for c in table.columns))


def _commit(
    services: Services, portions: Sequence[Sequence[tuple[sa.Table, list[dict[str, Any]]]]], took: list[float]
) -> None:
    for portion in portions:
        began = perf_counter()
        with services.db.engine.begin() as connection:
            for table, rows in portion:
                connection.execute(sa.insert(table), rows)
        took.append(perf_counter() - began)


@contextmanager
def _console(url: str) -> Iterator[tuple[Services, int, int]]:
    """A library, a broker, and the console as a process of its own: its port and its id. Nobody does promised work."""
    folder, port = Path(tempfile.mkdtemp(prefix="ill-bench-")), free_port(0)
    broker = EmbeddedBroker(folder / "broker")
    broker.start()
    given = {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}
    given |= {"ILL_DATA": str(folder), "ILL_DATABASE_URL": url, "ILL_BROKER_URL": broker.celery_url}
    argv = [sys.executable, "-m", "workers.web", "--port", str(port)]
    web = Child("web", argv, given, folder / "web.log", restarts=0)
    try:
        services = start(Settings(data=folder, database_url=url))
        _furnish(services)
        web.start()
        web.wait_until(lambda: _answers(port), seconds=60)
        yield services, port, web.pid or 0
        services.db.engine.dispose()
    finally:
        web.kill()
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _processor_seconds(pid: int) -> float:
    """What a process has used; nothing where nobody tells (that is, not on Linux)."""
    told = Path(f"/proc/{pid}/stat")
    user, system = told.read_text().rpartition(")")[2].split()[11:13] if told.exists() else ("0", "0")
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _answers(port: int) -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
    except OSError:
        return False
    return True


def _furnish(services: Services) -> None:
    with services.db.writing() as session:
        library = libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="America/Chicago")
        hill = partners.add_partner(
            session, library.id, code="HILL", name="Hilltop", transport="iso18626",
            wire={"address": "https://hill.example/iso18626", "account": "hill"},
        )  # fmt: skip
        partner_secrets.set_secret(session, hill, "code", CODE)


if __name__ == "__main__":
    main()
