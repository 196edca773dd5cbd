"""Somebody tries the connection to a partner, and is told in a sentence what came of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from lxml import html

from ill_workflow import libraries, partner_secrets, partners
from ill_workflow.errors import IllError
from ill_workflow.iso18626 import trying
from ill_workflow.iso18626.trying import try_connection
from ill_workflow.messages.exchanges import Exchange
from ill_workflow.pauses import Pause, partner_destination, pause
from ill_workflow.requests.models import Request
from tests.plugins import far_partner
from tests.plugins.far_partner import refuses, says
from tests.plugins.speaking import CODE, agree, give, system_of

FINE = "It answered and takes what we say."


@pytest.fixture
def stage(quick_stage, far, monkeypatch):
    """Main has a partner that speaks ISO 18626: Faraway. Among its friends Main goes by the name of Hilltop."""
    monkeypatch.setattr(trying, "LONGEST_WAIT", 120)
    quick_stage.services.settings.private_partners = True
    agreed = {
        "address": far.url, "plain_http": True, "patience_seconds": 120, "agency": "RIV", "our_agency": "US-HILL",
        "our_account": "hilltop",
    }  # fmt: skip
    with quick_stage.db.writing() as session:
        main = libraries.find_library(session, "MAIN")
        partner = partners.add_partner(session, main.id, code="FAR", name="Faraway", transport="iso18626", wire=agreed)
        partner_secrets.set_secret(session, partner, "our_code", CODE)
    return quick_stage


def tries(stage, partner="FAR", **how) -> str:
    """What somebody who tries it is told."""
    number = stage.partner("MAIN", partner).id
    try:
        tried = try_connection(stage.db, number, stage.clock, **{"may_be_private": True, **how})
    except IllError as wrong:
        return wrong.message
    return "It confirms what can't be." if tried.confirmed else FINE


def written_down(stage):
    with stage.db.reading() as session:
        return list(session.scalars(sa.select(Exchange).where(~Exchange.incoming)))


#: What it answers who has looked at the question.
HAS_HEARD = (
    (refuses("UnrecognisedDataValue", "requestingAgencyRequestId: unknown to this agency"), FINE),
    (refuses("UnrecognisedDataValue"), FINE),
    (refuses("UnsupportedActionType", "StatusRequest"), FINE),
    (far_partner.confirms, "It confirms what can't be."),
    (refuses("UnrecognisedDataValue", "requestingAgencyId: nobody"), "It does not know one of us by its id"),
    (refuses("BadlyFormedMessage", "header: is odd"), "It takes calls, and refuses what we say: BadlyFormedMessage"),
)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        *HAS_HEARD,
        (says(401), "It answered 401: it does not believe who we are."),
        (says(404, b"<html/>", kind="text/html"), "It answered 404: nobody takes messages at this address."),
        (says(200, b"Welcome", kind="text/html"), "Its answer is no confirmation"),
        (says(302, b"", "Location: https://elsewhere.example/"), "It answered 302: it is elsewhere now"),
        (far_partner.hangs_up, "It hung up in the middle"),
        (far_partner.hangs, "It took the message, and had not answered after 1 seconds."),
    ],
)  # fmt: skip
def test_whoever_tries_it_is_told_what_came_back(stage, far, monkeypatch, way, told):
    far.then(way)
    if way is far_partner.hangs:
        monkeypatch.setattr(trying, "LONGEST_WAIT", 1)
    with stage.db.writing() as session:
        pause(session, partner_destination(stage.partner("MAIN", "FAR").id), timedelta(minutes=1), "down")

    assert tries(stage).startswith(told)

    (heard,) = far.heard
    assert (heard.message.action, heard.message.header.requestingAgencyRequestId[:4]) == ("StatusRequest", "TRY-")
    assert heard.message.header.requestingAgencyAuthentication.securityCode == CODE
    (call,) = written_down(stage)
    assert (call.trouble == "", CODE in call.said) == (told in (FINE, "It confirms what can't be."), False)
    with stage.db.reading() as session:
        rests = session.scalar(sa.select(sa.func.count()).select_from(Pause))
    assert rests == (0 if (way, told) in HAS_HEARD else 1), "who has heard us is up again"


def test_where_nobody_may_be_called_nobody_is(stage, far):
    assert "this machine itself" in tries(stage, may_be_private=False)
    far.end()
    assert "It does not take calls" in tries(stage)
    assert tries(stage, "RIV") == "Riverside Library is not called by us: it does not speak ISO 18626."
    assert far.calls == []


def test_with_our_own_system_at_the_other_end_nothing_is_left_there(stage, far):
    """What arrives is handed on to a console that has Hilltop among Riverside's partners."""
    system = system_of(stage)
    agree(stage, at="RIV")
    give(stage, "code", CODE, at="RIV")

    def hands_on(partner, line, body):
        answer = system.posts(body)
        says(answer.status, answer.body)(partner, line, body)

    far.then(hands_on, hands_on, hands_on)
    assert tries(stage) == FINE
    stage.changes("MAIN", "FAR", wire={**stage.partner("MAIN", "FAR").wire, "agency": "NOBODY"})
    assert "It does not know one of us by its id" in tries(stage)
    with stage.db.writing() as session:
        partner_secrets.remove_secret(session, stage.partner("MAIN", "FAR"), "our_code")
    assert "does not believe who we are" in tries(stage)
    with stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Request)) == 0


def test_the_partners_page_has_a_button_for_it(stage, far, visiting):
    page = f"/l/MAIN/partners/{stage.partner('MAIN', 'FAR').id}"
    manager = visiting(stage)("manager")
    (button,) = manager.tree(page).xpath(f"//form[@action='{page}/try']//button")
    assert button.text_content() == "Try the connection"
    far.then(refuses("UnrecognisedDataValue", "requestingAgencyRequestId"), says(401))
    for told in ("and takes what we say", "it does not believe who we are"):
        answer = html.fromstring(manager.submit(f"{page}/try").text)
        assert told in answer.xpath("string(//p[@role='status' or @role='alert'])")
    operator = visiting(stage)("operator")
    assert not operator.tree(page).xpath("//main//form")
    assert operator.submit(f"{page}/try").status_code == 403
