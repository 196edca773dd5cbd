"""Who may speak as a partner: what was agreed has to be shown, and strangers learn nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import uvicorn

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from ill_workflow.partner_secrets import set_secret
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Request
from tests.plugins.speaking import agree, give
from workers import web

TOKEN = "hill-bears-this"
#: What was agreed, from where a call comes, and whether that is there.
PLACES = [
    (["192.0.2.0/24"], "192.0.2.7", True),
    (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
    (["2001:db8::/32"], "2001:db8::7%eth0", True),
    (["192.0.2.8", "192.0.2.7"], "192.0.2.7", True),
    (["192.0.2.8"], "192.0.2.7", False),
    (["192.0.2.0/24"], "not-an-address", False),
    (["192.0.2.0/24"], "::192.0.2.7", False),
]


def test_account_and_code(hilltop):
    for account, code in (("hilltop", "wrong-code"), ("other", hilltop.code), ("hilltop", ""), ("", hilltop.code)):
        wrong = hilltop.as_seen_from("192.0.2.7")
        wrong.account, wrong.code = account, code
        said = wrong.asks("H-1")
        assert (said.status, said.headers["www-authenticate"]) == (401, 'Bearer realm="ISO 18626"')
        assert b"<" not in said.body, "nothing is confirmed"
    assert hilltop.asks("H-1").error == ""


def test_a_partner_without_a_code_is_nobody(hilltop):
    with hilltop.stage.db.writing() as session:
        session.execute(sa.text("DELETE FROM partner_secret"))

    assert hilltop.asks("H-1").status == 401


def test_a_code_that_was_replaced_opens_until_it_is_ended(hilltop):
    with hilltop.stage.db.writing() as session:
        whose = session.scalar(sa.select(Partner).where(Partner.code == "HILL", Partner.transport == "iso18626"))
        set_secret(session, whose, "code", "another-code", keep_former=True)
    assert hilltop.asks("H-1").error == ""
    give(hilltop.stage, "code", "a-third-code")
    assert hilltop.asks("H-2").status == 401


def test_a_bearer_token(hilltop):
    agree(hilltop.stage, shows_itself="token")
    give(hilltop.stage, "token", TOKEN)
    assert hilltop.asks("H-1").status == 401, "the account is not what was agreed"
    hilltop.code = ""
    for token in ("", "wrong-token", TOKEN.upper(), TOKEN + " x"):
        hilltop.token = token
        assert hilltop.asks("H-1").status == 401
    hilltop.token = TOKEN
    assert hilltop.asks("H-1").error == ""


@pytest.mark.parametrize("way", ["account", "address", "nothing"])
def test_addresses_count_in_addition_where_they_are_named(hilltop, way):
    for number, (networks, peer, right) in enumerate(PLACES):
        agree(hilltop.stage, shows_itself=way, peer_addresses=networks)
        caller = hilltop.as_seen_from(peer)
        caller.code = hilltop.code if way == "account" else ""

        assert caller.asks(f"H-{number}").status == (200 if right else 401), (networks, peer)


def test_a_forwarded_address_is_believed_from_our_proxies_alone(hilltop, monkeypatch):
    agree(hilltop.stage, shows_itself="address", peer_addresses=["198.51.100.1"])
    hilltop.client.app = _as_it_runs(hilltop.client.app, monkeypatch, proxies="192.0.2.1, 192.0.2.128/25")
    for number, (peer, forwarded, right) in enumerate([
        ("192.0.2.1", "198.51.100.1", True),
        ("192.0.2.200", "203.0.113.9, 198.51.100.1, 192.0.2.1", True),
        ("192.0.2.1", "198.51.100.1, 203.0.113.9", False),
        ("192.0.2.7", "198.51.100.1", False),
        ("198.51.100.1", "203.0.113.9", True),
    ]):  # fmt: skip
        caller = hilltop.as_seen_from(peer)
        caller.more = {"X-Forwarded-For": forwarded, "Forwarded": "for=198.51.100.1", "X-Real-IP": "198.51.100.1"}
        assert caller.asks(f"H-{number}").status == (200 if right else 401), (peer, forwarded)


def _as_it_runs(app, monkeypatch, *, proxies):
    """The console behind what the program puts before it."""
    ways = {}
    monkeypatch.setenv("ILL_WEB_PROXIES", proxies)
    monkeypatch.setattr("sys.argv", ["web"])
    monkeypatch.setattr(web, "_write_lines", lambda: None)
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: ways.update(how))
    web.main()
    running = uvicorn.Config(app, **{**ways, "factory": False, "log_config": None})
    running.load()
    return running.loaded_app


def test_what_a_lender_says_has_no_place_for_an_account_in_the_later_edition(hilltop):
    loan = hilltop.stage.borrows(ask=("HILL",))
    hilltop.edition = Edition.Y2021
    assert b"securityCode" not in write(hilltop.status("WillSupply", loan.wire_id), Edition.Y2021)
    assert hilltop.answers("WillSupply", loan.wire_id).status == 401

    give(hilltop.stage, "token", TOKEN)
    hilltop.token = TOKEN
    assert hilltop.answers("WillSupply", loan.wire_id).error == "", "a token has to do"
    hilltop.token = ""
    agree(hilltop.stage, peer_addresses=["192.0.2.7"])
    assert hilltop.answers("Loaned", loan.wire_id).error == "", "or the address"
    hilltop.code = ""
    assert hilltop.asks("H-1").status == 401, "a request has a place for it"
    assert loan.state == "shipped"


def test_strangers_do_not_learn_who_is_a_partner(hilltop):
    hilltop.code = "guessed-wrongly"

    def tells(agency, to="MAIN", address="/iso18626"):
        hilltop.agency, hilltop.to, hilltop.address = agency, to, address
        said = hilltop.asks("H-1")
        return said.status, said.body, sorted(said.headers)

    answers = {
        str(tells(*whom))
        for whom in (
            ("US-HILL",), ("US-NOBODY",), ("US-HILL", "NOWHERE"), ("US-NOBODY", "NOWHERE"),
            ("US-HILL", "MAIN", "/iso18626/MAIN"), ("US-NOBODY", "RIV", "/iso18626/MAIN"),
        )
    }  # fmt: skip
    assert len(answers) == 1
    assert "401" in answers.pop()


def test_a_partner_that_names_somebody_else(hilltop):
    hilltop.agency = "US-NOBODY"
    assert hilltop.asks("H-1").error == "UnrecognisedDataValue requestingAgencyId: 'US-NOBODY' is not who shows this"
    hilltop.agency, hilltop.to = "US-HILL", "NOWHERE"
    assert hilltop.asks("H-1").error == "UnrecognisedDataValue supplyingAgencyId: 'NOWHERE' is unknown here"
    hilltop.to, hilltop.address = "RIV", "/iso18626/MAIN"
    assert hilltop.asks("H-1").error.startswith("UnrecognisedDataValue supplyingAgencyId")
    assert [call.partner_id for call in hilltop.calls] == [hilltop.stage.partner("MAIN", "HILL").id] * 3


def test_where_nobody_has_to_show_anything_an_unknown_agency_is_told_so(hilltop):
    agree(hilltop.stage, shows_itself="nothing")
    hilltop.code, hilltop.agency = "", "US-NOBODY"
    assert hilltop.asks("H-1").error == "UnrecognisedDataValue requestingAgencyId: 'US-NOBODY' is unknown here"
    hilltop.agency = "US-HILL"
    assert hilltop.asks("H-1").error == ""


def test_ids_are_compared_by_value_and_by_list_where_both_say_one(hilltop):
    for agency, to in (("us-hill", "main"), (" US-Hill ", "Main")):
        hilltop.agency, hilltop.to = agency, to
        assert hilltop.asks(agency).error == ""
    raw = write(hilltop.request("H-2"), Edition.Y2017)
    assert hilltop.posts(raw.replace(b">ISIL<", b">OTHER<")).error == ""
    agree(hilltop.stage, agency_type="DNUCNI")
    wrong = hilltop.posts(raw.replace(b"H-2", b"H-3").replace(b">ISIL<", b">OTHER<")).error
    assert wrong.startswith("UnrecognisedDataValue requestingAgencyId")
    assert wrong.endswith("in the list 'OTHER' is not who shows this")
    assert hilltop.posts(raw.replace(b"H-2", b"H-3").replace(b">ISIL<", b">dnucni<")).error == ""


def test_the_id_by_which_a_partner_knows_us(hilltop):
    agree(hilltop.stage, our_agency="M-77")
    for name in ("M-77", "MAIN"):
        hilltop.to = name
        assert hilltop.asks(name).error == ""


def test_a_request_that_says_not_for_whom_it_is_goes_where_its_sender_is_known(hilltop):
    hilltop.edition = Edition.Y2021
    raw = write(hilltop.request("H-1"), Edition.Y2021)
    start, end = raw.index(b"<supplyingAgencyId>"), raw.index(b"</supplyingAgencyId>") + len(b"</supplyingAgencyId>")
    bare = raw[:start] + raw[end:]

    assert hilltop.posts(bare).error == ""
    agree(hilltop.stage, at="RIV")
    give(hilltop.stage, "code", hilltop.code, at="RIV")
    assert hilltop.posts(bare.replace(b"H-1", b"H-2")).error.startswith("UnrecognisedDataValue supplyingAgencyId")
    assert hilltop.posts(bare.replace(b"H-1", b"H-2"), address="/iso18626/RIV").error == ""


def test_a_request_is_answered_to_those_whose_it_is(hilltop):
    loan = hilltop.stage.borrows(ask=("RIV",))

    assert hilltop.answers("Loaned", loan.wire_id).error.startswith("UnrecognisedDataValue requestingAgencyRequestId")
    assert loan.state == "request_sent"


def test_a_broker_speaks_for_those_behind_it(hilltop):
    agree(hilltop.stage, broker=True)
    loan = hilltop.stage.borrows(ask=("HILL",))
    hilltop.agency = "US-BEHIND"

    assert hilltop.answers("Loaned", loan.wire_id).error == ""
    assert loan.state == "shipped"
    hilltop.code = "guessed-wrongly"
    assert hilltop.answers("Overdue", loan.wire_id).status == 401


def test_libraries_behind_the_same_broker_use_the_same_id(hilltop):
    agree(hilltop.stage, broker=True)
    for agency, title in (("US-A", "Emma"), ("US-B", "Persuasion")):
        hilltop.agency = agency
        assert hilltop.asks("1", title=title).error == ""
    states = {}
    for agency in ("US-B", "US-C", "us-a", "US-HILL"):
        hilltop.agency = agency
        said = hilltop.does("Cancel" if agency == "US-B" else "Notification", "1", note="Thank you.").error
        assert bool(said) == (agency == "US-C"), "nobody else speaks of it, but the broker itself"
    with hilltop.stage.db.reading() as session:
        states = {request.title: request.state for request in session.scalars(sa.select(Request))}
    assert states == {"Emma": "new", "Persuasion": "cancel_requested"}


def test_who_can_be_read_of_a_broken_message_has_to_be_who_it_says(hilltop):
    broken = write(hilltop.request("H-1"), Edition.Y2017).replace(b">New<", b">Old<")

    assert hilltop.posts(broken).error.startswith("UnrecognisedDataValue requestType")
    hilltop.code = "guessed-wrongly"
    assert hilltop.posts(write(hilltop.request("H-1"), Edition.Y2017).replace(b">New<", b">Old<")).status == 401


def test_a_partner_that_is_suspended_is_heard_all_the_same(hilltop):
    loan = hilltop.stage.borrows(ask=("HILL",))
    hilltop.stage.changes("MAIN", "HILL", status="suspended")

    assert hilltop.answers("Loaned", loan.wire_id).error == ""
    assert loan.state == "shipped"


def test_a_partner_that_reads_mail_does_not_speak_here(hilltop):
    hilltop.stage.changes("MAIN", "HILL", transport="email")

    assert hilltop.asks("H-1").status == 401
    with hilltop.stage.db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Request)) == 0
