"""`ill mock-partner` as it is typed: what it lists, and what it refuses before it begins."""

from __future__ import annotations

import json

import pytest


def test_the_scenarios_are_listed_each_in_a_sentence(empty):
    printed = empty.does("mock-partner", "--scenarios")
    assert "cancel_crosses" in printed
    listed = json.loads(empty.does("mock-partner", "--scenarios", "--json"))
    assert {one["role"] for one in listed} == {"supplier", "requester"}
    assert all(one["what_happens"].endswith(".") for one in listed)


@pytest.mark.parametrize(
    ("words", "field", "sentence"),
    [
        (["--scenario=nonsense"], "--scenario", "There is no scenario 'nonsense'"),
        (["--scenario=borrows"], "--scenario", "say --ask borrows"),
        (["--ask=lends", "--peer=http://127.0.0.1:1/", "--peer-agency=MAIN"], "--ask", "say --scenario lends"),
        (["--ask=borrows"], "--peer", "Whom to ask?"),
        (["--ask=borrows", "--peer=http://127.0.0.1:1/"], "--peer-agency", "Whom to ask?"),
        (["--peer=nonsense"], "--peer", "is no address"),
        (["--peer=http://127.0.0.1/a b"], "--peer", "is no address"),
        (["--peer=http://[::1"], "--peer", "is no address"),
        (["--pace=nan"], "--pace", "less than or equal to 3600"),
        (["--peer=ftp://127.0.0.1/"], "--peer", "is no address"),
        (["--peer=http://127.0.0.1:99999/"], "--peer", "is no address"),
        (["--peer=https://ill.example.org/iso18626"], "--peer", "is not this machine"),
        (["--peer=http://192.168.1.7/"], "--peer", "is not this machine"),
        (["--host=0.0.0.0"], "--host", "Say --remote"),
        (["--edition=1997"], "--edition", "no edition"),
        (["--flavour=vanilla"], "--flavour", "no flavour"),
        (["--agency=:"], "--agency", "no id of an agency"),
        (["--script=missing.toml"], "--script", "can't be read"),
        (["--log=/nowhere/at/all.log"], "--log", "can't be written"),
    ],
)
def test_what_is_wrong_is_told_with_its_option(empty, words, field, sentence):
    code, _, err = empty("mock-partner", "--port=0", *words)
    assert code == 2
    flat = " ".join(err.replace("│", " ").split())
    assert field in flat
    assert sentence in flat


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("s.toml", "[lends\n", "line 1"),
        ("s.json", "{", "line 1"),
        ("s.json", "[]", "an object"),
        ("s.toml", "", "there is no scenario in it"),
        ("s.toml", "[Lends]\n", "small letters"),
        ("s.toml", "\n[mine]\nsteps = [{ say = 'Loaned' }, { sya = 'x' }]", "line 2, scenario mine, steps, step 2:"),
        ("s.toml", "[mine]\nsteps = [{ say = 'Lent' }]", "step 1, say: 'Lent' is none of"),
        ("s.toml", "[mine]\nsteps = [{ say = 'Loaned', due = 'soon' }]", "step 1, due: a whole number is needed"),
        ("s.toml", "[mine]\nsteps = [{ say = 'Loaned', due = 99999999 }]", "due: a whole number of at most 36500"),
        ("s.toml", "[mine]\nsteps = [{ note = 'x' }]", "either says something or waits"),
        ("s.toml", "[mine]\nsteps = [{ say = 'WillSupply', cost = 'dear' }]", "cost: written like"),
        ("s.toml", "[mine]\nrole = 'reader'", "role: 'reader' is neither"),
        ("s.toml", "[mine]\nretried_as = 'nothing'", "retried_as: there is no scenario 'nothing'"),
        ("s.toml", "[mine]\ncalls = { answer = 'rude' }", "calls, answer: 'rude' is none of"),
        ("s.toml", "[mine]\ncalls = { answer = 'error' }", "go together"),
        ("s.json", '{"mine": {"steps": {}}}', "line 1, scenario mine, steps: steps are a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_script_is_told_with_its_place(empty, name, text, sentence):
    code, _, err = empty("mock-partner", "--scenarios", f"--script={empty.file(text, name)}")
    assert code == 2
    assert sentence in " ".join(err.replace("│", " ").split())


def test_a_script_of_ones_own_adds_scenarios(empty):
    script = empty.file("[mine]\nabout = 'Lends reluctantly.'\nsteps = [{ say = 'Loaned', due = 3 }]", "mine.toml")
    listed = json.loads(empty.does("mock-partner", "--scenarios", "--json", f"--script={script}"))
    assert listed[-1] == {"scenario": "mine", "role": "supplier", "what_happens": "Lends reluctantly."}
