"""A backup of a running system, restored elsewhere: it is whole, workers go on with it, and nothing is given twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from ill_workflow import accounts, libraries
from ill_workflow.bootstrap import start
from ill_workflow.config import Settings
from ill_workflow.migrations import migrate
from ill_workflow.outbox import OPEN, EffectRow
from ill_workflow.requests.models import MailRow, Notice, Request
from ill_workflow.restored import go_on_after
from ill_workflow.slips import batches
from tests.plugins import referee
from tests.plugins.broker import OnRedis
from tests.plugins.waiting import eventually

pytestmark = pytest.mark.live


@pytest.fixture
def busy(installed, broker):
    """Starts an installation that never comes to rest: calls `borrows` until it is told to stop."""
    threads = []

    def begin(url):
        installation = installed(url, OnRedis(broker))
        installation.worker()
        stop = threading.Event()

        def borrow():
            while not stop.is_set():
                installation.borrows()
                eventually(lambda: stop.is_set() or waiting(installation.services) < 10)

        thread = threading.Thread(target=borrow, daemon=True)
        thread.start()
        threads.append((thread, stop))
        installation.wait(lambda: len(installation.catcher.messages()) >= 20)

        def end():
            stop.set()
            thread.join()
            for worker in installation.workers:
                worker.kill()

        return installation, end

    yield begin
    for _, stop in threads:
        stop.set()


@pytest.mark.postgresql
def test_pg_dump_of_a_running_system(postgresql, busy, tmp_path):
    url = postgresql.create_database(template=postgresql.template("ill", migrate))
    installation, end = busy(url)
    pg = [str(postgresql.programs), f"--host={postgresql.folder}", f"--username={postgresql.owner}"]
    dump = tmp_path / "ill.dump"

    work_piles_up(installation)
    run(pg, "pg_dump", "--format=custom", f"--file={dump}", make_url(url).database)
    installation.gate.unlink()
    count = len(installation.catcher.messages())
    installation.wait(lambda: len(installation.catcher.messages()) >= count + 10)
    end()
    restored = postgresql.create_database()
    run(pg, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={make_url(restored).database}", str(dump))

    check_what_was_restored(installation, restored)


@pytest.mark.postgresql
def test_numbers_that_people_know_are_not_given_again(postgresql, tmp_path):
    """A batch names its file by its number, and a mail is asked for by it."""
    services = start(
        Settings(data=tmp_path, database_url=postgresql.create_database(template=postgresql.template("ill", migrate)))
    )
    with services.db.writing() as session:
        main = libraries.add_library(session, code="MAIN", name="Main", prefix="XPX", time_zone="UTC")
        ann = accounts.add_account(session, "ann")
        first = batches.begin(session, main, ann, None, batches.How(), services.clock).id
        go_on_after(session, services.settings.slips)
        assert batches.begin(session, main, ann, None, batches.How(), services.clock).id > first + 1000
        mails = sa.select(sa.func.nextval(sa.func.pg_get_serial_sequence(MailRow.__tablename__, "id")))
        assert session.scalar(mails) > 1000
    services.db.engine.dispose()


@pytest.mark.parametrize("how", ["backup", "vacuum into"])
def test_a_copy_of_a_running_sqlite_database(sqlite_template, busy, tmp_path, how):
    path = tmp_path / "ill.db"
    path.write_bytes(sqlite_template.read_bytes())
    installation, end = busy(f"sqlite:///{path}")
    copy = tmp_path / "copy.db"

    work_piles_up(installation)
    source = sqlite3.connect(path, timeout=120)
    if how == "backup":
        target = sqlite3.connect(copy)
        source.backup(target)
        target.close()
    else:
        source.execute("VACUUM INTO ?", (str(copy),))
    source.close()
    installation.gate.unlink()
    count = len(installation.catcher.messages())
    installation.wait(lambda: len(installation.catcher.messages()) >= count + 10)
    end()

    assert sqlite3.connect(copy).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check_what_was_restored(installation, f"sqlite:///{copy}")


def work_piles_up(installation):
    """The mail server takes its time, and so something is open whenever the backup is made."""
    installation.gate.touch()
    installation.wait(lambda: len(open_notices(installation.services)) >= 2)


def check_what_was_restored(installation, url):
    before = [str(mail["Message-ID"]) for mail in installation.catcher.messages()]
    settings = installation.settings.model_copy(update={"database_url": url})
    services = start(settings)
    with services.db.reading() as session:
        kept = session.scalar(sa.select(sa.func.count(Request.id)))
        assert kept >= 10
    pending = open_notices(services)
    assert pending
    told = ill(url, installation, "restored")
    assert "The last thing that this database knows" in told

    installation.worker(ILL_DATABASE_URL=url)

    installation.wait(lambda: not waiting(services))
    new = installation.borrows(services)
    installation.wait(lambda: not waiting(services))
    referee.look(services.db)
    with services.db.reading() as session:
        assert session.get_one(Request, new).reference > f"XPX-{1000 + kept + 1000}", "no reference is given twice"
        first_given = session.get_one(Request, new).title
        notices = list(session.scalars(sa.select(Notice.message_id).where(Notice.request_id == new)))
    assert first_given == "Emma"
    assert notices
    assert not set(notices) & set(before), "what is new is known by a name of its own"
    # What was promised before the backup and sent after it is sent again; on PostgreSQL one sees that it is the same.
    once, again = (names_of_mails(db, pending) for db in (installation.services.db, services.db))
    assert set(again) == pending
    assert set(once) & pending
    if url.startswith("postgresql"):
        assert {effect: again[effect] for effect in once} == once
    services.db.engine.dispose()


def open_notices(services):
    """What is promised to patrons and not done."""
    with services.db.reading() as session:
        rows = sa.select(EffectRow.id).where(EffectRow.status.in_(OPEN), EffectRow.kind == "notify_patron")
        return set(session.scalars(rows))


def names_of_mails(db, effects):
    """The Message-IDs under which what was promised has gone out."""
    with db.reading() as session:
        sent = sa.select(Notice.effect_id, Notice.message_id).where(Notice.effect_id.in_(effects))
        return {effect: name for effect, name in session.execute(sent) if name}


def waiting(services):
    """How much promised work is open."""
    with services.db.reading() as session:
        return session.scalar(sa.select(sa.func.count(EffectRow.id)).where(EffectRow.status.in_(OPEN)))


def ill(url, installation, *words):
    environment = {**installation.environment, "ILL_DATABASE_URL": url}
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "ill"), *words], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def run(pg, program, *words):
    folder, *options = pg
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    ran = subprocess.run(
        [f"{folder}/{program}", *options, *words], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
