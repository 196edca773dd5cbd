"""What people type about libraries, partners, accounts and patrons, before it stands in headers and on paper."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from ill_workflow.errors import BadInput

LONGEST_NAME, LONGEST_CODE, LONGEST_ADDRESS, LONGEST_MAIL = 200, 32, 1000, 254
LARGEST_AMOUNT, LARGEST_NUMBER = Decimal("9999999.99"), 3650
#: The languages in which letters are written, and what they are called.
LANGUAGES = {"en": "English", "de": "German"}
#: Minutes that a notice may wait for others: a day.
LONGEST_WAIT = 1440
_MAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_CURRENCY = re.compile(r"[A-Z]{3}")


def check(given: Mapping[str, Any]) -> None:
    """Look over the fields that are known here, whatever they belong to. Raises BadInput naming the wrong one."""
    for field, value in given.items():
        if field in _CHECKS and value is not None:
            _CHECKS[field](field, value)


def check_name(field: str, name: str) -> None:
    """A name: one line, and something on it."""
    if not name.strip():
        raise BadInput("A name is needed.", field=field)
    check_line(field, name)


def check_line(field: str, value: str, longest: int = LONGEST_NAME) -> None:
    """One line without control characters."""
    if len(value) > longest:
        raise BadInput(f"{field} has {len(value)} characters; {longest} are the most.", field=field)
    # Cc: control characters; Zl, Zp: Unicode's line and paragraph ends; Cs: halves of characters.
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in value):
        raise BadInput(f"{field} is one line without control characters.", field=field)


def as_money(field: str, value: Any) -> Decimal:
    """An amount of money, with two decimals."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise BadInput(f"{field} is an amount, written like 12.50.", field=field) from None
    if not amount.is_finite() or amount < 0:
        raise BadInput(f"{field} can't be negative.", field=field)
    if amount > LARGEST_AMOUNT or amount != round(amount, 2):
        raise BadInput(f"{field} has two decimals at most, and is {LARGEST_AMOUNT} at most.", field=field)
    return round(amount, 2)


def check_number(field: str, value: int | None) -> None:
    """A number of days or times."""
    if value is not None and not 0 <= value <= LARGEST_NUMBER:
        raise BadInput(f"{field} is a whole number from 0 to {LARGEST_NUMBER}.", field=field)


def _check_lines(field: str, value: str) -> None:
    if len(value) > LONGEST_ADDRESS:
        raise BadInput(f"{field} has {len(value)} characters; {LONGEST_ADDRESS} are the most.", field=field)
    check_line(field, value.replace("\r\n", " ").replace("\n", " "), LONGEST_ADDRESS)


def _check_code(field: str, value: str) -> None:
    check_line(field, value, LONGEST_CODE)


def _check_mail(field: str, value: str) -> None:
    check_line(field, value, LONGEST_MAIL)
    if value and not _MAIL.fullmatch(value):
        raise BadInput(f"{value!r} is not an e-mail address.", field=field)


def _check_currency(field: str, value: str) -> None:
    if not _CURRENCY.fullmatch(value):
        raise BadInput(f"{value[:20]!r} is not a currency. Name one like USD.", field=field)


def _check_days(field: str, value: str) -> None:
    if len(value) != 7 or set(value) - {"0", "1"} or "1" not in value:
        raise BadInput("Working days are seven digits 0 or 1, Monday first, such as 1111100.", field=field)


def _check_zone(field: str, value: str) -> None:
    try:
        ZoneInfo(value or "UTC")
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{value[:64]!r} is not a time zone. Name one like America/Chicago.", field=field) from None


def check_language(field: str, value: str) -> None:
    """A language in which letters are written; none at all where another one decides."""
    if value and value not in LANGUAGES:
        known = ", ".join(f"{code} ({name})" for code, name in LANGUAGES.items())
        raise BadInput(f"{value[:20]!r} is no language of letters. Known: {known}.", field=field)


def _check_minutes(field: str, value: int) -> None:
    if not 0 <= value <= LONGEST_WAIT:
        raise BadInput(f"{field} is a number of minutes from 0 to {LONGEST_WAIT}.", field=field)


_CHECKS: Mapping[str, Callable[[str, Any], None]] = {
    "claim_days": check_number,
    "digest_minutes": _check_minutes,
    "language": check_language,
    "transit_after_days": check_number,
    "name": check_name,
    "full_name": check_line,
    "pickup_location": check_line,
    "email": _check_mail,
    "reply_to": _check_mail,
    "delivery_code": _check_code,
    "currency": _check_currency,
    "working_days": _check_days,
    "time_zone": _check_zone,
    "address": _check_lines,
    "shipping_address": _check_lines,
    "billing_address": _check_lines,
    "return_address": _check_lines,
}
