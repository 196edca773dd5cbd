"""Whatever people, machines and messages do: both halves agree in the end, and nothing is lost or doubled."""

from __future__ import annotations

import logging

import pytest

from tests.stateful.report import Report
from tests.stateful.ways import WAYS, a_world, run

#: Runs of ten steps, each always the same.
RUNS = {"asking": 30, "lending": 30, "several pieces": 20, "copies": 20}


@pytest.mark.long
@pytest.mark.parametrize("way", list(WAYS))
def test_both_halves_agree_in_the_end(way, caplog):
    caplog.set_level(logging.CRITICAL)  # what fails on purpose is logged at length
    report = Report()
    with a_world() as world:
        run(world, report, WAYS[way], runs=RUNS[way])
    assert report.runs >= RUNS[way]
    assert report.steps >= 10 * RUNS[way]
