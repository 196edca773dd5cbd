"""Each request is answered in the language of whoever asks."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ill_workflow.web.words import choose, speaking

COOKIE = "ill-language"


class Languages:
    """Speaks the language that was chosen, or else one for which the browser asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        language = language_of(Request(scope))

        async def with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Language", language)
            await send(message)

        with speaking(language):
            await self.app(scope, receive, with_language)


def language_of(request: Request) -> str:
    return choose(request.cookies.get(COOKIE), request.headers.get("accept-language", ""))
