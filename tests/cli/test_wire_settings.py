"""What is agreed with a partner that speaks ISO 18626, on the command line and in spreadsheets."""

import json

import pytest

from ill_workflow import libraries, partners
from ill_workflow.partner_secrets import ours, set_secret
from tests.plugins.far_partner import FarPartner, refuses, says
from tests.plugins.speaking import opens

AGREED = (
    "transport=iso18626", "wire.address=https://ill.lake.example/iso18626", "wire.vendor=reshare", "wire.marks=no",
    "wire.peer_addresses=192.0.2.7, 198.51.100.0/24",
)  # fmt: skip


def lake(main):
    with main.services.db.reading() as session:
        return partners.find_partner(session, libraries.find_library(session, "MAIN").id, "LAKE")


def test_what_was_agreed_is_told_with_what_is_usual(main):
    main.does("library", "change", "MAIN", "agency=US-MAIN", "agency_type=NUC")
    main.does("partner", "change", "LAKE", *AGREED)

    told = json.loads(main.does("partner", "show", "LAKE", "--json"))

    assert told["agreed"] == ["wire.vendor", "wire.address", "wire.peer_addresses", "wire.marks"]
    settings = told["settings"]
    assert (settings["wire.marks"], settings["wire.id_suffix"]) == ("no", "yes")
    assert settings["wire.peer_addresses"] == "192.0.2.7 198.51.100.0/24"
    assert told["our address"].endswith("/iso18626/MAIN")
    assert told["our id"] == "US-MAIN"
    assert "Set one." in main.does("partner", "show", "LAKE")
    main.does("partner", "change", "LAKE", "wire.marks=", "wire.our_agency=OTHER")
    told = json.loads(main.does("partner", "show", "LAKE", "--json"))
    assert (told["settings"]["wire.marks"], told["our id"]) == ("yes", "OTHER")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("transport=iso18626",), "wire.address"),
        (("wire.edition=2019",), "wire.edition"),
        (("wire.patience_seconds=soon",), "wire.patience_seconds"),
        (("wire.plain_http=perhaps",), "wire.plain_http"),
        (("wire.code=secret-code",), "wire.code"),
        ((*AGREED, "wire.agency=MAIN"), "wire.agency"),
    ],
)
def test_what_is_wrong_changes_nothing(main, words, field):
    before = main.tables()
    code, _out, err = main("partner", "change", "LAKE", *words, "--json")
    said = json.loads(err)
    assert code == 1
    assert said["field"] == field or f"{field} " in said["error"]
    assert main.tables() == before


def test_the_connection_is_tried_and_what_came_back_is_told(main):
    far = FarPartner()
    main.services.settings.private_partners = True
    main.does("partner", "change", "LAKE", "transport=iso18626", f"wire.address={far.url}", "wire.plain_http=yes")
    far.then(refuses("UnrecognisedDataValue", "requestingAgencyRequestId"), says(401))
    assert "and takes what we say." in main.does("partner", "try", "LAKE")
    code, out, err = main("partner", "try", "LAKE")
    assert (code, out) == (1, "")
    assert "It answered 401: it does not believe who we are." in err
    told = json.loads(main.does("partner", "try", "LAKE", "--json"))
    assert (told["partner"], told["confirmed"]) == ("LAKE", True)
    far.end()


def test_secrets_are_set_by_hand_or_made_up_and_stand_in_no_list_and_no_table_in_clear(main):
    main.does("partner", "change", "LAKE", *AGREED)
    made = json.loads(main.does("partner", "secret", "LAKE", "code", "--new", "--json"))["is"]
    assert main("partner", "secret", "LAKE", "our_token", "--stdin", typed=b"what-they-gave-us\n")[0] == 0
    code, _out, err = main("partner", "secret", "LAKE", "token", "--stdin", typed=b"bad token\n")
    assert (code, "bad token" in err) == (1, False)

    with main.services.db.reading() as session:
        assert opens(session, lake(main), "code", made)
        assert ours(session, lake(main), "our_token") == "what-they-gave-us"
    everything = main.does("partner", "export") + main.does("partner", "show", "LAKE", "--json")
    assert made not in everything
    assert "what-they-gave-us" not in everything
    assert made not in str(main.tables())

    again = json.loads(main.does("partner", "secret", "LAKE", "code", "--new", "--keep-former", "--json"))
    assert again["set"] == ["code", "code_before", "our_token"]
    with main.services.db.reading() as session:
        assert opens(session, lake(main), "code", made)
    main.does("partner", "secret", "LAKE", "code", "--end-former")
    with main.services.db.reading() as session:
        assert not opens(session, lake(main), "code", made)
    assert json.loads(main.does("partner", "secret", "LAKE", "our_token", "--remove", "--json"))["set"] == ["code"]
    assert main("partner", "secret", "LAKE", "our_token", "--new")[0] == 1
    assert main("partner", "secret", "LAKE", "token", "--new", "--remove")[0] == 1

    main.does("partner", "secret", "LAKE", "code", "--remove")
    assert "what it says is refused" in main.does("partner", "show", "LAKE")
    main.does("partner", "secret", "LAKE", "token", "--new")
    assert "only its token opens" in main.does("partner", "show", "LAKE")


def test_an_export_is_imported_as_it_is_and_an_emptied_cell_is_the_usual_again(main):
    main.does("partner", "change", "LAKE", *AGREED)
    kept = lake(main).wire
    file = main.file(main.does("partner", "export"))
    main.does("partner", "change", "LAKE", "transport=email", "wire.marks=yes", "wire.peer_addresses=")
    main.does("partner", "import", file)
    # What was emptied meanwhile is filled, what was filled is written over.
    assert (lake(main).wire, lake(main).transport) == (kept, "iso18626")
    main.does("partner", "import", main.file("code,wire.marks,wire.peer_addresses,wire.vendor\nLAKE,-,-,alma\n"))
    assert lake(main).wire == {"vendor": "alma", "address": "https://ill.lake.example/iso18626"}

    code, _out, err = main(
        "partner", "import", main.file("code,wire.address,wire.edition\nLAKE,http://x.example/,1999\n")
    )
    assert code == 3
    assert "1999" in err
    assert "wire.token" not in main.does("partner", "import", "--template")


def test_the_doctor_names_what_makes_messages_fail(main):
    def says():
        rows = json.loads(main("doctor", "--json")[1])
        return [(row["part"], row["well"], row["says"]) for row in rows if row["part"].startswith("partner")]

    assert says() == [("partners", True, "0 speak ISO 18626")]
    main.does("partner", "change", "LAKE", "transport=iso18626", "wire.address=https://10.1.2.3/", "wire.edition=2021")
    found = says()
    assert {part for part, _, _ in found} == {"partner LAKE at MAIN"}
    assert [well for _, well, _ in found] == [False, False, True]
    assert "private" in found[0][2]

    with main.services.db.writing() as session:
        partner = partners.find_partner(session, libraries.find_library(session, "MAIN").id, "LAKE")
        set_secret(session, partner, "code", "long-enough")
        partner.wire = {"address": "http://ill.lake.example/", "edition": "2030", "our_account": "x"}
    (_, well, edition), (_, hint, account) = says()
    assert (well, "2030" in edition) == (False, True)
    assert (hint, "account" in account) == (True, True)
    main.does("partner", "change", "LAKE", "wire.edition=2017", "wire.address=https://ill.lake.example/")
    main.does("partner", "change", "LAKE", "wire.our_account=")
    assert says() == [("partners", True, "1 speaks ISO 18626")]
