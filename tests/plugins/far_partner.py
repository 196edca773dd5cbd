"""A partner far away, on a socket of its own: it hears messages, and answers as well or as badly as a test wants."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import Understood, read
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    ConfirmationHeader,
    ErrorData,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessageConfirmation,
)

Behaviour = Callable[["FarPartner", socket.socket, bytes], None]


class FarPartner:
    """Answers each call in the next of the ways that it was told, and after those as a partner should."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[tuple[str, bytes]] = []  #: head and body of each
        self.ways: list[Behaviour] = []
        self.ended = threading.Event()
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/iso18626"

    @property
    def heard(self) -> list[Understood]:
        return [read(body) for _, body in self.calls]

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.calls]

    def then(self, *ways: Behaviour) -> None:
        self.ways += ways

    def end(self) -> None:
        self.ended.set()
        with suppress(OSError):  # who waits for a call is told so: closing alone would let one more in
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        while not self.ended.is_set():
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            try:
                if self._tls is not None:
                    line = self._tls.wrap_socket(line, server_side=True)
                head, body = _request(line)
                self.calls.append((head, body))
                way = self.ways.pop(0) if self.ways else confirms
                way(self, line, body)
            except OSError:
                return  # whoever called has hung up


def _request(line: socket.socket) -> tuple[str, bytes]:
    taken = b""
    while b"\r\n\r\n" not in taken:
        if not (piece := line.recv(65536)):
            raise OSError("nothing was asked")
        taken += piece
    head, _, body = taken.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    lengths = [int(one.split(":")[1]) for one in text.split("\r\n") if one.lower().startswith("content-length")]
    if not lengths:
        raise OSError("this is no call")
    length = lengths[0]
    while len(body) < length:
        body += line.recv(65536)
    return text, body


def agency(value: str) -> AgencyId:
    return AgencyId(agencyIdValue=value)


def confirmation(body: bytes, *errors: ErrorData, edition: Edition = Edition.Y2017, of: str | None = None) -> bytes:
    """What a partner should answer: OK, or ERROR for these reasons."""
    said = read(body).message
    header = ConfirmationHeader(
        supplyingAgencyId=said.header.supplyingAgencyId, requestingAgencyId=said.header.requestingAgencyId,
        timestamp=said.header.timestamp, timestampReceived=datetime.now(UTC),
        requestingAgencyRequestId=of or said.header.requestingAgencyRequestId,
        messageStatus="ERROR" if errors else "OK",
    )  # fmt: skip
    match said:
        case Request():
            answer = RequestConfirmation(confirmationHeader=header, errorData=errors)
        case RequestingAgencyMessage():
            answer = RequestingAgencyMessageConfirmation(
                confirmationHeader=header, action=said.action, errorData=errors
            )
        case _:
            reason = said.messageInfo.reasonForMessage
            answer = SupplyingAgencyMessageConfirmation(
                confirmationHeader=header, reasonForMessage=reason, errorData=errors
            )
    return write(answer, edition)


def confirms(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    _answer(line, 200, confirmation(body))


def refuses(kind: str, value: str = "") -> Behaviour:
    error = ErrorData(errorType=kind, errorValue=value)
    return lambda partner, line, body: _answer(line, 200, confirmation(body, error))


def confirms_another(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    _answer(line, 200, confirmation(body, of="SOMEBODY-ELSES-1"))


def says(status: int, content: bytes = b"", *headers: str, kind: str = "application/xml") -> Behaviour:
    return lambda partner, line, body: _answer(line, status, content, *headers, kind=kind)


def hangs(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    partner.ended.wait(120)


def hangs_in_the_middle(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    line.sendall(_head(200, 5000) + b"<ISO18626Message>")
    partner.ended.wait(120)


def hangs_up(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    return None


def half_an_answer(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    whole = confirmation(body)
    line.sendall(_head(200, len(whole)) + whole[: len(whole) // 2])


def half_an_answer_that_looks_whole(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    whole = confirmation(body)
    _answer(line, 200, whole[: len(whole) // 2])


def drips(what: bytes) -> Behaviour:
    """A byte now and then, without end."""

    def way(partner: FarPartner, line: socket.socket, body: bytes) -> None:
        for byte in what + b"x" * 100_000:
            line.sendall(bytes([byte]))
            if partner.ended.wait(0.02):
                return

    return way


def floods(partner: FarPartner, line: socket.socket, body: bytes) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not partner.ended.is_set():
        line.sendall(b"<a>" * 20_000)


def _answer(line: socket.socket, status: int, content: bytes, *headers: str, kind: str = "application/xml") -> None:
    line.sendall(_head(status, len(content), f"Content-Type: {kind}", *headers) + content)


def _head(status: int, length: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", f"Content-Length: {length}", *headers, "", ""]).encode()
