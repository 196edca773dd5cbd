"""The command line: what people type, and what programs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ill_workflow import runtime
from ill_workflow.bootstrap import start
from ill_workflow.clock import machine_now
from ill_workflow.config import Settings


def new(ill, *more):
    code, out, err = ill(
        "request", "new", "--title", "Emma", "--patron", "2123", "--partner", "HILL", "--as", "ann", *more
    )
    assert code == 0, err
    return out.split(":")[0]


def test_a_request_is_shown_with_what_was_said(library):
    ill = library
    reference = new(ill)
    assert ill("act", reference, "submit", "--as", "ann")[1] == f"{reference}: Send Request. It is Request Sent now.\n"
    ill("note", reference, "in a hurry", "--as", "ann")
    ill("act", reference, "partner_cannot_supply", "reason=NotOnShelf", "--told-by", "phone", "--as", "ann")

    code, out, _ = ill("request", "show", reference, "--as", "ann")

    assert code == 0
    assert "note: in a hurry" in out
    assert "reason: NotOnShelf" in out
    assert "phone" in out
    assert "What can be done" in out


def test_a_request_is_given_to_somebody_and_history_says_by_whom(library):
    ill = library
    reference = new(ill)
    accounts = ("--as", "ann")

    assert ill("request", "assign", reference, *accounts)[0] == 0
    assert json.loads(ill("request", "assign", reference, "--json", *accounts)[1])["assigned_to"] == "ann"
    assert ill("request", "assign", reference, "--to", "somebody-else", *accounts)[0] != 0
    assert ill("request", "assign", reference, "--nobody", "--to", "ann", *accounts)[0] != 0
    assert ill("request", "assign", reference, "--nobody", *accounts)[1] == f"{reference}: nobody sees to it.\n"

    told = json.loads(ill("request", "show", reference, "--json", *accounts)[1])["history"]
    # What is so already is no news.
    assert [line["label"] for line in told if line["trigger"] == "assign"] == [
        "Assigned to Ann Operator", "Assigned to Nobody",
    ]  # fmt: skip


def test_programs_get_codes_times_and_inputs(library):
    ill = library
    reference = new(ill)
    ill("act", reference, "submit", "--as", "ann")
    code, out, err = ill("request", "show", reference, "--json", "--as", "ann")
    found = json.loads(out)
    assert (code, err, found["state"], found["state_label"]) == (0, "", "request_sent", "Request Sent")
    assert found["history"][0]["at"].endswith("+00:00")
    told = {row["trigger"]: [n["name"] for n in row["needs"]] for row in found["partner_may_say"]}
    assert "due_date" in told["partner_shipped"]
    assert any(row["trigger"] == "cancel" and row["needs"][0]["required"] for row in found["actions"])


@pytest.mark.parametrize(
    "words",
    [
        ("library", "list"), ("library", "change", "MAIN", "claim_days=10"), ("library", "close", "MAIN", "2026-12-25"),
        ("account", "list"), ("account", "change", "ann", "--closed"),
        ("account", "grant", "ann", "manager", "--library", "MAIN"),
        ("partner", "list", "--library", "MAIN"), ("partner", "change", "HILL", "--library", "MAIN", "currency=eur"),
        ("request", "list", "--as", "ann"), ("slip", "list", "--as", "ann"), ("slip", "batches", "--as", "ann"),
        ("slip", "settings", "--as", "ann"), ("outbox", "list"), ("jobs",), ("lifecycles",), ("migrate",), ("doctor",),
    ],
)  # fmt: skip
def test_every_command_speaks_json(library, words):
    code, out, _ = library(*words, "--json")
    json.loads(out)
    assert code == (1 if words == ("doctor",) else 0)


@pytest.mark.parametrize(
    ("words", "field", "sentence"),
    [
        (["request", "list"], "as", "Say who acts"),
        (["request", "list", "--as", "who"], "as", "no active account"),
        (["request", "list", "--as", "nogrant"], "as", "no grant anywhere"),
        (["request", "list", "--library", "MAIN", "--as", "nogrant"], "as", "no grant at the library"),
        (["request", "list", "--library", "RIV", "--as", "ann"], "as", "no grant at the library"),
        (["request", "list", "--as", "ann", "--state", "nonsense"], "state", "Known: being_processed"),
        (["request", "show", "XPX-9", "--as", "ann"], "reference", "There is no request 'XPX-9'"),
        (["request", "new", "--title", "x" * 5000, "--as", "ann"], "title", "1000 are the most"),
        (["request", "new", "--title", "Emma", "--patron", "", "--as", "ann"], "patron", "named by a barcode"),
        (["request", "new", "--title", "E", "isbn=9780141439519", "--as", "ann"], "isbn", "check digit"),
        (["request", "new", "--title", "E", "volume=1", "volume=2", "--as", "ann"], "volume", "named twice"),
        (["request", "new", "--title", "E", "--partner", "NOPE", "--as", "ann"], "partner", "Known: HILL"),
        (["partner", "list"], "library", "Name a library: --library CODE"),
        (["partner", "add", "P", "--library", "MAIN", "--name", "P", "--terms", "{"], "terms", "a JSON object"),
        (
            ["partner", "add", "P", "--library", "MAIN", "--name", "P", "--terms", '{"loan_days": 99999999999}'],
            "terms",
            "from 0 to 3650",
        ),
        (
            ["partner", "add", "P", "--library", "MAIN", "--name", "P", "--fees", '{"replacement": "1e400"}'],
            "fees",
            "at most",
        ),
        (["partner", "add", "P", "--library", "MAIN", "--name", "P", "transport=local"], "library_of_ours", "Name it"),
        (
            ["partner", "add", "P", "--library", "MAIN", "--name", "P", "library_of_ours=MAIN"],
            "library_of_ours",
            "no partner of itself",
        ),
        (["partner", "change", "HILL", "--library", "MAIN", "hub=HILL"], "hub", "no hub of itself"),
        (["library", "change", "MAIN", "claim_days=99999999999999999999"], "claim_days", "from 0 to 3650"),
        (["library", "add", "x" * 60, "--name", "X", "--prefix", "X"], "code", "up to 32"),
        (["library", "close", "MAIN", "Christmas"], "day", "written like 2026-12-25"),
        (["library", "close", "MAIN", "2026-12-25", "--reason", "x" * 500], "reason", "200 are the most"),
        (["account", "grant", "who", "operator", "--library", "MAIN"], "name", "no active account"),
        (["account", "change", "ann", "--new-secret"], "new_secret", "is a person"),
        (["outbox", "resend", "99"], "number", "Nothing that needs attention"),
        (["outbox", "resend", str(2**70)], "number", "Nothing that needs attention"),
        (["lifecycles", "sideways"], "which", "Choose borrowing"),
    ],
)
def test_wrong_input_is_answered_with_the_field_and_what_to_do(library, words, field, sentence):
    code, out, err = library(*words)
    assert (code, out) == (1, "")
    assert sentence in err
    assert err.rstrip().endswith(f"[{field}]")
    code, out, err = library(*words, "--json")
    refusal = json.loads(err)
    assert (refusal["field"], sentence in refusal["error"]) == (field, True)


@pytest.mark.parametrize(
    "words",
    [
        ("library", "close", "MAIN", "2026-12-24"), ("library", "change", "MAIN", "claim_days=3"),
        ("request", "new", "--title", "Emma", "--as", "ann"), ("account", "add", "bob"),
    ],
)  # fmt: skip
def test_nothing_is_said_to_be_done_that_was_not_committed(library, monkeypatch, capsys, words):
    def no_room(self, *more):
        raise OSError("no room")

    monkeypatch.setattr("sqlalchemy.engine.base.Connection._commit_impl", no_room)
    with pytest.raises(OSError, match="no room"):
        library(*words)
    assert capsys.readouterr().out == ""


def test_how_a_partner_is_recorded_is_said_where_it_is_missing(library):
    reference = new(library)
    library("act", reference, "submit", "--as", "ann")
    _, _, err = library("act", reference, "partner_shipped", "--as", "ann")
    assert "or staff who say how they were told" in err
    _, _, err = library("act", reference, "amend", "volume=2", "--told-by", "phone", "--as", "ann")
    assert "Edit is nothing that a partner says" in err


def test_what_failed_is_listed_by_reference_and_sent_again(library, tmp_path):
    from ill_workflow import backlog
    from workers.drain import work_off_all

    ill = library
    reference = new(ill)
    ill("partner", "change", "HILL", "--library", "MAIN", "email=")
    ill("act", reference, "submit", "--as", "ann")
    services = start(Settings(data=tmp_path / "data", smtp_port=1))
    work_off_all(services)
    with services.db.reading() as session:
        (dead,) = [e for e in backlog.needing_attention(session) if e.kind == "send_message"]
    _, out, _ = ill("outbox", "list")
    assert f"{reference} (MAIN)" in out
    assert "Hilltop has no e-mail address" in out
    assert ill("doctor")[0] == 1
    ill("partner", "change", "HILL", "--library", "MAIN", "email=ill@hill.example")
    assert ill("outbox", "resend", str(dead.id))[0] == 0
    _, out, _ = ill("outbox", "list", "--json")
    assert json.loads(out)["attention"] == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("env", "words", "sentence"),
    [
        ({"ILL_DATA": "{tmp}/nowhere"}, ["request", "list", "--as", "ann"], "Run: ill migrate"),
        ({"ILL_DATA": "{tmp}/a-file/data"}, ["migrate"], "ILL_DATA is"),
        ({"ILL_DATA": "{tmp}/junk"}, ["request", "list", "--as", "ann"], "not a database"),
        ({"ILL_DATABASE_URL": "nonsense"}, ["doctor"], "[ILL_DATABASE_URL]"),
        ({"ILL_DATABASE_URL": "mysql://x/y"}, ["doctor"], "[ILL_DATABASE_URL]"),
        ({"ILL_SMTP_PORT": "many"}, ["doctor"], "ILL_SMTP_PORT is 'many'"),
        ({"ILL_BROKER_URL": "kafka://x", "ILL_DATA": "{tmp}/d"}, ["up"], "ILL_BROKER_URL begins with none of"),
        ({"ILL_BROKER_URL": "redis://127.0.0.1:1/0", "ILL_DATA": "{tmp}/d"}, ["up"], "does not answer"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, env, words, sentence):
    """As a program of its own, as people start it."""
    (tmp_path / "a-file").write_text("x")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "ill.db").write_text("this is no database at all, and never was one" * 100)
    given = {k: v for k, v in os.environ.items() if not k.startswith("ILL_")}
    given |= {name: value.format(tmp=tmp_path) for name, value in env.items()}
    ran = subprocess.run(
        [sys.executable, "-m", "workers.main", *words], env=given, cwd=Path(__file__).parents[2], capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "nowhere").exists(), "looking makes nothing"


def test_what_waits_for_a_mail_server_a_broker_and_a_disk_is_shown(library, tmp_path, monkeypatch):
    """SMTP is down, no broker is there, the slips can't be kept: what was done stands, and the rest is seen to wait."""
    from workers.drain import work_off_all

    ill = library
    code, out, err = ill("request", "new", "--title", "Emma", "--asked-by", "HILL", "--as", "ann")
    assert code == 0, err
    reference = out.split(":")[0]
    slips = tmp_path / "data" / "slips"
    slips.rmdir()
    slips.write_text("a file stands where the folder should be")
    assert ill("act", reference, "print_slip", "--as", "ann")[0] == 0
    work_off_all(start(Settings(data=tmp_path / "data", smtp_port=1)))

    code, out, _ = ill("doctor")
    assert code == 1
    assert "can't be reached" in out
    assert "paused: mail" in out
    assert f"{slips} can't be written" in out
    assert "none has given a sign of life" in out
    assert "none runs here" in out, "who works by the command line alone misses no console"
    _, out, _ = ill("request", "show", reference, "--as", "ann")
    assert f"{reference} (lending): Being Processed" in out
    assert "The slip can't be kept" in out
    _, out, _ = ill("outbox", "list")
    assert "Paused: mail" in out
    assert reference in out


@pytest.mark.parametrize(("ago", "well", "said"), [(1, True, "https://ill.example"), (90, False, "no sign of life")])
def test_the_doctor_says_where_the_console_answers_or_that_it_is_missed(ill, library, tmp_path, ago, well, said):
    services = start(Settings(data=tmp_path / "data", smtp_port=1))
    with services.db.writing() as session:
        at = machine_now() - timedelta(seconds=ago)
        runtime.beat(session, f"{runtime.CONSOLE}7@desk", at, {"address": "https://ill.example"})
    _, out, _ = ill("doctor", "--json")
    (console,) = [row for row in json.loads(out) if row["part"] == "console"]
    assert console["well"] is well
    assert said in console["says"]
    (workers,) = [row for row in json.loads(out) if row["part"] == "workers"]
    assert not workers["well"], "a console is no worker"
