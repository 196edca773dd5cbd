"""The printed lifecycles leave nothing out."""

import json

import pytest

from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.render import as_json, as_mermaid, as_table

both = pytest.mark.parametrize("lifecycle", [LENDING, BORROWING], ids=["lending", "borrowing"])


@both
def test_the_table_has_a_line_for_each_row(lifecycle):
    lines = as_table(lifecycle).splitlines()
    assert len(lines) == 2 + len(lifecycle.actions)
    for line, action in zip(lines[2:], lifecycle.actions, strict=True):
        assert line.startswith(f"| `{action.trigger}` ({action.label}) |")
        assert line.replace("\\|", "").count("|") == 7, "six cells"


@both
def test_the_diagram_has_each_state_and_only_ways_that_exist(lifecycle):
    lines = as_mermaid(lifecycle).splitlines()
    assert lines[0] == "stateDiagram-v2"
    for state in lifecycle.states:
        assert f"    {state.name} : {state.label}" in lines
    ways = [line.split(" : ") for line in lines if "-->" in line and "[*]" not in line]
    assert len(ways) > 30
    for way, triggers in ways:
        source, dest = way.strip().split(" --> ")
        for trigger in triggers.split(", "):
            rows = [row for row in lifecycle.rows(trigger) if source in lifecycle.sources(row)]
            assert any(target.dest == dest for row in rows for target in row.targets)


@both
def test_json_holds_everything(lifecycle):
    found = json.loads(as_json(lifecycle))
    assert [row["trigger"] for row in found["actions"]] == [a.trigger for a in lifecycle.actions]
    assert {s["name"] for s in found["states"] if s["terminal"]} == lifecycle.terminal
    shipped = next(row for row in found["actions"] if row["undo"])
    assert shipped["from"]
