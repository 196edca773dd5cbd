"""No more than the largest file that a page takes is read of what a browser sends."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: A copy of an article is the largest thing that anybody hands in; the rest is what a form puts around it.
LARGEST_BODY = 32 * 1024 * 1024
#: No length that is true has more of them.
MOST_DIGITS = 18


class LimitedBody:
    """Answers 413 where more arrives, before it fills a disk."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/api/"):  # which has limits, and words, of its own
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if told.isdigit() and (len(told) > MOST_DIGITS or int(told) > LARGEST_BODY):
            await _refuse(send)
            return
        got, begun = 0, False

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > LARGEST_BODY:
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
            await _refuse(send)


class _TooMuch(Exception):
    """More has arrived than anybody has a use for."""


async def _refuse(send: Send) -> None:
    megabytes = LARGEST_BODY // (1024 * 1024)
    sentence = f"This is too large: {megabytes} MB are the most.".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": sentence})
