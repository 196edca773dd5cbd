"""The words of the letters, by language, and codes as people say them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from babel.dates import format_date

from ill_workflow.mail import words_de, words_en
from ill_workflow.typed import LANGUAGES

_CODE = re.compile(r"(?=[A-Za-z]*[a-z])[A-Z][A-Za-z]+")
_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]*|[a-z]+")
#: Codes that the standard has shortened.
_SHORTENED = {
    "CostExceedsMaxCost": "cost exceeds maximum cost", "MultiVolAvail": "multiple volumes available",
    "NotCurrentAvailableForILL": "not currently available for ILL",
    "ReqDelDateNotPossible": "requested delivery date not possible",
    "ReqDelMethodNotSupp": "requested delivery method not supported",
    "ReqEditionNotPossible": "requested edition not possible",
    "ReqServLevelNotSupp": "requested service level not supported",
    "ReqServTypeNotPoss": "requested service type not possible",
    "SpecCollSupervReq": "special collections supervision required",
}  # fmt: skip
#: What we note of a message that moves nothing, and the word by which it was heard.
_WAS_HEARD = re.compile(r"( said before what was heard already|, asked before, says): ([A-Za-z]+(?: [A-Za-z]+)*)\.")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])| ")


def in_words(code: str) -> str:
    """A code of the standard as people say it: `NotOnShelf` is `not on shelf`. Whatever is no code stays as it is."""
    if not _CODE.fullmatch(code):
        return code
    if code in _SHORTENED:
        return _SHORTENED[code]
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in _WORD.findall(code))


@dataclass(frozen=True)
class Words:
    """All that the letters of one language say by themselves."""

    language: str
    locale: str
    and_: str
    decimal: str
    subjects: Mapping[str, str]  #: of letters to partners, by what they say
    alerts: Mapping[str, str]  #: to staff, by occasion
    messages: Mapping[str, str]  #: to partners
    notices: Mapping[str, str]  #: to patrons, as templates
    labels: Mapping[str, str]
    values: Mapping[str, str]
    states: Mapping[str, str]
    codes: Mapping[str, str]
    written_by_us: tuple[tuple[str, str], ...]

    def of_code(self, code: str) -> str:
        return self.codes.get(code) or in_words(code)

    def day(self, day: date) -> str:
        return format_date(day, format="long", locale=self.locale)

    def money(self, amount: Decimal, currency: str) -> str:
        return f"{amount:.2f} {currency}".replace(".", self.decimal, 1)

    def said(self, text: str) -> str:
        """A text in which we may have written sentences of our own, with these in this language."""
        text = _WAS_HEARD.sub(lambda found: f"{found[1]}: {self._what(found[2])}.", text)
        for pattern, words in self.written_by_us:
            text = re.sub(pattern, words, text)
        return text

    def _what(self, heard: str) -> str:
        """What a message says, by the word by which it was heard; as it is where that is no such word."""
        alone = "Note" if heard == "Notification" else heard.removeprefix("Notification ")
        named = f"{alone[:1].upper()}{alone[1:]}"
        return self.subjects.get(named) or self.codes.get(heard) or heard


@cache
def words_of(language: str) -> Words:
    language = language if language in LANGUAGES else "en"
    words = {"en": words_en, "de": words_de}[language]
    return Words(
        language, words.LOCALE, words.AND, words.DECIMAL, words.SUBJECTS, words.ALERTS,
        words.MESSAGES, words.NOTICES, words.LABELS, words.VALUES, words.STATES, words.CODES, words.WRITTEN_BY_US,
    )  # fmt: skip


def name_of_message(what: str) -> str:
    """The name of the letter that tells a partner this: `RenewResponse Y` is `partner_renew_response_y`."""
    return f"partner_{_CAPITAL.sub('_', what).lower()}"
