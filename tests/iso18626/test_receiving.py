"""A partner's message arrives over HTTP: what is answered, and what is written down of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from ill_workflow.about.their_patron import their_patron
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    ConfirmationHeader,
    Costs,
    PatronInfo,
    RequestConfirmation,
    RequestingAgencyMessageConfirmation,
    RetryInfo,
    SupplyingAgencyMessageConfirmation,
)
from ill_workflow.messages.exchanges import PatronOfPartner
from ill_workflow.requests.models import Request
from tests.plugins.speaking import agree

EDITIONS = pytest.mark.parametrize("edition", list(Edition))


def requests(stage):
    with stage.db.reading() as session:
        return list(session.scalars(sa.select(Request).order_by(Request.id)))


@EDITIONS
def test_a_request_is_confirmed_in_its_own_edition(hilltop, edition):
    hilltop.edition = edition

    said = hilltop.asks("H-1", title="Emma")

    assert (said.status, said.headers["content-type"], said.error) == (200, "application/xml", "")
    assert said.kind == "requestConfirmation"
    assert (said["requestingAgencyRequestId"], said["agencyIdValue"]) == ("H-1", "MAIN")
    version = {Edition.Y2017: b'version="1.2"', Edition.Y2021: b'version="2021-2"'}[edition]
    assert version in said.body
    [lent] = requests(hilltop.stage)
    assert (lent.title, lent.partner_request_id, lent.side, lent.state) == ("Emma", "H-1", "lending", "new")


@EDITIONS
def test_what_some_systems_wait_for_is_echoed(hilltop, edition):
    hilltop.edition = edition
    if edition is Edition.Y2021:
        hilltop = hilltop.as_seen_from("192.0.2.7")
        agree(hilltop.stage, peer_addresses=["192.0.2.0/24"])
    loan = hilltop.stage.borrows(ask=("HILL",))
    hilltop.asks("H-1")

    cancel, loaned = hilltop.does("Cancel"), hilltop.answers("Loaned", loan.wire_id)

    assert (cancel.error, cancel.kind, cancel["action"]) == ("", "requestingAgencyMessageConfirmation", "Cancel")
    assert (loaned.error, loaned.kind) == ("", "supplyingAgencyMessageConfirmation")
    assert loaned["reasonForMessage"] == "StatusChange"
    assert loan.state == "shipped"


@EDITIONS
def test_confirmations_are_valid(hilltop, schemas, edition):
    hilltop.edition = edition
    answers = [
        hilltop.asks("H-1"), hilltop.asks("H-1", title="Other"), hilltop.does("Renew"), hilltop.does("Renew", "gone"),
        hilltop.posts(b"<nonsense"), hilltop.posts(b"<ISO18626Message/>"),
    ]  # fmt: skip

    assert [validate(said.body, edition, schemas) for said in answers[:4]] == [[]] * 4
    assert [validate(said.body, Edition.Y2017, schemas) for said in answers[4:]] == [[]] * 2


def test_ids_and_time_go_back_as_they_came(hilltop):
    raw = write(hilltop.request(" H 1~ä "), Edition.Y2017)
    now = hilltop.stage.clock.now().isoformat().replace("+00:00", "Z").encode()
    assert now in raw

    said = hilltop.posts(raw.replace(now, b"2026-02-02T10:00:00.123456789+01:00"))

    assert said.error == ""
    assert said["timestamp"] == "2026-02-02T10:00:00.123456789+01:00"
    assert said["requestingAgencyRequestId"] == " H 1~ä "
    assert hilltop.does("Cancel", " H 1~ä ").error == ""
    assert hilltop.does("Cancel", "H 1~ä").error.startswith("UnrecognisedDataValue")
    [lent] = requests(hilltop.stage)
    assert (lent.partner_request_id, lent.reference) == (" H 1~ä ", "XPX-1001")


def test_the_time_is_that_of_the_header_however_it_is_written(hilltop):
    at = hilltop.stage.clock.now().isoformat().replace("+00:00", "Z")
    raw = write(hilltop.request(), Edition.Y2017).replace(b"timestamp>", b"TimeStamp>")

    said = hilltop.posts(raw.replace(b"<header>", b"<x><timestamp>2020-01-01T00:00:00Z</timestamp></x><header>"))

    assert (said.error, said["timestamp"]) == ("", at)


@EDITIONS
@pytest.mark.parametrize("never", ["2026-02-30T10:00:00Z", "2026-02-02T10:00:60Z", "0000-01-01T00:00:00Z",
                                   "2026-02-02T10:00:00+14:30", "2026-02-02T10:00:00+99:99"])  # fmt: skip
def test_a_time_that_there_never_was_is_not_given_back(hilltop, schemas, edition, never):
    raw = write(hilltop.request(), edition)
    start, end = raw.index(b"<timestamp>") + len(b"<timestamp>"), raw.index(b"</timestamp>")

    said = hilltop.posts(raw[:start] + never.encode() + raw[end:])

    assert (said.error, validate(said.body, edition, schemas)) == ("", [])


@pytest.mark.parametrize("wire_id", ["x" * 256, "H\t1", "x" * 100_000])
def test_an_id_that_nobody_can_keep(hilltop, wire_id):
    for said in (hilltop.asks(wire_id), hilltop.does("Cancel", wire_id)):
        assert said.error.startswith("UnrecognisedDataValue requestingAgencyRequestId: ")
        assert (said["requestingAgencyRequestId"], len(said.error) < 400) == (wire_id, True)


def test_a_day_that_nobody_lives_to_see_refuses_nothing(hilltop):
    loan = hilltop.stage.borrows(ask=("HILL",))
    loaned = hilltop.status("Loaned", loan.wire_id)
    far = replace(loaned.statusInfo, dueDate=datetime(2999, 12, 31, tzinfo=UTC))
    costs = RetryInfo(offeredCosts=Costs(currencyCode="USD", monetaryValue=Decimal("1E10")))

    assert hilltop.says(replace(loaned, retryInfo=costs)).error.startswith("UnrecognisedDataValue offeredCosts: ")
    assert hilltop.says(replace(loaned, statusInfo=far)).error == ""
    assert (loan.state, loan.lender_due) == ("shipped", None), "as though it named none"
    assert loan.last_event.inputs["note"] == "dueDate as given: 2999-12-31"


def test_what_a_lender_calls_it_goes_back_as_it_came(hilltop):
    loan, named = hilltop.stage.borrows(ask=("HILL",)), " DE-6:" + "7" * 90
    header = replace(hilltop.header(loan.wire_id, lends=True), supplyingAgencyRequestId=named)

    hilltop.says(replace(hilltop.status("Loaned", loan.wire_id), header=header))

    assert loan.partner_request_id == named


def test_a_lost_item_is_confirmed_with_its_action_though_only_the_later_edition_has_it(hilltop):
    hilltop.asks("H-1")

    raw = write(hilltop.action("Lost"), Edition.Y2021).replace(b"2021-2", b"1.2")

    assert hilltop.posts(raw)["action"] == "Lost"


@pytest.mark.parametrize(
    "wrong",
    [
        ("Cancel", "H-9", "UnrecognisedDataValue requestingAgencyRequestId"),
        ("Received", "h-1", "UnrecognisedDataValue requestingAgencyRequestId"),
    ],
)
def test_a_request_that_nobody_knows(hilltop, wrong):
    action, wire_id, error = wrong
    hilltop.asks("H-1")

    assert hilltop.does(action, wire_id).error.startswith(error)


def test_another_request_under_an_id_that_is_taken(hilltop):
    hilltop.asks("H-1", title="Emma")

    refused = hilltop.asks("H-1", title="Persuasion")

    assert refused.error.startswith("UnrecognisedDataValue requestingAgencyRequestId")
    assert [lent.title for lent in requests(hilltop.stage)] == ["Emma"]


def test_two_partners_use_the_same_id(hilltop):
    stage = hilltop.stage
    stage.changes(
        "MAIN",
        "RIV",
        transport="iso18626",
        wire={"agency": "US-RIV", "shows_itself": "nothing", "address": "https://r.example"},
    )
    hilltop.asks("H-1", title="Emma")
    hilltop.agency, hilltop.code = "US-RIV", ""

    hilltop.asks("H-1", title="Persuasion")
    hilltop.does("Cancel")

    states = {lent.title: lent.state for lent in requests(stage)}
    assert (states["Emma"], states["Persuasion"] != "new") == ("new", True)


def test_what_is_refused_while_it_is_read_is_answered_of_the_same_kind(hilltop):
    raw = write(hilltop.action("Cancel"), Edition.Y2017).replace(b">Cancel<", b">Destroy<")

    said = hilltop.posts(raw)

    assert said.kind == "requestingAgencyMessageConfirmation"
    assert said.error.startswith("UnsupportedActionType action")
    assert (said["action"], said["requestingAgencyRequestId"]) == (None, "H-1")


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00", b"<", b"{}", b"<html/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xfe<", b"<a>" * 9999],
)
def test_what_is_no_message_is_badly_formed(hilltop, raw):
    said = hilltop.posts(raw)

    assert said.error.startswith("BadlyFormedMessage")
    assert said.kind == "requestConfirmation"


def test_a_confirmation_is_no_message(hilltop):
    header = ConfirmationHeader(
        timestamp=hilltop.stage.clock.now(), timestampReceived=hilltop.stage.clock.now(), messageStatus="OK",
        requestingAgencyRequestId="XPX-1",
    )  # fmt: skip
    for kind in (RequestConfirmation, RequestingAgencyMessageConfirmation, SupplyingAgencyMessageConfirmation):
        said = hilltop.says(kind(confirmationHeader=header))
        assert said.error.startswith("BadlyFormedMessage")
        assert (said.kind, said["requestingAgencyRequestId"]) == (kind.__name__[0].lower() + kind.__name__[1:], "XPX-1")


def test_each_call_is_written_down_without_secrets_and_patrons(hilltop, caplog):
    patron = PatronInfo(surname="Woolf", givenName="Virginia", patronId="P-99")
    with caplog.at_level(logging.INFO, logger="ill_workflow.iso18626"):
        hilltop.says(hilltop.request("H-1", patronInfo=patron))
        hilltop.does("Cancel", "H-9")
        hilltop.posts(b"<nonsense")

    taken, unknown, nonsense = hilltop.calls
    [heard, refused] = hilltop.heard
    assert (taken.request_id, taken.message_id, taken.http_status) == (heard.request_id, heard.id, 200)
    assert "requestConfirmation" in taken.answered
    assert (unknown.message_id, unknown.request_id) == (refused.id, None)
    assert "requestingAgencyRequestId" in unknown.trouble
    assert (nonsense.library_id, nonsense.peer) == (None, "192.0.2.7")
    lines = [record.getMessage() for record in caplog.records]
    assert ["partner=HILL" in line and "kind=" in line and "ms=" in line for line in lines] == [True, True, False]
    kept = "".join(call.said + call.answered for call in hilltop.calls) + str(heard.content) + "".join(lines)
    for secret in ("Woolf", "Virginia", "P-99", hilltop.code, "hilltop"):
        assert secret not in kept


def test_what_is_told_of_a_patron_is_kept_apart(hilltop):
    stage = hilltop.stage
    hilltop.says(hilltop.request("H-1", patronInfo=PatronInfo(surname="Woolf", patronId="P-99")))
    hilltop.asks("H-2")

    with stage.db.reading() as session:
        [kept] = session.scalars(sa.select(PatronOfPartner))
        told = [their_patron(session, session.get_one(Request, each.id)) for each in requests(stage)]
    assert (kept.request_id, kept.content) == (requests(stage)[0].id, {"surname": "Woolf", "patronId": "P-99"})
    assert told == ["Woolf, P-99", ""], "to whoever opens the request"


def test_the_samples_of_real_systems_find_somebody_or_are_turned_away(hilltop, samples):
    for name, raw in samples.items():
        said = hilltop.posts(raw)
        assert said.status in (200, 401), name
        assert said.status == 401 or said["messageStatus"] == "ERROR", name
    assert requests(hilltop.stage) == []


def test_the_time_of_the_year_one_is_given_back(hilltop):
    said = hilltop.says(hilltop.request("H-1", at=datetime(1, 1, 1, tzinfo=UTC)))

    assert (said.error, said["timestamp"][:10]) == ("", "0001-01-01")
