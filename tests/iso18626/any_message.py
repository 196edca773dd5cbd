"""Messages of every kind with anything in them, made from the dataclasses themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ill_workflow.iso18626.editions import CLOSED, MOVED, VERBATIM, YES_NO, Edition, lacks
from ill_workflow.iso18626.shapes import Part, parts_of
from ill_workflow.messages import content as said

#: What an edition has once that the other may repeat.
_ONCE_IN_2017 = {
    (said.BibliographicInfo, "volume"): 1,
    (said.DeliveryInfo, "itemId"): 1,
    (said.DeliveryInfo, "loanCondition"): 1,
    (said.ServiceInfo, "requestSubType"): 3,
}
#: What a message can't be without.
_FILLED = {"agencyIdValue", "requestingAgencyRequestId", "value", "electronicAddressData", "currencyCode"}
_SIGNS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\t\n\r")
_TEXTS = st.text(_SIGNS, min_size=1, max_size=12).map(str.strip).filter(bool)
_TIMES = st.builds(
    lambda at, minutes: at.replace(tzinfo=UTC if not minutes else timezone(timedelta(minutes=minutes))),
    st.datetimes(datetime(3, 1, 1), datetime(9997, 1, 1)), st.one_of(st.just(0), st.integers(-840, 840)),
) | st.datetimes(datetime(3, 1, 1), datetime(9997, 1, 1))  # fmt: skip
_AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


def tidy(message: type[Any], edition: Edition) -> st.SearchStrategy[Any]:
    """What an edition can say in full: nothing is lost on its way."""
    return _tidy(message, edition, message)


def wild(message: type[Any]) -> st.SearchStrategy[Any]:
    """Whatever Python lets stand in the dataclasses, but for words of closed lists, which are the standard's."""
    return _wild(message)


def _tidy(kind: type[Any], edition: Edition, message: type[Any]) -> st.SearchStrategy[Any]:
    if kind is said.Address:
        one = ("electronicAddress", said.ElectronicAddress), ("physicalAddress", said.PhysicalAddress)
        return st.one_of(*(st.builds(kind, **{name: _tidy(inner, edition, message)}) for name, inner in one))
    there = [part for part in parts_of(kind) if not _is_missing(kind, part, edition, message)]
    whole = st.builds(kind, **{part.name: _tidy_part(kind, part, edition, message) for part in there})
    return whole.filter(_says_something) if not any(part.needed for part in there) else whole


def _is_missing(kind: type[Any], part: Part, edition: Edition, message: type[Any]) -> bool:
    if edition is Edition.Y2017 and kind is said.RetryInfo:
        return part.name not in MOVED
    return lacks(kind, part.name, edition, message) and part.name != "retryInfo"


def _tidy_part(kind: type[Any], part: Part, edition: Edition, message: type[Any]) -> st.SearchStrategy[Any]:
    one = _tidy_value(part, edition, message)
    if part.many:
        most = _ONCE_IN_2017.get((kind, part.name), 3) if edition is Edition.Y2017 else 3
        if part.name == "errorData" and edition is Edition.Y2017:
            most = 1
        return st.lists(one, max_size=most).map(tuple)
    if part.needed:
        return one | st.just("") if part.name == "agencyIdType" else one
    return one | st.just(part.nothing)


def _tidy_value(part: Part, edition: Edition, message: type[Any]) -> st.SearchStrategy[Any]:
    if part.holds_parts:
        return _tidy(part.kind, edition, message)
    if part.name in YES_NO:
        return st.sampled_from("YN")
    if part.name in CLOSED[Edition.Y2021]:
        return st.sampled_from(CLOSED[edition].get(part.name, ()))
    if part.name in VERBATIM:
        blanks = st.sampled_from(["", " ", "\n"])
        return st.builds(lambda before, text, after: before + text + after, blanks, _TEXTS, blanks)
    kinds = {str: _TEXTS, datetime: _TIMES, Decimal: _AMOUNTS, bool: st.booleans(), int: st.integers(0, 10**6)}
    return kinds[part.kind]


def _says_something(whole: Any) -> bool:
    return whole != type(whole)()


_WILD_TIMES = st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=23, minutes=59, seconds=7))]))
_WILD = {
    str: st.text(st.characters(), max_size=6),
    datetime: _WILD_TIMES | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max]),
    Decimal: st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False) | st.just(Decimal("1E-30")),
    bool: st.booleans(),
    int: st.integers(),
}


def _wild(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{part.name: _wild_part(part) for part in parts_of(kind)})


def _wild_part(part: Part) -> st.SearchStrategy[Any]:
    if part.holds_parts:
        one = _wild(part.kind)
    elif part.name in YES_NO:
        one = st.sampled_from(["Y", "n", "Yes", "false", "true ", ""])
    elif part.name in CLOSED[Edition.Y2021]:
        one = st.sampled_from(CLOSED[Edition.Y2021][part.name])
    elif part.name in _FILLED:
        one = st.builds(str.__add__, st.sampled_from(["X-1", " 7", "é\x00"]), _WILD[str])
    else:
        one = _WILD[part.kind]
    if part.many:
        return st.lists(one, max_size=3).map(tuple)
    return one if part.needed or part.nothing not in (None, "") else one | st.just(part.nothing)
