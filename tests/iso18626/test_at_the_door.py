"""At the door for messages: what is taken over HTTP and what is not, whoever comes, and however often."""

from __future__ import annotations

import asyncio
import gzip
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ill_workflow.iso18626 import receiving
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.messages import inbound
from ill_workflow.requests.models import Request
from ill_workflow.web import iso18626


def requests(stage):
    with stage.db.reading() as session:
        return list(session.scalars(sa.select(Request).order_by(Request.id)))


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/xml;charset=UTF-8", "text/plain", "application/x-www-form-urlencoded", "?"],
)
def test_the_content_type_does_not_matter_where_it_is_xml(hilltop, content_type):
    raw = write(hilltop.request(), Edition.Y2017)

    hilltop.address = "/iso18626/MAIN/"  # as good as without the slash: whoever calls may follow no redirect
    assert hilltop.posts(raw, content_type=content_type).error == ""


def test_what_is_packed_is_not_taken(hilltop):
    raw = write(hilltop.request(), Edition.Y2017)
    hilltop.more = {"Content-Encoding": "gzip"}
    said = hilltop.posts(gzip.compress(raw))
    assert (said.status, said.headers["accept-encoding"], hilltop.calls) == (415, "identity", [])
    for nothing_of_the_kind in ("Identity", "UTF-8"):
        hilltop.more = {"Content-Encoding": nothing_of_the_kind}
        assert hilltop.posts(raw).error == ""


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_messages_are_posted(hilltop, method):
    for address in ("/iso18626", "/iso18626/", "/iso18626/MAIN", "/iso18626/MAIN/"):
        said = hilltop.client.request(method, address)
        assert (said.status_code, said.headers["allow"]) == (405, "POST")
        assert method == "HEAD" or "POST" in said.text


def test_a_message_has_a_size(hilltop):
    largest = write(hilltop.request(title="x" * (iso18626.LARGEST - 2000)), Edition.Y2017)

    def in_pieces():
        for _ in range(300):
            yield b" " * 8192

    assert hilltop.posts(largest).error == ""
    for body in (largest + b" " * 4000, in_pieces()):
        said = hilltop.client.post("/iso18626", content=body)
        assert (said.status_code, "1 MB" in said.text) == (413, True)
    assert len(requests(hilltop.stage)) == 1


def test_a_message_that_comes_too_slowly_is_given_up(hilltop, monkeypatch):
    monkeypatch.setattr(iso18626, "SLOWEST", 0.05)
    told = []

    async def call():
        begun = False

        async def receive():
            nonlocal begun
            if begun:
                await asyncio.Event().wait()
            begun = True
            return {"type": "http.request", "body": b"<ISO18626Message>", "more_body": True}

        async def send(message):
            told.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/iso18626", "raw_path": b"/iso18626", "query_string": b"",
            "headers": [(b"host", b"testserver")], "client": ("192.0.2.7", 5), "server": ("testserver", 80),
            "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        await hilltop.client.app(scope, receive, send)

    thread = threading.Thread(target=lambda: asyncio.run(call()))
    thread.start()
    thread.join(120)

    assert [message["status"] for message in told if "status" in message] == [408]


def test_the_path_names_the_library(hilltop):
    for hilltop.address in ("/iso18626/MAIN", "/iso18626/MAIN/"):
        assert hilltop.asks("H-1").error == ""
    hilltop.address = "/iso18626/NOWHERE"
    assert hilltop.asks("H-2").status == 404
    hilltop.address = "/iso18626/RIV"
    assert hilltop.asks("H-3").status == 401, "it is no partner of that library over this way"


def test_no_cookie_and_no_page_is_given(hilltop):
    said = hilltop.asks("H-1")

    assert "set-cookie" not in said.headers
    assert said.headers["x-content-type-options"] == "nosniff"
    assert said.headers["cache-control"] == "no-store"


def test_a_message_under_a_name_that_is_not_ours_is_not_taken(hilltop):
    hilltop.more = {"Host": "elsewhere.example"}

    assert (hilltop.asks("H-1").status, requests(hilltop.stage)) == (421, [])


@pytest.fixture
def within_a_minute(hilltop, monkeypatch):
    """All of it happens at once, however slow the machine is."""
    counter = hilltop.client.app.state.messages
    for limit in (counter.wrong, counter._noted, counter._noted_in_all):
        monkeypatch.setattr(limit, "_now", lambda: 0.0)


def test_strangers_do_not_fill_the_disk(hilltop, within_a_minute):
    hilltop.code = "guessed-wrongly"
    for number in range(40):
        hilltop.posts(b"<nonsense") if number % 2 else hilltop.asks(f"H-{number}")

    assert len(hilltop.calls) == iso18626.NOTED


def test_who_guesses_waits_and_nobody_elsewhere_does(hilltop, within_a_minute):
    elsewhere, right = hilltop.as_seen_from("192.0.2.8"), hilltop.code
    hilltop.code = "guessed-wrongly"
    answers = [hilltop.asks("H-1") for _ in range(iso18626.WRONG + 1)]
    hilltop.code = right

    assert {said.status for said in answers[:-1]} == {401}
    assert (answers[-1].status, int(answers[-1].headers["retry-after"]) > 0) == (429, True)
    assert (hilltop.asks("H-1").status, elsewhere.asks("H-1").error) == (429, "")


@pytest.mark.parametrize(("where", "what"), [(inbound, "kind_of"), (receiving, "read"), (receiving, "confirm")])
def test_what_fails_here_is_never_called_ok(hilltop, monkeypatch, where, what):
    def fail(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(where, what, fail)
    said = hilltop.asks("H-1")
    monkeypatch.undo()

    assert (said.status, "retry-after" in said.headers, b"a bug" in said.body) == (500, True, False)
    assert (requests(hilltop.stage), hilltop.heard) == ([], [])
    assert hilltop.asks("H-1").error == "", "sent again it is taken in"


def test_while_the_database_is_away_the_partner_is_asked_to_come_again(hilltop, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(inbound, "receive_once", away)
    said = hilltop.asks("H-1")

    assert (said.status, said.headers["retry-after"]) == (503, "5")
    assert requests(hilltop.stage) == []
