"""All slips on one picture, for looking at."""

from datetime import UTC, date, datetime
from typing import get_args

from ill_workflow.slips.content import PAPERS, Address, Layout, SlipContent
from ill_workflow.slips.layouts import render_batch
from ill_workflow.slips.preview import as_png


def samples() -> list[SlipContent]:
    """Every layout on every paper."""
    return [
        SlipContent(
            layout=layout,
            paper=paper,
            reference="XPX-1042",
            title="Pride and Prejudice",
            author="Austen, Jane",
            destination=Address("Riverside Branch", ("12 River Road", "Rhinebeck, NY 12572"), "NYC-07"),
            return_to=Address("Main Library", ("400 State Street", "Chicago, IL 60605"), "CHI-01"),
            hub=Address("Great Lakes Hub", ("1 Hub Way", "South Bend, IN 46601"), "HUB-9"),
            library_name="Main Library",
            printed_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
            due_date=date(2026, 4, 1),
        )
        for layout in get_args(Layout)
        for paper in PAPERS
    ]


def contact_sheet() -> bytes:
    """A PNG of all samples."""
    return as_png(render_batch(samples()), dpi=50)
