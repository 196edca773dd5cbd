"""The official schemas and the samples of real systems: other people's texts, which are not in the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugins.not_run import wanting

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
