"""A post office for tests: a real mail server that can be told what to refuse."""

import asyncio
import email
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class PostOffice(Controller):
    """A mail server that keeps what it accepts, and gives the answers that it was told to give."""

    def __init__(self, **options):
        super().__init__(self, hostname="127.0.0.1", port=0, server_hostname="post.localhost", **options)
        self.messages: list[EmailMessage] = []
        self.answers: dict[str, str] = {}  # to an address
        self.at_the_end: str | None = None  # what it says, or does, after the end of DATA
        self.left = threading.Event()

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    async def handle_MAIL(self, server: SMTP, session, envelope, address, options):
        if answer := self.answers.get("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session, envelope, address, options):
        if answer := self.answers.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session, envelope):
        if self.at_the_end == "hang up":
            self.messages.append(_read(envelope.original_content))
            server.transport.close()
            return "250 Nobody hears this"
        if self.at_the_end == "say nothing":
            await asyncio.Event().wait()
        if self.at_the_end:
            return self.at_the_end
        self.messages.append(_read(envelope.original_content))
        return "250 OK"


def _read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=default)


@pytest.fixture
def open_post_office() -> Iterator[Callable[..., PostOffice]]:
    opened: list[PostOffice] = []

    def open_one(**options) -> PostOffice:
        office = PostOffice(**options)
        office.start()
        opened.append(office)
        return office

    yield open_one
    for office in opened:
        if office._thread is not None:
            office.stop()
