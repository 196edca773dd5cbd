"""What real systems send is read as it was meant, and what can't be meant is refused with the right error."""

from __future__ import annotations

from pathlib import Path

import pytest

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import Unreadable, read
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.wording import as_written
from ill_workflow.iso18626.writing import write

REFUSED = {
    "crosslink-msg-invalid": ("BadlyFormedMessage", "ISO18626Message", None),
    "crosslink-reqmsg-invalid-action": ("UnsupportedActionType", "action", "requestingAgencyMessage"),
    "crosslink-supmsg-invalid-status": ("UnrecognisedDataValue", "status", "supplyingAgencyMessage"),
}


def test_seventeen_are_understood_and_three_are_refused(samples: dict[str, bytes]) -> None:
    understood, refused = [], {}
    for name, raw in samples.items():
        try:
            read(raw)
            understood.append(name)
        except Unreadable as wrong:
            element = wrong.error.errorValue.partition(":")[0]
            refused[name] = (wrong.error.errorType, element, wrong.kind)

    assert refused == REFUSED
    assert len(understood) == 17


def test_a_message_that_is_refused_can_be_answered(samples: dict[str, bytes]) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(samples["crosslink-reqmsg-invalid-action"])

    header = refusal.value.header
    assert header.action == "WeCancelThisMessage"
    assert header.requestingAgencyRequestId == "reqid"
    assert header.timestamp == "2024-12-12T20:12:00.62959771Z"
    assert header.supplyingAgencyId is not None
    assert header.supplyingAgencyId.agencyIdValue == "SLNP_TWO_A"


@pytest.mark.parametrize("edition", list(Edition))
def test_what_was_read_is_written_valid_and_read_again_as_the_same(
    samples: dict[str, bytes], schemas: Path, edition: Edition
) -> None:
    for name in samples.keys() - REFUSED.keys():
        message = read(samples[name]).message

        raw = write(message, edition)

        assert validate(raw, edition, schemas) == [], name
        assert read(raw).message == as_written(message, edition), name
        assert read(raw).edition is edition, name
