"""Passwords and sessions of people, at the command line."""

import io
import sys

import pytest


@pytest.fixture
def types(monkeypatch):
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_password_is_read_from_standard_input_and_never_shown(ill, types):
    ill("account", "add", "nia")
    types("a few words to keep\n")
    code, out, err = ill("account", "password", "nia", "--stdin")
    assert (code, out.strip()) == (0, "nia can sign in with it.")
    assert "few words" not in out + err


def test_a_short_password_is_refused(ill, types):
    ill("account", "add", "nia")
    types("short\n")
    code, _, err = ill("account", "password", "nia", "--stdin")
    assert code == 1
    assert "from 12 to 1000 characters" in err


def test_one_to_pass_on_is_shown_once(ill):
    ill("account", "add", "nia")
    code, out, _ = ill("account", "password", "nia", "--once")
    assert code == 0
    assert "Pass it on to nia" in out


def test_a_system_has_no_password(ill):
    ill("account", "add", "kiosk", "--system")
    code, _, err = ill("account", "password", "kiosk", "--once")
    assert code == 1
    assert "is a system" in err


def test_sessions_are_listed_and_ended(ill):
    ill("account", "add", "nia")
    assert ill("account", "sessions", "nia")[0] == 0
    assert ill("account", "sessions", "nia", "--end")[1].strip() == "0 ended."
    code, _, err = ill("account", "sessions", "nobody-here")
    assert code == 1
    assert "There is no account 'nobody-here'." in err
