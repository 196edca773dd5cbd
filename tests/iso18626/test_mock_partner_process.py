"""The mock partner as a program: two of them talk, calls go wrong as they should, and it is steered from here alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import AgencyId, BibliographicInfo, Header, Request
from tests.plugins.mock_process import ROOT, MockProcess
from tests.plugins.waiting import LONGEST

pytestmark = pytest.mark.live


@pytest.fixture
def mock(tmp_path):
    found = MockProcess(tmp_path, "--log", "calls.jsonl", pace=0.02)
    yield found
    found.kill()


def asks(mock: MockProcess, title: str, patience: float = LONGEST) -> httpx.Response:
    message = Request(
        header=Header(
            supplyingAgencyId=AgencyId(agencyIdValue="MOCK"), requestingAgencyId=AgencyId(agencyIdValue="MAIN"),
            timestamp=datetime.now(UTC), requestingAgencyRequestId=title,
        ),
        bibliographicInfo=BibliographicInfo(title=title),
    )  # fmt: skip
    headers = {"content-type": "application/xml"}
    body = write(message, Edition.Y2017)
    return httpx.post(
        f"{mock.address}/any/path",
        content=body,
        headers=headers,
        timeout=httpx.Timeout(LONGEST, read=patience),
        trust_env=False,
    )


def test_calls_go_wrong_as_scenarios_want_it(mock, tmp_path):
    assert asks(mock, "SLOW: Emma").status_code == 200
    assert [asks(mock, f"HTTP-{n}: Emma").status_code for n in (500, 503, 404, 401, 301)] == [500, 503, 404, 401, 301]
    assert asks(mock, "EMPTY: Emma").content == b""
    assert "<p>It works!</p>" in asks(mock, "HTML: Emma").text
    with pytest.raises(httpx.RemoteProtocolError):
        asks(mock, "HALF: Emma")
    with pytest.raises(httpx.ReadTimeout):
        asks(mock, "HUNG: Emma", patience=0.3)

    confirmed = asks(mock, "LENDS: Emma")
    assert confirmed.headers["content-type"] == "application/xml"
    assert read(confirmed.content).message.confirmationHeader.requestingAgencyRequestId == "LENDS: Emma"
    assert httpx.post(f"{mock.address}/", content=b"x" * 6_000_000, timeout=LONGEST, trust_env=False).status_code == 413

    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [one["word"] for one in lines] == ["Request"] * 11, "without a peer it says nothing"
    said = httpx.post(
        f"{mock.address}/_say", json={"request": "LENDS: Emma", "say": "Loaned"}, timeout=LONGEST, trust_env=False
    )
    assert (said.status_code, said.json()["field"]) == (503, "peer")
    code, summed = mock.end()
    assert code == 0
    assert {one["scenario"] for one in summed["conversations"]} == {"slow", "empty", "html", "half", "hung", "lends"}


def test_it_is_steered_from_this_machine_and_from_no_page(tmp_path):
    mock = MockProcess(tmp_path, "--peer=http://127.0.0.1:9/")
    try:
        _steers(mock)
    finally:
        mock.kill()


def _steers(mock: MockProcess) -> None:
    def post(path: str, **more) -> httpx.Response:
        return httpx.post(f"{mock.address}{path}", timeout=LONGEST, trust_env=False, **more)

    assert post("/_scenario", json={"scenario": "silent"}).json() == {"scenario": "silent"}
    assert post("/_scenario", json={"scenario": "borrows"}).status_code == 422
    assert post("/_scenario", content=b"[").status_code == 422
    assert post("/_say", json={"request": "XPX-9", "say": "Loaned"}).status_code == 404
    assert post("/_ask", json={}).json()["field"] == "peer-agency"
    assert post("/_say", content=b"<x/>", headers={"content-type": "application/xml"}).status_code == 503
    assert post("/_scenario", json={"scenario": "lends"}, headers={"Host": "evil.example"}).status_code == 403
    assert post("/_scenario", json={"scenario": "lends"}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert httpx.get(f"{mock.address}/_state", timeout=LONGEST, trust_env=False).json()["scenario"] == "silent"
    assert "lends" in {
        one["name"] for one in httpx.get(f"{mock.address}/_scenarios", timeout=LONGEST, trust_env=False).json()
    }

    asks(mock, "Emma")
    assert post("/_say", json={"request": "Emma", "say": "Lent"}).status_code == 422
    assert post("/_say", json={"request": "Emma", "say": "Recalled", "due": 7}).json() == {
        "conversation": 1, "request": "Emma",
    }  # fmt: skip


def test_two_of_them_talk_and_a_script_may_wait_for_the_exit_code(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lender = MockProcess(tmp_path, "--strict", f"--peer=http://127.0.0.1:{port}/", "--code=from-lender", pace=0.02)

    def borrower(*words: str) -> subprocess.CompletedProcess[str]:
        common = ["--once", "--strict", "--pace=0.02", f"--port={port}", f"--peer={lender.address}/", "--agency=ASK"]
        return subprocess.run(
            [sys.executable, "-m", "workers.main", "mock-partner", *common, "--peer-agency=LEND", *words],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    try:
        good = borrower(
            "--ask=borrows", "--ask=retries", "--title=RETRY-COST: Emma", "--edition=2017", "--patience=120"
        )
        bad = borrower("--ask=borrows", "--title=ERROR-VALUE: Emma", "--patience=5")
    finally:
        code, summed = lender.end()
    assert (good.returncode, good.stderr) == (0, ONLY_RULES), good.stdout
    assert "2 conversations, 2 of them over; nothing wrong." in good.stdout
    assert bad.returncode == 1
    assert "not over: waits for Loaned" in bad.stdout
    assert "ERROR UnrecognisedDataValue: requestingAgencyId: not known here" in bad.stdout
    assert code == 0
    assert summed["wrong"] == []
    assert "from-lender" not in good.stdout


ONLY_RULES = "ILL_ISO18626 names no folder with the schemas: only the rules are checked.\n"
