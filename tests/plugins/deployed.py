"""Reads what an installation is deployed with, and starts its programs as it says, against servers of the tests."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.plugins.waiting import LONGEST
from workers.children import Child

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<word>[^}]*))?\})")


class Missing(Exception):
    """A variable that has to be set is not."""


def interpolate(value: Any, given: Mapping[str, str]) -> Any:
    """Put variables in as compose does. Raises Missing for `${NAME:?why}` where NAME is empty or not there."""
    if isinstance(value, dict):
        return {name: interpolate(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, given) for each in value]
    if not isinstance(value, str):
        return value

    def put_in(reference: re.Match[str]) -> str:
        if reference["dollar"]:
            return "$"
        found = given.get(reference["name"], "")
        if found or not reference["how"]:
            return found
        if reference["how"] == ":?":
            raise Missing(f"{reference['name']}: {reference['word']}")
        return reference["word"]

    return _REFERENCE.sub(put_in, value)


def variables(text: str) -> dict[str, str]:
    """An environment file: NAME=value lines."""
    lines = [line.partition("=") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in lines}


@dataclass(frozen=True)
class Program:
    """What is started, with which environment, and how one sees that it is well."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    health: Sequence[str] = ()


@dataclass
class Place:
    """A folder where programs run; `here` says what stands on this machine for what the files name."""

    folder: Path
    here: dict[str, str]
    path: Sequence[Path] = (PROGRAMS,)
    brought: Mapping[str, str] = field(default_factory=dict)  #: what an image brings along
    _children: list[Child] = field(default_factory=list)

    def start(self, program: Program) -> Child:
        child = Child(
            program.name, self._argv(program.argv), self._environment(program), self.folder / f"{program.name}.log",
            cwd=self.folder, restarts=0, stop_timeout=30,
        )  # fmt: skip
        self._children.append(child)
        child.start()
        return child

    def run(self, program: Program, *more: str) -> subprocess.CompletedProcess[str]:
        return self._run([*program.argv, *more], program)

    def check(self, program: Program) -> subprocess.CompletedProcess[str]:
        """Its health check, once."""
        return self._run(program.health, program)

    def is_well(self, program: Program) -> bool:
        return self.check(program).returncode == 0

    def end(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop()

    def _run(self, argv: Sequence[str], program: Program) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(argv),
            env=self._environment(program),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )

    def _argv(self, argv: Sequence[str]) -> list[str]:
        words = [self._translate(word) for word in argv]
        found = shutil.which(words[0], path=self._search)
        assert found, f"{words[0]} is not here"
        return [found, *words[1:]]

    def _environment(self, program: Program) -> dict[str, str]:
        given = {name: self._translate(value) for name, value in program.environment.items()}
        return {"PATH": self._search, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **self.brought, **given}

    @property
    def _search(self) -> str:
        return os.pathsep.join([*map(str, self.path), os.defpath])

    def _translate(self, word: str) -> str:
        for there, here in self.here.items():
            word = re.sub(rf"(?<![\w.]){re.escape(there)}(?!\w)", lambda _, here=here: here, word)
        return word


def health_of(service: Mapping[str, Any]) -> list[str]:
    kind, *words = service["healthcheck"]["test"]
    return ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words


def program_of(name: str, service: Mapping[str, Any]) -> Program:
    """What a service of the compose file starts."""
    argv = [*service.get("entrypoint", []), *service.get("command", [])]
    environment = {key: str(value) for key, value in service.get("environment", {}).items()}
    return Program(name, argv, environment, health_of(service) if "healthcheck" in service else ())


def program_of_unit(path: Path, environment: Mapping[str, str], instance: str = "") -> Program:
    """What a systemd unit starts."""
    (line,) = re.findall(r"^ExecStart=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    line = line.replace("%%", "\0").replace("%i", instance).replace("\0", "%")
    return Program(path.stem.rstrip("@") + instance, shlex.split(line), environment)
