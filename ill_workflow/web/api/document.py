"""The API describes itself: OpenAPI for programs, a page and a document for people, all made from the same."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from ill_workflow.web.api.input_schemas import LIFECYCLES, fields_schema, inputs_schema, needs_of, rows_for_accounts
from ill_workflow.web.api.input_schemas import triggers as triggers_of
from ill_workflow.web.api.problems import KINDS, MEDIA_TYPE

ROOT = "/api/v1"
DESCRIPTION = """\
Interlibrary loan for other systems: a catalogue, a discovery page, a partner's system. What a request can do, its \
table says: ask `get_actions` what is possible now, and send one of them to `take_action`.

Every call names its token: `Authorization: Bearer ill_…`. A token is made by `ill account token NAME --add TOKEN`; it \
reads, acts or manages, never further than the grants of its account. What changes something takes an \
`Idempotency-Key`, so that it can be sent again after a time-out. What goes wrong is RFC 9457 problem+json, and its \
`detail` is a sentence for a person, in German where `Accept-Language` asks for it.\
"""
TAGS = {
    "Requests": "What is borrowed and lent.",
    "Actions": "What can be done with a request, and doing it.",
    "Libraries": "Where, with whom, and when not.",
    "Operations": "The installation as operators watch it.",
}
PROBLEM: dict[str, Any] = {
    "title": "Problem", "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Its kind. The address explains it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The sentence that a person reads on the screen."},
        "instance": {"type": "string", "format": "uri-reference"},
        "field": {"type": "string", "description": "What has to be mended, where it is one thing."},
        "errors": {
            "type": "array", "description": "Everything that has to be mended, where it is known at once.",
            "items": {
                "type": "object", "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}  # fmt: skip


def described_api(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """OpenAPI 3.1, with the inputs of all actions as the tables tell them."""
    found = get_openapi(
        title="ill_workflow", version="1", openapi_version="3.1.0", description=DESCRIPTION, routes=routes,
        tags=[{"name": name, "description": said} for name, said in TAGS.items()], servers=[{"url": ROOT}],
    )  # fmt: skip
    found["paths"] = {path.removeprefix("/v1"): item for path, item in found["paths"].items()}
    parts = found["components"]
    schemas = parts["schemas"]
    for gone in ("HTTPValidationError", "ValidationError"):
        schemas.pop(gone, None)
    schemas["Problem"] = PROBLEM
    inputs = dict(_inputs())
    schemas.update(inputs)
    given = schemas["ActionGiven"]["properties"]["inputs"]
    given.pop("additionalProperties", None)
    given["anyOf"] = [{"$ref": f"#/components/schemas/{name}"} for name in inputs]
    for name in ("NewBorrowing", "NewLending"):
        schemas[name]["properties"]["fields"] = fields_schema(required=("title",))
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of another system: `ill_…`."}
    }
    found["security"] = [{"token": []}]
    for operation in _operations(found):
        answers = operation["responses"]
        if "422" in answers and MEDIA_TYPE not in answers["422"]["content"]:
            del answers["422"]  # nothing but its address can be wrong, and that is a 404
        if operation["operationId"] == "take_action":
            _name_triggers(operation)
    return found


def as_page(document: Mapping[str, Any]) -> str:
    """A page for people, without a script."""
    parts = [
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">', 
        '<meta name="color-scheme" content="light dark">', "<title>REST API of ill_workflow</title>", "</head>",
        "<body>", "<main>", "<h1>REST API of ill_workflow</h1>",
        *(f"<p>{_in_html(text)}</p>" for text in DESCRIPTION.split("\n\n")),
        f'<p>For programs: <a href="{ROOT}/openapi.json">openapi.json</a>.</p>',
    ]  # fmt: skip
    for tag, said in TAGS.items():
        parts += [f"<h2>{escape(tag)}</h2>", f"<p>{escape(said)}</p>"]
        for path, method, operation in _by_tag(document, tag):
            parts += [f'<h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>']
            parts += [f"<p><code>{method} {escape(ROOT + path)}</code></p>"]
            parts += [f"<p>{_in_html(text)}</p>" for text in operation["description"].split("\n\n")]
            if rows := list(_parameters(operation)):
                parts += ["<ul>", *(f"<li><code>{escape(n)}</code> {_in_html(s)}</li>" for n, s in rows), "</ul>"]
            for words, body in _bodies(operation):
                parts += [f"<p>{escape(words)}:</p>", f"<pre><code>{escape(body)}</code></pre>"]
    parts += ["<h2>What goes wrong</h2>", "<dl>"]
    for status, kind in KINDS.items():
        parts += [f'<dt id="{kind.name}">{status} {escape(kind.title)}</dt>', f"<dd>{_in_html(kind.what_to_do)}</dd>"]
    return "\n".join([*parts, "</dl>", "</main>", "</body>", "</html>", ""])


def as_markdown(document: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    """`docs/api.md`. `shown`: programs, by the language in which they are written."""
    lines = ["# REST API", "", "Made from the API's own description by `python docs/generate.py`.", ""]
    lines += [DESCRIPTION, "", f"For programs: `{ROOT}/openapi.json`. For people, from a running console: `/api/`.", ""]
    lines += ["## How another system acts", ""]
    for language, program in shown.items():
        lines += [f"```{language}", program.rstrip(), "```", ""]
    for tag, said in TAGS.items():
        lines += [f"## {tag}", "", said, ""]
        for path, method, operation in _by_tag(document, tag):
            lines += [f"### {operation['summary']}", "", f"`{method} {ROOT}{path}` (`{operation['operationId']}`)", ""]
            lines += [operation["description"], ""]
            if rows := list(_parameters(operation)):
                lines += ["| | |", "|---|---|", *(f"| `{name}` | {_cell(words)} |" for name, words in rows), ""]
            for words, body in _bodies(operation):
                lines += [f"{words}:", "", "```json", body, "```", ""]
    lines += ["## What goes wrong", "", "| status | `type` | title | what to do |", "|---|---|---|---|"]
    for status, kind in KINDS.items():
        lines.append(f"| {status} | `/api/#{kind.name}` | {kind.title} | {_cell(kind.what_to_do)} |")
    lines += ["", "## What actions ask for", ""]
    for side, lifecycle in LIFECYCLES.items():
        lines += [
            f"### {side.capitalize()}",
            "",
            "| action | inputs (those in brackets may be left out) |",
            "|---|---|",
        ]
        for trigger in triggers_of(lifecycle):
            rows_ = rows_for_accounts(lifecycle, trigger)
            asked = [f"`{n.name}`" if n.required else f"[`{n.name}`]" for n in needs_of(rows_)]
            lines.append(f"| `{trigger}` ({rows_[0].label}) | {', '.join(asked)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _inputs() -> Iterator[tuple[str, dict[str, Any]]]:
    """A schema for each action of each side."""
    for side, lifecycle in LIFECYCLES.items():
        for trigger in triggers_of(lifecycle):
            rows = rows_for_accounts(lifecycle, trigger)
            yield f"{side}.{trigger}", {"title": rows[0].label, **inputs_schema(needs_of(rows))}


def _name_triggers(operation: dict[str, Any]) -> None:
    """The actions that there are stand in the schema of the address; which schema is whose, by its name."""
    known = list(dict.fromkeys(t for lifecycle in LIFECYCLES.values() for t in triggers_of(lifecycle)))
    parameter = next(p for p in operation["parameters"] if p["name"] == "trigger")
    parameter["schema"] = {"type": "string", "enum": known}
    parameter["example"] = "print_slip"
    parameter["description"] += " What each asks for is the schema `lending.…` or `borrowing.…` of its name."


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def _by_tag(document: Mapping[str, Any], tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if tag in operation["tags"]:
                yield path, method.upper(), operation


def _parameters(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        if said := parameter.get("description"):
            yield parameter["name"], said


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The bodies that are shown as examples, with what they are for."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    for shown in body.get("examples", {}).values():
        yield shown["summary"], json.dumps(shown["value"], indent=2, ensure_ascii=False)


def _in_html(text: str) -> str:
    """Text with `code` in it."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")
