"""The Dockerfile and what it is built from: as far as that can be seen without building it."""

import re
from fnmatch import fnmatch

from tests.plugins.deployed import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
BUILD, IMAGE = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def steps(stage, word):
    return re.findall(rf"^{word} (.*)$", stage, re.MULTILINE)


def is_left_out(path):
    """The last line that fits decides; one with `!` lets it in."""
    left_out = False
    for line in IGNORED:
        pattern = line.removeprefix("!").removeprefix("**/")
        if fnmatch(path, pattern) or fnmatch(path.rpartition("/")[2], pattern) or path.startswith(f"{pattern}/"):
            left_out = not line.startswith("!")
    return left_out


def test_what_is_copied_is_there_and_not_left_out():
    copied = [word for step in steps(BUILD, "COPY") for word in step.split()[:-1]]
    assert {"requirements.lock", "pyproject.toml", "ill_workflow", "workers", "state_machines"} <= set(copied)
    for path in copied:
        assert (ROOT / path).exists(), path
        assert not is_left_out(path), path
    for secret in (".env", ".git", "var", "tests", ".venv"):
        assert is_left_out(secret)


def test_what_is_installed_is_what_the_lock_names():
    installs = [step for step in steps(BUILD, "RUN") if "pip install" in step]
    assert "--require-hashes" in installs[0]
    assert all("--require-hashes" in step or "--no-deps" in step for step in installs)


def test_the_image_runs_as_an_ordinary_user_who_owns_the_data_and_carries_no_builder():
    (user,) = steps(IMAGE, "USER")
    assert user == "10001:10001"
    assert "--uid 10001" in IMAGE
    for folder in ("/data", "/mails"):
        assert re.search(rf"install .*--owner=ill .*{folder}", IMAGE)
    assert not re.search(r"pip install|apt-get|gcc", IMAGE)
    assert steps(IMAGE, "STOPSIGNAL") == ["SIGTERM"]


def test_the_package_carries_all_that_it_needs():
    """What lies in a folder of ours and is no module of a package has to be named in pyproject.toml."""
    import tomllib

    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setuptools["package-data"]["ill_workflow"]
    for package in ("ill_workflow", "workers", "state_machines"):
        for path in (ROOT / package).rglob("*"):
            if path.is_dir() or "__pycache__" in path.parts:
                continue
            if path.suffix == ".py" and (path.parent / "__init__.py").exists():
                continue
            name = path.relative_to(ROOT / "ill_workflow").as_posix()
            assert any(fnmatch(name, pattern) for pattern in patterns), f"{name} would not be installed"
