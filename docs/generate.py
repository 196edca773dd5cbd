"""Writes the tables and diagrams of the lifecycles into the README, and draws its pictures.

`python docs/generate.py` after a change of a table; with `--pictures` also the slip (needs pypdfium2).
"""

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from ill_workflow.slips import Address, SlipContent, render
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from state_machines.render import as_mermaid, as_table

README = Path(__file__).parent.parent / "README.md"
DOCS = Path(__file__).parent


def sections() -> dict[str, str]:
    """What belongs between `<!-- name -->` and `<!-- /name -->`."""
    found = {}
    for lifecycle in (LENDING, BORROWING):
        found[f"{lifecycle.name} table"] = as_table(lifecycle)
        found[f"{lifecycle.name} diagram"] = f"```mermaid\n{as_mermaid(lifecycle)}```\n"
    return found


def fill(text: str) -> str:
    for name, content in sections().items():
        between = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
        text = between.sub(lambda m, content=content: f"{m[1]}{content.rstrip()}\n{m[2]}", text)
    return text


def draw_slip() -> None:
    import pypdfium2

    content = SlipContent(
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
    page = pypdfium2.PdfDocument(render(content))[0]
    page.render(scale=1.3, grayscale=True).to_pil().crop((0, 0, 796, 640)).save(DOCS / "slip.png", optimize=True)


if __name__ == "__main__":
    README.write_text(fill(README.read_text(encoding="utf-8")), encoding="utf-8")
    if "--pictures" in sys.argv:
        draw_slip()
