"""The list with which somebody walks along the shelves and fetches what other libraries have asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ill_workflow.errors import BadInput
from ill_workflow.slips.content import Paper, Service
from ill_workflow.slips.sheet import LEFT, Sheet
from ill_workflow.slips.text import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLine:
    """One thing to fetch."""

    reference: str
    title: str
    author: str = ""
    volume: str = ""
    call_number: str = ""
    location: str = ""
    item_barcode: str = ""
    partner: str = ""
    need_by: date | None = None
    service: Service = "loan"
    note: str = ""
    pages: str = ""  #: of the article, where a copy is asked for
    article_title: str = ""


def render_pull_list(
    library_name: str, printed_at: datetime, printed_by: str, lines: Sequence[PullLine], *, paper: Paper = "letter"
) -> bytes:
    """The lines in the order given, under a heading for each location, as a PDF."""
    if not lines:
        raise BadInput("There is nothing to fetch.", field="lines")
    sheet = Sheet("Pull list")
    for number, line in enumerate(lines):
        if number and number % 40 == 0:
            sheet.next_page()
        sheet.line(LEFT, 20 + number % 40 * 6, clean(f"{line.call_number} {line.title}"), 10)
    return sheet.as_pdf()
