"""The official schemas and the samples of real systems: other people's texts, which are not in the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugins.not_run import wanting


def official() -> Path | None:
    """The folder of schemas and samples, where there is one."""
    named = os.environ.get("ILL_ISO18626")
    return Path(named) if named and Path(named).is_dir() else None


@pytest.fixture(scope="session")
def schemas() -> Path:
    folder = official()
    if folder is None:
        wanting("the official schemas and samples of ISO 18626", "ILL_ISO18626 names no folder")
    return folder


@pytest.fixture(scope="session")
def samples(schemas: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((schemas / "samples").glob("*.xml"))}
