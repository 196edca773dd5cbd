"""A form for an entry of a list, such as a partner: its fields are the columns of the list, and so are its rules."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData

from ill_workflow.errors import BadInput, Conflict, IllError
from ill_workflow.lists.entries import NOTHING, Read, Several, day, number, yes_or_no
from ill_workflow.lists.outcome import Problem
from ill_workflow.lists.sheet import Column
from ill_workflow.web.navigation import N_
from ill_workflow.web.words import _
from ill_workflow.wire_vendors import KNOWN_VENDORS

Row = Mapping[str, str]
#: Under which fields stand that nobody has given a heading.
FURTHER = N_("Further settings")
#: What is chosen from a list is explained by the list.
_CHOSEN = ("choice", "week", "partner", "library")
_SELECTED = ("choice", "yes_or_no", "partner", "library")
_BY_READER: dict[Read, str] = {yes_or_no: "choice", number: "number", day: "day"}
_YES_OR_NO = ("no", "yes")
_CALLED = {
    "": "–", "yes": N_("Yes"), "no": N_("No"), "ask": N_("A person decides"), "letter": N_("Letter"), "a4": "A4",
    "a5": "A5", "4x6": N_("4 × 6 inch label"), "roll80": N_("80 mm roll"), "active": N_("Active"),
    "suspended": N_("Suspended"), "courier": N_("Courier"), "post": N_("Post"), "e-mail": N_("E-mail"),
    "email": N_("E-mail"), "local": N_("A library of this installation"), "en": N_("English"), "de": N_("German"),
    "iso18626": "ISO 18626", "account": N_("Account and code"), "token": N_("Token"), "address": N_("Address"),
    "nothing": N_("Nothing"), "id": N_("Barcode"), "name": N_("Name"),
    **{name: vendor.called for name, vendor in KNOWN_VENDORS.items()},
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One value as a form asks for it."""

    name: str
    label: str
    hint: str
    control: str  #: text, lines, email, number, day, week or choice
    value: str
    error: str
    now: str | None  #: what it has become since the form was shown
    choices: tuple[tuple[str, str], ...]
    required: bool

    @property
    def id(self) -> str:
        return f"f-{self.name.replace('.', '-')}"

    @property
    def shown(self) -> str:
        """The value for who may only look; a choice as it is called."""
        return dict(self.choices).get(self.value, self.value)

    @property
    def describing(self) -> str:
        """The elements that say more about it, for its control."""
        parts = (("h", self.hint), ("n", self.now is not None), ("e", self.error))
        return " ".join(f"{letter}{self.id[1:]}" for letter, there in parts if there)


@dataclass(frozen=True)
class Group:
    """Fields below one heading."""

    name: str  #: the heading in English, by which styles know it
    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class EntryForm:
    """The columns that a form asks for, and what it knows of them."""

    columns: tuple[Column, ...]
    readers: Mapping[str, Read]
    usual: Mapping[str, str]  #: what holds where nothing was agreed
    required: tuple[str, ...] = ("name",)

    def of(self, *groups: str) -> "EntryForm":
        """The part of it below these headings."""
        return EntryForm(tuple(c for c in self.columns if c.group in groups), self.readers, self.usual, self.required)

    def groups(
        self, values: Row, *, problems: Iterable[Problem] = (), now: Row | None = None,
        choices: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    ) -> list[Group]:  # fmt: skip
        """The form with these values, each problem at its field; `now` is what is there, where that has changed."""
        errors = {problem.column: problem.sentence for problem in problems}
        fields: dict[str, list[Field]] = {}
        for column in self.columns:
            field = self._field(column, values, errors, now, choices or {})
            fields.setdefault(column.group or FURTHER, []).append(field)
        return [Group(title, _(title), tuple(some)) for title, some in fields.items()]

    def typed(self, form: FormData) -> dict[str, str]:
        """What was typed, by columns. What the form doesn't hold stays as it is."""
        found = {}
        for column in self.columns:
            given = [value for value in form.getlist(column.name) if isinstance(value, str)]
            if self._control(column) == "week":
                found[column.name] = "".join("1" if str(weekday) in given else "0" for weekday in range(7))
            elif given:
                found[column.name] = given[-1].replace("\r\n", "\n").strip()
        return found

    def _field(
        self, column: Column, values: Row, errors: Mapping[str, str], now: Row | None,
        choices: Mapping[str, Sequence[tuple[str, str]]],
    ) -> Field:  # fmt: skip
        control, value = self._control(column), values.get(column.name, "")
        hint = _(column.help or ("" if control in _CHOSEN and column.control else column.about))
        if usual := self.usual.get(column.name):
            hint = " ".join((hint, _("As usual: {value}.").format(value=called(usual)))).strip()
        other = now.get(column.name, "") if now is not None else value
        error = errors.get(column.name, "")
        label = _(column.title)
        return Field(
            column.name, label, hint[:1].upper() + hint[1:], "choice" if control in _SELECTED else control, value,
            with_label(error, column.name, label), other if other != value else None,
            tuple(choices.get(column.name, ())) or self._choices(column), column.name in self.required,
        )  # fmt: skip

    def _control(self, column: Column) -> str:
        reader = self.readers.get(column.name)
        return column.control or (_BY_READER.get(reader, "text") if reader else "text")

    def _choices(self, column: Column) -> tuple[tuple[str, str], ...]:
        known = column.choices or (_YES_OR_NO if self._control(column) in ("choice", "yes_or_no") else ())
        if column.name in self.usual:
            known = ("", *known)
        return tuple((choice, called(choice) if choice else _("As usual")) for choice in known)


def said(typed: Row, row: Row) -> dict[str, str]:
    """What a line of the list would say: what is another than it was, and what was emptied."""
    return {name: value or NOTHING for name, value in typed.items() if value != row.get(name, "")}


def mark(row: Row) -> str:
    """Tells what a form was made from, so that nobody writes over what they haven't seen."""
    return hashlib.sha256(json.dumps(sorted(row.items())).encode(errors="surrogatepass")).hexdigest()[:24]


def check_mark(form: FormData, row: Row) -> None:
    """Raises Conflict where the entry is no longer as the form showed it."""
    if form.get("mark") != mark(row):
        raise Conflict(
            _(
                "Somebody has changed this since you opened it, and nothing was saved. What it is now stands at each "
                "field that differs. Save again to keep what you typed."
            )
        )  # fmt: skip


def problems_of(trouble: IllError, renamed: Mapping[str, str] | None = None) -> list[Problem]:
    """What is wrong, by the fields that have to be mended."""
    if isinstance(trouble, Several):
        return list(trouble.problems)
    name = trouble.field or ""
    return [Problem((renamed or {}).get(name, name), trouble.message)] if isinstance(trouble, BadInput) else []


def with_label(sentence: str, name: str, label: str) -> str:
    """Sentences begin with the name of a value; on a page it is called as it is there."""
    return f"{label}{sentence[len(name) :]}" if name and sentence.startswith(f"{name} ") else sentence


def called(choice: str) -> str:
    """How one of a few values is called."""
    return _(_CALLED.get(choice, choice))
