"""Writes lifecycles into the README, `commands.md`, `api.md`, settings and scenarios into pages; draws pictures.

`python docs/generate.py` after a change of a table or of a command; with `--pictures` also slips and screens.
"""

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ill_workflow.cli import EXIT_CODES, command
from ill_workflow.config import Settings
from ill_workflow.lists import partner_list
from ill_workflow.messages.matrix_page import as_markdown as as_markdown_of_messages
from ill_workflow.mock_partner import script
from ill_workflow.slips import Address, SlipContent, render
from ill_workflow.slips.contact_sheet import contact_sheet
from ill_workflow.slips.preview import as_png
from ill_workflow.web.api.app import description
from ill_workflow.web.api.document import as_markdown
from ill_workflow.wire_vendors import KNOWN_VENDORS
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.render import as_mermaid, as_table

README = Path(__file__).parent.parent / "README.md"
DOCS = Path(__file__).parent
COMMANDS = DOCS / "commands.md"
API = DOCS / "api.md"
MESSAGES = DOCS / "messages.md"


def sections() -> dict[str, str]:
    """What belongs between `<!-- name -->` and `<!-- /name -->`."""
    found = {}
    for lifecycle in (LENDING, BORROWING):
        found[f"{lifecycle.name} table"] = as_table(lifecycle)
        found[f"{lifecycle.name} diagram"] = f"```mermaid\n{as_mermaid(lifecycle)}```\n"
    return found


def settings_table() -> str:
    """Every setting, as `ill_workflow/config.py` declares and describes it."""
    source = (DOCS.parent / "ill_workflow" / "config.py").read_text(encoding="utf-8")
    told = dict(re.findall(r"^    (\w+): [^\n]*#: ([^\n]*)$", source, re.MULTILINE))
    rows = ["| variable | without it | what it says |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        rows.append(
            f"| `ILL_{name.upper().rstrip('_')}` | {'' if default is None else f'`{default}`'} | {told[name]} |"
        )
    return "\n".join(rows) + "\n"


def scenarios_table() -> str:
    """What the mock partner plays, as `scenarios.toml` tells it."""
    rows = []
    for role in (script.SUPPLIER, script.REQUESTER):
        rows += [f"As {role}:", "", "| scenario | what happens |", "|---|---|"]
        rows += [f"| `{s.name}` | {s.about} |" for s in script.known_scenarios().values() if s.role == role]
        rows.append("")
    return "\n".join(rows)


def scenario_fields() -> str:
    """The fields of a scenario and its parts, as `script.py` declares and describes them."""
    source = (DOCS.parent / "ill_workflow" / "mock_partner" / "script.py").read_text(encoding="utf-8")
    rows = []
    for kind, title in ((script.Step, "A step"), (script.Scenario, "A scenario"), (script.Calls, "Its `calls`")):
        body = source.split(f"class {kind.__name__}:")[1].split("\n\n\n")[0]
        told = re.findall(r"^    (\w+): [^\n]*?(?:  #: ([^\n]*))?$", body, re.MULTILINE)
        rows += [f"{title}:", "", "| field | |", "|---|---|"]
        rows += [f"| `{name}` | {words.replace('|', chr(92) + '|')} |" for name, words in told if name != "name"]
        rows.append("")
    lists = {
        "What a supplier says": script.WORDS[script.SUPPLIER],
        "What a requester says": script.WORDS[script.REQUESTER],
        "What may go wrong with a call": script.TROUBLES,
        "Errors": script.ERRORS,
        "Flavours": script.FLAVOURS,
    }
    rows += [f"{name}: {', '.join(f'`{word}`' for word in words)}.\n" for name, words in lists.items()]
    return "\n".join(rows)


def wire_table() -> str:
    """Every setting of a partner that speaks ISO 18626."""
    usual = partner_list.usual_wire("standard")
    rows = ["| setting | without it | what it says |", "|---|---|---|"]
    for column in partner_list.COLUMNS:
        if column.name in usual:
            default = f"`{usual[column.name]}`" if usual[column.name] else ""
            rows.append(f"| `{column.name}` | {default} | {column.about} |")
    return "\n".join(rows) + "\n"


def vendors_table() -> str:
    """What is usual with each vendor's system, and why."""
    rows = ["| `wire.vendor` | system | usual, and why |", "|---|---|---|"]
    for name, vendor in KNOWN_VENDORS.items():
        usual = [
            f"`{setting}={partner_list.shown_setting(value)}`: {why}" for setting, (value, why) in vendor.usual.items()
        ]
        rows.append(f"| `{name}` | {vendor.called}. {vendor.about} | {'<br>'.join(usual)} |")
    return "\n".join(rows) + "\n"


def fill(text: str) -> str:
    told = {"settings": settings_table(), "scenarios": scenarios_table(), "scenario fields": scenario_fields()}
    told |= {"wire settings": wire_table(), "vendors": vendors_table()}
    for name, content in {**sections(), **told}.items():
        between = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        text = between.sub(lambda m, content=content: f"{m[1]}{content.rstrip()}\n{m[2]}", text)
    return text


def commands() -> str:
    """All commands, as the program itself explains them."""
    lines = [
        "# Commands",
        "",
        "Made from the program's own help by `python docs/generate.py`.",
        "",
        "## Exit codes",
        "",
    ]
    lines += ["| code | means |", "|---|---|", *(f"| {code} | {words} |" for code, words in EXIT_CODES.items())]
    lines += [
        "",
        "What went wrong is a sentence on standard error; with `--json` it is an object with `error`, `field` and",
    ]
    lines += ["`status`. `ILL_AS` and `ILL_LIBRARY` stand for `--as` and `--library`.", ""]
    panel = None
    for name, entry in command().commands.items():
        if entry.rich_help_panel != panel:
            panel = entry.rich_help_panel
            lines += [f"## {panel}", ""]
        lines += _command(f"ill {name}", entry)
    return "\n".join(lines).rstrip() + "\n"


def api() -> str:
    """The REST API, as it describes itself, and the examples that the tests run."""
    shown = {"sh": "rest.sh", "python": "rest.py"}
    programs = {language: (DOCS / "examples" / name).read_text(encoding="utf-8") for language, name in shown.items()}
    return as_markdown(description(), programs)


def _command(path: str, entry: Any) -> list[str]:
    inner = getattr(entry, "commands", {})
    lines = [f"### {path}", "", _prose(entry.help), ""]
    if not inner:
        arguments = [p for p in entry.params if p.param_type_name == "argument"]
        options = [p for p in entry.params if p.param_type_name == "option"]
        needed = [f"{max(p.opts, key=len)} {p.metavar}" for p in options if p.required]
        written = [p.metavar if p.required else f"[{p.metavar}]" for p in arguments]
        written = [f"{word}..." if p.nargs != 1 else word for word, p in zip(written, arguments, strict=True)]
        lines += ["```", " ".join([path, *written, *needed, *(["[OPTIONS]"] if options else [])]), "```", ""]
        rows = [(_name(p), p.help or "") for p in (*arguments, *options)]
        if rows:
            lines += ["| | |", "|---|---|", *(f"| {_cell(n, code=True)} | {_cell(words)} |" for n, words in rows), ""]
        if entry.epilog:
            lines += ["```", entry.epilog.strip("\n"), "```", ""]
    for name, one in inner.items():
        lines += _command(f"{path} {name}", one)
    return lines


def _prose(words: str | None) -> str:
    return " ".join((words or "").split()).replace("<", "&lt;")


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    return f"{names} {parameter.metavar}".strip()


def _cell(words: str, *, code: bool = False) -> str:
    words = words.replace("|", "\\|")
    return f"`{words}`" if code else words.replace("<", "&lt;")


def draw_slips() -> None:
    """The slip of the README, down to where the lists begin; and the contact sheet of all slips."""
    picture = Image.open(BytesIO(as_png(render(SLIP), dpi=94)))
    picture.crop((0, 0, picture.width, picture.height * 16 // 25)).save(DOCS / "slip.png", optimize=True)
    (DOCS / "slips.png").write_bytes(contact_sheet())


SLIP = SlipContent(
    layout="routing",
    reference="XPX-1042",
    title="Pride and Prejudice",
    author="Austen, Jane",
    destination=Address("Riverside Branch", ("12 River Road", "Rhinebeck, NY 12572"), "NYC-07"),
    return_to=Address("Main Library", ("400 State Street", "Chicago, IL 60605"), "CHI-01"),
    hub=Address("Great Lakes Hub", ("1 Hub Way", "South Bend, IN 46601"), "HUB-9"),
    library_name="Main Library",
    printed_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    due_date=date(2026, 4, 1),
    call_number="PR4034 .P7 2003",
    location="Main stacks, level 2",
    delivery_method="courier",
    printed_by="Ann Operator",
)

if __name__ == "__main__":
    for page in (README, DOCS / "operating.md", DOCS / "mock-partner.md", DOCS / "partners.md"):
        page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")
    COMMANDS.write_text(commands(), encoding="utf-8")
    API.write_text(api(), encoding="utf-8")
    MESSAGES.write_text(as_markdown_of_messages(), encoding="utf-8")
    if "--pictures" in sys.argv:
        draw_slips()
        # Of its own, since the stage of the screens is that of the tests.
        subprocess.run([sys.executable, "-m", "docs.screens"], cwd=DOCS.parent, check=True)
