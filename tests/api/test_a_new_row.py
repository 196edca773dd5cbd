"""A new row of a table is an action of the API, with the schema of what it asks for, with nothing else changed."""

import pytest

from state_machines.lending import LENDING
from tests.plugins.new_row import NEW_ROW, added


@pytest.fixture
def here(quick_stage):
    with added(LENDING, NEW_ROW):
        yield f"libraries/MAIN/requests/{quick_stage.lends().id}"


def test_it_is_told_with_its_schema_and_taken(here, catalogue, quick_stage):
    (action,) = [a for a in catalogue.told(f"{here}/actions")["items"] if a["trigger"] == "inspect_binding"]
    schema = action["inputs"]
    assert (action["label"], action["possible"]) == ("Inspect Binding", True)
    assert schema["required"] == ["finding", "looked_on"]
    assert schema["properties"]["looked_on"]["format"] == "date"
    assert schema["properties"]["grade"]["enum"] == ["good", "worn"]

    wrong = catalogue.post(f"{here}/actions/inspect_binding", {"inputs": {"finding": "loose", "looked_on": "soon"}})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    done = catalogue.does(
        f"{here}/actions/inspect_binding", {"inputs": {"finding": "loose", "looked_on": "2026-02-03"}}
    )
    assert (done["label"], done["to_state"]) == ("Inspect Binding", "new")


def test_the_description_of_the_api_knows_it(here, catalogue):
    assert "inspect_binding" in catalogue.get("/api/v1/openapi.json").text
