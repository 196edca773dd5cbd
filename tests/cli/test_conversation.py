"""What was said with a partner, in the terminal: for people and for programs."""

import json

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.masking import mask
from ill_workflow.libraries import find_library
from ill_workflow.messages.exchanges import remember_exchange
from ill_workflow.requests.models import Request

OK = b"<c><messageStatus>OK</messageStatus></c>"
SAID = (
    "<m><requestingAgencyMessage><securityCode>hush hush</securityCode><action>Renew</action>"
    "<note>\x9b31m red</note></requestingAgencyMessage></m>"
).encode()


@pytest.fixture
def reference(main):
    """A request of Hilltop with one call that was taken; and a call of nobody."""
    said = main.does("request", "new", "--title", "Emma", "--asked-by", "HILL", "--partner-id", "H-1")
    with main.services.db.writing() as session:
        library, request = find_library(session, "MAIN").id, session.scalars(sa.select(Request.id)).one()
        mine = {"library_id": library, "request_id": request, "http_status": 200, "took_ms": 8}
        for more in (mine, {"http_status": 401, "trouble": "Nobody has this account."}):
            remember_exchange(
                session, incoming=True, said=SAID, answered=OK if more is mine else b"", mask=mask, peer="192.0.2.7",
                at=main.services.clock.now(), **more,
            )  # fmt: skip
    return said.split(":")[0]


def test_the_conversation_of_a_request(main, reference):
    table = main.does("message", "list", reference)
    assert "Renew" in table
    assert "<action>" not in table

    raw = main.does("message", "list", reference, "--raw")
    assert "Call 1: Renew, well" in raw
    assert "answer: HTTP 200 OK, after 8 ms" in raw
    assert "<action>Renew</action>" in raw
    assert "hush" not in raw
    assert "\x9b" not in raw, "nothing makes the terminal act"

    told = json.loads(main.does("message", "list", reference, "--json"))
    (message,) = told["messages"]
    assert (told["reference"], message["fate"], message["calls"][0]["number"]) == (reference, "received", 1)
    assert "said" not in message["calls"][0]
    told = json.loads(main.does("message", "list", reference, "--json", "--raw"))
    assert "<action>Renew</action>" in told["messages"][0]["calls"][0]["said"]


def test_calls_by_how_they_ended(main, reference):
    def numbers(*words):
        return [row["number"] for row in json.loads(main.does("message", "calls", "--json", *words))]

    assert numbers() == [1]
    assert numbers("--outcome", "refused") == []
    assert numbers("--nobodys") == [2]
    assert "Nobody has this account." in main.does("message", "calls", "--nobodys")
    assert "Choose well, refused, not confirmed. [outcome]" in main("message", "calls", "--outcome", "odd")[2]
    assert main("message", "calls", "--partner", "NOPE")[0] != 0


def test_one_call_in_full(main, reference):
    assert "error: Nobody has this account." in main.does("message", "show", "2")
    assert json.loads(main.does("message", "show", "1", "--json"))["answered"] == OK.decode()
    code, _, err = main("message", "show", "77")
    assert code != 0
    assert "There is no such call at this library, or it is kept no longer." in err
