"""No message, however broken, does more harm than to be refused with an error that its sender can be told.

Of the truncated and mutated messages a share with a seed is read here; `python -m tests.iso18626.hostile` reads all.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from ill_workflow.iso18626.reading import Unreadable, read
from tests.iso18626.hostile import answered, floods, in_other_bytes, known_attacks, mutated


@pytest.fixture
def nobody_calls():
    """An address at which a call would be heard."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_no_attack_opens_a_file_or_an_address_or_grows(nobody_calls: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("the canary sings")

    for name, raw in known_attacks(str(canary), nobody_calls):
        outcome = answered(raw)

        assert isinstance(outcome, Unreadable), name
        assert "sings" not in f"{outcome.error} {outcome.header}", name
        if b"DOCTYPE" in raw:
            assert outcome.error.errorValue == "ISO18626Message: has a DOCTYPE, which is not taken", name


def test_what_is_too_much_is_refused_before_it_does_harm() -> None:
    refused = {}
    for name, raw in floods():
        outcome = answered(raw)
        if isinstance(outcome, Unreadable):
            refused[name] = outcome.error.errorValue

    assert refused["100 MB"] == "ISO18626Message: has more than 10000000 bytes"
    assert refused["many elements"] == "ISO18626Message: has more than 20000 elements"
    assert "Excessive depth" in refused["100,000 deep"]
    assert "Excessive depth" in refused["100,000 deep inside"]
    assert refused["no number"] == 'monetaryValue: "NaN" is no amount'


def test_any_bytes_are_text_in_some_encoding_or_refused(samples: dict[str, bytes]) -> None:
    outcomes = [answered(raw, kind) for _, raw, kind in in_other_bytes(samples["crosslink-supmsg-ok"])]

    assert {isinstance(outcome, Unreadable) for outcome in outcomes} == {True, False}


def test_a_message_that_ends_in_the_middle_is_answered_by_what_was_read_of_it(samples: dict[str, bytes]) -> None:
    raw = samples["crosslink-supmsg-ok"]

    with pytest.raises(Unreadable) as refusal:
        read(raw[: raw.index(b"<statusInfo>")])

    assert refusal.value.error.errorType == "BadlyFormedMessage"
    assert refusal.value.kind == "supplyingAgencyMessage"
    assert refusal.value.header.requestingAgencyRequestId == "6ad1ff2e-bab2-4978-b064-656c0e67ebd6"
    assert refusal.value.header.reasonForMessage == "StatusChange"


def test_half_an_id_is_none(samples: dict[str, bytes]) -> None:
    raw = samples["crosslink-supmsg-ok"]
    whole = b"6ad1ff2e-bab2-4978-b064-656c0e67ebd6"

    for end, known in [
        (raw.index(whole) + 9, b""),
        (raw.index(whole) + len(whole), b""),
        (raw.index(b"</header>"), whole),
    ]:
        with pytest.raises(Unreadable) as refusal:
            read(raw[:end])
        assert refusal.value.header.requestingAgencyRequestId == known.decode()


def test_samples_that_end_anywhere_are_answered(samples: dict[str, bytes], schemas: Path) -> None:
    chance = random.Random(18626)

    for raw in samples.values():
        for end in chance.sample(range(len(raw)), 15):
            answered(raw[:end], schemas=schemas)


def test_samples_with_anything_done_to_them_are_answered(samples: dict[str, bytes], schemas: Path) -> None:
    chance = random.Random(18626)
    names = sorted(samples)

    for _ in range(400):
        answered(mutated(samples[chance.choice(names)], chance), schemas=schemas)
