"""The console is killed in the middle of many conversations: partners say it again, and nothing is lost or doubled."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.requests.models import Event, MessageRow, Request
from tests.plugins.speaking import Reply, System, agree
from tests.plugins.waiting import eventually
from workers.ports import free_port

ROOT = Path(__file__).parents[2]
#: The console, and another one each time that it was killed. It kills itself with the N-th message of a life: right
#: behind the commit of one, before that of another.
PROGRAM = """
import os, signal, sys
import uvicorn
from ill_workflow.bootstrap import start
from ill_workflow.config import read_settings
from ill_workflow.iso18626 import receiving
from ill_workflow.web.app import make_app

def dying(do, left):
    def done(*args, **how):
        nonlocal left
        result = do(*args, **how)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return done

def live(port, place, left):
    if place:
        setattr(receiving, place, dying(getattr(receiving, place), left))
    uvicorn.run(make_app(start(read_settings())), host="127.0.0.1", port=port, log_level="error")

for place, left in (("_take", 15), ("remember_exchange", 15), ("", 0)):
    life = os.fork()
    if life == 0:
        live(int(sys.argv[1]), place, left)
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: (os.kill(life, signal.SIGKILL), os._exit(0)))
    _, how = os.waitpid(life, 0)
    print(os.WTERMSIG(how), flush=True)
"""
PARTNERS, REQUESTS = 4, 3
ACTIONS = ("Notification", "Received", "Cancel")


@pytest.fixture
def console(bare_stage, tmp_path) -> Iterator[tuple[int, Path]]:
    """Its port, and the file in which each of its deaths stands."""
    agree(bare_stage, shows_itself="nothing")
    url, port, deaths = (
        bare_stage.db.engine.url.render_as_string(hide_password=False),
        free_port(0),
        tmp_path / "deaths",
    )
    given = {name: value for name, value in os.environ.items() if not name.startswith("ILL_")}
    given |= {"ILL_DATA": str(tmp_path / "data"), "ILL_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    with deaths.open("wb") as out, (tmp_path / "console.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(port)], env=given, stdout=out, stderr=log, cwd=ROOT
        )
    yield port, deaths
    running.terminate()
    running.wait(120)


@pytest.mark.live
def test_the_console_is_killed_in_the_middle_of_many_conversations(bare_stage, console):
    system = System(bare_stage, client=None)  # type: ignore[arg-type]
    said = {f"{partner}-{number}": _conversation(system, partner, number)
            for partner in range(PARTNERS) for number in range(REQUESTS)}  # fmt: skip
    first: dict[bytes, Reply] = {}
    port, deaths = console
    threads = [
        threading.Thread(target=_speak, args=(port, [said[f"{p}-{n}"] for n in range(REQUESTS)], first))
        for p in range(PARTNERS)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert deaths.read_text().split() == ["9", "9"], "it was killed twice"
    assert len(first) == PARTNERS * REQUESTS * (1 + len(ACTIONS)), "each has its answer"
    assert {reply.error for reply in first.values()} == {""}
    before = _kept(bare_stage)
    again: dict[bytes, Reply] = {}
    _speak(port, list(said.values()), again)
    assert {raw: reply.but_for_when for raw, reply in again.items()} == {
        raw: reply.but_for_when for raw, reply in first.items()
    }
    assert _kept(bare_stage) == before
    requests, heard, events = before
    assert sorted(requests) == sorted(said)
    assert heard == {number: ["Request New", *ACTIONS] for number in said}
    assert {len(done) for done in events.values()} == {1 + len(ACTIONS)}, "what was said once was done once"


def _conversation(system: System, partner: int, number: int) -> list[bytes]:
    """What a partner says about one request, in order."""
    name = f"{partner}-{number}"
    messages = [system.request(name, title=f"Volume {name}"), *(system.action(action, name) for action in ACTIONS)]
    return [write(message, Edition.Y2017) for message in messages]


def _speak(port: int, conversations: list[list[bytes]], answers: dict[bytes, Reply]) -> None:
    """One after the other, each again and again until it is answered."""
    for raw in (raw for conversation in conversations for raw in conversation):

        def is_answered(raw: bytes = raw) -> bool:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request("POST", "/iso18626", raw, {"Content-Type": "application/xml"})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()
            if answer.status == 200:
                answers[raw] = Reply(answer.status, body, answer.headers)
            return answer.status == 200

        eventually(is_answered)


def _kept(stage) -> tuple[list[str], dict[str, list[str]], dict[str, tuple[str, ...]]]:
    """The requests, and what was heard and done for each."""
    with stage.db.reading() as session:
        requests = {r.id: r.partner_request_id or "" for r in session.scalars(sa.select(Request))}
        heard: dict[str, list[str]] = {name: [] for name in requests.values()}
        events: dict[str, tuple[str, ...]] = dict.fromkeys(requests.values(), ())
        for row in session.scalars(sa.select(MessageRow).where(MessageRow.incoming).order_by(MessageRow.id)):
            heard[requests[row.request_id or 0]].append(row.kind)
        for event in session.scalars(sa.select(Event).order_by(Event.id)):
            events[requests[event.request_id]] += (event.trigger,)
    return list(requests.values()), heard, events
