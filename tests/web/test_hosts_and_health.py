"""The console answers under its own names, and says whether it is well."""

import pytest
from fastapi.testclient import TestClient

from ill_workflow.bootstrap import Services
from ill_workflow.config import Settings
from ill_workflow.web.app import make_app
from ill_workflow.web.hosts import names
from tests.plugins.visiting import CHEAP


def console(stage, **settings):
    changed = stage.services.settings.model_copy(update={"web_hosts": "", **settings})
    return TestClient(make_app(Services(**{**vars(stage.services), "settings": changed}), passwords=CHEAP))


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "127.0.0.1:8000", 200), ({}, "localhost", 200), ({}, "[::1]:8000", 200), ({}, "evil.example", 421),
        ({}, "localhost.evil.example", 421), ({}, "[::1", 421), ({}, "", 421),
        ({"web_url": "https://ill.example.org/"}, "ILL.example.org", 200),
        ({"web_url": "https://ill.example.org/"}, "ill.example.org.evil.example", 421),
        ({"web_hosts": "a.example, b.example"}, "b.example", 200), ({"web_hosts": "*"}, "any.example", 200),
    ],
)  # fmt: skip
def test_a_page_is_given_under_the_names_that_are_known(quick_stage, settings, host, status):
    answer = console(quick_stage, **settings).get("/healthz", headers={"host": host})
    assert answer.status_code == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_name_of_the_address_on_which_it_listens_is_known():
    assert "10.0.0.7" in names(Settings(web_host="10.0.0.7"))


def test_whether_it_is_well_is_told_to_anybody_and_nothing_else(quick_stage):
    ill = console(quick_stage)
    answer = ill.get("/healthz", headers={"host": "localhost"})
    assert (answer.status_code, answer.text) == (200, "well\n")
    (quick_stage.services.settings.data / "ill.db").rename(quick_stage.services.settings.data / "away.db")
    quick_stage.db.engine.dispose()
    (quick_stage.services.settings.data / "ill.db").mkdir()
    answer = ill.get("/healthz", headers={"host": "localhost"})
    assert (answer.status_code, answer.text) == (503, "the database does not answer\n")


def test_where_people_find_it():
    assert Settings(web_port=8100).web_address == "http://127.0.0.1:8100"
    assert Settings(web_host="::1").web_address == "http://[::1]:8000"
    assert Settings(web_url="https://ill.example.org/").web_address == "https://ill.example.org"
