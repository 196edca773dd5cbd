"""The official schemas and samples, which are other people's texts; and partners at servers of their own."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from ill_workflow.iso18626 import sending
from tests.iso18626.desk import Desk
from tests.plugins.far_partner import FarPartner
from tests.plugins.not_run import wanting
from tests.plugins.speaking import system_of
from workers import drain

#: Tests of commands begin with an environment of their own.
_NAMED = os.environ.get("ILL_ISO18626")


@pytest.fixture(scope="session")
def schemas() -> Path:
    if not _NAMED or not Path(_NAMED).is_dir():
        wanting(
            "messages against the official schemas and samples of ISO 18626",
            "ILL_ISO18626 names no folder",
            can_be_had=False,  # they are not ours to hand on, and no package brings them
        )
    return Path(_NAMED).resolve()


@pytest.fixture(scope="session")
def samples(schemas: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((schemas / "samples").glob("*.xml"))}


@pytest.fixture
def hilltop(quick_stage):
    """The system of a partner that calls Main."""
    return system_of(quick_stage)


@pytest.fixture
def far():
    partner = FarPartner()
    yield partner
    partner.end()


@pytest.fixture
def near():
    partner = FarPartner()
    yield partner
    partner.end()


@pytest.fixture
def desk(quick_stage, far, monkeypatch):
    """Main has a partner that speaks ISO 18626: Faraway. What is put off waits until a test lets time pass."""
    monkeypatch.setattr(drain, "PAUSE", timedelta(minutes=1))
    monkeypatch.setattr(drain, "_backoff", lambda *_: timedelta(minutes=1))
    monkeypatch.setattr(sending, "_NOT_YET_AFTER", [timedelta(minutes=1).total_seconds()] * sending.NOT_YET_TIMES)
    return Desk(quick_stage, far)
