"""Calls under way: several at once, and to an end also where the program is ending."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.plugins.waiting import LONGEST
from workers.talks import Talks

ENDS_IN_THE_MIDDLE = """
import contextlib
from concurrent.futures import ThreadPoolExecutor
from workers.talks import Talks

def the_program_ends():
    with contextlib.suppress(RuntimeError), ThreadPoolExecutor(1) as others:
        while True:
            others.submit(int).result()

def work():
    with Talks(4) as talks:
        first = talks.begin(lambda: 1)
        the_program_ends()
        said = first + talks.begin(lambda: 1) + talks.begin(lambda: 1) + talks.end()
        print(said, "were said", flush=True)

ThreadPoolExecutor(1).submit(work)
"""


def test_what_one_meets_is_met_by_who_waits_and_the_others_come_to_their_end():
    said = []

    def breaks():
        raise LookupError("no such partner")

    with Talks(3) as talks:
        talks.begin(breaks)
        talks.begin(lambda: said.append(1) or 1)
        with pytest.raises(LookupError):
            talks.end()
    assert said == [1]


@pytest.mark.live
def test_what_a_worker_had_in_hand_when_it_was_asked_to_end_is_still_said():
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_IN_THE_MIDDLE], capture_output=True, text=True, timeout=LONGEST, check=True
    )
    assert ended.stdout == "3 were said\n", ended.stderr
