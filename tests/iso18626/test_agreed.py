"""What may be agreed with a partner that speaks ISO 18626, and what can't."""

from dataclasses import fields

import pytest

from ill_workflow import libraries, partners
from ill_workflow.errors import BadInput
from ill_workflow.partners import partner_by_agency
from ill_workflow.wire_checks import check_wire
from ill_workflow.wire_settings import ABOUT, VENDORS, WireSettings, settings_of

URL = "https://ill.hill.example/iso18626"


def speaks(stage, code="HILL", at="MAIN", **wire):
    stage.changes(at, code, transport="iso18626", wire={"address": URL, **wire})
    return stage.partner(at, code)


def test_every_setting_is_explained_in_a_sentence_and_every_default_of_a_vendor_is_possible():
    assert list(ABOUT) == [f.name for f in fields(WireSettings)]
    assert all(about.endswith(".") for about in ABOUT.values())
    for vendor, usual in VENDORS.items():
        assert check_wire({"vendor": vendor, **usual}) == settings_of({"vendor": vendor}), vendor


def test_what_is_not_said_is_as_usual_with_the_vendor_also_when_that_changes():
    assert settings_of({"vendor": "reshare"}).marks
    assert not settings_of({"vendor": "reshare", "marks": False}).marks
    assert not settings_of({"vendor": "alma"}).marks
    assert settings_of({"vendor": "one of a later release"}).edition == "2017"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("address", "ill.hill.example/iso18626"),
        ("address", "ftp://ill.hill.example/"),
        ("address", "https:///iso18626"),
        ("address", "https://user:word@ill.hill.example/"),
        ("address", "https://ill.hill.example/#here"),
        ("address", "https://ill.hill.example:99999/"),
        ("address", "https://[::1/"),
        ("address", "https://ill.hill.example/a b"),
        ("address", "https://ill.hill.example/\r\nHost: x"),
        ("address", "https://bücher.example/"),
        ("address", "https:\\\\ill.hill.example"),
        ("address", "https://" + "x" * 500),
        ("address", "http://ill.hill.example/"),
        ("address", None),
        ("plain_http", "yes"),
        ("edition", "2019"),
        ("vendor", "acme"),
        ("shows_itself", "passport"),
        ("patron", "all"),
        ("agency_type", ""),
        ("agency_type", "two words"),
        ("agency_type", "A" * 17),
        ("our_agency_type", "<x>"),
        ("agency", "x" * 65),
        ("agency", "line\nbreak"),
        ("our_agency", " blank"),
        ("account", "x" * 101),
        ("peer_addresses", ["somewhere"]),
        ("peer_addresses", ["10.1.2.3/8"]),
        ("peer_addresses", ["0.0.0.0/0"]),
        ("peer_addresses", ["::/0"]),
        ("peer_addresses", [7]),
        ("peer_addresses", "10.0.0.0/8"),
        ("peer_addresses", ["192.0.2.1"] * 51),
        ("answer_after_ms", -1),
        ("answer_after_ms", True),
        ("patience_seconds", 0),
        ("patience_seconds", 301),
        ("patience_seconds", "30"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(name, value):
    with pytest.raises(BadInput) as wrong:
        check_wire({name: value})
    assert wrong.value.field == f"wire.{name}"
    assert wrong.value.message.endswith(".")


def test_what_each_may_be_and_all_together_cannot():
    for given, field in (
        ({"shows_itself": "address"}, "peer_addresses"),
        ({"broker": True, "shows_itself": "nothing"}, "shows_itself"),
        ({"vendor": "transparent_broker", "shows_itself": "nothing"}, "shows_itself"),
        ({"address": "http://ill.hill.example/", "plain_http": False}, "address"),
        ({"colour": "red"}, None),
    ):
        with pytest.raises(BadInput) as wrong:
            check_wire(given)
        assert wrong.value.field == (f"wire.{field}" if field else "wire")


def test_what_is_right_is_taken():
    given = {
        "address": "http://[2001:db8::7]:8080/iso18626?of=main", "plain_http": True, "edition": "2021",
        "agency_type": "AU-NUC", "agency": "NU:1/2", "shows_itself": "address", "patron": "id",
        "peer_addresses": ["192.0.2.7", "198.51.100.0/24", "2001:db8::/32"], "patience_seconds": 300,
    }  # fmt: skip
    assert check_wire(given) == settings_of(given)


def test_a_partner_that_speaks_iso_18626_needs_an_address(quick_stage):
    with pytest.raises(BadInput) as wrong:
        quick_stage.changes("MAIN", "HILL", transport="iso18626")
    assert wrong.value.field == "wire.address"
    assert speaks(quick_stage).agreed_wire().address == URL
    with pytest.raises(BadInput):
        quick_stage.changes("MAIN", "HILL", wire={})
    quick_stage.changes("MAIN", "HILL", transport="email")
    quick_stage.changes("MAIN", "HILL", wire={})


@pytest.mark.parametrize("agency", ["hill", "HILL"])
def test_two_partners_of_a_list_are_told_apart_by_their_ids(quick_stage, agency):
    hill = speaks(quick_stage)
    with quick_stage.db.writing() as session, pytest.raises(BadInput) as wrong:
        partners.add_partner(
            session, hill.library_id, code="LAKE", name="Lake", transport="iso18626",
            wire={"address": URL, "agency": agency},
        )  # fmt: skip
    assert (wrong.value.field, "Hilltop College" in wrong.value.message) == ("wire.agency", True)
    with quick_stage.db.writing() as session:
        lake = partners.add_partner(
            session, hill.library_id, code="LAKE", name="Lake", wire={"agency": agency, "address": URL}
        )
        with pytest.raises(BadInput):
            partners.change_partner(session, lake, transport="iso18626")
        partners.change_partner(session, lake, transport="iso18626", wire={"agency": "US-LAKE", "address": URL})
        assert partner_by_agency(session, hill.library_id, "us-lake") == lake
        assert partner_by_agency(session, hill.library_id, "Hill").code == "HILL"
        assert partner_by_agency(session, hill.library_id, "LAKE") is None
    speaks(quick_stage, at="RIV", agency="US-LAKE")


def test_a_partner_is_not_known_by_our_own_id(quick_stage):
    with pytest.raises(BadInput, match="our own id"):
        speaks(quick_stage, agency="main")
    with quick_stage.db.writing() as session:
        libraries.change_library(session, libraries.find_library(session, "MAIN"), agency="US-MAIN")
    with pytest.raises(BadInput, match="our own id"):
        speaks(quick_stage, agency="US-Main")
    speaks(quick_stage, agency="MAIN")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"agency": "riv"}, "agency"),
        ({"agency": "US-RIV"}, "agency"),
        ({"agency": "x" * 65}, "agency"),
        ({"agency_type": ""}, "agency_type"),
        ({"agency_type": "a b"}, "agency_type"),
    ],
)
def test_a_library_has_an_id_of_its_own(quick_stage, given, field):
    with quick_stage.db.writing() as session:
        libraries.change_library(session, libraries.find_library(session, "RIV"), agency="US-RIV")
        main = libraries.find_library(session, "MAIN")
        with pytest.raises(BadInput) as wrong:
            libraries.change_library(session, main, **given)
        assert wrong.value.field == field
        libraries.change_library(session, main, agency="US-MAIN", agency_type="NUC")
        with pytest.raises(BadInput) as wrong:
            libraries.add_library(session, code="us-main", name="Twin", prefix="T", time_zone="UTC")
        assert wrong.value.field == "code"
