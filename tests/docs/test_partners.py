"""What the documentation says of partners that speak ISO 18626 is what the program knows of them."""

import re
from dataclasses import fields

from ill_workflow.cli import command
from ill_workflow.config import Settings
from ill_workflow.wire_settings import VENDORS, WireSettings
from tests.docs.test_readme import ROOT, generate

PAGE = (ROOT / "docs" / "partners.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_program():
    assert generate().fill(PAGE) == PAGE, "run: python docs/generate.py"
    for setting in fields(WireSettings):
        assert f"| `wire.{setting.name}` |" in PAGE
    for vendor in VENDORS:
        assert f"| `{vendor}` |" in PAGE


def test_every_setting_command_and_option_that_it_names_is_there():
    named = set(re.findall(r"wire\.(\w+)", PAGE))
    assert named <= {setting.name for setting in fields(WireSettings)}
    variables = {f"ILL_{name.upper().rstrip('_')}" for name in Settings.model_fields}
    assert set(re.findall(r"ILL_[A-Z0-9_]+", PAGE)) <= variables
    for line in re.findall(r"ill ((?:partner|message|outbox) \w+)", PAGE):
        group, name = line.split()
        assert name in command().commands[group].commands, line
    options = {option for one in command().commands["partner"].commands["secret"].params for option in one.opts}
    assert set(re.findall(r"(--(?:new|keep-former|end-former|stdin))", PAGE)) <= options
