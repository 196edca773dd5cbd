"""Sentences with places for names and days, so that each reader gets them in their own language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date

from ill_workflow.fees import in_words

Speak = Callable[[Any], str]


@dataclass(frozen=True)
class Sums:
    """Money in a sentence, by currency."""

    by_currency: Mapping[str, Decimal]

    def __str__(self) -> str:
        return in_words(self.by_currency)


@dataclass(frozen=True)
class Phrase:
    """A sentence as it stands in our source, and what belongs into its places."""

    words: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str], speak: Speak) -> str:
        """In another language: `translate` knows the words, `speak` how days and money are written."""
        return translate(self.words).format(**{name: speak(value) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.say(lambda words: words, in_english)


def in_english(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return format_date(value, "d MMMM y", locale="en")
    return str(value)
