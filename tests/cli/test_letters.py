"""Letters and patrons on the command line, as managers and operators type."""

import io
import json
import sys

import pytest

from ill_workflow import cli
from ill_workflow.mail.mailer import MailRefused

ANN = "ann@readers.example"


@pytest.fixture
def ill(quick_stage, tmp_path, monkeypatch, capsys):
    """Runs a command at Main, as its manager unless said otherwise; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    settings = quick_stage.services.settings
    doors = cli.Doors(settings=settings, services=lambda: quick_stage.services, up=None, demo=None)

    def run(*words, by="manager-MAIN", piped=""):
        who = ["--as", by] if by else []
        monkeypatch.setattr(sys, "argv", ["ill", *words, *who])
        monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
        monkeypatch.setenv("ILL_LIBRARY", "MAIN")
        with pytest.raises(SystemExit) as ended:
            cli.run(doors)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return ended.value.code or 0, said.out, said.err

    return run


def test_a_manager_changes_a_letter_and_takes_it_back(ill, tmp_path):
    (tmp_path / "mine.txt").write_text("Da: {{ title }}\n\nHallo {{ patron_name }}!\n", encoding="utf-8")

    assert ill("letter", "set", "ready", "mine.txt", "--language", "de")[1] == (
        "Main Library writes ready in German by version 1 now.\n"
    )
    assert ill("letter", "set", "ready", "-", "--language", "de", piped="Da\n\nx")[1].endswith("by version 2 now.\n")
    code, out, err = ill("letter", "show", "ready", "--language", "de", "--version", "1")
    assert (code, out) == (0, "Da: {{ title }}\n\nHallo {{ patron_name }}!\n")
    assert "version 1 by manager-MAIN" in err
    (row,) = [row for row in json.loads(ill("letter", "list", "--json")[1]) if row["own"]]
    assert row == {"name": "ready", "for": "patron", "own": ["de: version 2 by manager-MAIN"], "trouble": []}

    assert ill("letter", "reset", "ready", "--language", "de")[0] == 0
    assert ill("letter", "show", "ready", "--language", "de")[1].startswith("Abholbereit:")
    kept = json.loads(ill("letter", "show", "ready", "--language", "de", "--json")[1])["versions"]
    assert [(v["version"], v["reset"]) for v in kept] == [(1, False), (2, False), (3, True)]


#: What is typed, what is piped in, who types it, the field that is wrong, and what is said about it.
REFUSED = [
    (["letter", "set", "ready", "-"], "S\n\n{{ nowhere }}", "manager-MAIN", "template", "Line 3: There is no value"),
    (["letter", "set", "ready", "-"], "S\n\nx", "operator-MAIN", "as", "Only a manager of Main Library"),
    (["letter", "set", "ready", "-"], "S\n\nx", "manager-RIV", "as", "has no grant"),
    (["letter", "set", "redy", "-"], "S\n\nx", "manager-MAIN", "name", "Did you mean ready"),
    (["letter", "set", "ready", "-", "--language", "fr"], "S\n\nx", "manager-MAIN", "language", "Known: en (English)"),
    (["letter", "set", "ready", "no-such-file"], "", "manager-MAIN", "file", "can't be read"),
    (["letter", "reset", "ready"], "", "manager-MAIN", "name", "no template of its own"),
    (["letter", "reset", "ready"], "", "operator-MAIN", "as", "Only a manager"),
    (["letter", "show", "ready", "--version", "7"], "", "operator-MAIN", "version", "no version 7"),
    (["letter", "show-sent", "99"], "", "operator-MAIN", "number", "no mail 99"),
    (["letter", "show-sent", "9" * 30], "", "operator-MAIN", "number", "no mail 9"),
    (["letter", "resend", "99"], "", "operator-MAIN", "number", "no mail 99"),
    (["letter", "preview", "ready", "XPX-9"], "", "operator-MAIN", "reference", "no request 'XPX-9'"),
    (["patron", "show", "404"], "", "operator-MAIN", "barcode", "no patron '404'"),
    (["library", "change", "MAIN", "language=fr"], "", None, "language", "Known: en (English), de (German)"),
    (["library", "change", "MAIN", "language="], "", None, "language", "en, de"),
    (["library", "change", "MAIN", "digest_minutes=2000"], "", None, "digest_minutes", "from 0 to 1440"),
    (["library", "change", "MAIN", "digest_minutes=ten"], "", None, "digest_minutes", "number of minutes"),
    (["partner", "change", "HILL", "language=xx"], "", None, "language", "Known: en (English), de (German)"),
]  # fmt: skip


def test_what_is_wrong_is_said(ill):
    for words, piped, by, field, said in REFUSED:
        code, out, err = ill(*words, "--json", by=by, piped=piped)
        assert (code, out) == (1, ""), words
        assert json.loads(err)["field"] == field, words
        assert said in json.loads(err)["error"], words


def test_a_preview_shows_to_whom_and_what(ill, quick_stage):
    loan = quick_stage.borrows()
    code, out, _ = ill("letter", "preview", "ready_for_pickup", loan.reference, "--language", "de")
    assert code == 0
    assert out.startswith(
        'To: "Ann Reader" <ann@readers.example>\nSubject: Abholbereit: „Pride and Prejudice“\n\nGuten'
    )
    assert ill("letter", "preview", "shipped", loan.reference, "--html")[1].startswith(
        '<!DOCTYPE html><html lang="en">'
    )
    tried = ill("letter", "preview", "shipped", loan.reference, "--template", "-", piped="Hi\n\n{{ title }}")[1]
    assert "Subject: Hi\n\nPride and Prejudice\n" in tried


def test_mails_are_listed_shown_and_sent_again(ill, quick_stage):
    quick_stage.mailer.fail_with(MailRefused("550 nobody"), to=ANN)
    loan, _ = quick_stage.borrows(ask=("HILL",)), quick_stage.lends()
    assert len(json.loads(ill("letter", "sent", "--json")[1])) == 3
    assert len(json.loads(ill("letter", "sent", "--request", loan.reference, "--json")[1])) == 2
    (row,) = json.loads(ill("letter", "sent", "--failed", "--json")[1])
    assert (row["to"], row["fate"], row["why"]) == (ANN, "refused", "550 nobody")

    code, out, _ = ill("letter", "show-sent", str(row["id"]), by="operator-MAIN")
    assert code == 0
    for line in (
        f"to: {ANN}",
        "fate: refused",
        "why: 550 nobody",
        f"about: {loan.reference} (MAIN)",
        "Dear Ann Reader,",
    ):
        assert line in out
    quick_stage.mailer.recover()
    number = str(row["id"])
    assert ill("letter", "resend", number, "--key", "k1")[1] == f"Mail {number} will be sent again.\n"
    assert ill("letter", "resend", number, "--key", "k1")[1] == f"Mail {number} is being sent again already.\n"
    quick_stage.work()
    assert len(quick_stage.mailer.mails_to(ANN)) == 1
    assert json.loads(ill("letter", "show-sent", number, "--json")[1])["asked_by"] == "manager-MAIN"
    assert f"{number}  " in ill("letter", "sent", "--to", ANN)[1]
    assert ill("letter", "sent", "--failed")[1] == "No mails.\n"
    assert "sent" in ill("request", "show", loan.reference)[1].split("Notices")[1]


def test_a_patron_is_written_to_as_they_like(ill, quick_stage):
    loan = quick_stage.borrows(ask=("HILL",), send=False)
    changes = ("language=de", "opt_out=request_sent, shipped", "pickup_location=Theke 2")
    assert ill("patron", "change", "21234000012345", *changes) == (0, "Ann Reader is changed.\n", "")
    assert json.loads(ill("patron", "show", "21234000012345", "--json")[1])["opt_out"] == ["request_sent", "shipped"]
    assert "opt out: request_sent, shipped" in ill("patron", "show", "21234000012345")[1]
    loan.does("submit")
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    (mail,) = quick_stage.mailer.mails_to(ANN)
    assert mail.subject == "Abholbereit: „Pride and Prejudice“"
    assert "Abholort: Theke 2" in mail.text
    assert '<html lang="de">' in mail.html
    assert ill("patron", "change", "21234000012345", "opt_out=")[0] == 0
    assert json.loads(ill("patron", "show", "21234000012345", "--json")[1])["opt_out"] == []
    code, _, err = ill("patron", "change", "21234000012345", "opt_out=overdue")
    assert (code, "'overdue' can't be declined" in err) == (1, True)
    assert ill("patron", "change", "21234000012345", "shoe_size=9")[0] == 1


def test_a_library_that_writes_german_writes_all_of_it_in_german(ill, quick_stage):
    assert ill("library", "change", "MAIN", "language=de", by=None)[0] == 0
    lent = quick_stage.lends()
    lent.does("print_slip")
    quick_stage.borrows(ask=("HILL",))
    subjects = [mail.subject for mail in quick_stage.mailer.mails]
    assert f"{lent.reference}: Eine Partnerbibliothek bestellt dieses Medium." in subjects[0]
    assert f"Bestellschein {lent.reference}: Pride and Prejudice" in subjects
    assert "Bestellt: „Pride and Prejudice“" in subjects
    assert any(subject.startswith("Fernleihe XPX-") and ", Bestellung: " in subject for subject in subjects)


@pytest.mark.parametrize("words", [("patron", "show"), ("letter", "sent", "--to"), ("letter", "preview", "ready")])
def test_what_is_typed_in_another_encoding_is_refused_in_a_sentence(ill, words):
    code, _, err = ill(*words, "M\udcfcller")
    assert (code, err.strip()) == (1, "What was typed is no text in UTF-8.")
