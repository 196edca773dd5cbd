"""The mock as a web application: POST anywhere is a message; `/_…` is for whoever steers it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ill_workflow.errors import BadInput, IllError, NotAllowed, Unavailable
from ill_workflow.messages.content import BibliographicInfo
from ill_workflow.mock_partner.playing import NoAnswer, Player
from ill_workflow.mock_partner.replies import Reply

#: Longer messages nobody sends in good faith.
LARGEST = 5_000_000
ABOUT = ("title", "author", "supplierUniqueRecordId")


def make_app(player: Player, ending: asyncio.Event) -> Starlette:
    """`ending` lets calls go that are kept waiting."""
    partner = player.partner

    async def message(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response("Too long.", 413, media_type="text/plain")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        reply = partner.hears(body, content_type=request.headers.get("content-type", ""), bearer=bearer)
        player.something_happened()
        if reply.never:
            await _wait_until_it_leaves(request, ending)
        elif reply.after:
            await _wait(ending, reply.after.total_seconds())
        return Answer(reply)

    async def scenarios(request: Request) -> Response:
        return JSONResponse([{"name": s.name, "role": s.role, "about": s.about} for s in partner.scenarios.values()])

    async def log(request: Request) -> Response:
        return JSONResponse([entry.as_dict() for entry in partner.journal.entries])

    async def state(request: Request) -> Response:
        return JSONResponse(
            {
                "scenario": partner.manner.scenario, "over": player.is_over, "conversations": partner.state(),
                "wrong": partner.journal.wrong,
            }
        )  # fmt: skip

    async def say(request: Request) -> Response:
        if not player.may_speak:
            raise Unavailable("The mock was told no address of the peer: --peer.", field="peer")
        if "xml" in request.headers.get("content-type", ""):
            return await _as_it_is(player, await _body(request) or b"")
        given = await _object(request)
        conversation = partner.adds(str(given.pop("request", "")), given)
        player.something_happened()
        return JSONResponse({"conversation": conversation.number, "request": conversation.wire_id})

    async def ask(request: Request) -> Response:
        given = await _object(request)
        scenario = str(given.pop("scenario", "borrows"))
        conversation = partner.asks(scenario, about_of(given))
        player.something_happened()
        return JSONResponse({"conversation": conversation.number, "request": conversation.wire_id})

    async def choose(request: Request) -> Response:
        partner.chooses(str((await _object(request)).get("scenario", "")))
        return JSONResponse({"scenario": partner.manner.scenario})

    return Starlette(
        routes=[
            Route("/_scenarios", _for_us(scenarios)), Route("/_log", _for_us(log)), Route("/_state", _for_us(state)),
            Route("/_say", _for_us(say), methods=["POST"]), Route("/_ask", _for_us(ask), methods=["POST"]),
            Route("/_scenario", _for_us(choose), methods=["POST"]),
            Route("/{path:path}", message, methods=["POST"]),
        ],
    )  # fmt: skip


class Answer(Response):
    """A reply as it stands; one that is cut promises more than it says."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        super().__init__(reply.body, reply.status, dict(reply.headers), media_type=reply.content_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._reply.cut and not self._reply.never:
            await super().__call__(scope, receive, send)
            return
        # The server closes the connection of an answer that it was promised and never got.
        half = self.body[: len(self.body) // 2] if self._reply.cut else b""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})


def about_of(given: Mapping[str, Any]) -> BibliographicInfo:
    """What is asked for. Raises BadInput for a field that isn't known."""
    for name, value in given.items():
        if name not in ABOUT:
            raise BadInput(f"There is no field {name!r}. Known: scenario, {', '.join(ABOUT)}.", field=name)
        if not isinstance(value, str):
            raise BadInput(f"{name} is a text.", field=name)
    return BibliographicInfo(**{"title": "Emma", "author": "Austen, Jane", **given})


def _for_us(endpoint: Any) -> Any:
    """Only from this machine, and from no page in its browser."""

    async def guarded(request: Request) -> Response:
        try:
            if not _is_local(request):
                raise NotAllowed("The mock is steered from its own machine.")
            answer: Response = await endpoint(request)
            return answer
        except IllError as refusal:
            return JSONResponse(refusal.as_dict(), refusal.status)

    return guarded


def _is_local(request: Request) -> bool:
    """A page of another site would say where it comes from, and under which name it found us."""
    host = request.headers.get("host", "").rpartition(":")[0].strip("[]") or request.headers.get("host", "")
    calls_locally = request.client is not None and _is_loopback(request.client.host)
    return calls_locally and _is_loopback(host) and "origin" not in request.headers


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _as_it_is(player: Player, raw: bytes) -> Response:
    try:
        answered = await player.send(raw)
    except NoAnswer as trouble:
        raise Unavailable(f"The peer has not answered: {trouble}.") from None
    return Response(answered.body, answered.status, media_type=answered.content_type)


async def _object(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await _body(request) or b"")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadInput("A JSON object is needed.", field="body")
    return given


async def _body(request: Request) -> bytes | None:
    """What was sent; none where it is too long."""
    body = bytearray()
    stream: AsyncIterator[bytes] = request.stream()
    async for chunk in stream:
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


async def _wait_until_it_leaves(request: Request, ending: asyncio.Event) -> None:
    """Until whoever has called gives up, or the mock ends."""
    gone = asyncio.ensure_future(request.receive())
    ended = asyncio.ensure_future(ending.wait())
    try:
        await asyncio.wait((gone, ended), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        ended.cancel()


async def _wait(ending: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(ending.wait(), seconds)
    except TimeoutError:
        return
