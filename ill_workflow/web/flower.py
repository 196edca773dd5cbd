"""Flower behind the console's sign-in: its pages are fetched for whoever may see them, and nothing else of it."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Mapping

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from ill_workflow.config import Settings
from ill_workflow.errors import BadInput, NotAllowed, NotFound, Unavailable
from ill_workflow.web.visitor import Here, Person, Somebody, same_origin
from ill_workflow.web.words import _

#: Its pages and what they are made of. Not its API, which can do more than look, and not /metrics and /healthcheck,
#: which ask nobody who they are.
PAGES = re.compile(
    r"(workers|tasks|broker)?|(worker|task)/(?!\.{1,2}$)[^/\x00-\x1f\x7f]+|static/(?!.*\.\.)[\w./-]+|tasks/datatable"
)
#: What is asked for by POST: a page of its list of tasks.
ASKED_BY_POST = "tasks/datatable"
LONGEST_QUESTION = 64 * 1024
#: What goes on to it and what comes back: no cookie of ours, no word about who may read it from elsewhere.
FORWARD = ("accept", "accept-language", "content-type", "if-none-match", "if-modified-since", "x-requested-with")
BACK = ("content-type", "content-length", "etag", "last-modified", "vary")
#: The one script that stands in a page of its own. Whatever else may get into its pages is not run.
INLINE = base64.b64encode(hashlib.sha256(b"\nvar autorefresh = 1;\n").digest()).decode()
#: As long as anything of it may take.
PATIENCE = httpx.Timeout(15, connect=2)

router = APIRouter(prefix="/flower")


def visitor(request: Request, person: Somebody) -> Person:
    """Whoever works at any of the libraries: Flower shows work by name and number, and nothing of what it is about."""
    if request.method != "GET":
        same_origin(request)
    if not person.libraries:
        raise NotAllowed(_("This needs a grant at a library."))
    return person


@router.get("/{path:path}", dependencies=[Depends(visitor)])
async def look(request: Request, path: str, services: Here) -> Response:
    return await _fetched(request, path, services.settings)


@router.post(f"/{ASKED_BY_POST}", dependencies=[Depends(visitor)])
async def look_at_tasks(request: Request, services: Here) -> Response:
    return await _fetched(request, ASKED_BY_POST, services.settings)


async def _fetched(request: Request, path: str, settings: Settings) -> Response:
    """A page of Flower, streamed."""
    if PAGES.fullmatch(path) is None:
        raise NotFound(_("There is no such page."))
    if settings.flower_url is None:
        raise Unavailable(_("Flower is not set up here. Whoever runs this can say where it is: ILL_FLOWER_URL."))
    question = await _body(request)
    url = _address(settings.flower_url, path, request.url.query)
    forward = _forward(request, settings)
    asked = _client(request.app).build_request(request.method, url, headers=forward, content=question)
    try:
        answer = await _client(request.app).send(asked, stream=True)
    except httpx.TransportError:
        raise Unavailable(_("Flower does not answer. Work goes on without it.")) from None
    if answer.status_code in (401, 403):
        await answer.aclose()
        raise Unavailable(_("Flower does not let the console in. ILL_FLOWER_LOGIN has to be the same for both."))
    if answer.status_code >= 300 and answer.status_code != 304:
        await answer.aclose()
        raise NotFound(_("Flower knows no such page."))
    headers = {name: answer.headers[name] for name in BACK if name in answer.headers}
    headers["Content-Security-Policy"] = policy(request)
    if path.startswith("static/") and "v" in request.query_params:
        headers["Cache-Control"] = "private, max-age=86400"
    return StreamingResponse(
        _bytes(answer), status_code=answer.status_code, headers=headers, background=BackgroundTask(answer.aclose)
    )


def _address(flower: str, path: str, query: str) -> httpx.URL:
    try:
        return httpx.URL(flower).copy_with(path=f"/flower/{path}", query=query.encode() or None)
    except httpx.InvalidURL:  # a name that is longer than any, say
        raise NotFound(_("There is no such page.")) from None


def policy(request: Request) -> str:
    """What its pages may do: run its own scripts, read its own pages, and nothing of the console's."""
    own = f"{request.url.scheme}://{request.url.netloc}/flower/"
    own = own if re.fullmatch(r"https?://[\w.:\[\]-]+/flower/", own, re.ASCII) else "'none'"
    return "; ".join(
        (
            "default-src 'none'", f"script-src {own} 'sha256-{INLINE}'", f"style-src {own} 'unsafe-inline'",
            f"img-src {own} data:", f"font-src {own} data:", f"connect-src {own}", "form-action 'none'",
            "frame-ancestors 'none'", "base-uri 'none'",
        )
    )  # fmt: skip


def _forward(request: Request, settings: Settings) -> Mapping[str, str]:
    headers = {name: value for name in FORWARD if (value := request.headers.get(name)) and value.isascii()}
    headers["accept-encoding"] = "identity"
    if settings.flower_login:
        # Of several names the first will do.
        login = settings.flower_login.split(",")[0]
        headers["authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return headers


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > LONGEST_QUESTION:
            raise BadInput(_("This is too long."))
    return bytes(found)


async def _bytes(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for piece in answer.aiter_raw():
        yield piece


def _client(app: FastAPI) -> httpx.AsyncClient:
    """One for the process: it keeps its connections to Flower open."""
    if not hasattr(app.state, "flower"):
        # What the environment says of proxies is for other errands.
        app.state.flower = httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False)
    client: httpx.AsyncClient = app.state.flower
    return client


async def hang_up(app: FastAPI) -> None:
    if hasattr(app.state, "flower"):
        await app.state.flower.aclose()
