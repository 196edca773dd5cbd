"""The programs of a running system are kept alive, and none of them outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.plugins.waiting import eventually, is_running
from workers.children import Child, ChildDied, Children

BOTH_WAYS = pytest.mark.parametrize("watched", [False, True], ids=["by the kernel", "by a watcher"])


def test_a_stopped_child_takes_its_own_children_along(tmp_path: Path) -> None:
    child = script("sleep 1000 & echo $! > offspring; wait", tmp_path)
    offspring = number_in(tmp_path / "offspring")

    child.stop()

    assert not child.alive
    eventually(lambda: not is_running(offspring))


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = script("trap '' TERM; echo $$ > me; while :; do sleep 1000; done", tmp_path)
    me = number_in(tmp_path / "me")

    child.stop(timeout=0.1)

    eventually(lambda: not is_running(me))


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    child = script("echo $$ > me; exec sleep 1000", tmp_path, restarts=3)
    first = number_in(tmp_path / "me")

    os.kill(first, signal.SIGKILL)

    eventually(lambda: child.alive and number_in(tmp_path / "me") != first)
    assert child.restarted == 1
    child.stop()
    assert not child.given_up


def test_a_child_that_keeps_dying_is_given_up(tmp_path: Path) -> None:
    child = script("echo no such table; exit 1", tmp_path, restarts=2)

    eventually(lambda: child.given_up)

    assert child.restarted == 2
    assert child.last_words() == "no such table\n" * 2 + "no such table"


def test_whoever_waits_for_a_child_hears_of_its_death(tmp_path: Path) -> None:
    child = script("echo the port is taken; exit 1", tmp_path)

    with pytest.raises(ChildDied, match="the port is taken"):
        child.wait_until(lambda: False, seconds=5)


def test_a_program_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(FileNotFoundError):
        Child("nobody", ["/no/such/program"]).start()


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    children = Children()
    for name in ("broker", "worker", "beat"):
        farewell = f"trap 'echo {name} >> farewells; exit' TERM; echo > {name}; while :; do sleep 0.05; done"
        children.start(Child(name, ["/bin/sh", "-c", farewell], cwd=tmp_path))
        eventually((tmp_path / name).exists)

    children.stop()

    assert (tmp_path / "farewells").read_text().split() == ["beat", "worker", "broker"]
    assert list(children) == []


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    child = Child("sleeper", ["/bin/sh", "-c", "echo > there; exec sleep 1000"], cwd=tmp_path, restarts=0)
    starter = threading.Thread(target=child.start)
    starter.start()
    starter.join()

    eventually((tmp_path / "there").exists)
    assert child.alive
    child.stop()


@BOTH_WAYS
def test_no_child_outlives_a_parent_that_is_killed(watched: bool, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(watched), str(tmp_path)])
    sleeper = number_in(tmp_path / "me")
    assert is_running(sleeper)

    parent.kill()
    parent.wait()

    eventually(lambda: not is_running(sleeper))


@BOTH_WAYS
def test_stopping_works_either_way(watched: bool, tmp_path: Path) -> None:
    child = script("echo $$ > me; exec sleep 1000", tmp_path, watched=watched)
    sleeper = number_in(tmp_path / "me")

    child.stop()

    eventually(lambda: not is_running(sleeper))


PARENT = """
import sys, threading
from pathlib import Path
from workers.children import Child
argv, folder, watched = ["/bin/sh", "-c", "echo $$ > me; exec sleep 1000"], Path(sys.argv[2]), sys.argv[1] == "True"
Child("sleeper", argv, cwd=folder, watched=watched).start()
threading.Event().wait()
"""


def script(text: str, folder: Path, *, restarts: int = 0, watched: bool | None = None) -> Child:
    argv = ["/bin/sh", "-c", text]
    child = Child("script", argv, log_path=folder / "log", cwd=folder, restarts=restarts, watched=watched)
    child.start()
    return child


def number_in(path: Path) -> int:
    eventually(lambda: path.exists() and path.read_text().strip())
    return int(path.read_text())
