"""Which machines a partner's address may lead to: looked at when a call is made, and not before."""

import ipaddress
import socket
import threading

from ill_workflow.errors import IllError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Ranges that wrap an address of the other kind: it is the one inside that counts.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
#: Shared by the customers of a provider; translated inside a network; the old way to write the other kind; of a site.
_INSIDE = tuple(
    ipaddress.ip_network(net) for net in ("100.64.0.0/10", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10")
)


class NotThere(IllError):
    """The address leads nowhere, or to where no partner may be."""


def addresses_of(host: str, port: int, *, may_be_private: bool, patience: float) -> list[str]:
    """The addresses behind a name. Raises NotThere where there is none, or one of them is forbidden."""
    found = _look_up(host, port, patience)
    for address in found:
        if wrong := why_not(address, may_be_private=may_be_private):
            raise NotThere(f"The address of {host} is {address}, {wrong}.")
    return found


def why_not(address: str, *, may_be_private: bool) -> str:
    """Why nobody may be called there, to go on after the address; empty where one may."""
    ip = _inner(ipaddress.ip_address(address))
    if ip.is_loopback:
        return "" if may_be_private else "this machine itself"
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local or (ip.version == 4 and ip.is_reserved):
        return "which is no partner's address"
    inside = ip.is_private or not ip.is_global or any(ip in net for net in _INSIDE if net.version == ip.version)
    if inside and not may_be_private:
        return "which is inside of a network and not of the world (ILL_PRIVATE_PARTNERS allows it)"
    return ""


def _inner(ip: _Address) -> _Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _TRANSLATED:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _look_up(host: str, port: int, patience: float) -> list[str]:
    """Ask for the addresses of a name, for so many seconds at most: the system itself would wait much longer."""
    answer: list[str] = []
    trouble: list[Exception] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            trouble.append(error)
        else:
            answer.extend(dict.fromkeys(str(where[0]) for *_, where in found))

    asking = threading.Thread(target=ask, name="looks up a name", daemon=True)
    asking.start()
    asking.join(patience)
    if answer:
        return answer
    if trouble:
        why = getattr(trouble[0], "strerror", None) or trouble[0]
        raise NotThere(f"No address was found for {host}: {why}.")
    seconds = f"{round(patience, 1):g}"
    raise NotThere(f"No address was found for {host} within {seconds} seconds.")
