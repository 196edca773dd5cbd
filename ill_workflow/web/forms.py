"""Forms from the tables: each input that a row asks for is a field, and what was typed into it is read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from starlette.datastructures import FormData, UploadFile

from ill_workflow.requests.by import TOLD_BY
from ill_workflow.requests.choices import Choice
from ill_workflow.requests.fields import LABELS, LONGEST, LONGEST_TEXT
from ill_workflow.requests.models import Request
from ill_workflow.requests.suggestions import Suggestion
from ill_workflow.web.words import _, code, code_of
from state_machines.declaration import Action, Input, Lifecycle

#: How each type of input is asked for; whatever is not named is a line of text.
CONTROLS = {
    "lines": "lines", "date": "date", "flag": "flag", "texts": "lines", "barcodes": "lines", "fields": "group",
    "copy": "file", "integer": "number", "count": "number",
}  # fmt: skip
#: What helps a phone or tablet to show the right keys.
KEYS = {"money": "decimal", "integer": "numeric", "count": "numeric"}
#: Several values of these types stand in a line each; of barcodes and codes also with commas between them.
SEVERAL = ("texts", "barcodes")
USUAL = 8  #: words that a hint names
WAYS = {"phone": "by phone", "mail": "by mail", "paper": "on paper"}


@dataclass(frozen=True)
class Field:
    """One field of a form, ready to be drawn."""

    name: str
    label: str
    control: str  #: line, lines, date, number, flag, choice, file or group
    value: Any = ""
    required: bool = False
    hint: str = ""
    error: str = ""
    options: tuple[tuple[str, str], ...] = ()  #: of a choice all there are; of a line those that are usual
    longest: int = LONGEST_TEXT
    keys: str = ""
    earliest: date | None = None
    fields: tuple["Field", ...] = ()  #: of a group

    @property
    def described_by(self) -> str:
        return " ".join(
            id_ for id_, there in ((f"hint-{self.name}", self.hint), (f"error-{self.name}", self.error)) if there
        )


@dataclass(frozen=True)
class Typed:
    """What a person has filled in: as typed, to be shown again, and as inputs of the action."""

    shown: Mapping[str, Any]
    inputs: Mapping[str, Any]
    told_by: str | None = None
    upload: UploadFile | None = None


def fields_of(
    choice: Choice, known: Mapping[str, Suggestion], request: Request, today: date, *,
    typed: Mapping[str, Any] | None = None, errors: Mapping[str, str] | None = None,
) -> list[Field]:  # fmt: skip
    """The fields of an action. `typed` is what was filled in before, `errors` sentences by the names of inputs."""
    wrong, found = errors or {}, []
    if choice.told:
        found.append(_told_by(choice, (typed or {}).get("told_by", ""), wrong.get("told_by", "")))
    for need in choice.action.needs:
        suggestion = known.get(need.name, Suggestion())
        field = _field(need, suggestion, today)
        if need.type == "fields":
            field = replace(field, fields=tuple(_parts(need, request, typed, wrong)))
        elif typed is not None:
            field = replace(field, value=typed.get(need.name, ""))
        found.append(replace(field, error=wrong.get(need.name, "")))
    return found


def fields_of_many(
    lifecycle: Lifecycle, row: Action, needs: Sequence[Input], today: date, *, before: str, typed: Mapping[str, str],
    errors: Mapping[str, str],
) -> list[Field]:  # fmt: skip
    """The fields of what is said once for many requests; `before` stands before their names."""
    found = []
    for need in needs:
        answers = dict.fromkeys(word for at in lifecycle.sources(row) for word in lifecycle.answers(row, need, at))
        options = tuple((word, lifecycle.label(word)) for word in answers) or tuple((word, word) for word in need.usual)
        field = _field(need, Suggestion(options=options, closed=bool(answers)), today)
        value, error = typed.get(need.name, ""), errors.get(need.name, "")
        found.append(replace(field, name=before + need.name, value=value, error=error))
    return found


def read_form(action: Action, form: FormData, request: Request) -> Typed:
    """What was filled in. A field that nobody filled in is left out; of a group, what is as it was."""
    shown: dict[str, Any] = {"told_by": str(form.get("told_by") or "")}
    inputs: dict[str, Any] = {}
    upload = None
    for need in action.needs:
        if need.type == "fields":
            changes = {}
            for name in LABELS:
                text = form.get(f"{need.name}.{name}")
                if isinstance(text, str):
                    shown[f"{need.name}.{name}"] = text
                    if _same_lines(text) != _same_lines(_as_typed(getattr(request, name))):
                        changes[name] = text
            if changes:
                inputs[need.name] = changes
            continue
        given = form.get(need.name)
        if isinstance(given, UploadFile):
            upload = given if given.filename else None
            given = form.get(f"{need.name}.kept")
        text = given if isinstance(given, str) else ""
        shown[need.name] = text
        if need.type == "flag":
            if text:
                inputs[need.name] = text
        elif need.type in SEVERAL:
            if values := _several(text, commas=need.type == "barcodes" or bool(need.known)):
                inputs[need.name] = [code_of(value, need.usual) for value in values]
        elif text.strip():
            inputs[need.name] = code_of(text, need.usual)
    return Typed(shown, inputs, shown["told_by"] or None, upload)


def error_at(action: Action, field: str | None) -> str:
    """The name of the field at which an error about an input is shown; empty: above the form."""
    names = {need.name for need in action.needs if need.type != "fields"} | {"told_by"}
    if field in names:
        return field or ""
    group = next((need.name for need in action.needs if need.type == "fields"), None)
    if group and field in LABELS:
        return f"{group}.{field}"
    return group if group and field == group else ""


def _field(need: Input, suggestion: Suggestion, today: date) -> Field:
    control = "choice" if suggestion.closed or need.choices else CONTROLS.get(need.type, "line")
    options = suggestion.options or tuple((word, word) for word in need.choices)
    hints = [_(need.hint)]
    if control == "line" and need.usual:
        options = tuple((code(word), "") for word, _label in options)
    if need.type in SEVERAL:
        hints.append(_("one in each line"))
        if options:
            words = ", ".join(code(word) if need.usual else word for word, _label in options[:USUAL])
            hints.append(_("usual: {words}").format(words=words))
    return Field(
        need.name, _(need.label), control, _in_words(suggestion.begins, need), need.required,
        hint=capital("; ".join(filter(None, hints))), options=tuple((word, _(label)) for word, label in options),
        longest=need.longest, keys=KEYS.get(need.type, ""), earliest=today if need.future else None,
    )  # fmt: skip


def _told_by(choice: Choice, value: str, error: str) -> Field:
    ways = tuple((way, _(WAYS.get(way, way))) for way in TOLD_BY)
    hint = _("The history says how the partner's answer came.")
    return Field("told_by", _("Told by the partner"), "choice", value, choice.must_be_told, hint, error, ways)


def _parts(need: Input, request: Request, typed: Mapping[str, Any] | None, wrong: Mapping[str, str]) -> Sequence[Field]:
    found = []
    for name, label in LABELS.items():
        full = f"{need.name}.{name}"
        begins = _as_typed(getattr(request, name))
        value = begins if typed is None else typed.get(full, begins)
        control = "date" if name == "need_by" else "lines" if name.endswith("_note") else "line"
        longest = LONGEST.get(name, LONGEST_TEXT)
        found.append(Field(full, _(label), control, value, error=wrong.get(full, ""), longest=longest))
    return found


def _in_words(value: Any, need: Input) -> str:
    typed = _as_typed(value)
    return code(typed) if typed in need.usual else typed


def capital(sentence: str) -> str:
    """With a capital letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def _as_typed(value: Any) -> str:
    if value is None or value is False:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _same_lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _several(text: str, *, commas: bool) -> list[str]:
    lines = (text.replace(",", "\n") if commas else text).splitlines()
    return [line.strip() for line in lines if line.strip()]
