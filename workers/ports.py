"""Ports of loopback on which our programs listen."""

import secrets
import socket

from ill_workflow.errors import IllError

#: Those of our own programs: below what machines take for the other end of connections.
PORTS = range(20_000, 32_000)


def free_port(wanted: int) -> int:
    """This port on loopback where it is free, else another one that is; 0: any."""
    for port in filter(None, (wanted, *secrets.SystemRandom().sample(PORTS, 100))):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise IllError("No port is free on 127.0.0.1.")


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
