"""The language of the console: what is shown goes through here."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from babel import negotiate_locale

from ill_workflow.mail.sentences import in_words
from ill_workflow.web.catalogs import catalog, patterns_of

#: The languages that one can choose, each by its own name.
NAMES = {"en": "English", "de": "Deutsch"}
#: English that looks foreign and is longer: what stays as it was goes through no catalog.
PSEUDO = "en-XA"
#: What was to be said and could not be, by language: for tests.
unknown: set[tuple[str, str]] = set()
_spoken: ContextVar[str] = ContextVar("spoken", default="en")
_PARTS = re.compile(r"(\{[^{}]*\}|%\(\w+\)s|<[^<>]*>|&\w+;)")
_ACCENTS = str.maketrans("aeiouycnsAEIOUYCNS", "áéíóúýçñšÁÉÍÓÚÝÇÑŠ")


def _(text: str) -> str:
    """The text in the language of whoever looks; as it is where that language has no words for it."""
    language = _spoken.get()
    if language == "en" or not text:
        return text
    if language == PSEUDO:
        return _pseudo_of(text)
    said = catalog(language).say(text)
    if said is None and len(unknown) < 1000:
        unknown.add((language, text[:200]))
    return text if said is None else said


def ngettext(one: str, many: str, number: int) -> str:
    """The one text or the other, as the number wants it."""
    language, text = _spoken.get(), one if number == 1 else many
    if language == "en":
        return text
    if language == PSEUDO:
        return pseudo(text)
    said = catalog(language).plurals.get(one)
    return said[number != 1] if said else text


def spoken() -> str:
    """The language of whoever looks, as HTML and HTTP name it."""
    return _spoken.get()


def locale() -> str:
    """By which dates, numbers and money are written."""
    language = _spoken.get()
    return "en" if language == PSEUDO else language


def choose(wished: str | None, accepted: str) -> str:
    """The language that somebody has chosen, or else the best that their browser asks for."""
    if wished in NAMES or wished == PSEUDO:
        return wished
    asked = [part.partition(";")[0].strip() for part in accepted.split(",")]
    return negotiate_locale(asked, list(NAMES), sep="-") or "en"


def code(value: str) -> str:
    """A code of the standard as people say it; whatever is none stays as it is."""
    plain = in_words(value)
    if plain == value:
        return value
    said = _(value)
    return _(plain) if said == value else said


def code_of(typed: str, codes: Iterable[str]) -> str:
    """The code that somebody means, whether they wrote it or its words; whatever is none stays as it is."""
    meant = {code(each).casefold(): each for each in codes}
    return meant.get(typed.strip().casefold(), typed)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak that language until the end."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def pseudo(text: str) -> str:
    """⟦Téxt ---⟧: recognisable, and longer by two fifths; what stands for values stays."""
    foreign = "".join(part if n % 2 else part.translate(_ACCENTS) for n, part in enumerate(_PARTS.split(text)))
    return f"⟦{foreign} {'-' * max(1, len(text) * 2 // 5)}⟧"


def _pseudo_of(text: str) -> str:
    return patterns_of("de", pseudo).say(text) or pseudo(text)
