"""What went wrong, as a program reads it: RFC 9457, with the sentence that a person would have read."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from ill_workflow.errors import IllError
from ill_workflow.web import words
from ill_workflow.web.words import _

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
REALM = 'Bearer realm="ill"'


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its name in `type`, its title, and what a caller does about it."""

    name: str
    title: str
    what_to_do: str


KINDS: Mapping[int, Kind] = {
    400: Kind("malformed", "This can't be read", "Mend the body: it has to be JSON in UTF-8, in the form described."),
    401: Kind("unauthorised", "Say who you are", "Send a token that is good: `Authorization: Bearer ill_…`."),
    403: Kind("not-allowed", "Not allowed", "Ask for a grant at the library, or for a token that holds more."),
    404: Kind("not-found", "Not found", "Look at the address: there is no such thing, or not at this library."),
    405: Kind("no-such-method", "No such method", "Use one of the methods that `Allow` names."),
    409: Kind("refused", "Refused now", "Read `detail`: it says what the request is now and what can be done instead."),
    412: Kind("changed", "It has changed", "Get the request again, look at it, and send the ETag that it has now."),
    413: Kind("too-large", "Too large", "Send less at once."),
    415: Kind("wrong-type", "Wrong content type", "Send `Content-Type: application/json`."),
    422: Kind("bad-input", "A value is missing or wrong", "Mend the value that `field` names."),
    429: Kind("too-many", "Too many requests", "Wait as many seconds as `Retry-After` says."),
    500: Kind("went-wrong", "Something went wrong here", "Nothing was changed. Why, stands in the log."),
    503: Kind("unavailable", "Can't be reached", "Send the same again in a moment, with the same Idempotency-Key."),
}  # fmt: skip


class TooMany(IllError):
    """That was too much at once."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"That was too much at once. Go on in {seconds} seconds.")
        self.seconds = seconds


class Changed(IllError):
    """Somebody else was faster. Look at the request again."""

    status = 412


def problem(
    status: int, detail: str, *, path: str, field: str | None = None, errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The answer to what went wrong: `detail` in the language that the caller asks for, where it has words for it."""
    kind, said = KINDS.get(status, KINDS[500 if status >= 500 else 400]), _(detail)
    told: dict[str, Any] = {
        "type": f"/api/#{kind.name}", "title": kind.title, "status": status, "detail": said, "instance": quote(path),
    }  # fmt: skip
    if field:
        told["field"] = field
    if errors:
        told["errors"] = errors
    spoken = {"Content-Language": words.spoken() if said != detail else "en", "Vary": "Accept-Language"}
    # ASCII: half a character that somebody sent would be no JSON.
    return Response(json.dumps(told), status, media_type=MEDIA_TYPE, headers={**spoken, **(headers or {})})


def of_ours(request: Request, error: Exception) -> Response:
    """A refusal, with its sentence."""
    assert isinstance(error, IllError)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = REALM
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.seconds)
    elif error.status == 503:
        headers["Retry-After"] = "5"
    return problem(error.status, error.message, path=request.url.path, field=error.field, headers=headers)


def of_the_address(request: Request, error: Exception) -> Response:
    """No such address, or not by this method."""
    assert isinstance(error, HTTPException)
    said = {
        404: "There is nothing at this address.",
        405: f"{request.method} is not possible here.",
        400: "The body can't be read as JSON.",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem(error.status_code, said, path=request.url.path, headers=headers)


def of_values(request: Request, error: Exception) -> Response:
    """Values that don't have the form that the description asks for; a wrong part of the address is nowhere."""
    assert isinstance(error, RequestValidationError)
    found = [(_field(one), _said(one)) for one in error.errors()]
    if any(one["loc"][:1] == ("path",) for one in error.errors()):
        return problem(404, "There is nothing at this address.", path=request.url.path, field=found[0][0])
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem(400, "The body can't be read as JSON.", path=request.url.path)
    field, said = found[0]
    errors = [{"field": name, "detail": words} for name, words in found]
    return problem(422, said, path=request.url.path, field=field, errors=errors)


def of_the_database(request: Request, error: Exception) -> Response:
    """A database that can't be reached, or has no room for a value."""
    assert isinstance(error, DBAPIError)
    if isinstance(error, DataError):
        return problem(422, "The database has no room for a value.", path=request.url.path)
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("the database can't be reached: %s", type(error.orig).__name__)
        said = "The database can't be reached. Send the same again in a moment."
        return problem(503, said, path=request.url.path, headers={"Retry-After": "5"})
    return of_anything(request, error)


def of_anything(request: Request, error: Exception) -> Response:
    logger.error("an API call failed", exc_info=error)
    said = "Something went wrong here. It was written down for the operators."
    return problem(500, said, path=request.url.path)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an operation answers besides success, for the description of the API."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": KINDS[status].title, "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


def _methods(request: Request) -> set[str]:
    """By which methods there is something at an address, as the description of the API tells."""
    described: Mapping[str, Mapping[str, Any]] = request.app.state.document()["paths"]
    place = request.url.path.removeprefix("/api/v1")
    fitting = [item for path, item in described.items() if compile_path(path)[0].match(place)]
    return {method.upper() for item in fitting for method in item} or {"GET"}


def _field(one: Mapping[str, Any]) -> str:
    if one["type"].startswith("union_tag"):
        return "side"
    # Of a choice between two forms the name of the form stands in between.
    parts = [str(part) for part in one["loc"][1:] if part not in ("borrowing", "lending")]
    return ".".join(parts)[:200]


def _said(one: Mapping[str, Any]) -> str:
    """The sentence for a person, where the form is wrong."""
    field = _field(one) or "The body"
    match one["type"]:
        case "missing":
            return f"{field} is needed."
        case "extra_forbidden":
            return f"There is no field {field}."
        case "union_tag_invalid" | "union_tag_not_found":
            return "side is borrowing or lending."
        case _:
            return f"{field}: {str(one['msg']).rstrip('.')}."
