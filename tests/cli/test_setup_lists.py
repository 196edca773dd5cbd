"""Partners, libraries and accounts are kept in spreadsheets, too: added, changed, and written out as they are."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from ill_workflow import libraries, partners
from ill_workflow.accounts import Account
from ill_workflow.outbox import EffectRow


def partner(main, code):
    with main.services.db.reading() as session:
        return partners.find_partner(session, libraries.find_library(session, "MAIN").id, code)


def lines(main, *words):
    return json.loads(main(*words, "--json")[1])["lines"]


FULL = """\
code,name,email,hub,library_of_ours,shipping_address,terms.loan_days,terms.ladder,terms.lost_after_days,\
terms.renews_by_itself,terms.wants_received,fees.replacement
RIV,Riverside,,HUB,RIV,"12 River Road
Rhinebeck",21,7 14 21,never,ask,yes,75
LAKE,,,HUB,,,,none,,no,,
HUB,Hub,ill@hub.example,TOP,,,,,,,,
TOP,Top,ill@top.example,,,,,,,,,
"""


def test_partners_are_added_and_changed_wherever_their_hub_stands_in_the_file(main):
    code, out, err = main("partner", "import", main.file(FULL))

    assert (code, err) == (0, "")
    assert out.splitlines() == ["Line 4: LAKE changed: hub, terms.", "3 taken, 1 changed. The new ones: RIV to TOP."]
    river = partner(main, "RIV")
    assert (river.transport, river.shipping_address) == ("local", "12 River Road\nRhinebeck")
    assert river.terms == {
        "loan_days": 21, "ladder": [7, 14, 21], "lost_after_days": None, "renews_by_itself": None,
        "wants_received": True,
    }  # fmt: skip
    assert river.fees == {"replacement": "75.00"}
    assert partner(main, "LAKE").terms == {"ladder": [], "renews_by_itself": False}
    assert partner(main, "LAKE").email == "ill@lake.example", "an empty cell leaves what is there"
    assert partner(main, "LAKE").hub_id == partner(main, "HUB").id
    assert partner(main, "HUB").hub_id == partner(main, "TOP").id


@pytest.mark.parametrize(
    ("kind", "text"), [("partner", "code,name\nRIV,River\n,x\n"), ("request", "title,patron\nEmma,2123\n,\n")]
)
@pytest.mark.parametrize("place", [".", "/", "nowhere/bad.csv"])
def test_nothing_is_taken_where_the_refused_lines_could_not_be_written(main, kind, text, place):
    before = main.tables()

    code, out, err = main(kind, "import", main.file(text), "--rejects", place)

    assert (code, out) == (1, "")
    assert err.endswith(" [rejects]\n")
    assert main.tables() == before
    assert main("account", "export", "--out", place)[2].endswith(" [out]\n")


@pytest.mark.parametrize("kind", ["partner", "library", "account"])
def test_what_goes_out_and_comes_in_changes_nothing(main, kind):
    main.does("partner", "import", main.file(FULL))
    main.does("partner", "change", "HILL", "--fees", '{"damage": 5}', "--terms", '{"ladder": [3], "loan_days": 7}')
    main.does("account", "add", "kiosk", "--system")
    main.does("account", "grant", "ann", "manager", "--library", "RIV")
    main.does("account", "change", "kiosk", "--closed")
    main.does(kind, "export", "--out", "out.csv")
    before = main.tables()

    code, out, err = main(kind, "import", "out.csv")

    assert (code, err) == (0, "")
    assert out.endswith(" already there.\n")
    assert "taken" not in out
    assert main.tables() == before
    main.does(kind, "export", "--out", "again.csv")
    assert (main.folder / "again.csv").read_bytes() == (main.folder / "out.csv").read_bytes()


def test_one_cell_is_emptied_and_a_term_is_the_usual_one_again(main):
    main.does("partner", "import", main.file(FULL))
    emptied = main.file("code,terms.loan_days,terms.ladder,hub,shipping_address,library_of_ours\nRIV,-,-,-,-,\n")

    assert "RIV changed: hub, shipping_address, terms" in main("partner", "import", emptied)[1]

    river = partner(main, "RIV")
    assert (river.hub_id, river.shipping_address, "loan_days" in river.terms) == (None, "", False)
    assert river.agreed_terms().ladder == (7, 14)
    assert river.terms["wants_received"] is True


def test_bad_lines_are_named_and_the_good_ones_taken(main):
    file = main.file(
        "code,name,email,hub,terms.loan_days,terms.ladder,fees.damage,transport,library_of_ours,status\n"
        "GOOD,Good,,,,,,,,\n"
        "BAD,Bad,nobody,,many,7;x,-3.5,,,\n"
        "NOHUB,No hub,,NOPE,,,,,,\n"
        "SELF,Self,,SELF,,,,,,\n"
        "HANGS,Hangs,,BAD,,,,,,\n"
        ",No code,,,,,,,,\n"
        "MAIN,Main,,,,,,,MAIN,\n"
        "OURS,Ours,,,,,,,NOPE,\n"
        "TWICE,One,,,,,,,,\n"
        "TWICE,Other,,,,,,,,\n"
        "NEW,,,,,,,,,\n"
        "PIGEON,Pigeon,,,,,,pigeon,,asleep\n"
        "FALLS,Falls,,,,14 7,,,,\n"
    )
    code, out, err = main("partner", "import", file, "--rejects", "bad.csv")

    assert code == 3
    assert "1 taken, 12 refused." in out
    assert [line.split(":")[0].removeprefix("Line ") for line in err.splitlines()] == [
        "3, email", "3, terms.loan_days", "3, terms.ladder", "3, fees.damage", "4, hub", "5, hub", "6, hub", "7, code",
        "8, library_of_ours", "9, library_of_ours", "10, code", "11, code", "12, name", "13, transport", "14",
    ]  # fmt: skip
    assert "ladder is a rising list of days" in err
    assert len((main.folder / "bad.csv").read_text(encoding="utf-8-sig").splitlines()) == 13


@pytest.mark.parametrize("kind", ["partner", "library", "account"])
def test_a_dry_run_writes_nothing(main, kind):
    lists = {
        "partner": FULL,
        "library": "code,name,prefix\nMAIN,Another name,\nEAST,East,EST\nWEST,West,toolong\n",
        "account": "name,full_name,grants\nann,Ann Manager,MAIN:manager;RIV:operator\nbob,Bob,NOPE:manager\n",
    }
    before = main.tables()
    _, out, _ = main(kind, "import", main.file(lists[kind]), "--dry-run")
    assert "Nothing was written" in out
    assert main.tables() == before
    assert (
        main(kind, "import", main.file(lists[kind]))[1].splitlines()[-1].startswith(out.splitlines()[-1].split(".")[0])
    )


def test_a_list_is_imported_or_nothing_of_it(main, monkeypatch):
    before = main.tables()

    def interrupted(session, *more, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr("ill_workflow.lists.partner_list.change_partner", interrupted)
    code, out, err = main("partner", "import", main.file(FULL))
    assert (code, out) == (130, "")
    assert "Interrupted" in err
    assert main.tables() == before


def test_libraries_keep_the_prefix_of_what_was_printed(main):
    file = main.file(
        "code,name,prefix,time_zone,transit_after_days,lending_suspended,claim_days,currency\n"
        "MAIN,,XPX,America/Chicago,never,yes,10,eur\nRIV,,NEW,,,,,\nEAST,East,EST,,,,,\nWEST,West,WST,Mars/Base,x,maybe,,\n"
    )
    code, out, err = main("library", "import", file)

    assert code == 3
    assert "MAIN changed: claim_days, currency, lending_suspended, time_zone, transit_after_days" in out
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "Line 3, prefix", "Line 5, time_zone", "Line 5, lending_suspended", "Line 5, transit_after_days",
    ]  # fmt: skip
    with main.services.db.reading() as session:
        assert libraries.find_library(session, "MAIN").transit_after_days is None
        assert libraries.find_library(session, "EAST").time_zone == "UTC"


def test_how_the_slips_of_a_library_look_is_in_its_line(main):
    header = "code,routing_paper,per_sheet,duplex,slip_texts\n"
    main.does("library", "import", main.file(f"{header}MAIN,a4,4,yes,Handle with care\n"))
    found = json.loads(main.does("library", "export", "--json"))[0]
    assert [found[n] for n in ("routing_paper", "book_strap_paper", "per_sheet", "duplex", "slip_texts")] == [
        "a4", "letter", "4", "yes", "Handle with care",
    ]  # fmt: skip
    emptied = main.file(f"{header}MAIN,-,-,-,-\n")
    assert "MAIN changed: duplex, per_sheet, routing_paper, slip_texts" in main("library", "import", emptied)[1]
    assert main("library", "import", emptied)[1].endswith("1 already there.\n")
    _, _, err = main("library", "import", main.file("code,routing_paper\nMAIN,papyrus\n"))
    assert err.startswith("Line 2, routing_paper:")


def test_what_was_agreed_anew_is_reckoned_anew_and_a_new_name_is_not(main):
    main.does("request", "import", main.file("title,patron,partners\nEmma,2123,HILL\n"), "--send")

    def chores():
        with main.services.db.reading() as session:
            return session.scalar(sa.select(sa.func.count()).where(EffectRow.kind == "schedule_due_date_check"))

    before = chores()
    main.does("partner", "import", main.file("code,name\nHILL,Hill College\n"))
    assert chores() == before
    main.does("partner", "import", main.file("code,terms.respond_days\nHILL,9\n"))
    assert chores() == before + 1


def test_accounts_get_exactly_the_grants_of_their_line_and_no_secret_goes_out(main):
    file = main.file(
        "name,full_name,system,active,grants\nann,,,,RIV:manager\nkiosk,Kiosk,yes,,MAIN:operator\n"
        "gone,Gone,,no,\nbob,,,,MAIN\ncat,,,,MAIN:boss\ndan,,,,MAIN:operator;MAIN:manager\n"
    )
    code, out, err = main("account", "import", file)

    assert code == 3
    assert "ann changed: grants" in out
    assert [line.split(":")[0] for line in err.splitlines()] == [f"Line {n}, grants" for n in (5, 6, 7)]
    written = main.does("account", "export")
    assert "ann,Ann Operator,ann@main.example,no,yes,RIV:manager" in written.splitlines()
    assert "gone,Gone,,no,no," in written.splitlines()
    with main.services.db.reading() as session:
        secret = session.scalar(sa.select(Account.secret).where(Account.name == "kiosk"))
    assert secret
    assert secret not in written + out + err + main.does("account", "export", "--json")
    assert "is a system, and stays it" in main("account", "import", main.file("name,system\nkiosk,no\n"))[2]
    assert lines(main, "account", "import", main.file("name,grants\nann,-\n"))[0]["note"] == "grants"
    assert "ann,Ann Operator,ann@main.example,no,yes," in main.does("account", "export").splitlines()


@pytest.mark.parametrize("kind", ["partner", "library", "account"])
def test_each_template_is_a_list_that_can_be_imported(empty, kind):
    if kind != "library":
        empty.does("library", "import", empty.file(empty.does("library", "import", "--template")))
        empty.does("library", "add", "RIV", "--name", "Riverside", "--prefix", "RIV")
    more = ["--library", "MAIN"] if kind == "partner" else []
    template = empty.does(kind, "import", "--template")
    assert empty(kind, "import", empty.file(template), *more)[:2] == (0, "1 taken.\n")


def test_lending_is_suspended_for_a_while_by_command_and_by_list(main):
    main.does("library", "change", "MAIN", "lending_suspended_until=2031-12-31", "lending_suspended_from=2031-12-20")
    (row,) = json.loads(main.does("library", "export", "--json"))[:1]
    assert (row["lending_suspended_from"], row["lending_suspended_until"]) == ("2031-12-20", "2031-12-31")
    for wrong in ("lending_suspended_until=2031-12-01", "lending_suspended_until=soon", "lending_suspended=yes",
                  "lending_suspended_until="):  # fmt: skip
        code, _, err = main("library", "change", "MAIN", wrong)
        assert (code, "[lending_suspended_until]" in err) == (1, True), wrong
    emptied = "code,lending_suspended_from,lending_suspended_until\nMAIN,-,-\n"
    assert "MAIN changed: lending_suspended_from, lending_suspended_until" in main.does(
        "library", "import", main.file(emptied)
    )
    bad = "code,lending_suspended_until,claim_days\nMAIN,31.12.2031,-\n"
    _, _, err = main("library", "import", main.file(bad))
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "Line 2, lending_suspended_until",
        "Line 2, claim_days",
    ]


def test_days_are_closed_once_and_opened_again_by_command(main):
    assert "is closed from 2031-12-24 to 2031-12-31." in main.does(
        "library", "close", "MAIN", "2031-12-24", "--until", "2031-12-31"
    )
    assert main("library", "close", "MAIN", "2031-12-25") == (1, "", "2031-12-25 is closed already. [day]\n")
    main.does("library", "close", "MAIN", "2031-12-25", "--partner", "HILL")
    assert "is open again on 3 days." in main.does("library", "open", "MAIN", "2031-12-29", "--until", "2032-01-05")
    assert main("library", "open", "MAIN", "2031-12-31")[2] == "2031-12-31 is not closed. [day]\n"
    assert main("library", "open", "MAIN", "2031-02-30")[2] == "A day is written like 2026-12-25. [day]\n"
