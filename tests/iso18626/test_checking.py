"""Whoever has to find out why a partner's message fails asks `ill message check`."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from ill_workflow import cli
from ill_workflow.config import Settings

LOANED = """<supplyingAgencyMessage><header>
<supplyingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>HILL</agencyIdValue></supplyingAgencyId>
<requestingAgencyId><agencyIdType>ISIL</agencyIdType><agencyIdValue>MAIN</agencyIdValue></requestingAgencyId>
<timestamp>2026-03-01 10:00:00</timestamp><requestingAgencyRequestId>XPX-1001</requestingAgencyRequestId></header>
<messageInfo><reasonForMessage>StatusChange</reasonForMessage><note>Handle with care.
It is old.</note></messageInfo>
<statusInfo><status>Loaned</status><dueDate>2026-04-01T23:59:00+01:00</dueDate></statusInfo>
</supplyingAgencyMessage>"""
REQUEST = """<ISO18626Message version="1.2"><request><header>
<requestingAgencyId><agencyIdValue>HILL</agencyIdValue></requestingAgencyId><timestamp>now</timestamp>
<requestingAgencyRequestId>H-7</requestingAgencyRequestId>
<requestingAgencyAuthentication><securityCode>sesame</securityCode></requestingAgencyAuthentication></header>
<bibliographicInfo><title>Walden \x1b[31m</title></bibliographicInfo>
<patronInfo><surname>Thoreau</surname><sendToPatron>Thoreau</sendToPatron></patronInfo></request></ISO18626Message>"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Runs the command; its exit code, output and errors. No services are there: none are needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ILL_ISO18626", raising=False)

    def run(*words: str, typed: bytes = b"", folder: Path | None = None) -> tuple[int, str, str]:
        doors = cli.Doors(settings=Settings(data=tmp_path, iso18626=folder), services=None, up=None, demo=None)
        monkeypatch.setattr(sys, "argv", ["ill", "message", "check", *words])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(typed)))
        with pytest.raises(SystemExit) as ended:
            cli.run(doors)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_what_was_understood_and_forgiven_is_said_in_words(check, tmp_path: Path) -> None:
    (tmp_path / "loaned.xml").write_text(LOANED)

    code, out, _ = check("loaned.xml")

    assert code == 0
    assert (
        out
        == """loaned.xml: understood
  It is: a supplyingAgencyMessage, and looks like the edition of 2021
  Header:
    Supplying agency id: HILL (ISIL)
    Requesting agency id: MAIN (ISIL)
    Timestamp: 2026-03-01 10:00:00 (no time zone)
    Requesting agency request id: XPX-1001
  Message info:
    Reason for message: StatusChange
    Note: Handle with care.
      It is old.
  Status info:
    Status: Loaned
    Due date: 2026-04-01 23:59:00 +0100
    Last change: not said
  Forgiven:
    ISO18626Message: is missing around the supplyingAgencyMessage.
    supplyingAgencyMessage: is in no namespace.
    timestamp: "2026-03-01 10:00:00" has no time zone.
    lastChange: is missing in statusInfo.
  Valid: not looked at; ILL_ISO18626 names no folder with the official schemas
"""
    )


def test_what_we_would_answer_is_said_and_the_exit_code_tells(check, tmp_path: Path) -> None:
    (tmp_path / "loaned.xml").write_text(LOANED)

    code, out, _ = check("loaned.xml", "-", typed=LOANED.replace(">Loaned<", ">Borrowed<").encode())

    assert code == 1
    assert "standard input: refused\n  We would answer: ERROR, UnrecognisedDataValue\n" in out
    assert '    status: "Borrowed" doesn\'t exist\n' in out
    assert "    Requesting agency request id: XPX-1001\n" in out


def test_neither_a_secret_nor_a_patron_is_shown_and_the_terminal_obeys_nothing(check, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(REQUEST.replace("\x1b", "&#x85;"))
    (tmp_path / "broken.xml").write_text(REQUEST)

    for words in (("request.xml", "broken.xml"), ("--json", "request.xml", "broken.xml")):
        _, out, err = check(*words)

        assert "Walden" in out
        assert [word for word in ("sesame", "Thoreau", "\x1b", "\x85") if word in out + err] == []


def test_programs_get_it_as_data(check, schemas: Path, tmp_path: Path) -> None:
    (tmp_path / "loaned.xml").write_text(LOANED)

    code, out, _ = check("--json", "loaned.xml", "-", typed=b"<html/>", folder=schemas)
    understood, refused = json.loads(out)

    assert code == 1
    assert understood["understood"] is True
    assert understood["message"]["statusInfo"]["status"] == "Loaned"
    assert understood["valid"] == {"2017": False, "2021": False}
    assert understood["error"] is None
    assert refused["error"]["errorType"] == "BadlyFormedMessage"
    assert refused["error"]["errorValue"] == 'ISO18626Message: is missing; what is there is "html"'
    assert refused["faults"]["2017"]


def test_a_file_that_is_not_there_is_named(check, tmp_path: Path) -> None:
    assert check("nowhere.xml") == (1, "", "nowhere.xml can't be read: No such file or directory. [file]\n")
    (tmp_path / "loaned.xml").write_text(LOANED)
    code, out, err = check("nowhere.xml", "loaned.xml", str(tmp_path))
    assert (code, out.partition("\n")[0]) == (1, "loaned.xml: understood")  # the others are looked at all the same
    assert err.count("can't be read") == 2
    assert check("-", typed=b"<a/>", folder=tmp_path)[2].endswith("No such file or directory. [ILL_ISO18626]\n")
