"""The peer's address, and how it is called."""

import asyncio
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from ill_workflow.errors import BadInput
from ill_workflow.mock_partner.playing import Answered, NoAnswer

#: Longer answers are no confirmations.
LARGEST = 1_000_000


def checked_address(url: str, *, remote: bool) -> str:
    """The URL, if it may be called: on this machine, unless `remote`. Raises BadInput."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    clean = url.isascii() and url.isprintable() and " " not in url
    if not clean or not host or parts.scheme not in ("http", "https") or port == 0:
        raise BadInput(f"{url!r} is no address such as http://127.0.0.1:8000/iso18626.", field="peer")
    if not remote and not is_of_this_machine(host):
        raise BadInput(f"{host} is not this machine. Say --remote if the mock may talk to another one.", field="peer")
    return url


def is_of_this_machine(host: str) -> bool:
    """Whether every address of that name is a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        pass
    if host != "localhost" and not host.endswith(".localhost"):
        return False  # a name that others give may lead elsewhere in a moment
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return host == "localhost"
    return all(ip_address(address).is_loopback for address in found)


class Peer:
    """Calls one address. Redirects are not followed, and no proxy of the environment is used."""

    def __init__(self, address: str, token: str = "", patience: float = 30.0) -> None:
        headers = {"content-type": "application/xml"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        self._address, self._headers, self._patience = address, headers, patience
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, raw: bytes) -> Answered:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._patience, trust_env=False, follow_redirects=False)
        try:
            async with asyncio.timeout(self._patience):
                return await self._post(self._client, raw)
        except (httpx.HTTPError, TimeoutError, OSError, ValueError) as trouble:
            raise NoAnswer(f"no answer: {str(trouble) or type(trouble).__name__}") from None

    async def _post(self, client: httpx.AsyncClient, raw: bytes) -> Answered:
        async with client.stream("POST", self._address, content=raw, headers=self._headers) as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise NoAnswer("the answer is too long")
            return Answered(answer.status_code, bytes(body), answer.headers.get("content-type", ""))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
