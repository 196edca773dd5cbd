"""What stands on the terminal: tables that fit, nothing that makes it act, help for people, words that Tab offers."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from ill_workflow import cli, runtime
from ill_workflow.cli import output
from ill_workflow.requests.models import Request
from ill_workflow.slips import Layout
from workers import program

ROOT = Path(__file__).parents[2]
NASTY = "Evil \x1b[2J\x1b]0;owned\x07 \x9b31m \u202egnihton"


@pytest.fixture
def terminal(monkeypatch):
    """Standard output, or errors, are a terminal of that width; gives what was written there."""

    def open_(width, stream="stdout"):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        monkeypatch.setattr(sys, stream, os.fdopen(theirs, "w", encoding="utf-8"))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(width))

        def written():
            getattr(sys, stream).flush()
            os.set_blocking(ours, False)
            found = b""
            while True:
                try:
                    found += os.read(ours, 65536)
                except BlockingIOError:
                    break
            # The table's own bold header is no business of this test.
            return re.sub(r"\x1b\[[01]m", "", found.decode()).replace("\r\n", "\n")

        return written

    return open_


LONG = "红楼梦 第一卷 一个很长的书名 以及更多的文字 直到它不再适合"
ROWS = [
    {"reference": "XPX-1001", "state": "Request Sent", "title": LONG, "due": None},
    {
        "reference": "XPX-1002",
        "state": "Overdue",
        "title": "A title that goes on for more than one line",
        "due": None,
    },
]


@pytest.mark.parametrize("width", [120, 80, 60, 40, 30])
def test_a_table_fits_whatever_terminal_there_is(terminal, width):
    written = terminal(width)
    output.show(ROWS, as_json=False)
    lines = written().rstrip("\n").split("\n")

    assert any("Overdue" in line for line in lines), "no word is broken that had room"
    if width >= 40:
        assert lines[0].split() == ["reference", "state", "title"], "a column that says nothing takes no room"
        assert max(cell_len(line.rstrip()) for line in lines) <= width
    else:
        assert "XPX-1001" in lines
        assert "  state: Request Sent" in lines


def test_no_word_of_a_title_makes_the_terminal_act(main, terminal, capsys):
    main.does("request", "import", main.file("title,patron\nEmma,2123\n"))
    with main.services.db.writing() as session:
        session.get_one(Request, 1).title = NASTY
    for words in (["request", "list"], ["request", "show", "XPX-1001"], ["request", "export"]):
        with capsys.disabled():
            written = terminal(100)
            main(*words)
            shown = written()
        assert "Evil ␛[2J␛]0;owned␇ <009B>31m <202E>gnihton" in " ".join(shown.split()), words
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown), words


def test_programs_get_every_character_and_still_none_acts(main):
    main.does("request", "import", main.file("title,patron\nEmma,2123\n"))
    with main.services.db.writing() as session:
        session.get_one(Request, 1).title = NASTY
    for words in (["request", "list"], ["request", "show", "XPX-1001"]):
        out = main.does(*words, "--json")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
        found = json.loads(out)
        assert (found[0] if isinstance(found, list) else found)["title"] == NASTY


def test_a_pipe_gets_the_table_as_it_is_with_all_its_columns(capsys):
    output.show(ROWS, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["reference", "state", "title", "due"]
    assert len(lines) == 3


@pytest.mark.live
def test_whoever_has_seen_enough_of_an_export_is_told_nothing_more(main):
    main.does("request", "import", main.file("title,patron\n" + "".join(f"Book {n},2123\n" for n in range(100))))
    env = {**os.environ, "ILL_DATA": str(main.settings.data), "ILL_SMTP_PORT": "1"}
    shell = f"{sys.executable} -m workers.main request export --with-patrons | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", shell], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert ran.stdout.splitlines()[0].startswith("reference,state,")
    assert (ran.stdout.splitlines()[1], ran.stderr) == ("0", "")


def test_a_command_that_is_written_wrong_is_told_apart_from_one_that_is_refused(main):
    assert main("request", "nonsense")[0] == 2
    assert main("request", "new")[0] == 2
    assert main("jobs", "history", "--most", "many")[0] == 2
    assert main("request", "show", "XPX-9")[0] == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("request", "title,patron\nEmma,2123\nWalden,2124\n"),
        ("partner", "code,name\nRIV,Riverside\nTOP,Top\n"),
        ("library", "code,name,prefix\nNEW,New,NEW\nOLD,Old,OLD\n"),
        ("account", "name\nbob\ncleo\n"),
    ],
)
def test_a_bar_shows_how_far_an_import_is_while_it_goes_on(main, terminal, kind, text):
    file = main.file(text)
    written = terminal(80, "stderr")
    main.does(kind, "import", file)
    # The lines of a list of entries are told as they are looked at, those of requests by their number in the file.
    assert {"request": "3/3"}.get(kind, "2/2") in written()


def test_help_says_what_the_exit_codes_mean_and_no_type_of_python(empty):
    said = empty.does("--help")
    assert all(words[:40] in " ".join(said.split()) for words in cli.EXIT_CODES.values())
    assert said.index("Every day") < said.index("Setting up") < said.index("Keeping it running")

    def look(path, entry):
        shown = empty.does(*path, "--help")
        assert not re.search(r"<(str|bool|int|path|list)", shown), path
        for name, inner in getattr(entry, "commands", {}).items():
            look([*path, name], inner)

    look([], cli.command())


@pytest.fixture
def tab(main, monkeypatch):
    """What the shell offers after these words."""

    def press(words, shell="bash", data=None):
        monkeypatch.setenv("ILL_DATA", str(data or main.settings.data))
        monkeypatch.setenv("_ILL_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - (not words.endswith(" "))))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setattr(sys, "argv", ["ill"])
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit) as ended:
            program.cli()
        said = main.capsys.readouterr()
        assert (ended.value.code or 0, said.err) == (0, "")
        return said.out.split("\n")[:-1] if shell != "bash" else said.out.split()

    return press


def test_tab_offers_commands_references_actions_and_codes(main, tab):
    main.does("request", "import", main.file("title,patron,partners\nEmma,2123,HILL\nDracula,2124,LAKE\n"), "--send")
    assert tab("ill req") == ["request"]
    assert tab("ill request show XPX") == ["XPX-1002", "XPX-1001"]
    assert "cancel" in tab("ill act XPX-1001 ")
    assert "submit" not in tab("ill act XPX-1001 "), "it was sent already"
    assert tab("ill act XPX-1001 partner_s --told-by ") == ["phone", "mail", "paper"]
    assert tab("ill partner change L") == ["LAKE"]
    assert tab("ill request list --library ") == ["MAIN", "RIV"]
    assert tab("ill request list --state overd") == ["overdue"]
    assert tab("ill account grant a") == ["ann"]
    assert tab("ill jobs run ") == sorted(runtime.JOBS)
    assert set(tab("ill slip preview XPX-1001 --layout ")) == set(Layout.__args__)
    assert any("XPX-1001\tRequest Sent: Emma" in line for line in tab("ill request show XPX", "fish"))
    assert any("Request Sent" in line for line in tab("ill request show XPX", "zsh"))


def test_tab_offers_nothing_that_a_shell_would_obey(main, tab):
    main.does("request", "import", main.file("title,patron\nEmma,2123\n[/x] `y`,2123\n"))
    with main.services.db.writing() as session:
        session.get_one(Request, 1).reference = "$(reboot)"
    for shell in ("bash", "zsh", "fish"):
        assert not any("reboot" in word for word in tab("ill request show ", shell))
    assert tab("ill request show ") == ["XPX-1002"]


def test_tab_says_nothing_where_there_is_no_database_or_a_setting_is_wrong(main, tab, tmp_path, monkeypatch):
    nowhere = tmp_path / "nowhere"
    assert tab("ill request show ", data=nowhere) == []
    assert "submit" in tab("ill act XPX-1 ", data=nowhere)
    assert not nowhere.exists()
    monkeypatch.setenv("ILL_SMTP_PORT", "many")
    assert tab("ill req") == ["request"]


def test_each_shell_gets_a_script_that_asks_the_program(main, monkeypatch):
    for shell in ("bash", "zsh", "fish"):
        monkeypatch.setenv("_ILL_COMPLETE", f"source_{shell}")
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit):
            program.cli()
        assert f"_ILL_COMPLETE=complete_{shell}" in main.capsys.readouterr().out
