"""The broker's address: checked before anybody uses it, with its password put in, and shown without."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit

from ill_workflow.config import Settings
from ill_workflow.errors import BadInput

#: The brokers that we can ring.
SCHEMES = ("redis://", "rediss://", "redis+socket://", "sentinel://", "amqp://", "amqps://")
_FIELD = "ILL_BROKER_URL"


def address_of(settings: Settings) -> str | None:
    """The configured broker's Celery URL, with ILL_BROKER_PASSWORD in it; None where there is none.

    Raises BadInput for what is no address, and for a broker on the network that anybody could talk to.
    """
    if not settings.broker_url:
        return None
    # Of what is wrong nothing is repeated: a password may be in it.
    return ";".join(_checked(part.strip(), settings.broker_password) for part in settings.broker_url.split(";"))


def shown(url: str) -> str:
    """The same address for people's eyes and logs."""
    return re.sub(r"(?<=://)([^:/;]*):[^/;]*@", r"\1:***@", url)


def _checked(url: str, password: str | None) -> str:
    if not url.startswith(SCHEMES):
        raise BadInput(f"ILL_BROKER_URL begins with none of {', '.join(SCHEMES)}.", field=_FIELD)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where the port is no number
    except ValueError:
        raise BadInput(
            "ILL_BROKER_URL is no address. Special characters of a password are written as %40 and so on; or set"
            " ILL_BROKER_PASSWORD, where they need not be.",
            field=_FIELD,
        ) from None
    if parts.scheme == "redis+socket":
        return url
    if not parts.hostname:
        raise BadInput("ILL_BROKER_URL names no host.", field=_FIELD)
    if parts.password is None and password:
        where = parts.netloc.rpartition("@")[2]
        netloc = f"{parts.username or ''}:{quote(password, safe='')}@{where}"
        return parts._replace(netloc=netloc).geturl()
    if not parts.password and not _is_here(parts.hostname):
        raise BadInput(
            f"The broker at {parts.hostname} is used without a password. Set ILL_BROKER_PASSWORD: whoever reaches a"
            " broker can take commands away.",
            field="ILL_BROKER_PASSWORD",
        )
    return url


def _is_here(host: str) -> bool:
    """Whether this machine talks to itself alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
