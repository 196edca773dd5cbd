"""Puts the API together: what looks over what is sent, what is said where something goes wrong, all addresses."""

import re
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from ill_workflow.bootstrap import Services
from ill_workflow.errors import IllError
from ill_workflow.web.api import about_libraries, about_lists, about_requests, acting, keeping, operations, problems
from ill_workflow.web.api.bodies import Bodies
from ill_workflow.web.api.callers import Limits
from ill_workflow.web.api.document import as_page, described_api
from ill_workflow.web.api.limits import Limit

#: Wrong tokens a minute from one address.
WRONG_TOKENS = 30
VERSION = "v1"
ROUTERS = (
    about_libraries.router, about_libraries.here, about_lists.router, about_requests.router, acting.router,
    keeping.router, operations.router,
)  # fmt: skip


def description() -> dict[str, Any]:
    """OpenAPI of all addresses: the same for every installation."""
    bare = FastAPI()
    for router in ROUTERS:
        bare.include_router(router, prefix=f"/{VERSION}")
    return described_api(bare.routes)


def mounted(services: Services) -> Mount:
    """The API at its address, whatever stands behind it: a line end, too, is nothing for the pages."""
    mount = Mount("/api", make_api(services))
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def make_api(services: Services) -> FastAPI:
    """The application that is mounted at `/api`."""
    api = FastAPI(title="ill_workflow", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    api.state.services = services
    api.state.limits = Limits(Limit(services.settings.api_per_minute), Limit(WRONG_TOKENS))
    api.add_middleware(Bodies)
    for router in ROUTERS:
        api.include_router(router, prefix=f"/{VERSION}")
    api.add_exception_handler(IllError, problems.of_ours)
    api.add_exception_handler(HTTPException, problems.of_the_address)
    api.add_exception_handler(RequestValidationError, problems.of_values)
    api.add_exception_handler(DBAPIError, problems.of_the_database)
    api.add_exception_handler(Exception, problems.of_anything)
    # Made when somebody first asks: the command line and most tests never do.
    api.state.document = cache(description)

    @api.get(f"/{VERSION}/openapi.json", include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(api.state.document())

    @api.get("/", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(as_page(api.state.document()))

    return api
