"""`make soak`: the long test for as long as one likes, with a report at the end."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.stateful.paths import Paths, stories
from tests.stateful.report import Report
from tests.stateful.two_places import TwoStages, two_installations
from tests.stateful.ways import WAYS, a_world, run
from tests.stateful.wire import ALL_ARRIVE, SOME_ARE_LOST
from tests.stateful.world import World

#: Runs that begin from one number: what is found can be found again with it, in a minute or two.
CHUNK = 50
#: Where the runs happen takes turns, too: most between two installations.
PATHS, HERE, ELSEWHERE, CUT_OFF = "every path", "one installation", "two installations", "two, and the line is cut"
WHERE = (HERE, ELSEWHERE, ELSEWHERE, CUT_OFF)
#: How the ways take turns.
TURNS = ("asking", "lending", "several pieces", "asking", "lending", "copies")


def main() -> int:
    asked = _asked()
    report, failures, began = Report(), list[str](), time.monotonic()
    chunks = [
        (number, TURNS[number % len(TURNS)], WHERE[number % len(WHERE)])
        for number in range(asked.seed, asked.seed - (-asked.runs // CHUNK))
    ]
    chunks.insert(1, (asked.seed, "stories", PATHS))
    print(f"{asked.runs} runs of up to {asked.steps} steps, seed {asked.seed}, {asked.processes} processes", flush=True)
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        under_way: set[Future[tuple[dict[str, Any], str]]] = set()
        while (chunks or under_way) and not failures:
            while chunks and len(under_way) < asked.processes and _time_left(began, asked.minutes):
                number, way, where = chunks.pop(0)
                how = {"where": where, "shrink": not asked.as_found, "runs": min(CHUNK, asked.runs)}
                under_way.add(pool.submit(soak, number, way, asked.steps, **how))
            if not under_way:
                break
            finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for chunk in finished:
                told, failure = chunk.result()
                report.merge(told)
                failures += [failure] if failure else []
            print(f"{report.runs} runs, {report.steps} steps, {time.monotonic() - began:.0f} s", flush=True)
        for chunk in under_way:  # what is under way is seen through
            told, failure = chunk.result()
            report.merge(told)
            failures += [failure] if failure else []
    seconds = round(time.monotonic() - began)
    print(_in_words(report, failures, seed=asked.seed, seconds=seconds))
    report.write(asked.report, seed=asked.seed, seconds=seconds, disagreements=len(failures), failures=failures)
    return 1 if failures or not report.runs else 0


def soak(
    number: int, way: str, steps: int, *, where: str = HERE, runs: int = CHUNK, shrink: bool = True
) -> tuple[dict[str, Any], str]:
    """One chunk, in a process of its own: what it counted, and what went wrong."""
    logging.disable(logging.CRITICAL)
    report = Report()
    try:
        if where == PATHS:
            every_path(report)
        else:
            with _world(where) as world:
                run(world, report, WAYS[way], runs=runs, steps=steps, number=number, shrink=shrink)
    except Exception as wrong:
        notes = "\n".join(getattr(wrong, "__notes__", ()))
        why = "".join(traceback.format_exception_only(wrong))
        return report.as_dict(), f"{way} ({where}), with SEED={number}:\n{why}\n{notes}"
    return report.as_dict(), ""


def every_path(report: Report) -> None:
    """All stories of branches between two installations: every row of both tables, to each of its ends."""
    paths = Paths()
    with two_installations(kind_of_world=TwoStages) as stage:
        for name, story in stories():
            paths.tell(stage, name, story)
            report.done["stories between two installations"] += 1
        report.valid.update(stage.office.looked_at())
    left = [*paths.never_by_a_message(), *paths.never_reached()]
    assert not left, f"never reached between two installations: {left}"


def _world(where: str) -> AbstractContextManager[World]:
    match where:
        case "two installations":
            return two_installations(ALL_ARRIVE)
        case "two, and the line is cut":
            return two_installations(SOME_ARE_LOST)
        case _:
            return a_world()


def _asked() -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="make soak", description=__doc__)
    words.add_argument("--runs", type=int, default=2000)
    words.add_argument("--steps", type=int, default=10)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--minutes", type=float, default=60, help="after which nothing new is begun")
    words.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    words.add_argument("--as-found", action="store_true", help="show what is found at once, without making it short")
    words.add_argument("--report", type=Path, default=Path("soak-report.json"))
    return words.parse_args()


def _time_left(began: float, minutes: float) -> bool:
    return time.monotonic() - began < 60 * minutes


def _in_words(report: Report, failures: list[str], *, seed: int, seconds: int) -> str:
    told = report.as_dict()
    lines = [
        "", f"runs: {report.runs}", f"steps: {report.steps}", f"seed: {seed}", f"seconds: {seconds}",
        f"disagreements: {len(failures) or 'none'}",
    ]  # fmt: skip
    parts = {"steps": "done", "messages": "messages", "attention": "attention"}
    parts |= {"given up, and shown to a person": "given_up", "valid by the schema of the edition": "valid"}
    parts |= {"disagreements by hand, seen by staff": "disagreements by hand, seen"}
    for title, name in parts.items():
        lines += ["", f"{title}:", *(f"  {number:>7}  {what}" for what, number in told[name].items())]
    for side, rows in told["rows"].items():
        lines += ["", f"rows of {side}:", *(f"  {number:>7}  {row}" for row, number in rows.items())]
        lines.append(f"  never: {', '.join(told['rows never pulled'][side]) or 'none'}")
    return "\n".join([*lines, *(f"\nWRONG: {failure}" for failure in failures)])


if __name__ == "__main__":
    sys.exit(main())
