"""Looks over what is agreed with a partner that speaks ISO 18626, before anything is sent by it."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from ill_workflow import typed
from ill_workflow.errors import BadInput
from ill_workflow.wire_settings import ABOUT, EDITIONS, PATRON, SHOWS_ITSELF, VENDORS, WireSettings, settings_of

LONGEST_URL, LONGEST_ID, LONGEST_TYPE, LONGEST_ACCOUNT, MOST_ADDRESSES = 500, 64, 16, 100, 50
#: The least and the most of what is a number.
RANGES = {"answer_after_ms": (0, 60_000), "patience_seconds": (1, 300)}
_ONE_OF = {"vendor": tuple(VENDORS), "edition": EDITIONS, "shows_itself": SHOWS_ITSELF, "patron": PATRON}
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def check_wire(given: Mapping[str, Any]) -> WireSettings:
    """What was agreed, looked over, each value and all together. Raises BadInput naming it as `wire.` and its name."""
    for name, value in given.items():
        if name not in ABOUT:
            raise _bad("wire", f"{name[:32]!r} is no setting of ISO 18626. Known: {', '.join(ABOUT)}.")
        _check_kind(name, value)
        if name in _ONE_OF and value not in _ONE_OF[name]:
            raise _bad(name, f"{value[:32]!r} is not possible. Choose {', '.join(_ONE_OF[name])}.")
        if name in _LOOKS:
            _LOOKS[name](name, value)
    settings = settings_of(given)
    _check_together(settings)
    return settings


def check_agency_type(field_name: str, value: str) -> None:
    """The name of a list of ids, which a message carries as it is."""
    if value and (len(value) > LONGEST_TYPE or not _TYPE.fullmatch(value)):
        raise BadInput(
            f"{field_name} is one word of up to {LONGEST_TYPE} letters and digits, such as ISIL.", field=field_name
        )


def check_agency(field_name: str, value: str) -> None:
    """An id of a library, which a message carries as it is."""
    typed.check_line(field_name, value, LONGEST_ID)
    if value != value.strip():
        raise BadInput(f"{field_name} has blanks before or behind it.", field=field_name)


def same_agency(one: str, other: str) -> bool:
    """Whether two ids are the same library: letters' case aside."""
    return one.casefold() == other.casefold()


def _bad(name: str, sentence: str) -> BadInput:
    return BadInput(sentence, field=name if name == "wire" else f"wire.{name}")


def _check_kind(name: str, value: Any) -> None:
    match getattr(WireSettings(), name):
        case bool():
            if not isinstance(value, bool):
                raise _bad(name, f"wire.{name} is true or false.")
        case int():
            least, most = RANGES[name]
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise _bad(name, f"wire.{name} is a whole number from {least} to {most}.")
        case str():
            if not isinstance(value, str):
                raise _bad(name, f"wire.{name} is a text.")
        case _:
            if not isinstance(value, list | tuple):
                raise _bad(name, f"wire.{name} is a list of addresses and networks.")


def _check_together(settings: WireSettings) -> None:
    """What each may be, and all together can't."""
    if settings.address.startswith("http:") and not settings.plain_http:
        raise _bad("address", "That address is http, which anybody on the way can read. Name one with https, or allow "
                   "http by plain_http.")  # fmt: skip
    if settings.shows_itself == "address" and not settings.peer_addresses:
        raise _bad("peer_addresses", "It is known by the address from which it calls. Name its addresses, or let it "
                   "show a token.")  # fmt: skip
    if settings.broker and settings.shows_itself == "nothing":
        raise _bad("shows_itself", "A broker speaks for others, so the id in a message doesn't tell that it is the "
                   "broker. Let it show an account, a token, or its address.")  # fmt: skip


def _check_url(name: str, value: str) -> None:
    if not value:
        return
    if len(value) > LONGEST_URL:
        raise _bad(name, f"wire.{name} has {len(value)} characters; {LONGEST_URL} are the most.")
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        raise _bad(name, "A URL has no blanks, and letters, digits and signs of ASCII alone.")
    try:
        url = urlsplit(value)
        host, _port = url.hostname, url.port
    except ValueError:
        raise _bad(name, f"{value!r} is no URL. Name one like https://ill.example.org/iso18626.") from None
    if url.scheme not in ("https", "http") or not host or not value.startswith(f"{url.scheme}://"):
        raise _bad(name, f"{value!r} is no URL of a web server. Name one like https://ill.example.org/iso18626.")
    if "@" in url.netloc:
        raise _bad(name, "No name and password in the URL, please: it is shown and logged. They are secrets.")
    if "#" in value:
        raise _bad(name, "What stands behind # in a URL is never sent. Leave it out.")


def _check_networks(name: str, value: Sequence[Any]) -> None:
    if len(value) > MOST_ADDRESSES:
        raise _bad(name, f"{len(value)} addresses are too many; {MOST_ADDRESSES} are the most. Name networks.")
    for one in value:
        try:
            network = ip_network(one if isinstance(one, str) else "")
        except ValueError as wrong:
            host_bits = "has host bits set" in str(wrong)
            hint = "The network's own address stands before the /." if host_bits else "Name some like 198.51.100.0/24."
            raise _bad(name, f"{str(one)[:64]!r} is neither an address nor a network. {hint}") from None
        if network.prefixlen == 0:
            raise _bad(name, f"{one} is everybody. Leave the addresses empty instead.")


def _check_account(name: str, value: str) -> None:
    typed.check_line(f"wire.{name}", value, LONGEST_ACCOUNT)


def _check_type(name: str, value: str) -> None:
    if name == "agency_type" and not value:
        raise _bad(name, "The list in which its id stands is needed, such as ISIL.")
    check_agency_type(f"wire.{name}", value)


def _check_id(name: str, value: str) -> None:
    check_agency(f"wire.{name}", value)


_LOOKS: Mapping[str, Callable[[str, Any], None]] = {
    "address": _check_url,
    "peer_addresses": _check_networks,
    "agency_type": _check_type,
    "our_agency_type": _check_type,
    "agency": _check_id,
    "our_agency": _check_id,
    "account": _check_account,
    "our_account": _check_account,
}
