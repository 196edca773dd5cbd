"""The letters that leave the house: one template each, filled with plain values and nothing else."""

import html
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ill_workflow.errors import IllError
from ill_workflow.mail.sentences import ALERTS, MESSAGES, SUBJECTS, in_words

TEMPLATES = Path(__file__).parent / "templates"
#: The longest value that a letter repeats, and the longest subject.
LONGEST_VALUE, LONGEST_SUBJECT = 500, 200
#: What is said in full: half a link is none.
WHOLE = ("note", "link", "library_address")

PATRON_LETTERS = (
    "request_sent", "ready", "ready_for_pickup", "shipped", "renewed", "renewal_denied", "overdue", "recalled", "lost",
    "cancelled", "unfilled", "document", "due_date_changed",
)  # fmt: skip
LETTERS = (*PATRON_LETTERS, "slip", "partner", *(f"alert_{occasion}" for occasion in ALERTS))


class TemplateBroken(IllError):
    """A letter's template is broken. Mend it, then send the letter again."""


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
    lines: tuple[tuple[str, str], ...] = ()  #: what a message to a partner says, by labels


@dataclass(frozen=True)
class Letter:
    """A letter that is ready to go. Only `html` is escaped."""

    subject: str
    text: str
    html: str


def write_letter(name: str, values: LetterValues, overrides: Mapping[str, str] | None = None) -> Letter:
    """Write the letter of this name; a library's own template in `overrides` goes before ours.

    The first line of a template is the subject, the rest the text. Raises TemplateBroken, which names the template.
    """
    file = "alert" if name.startswith("alert_") else name
    source = (overrides or {}).get(name) or (overrides or {}).get(file) or _ours(file)
    if source is None:
        raise TemplateBroken(f"There is no letter {name!r}.")
    try:
        about = SUBJECTS.get(values.occasion, "") if name == "partner" else ""
        sentence = _sentence(name, values)
        written = _environment().from_string(source).render(_short(values), sentence=sentence, about=about)
    except Exception as trouble:  # whatever a template does wrong, it is the template that has to be mended
        raise TemplateBroken(f"The template {name} is broken: {trouble}") from trouble
    subject, _, body = written.strip().partition("\n")
    text = re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n"
    return Letter(_one_line(subject), text, _html(text))


def _ours(file: str) -> str | None:
    path = TEMPLATES / f"{file}.txt"
    return path.read_text(encoding="utf-8") if re.fullmatch(r"[a-z_]+", file) and path.exists() else None


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["day"] = _day
    return environment


def _sentence(name: str, values: LetterValues) -> str:
    if name.startswith("alert_"):
        occasion = name.removeprefix("alert_")
        return ALERTS.get(occasion, occasion.replace("_", " ").capitalize() + ".")
    return MESSAGES.get(values.occasion, values.occasion) if name == "partner" else ""


def _short(values: LetterValues) -> dict[str, object]:
    """The values, none of them endless; only notes and addresses have lines."""
    found: dict[str, object] = {}
    for name, value in asdict(values).items():
        if isinstance(value, str):
            value = value if name in ("note", "library_address") else " ".join(value.split())
            value = in_words(value) if name == "reason" else value
            value = value if name in WHOLE else _clipped(value)
        found[name] = value
    found["conditions"] = tuple(in_words(condition) for condition in values.conditions)
    found["lines"] = tuple((label, " ".join(value.split())) for label, value in values.lines)
    return found


def _clipped(value: str) -> str:
    return f"{value[:LONGEST_VALUE]}…" if len(value) > LONGEST_VALUE else value


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _one_line(subject: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", subject).split())[:LONGEST_SUBJECT]


def _html(text: str) -> str:
    """The same letter for readers that show HTML: a paragraph for each, every value escaped."""
    paragraphs = (f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in text.strip().split("\n\n"))
    return (
        '<!DOCTYPE html><html lang="en"><body style="font-family: sans-serif; max-width: 40em">'
        + "\n".join(paragraphs)
        + "</body></html>\n"
    )
