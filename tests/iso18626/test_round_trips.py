"""Whatever is written is valid, and says to its reader what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ill_workflow.iso18626.editions import MESSAGES, Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.wording import as_written
from ill_workflow.iso18626.writing import write
from tests.iso18626.any_message import tidy, wild

pytestmark = pytest.mark.long

QUICK = settings(
    max_examples=20, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
EVERY_KIND = pytest.mark.parametrize("kind", MESSAGES.values(), ids=MESSAGES.keys())
BOTH_EDITIONS = pytest.mark.parametrize("edition", list(Edition))


@EVERY_KIND
@BOTH_EDITIONS
@given(data=st.data())
@QUICK
def test_what_an_edition_can_say_arrives_as_it_was_said(
    schemas: Path, kind: type[Any], edition: Edition, data: st.DataObject
) -> None:
    message = data.draw(tidy(kind, edition))

    raw = write(message, edition)

    assert validate(raw, edition, schemas) == []
    assert read(raw).message == message


@EVERY_KIND
@BOTH_EDITIONS
@given(data=st.data())
@QUICK
def test_whatever_is_in_a_message_it_is_written_valid(
    schemas: Path, kind: type[Any], edition: Edition, data: st.DataObject
) -> None:
    message = data.draw(wild(kind))

    raw = write(message, edition)

    assert validate(raw, edition, schemas) == []
    assert read(raw).message == as_written(message, edition)
    assert as_written(as_written(message, edition), edition) == as_written(message, edition)
