"""The command line, run in this process on a database of its own."""

from __future__ import annotations

import json
import os
import sys
from io import BytesIO, TextIOWrapper

import pytest

from ill_workflow import accounts, cli, libraries, partners
from ill_workflow.bootstrap import start
from ill_workflow.config import Settings


class Installation:
    """Runs `ill …` on a database of its own; keeps its exit code, output and errors."""

    def __init__(self, folder, template, monkeypatch, capsys) -> None:
        (folder / "data").mkdir()
        (folder / "data" / "ill.db").write_bytes(template.read_bytes())
        self.folder, self._monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.settings = Settings(data=folder / "data", smtp_port=1)
        self.services = start(self.settings)

    def __call__(self, *words: str, typed: bytes | None = None):
        self._monkeypatch.setattr(sys, "argv", ["ill", *words])
        if typed is not None:
            self._monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(typed)))
        doors = cli.Doors(settings=self.settings, services=lambda: self.services, up=None, demo=None)
        with pytest.raises(SystemExit) as ended:
            cli.run(doors)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        return ended.value.code or 0, said.out, said.err

    def does(self, *words: str) -> str:
        """Run a command that has to succeed; what it prints."""
        code, out, err = self(*words)
        assert code == 0, err
        return out

    def file(self, text: str | bytes, name: str = "list.csv") -> str:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def tables(self) -> dict[str, list]:
        """All that stands in the database."""
        import sqlalchemy as sa

        with self.services.db.engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            return {n: [tuple(r) for r in connection.exec_driver_sql(f'SELECT * FROM "{n}"')] for n in sorted(names)}

    def requests(self, *words: str) -> list[dict]:
        return json.loads(self.does("request", "export", "--json", *words))


@pytest.fixture
def empty(tmp_path, sqlite_template, monkeypatch, capsys):
    """An installation with its tables, and nothing in them."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ILL_")]:
        monkeypatch.delenv(name)
    found = Installation(tmp_path, sqlite_template, monkeypatch, capsys)
    yield found
    found.services.db.engine.dispose()


@pytest.fixture
def main(empty, monkeypatch):
    """Main, with its operator Ann, and two partners that read mail."""
    with empty.services.db.writing() as session:
        for code, name, prefix in (("MAIN", "Main Library", "XPX"), ("RIV", "Riverside", "RIV")):
            libraries.add_library(session, code=code, name=name, prefix=prefix, time_zone="UTC", address="1 Street")
        here = libraries.find_library(session, "MAIN").id
        for code, name in (("HILL", "Hilltop"), ("LAKE", "Lakeside")):
            partners.add_partner(session, here, code=code, name=name, email=f"ill@{code.lower()}.example")
        ann = accounts.add_account(session, "ann", full_name="Ann Operator", email="ann@main.example")
        accounts.grant(session, ann, here, "operator")
    monkeypatch.setenv("ILL_AS", "ann")
    monkeypatch.setenv("ILL_LIBRARY", "MAIN")
    return empty


@pytest.fixture
def ill(tmp_path, sqlite_template, monkeypatch, capsys):
    """Runs a command in this process, on a database of its own; its exit code, output and errors."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ill.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ILL_")]:
        monkeypatch.delenv(name)
    settings = Settings(data=tmp_path / "data", smtp_port=1)

    def run(*words: str, **env: str):
        monkeypatch.setattr(sys, "argv", ["ill", *words])
        for name, value in env.items():
            monkeypatch.setenv(f"ILL_{name.upper()}", value)
        doors = cli.Doors(settings=settings, services=lambda: start(settings), up=None, demo=None)
        with pytest.raises(SystemExit) as ended:
            cli.run(doors)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def library(ill):
    for words in (
        ["library", "add", "MAIN", "--name", "Main", "--prefix", "XPX", "address=1 Main Street", "delivery_code=M"],
        ["library", "add", "RIV", "--name", "Riverside", "--prefix", "RIV", "address=2 River Road", "delivery_code=R"],
        ["account", "add", "ann", "--full-name", "Ann Operator", "--email", "ann@main.example"],
        ["account", "grant", "ann", "operator", "--library", "MAIN"],
        ["account", "add", "nogrant"],
        ["partner", "add", "HILL", "--library", "MAIN", "--name", "Hilltop", "email=ill@hill.example"],
    ):
        code, _, err = ill(*words)
        assert code == 0, err
    return ill
