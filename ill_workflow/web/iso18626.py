"""Where partners' systems send their messages: no session, no pages, and no more than a message has room for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from ill_workflow.bootstrap import Services
from ill_workflow.iso18626.receiving import TEXT, Answer, Door, receive
from ill_workflow.web.api.limits import Limit
from ill_workflow.web.api.problems import TooMany

router = APIRouter(include_in_schema=False)

PATH = "/iso18626"
#: A message has some kilobytes; what is longer than this is none.
LARGEST, SIZE = 1024 * 1024, "1 MB"
#: Seconds within which all of it has to be here.
SLOWEST = 30.0
#: How many are taken in at once, and how many more may wait. The pages have threads of their own.
AT_ONCE, MOST_WAITING = 8, 200
#: A minute, from one address: calls that prove nobody, and refused calls of strangers that are written down.
WRONG, NOTED = 60, 30
#: And such calls from all addresses together.
NOTED_IN_ALL = 120
_PACKINGS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})


class Counter:
    """Takes in messages, a few at a time, on threads of its own; they are started when the first one comes."""

    def __init__(self, services: Services) -> None:
        self.wrong, self._noted, self._noted_in_all = Limit(WRONG), Limit(NOTED), Limit(NOTED_IN_ALL)
        self._door = Door(services.db, services.clock, self._may_note)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="iso18626")
        self._waiting = 0

    async def take(self, raw: bytes, **call: Any) -> Answer:
        """The answer to a message; who comes when too many wait is asked to come again."""
        if self._waiting >= AT_ONCE + MOST_WAITING:
            return _sentence(503, "Too many messages wait. Nothing was done: send it again.", {"Retry-After": "5"})
        self._waiting += 1
        try:
            # Whoever hangs up in the middle is heard all the same: the message is here.
            work = asyncio.get_running_loop().run_in_executor(self._threads, partial(receive, self._door, raw, **call))
            return await asyncio.shield(work)
        finally:
            self._waiting -= 1

    def _may_note(self, peer: str) -> bool:
        try:
            self._noted.check(peer)
            self._noted_in_all.take("all")
            self._noted.take(peer)
        except TooMany:
            return False
        return True


@router.post(PATH)
@router.post(PATH + "/")
async def for_whom_it_names(request: Request) -> Response:
    """A message for the library that its header names."""
    return await _answer(request, None)


@router.post(PATH + "/{library}")
@router.post(PATH + "/{library}/")
async def for_one_library(request: Request, library: str) -> Response:
    """A message for the library of the address."""
    return await _answer(request, library)


@router.api_route(PATH, methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@router.api_route(PATH + "/", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@router.api_route(PATH + "/{library}", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@router.api_route(PATH + "/{library}/", methods=["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def by_another_method() -> Response:
    """For whoever opens the address in a browser to see whether it is the right one."""
    return _response(_sentence(405, "Messages of ISO 18626 are taken here: send one by POST.", {"Allow": "POST"}))


async def _answer(request: Request, library: str | None) -> Response:
    counter = cast(Counter, request.app.state.messages)
    peer = request.client.host if request.client else ""
    try:
        counter.wrong.check(peer)
        async with asyncio.timeout(SLOWEST):
            raw = await _body(request)
    except TooMany as refused:
        return _response(_sentence(429, refused.message, {"Retry-After": str(refused.seconds), "Connection": "close"}))
    except TimeoutError:
        said = f"The message has to be here within {SLOWEST:g} seconds. Nothing was done: send it again."
        return _response(_sentence(408, said, {"Connection": "close"}))
    except ClientDisconnect:
        return _response(_sentence(400, "Half a message is none. Nothing was done: send it again."))
    if raw is None:
        said = f"This is too large for a message: {SIZE} are the most."
        return _response(_sentence(413, said, {"Connection": "close"}))
    if packed := _packed(request):
        said = f"A message that is packed ({packed}) is not taken: send it as it is."
        return _response(_sentence(415, said, {"Accept-Encoding": "identity"}))
    answer = await counter.take(
        raw, library_code=library, peer=peer, bearer=_bearer(request),
        content_type=request.headers.get("content-type", ""),
    )  # fmt: skip
    if answer.status == 401:
        _count(counter.wrong, peer)
    return _response(answer)


def _packed(request: Request) -> str:
    """How the body is packed, if it is; some write there in which encoding its text is."""
    told = (coding.strip().lower() for coding in request.headers.get("content-encoding", "").split(","))
    return ", ".join(coding for coding in told if coding in _PACKINGS)


async def _body(request: Request) -> bytes | None:
    """All of it, however slowly it comes: no thread waits for it. None where it is too large."""
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told[:20]) > LARGEST:
        return None
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LARGEST:
            return None
    return bytes(found)


def _bearer(request: Request) -> str | None:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return shown.strip() or None if scheme.lower() == "bearer" else None


def _count(limit: Limit, peer: str) -> None:
    try:
        limit.take(peer)
    except TooMany:
        return


def _sentence(status: int, said: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, f"{said}\n".encode(), TEXT, headers or {})


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers=answer.headers, media_type=answer.content_type)
