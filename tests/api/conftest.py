"""Other systems at the REST API of a stage: each with an account, a grant and a token of its own."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from ill_workflow import accounts, libraries, tokens
from ill_workflow.web.app import make_app
from tests.plugins.visiting import CHEAP


class System:
    """Another system. Addresses are those below /api/v1, or whole ones as answers name them."""

    def __init__(self, client: TestClient, token: str) -> None:
        self.client, self.token = client, token

    def get(self, address: str, **how):
        return self._send("GET", address, **how)

    def post(self, address: str, body=None, *, key: str | None = None, **how):
        headers = {"Idempotency-Key": key} if key else {}
        return self._send("POST", address, json=body, headers={**headers, **how.pop("headers", {})}, **how)

    def told(self, address: str, **how):
        """What stands at an address; it has to be there."""
        answer = self.get(address, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def does(self, address: str, body=None, **how):
        """What came of it; it has to be done."""
        answer = self.post(address, body, **how)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def _send(self, method: str, address: str, **how):
        headers = {"Authorization": f"Bearer {self.token}", **how.pop("headers", {})}
        path = address if address.startswith("/api") else f"/api/v1/{address}"
        return self.client.request(method, path, headers=headers, **how)


@pytest.fixture
def calls():
    """`calls(stage)("catalogue", scope="act", role="operator", at="MAIN")`: that system, with a new token."""

    def over(stage):
        client = TestClient(make_app(stage.services, passwords=CHEAP), follow_redirects=False)

        def system(name="catalogue", *, scope="manage", role="manager", at="MAIN", only=None) -> System:
            with stage.db.writing() as session:
                account = session.scalar(accounts.sa.select(accounts.Account).where(accounts.Account.name == name))
                account = account or accounts.add_account(session, name, full_name=name.title(), system=True)
                if at:
                    accounts.grant(session, account, libraries.find_library(session, at).id, role)
                place = libraries.find_library(session, only) if only else None
                number = len(tokens.tokens_of(session, account))
                _, shown = tokens.add_token(session, account, f"t{number}", scope=scope, library=place)
            return System(client, shown)

        system.client, system.stage = client, stage
        return system

    return over


@pytest.fixture
def catalogue(quick_stage, calls):
    """A system that may do everything at Main."""
    system = calls(quick_stage)()
    system.stage = quick_stage
    return system
