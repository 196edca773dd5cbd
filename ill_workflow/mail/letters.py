"""The letters that leave the house: one for each occasion and language, filled with plain values and nothing else."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ill_workflow.errors import IllError
from ill_workflow.mail.sentences import Words, name_of_message, words_of

TEMPLATES = Path(__file__).parent / "templates"
#: The longest value that a letter repeats, the longest subject, and the longest text.
LONGEST_VALUE, LONGEST_SUBJECT, LONGEST_TEXT = 500, 200, 500_000
#: What is said in full: half a link is none.
WHOLE = ("note", "link", "library_address", "sentence")
#: Values that have lines.
WITH_LINES = ("note", "library_address")

#: Control characters and halves of characters: what neither a database nor a mail can hold.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

PATRON_LETTERS = (
    "request_sent", "ready", "ready_for_pickup", "shipped", "renewed", "renewal_denied", "overdue", "recalled", "lost",
    "cancelled", "unfilled", "document", "due_date_changed",
)  # fmt: skip
ALERTS = tuple(f"alert_{occasion}" for occasion in words_of("en").alerts)
#: What is told to a partner, by the name of the letter.
MESSAGES = {name_of_message(what): what for what in words_of("en").messages}
DIGESTS = ("patron_digest", "alert_digest")
LETTERS = (*PATRON_LETTERS, "patron_digest", "slip", "slips", *MESSAGES, *ALERTS, "alert_digest")


class TemplateBroken(IllError):
    """A letter's template is broken. Mend it, then send the letter again."""


@dataclass(frozen=True)
class Entry:
    """One of the notices that are told in one mail."""

    reference: str
    title: str
    sentence: str  #: what has happened, and what to do
    subject: str = ""  #: of the letter that it would have been by itself
    author: str = ""
    partner_name: str = ""
    state_label: str = ""
    reason: str = ""
    note: str = ""
    amount: str = ""
    due_date: date | None = None
    call_number: str = ""


@dataclass(frozen=True)
class LetterValues:
    """All that a template can use."""

    reference: str
    title: str
    author: str = ""
    library_name: str = ""
    library_reply_to: str = ""
    library_address: str = ""
    patron_name: str = ""
    pickup_location: str = ""
    partner_name: str = ""
    due_date: date | None = None
    return_by: date | None = None
    level: int = 1  #: of an overdue notice; 0: due at the patron's, though not yet at the lender's
    reason: str = ""
    note: str = ""
    amount: str = ""  #: with its currency
    link: str = ""
    file: bool = False  #: it is attached
    state_label: str = ""
    occasion: str = ""
    service: str = "loan"
    need_by: date | None = None
    call_number: str = ""
    item_barcode: str = ""
    partner_reference: str = ""
    conditions: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()  #: what a message to a partner says, by labels; or slips, by references
    notices: tuple[Entry, ...] = ()  #: of a digest


@dataclass(frozen=True)
class Letter:
    """A letter that is ready to go."""

    subject: str
    text: str
    language: str = "en"

    @property
    def html(self) -> str:
        return as_html(self.text, self.language)


def write_letter(name: str, values: LetterValues, language: str = "en", source: str | None = None) -> Letter:
    """Write the letter of this name; a template in `source` goes before ours.

    The first line of a template is the subject, the rest the text. Raises TemplateBroken, which names the template.
    """
    source = default_template(name, language) if source is None else source
    try:
        known = known_values(name, values, language)
    except Exception as trouble:
        raise TemplateBroken(f"The words for {name} are broken: {trouble}") from trouble
    return fill(name, language, source, known)


def fill(name: str, language: str, source: str, known: Mapping[str, Any]) -> Letter:
    """Fill a template with values. Raises TemplateBroken, which names the letter."""
    try:
        written = _rendered(compiled(language, source), known)
    except Exception as trouble:  # whatever a template does wrong, it is the template that has to be mended
        raise TemplateBroken(f"The template {name} is broken: {trouble}") from trouble
    subject, _, body = _NO_TEXT.sub("\ufffd", written).strip().partition("\n")
    text = re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"
    return Letter(one_line(subject), text, language)


def default_template(name: str, language: str) -> str:
    """Our own template of a letter. Raises TemplateBroken where there is no such letter."""
    if name not in LETTERS:
        raise TemplateBroken(f"There is no letter {name!r}.")
    return _ours(_file(name), language)


def family(name: str) -> str:
    """For whom a letter is: `patron`, `staff`, `slip` or `partner`."""
    if name in MESSAGES:
        return "partner"
    if name in ALERTS or name == "alert_digest":
        return "staff"
    return "slip" if name in ("slip", "slips") else "patron"


def sentence_of(name: str, values: LetterValues, language: str) -> str:
    """What a letter says in one sentence or two: what has happened, and what to do."""
    words = words_of(language)
    if name in ALERTS:
        return words.alerts[name.removeprefix("alert_")]
    if name in MESSAGES:
        return words.messages[MESSAGES[name]]
    if name in PATRON_LETTERS:
        return compiled(language, words.notices[name]).render(_short(values, words))
    return ""


def known_values(name: str, values: LetterValues, language: str) -> dict[str, Any]:
    """What the template of this letter is filled with, by names."""
    words = words_of(language)
    found = _short(values, words)
    found["sentence"] = sentence_of(name, values, language)
    if name in MESSAGES:
        found["about"] = words.subjects[MESSAGES[name]]
    if name in MESSAGES or name == "slips":
        found["lines"] = tuple((label, " ".join(value.split())) for label, value in values.lines)
    if name in DIGESTS:
        found["notices"] = tuple(_entry(entry, words) for entry in values.notices)
    return found


def as_html(text: str, language: str) -> str:
    """The same letter for readers that show HTML: a paragraph for each, every value escaped."""
    paragraphs = (f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in text.strip().split("\n\n"))
    return (
        f'<!DOCTYPE html><html lang="{language}"><body style="font-family: sans-serif; max-width: 40em">'
        + "\n".join(paragraphs)
        + "</body></html>\n"
    )


def one_line(subject: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", subject).split())[:LONGEST_SUBJECT]


@lru_cache(maxsize=512)
def compiled(language: str, source: str) -> Template:
    return environment(language).from_string(source)


@cache
def environment(language: str) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words = words_of(language)
    made.filters["day"] = lambda day: words.day(day) if isinstance(day, date) else _no_day(day)
    return made


def _no_day(value: object) -> str:
    """A day that isn't set is nothing; anything else is no day."""
    if value is None:
        return ""
    raise TypeError(f"{value!r} is not a day")


def _file(name: str) -> str:
    if name in ALERTS:
        return "alert"
    return "partner" if name in MESSAGES else name


@cache
def _ours(file: str, language: str) -> str:
    return (TEMPLATES / language / f"{file}.txt").read_text(encoding="utf-8")


def _rendered(template: Template, values: Mapping[str, Any]) -> str:
    """The text, as long as it is no endless one."""
    parts, length = [], 0
    for part in template.generate(values):
        length += len(part)
        if length > LONGEST_TEXT:
            raise ValueError(f"it writes more than {LONGEST_TEXT} characters")
        parts.append(part)
    return "".join(parts)


def _short(values: LetterValues, words: Words) -> dict[str, Any]:
    """The values, none of them endless; only notes and addresses have lines."""
    found = dict(_plain(values, words))
    found["conditions"] = tuple(_clipped(words.of_code(condition)) for condition in values.conditions)
    del found["lines"], found["notices"]
    return found


def _entry(entry: Entry, words: Words) -> dict[str, Any]:
    return dict(_plain(entry, words))


def _plain(values: LetterValues | Entry, words: Words) -> Iterator[tuple[str, Any]]:
    for field in fields(values):
        value = getattr(values, field.name)
        if isinstance(value, str):
            value = value if field.name in WITH_LINES else " ".join(value.split())
            value = words.of_code(value) if field.name == "reason" else value
            value = words.said(value) if field.name in ("reason", "note") else value
            whole = field.name in WHOLE and not (field.name == "note" and isinstance(values, Entry))
            value = value if whole else _clipped(value)
        yield field.name, value


def _clipped(value: str) -> str:
    return f"{value[:LONGEST_VALUE]}…" if len(value) > LONGEST_VALUE else value
