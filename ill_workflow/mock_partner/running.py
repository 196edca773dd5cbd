"""Runs the mock as a program: its server, its conversations, and what makes it end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

import uvicorn

from ill_workflow.errors import Unavailable
from ill_workflow.messages.content import BibliographicInfo
from ill_workflow.mock_partner.app import make_app
from ill_workflow.mock_partner.partner import MockPartner
from ill_workflow.mock_partner.peer import Peer
from ill_workflow.mock_partner.playing import Player

#: How often it looks whether all is over.
LOOK = 0.05


@dataclass(frozen=True)
class Asking:
    """A request of our own with which the mock begins."""

    scenario: str
    about: BibliographicInfo


@dataclass(frozen=True)
class Run:
    """Where the mock listens, whom it calls, what it begins with, and when it ends by itself."""

    host: str
    port: int
    peer: Peer | None
    asks: Sequence[Asking] = ()
    once: bool = False  #: it ends when all conversations are over
    patience: float | None = None  #: seconds after which it ends, whatever is under way


def run(partner: MockPartner, how: Run, ready: Callable[[str], None]) -> None:
    """Until Ctrl-C, or until all is over. `ready` is told the address. Raises Unavailable where it can't listen."""
    listening = _listen(how.host, how.port)
    host, port = listening.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    with _quiet_signals():
        asyncio.run(_serve(partner, how, listening, lambda: ready(address)))


async def _serve(partner: MockPartner, how: Run, listening: socket.socket, ready: Callable[[], None]) -> None:
    ending = asyncio.Event()
    player = Player(partner, how.peer)
    config = uvicorn.Config(
        make_app(player, ending), log_level="critical", access_log=False, lifespan="off", server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    ready()
    for asking in how.asks:
        partner.asks(asking.scenario, asking.about)
    player.something_happened()
    try:
        await _until_the_end(server, serving, player, how)
    finally:
        ending.set()
        server.should_exit = True
        await serving
        await player.end()
        if how.peer is not None:
            await how.peer.close()


async def _until_the_end(server: uvicorn.Server, serving: asyncio.Task[None], player: Player, how: Run) -> None:
    loop = asyncio.get_running_loop()
    until = None if how.patience is None else loop.time() + how.patience
    while not server.should_exit and not serving.done():
        if how.once and player.is_over:
            return
        if until is not None and loop.time() > until:
            for one in player.partner.conversations:
                if not one.over:
                    waits = f"waits for {' or '.join(one.waits_for)}" if one.waits_for else "has more to say"
                    player.partner.journal.complain(f"{one.wire_id} ({one.scenario.name})", f"not over: {waits}")
            if not player.partner.conversations:
                player.partner.journal.complain("nothing", "nobody has called")
            return
        await asyncio.sleep(LOOK)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as trouble:
        listening.close()
        raise Unavailable(f"The mock can't listen on {host} port {port}: {trouble.strerror}.", field="port") from None
    return listening


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """The server passes on the signal that has ended it; here that has to be no end of the program."""

    def nothing(number: int, frame: FrameType | None) -> None:
        """It has been heard by the server."""

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, nothing) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
