"""Makes a page of a template and of what the endpoint hands over."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time, get_day_names
from babel.numbers import format_currency, format_decimal
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from ill_workflow.about.phrases import Phrase, Sums
from ill_workflow.web import assets, navigation, words
from ill_workflow.web.banner import banner
from ill_workflow.web.visitor import Person

#: What acts without being somebody.
_NOBODY = ("the clock", "the system", "the patron")
TEMPLATES = Path(__file__).parent / "templates"


def render(
    request: Request, template: str, visitor: Person | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """The page. `visitor` is None where nobody is signed in."""
    page = _environment.get_template(template)
    text = page.render(
        request=request, visitor=visitor, locale=words.locale(), language=words.spoken(),
        is_fragment=is_fragment(request), banner=banner(request, visitor), **values,
    )  # fmt: skip
    return HTMLResponse(text, status_code=status)


def is_fragment(request: Request) -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true"


@pass_context
def _day(context: Context, value: date | None, form: str = "medium") -> str:
    return format_date(value, form, locale=context["locale"]) if value else ""


@pass_context
def _moment(context: Context, value: datetime | None, zone: ZoneInfo, form: str = "short") -> str:
    if value is None:
        return ""
    if form != "short":
        return format_datetime(value, form, tzinfo=zone, locale=context["locale"])
    # The short form of some languages leaves open which number is the month.
    day, time = (make(value.astimezone(zone), locale=context["locale"]) for make in (_short_day, _short_time))
    return f"{day}, {time}"


@pass_context
def _money(context: Context, value: Decimal | None, currency: str) -> str:
    return "" if value is None else format_currency(value, currency, locale=context["locale"])


def _short_day(value: datetime, locale: str) -> str:
    return format_date(value, "medium", locale=locale)


def _short_time(value: datetime, locale: str) -> str:
    return format_time(value, "short", tzinfo=value.tzinfo, locale=locale)


@pass_context
def _number(context: Context, value: int | Decimal) -> str:
    return format_decimal(value, locale=context["locale"])


@pass_context
def _week(context: Context, digits: str) -> str:
    """Working days, which are seven digits 0 or 1, by their names."""
    return ", ".join(name for name, digit in zip(weekdays(context["locale"]), digits, strict=False) if digit == "1")


def weekdays(locale: str) -> list[str]:
    """The short names of the days, Monday first."""
    names = get_day_names("abbreviated", locale=locale)
    return [names[number] for number in range(7)]


@pass_context
def _say(context: Context, phrase: Phrase) -> str:
    """A sentence with names and days in its places."""
    return phrase.say(words._, lambda value: _shown(context, value))


@pass_context
def _shown(context: Context, value: Any) -> str:
    """A value of whatever type, as people read it."""
    match value:
        case bool():
            return words._("yes") if value else words._("no")
        case datetime():
            return str(value)
        case date():
            return _day(context, value)
        case Sums():
            return ", ".join(_money(context, amount, currency) for currency, amount in value.by_currency.items())
        case list() | tuple():
            return ", ".join(words.code(str(each)) for each in value)
        case _:
            return words.code(str(value))


def _who(value: str) -> str:
    """By whom something was done: people and partners by their names, the clock in the language of whoever looks."""
    return words._(value) if value in _NOBODY else value


def _make_environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(day=_day, moment=_moment, money=_money, number=_number, week=_week)
    made.filters.update(say=_say, shown=_shown, code=words.code, who=_who)
    made.globals.update(_=words._, ngettext=words.ngettext, asset=assets.address, spoken_here=words.NAMES)
    made.globals.update(daily=navigation.daily, rare=navigation.rare, weekdays=weekdays)
    return made


_environment = _make_environment()
