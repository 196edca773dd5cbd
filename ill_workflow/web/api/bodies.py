"""What is sent to the API is looked over before anybody reads it: its size, its type, its form, its characters."""

import json
import math
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ill_workflow.errors import BadInput, IllError
from ill_workflow.web.api.problems import problem

#: Bytes of a body, levels of things within things, digits of a number, and how many things there may be in all.
LARGEST, DEEPEST, MOST_DIGITS, MOST_VALUES = 256 * 1024, 16, 18, 20_000

#: What takes files, and counts them by itself.
FILES = "/copies"


class _Malformed(IllError):
    """The body can't be read as JSON."""

    status = 400


class _TooLarge(IllError):
    """The body is too large."""

    status = 413


class _WrongType(IllError):
    """The body has to be JSON."""

    status = 415


class Bodies:
    """Hands on what can be read, and answers the rest itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            _look_over_the_address(scope)
            if scope["path"].endswith(FILES):
                await self.app(scope, receive, send)
                return
            body = await _whole(Headers(scope=scope), receive)
            if body:
                _look_over(Headers(scope=scope), body)
        except IllError as refusal:
            answer = problem(refusal.status, refusal.message, path=scope["path"], field=refusal.field)
            await answer(scope, receive, send)
            return
        handed = False

        async def again() -> Message:
            nonlocal handed
            if handed:
                return await receive()
            handed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)


def read_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, finite numbers, each name once, and no characters that no database keeps."""
    try:
        found = json.loads(
            body.decode("utf-8"), parse_int=_whole_number, parse_float=_number, parse_constant=_no_number,
            object_pairs_hook=_named_once,
        )  # fmt: skip
    except UnicodeDecodeError:
        raise _Malformed("The body is not in UTF-8.") from None
    except json.JSONDecodeError as wrong:
        said = f"The body can't be read as JSON: line {wrong.lineno}, column {wrong.colno}."
        raise _Malformed(said) from None
    except RecursionError:
        raise _Malformed("The body is nested too deeply.") from None
    _look_at_characters(found)
    return found


def _look_over_the_address(scope: Scope) -> None:
    query = unquote_to_bytes(scope["query_string"].replace(b"+", b" "))
    if "\x00" in scope["path"] or b"\x00" in query:
        raise BadInput("The address contains a character that no text has.")
    try:
        query.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("The address is not in UTF-8.") from None


async def _whole(headers: Headers, receive: Receive) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > LARGEST:
        raise _TooLarge(f"The body has {announced[:20]} bytes; {LARGEST} are the most.")
    found = bytearray()
    while True:
        message = await receive()
        found += message.get("body", b"")
        if len(found) > LARGEST:
            raise _TooLarge(f"The body has more than {LARGEST} bytes.")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(found)


def _look_over(headers: Headers, body: bytes) -> None:
    kind, _, more = headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "application/json":
        raise _WrongType("The body has to be JSON: send Content-Type: application/json.", field="Content-Type")
    if "charset" in more.lower() and "utf-8" not in more.lower():
        raise _WrongType("The body has to be in UTF-8.", field="Content-Type")
    read_json(body)


def _look_at_characters(value: Any) -> None:
    """Level by level, so that what is nested deeply does no harm here either."""
    level: list[tuple[str, Any]] = [("", value)]
    seen = 0
    for _ in range(DEEPEST):
        below: list[tuple[str, Any]] = []
        for place, one in level:
            seen += 1
            match one:
                case str():
                    _check_text(place, one)
                case dict():
                    for name in one:
                        _check_text(place, name)
                    below += [(f"{place}.{name}".strip(".")[:200], inner) for name, inner in one.items()]
                case list():
                    below += [(place, inner) for inner in one]
        if seen + len(below) > MOST_VALUES:
            raise BadInput(f"The body has more than {MOST_VALUES} values.")
        level = below
        if not level:
            return
    raise BadInput(f"The body has more than {DEEPEST} levels.")


def _check_text(place: str, text: str) -> None:
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        shown = place.encode("ascii", "backslashreplace").decode()
        raise BadInput("A text contains a character that no text has.", field=shown or None)


def _whole_number(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise BadInput(f"A number has more than {MOST_DIGITS} digits.")
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > 100 or not math.isfinite(float(digits)):
        raise BadInput("A number is too large, or has too many digits.")
    return float(digits)


def _no_number(word: str) -> float:
    raise _Malformed(f"{word} is no number in JSON.")


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadInput("A name stands twice in the same object.")
    return found
