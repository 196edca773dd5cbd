"""Puts the console together: what protects it, what it says where something goes wrong, and all of its pages."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from argon2 import PasswordHasher
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, IllError, NotFound, Unauthorised
from ill_workflow.web import actions, assets, copies, flower, iso18626
from ill_workflow.web.api.app import mounted
from ill_workflow.web.console import (
    account,
    accounts,
    bulk,
    calls,
    closed_days,
    creating,
    health,
    language,
    letters,
    lists,
    live,
    mails,
    one,
    operations,
    papers,
    partners,
    scan,
    settings,
    sign_in,
    slips,
    today,
    worklists,
)
from ill_workflow.web.hosts import KnownHosts, names
from ill_workflow.web.languages import Languages, language_of
from ill_workflow.web.limits import LimitedBody
from ill_workflow.web.live import Live
from ill_workflow.web.pages import render
from ill_workflow.web.security import HEADERS, SecurityHeaders
from ill_workflow.web.visitor import OwnPasswordFirst, protected, sign_in_address
from ill_workflow.web.words import _, speaking

logger = logging.getLogger(__name__)

#: Everything behind the sign-in: what changes something has to come from a page of the session.
BEHIND_THE_SIGN_IN = (
    sign_in.own,
    account.router,
    accounts.router,
    live.router,
    partners.router,
    settings.router,
    closed_days.router,
    mails.router,
    letters.router,
    slips.router,
    lists.router,
    operations.router,
    calls.router,
    one.router,
    papers.router,
    actions.router,
    scan.router,
    today.router,
    worklists.router,
    bulk.router,
    creating.router,
)


def make_app(services: Services, *, passwords: PasswordHasher | None = None) -> FastAPI:
    """The web application over an installation's services."""
    app = FastAPI(title="ill_workflow", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_while_it_runs)
    app.state.services, app.state.passwords = services, passwords or PasswordHasher()
    app.state.live = Live(services, address=services.settings.web_address)
    app.state.messages = iso18626.Counter(services)
    app.add_middleware(LimitedBody)
    app.add_middleware(KnownHosts, known=names(services.settings))
    app.add_middleware(Languages)
    app.add_middleware(SecurityHeaders)
    app.include_router(assets.router)
    app.include_router(health.router)
    app.include_router(iso18626.router)
    app.include_router(flower.router)
    app.include_router(copies.router)
    app.include_router(language.router)
    app.include_router(sign_in.router)
    for router in BEHIND_THE_SIGN_IN:
        app.include_router(router, dependencies=[Depends(protected)])
    app.router.routes.append(mounted(services))
    app.add_exception_handler(IllError, _say)
    app.add_exception_handler(HTTPException, _no_such_page)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(DataError, _no_room)
    app.add_exception_handler(Exception, _went_wrong)
    return app


@asynccontextmanager
async def _while_it_runs(app: FastAPI) -> AsyncIterator[None]:
    looking = asyncio.create_task(app.state.live.run())
    yield
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    await flower.hang_up(app)


def _say(request: Request, error: Exception) -> Response:
    """What went wrong, as a page; who isn't signed in is sent to do that."""
    assert isinstance(error, IllError)
    if isinstance(error, Unauthorised | OwnPasswordFirst):
        to = sign_in_address(request) if isinstance(error, Unauthorised) else "/account"
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": to})
        if "text/event-stream" in request.headers.get("accept", ""):
            # A browser would follow to the page on which one signs in, and complain that it is no stream.
            return Response(status_code=401)
        return RedirectResponse(to, status_code=303)
    person = getattr(request.state, "person", None)
    return render(request, "error.html", person, status=error.status, sentence=error.message)


def _no_such_page(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    unread = error.status_code in (400, 413)
    said = (
        BadInput(_("What was sent can't be read, or is too long.")) if unread else NotFound(_("There is no such page."))
    )
    said.status = error.status_code
    return _say(request, said)


def _unreadable(request: Request, error: Exception) -> Response:
    return _say(request, BadInput(_("This address can't be read.")))


def _no_room(request: Request, error: Exception) -> Response:
    return _say(request, BadInput(_("The database has no room for one of these values.")))


def _went_wrong(request: Request, error: Exception) -> Response:
    logger.exception("a page failed", exc_info=error)
    # This is answered outside of what stands around all other pages.
    with speaking(language_of(request)):
        answer = _say(request, IllError(_("Something went wrong here. It was written down for the operators.")))
    answer.headers.update(HEADERS)
    answer.headers["Cache-Control"] = "no-store"
    return answer
