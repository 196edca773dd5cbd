"""Single values as real systems write them: points in time, amounts, numbers, yes and no."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

#: Stands where a point in time had to be said and none was, or none that can be read. Some systems write it, too.
NEVER = datetime(1, 1, 1, tzinfo=UTC)
#: Years that count as said. What lies outside are the ends of calendars: nobody's day, with no room for a time zone.
FIRST_YEAR, LAST_YEAR = 2, 9998

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:(?P<t>[Tt ])(\d\d):(\d\d)(?P<s>:(\d\d)(?:[.,](\d{1,30}))?)?)?"
    r" ?(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,30})?(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_YES, _NO = frozenset({"y", "yes", "true", "1"}), frozenset({"n", "no", "false", "0"})


def as_time(text: str) -> datetime | None:
    """A point in time, with the offset that it was written with, or without one; none where it can't be read."""
    found = _TIME.fullmatch(text.strip())
    if found is None or (found["t"] is None and found["zone"]):
        return None
    year, month, day, _, hour, minute, _, second, fraction, zone = found.groups()
    late = hour == "24" and minute == "00" and int(second or 0) == 0  # the end of that day
    try:
        at = datetime(  # noqa: DTZ001 - the offset comes below, where there is one
            int(year), int(month), int(day), 0 if late else int(hour or 0), int(minute or 0), int(second or 0),
            int(f"{fraction or '':0<6}"[:6]),
        )  # fmt: skip
        at += timedelta(days=1 if late else 0)
        at = at if zone is None else at.replace(tzinfo=_offset(zone))
    except (ValueError, OverflowError):
        return None
    return at if FIRST_YEAR <= at.year <= LAST_YEAR else NEVER


def is_strict(text: str) -> bool:
    """Whether a point in time is written as the schema has it, and with its zone."""
    return _STRICT.fullmatch(text.strip()) is not None and as_time(text) is not None


def time_as_text(at: datetime) -> str:
    """A point in time as both editions have it."""
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        at = NEVER
    offset = at.utcoffset()
    if offset is not None and (offset % timedelta(minutes=1) or abs(offset) > timedelta(hours=14)):
        at = at.astimezone(UTC)
    # isoformat() leaves out the fraction where there is none.
    return at.isoformat().replace("+00:00", "Z")


def as_decimal(text: str) -> Decimal | None:
    """An amount; none where it can't be read: whether a comma parts thousands or cents is not ours to guess."""
    return Decimal(text.strip()) if _DECIMAL.fullmatch(text.strip()) else None


def decimal_as_text(amount: Decimal) -> str | None:
    """An amount as the schema has it, without exponent; none where there is no such amount."""
    if not amount.is_finite() or amount.adjusted() >= 18:
        return None
    written = f"{amount:f}"
    return written if _DECIMAL.fullmatch(written) else f"{amount:.6f}"


def as_whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text.strip()) else None


def as_yes_no(text: str) -> str | None:
    """Y or N; none where it is neither."""
    plain = text.strip().casefold()
    return "Y" if plain in _YES else "N" if plain in _NO else None


def _offset(zone: str) -> timezone:
    if zone in "Zz":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(zone)
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if zone[0] == "-" else ahead)
