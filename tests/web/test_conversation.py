"""What was said with a partner and how it went over the wire: on the page of a request, and for operators."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.exchanges import Exchange, PatronOfPartner, forget, forget_patrons, remember_exchange
from ill_workflow.outbox import DEAD, EffectRow
from ill_workflow.requests.models import MessageRow
from tests.plugins.speaking import CODE, system_of
from workers.jobs import housekeeping

OK = b"<m><messageStatus>OK</messageStatus></m>"
REFUSED = (
    b"<m><messageStatus>ERROR</messageStatus><errorData><errorType>UnrecognisedDataValue</errorType>"
    b"<errorValue>requestingAgencyRequestId: unknown</errorValue></errorData></m>"
)
SAID = (
    b"<m><requestingAgencyMessage><securityCode>open sesame</securityCode><action>Cancel</action>"
    b"</requestingAgencyMessage></m>"
)


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def page(stage, visiting):
    return visiting(stage)("operator", "MAIN")


def call(stage, half=None, **more):
    """A call of Hilltop, or to it, about a request; or of nobody."""
    given = {"incoming": True, "said": SAID, "answered": OK, "http_status": 200, "took_ms": 12, "peer": "192.0.2.7"}
    if half is not None:
        partner = stage.partner("MAIN", "HILL")
        given |= {"request_id": half.id, "library_id": partner.library_id, "partner_id": partner.id}
    with stage.db.writing() as session:
        return remember_exchange(session, at=stage.clock.now(), mask=mask, **{**given, **more}).id


def last_effect(stage, half):
    with stage.db.reading() as session:
        rows = sa.select(EffectRow).where(EffectRow.request_id == half.id, EffectRow.kind == "send_message")
        return session.scalars(rows.order_by(EffectRow.id.desc())).first()


def conversation(page, half):
    tree = page.tree(f"/l/MAIN/requests/{half.id}")
    return [" ".join(li.text_content().split()) for li in tree.xpath("//ol[@class='thread']/li")]


def test_a_message_is_shown_with_each_of_its_tries(stage, page):
    loan = stage.borrows(ask=("HILL",))
    effect = last_effect(stage, loan)
    call(stage, loan, incoming=False, effect_id=effect.id, answered=b"", http_status=None, trouble="No answer came.")
    call(stage, loan, incoming=False, effect_id=effect.id, forgiven=["the version was missing"])

    (request,) = conversation(page, loan)
    assert "by e-mail sent 2 tries" in request
    assert "Try 1" in request
    assert "No answer came." in request
    assert "HTTP 200, OK, after 12 ms" in request
    assert "the version was missing" in request
    assert "<action>Cancel</action>" in request
    assert "open sesame" not in request


def test_a_branch_confirms_what_it_was_told(stage, page):
    assert "confirmed" in conversation(page, stage.borrows())[0]


def test_what_a_partner_refused_says_why_and_can_be_sent_again(stage, page):
    loan = stage.borrows(ask=("HILL",))
    loan.does("cancel", reason="Not needed any more.")
    effect = last_effect(stage, loan)
    call(stage, loan, incoming=False, effect_id=effect.id, answered=REFUSED)
    with stage.db.writing() as session:
        session.execute(sa.delete(MessageRow).where(MessageRow.effect_id == effect.id))
        session.get_one(EffectRow, effect.id).status = DEAD
        session.get_one(EffectRow, effect.id).last_error = "Hilltop College answered: UnrecognisedDataValue"

    cancel = conversation(page, loan)[-1]
    assert "refused" in cancel
    assert "Hilltop College answered: UnrecognisedDataValue" in cancel
    assert "Send again" in cancel

    sent = page.submit(f"/l/MAIN/requests/{loan.id}/messages/{effect.id}/resend")
    assert sent.status_code == 303
    stage.work()
    assert "Send again" not in conversation(page, loan)[-1]


def test_what_was_refused_before_it_became_a_message_is_shown_too(stage, page):
    loan = stage.borrows(ask=("HILL",))
    call(stage, loan, answered=REFUSED, said=SAID.replace(b"Cancel", b"<![CDATA[<script>alert(1)</script>]]>"))

    said = page.get(f"/l/MAIN/requests/{loan.id}").text
    assert "UnrecognisedDataValue: requestingAgencyRequestId: unknown" in said
    assert "<script>alert" not in said
    assert "&lt;action&gt;&amp;lt;script&amp;gt;alert(1)" in said


def test_what_a_system_says_and_is_refused_stands_with_the_request(stage, page):
    hilltop = system_of(stage)
    assert hilltop.asks("H-1", title="Emma").error == ""
    assert "other content" in hilltop.asks("H-1", title="Persuasion").error
    assert hilltop.posts(write(hilltop.action("Cancel"), Edition.Y2017).replace(b">Cancel<", b">Dance<")).error
    lent = stage.request("MAIN", "H-1")

    said = conversation(page, lent)
    assert "ISO 18626 received" in said[0]
    assert "refused" in said[1]
    assert "UnrecognisedDataValue requestingAgencyRequestId: 'H-1' exists already, with other content" in said[1]
    assert "UnsupportedActionType" in said[2]
    assert all("hilltop" not in line and CODE not in line for line in said)


def test_a_stranger_is_seen_by_operators_alone(stage, page):
    hilltop = system_of(stage)
    hilltop.code = "wrong"
    assert hilltop.asks("H-1").status == 401

    (number,) = numbers(page, "?whose=nobody")
    text = page.text(f"/l/MAIN/operations/calls/{number}")
    assert "HTTP 401" in text
    assert "Request New refused" in text
    assert "wrong" not in text.split("The message")[1].split("The answer")[0]
    assert numbers(page, "") == []


def test_a_long_text_has_a_page_of_its_own(stage, page):
    loan = stage.borrows(ask=("HILL",))
    long = b"<note>" + b"on and on " * 3000 + b"</note>"
    number = call(stage, loan, said=SAID.replace(b"</action>", b"</action>" + long))

    assert "Please cancel from Hilltop College" in conversation(page, loan)[-1]
    assert "on and on" not in page.get(f"/l/MAIN/requests/{loan.id}").text
    whole = page.get(f"/l/MAIN/operations/calls/{number}").text
    assert whole.count("on and on") == 3000


def test_operators_see_the_calls_of_their_library_and_those_of_nobody(stage, page, visiting):
    loan = stage.borrows(ask=("HILL",))
    ours = call(stage, loan)
    call(stage, loan, answered=REFUSED)
    lost = call(stage, incoming=False, said=SAID, answered=b"", http_status=None, trouble="It hung.", library_id=1)
    nobodys = call(stage, said=b"not XML", answered=b"", http_status=401, trouble="Nobody has this account.")

    assert numbers(page, "") == [lost, ours + 1, ours]
    assert numbers(page, "?partner=HILL") == [ours + 1, ours]
    assert numbers(page, "?outcome=refused") == [ours + 1]
    assert numbers(page, "?outcome=well") == [ours]
    assert numbers(page, "?outcome=not+confirmed") == [lost]
    assert numbers(page, "?whose=nobody") == [nobodys]
    assert "There is no such partner" in page.text("/l/MAIN/operations/calls?partner=NOPE")

    riverside = visiting(stage)("operator", "RIV")
    assert numbers(riverside, "", "RIV") == []
    assert riverside.get(f"/l/RIV/operations/calls/{ours}").status_code == 404
    assert "Nobody has this account." in riverside.text(f"/l/RIV/operations/calls/{nobodys}")
    assert page.get("/l/MAIN/operations/calls/99999999999999").status_code == 404


def numbers(page, query, library="MAIN"):
    tree = page.tree(f"/l/{library}/operations/calls{query}")
    return [int(th.text_content()) for th in tree.xpath("//tbody//th")]


def test_what_went_over_the_wire_is_forgotten_when_its_request_is_over_long_enough(bare_stage):
    stage = bare_stage
    over, under_way = stage.lends(partner_id="H-1"), stage.lends(partner_id="H-2")
    over.does("reject", reason="NotHeld")
    for half in (over, under_way):
        call(stage, half)
        with stage.db.writing() as session:
            session.add(PatronOfPartner(request_id=half.id, content={"surname": "Jones"}, at=stage.clock.now()))
    nobodys = call(stage)

    assert kept(stage) == ([over.id, under_way.id, None], [over.id, under_way.id])
    stage.clock.advance(timedelta(days=8))
    housekeeping(stage.services)
    assert kept(stage) == ([over.id, under_way.id, None], [under_way.id])
    stage.clock.advance(timedelta(days=83))
    stage.work()
    assert housekeeping(stage.services).endswith(" forgotten")
    assert kept(stage) == ([under_way.id], [under_way.id])
    assert nobodys


def test_it_is_forgotten_a_part_at_a_time(stage):
    over = stage.lends()
    over.does("reject", reason="NotHeld")
    for _ in range(5):
        call(stage, over)
    later = stage.clock.now() + timedelta(days=1)
    with stage.db.writing() as session:
        assert [forget(session, later, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert forget_patrons(session, later) == 0


def kept(stage):
    with stage.db.reading() as session:
        calls = session.scalars(sa.select(Exchange.request_id).order_by(Exchange.id))
        patrons = session.scalars(sa.select(PatronOfPartner.request_id).order_by(PatronOfPartner.request_id))
        return list(calls), list(patrons)
