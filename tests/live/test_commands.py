"""Other systems enqueue transitions: signed, checked like any other door, and seen by nobody else."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow.commands import sign
from ill_workflow.requests.models import Event, Request

pytestmark = pytest.mark.live

README = Path(__file__).parents[2] / "README.md"
SECRET_WORDS = ("Zauberberg", "key-4711")

#: Importing anything of ours is an error, so that the snippet can't lean on it.
ALONE = """
import sys

class Alone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ill_workflow", "workers", "state_machines"):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Alone())
"""


def send(installation, name, *, account="kiosk", secret=None, key="key-4711", at=None, signature=None, **arguments):
    now = int(time.time()) if at is None else at
    signature = signature or sign(secret or installation.secret, name, account, arguments, key, now)
    envelope = {"account": account, "arguments": arguments, "key": key, "time": now, "signature": signature}
    task = installation.app.send_task(name, kwargs=envelope, queue="ill.doors", argsrepr="", kwargsrepr="")
    return task.get(timeout=120)


def create(installation, **how):
    return send(
        installation, "ill.create_request", library="MAIN", fields={"title": "Der Zauberberg"},
        patron={"barcode": "2123"}, partners=["HILL"], **how,
    )  # fmt: skip


def count(installation, table):
    with installation.services.db.reading() as session:
        return session.scalar(sa.select(sa.func.count(table.id)))


def test_a_request_is_created_and_sent_and_nobody_else_sees_what_was_said(sqlite_installation):
    installation = sqlite_installation
    events: list[str] = []
    stop = threading.Event()
    listener = threading.Thread(target=listen, args=(installation, events, stop), daemon=True)
    listener.start()
    worker = installation.worker()

    made = create(installation)
    again = create(installation)
    other = send(installation, "ill.create_request", library="MAIN", fields={"title": "Anderes"}, partners=["HILL"])
    sent = send(
        installation, "ill.take_action", key="two", library="MAIN", reference=made["reference"], trigger="submit",
        inputs={},
    )  # fmt: skip
    wrong = send(
        installation, "ill.take_action", key="three", library="MAIN", reference=made["reference"], trigger="amend",
        inputs={"changes": {"no-such-field-value": "x"}},
    )  # fmt: skip

    assert made == {"ok": True, "reference": "XPX-1001", "state": "created", "version": 1, "repeated": False}
    assert again == {**made, "repeated": True}
    assert (other["ok"], other["field"]) == (False, "key"), "the same key with other content"
    assert (sent["ok"], sent["dest"]) == (True, "request_sent")
    assert (wrong["ok"], wrong["field"]) == (False, "no-such-field-value")
    assert count(installation, Request) == 1
    # What can't be made sense of, and what fails, says nothing either.
    installation.app.send_task("ill.fly", kwargs={"title": "Zauberberg"}, queue="ill.doors")
    broken = send(
        installation, "ill.create_request", key="four", library="MAIN", fields={"title": "Der Zauberberg", "isbn": "1"},
        patron={"name": {"Zauberberg": 1}},
    )  # fmt: skip
    assert not broken["ok"]
    installation.wait(lambda: "A message was refused" in worker.last_words(10_000))
    installation.wait(lambda: sum('"task-succeeded"' in event for event in events) >= 6)
    stop.set()
    listener.join(120)
    log = worker.last_words(10_000)
    for word in SECRET_WORDS:
        assert not [event for event in events if word in event], "events show no arguments"
        assert word not in log, "nor does the log"
    assert "ill.take_action" in log


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"signature": "0" * 64}, "signature"),
        ({"secret": "wrong"}, "signature"),
        ({"at": 1_000_000}, "time"),
        ({"account": "nobody"}, "account"),
        ({"account": "ann"}, "account"),
        ({"account": "stranger"}, "as"),
        ({"key": ""}, "key"),
    ],
)
def test_what_is_not_signed_by_somebody_who_may_is_refused(stage, how, field):
    from ill_workflow import accounts, commands

    with stage.db.writing() as session:
        secrets = {name: accounts.add_account(session, name, system=True).secret for name in ("kiosk", "stranger")}
        accounts.grant(session, accounts.find_account(session, "kiosk"), 1, "operator")
    account, key, at = how.get("account", "kiosk"), how.get("key", "k"), how.get("at", int(time.time()))
    arguments = {"library": "MAIN", "fields": {"title": "Emma"}}
    secret = how.get("secret") or secrets.get(account) or "none"
    signature = how.get("signature") or sign(secret, "ill.create_request", account, arguments, key, at)
    envelope = {"account": account, "arguments": arguments, "key": key, "time": at, "signature": signature}

    answer = commands.create_request(stage.services, envelope)

    assert (answer["ok"], answer["field"]) == (False, field)
    with stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Request.id))) == 0


@pytest.mark.parametrize("part", ["account", "arguments", "key", "time", "signature"])
def test_a_command_without_one_of_its_parts_is_refused(stage, part, caplog):
    from ill_workflow import commands

    envelope = {"account": "kiosk", "arguments": {"title": "Zauberberg"}, "key": "k", "time": 1, "signature": "s"}
    del envelope[part]

    answer = commands.take_action(stage.services, envelope)

    assert (answer["ok"], answer["field"], answer["status"]) == (False, part, 401)
    assert "refused" in caplog.text
    assert "Zauberberg" not in caplog.text


def test_the_snippet_of_the_readme_needs_nothing_of_ours(sqlite_installation, tmp_path):
    installation = sqlite_installation
    installation.worker()
    create(installation)
    snippet = re.search(r"<!-- snippet: enqueue -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    program = tmp_path / "kiosk.py"
    program.write_text(ALONE + snippet)
    environment = {
        "ILL_BROKER_URL": installation.broker.celery_url, "KIOSK_SECRET": installation.secret, "PATH": "/usr/bin",
    }  # fmt: skip

    ran = subprocess.run(
        [sys.executable, str(program)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert (answer["ok"], answer["dest"]) == (True, "request_sent")
    with installation.services.db.reading() as session:
        last = session.scalar(sa.select(Event).order_by(Event.id.desc()).where(Event.trigger == "submit"))
        assert last.who == "kiosk"


def listen(installation, events, stop):
    with installation.app.connection_for_read() as connection:
        receiver = installation.app.events.Receiver(
            connection, handlers={"*": lambda event: events.append(json.dumps(event, default=str))}
        )
        while not stop.is_set():
            try:
                receiver.capture(limit=None, timeout=0.5, wakeup=False)
            except (TimeoutError, OSError):
                continue
