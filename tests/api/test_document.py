"""The API describes itself, and the description is true: every example is sent, every answer has the form described."""

import importlib.util
import re
from pathlib import Path
from urllib.parse import quote

import jsonschema_rs
import pytest
from lxml import html

from ill_workflow.web.api import examples
from ill_workflow.web.api.app import description
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
API = description()
OPERATIONS = [(path, method, operation) for path, item in API["paths"].items() for method, operation in item.items()]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]


def checker(schema):
    return jsonschema_rs.validator_for({**schema, "components": API["components"]}, validate_formats=True)


def sent_bodies():
    """Each operation that changes something, with each body that is shown for it."""
    found = []
    for path, method, operation in OPERATIONS:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, shown in body.get("examples", {"": {"value": None}}).items():
            if method != "get" and operation["operationId"] != "keep_copy":  # that one takes files
                named = f"{operation['operationId']} {name}".strip()
                found.append(pytest.param(path, operation, shown["value"], id=named))
    return found


@pytest.fixture
def world(quick_stage, catalogue):
    """As the examples speak of it: request 1 is new, one item is out, and another is to come."""
    quick_stage.lends()
    out = quick_stage.lends(partner_id="H-78")
    out.does("ship", condition_checked=True, item_barcode="31234000551187")
    return catalogue


def sends(system, method, path, operation, body=None):
    """Send an example, and look whether what it says and what is answered have the form described."""
    address, asked = path, {}
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        shown = parameter.get("example", (schema.get("examples") or parameter.get("examples") or [None])[0])
        if parameter["in"] == "path":
            assert shown is not None, f"no example for {parameter['name']}"
            address = address.replace(f"{{{parameter['name']}}}", quote(str(shown), safe=""))
        elif parameter["in"] == "query" and shown is not None:
            asked[parameter["name"]] = shown
    if body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert [str(e) for e in checker(schema).iter_errors(body)] == []

    answer = system._send(method.upper(), address.lstrip("/"), params=asked, json=body)

    assert answer.status_code in (200, 201), answer.text
    told = operation["responses"][str(answer.status_code)]["content"]
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in told
    if kind == "application/json":
        assert [str(e) for e in checker(told[kind]["schema"]).iter_errors(answer.json())] == []


def test_every_example_to_look_at_works_and_its_answer_has_the_form_described(world):
    for path, method, operation in OPERATIONS:
        if method == "get":
            sends(world, method, path, operation)


@pytest.mark.parametrize(("path", "operation", "body"), sent_bodies())
def test_every_example_to_send_works_and_its_answer_has_the_form_described(world, path, operation, body):
    if operation["operationId"] == "undo":
        world.does("libraries/MAIN/requests/1/actions/print_slip")
    if body == examples.SCANS["an arrival"]["value"]:
        coming = world.stage.borrows(ask=("HILL",))
        coming.hears("Loaned", due="2026-03-16")
        body = {**body, "code": coming.reference}
    sends(world, "post", path, operation, body)


def test_every_operation_is_told_in_words_and_has_a_name_that_stays():
    assert len(set(NAMES)) == len(NAMES)
    assert sorted(NAMES) == [
        "add_note", "create_request", "get_actions", "get_fees", "get_health", "get_history", "get_library",
        "get_lifecycle", "get_mails", "get_me", "get_messages", "get_request", "get_slip", "get_slips", "get_today",
        "keep_copy", "list_closed_days", "list_events", "list_jobs", "list_partners", "list_requests", "scan",
        "take_action", "undo",
    ]  # fmt: skip
    for path, method, operation in OPERATIONS:
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), f"{method} {path} {parameter['name']}"
        told = operation["responses"]
        assert {"401", "403", "429", "503"} <= set(told), path
        for status, answer in told.items():
            assert status < "400" or list(answer["content"]) == ["application/problem+json"], (path, status)


def test_the_inputs_of_every_action_are_those_of_the_tables():
    schemas = API["components"]["schemas"]
    for lifecycle in (LENDING, BORROWING):
        for row in lifecycle.actions:
            name = f"{lifecycle.name}.{row.trigger}"
            if not {"staff", "manager", "partner", "system"} & set(row.by):
                assert name not in schemas
                continue
            assert {need.name for need in row.needs} <= set(schemas[name]["properties"])
    given = schemas["ActionGiven"]["properties"]["inputs"]
    assert {"$ref": "#/components/schemas/lending.ship"} in given["anyOf"]


def test_the_description_is_valid_and_asks_nobody_for_a_token(catalogue):
    answer = catalogue.client.get("/api/v1/openapi.json")
    assert answer.json() == API
    assert answer.json()["openapi"] == "3.1.0"
    assert "HTTPValidationError" not in answer.text
    for name in re.findall(r'"#/components/schemas/([^"]+)"', answer.text):
        assert name in API["components"]["schemas"]


def test_a_page_for_people_needs_no_script_and_explains_each_kind_of_problem(catalogue):
    page = catalogue.client.get("/api/")
    tree = html.fromstring(page.text)
    assert tree.xpath("//script") == []
    assert tree.xpath("//@style") == []
    for name in ("refused", "unauthorised", "too-many"):
        assert tree.xpath(f"//*[@id='{name}']")
    for name in NAMES:
        assert tree.xpath(f"//*[@id='{name}']")
    assert "<" not in "".join(tree.xpath("//p/text()"))


def test_the_document_is_that_of_the_program():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    written = generate.API.read_text(encoding="utf-8")
    assert written == generate.api(), "run: python docs/generate.py"
    assert "`ship` (Ship Item)" in written
