"""Commands about messages: what is wrong with the one that a partner's system has sent."""

import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from ill_workflow.cli.output import AsJson, as_text, examples, line
from ill_workflow.errors import BadInput
from ill_workflow.iso18626.editions import MESSAGES, Edition
from ill_workflow.iso18626.parsing import LARGEST
from ill_workflow.iso18626.reading import Understood, Unreadable, read
from ill_workflow.iso18626.shapes import Part, parts_of
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.values import NEVER
from ill_workflow.messages.content import AgencyId, Authentication, Costs, PatronInfo
from ill_workflow.messages.kept import to_dict

message_app = typer.Typer(help="What was said with partners, and what is wrong with a message.", no_args_is_help=True)

CHECK = examples(
    "ill message check from-partner.xml",
    "ill message check --json *.xml",
    "curl -s https://partner.example/last.xml | ill message check -",
)
#: Faults by a schema that are shown: those that follow are of the same kind.
_MOST_FAULTS = 15
_NAMES = {kind: name for name, kind in MESSAGES.items()}
#: What is never shown: it is for one pair of eyes, or a secret.
_HIDDEN = (PatronInfo, Authentication)


def register(app: typer.Typer, panel: str) -> None:
    app.add_typer(message_app, name="message", rich_help_panel=panel)


@dataclass(frozen=True)
class _Checked:
    """What came out for one file."""

    file: str
    outcome: Understood | Unreadable
    faults: dict[Edition, list[str]] | None  #: by edition; none: nobody has the schemas

    @property
    def refused(self) -> bool:
        return isinstance(self.outcome, Unreadable)


@message_app.command("check", epilog=CHECK)
def check(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files with one message each; - for standard input.")
    ],
    content_type: Annotated[
        str, typer.Option("--content-type", metavar="TYPE", help="With which Content-Type it came.")
    ] = "application/xml",
    as_json: AsJson = False,
) -> None:
    """Say what is understood of messages, what is forgiven, and what we would answer. Exit code 1 if one is refused.

    Where ILL_ISO18626 names the folder of the official schemas, each is validated in both editions. Whether its
    agencies and its request are known here is not looked at.
    """
    folder: Path | None = context.obj.settings.iso18626
    checked, unread = [], []
    for file in files:
        try:
            checked.append(_check(file, _content(file), content_type, folder))
        except OSError as trouble:
            unread.append(f"{file} can't be read: {trouble.strerror}.")
    if as_json and (checked or not unread):
        print(as_text([_as_data(one) for one in checked]))
    else:
        for place, one in enumerate(checked):
            if place:
                line()
            _print(one)
    if unread:
        raise BadInput(" ".join(unread), field="file")
    if any(one.refused for one in checked):
        raise typer.Exit(1)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(LARGEST + 1)
    with Path(file).open("rb") as opened:
        return opened.read(LARGEST + 1)


def _check(file: str, raw: bytes, content_type: str, folder: Path | None) -> _Checked:
    faults = None if folder is None else {edition: validate(raw, edition, folder) for edition in Edition}
    name = "standard input" if file == "-" else file
    try:
        return _Checked(name, read(raw, content_type), faults)
    except Unreadable as refused:
        return _Checked(name, refused, faults)


def _as_data(checked: _Checked) -> dict[str, Any]:
    outcome = checked.outcome
    faults = {edition: None if checked.faults is None else checked.faults[edition] for edition in Edition}
    data: dict[str, Any] = {"file": checked.file, "understood": not checked.refused, "looks_like": outcome.edition}
    if isinstance(outcome, Unreadable):
        header = asdict(outcome.header)
        del header["requestingAgencyAuthentication"]
        data |= {
            "kind": outcome.kind,
            "message": None,
            "header": header,
            "forgiven": [],
            "error": asdict(outcome.error),
        }
    else:
        data |= {"kind": _NAMES[type(outcome.message)], "message": to_dict(outcome.message)}
        data |= {"forgiven": list(outcome.forgiven), "error": None}
    data["valid"] = {edition: None if wrong is None else not wrong for edition, wrong in faults.items()}
    data["faults"] = {edition: wrong or [] for edition, wrong in faults.items()}
    return data


def _print(checked: _Checked) -> None:
    outcome = checked.outcome
    if isinstance(outcome, Unreadable):
        line(f"{checked.file}: refused")
        line(f"  We would answer: ERROR, {outcome.error.errorType}")
        line(f"    {outcome.error.errorValue}")
        _print_header(outcome)
    else:
        line(f"{checked.file}: understood")
        line(f"  It is: a {_NAMES[type(outcome.message)]}, and looks like the edition of {outcome.edition}")
        _print_parts(outcome.message, "  ")
        line("  Forgiven:" if outcome.forgiven else "  Forgiven: nothing")
        for sentence in outcome.forgiven:
            line(f"    {sentence}")
    _print_validity(checked.faults)


def _print_header(refused: Unreadable) -> None:
    """What the answer can name."""
    told = {
        "Message": refused.kind or "",
        "Supplying agency": _agency(refused.header.supplyingAgencyId),
        "Requesting agency": _agency(refused.header.requestingAgencyId),
        "Requesting agency request id": refused.header.requestingAgencyRequestId,
        "Timestamp": refused.header.timestamp,
        "Action": refused.header.action,
        "Reason for message": refused.header.reasonForMessage,
    }
    if not any(told.values()):
        line("  What could be read of it: nothing")
        return
    line("  What could be read of it:")
    for label, value in told.items():
        if value:
            line(f"    {label}: {_flat(value, '      ')}")


def _print_validity(faults: dict[Edition, list[str]] | None) -> None:
    if faults is None:
        line("  Valid: not looked at; ILL_ISO18626 names no folder with the official schemas")
        return
    for edition, wrong in faults.items():
        line(f"  Valid in the edition of {edition}: {'no' if wrong else 'yes'}")
        for fault in wrong[:_MOST_FAULTS]:
            line(f"    {fault}")
        if len(wrong) > _MOST_FAULTS:
            line(f"    and {len(wrong) - _MOST_FAULTS} more")


def _print_parts(whole: Any, indent: str) -> None:
    """Everything that was said, a line each, with labels that can be read."""
    for part in parts_of(type(whole)):
        value = getattr(whole, part.name)
        for one in value if part.many else (value,):
            nothing = one in (None, "") or (part.holds_parts and one == part.nothing and part.name != "serviceInfo")
            if not nothing:
                _print_part(part, one, indent)


def _print_part(part: Part, value: Any, indent: str) -> None:
    label = _label(part.name)
    if isinstance(value, _HIDDEN):
        line(f"{indent}{label}: there, but not shown")
    elif isinstance(value, AgencyId):
        line(f"{indent}{label}: {_agency(value) or 'not said'}")
    elif isinstance(value, Costs):
        line(f"{indent}{label}: {value.monetaryValue} {value.currencyCode}".rstrip())
    elif part.holds_parts:
        line(f"{indent}{label}:")
        _print_parts(value, f"{indent}  ")
    else:
        line(f"{indent}{label}: {_flat(_words(value), f'{indent}  ')}")


def _agency(agency: AgencyId | None) -> str:
    if agency is None or not agency.agencyIdValue:
        return ""
    return f"{agency.agencyIdValue} ({agency.agencyIdType})" if agency.agencyIdType else agency.agencyIdValue


def _label(name: str) -> str:
    """`requestingAgencyRequestId` as people write it."""
    spaced = "".join(f" {sign.lower()}" if sign.isupper() and name != "URL" else sign for sign in name)
    return spaced[:1].upper() + spaced[1:]


def _words(value: Any) -> str:
    if isinstance(value, datetime):
        return "not said" if value == NEVER else f"{value:%Y-%m-%d %H:%M:%S}{_zone(value)}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _zone(at: datetime) -> str:
    if at.tzinfo is None:
        return " (no time zone)"
    return f" {at:%z}" if at.utcoffset() else " UTC"


def _flat(text: str, indent: str) -> str:
    """Further lines of a text stand below the first."""
    return text.replace("\r\n", "\n").replace("\n", f"\n{indent}")
