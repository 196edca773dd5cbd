"""No more than what a page can take is read of what a browser sends."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: A copy of an article is the largest thing that anybody hands in; the rest is what a form puts around it.
LARGEST_BODY = 32 * 1024 * 1024
#: A form without a file: a list of requests that was tried and is handed in again is the largest.
LARGEST_FORM = 2 * 1024 * 1024
#: What is read of somebody who isn't signed in: a name, a password, and where to go from there.
LARGEST_OF_STRANGERS = 256 * 1024
OPEN_TO_STRANGERS = ("/sign-in", "/language")
#: What other systems call has limits, and words, of its own.
OTHERS = ("/api/", "/iso18626")
#: No length that is true has more of them.
MOST_DIGITS = 18


class LimitedBody:
    """Answers 413 where more arrives, before it fills a disk or keeps everybody waiting while it is taken apart."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OTHERS):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        told, most = headers.get("content-length", "0"), _most(scope["path"], headers)
        if told.isdecimal() and (len(told) > MOST_DIGITS or int(told) > most):
            await _refuse(send, most)
            return
        got, begun = 0, False

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise _TooMuch
            return message

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, counted, noticed)
        except _TooMuch:
            if begun:
                raise
            await _refuse(send, most)


class _TooMuch(Exception):
    """More has arrived than anybody has a use for."""


def _most(path: str, headers: Headers) -> int:
    if path in OPEN_TO_STRANGERS:
        return LARGEST_OF_STRANGERS
    return LARGEST_BODY if headers.get("content-type", "").lower().startswith("multipart/") else LARGEST_FORM


async def _refuse(send: Send, most: int) -> None:
    size = f"{most // (1024 * 1024)} MB" if most >= 1024 * 1024 else f"{most // 1024} KB"
    sentence = f"This is too large: {size} are the most.".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": sentence})
