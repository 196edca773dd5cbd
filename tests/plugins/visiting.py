"""People at the console without a browser: signed in, and reading the pages that a real application makes."""

from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from lxml import html

from ill_workflow.signing_in import begin_session, find_session
from ill_workflow.web.app import make_app

#: So that a test waits for no password: real argon2, which hardly works.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Page:
    """One browser of one person. Their pages are read as HTML, and their forms posted with what protects them."""

    def __init__(self, client: TestClient, csrf: str) -> None:
        self.client, self.csrf = client, csrf

    def get(self, address: str, **how: Any):
        return self.client.get(address, **how)

    def submit(self, address: str, /, files: Any = None, **fields: Any):
        """Post a form, and stay at the answer: what it redirects to is not followed."""
        return self.client.post(address, data={"csrf": self.csrf, **fields}, files=files)

    def tree(self, address: str) -> html.HtmlElement:
        """The page as a tree; it has to be there."""
        answer = self.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[:500]}"
        return html.fromstring(answer.text)

    def text(self, address: str) -> str:
        """What the page says, without its tags."""
        return " ".join(self.tree(address).text_content().split())


@pytest.fixture
def visiting() -> Callable[..., Any]:
    """`visiting(stage)("operator", "MAIN")`: that person at a browser of the application over this stage."""

    def over(stage: Any) -> Callable[..., Page]:
        app = make_app(stage.services, passwords=CHEAP)

        def sit_down(who: str, at: str = "MAIN") -> Page:
            with stage.db.writing() as session:
                token = begin_session(session, stage.account(session, who, at))
                csrf = find_session(session, token).csrf
            client = TestClient(app, follow_redirects=False, raise_server_exceptions=True)
            client.cookies.set("ill", token)
            return Page(client, csrf)

        sit_down.app = app
        return sit_down

    return over
