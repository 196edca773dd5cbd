"""Answers under the names that the console is known by, and under no other that somebody has pointed at it."""

import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ill_workflow.config import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def names(settings: Settings) -> frozenset[str]:
    """The names of this installation; `*` among them: any."""
    given = [name.strip() for name in settings.web_hosts.split(",")]
    ours = [*LOOPBACK, settings.web_host, socket.gethostname(), urlsplit(settings.web_address).hostname or "", *given]
    return frozenset(name.lower().strip("[]") for name in ours if name)


class KnownHosts:
    """Refuses whatever asks for somebody else: a page elsewhere could have its own name point at us."""

    def __init__(self, app: ASGIApp, known: Collection[str]) -> None:
        self.app, self.known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self.known or _host(scope) in self.known:
            await self.app(scope, receive, send)
            return
        said = "The console does not answer under this name. Whoever runs it can add the name to ILL_WEB_HOSTS.\n"
        await PlainTextResponse(said, status_code=421)(scope, receive, send)


def _host(scope: Scope) -> str:
    try:
        return urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    except ValueError:
        return ""
