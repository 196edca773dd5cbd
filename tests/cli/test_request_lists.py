"""Requests come as CSV files from wherever libraries keep them, and go out so that they can come in again."""

from __future__ import annotations

import csv
import io
import json
import os
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError

from ill_workflow.lists import sheet
from ill_workflow.requests import actions

GOOD = "title,author,patron,partners\nEmma,Jane Austen,2123,HILL\nDracula,Bram Stoker,2124,LAKE;HILL\n"


def test_a_list_is_taken_in_and_the_same_file_again_makes_no_doubles(main):
    file = main.file(GOOD)

    first = main("request", "import", file)
    again = main("request", "import", file)

    assert first[:2] == (0, "2 taken. The new ones: XPX-1001 to XPX-1002.\n")
    assert again[0] == 0
    assert again[1].splitlines() == [
        "Line 2: XPX-1001 is there already.", "Line 3: XPX-1002 is there already.", "2 already there.",
    ]  # fmt: skip
    assert [(r["reference"], r["title"], r["partners"]) for r in main.requests()] == [
        ("XPX-1001", "Emma", "HILL"), ("XPX-1002", "Dracula", "LAKE;HILL"),
    ]  # fmt: skip


def test_every_bad_line_is_named_with_all_that_is_wrong_and_the_good_ones_are_taken(main):
    file = main.file(
        "title,isbn,need_by,service,partners,patron,patron_email\n"
        "Emma,9780141439587,,,HILL,2123,\n"
        "Dracula,9780141439840,2020-01-01,borrow,NOPE,,\n"
        ",,,,,2124,\n"
        'Walden,,,,HILL,2125,"no address"\n'
        "Moby-Dick,9.78014E+12,,,HILL,2126,\n"
    )
    code, out, err = main("request", "import", file)

    assert code == 3
    assert "1 taken, 4 refused." in out
    told = err.splitlines()
    assert [line.split(":")[0] for line in told] == [
        "Line 3, isbn", "Line 3, need_by", "Line 3, service", "Line 3, partners", "Line 4, title",
        "Line 5, patron_email", "Line 6, isbn",
    ]  # fmt: skip
    assert "check digit" in told[0]
    assert "Known: HILL, LAKE" in told[3]
    assert "A spreadsheet has rounded it" in told[6]
    assert [r["title"] for r in main.requests()] == ["Emma"]


def test_a_dry_run_says_the_same_and_writes_nothing_at_all(main):
    file = main.file(GOOD + "No partner,,2125,NOPE\nEmma,Jane Austen,2123,HILL\n")
    before = main.tables()

    code, out, err = main("request", "import", file, "--dry-run", "--send")

    assert main.tables() == before
    assert code == 3
    assert "3 taken, 1 refused. Nothing was written: this was a dry run." in out
    assert "Line 4, partners: There is no partner 'NOPE'" in err
    assert main("request", "import", file, "--send")[1].startswith("3 taken, 1 refused.")
    assert main.tables() != before


def test_refused_lines_are_written_with_their_reasons_mended_and_imported(main):
    rows = "Emma;2123;HILL\nDracula;2124;NOPE\nWalden;2125\n=1+1;2126;NOPE\n'=2+2;2127;NOPE\n"
    file = main.file(f"title;patron;partners\n{rows}")
    code, out, _ = main("request", "import", file, "--rejects", "bad.csv")
    assert code == 3
    assert "bad.csv" in out
    rejects = (main.folder / "bad.csv").read_text(encoding="utf-8-sig")
    lines = list(csv.reader(io.StringIO(rejects), delimiter=";"))
    assert lines[0] == ["reason", "title", "patron", "partners"]
    assert lines[1][0].startswith("partners: There is no partner 'NOPE'")
    assert lines[2][1:] == ["Walden", "2125"]
    assert [line[1] for line in lines[3:]] == ["'=1+1", "'=2+2"], "no spreadsheet calculates what stands there"

    mended = rejects.replace("NOPE", "LAKE").replace("Walden;2125", "Walden;2125;HILL")
    assert main("request", "import", main.file(mended, "mended.csv"))[1].startswith("4 taken.")
    assert {"=1+1", "=2+2"} <= {row["title"] for row in json.loads(main("request", "list", "--json")[1])}
    assert main("request", "import", file, "--rejects", file)[0] == 1, "it would write over what it reads"


def test_a_file_that_was_mended_where_it_was_is_no_new_one(main):
    main("request", "import", main.file("title,patron,partners\nEmma,2123,HILL\nDracula,2124,NOPE\n"))
    mended = main.file("patron;partners;title\n2124;HILL;Dracula\n2123;HILL;Emma\n")

    code, out, _ = main("request", "import", mended)

    assert (code, out.splitlines()[-1]) == (0, "1 taken, 1 already there.")


def test_the_same_line_twice_in_a_file_is_meant_twice_and_a_key_is_taken_once(main):
    twice = main.file("title,patron,partners\nEmma,2123,HILL\nEmma,2123,HILL\n")
    assert main("request", "import", twice)[1].startswith("2 taken.")
    assert main("request", "import", twice)[1].endswith("2 already there.\n")
    assert [r["state"] for r in main.requests()] == ["created", "needs_review"], "a person looks at the second"

    keyed = "title,patron,key\nWalden,2123,w-1\nWalden,2123,w-1\nMoby-Dick,2123,w-1\n"
    for dry in (["--dry-run"], []):
        code, out, err = main("request", "import", main.file(keyed), *dry)
        assert code == 3
        assert "1 taken, 1 already there, 1 refused" in out
        assert "Line 4, key: This key stands at another line" in err
    assert "Line 4, key: This idempotency key was used" in main("request", "import", main.file(keyed))[2]


def test_what_is_sent_at_once_goes_out_and_what_has_nobody_to_ask_is_refused(main):
    file = main.file("title,patron,partners\nEmma,2123,HILL\nDracula,2124,\nWalden,,HILL\n")

    code, _, err = main("request", "import", file, "--send")

    assert code == 3
    assert err.startswith("Line 3, partners:")
    assert [(r["title"], r["state"]) for r in main.requests()] == [("Emma", "request_sent"), ("Walden", "needs_review")]


def test_what_partners_ask_for_comes_in_by_the_column_side(main):
    file = main.file(
        "side,title,partners,partner_id,patron\nlending,Emma,HILL,H-7,\nlending,Dracula,HILL;LAKE,,\n"
        "lending,Walden,LAKE,,2123\nborrowing,Moby-Dick,HILL,H-8,2124\nsideways,Ulysses,,,\n"
    )
    code, _, err = main("request", "import", file)

    assert code == 3
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "Line 3, partners", "Line 4, patron", "Line 5, partner_id", "Line 6, side",
    ]  # fmt: skip
    (lent,) = main.requests("--side", "lending")
    assert (lent["partners"], lent["partner_id"], lent["state"]) == ("HILL", "H-7", "new")


@pytest.mark.parametrize(
    "written",
    [
        GOOD.encode("utf-8-sig"),
        GOOD.replace("LAKE;HILL", '"LAKE;HILL"').replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode("utf-16"),
        b"sep=;\r\n" + GOOD.replace("LAKE;HILL", '"LAKE;HILL"').replace(",", ";").replace("\n", ";;\r\n").encode(),
        GOOD.replace("\n", "\r\n").replace("title,author", " Title ,AUTHOR").encode() + b",,,\r\n\r\n",
        GOOD.replace("Bram Stoker", '"Bram\nStoker"').encode(),
    ],
    ids=["byte order mark", "semicolons", "UTF-16 with tabs", "sep and trailing columns", "blanks", "a line in a cell"],
)  # fmt: skip
def test_whatever_a_spreadsheet_makes_of_it_is_read(main, written):
    code, out, err = main("request", "import", main.file(written))
    assert (code, err) == (0, "")
    assert out.startswith("2 taken.")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (b"", "The file is empty"),
        (b"\n\n , \n", "The file is empty"),
        (b"title,patron\nEmma\0,2\n", "line 2 holds a NUL byte"),
        ("title\nBrontë\n".encode("latin-1"), "Line 2 is not UTF-8, at “Bront"),
        (b"PK\x03\x04 workbook", "This is a workbook"),
        (b"\xff\xfe\x00", "Save it as “CSV UTF-8”"),
        (b"title,autor\nEmma,x\n", "There is no column “autor” (number 2). Is it author? Known: title, author"),
        (b"title,patron,title\n", "The column title stands there twice"),
        (b"author\nJane\n", "The column title is missing"),
        (b"\x1b[2J,\x07\n1,2\n", "There is no column “[2j”"),
    ],
)
def test_a_file_that_is_none_is_refused_whole_in_a_sentence(main, written, sentence):
    code, out, err = main("request", "import", main.file(written))
    assert (code, out) == (1, "")
    assert sentence in err
    assert "\x1b" not in err
    assert err.endswith("[file]\n")


def test_a_file_without_end_is_not_read_to_its_end(main, monkeypatch):
    monkeypatch.setattr(sheet, "LARGEST_FILE", 2 * 1024 * 1024)
    assert "The file is too large: 2 MB are the most" in main("request", "import", "/dev/zero")[2]


def test_what_is_no_file_is_named(main):
    assert "is a folder" in main("request", "import", ".")[2]
    assert "No such file" in main("request", "import", "nowhere.csv")[2]
    assert main("request", "import")[0] == 2


def test_a_file_that_we_may_not_read_is_named(main):
    assert "No such file" in main("request", "import", "nowhere.csv")[2]
    os.chmod(main.folder, 0o755)
    os.chmod(main.file(GOOD, "locked.csv"), 0)
    with as_one_who_may_not_read_everything():
        refused = main("request", "import", "locked.csv")
    assert refused == (1, "", "locked.csv can't be read: Permission denied. [file]\n")


@contextmanager
def as_one_who_may_not_read_everything():
    """Where a superuser runs the tests: nobody in particular."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_list_can_be_piped_in_and_one_without_lines_is_no_mistake(main):
    assert main("request", "import", "-", typed=GOOD.encode())[1].startswith("2 taken.")
    assert main("request", "import", main.file("title,patron\n"))[:2] == (0, "No line below the header.\n")


def test_a_quotation_mark_that_is_not_closed_spoils_its_own_line_alone(main):
    file = main.file('title,patron\n"Emma,2123\nDracula,2124\n"Walden"s,2125\nMoby-Dick,2126\n')

    code, _, err = main("request", "import", file)

    assert code == 3
    assert [line.split(":")[0] for line in err.splitlines()] == ["Line 2", "Line 4"]
    assert [r["title"] for r in main.requests()] == ["Dracula", "Moby-Dick"]


def test_who_may_not_act_there_imports_nothing(main):
    main.does("account", "add", "bob")
    before = main.tables()
    code, _, err = main("request", "import", main.file(GOOD), "--as", "bob")
    assert code == 1
    assert "no grant" in err
    assert main.tables() == before


def test_programs_read_what_became_of_each_line(main):
    file = main.file("title,patron,isbn\nEmma,2123,\nDracula,2124,77\n")
    code, out, err = main("request", "import", file, "--json")
    found = json.loads(out)
    assert (code, err) == (3, "")
    assert {k: found[k] for k in ("taken", "already_there", "refused", "dry_run")} == {
        "taken": 1, "already_there": 0, "refused": 1, "dry_run": False,
    }  # fmt: skip
    assert found["lines"][0] == {
        "line": 2, "outcome": "taken", "name": "XPX-1001", "note": "Created", "problems": [],
    }  # fmt: skip
    assert found["lines"][1]["problems"][0]["column"] == "isbn"


def test_ctrl_c_in_the_middle_keeps_what_was_taken_whole_and_the_next_run_takes_the_rest(main, monkeypatch):
    file = main.file(GOOD + "Walden,Thoreau,2125,HILL\n")
    remember = actions.remember_answer

    def interrupted(session, library_id, by, key, content, answer, now):
        if "Walden" in content:
            raise KeyboardInterrupt
        remember(session, library_id, by, key, content, answer, now)

    with monkeypatch.context() as patched:
        patched.setattr(actions, "remember_answer", interrupted)
        code, out, err = main("request", "import", file)

    assert code == 130
    assert out.startswith("2 taken.")
    assert "Interrupted" in err
    assert [r["title"] for r in main.requests()] == ["Emma", "Dracula"]
    assert main("request", "import", file)[1].endswith("1 taken, 2 already there.\n")


def test_where_the_database_goes_away_it_is_said_how_far_the_import_came(main, monkeypatch):
    remember = actions.remember_answer

    def goes_away(session, library_id, by, key, content, answer, now):
        if "Dracula" in content:
            raise OperationalError("INSERT", {}, Exception("the disk is full"))
        remember(session, library_id, by, key, content, answer, now)

    monkeypatch.setattr(actions, "remember_answer", goes_away)
    code, out, err = main("request", "import", main.file(GOOD))

    assert (code, out) == (1, "1 taken.\n")
    assert "Run it again for the rest" in err
    assert "the disk is full" in err


def test_an_export_comes_in_again_elsewhere_as_it_was(main):
    file = main.file(
        "title,author,patron,patron_name,partners,partner_note,need_by,side,partner_id,internal_note\n"
        '=1+1,@author,2123,Ann Reader,LAKE;HILL,"first\nsecond",2090-01-31,,,\'=kept\n'
        "Ⅷ 红楼梦,-minus,2124,,HILL,+plus,,,,\nEmma,,,,HILL,,,lending,H-7,\n"
    )
    main.does("request", "import", file, "--send")
    before = main.requests()

    main.does("request", "export", "--out", "out.csv")

    written = (main.folder / "out.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf"), "spreadsheets know UTF-8 by this mark"
    assert (main.folder / "out.csv").stat().st_mode & 0o077 == 0
    assert b"Ann Reader" not in written
    assert b",'=1+1,'@author," in written, "a spreadsheet calculates nothing of it"
    again = main("request", "import", "out.csv")
    assert (again[0], again[1].splitlines()[-1]) == (0, "3 already there."), "here they are all"
    with main.services.db.engine.begin() as connection:
        for table in ("receipt", "request_word", "request", "event", "effect", "timer", "rota_entry", "attempt"):
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.exec_driver_sql(f"DELETE FROM {table}")
    assert main("request", "import", "out.csv")[1].startswith("3 taken.")
    told = ("reference", "state", "created", "due")
    assert [{k: v for k, v in r.items() if k not in told} for r in main.requests()] == [
        {k: v for k, v in r.items() if k not in told} for r in before
    ]


def test_another_request_under_the_same_reference_is_not_taken_for_it(main):
    main.does("request", "import", main.file(GOOD))
    code, _, err = main("request", "import", main.file("reference,title,patron\nXPX-1001,Walden,2123\n"))
    assert code == 3
    assert "Line 2, reference: XPX-1001 is another request here: Emma" in err


def test_what_is_exported_is_chosen_and_patrons_stand_there_by_barcode(main):
    file = "title,patron,patron_name,patron_email,partners\nEmma,2123,Ann Reader,ann@readers.example,HILL\n"
    main.does("request", "import", main.file(file), "--send")
    main.does("request", "import", main.file("title,side,partners\nDracula,lending,HILL\n"))

    assert [r["title"] for r in main.requests("--side", "lending")] == ["Dracula"]
    assert [r["title"] for r in main.requests("--state", "request_sent")] == ["Emma"]
    assert main.requests("--since", "2199-01-01") == []
    assert "patron_name" not in main.requests()[0]
    assert main.requests("--with-patrons")[0]["patron_email"] == "ann@readers.example"
    assert "There is no state" in main("request", "export", "--state", "nonsense")[2]
    assert "written like 2026-03-01" in main("request", "export", "--since", "yesterday")[2]
    assert "can't be written" in main("request", "export", "--out", "nowhere/out.csv")[2]


@pytest.mark.parametrize(
    "words", [("outbox", "resend"), ("letter", "show-sent"), ("letter", "resend"), ("slip", "reprint")]
)
def test_a_number_that_nothing_can_have_is_refused_in_a_sentence(main, words):
    code, out, err = main(*words, "9" * 30)
    assert (code, out) == (1, "")
    assert err.endswith(".\n") or err.endswith("]\n")


def test_an_export_that_breaks_off_leaves_the_file_as_it_was(main, monkeypatch):
    from ill_workflow.lists import requests_out

    main.does("request", "import", main.file(GOOD))
    old = main.file("old", "out.csv")

    def broken(*more, **how):
        yield {"title": "x"}
        raise KeyboardInterrupt

    monkeypatch.setattr(requests_out, "rows", broken)
    assert main("request", "export", "--out", old)[0] == 130
    assert (main.folder / "out.csv").read_text() == "old"
    assert [p.name for p in main.folder.iterdir() if "out.csv" in p.name] == ["out.csv"]


def test_the_template_is_a_list_that_can_be_imported(main):
    template = main.does("request", "import", "--template").replace("RIV;HILL", "HILL")
    assert main("request", "import", main.file(template))[1] == "1 taken.\n"
