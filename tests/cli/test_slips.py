"""Slips at the command line: fetch, print, print again, look."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ill_workflow.db import Database, make_engine
from ill_workflow.errors import Refused
from ill_workflow.requests.models import SlipBatch
from ill_workflow.slips import batches, fetching

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
#: A computer that loses its power when the file is written and nothing is marked yet.
LOSES_POWER = """
import os, signal
from ill_workflow.slips import batches
batches._mark = lambda *more: os.kill(os.getpid(), signal.SIGKILL)
from workers.main import cli
cli()
"""


@pytest.fixture
def ill(library, monkeypatch):
    """Ann at the desk of Main."""
    monkeypatch.setenv("ILL_AS", "ann")
    return library


def lend(ill, title="Emma", **fields):
    code, out, err = ill(
        "request", "new", "--title", title, "--asked-by", "HILL", *(f"{k}={v}" for k, v in fields.items())
    )
    assert code == 0, err
    return out.split(":")[0]


def as_json(ill, *words):
    code, out, err = ill(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_morning_at_the_desk(ill):
    later = lend(ill, "Algorithms", location="Science", call_number="QA76.6 .C7")
    first = lend(ill, "Emma", location="Main stacks", call_number="PR4034 .E5")

    _, out, _ = ill("slip", "pull-list")
    assert out.startswith("2 to fetch: ")
    assert Path("pull-list-MAIN.pdf").read_bytes().startswith(b"%PDF")
    found = as_json(ill, "slip", "pull-list", "--location", "main")
    assert [line["reference"] for line in found["lines"]] == [first]

    done = as_json(ill, "slip", "print", "--new")
    assert [slip["reference"] for slip in done["slips"]] == [first, later], "in the order of the shelves"
    assert Path(done["file"]).read_bytes().startswith(b"%PDF")
    assert Path(done["file"]).name == f"slips-MAIN-batch-{done['batch']}.pdf"
    assert ill("slip", "pull-list")[1] == "Nothing has to be fetched.\n"
    assert ill("slip", "print", "--new")[1] == "Nothing waits to be printed.\n"
    assert ill("slip", "list", "--unprinted")[1] == "Every slip has been printed.\n"

    ill("act", first, "ship", "condition_checked=yes", "item_barcode=312")
    (waiting,) = as_json(ill, "slip", "list", "--unprinted")
    assert (waiting["reference"], waiting["layout"], waiting["printed"]) == (first, "shipping", None)
    code, out, _ = ill("slip", "print", "--all-unprinted", "--out", "labels.pdf")
    assert (code, out) == (0, f"1 slip (batch {done['batch'] + 1}): {Path('labels.pdf').absolute()}\n")
    (latest, earlier) = as_json(ill, "slip", "batches")
    assert (latest["slips"], earlier["slips"], latest["by"]) == (1, 2, "Ann Operator")
    again = as_json(ill, "slip", "reprint", str(earlier["batch"]), "--out", "again.pdf")
    assert len(again["slips"]) == 2
    assert as_json(ill, "slip", "list")[0]["batch"] == latest["batch"], "a reprint marks nothing"


def test_a_pull_list_can_bring_its_slips(ill):
    reference = lend(ill)
    code, out, _ = ill("slip", "pull-list", "--slips", "slips.pdf", "--out", "list.pdf")
    assert code == 0
    assert Path("list.pdf").exists()
    assert Path("slips.pdf").exists()
    assert "1 slip (batch 1)" in out
    assert as_json(ill, "request", "show", reference)["state"] == "being_processed"


def test_a_paper_that_holds_no_four_is_refused_before_anything_is_taken_up(ill):
    reference = lend(ill)
    code, _, err = ill("slip", "print", "--new", "--per-sheet", "4", "--paper", "roll80")
    assert (code, "4 slips to a sheet need Letter or A4" in err) == (1, True)
    assert as_json(ill, "request", "show", reference)["state"] == "new"


def test_the_list_and_its_slips_are_not_the_same_file(ill):
    reference = lend(ill)
    code, _, err = ill("slip", "pull-list", "--out", "same.pdf", "--slips", "./same.pdf")
    assert (code, "another file" in err) == (1, True)
    assert not Path("same.pdf").exists()
    assert as_json(ill, "request", "show", reference)["state"] == "new"


def test_slips_for_which_no_folder_is_there_bring_no_list_either(ill):
    lend(ill)
    assert "There is no folder" in ill("slip", "pull-list", "--out", "list.pdf", "--slips", "no/slips.pdf")[2]
    assert not Path("list.pdf").exists()


def test_a_disk_that_fills_up_leaves_word_of_how_to_go_on(ill, monkeypatch):
    reference = lend(ill)

    def is_full(*things):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(batches, "write", is_full)
        code, _, err = ill("slip", "print", "--new")
    assert (code, "can't be written: No space left" in err) == (1, True)
    assert "ill slip print --all-unprinted" in err
    assert as_json(ill, "slip", "print", "--all-unprinted")["slips"][0]["reference"] == reference


def test_a_list_of_which_nothing_could_be_taken_up_says_so(ill, monkeypatch):
    reference = lend(ill)

    def refuses(*things, **more):
        raise Refused("Somebody has it in hand.")

    monkeypatch.setattr(fetching.actions, "perform", refuses)
    code, out, err = ill("slip", "pull-list", "--out", "list.pdf", "--slips", "slips.pdf")
    assert (code, out.splitlines()[1:]) == (0, ["No slip was printed."])
    assert err == f"{reference}, routing: Somebody has it in hand.\n"


def test_a_side_that_would_change_nothing_is_refused_and_nothing_is_marked(ill):
    ill("act", lend(ill), "print_slip")
    code, _, err = ill("slip", "print", "--all-unprinted", "--side", "borrowing")
    assert (code, "--side goes with requests" in err) == (1, True)
    assert len(as_json(ill, "slip", "list", "--unprinted")) == 1


def test_a_link_that_is_named_leads_to_the_slips_and_stays_a_link(ill):
    reference = lend(ill)
    Path("tray").mkdir()
    Path("slips.pdf").symlink_to("tray/today.pdf")
    assert ill("slip", "print", reference, "--out", "slips.pdf")[0] == 0
    assert Path("slips.pdf").is_symlink()
    assert Path("tray/today.pdf").read_bytes().startswith(b"%PDF")


def test_what_has_been_printed_is_printed_again_only_when_asked(ill):
    reference = lend(ill)
    ill("act", reference, "print_slip", "piece_count=3")
    assert as_json(ill, "slip", "print", reference)["slips"] == [
        {"reference": reference, "layout": "routing", "pieces": 3}
    ]
    code, out, err = ill("slip", "print", reference)
    assert (code, out) == (1, "")
    assert "Ann Operator printed it on" in err
    assert "--again" in err
    code, out, _ = ill("slip", "print", reference, "--again")
    assert (code, out) == (0, f"1 slip: {Path(f'{reference}-routing.pdf').absolute()}\n")


def test_a_slip_that_was_undone_is_not_listed_as_if_it_waited(ill):
    reference = lend(ill)
    ill("act", reference, "print_slip")
    assert len(as_json(ill, "slip", "list")) == 1
    assert ill("undo", reference)[0] == 0
    assert as_json(ill, "slip", "list") == []
    ill("act", reference, "print_slip")
    ill("slip", "print", reference)
    ill("undo", reference)
    (printed,) = as_json(ill, "slip", "list")
    assert printed["by"] == "Ann Operator", "that is on paper, whatever was undone"


def test_of_several_the_one_that_was_printed_is_named_and_the_others_are_printed(ill):
    first, second = lend(ill), lend(ill)
    for reference in (first, second):
        ill("act", reference, "print_slip")
    ill("slip", "print", first)
    code, out, err = ill("slip", "print", first, second, second)
    assert code == 0
    assert out.startswith("1 slip (batch 2)")
    assert err.startswith(f"{first}, routing: Ann Operator printed it")


def test_a_slip_of_the_other_side_is_refused(ill):
    code, out, _ = ill("request", "new", "--title", "Emma", "--patron", "2123", "--partner", "HILL")
    reference = out.split(":")[0]
    ill("act", reference, "submit")
    assert "no layout of a borrowing request" in ill("slip", "print", reference, "--layout", "routing")[2]
    code, out, _ = ill("slip", "print", reference)
    assert code == 0
    assert Path(out.split(": ")[1].strip()).read_bytes().startswith(b"%PDF")


def test_a_preview_is_a_picture_and_marks_nothing(ill):
    reference = lend(ill)
    ill("act", reference, "print_slip", "piece_count=2")
    found = as_json(ill, "slip", "preview", reference, "--dpi", "40", "--piece", "2", "--out", "look.png")
    assert found["pieces"] == 2
    assert Image.open("look.png").size == (340, 440)
    assert len(as_json(ill, "slip", "list", "--unprinted")) == 1


def test_the_contact_sheet_is_made_by_one_command(ill):
    code, out, _ = ill("slip", "contact-sheet", "--out", "all.png")
    assert (code, out) == (0, f"{Path('all.png').absolute()}\n")
    with Image.open("all.png") as sheet:
        assert sheet.format == "PNG"


def test_a_library_changes_how_its_slips_look(ill):
    code, _, err = ill("library", "change", "MAIN", "shipping_paper=4x6", "per_sheet=4", r"slip_texts=Hello\nBye")
    assert code == 0, err
    file = BytesIO()
    Image.new("RGB", (40, 20)).save(file, "PNG")
    Path("logo.png").write_bytes(file.getvalue())
    assert ill("library", "logo", "MAIN", "logo.png")[1] == "Main prints its logo on each slip.\n"
    found = as_json(ill, "slip", "settings")
    assert (found["shipping_paper"], found["routing_paper"], found["per_sheet"]) == ("4x6", "letter", 4)
    assert found["slip_texts"] == "Hello\nBye"
    assert len(found["logo"]) == 64
    assert "slip_texts: Hello / Bye\nlogo: yes" in ill("slip", "settings")[1]
    assert ill("library", "logo", "MAIN", "--remove")[1] == "Main prints no logo any more.\n"
    assert as_json(ill, "slip", "settings")["logo"] is None


WRONG = (
    (["slip", "print"], "reference", "--all-unprinted, or --new"),
    (["slip", "print", "XPX-1001", "--new"], "reference", "--all-unprinted, or --new"),
    (["slip", "print", "XPX-9"], "reference", "There is no request"),
    (["slip", "print", "--all-unprinted", "--again"], "again", "ill slip reprint"),
    (["slip", "print", "--all-unprinted", "--location", "x"], "location", "goes with --new"),
    (["slip", "print", "--new", "--layout", "routing"], "layout", "--new prints routing slips"),
    (["slip", "print", "--all-unprinted", "--layout", "strap"], "layout", "Choose routing"),
    (["slip", "print", "XPX-1001", "--per-sheet", "3"], "per_sheet", "1, 4, 6"),
    (["slip", "print", "XPX-1001", "--paper", "legal"], "paper", "Choose letter"),
    (["slip", "print", "XPX-1001", "--paper", "roll80", "--per-sheet", "4"], "per_sheet", "Letter or A4"),
    (["slip", "print", "XPX-1001", "--out", "nowhere/x.pdf"], "out", "There is no folder"),
    (["slip", "print", "--new", "--out", "."], "out", "no file that can be written"),
    (["slip", "print", "XPX-1001", "--as", "nogrant"], "as", "no grant anywhere"),
    (["slip", "print", "--new", "--library", "RIV"], "as", "no grant at the library"),
    (["slip", "list", "--library", "RIV"], "as", "no grant at the library"),
    (["slip", "list", "--layout", "x"], "layout", "no layout"),
    (["slip", "batches", "--library", "RIV"], "as", "no grant at the library"),
    (["slip", "reprint", "7"], "batch", "ill slip batches"),
    (["slip", "pull-list", "--paper", "a3"], "paper", "Choose letter"),
    (["slip", "preview", "XPX-1001", "--dpi", "9"], "dpi", "30 to 600"),
    (["slip", "preview", "XPX-1001", "--piece", "2"], "piece", "has one slip"),
    (["library", "logo", "MAIN"], "file", "--remove"),
    (["library", "logo", "MAIN", "nowhere.png"], "file", "can't be read"),
    (["library", "logo", "MAIN", "data/ill.db"], "logo", "at most 512 KB"),
    (["library", "logo", "MAIN", "/dev/zero"], "logo", "at most 512 KB"),
    (["library", "change", "MAIN", "routing_paper=legal"], "routing_paper", "Choose letter"),
    (["library", "change", "MAIN", "per_sheet=2"], "per_sheet", "1, 4, 6"),
    (["library", "change", "MAIN", "duplex=1"], "duplex", "yes or no"),
)


def test_wrong_input_is_answered_with_the_field_and_what_to_do(ill):
    reference = lend(ill)
    for words, field, sentence in WRONG:
        code, out, err = ill(*words)
        assert (code, out) == (1, ""), words
        assert sentence in err
        assert err.rstrip().endswith(f"[{field}]")
    refusal = json.loads(ill(*words, "--json")[2])
    assert (refusal["field"], sentence in refusal["error"]) == (field, True)
    assert as_json(ill, "request", "show", reference)["state"] == "new"


def program(*words: str, code: str = "from workers.main import cli; cli()") -> subprocess.Popen[str]:
    """The same command as a program of its own."""
    env = {**os.environ, "ILL_DATA": "data", "ILL_SMTP_PORT": "1", "ILL_AS": "ann", "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code, *words], env=env, text=True, **pipes)


@pytest.mark.live
def test_a_computer_that_dies_before_the_mark_has_printed_nothing_and_lost_nothing(ill):
    for _ in range(3):
        ill("act", lend(ill), "print_slip")

    died = program("slip", "print", "--all-unprinted", "--out", "lost.pdf", code=LOSES_POWER)
    assert died.wait(120) == -9

    assert Path("lost.pdf").exists()
    assert len(as_json(ill, "slip", "list", "--unprinted")) == 3
    assert as_json(ill, "slip", "batches") == []
    assert "is printing it just now" in ill("slip", "print", "--all-unprinted")[2]
    db = Database(make_engine(f"sqlite:///{Path('data/ill.db').absolute()}"))
    with db.writing() as session:
        session.query(SlipBatch).one().lease_until -= timedelta(minutes=2)
    db.engine.dispose()
    assert len(as_json(ill, "slip", "print", "--all-unprinted")["slips"]) == 3


@pytest.mark.live
def test_two_programs_at_once_print_each_slip_once(ill):
    references = [lend(ill) for _ in range(6)]
    for reference in references:
        ill("act", reference, "print_slip")
    both = [program("slip", "print", "--all-unprinted", "--json", "--out", f"{n}.pdf") for n in range(2)]
    found = []
    for one in both:
        out, err = one.communicate(timeout=120)
        assert "Traceback" not in err
        if one.returncode == 0:
            found += [slip["reference"] for slip in json.loads(out)["slips"]]
        else:
            assert "Ann Operator" in json.loads(err)["error"], "who was faster is named"
    assert sorted(found) == references
