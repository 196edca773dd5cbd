"""A mail server that keeps every mail in a folder and delivers none: for the demo and for tests."""

import argparse
import asyncio
import email
import os
import signal
import threading
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

SIZE_LIMIT = 30 * 1024 * 1024  #: bytes of one mail
POLL = 0.02  #: seconds between two looks at the gate


class Catcher:
    """Catches mails as `1.eml`, `2.eml`, … in a folder.

    While the file `gate` exists, a mail is kept but not confirmed: its sender waits for the 250 and can be killed.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0, gate: Path | None = None) -> None:
        self.folder = folder
        self.host = host
        self.port = port  #: 0: whichever is free, known after `start`
        self.gate = gate
        self._server: _Server | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = _Server(
            _Keep(self.folder, self.gate),
            hostname=self.host,
            port=self.port,
            server_hostname="catcher.localhost",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
        )
        self._server.start()
        self.port = self._server.port

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def messages(self) -> list[EmailMessage]:
        """All mails, in the order in which they came."""
        return [_read(path) for path in sorted(self.folder.glob("[0-9]*.eml"), key=_number)]


class _Server(Controller):
    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class _Keep:
    """What the server does with a mail."""

    def __init__(self, folder: Path, gate: Path | None) -> None:
        self._folder = folder
        self._gate = gate
        self._next = 1 + max(map(_number, folder.glob("[0-9]*.eml")), default=0)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        number, self._next = self._next, self._next + 1
        half = self._folder / f".{number}.part"
        half.write_bytes(bytes(envelope.original_content or b""))
        os.replace(half, self._folder / f"{number}.eml")
        while self._gate is not None and self._gate.exists():
            await asyncio.sleep(POLL)
        return f"250 Kept as {number}"


def _number(path: Path) -> int:
    return int(path.stem)


def _read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def main() -> None:
    """`python -m workers.catcher --folder F --port P [--gate FILE]`: print the port, then work until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--gate", type=Path)
    asked = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    catcher = Catcher(asked.folder, asked.host, asked.port, asked.gate)
    catcher.start()
    print(catcher.port, flush=True)
    stop.wait()
    catcher.stop()


if __name__ == "__main__":
    main()
