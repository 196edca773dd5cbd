"""Calls a partner: one message to its address, one answer back, within the time and the size that it may have."""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import httpcore
import httpx

from ill_workflow.errors import BadInput, IllError
from ill_workflow.iso18626.addresses import NotThere, addresses_of
from ill_workflow.wire_settings import WireSettings

#: Bytes that an answer may have: a confirmation has a thousand or two.
LARGEST_ANSWER = 1_000_000
#: Seconds within which a partner has to take the call.
CONNECT_SECONDS = 5.0
#: Of so many addresses of one name one has to answer.
MOST_ADDRESSES = 4


@dataclass(frozen=True)
class Called:
    """What a partner answered."""

    status: int
    body: bytes
    took_ms: int
    content_type: str = ""


class NoAnswer(IllError):
    """The partner could not be reached, or did not answer as it should."""

    status = 503

    def __init__(self, message: str, *, took_ms: int, http_status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.took_ms, self.http_status, self.body = took_ms, http_status, body


def call(
    address: str,
    body: bytes,
    *,
    settings: WireSettings,
    token: str | None,
    may_be_private: bool,
    trusted: ssl.SSLContext | None = None,
) -> Called:
    """Post a message. Raises BadInput where the partner's settings are wrong, and NoAnswer for all that fails.

    An answer is whatever ends in time with a status from 200 to 299, or 400 and above; nobody is followed elsewhere.
    """
    url, headers = _url(address, settings), _headers(token)
    watch = _Watch(settings.patience_seconds)
    pool = httpcore.ConnectionPool(
        ssl_context=trusted or _usual_trust(),
        max_keepalive_connections=0,
        network_backend=_Checked(watch, may_be_private),
    )
    with pool:
        return _exchange(pool, url, [*headers, (b"Host", url.netloc)], body, watch)


def check_address(address: str, *, plain_http: bool) -> None:
    """Raises BadInput where this can't be the address of a partner."""
    _url(address, WireSettings(plain_http=plain_http))


def _url(address: str, settings: WireSettings) -> httpx.URL:
    if not address.strip():
        raise BadInput("There is no address to which messages go. Enter one.", field="address")
    try:
        url = httpx.URL(address.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError) as wrong:
        raise BadInput(f"{address!r} is no address on the web: {wrong}", field="address") from None
    if url.scheme not in ("https", "http") or not url.host or not 0 < (url.port or 443) < 65536:
        raise BadInput(f"{address!r} is no address on the web. It begins with https://", field="address")
    if url.userinfo:
        raise BadInput("An address has no name and password in it: give the partner a token.", field="address")
    if url.scheme == "http" and not settings.plain_http:
        raise BadInput(f"{address} is not encrypted. Enter one with https://, or allow http.", field="address")
    return url


def _headers(token: str | None) -> list[tuple[bytes, bytes]]:
    headers = {
        "User-Agent": _our_name(),
        "Accept": "application/xml, text/xml",
        "Accept-Encoding": "identity",
        "Content-Type": "application/xml; charset=utf-8",
        "Connection": "close",
    }
    if token:
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise BadInput("The token that we show has signs that no call can carry.", field="our_token")
        headers["Authorization"] = f"Bearer {token}"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@cache
def _our_name() -> str:
    # Looked up in a file.
    return f"ill_workflow/{version('ill_workflow')}"


def _exchange(
    pool: httpcore.ConnectionPool, url: httpx.URL, headers: list[tuple[bytes, bytes]], body: bytes, watch: "_Watch"
) -> Called:
    status: int | None = None
    taken = bytearray()

    def failed(why: IllError) -> NoAnswer:
        return NoAnswer(why.message, took_ms=watch.took_ms, http_status=status, body=bytes(taken))

    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path or b"/")
    length = (b"Content-Length", str(len(body)).encode())
    try:
        with pool.stream("POST", target, headers=[*headers, length], content=body) as answer:
            status = answer.status
            told = {name.lower(): value for name, value in answer.headers}
            if 300 <= status < 400:
                where = told.get(b"location", b"").decode("latin-1")[:300]
                raise failed(_elsewhere(status, where))
            for piece in answer.iter_stream():
                taken += piece
                if len(taken) > LARGEST_ANSWER:
                    del taken[10_000:]
                    raise failed(_Trouble(f"Its answer is larger than {LARGEST_ANSWER:,} bytes."))
                watch.left()
    except NotThere as wrong:
        raise failed(wrong) from None
    except httpcore.TimeoutException:
        raise failed(_too_late(watch, status)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as trouble:
        raise failed(_in_words(trouble, watch)) from None
    kind = told.get(b"content-type", b"").decode("latin-1")[:200]
    return Called(status, bytes(taken), watch.took_ms, kind)


class _Trouble(IllError):
    """The call came to nothing."""


def _elsewhere(status: int, where: str) -> _Trouble:
    if where:
        return _Trouble(f"It answered {status}: it is elsewhere now, at {where}.")
    return _Trouble(f"It answered {status}: it is elsewhere now.")


def _too_late(watch: "_Watch", status: int | None) -> _Trouble:
    if not watch.connected:
        return _Trouble(f"It did not take the call within {min(CONNECT_SECONDS, watch.seconds):g} seconds.")
    if status is None:
        return _Trouble(f"It took the message, and had not answered after {watch.seconds:g} seconds.")
    return _Trouble(f"It began to answer {status}, and had not ended after {watch.seconds:g} seconds.")


def _in_words(trouble: Exception, watch: "_Watch") -> _Trouble:
    cause: BaseException | None = trouble
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _Trouble(f"Its certificate can't be trusted: {cause.verify_message}.")
        if isinstance(cause, ssl.SSLError):
            return _Trouble(f"No encrypted line came about: {cause.reason or cause}.")
        cause = cause.__cause__ or cause.__context__
    why = str(trouble) or type(trouble).__name__
    if not watch.connected:
        return _Trouble(f"It does not take calls: {why}.")
    return _Trouble(f"It hung up in the middle: {why}.")


@cache
def _usual_trust() -> ssl.SSLContext:
    """Whom browsers trust, and whom this machine trusts besides (SSL_CERT_FILE, SSL_CERT_DIR)."""
    return httpcore.default_ssl_context()


class _Watch:
    """How long a call may last in all, however little comes at a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._begun = seconds, time.monotonic()
        self.connected = False

    @property
    def took_ms(self) -> int:
        return round((time.monotonic() - self._begun) * 1000)

    def left(self) -> float:
        """Seconds. Raises ReadTimeout where none is left."""
        left = self._begun + self.seconds - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Checked(httpcore.NetworkBackend):
    """Connects to the very address that was looked at: a name that is asked for twice may lead elsewhere by then."""

    def __init__(self, watch: _Watch, may_be_private: bool) -> None:
        self._watch, self._may_be_private = watch, may_be_private
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        patience = min(CONNECT_SECONDS, self._watch.left())
        found = addresses_of(host, port, may_be_private=self._may_be_private, patience=patience)
        trouble: Exception | None = None
        for address in found[:MOST_ADDRESSES]:
            try:
                stream = self._plain.connect_tcp(address, port, min(CONNECT_SECONDS, self._watch.left()))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                self._watch.connected = True
                return _Timed(stream, self._watch)
        raise trouble or httpcore.ConnectError(f"{host} has no address")


class _Timed(httpcore.NetworkStream):
    """Each step gets what is left of the whole time."""

    def __init__(self, stream: httpcore.NetworkStream, watch: _Watch) -> None:
        self._stream, self._watch = stream, watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._watch.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._watch.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, self._watch.left()), self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
