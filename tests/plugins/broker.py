"""A real broker for tests, the one that an installation without Redis has."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.not_run import wanting
from workers.broker import EmbeddedBroker, NoBroker


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """A broker that nobody else uses; tests may kill it."""
    folder = Path(tempfile.mkdtemp(prefix="ill-broker-"))
    broker = EmbeddedBroker(folder)
    try:
        broker.start()
    except NoBroker as reason:
        wanting("broker", str(reason))
    yield broker
    broker.stop()
    shutil.rmtree(folder)
