"""Whatever is sent gets an answer: nothing of it ends in an error of ours, and none is called OK that was not taken in.

A seeded share of it all; SEEDS in the environment names how many more are tried.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.receiving import Door, receive
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import PatronInfo
from ill_workflow.requests.models import MessageRow
from tests.plugins.speaking import system_of

SEEDS = int(os.environ.get("SEEDS", "100"))
ODD = (
    "x" * 300, "\U0001f4da" * 60, "a\u202eb", "'; DROP TABLE request; --", "%00", "../../etc/passwd", "ﬀ" * 99,
)  # fmt: skip
#: What is put in anywhere.
BITS = (b"\x00", b"&#0;", b"&x;", b"<", b"]]>", b"\xed\xa0\x80", b"<!--", b"&#xD800;")


@pytest.fixture
def hilltop(bare_stage):
    return system_of(bare_stage)


def test_odd_values_wherever_a_value_is(hilltop):
    for number, odd in enumerate(ODD):
        loan = hilltop.stage.borrows(ask=("HILL",))
        patron = PatronInfo(surname=odd, patronId=odd)
        hilltop.to, hilltop.agency = "MAIN", "US-HILL"
        answers = [
            hilltop.asks(odd, title=odd, patronInfo=patron), hilltop.asks(f"H-{number}", title=odd),
            hilltop.does("Cancel", odd), hilltop.does("Notification", f"H-{number}", note=odd * 100),
            hilltop.answers("Loaned", odd),
            hilltop.answers("Loaned", loan.wire_id, at=datetime(9998, 12, 31, tzinfo=UTC)),
        ]  # fmt: skip
        hilltop.to = odd
        answers.append(hilltop.asks("H-Z"))
        hilltop.to, hilltop.agency = "MAIN", odd
        answers.append(hilltop.asks("H-Z"))

        assert {answer.status for answer in answers} == {200}, odd
        assert [bool(answer.error) for answer in answers[-2:]] == [True, True], odd
        assert loan.state == "shipped"


def test_odd_addresses(hilltop):
    for code in ("%00", "MAIN%00", "%ff", "%ed%a0%80", "x" * 5000, "MAIN%0A", "*", "'"):
        hilltop.address = f"/iso18626/{code}"
        assert hilltop.asks("H-1").status == 404, code


def test_broken_bytes(quick_stage):
    """Messages of ours in which bytes were changed, taken out or doubled: of what says OK there is a row."""
    hilltop = system_of(quick_stage)
    loan = quick_stage.borrows(ask=("HILL",))
    messages = [hilltop.request("H-1"), hilltop.action("Cancel"), hilltop.status("Loaned", loan.wire_id)]
    raws = [write(message, edition) for message in messages for edition in Edition]
    door, said_ok = Door(quick_stage.db, quick_stage.clock, lambda peer: False), 0
    for seed in range(SEEDS):
        raw = _mutated(raws[seed % len(raws)], random.Random(seed))
        answer = receive(door, raw, library_code=None, peer="192.0.2.7")
        assert answer.status in (200, 401), (seed, answer)
        said_ok += b">OK<" in answer.body

    with quick_stage.db.reading() as session:
        kept = sa.select(sa.func.count()).select_from(MessageRow).where(MessageRow.outcome.startswith("OK"))
        assert bool(said_ok) == bool(session.scalar(kept.where(MessageRow.incoming)))


def test_samples_cut_off_anywhere(quick_stage, samples):
    door = Door(quick_stage.db, quick_stage.clock, lambda peer: False)
    for name, raw in samples.items():
        for length in range(0, len(raw), max(1, 20_000 // SEEDS)):
            answer = receive(door, raw[:length], library_code=None, peer="192.0.2.7")
            assert answer.status in (200, 401), (name, length, answer)
            assert b">OK<" not in answer.body


def _mutated(raw: bytes, chance: random.Random) -> bytes:
    found = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found))
        match chance.randrange(4):
            case 0:
                found[at] = chance.randrange(256)
            case 1:
                del found[at : at + chance.randint(1, 40)]
            case 2:
                found[at:at] = found[at : at + chance.randint(1, 200)]
            case 3:
                found[at:at] = chance.choice(BITS)
    return bytes(found)
