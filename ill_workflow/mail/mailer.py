"""How a mail leaves the house: over a mail server, or, in tests, into a memory."""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import cache, cached_property
from typing import Literal, Protocol, TypeVar

from ill_workflow.errors import IllError
from ill_workflow.mail.envelope import Attachment, Mail, bare_address, compose, mailbox

__all__ = [
    "Attachment",
    "Mail",
    "MailError",
    "MailLater",
    "MailRefused",
    "MailUncertain",
    "Mailer",
    "RememberingMailer",
    "SmtpMailer",
    "compose",
    "mailbox",
]

T = TypeVar("T")
#: Steps of a conversation before the mail itself: greeting, names, TLS, login, sender, recipient.
STEPS = 10


class MailError(IllError):
    """The mail could not be sent."""

    status = 502


class MailRefused(MailError):
    """The mail server refuses this mail for good. Somebody must mend the address."""


class MailLater(MailError):
    """The mail could not be sent now. It was not delivered, and may be tried again."""

    status = 503

    def __init__(self, message: str | None = None, *, destination_down: bool = False) -> None:
        super().__init__(message)
        self.destination_down = destination_down  #: no mail at all gets through, so all of them may wait


class MailUncertain(MailError):
    """The connection broke before the mail server confirmed. The mail may have been delivered or not."""


class Mailer(Protocol):
    """Whatever can send a mail."""

    def send(self, mail: Mail, at: datetime) -> None:
        """Hand the mail over, or raise BadInput, MailRefused, MailLater or MailUncertain."""

    def check(self) -> str:
        """Say "ok", or in a sentence what is wrong."""


@dataclass(frozen=True)
class SmtpMailer:
    """Sends each mail over a connection of its own."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Literal["none", "starttls", "tls"] = "none"
    timeout: float = 10.0  #: seconds for each step of the conversation
    cafile: str | None = None  #: certificates to trust besides the system's
    answer_timeout: float = 300.0  #: seconds for the answer to a whole mail: RFC 5321 asks for patience there

    def send(self, mail: Mail, at: datetime) -> None:
        content = compose(mail, at).as_bytes()
        sender, recipient = bare_address("sender", mail.sender), bare_address("to", mail.to)
        with self._conversation() as client:
            self._ask_leave(client, sender, recipient, len(content))
            self._hand_over(client, content)

    def check(self) -> str:
        try:
            with self._conversation():
                return "ok"
        except MailLater as trouble:
            return trouble.message

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        """A connection that is ready for a mail. A server that dawdles word by word is cut off in the end."""
        client = self._client()
        cut = threading.Timer(STEPS * self.timeout + self.answer_timeout, _cut, (client,))
        cut.daemon = True
        cut.start()
        try:
            self._connect(client)
            yield client
        finally:
            cut.cancel()
            _leave(client)

    def _connect(self, client: smtplib.SMTP) -> None:
        """Everything before a mail is named. What fails here fails for every mail."""
        try:
            code, reply = client.connect(self.host, self.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, reply)
            client.ehlo_or_helo_if_needed()
            if self.tls == "starttls":
                client.starttls(context=self._trust)
                client.ehlo_or_helo_if_needed()
            if self.user:
                client.login(self.user, self.password or "")
        except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors, too
            raise self._down(_why(error)) from error

    def _client(self) -> smtplib.SMTP:
        """Not connected yet, so that it can be cut off from the first word on."""
        name = _own_name()
        client = (
            smtplib.SMTP_SSL(local_hostname=name, timeout=self.timeout, context=self._trust)
            if self.tls == "tls"
            else smtplib.SMTP(local_hostname=name, timeout=self.timeout)
        )
        client._host = self.host  # type: ignore[attr-defined]  # whom the certificate has to name
        return client

    def _ask_leave(self, client: smtplib.SMTP, sender: str, recipient: str, size: int) -> None:
        """Name sender and recipient, and ask leave to hand the mail over."""
        options = [f"size={size}"] if client.has_extn("size") else []
        steps: list[tuple[str, Callable[[], tuple[int, bytes]], tuple[int, ...]]] = [
            (f"the sender {sender}", lambda: client.mail(sender, options), (250,)),
            (f"the address {recipient}", lambda: client.rcpt(recipient), (250, 251)),
            ("the mail", lambda: client.docmd("DATA"), (354,)),
        ]
        for what, ask, welcome in steps:
            code, reply = self._before_the_end(ask)
            if code not in welcome:
                raise self._answered(what, code, reply)

    def _hand_over(self, client: smtplib.SMTP, content: bytes) -> None:
        # The last line goes out together with the rest: if sending fails, the server hasn't seen the end of the mail,
        # and must not deliver it (RFC 5321, 4.1.1.4). From there to its answer nobody can know.
        self._before_the_end(lambda: client.send(_quoted(content) + b".\r\n"))
        if client.sock is not None:
            client.sock.settimeout(self.answer_timeout)
        try:
            code, reply = client.getreply()
        except OSError as error:
            raise MailUncertain(
                f"The mail server {self._name} did not confirm: {error or type(error).__name__}. "
                "The mail may have been delivered or not."
            ) from error
        if not 200 <= code < 600:
            raise MailUncertain(f"The mail server {self._name} answered something unknown: {_words(reply)}")
        if code >= 300:
            raise self._answered("the mail", code, reply)

    def _before_the_end(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except OSError as error:
            raise MailLater(f"The conversation with the mail server {self._name} broke off: {error}") from error

    def _answered(self, what: str, code: int, reply: bytes) -> MailError:
        said = f"{code} {_words(reply)}".strip()
        # 421: the server is closing; 530: it wants a login before it takes any mail.
        if code in (421, 530):
            return self._down(f"takes no mail: {said}")
        if 500 <= code < 600:
            return MailRefused(f"The mail server refused {what}: {said}")
        return MailLater(f"The mail server put off {what}: {said}")

    def _down(self, what: str) -> MailLater:
        return MailLater(f"The mail server {self._name} {what}", destination_down=True)

    @property
    def _name(self) -> str:
        return f"{self.host}:{self.port}"

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.cafile:
            context.load_verify_locations(cafile=self.cafile)
        return context


@dataclass
class RememberingMailer:
    """Sends nothing and remembers everything: a mailer for tests and for stories."""

    mails: list[Mail] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)  #: the same mails as they would go over the wire
    _trouble: dict[str | None, MailError] = field(default_factory=dict)

    def send(self, mail: Mail, at: datetime) -> None:
        message = compose(mail, at)
        recipient = bare_address("to", mail.to)
        trouble = self._trouble.get(None) or self._trouble.get(recipient)
        if trouble is None or isinstance(trouble, MailUncertain):
            self.mails.append(mail)
            self.messages.append(message)
        if trouble is not None:
            raise trouble

    def check(self) -> str:
        trouble = self._trouble.get(None)
        return trouble.message if trouble else "ok"

    def fail_with(self, trouble: MailError, to: str | None = None) -> None:
        """From now on answer this to each mail, or to those that go to this address."""
        self._trouble[to] = trouble

    def recover(self) -> None:
        self._trouble.clear()

    def mails_to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if bare_address("to", mail.to) == address]


@cache
def _own_name() -> str:
    """How this machine introduces itself. Asked once, because asking may take a look-up of names."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _quoted(content: bytes) -> bytes:
    """The content with its dots doubled, so that none of its lines looks like the end (RFC 5321, 4.5.2)."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


def _cut(client: smtplib.SMTP) -> None:
    """End a conversation from outside; whoever reads from it gets the end of it."""
    with suppress(OSError, AttributeError):
        client.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def _leave(client: smtplib.SMTP) -> None:
    # The mail is already through or not: a farewell that fails, or is never answered, changes nothing.
    with suppress(OSError):
        client.putcmd("quit")
    client.close()


def _why(error: Exception) -> str:
    """What is wrong with the mail server, to go on after its name."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"doesn't accept the user name and password: {_reply(error)}"
        case smtplib.SMTPResponseException():
            return f"takes no mail: {_reply(error)}"
        case smtplib.SMTPNotSupportedError():
            return f"can't do what is asked of it: {error}"
        case ssl.SSLError():
            return f"can't be trusted: {getattr(error, 'verify_message', None) or error.reason or error}"
        case _:
            return f"can't be reached: {error or type(error).__name__}"


def _reply(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    return f"{error.smtp_code} {_words(words if isinstance(words, bytes) else words.encode())}".strip()


def _words(reply: bytes) -> str:
    return " ".join(reply.decode("utf-8", "replace").split())[:300]
