"""How many slips a second one process makes: `python benchmarks/slips.py`."""

import statistics
import sys
from datetime import UTC, date, datetime
from time import perf_counter
from typing import get_args

from ill_workflow.slips import Address, Layout, SlipContent, render

SECONDS = 1.2  #: for each layout

HUB = Address(
    "Minitex ILL", ("15 Andersen Library", "University of Minnesota", "222 21st Ave S", "Minneapolis, MN 55455"), "MTX"
)
RIVERSIDE = Address("Riverside Public Library", ("480 River Street", "Riverside, WI 53999"), "RVS-12")
NORTHFIELD = Address("Northfield College Library", ("1 College Street North", "Northfield, MN 55057"), "NFC")


def main() -> None:
    slip(get_args(Layout)[0], 0)  # the font is read once
    for layout in get_args(Layout):
        times, began = [], perf_counter()
        while perf_counter() - began < SECONDS:
            start = perf_counter()
            slip(layout, len(times))
            times.append(perf_counter() - start)
        median = statistics.median(times)
        sys.stdout.write(f"{layout:12} {1 / median:6.0f} slips/s   median {median * 1000:5.2f} ms   n={len(times)}\n")


def slip(layout: Layout, number: int) -> bytes:
    return render(
        SlipContent(
            layout=layout,
            reference=f"XPX-{number}",
            title=f"The Master and Margarita, copy {number} / Мастер и Маргарита",
            author="Bulgakov, Mikhail",
            call_number="PG3476.B78 M313 1997",
            location="Main stacks",
            due_date=date(2026, 12, 22),
            conditions=("Library use only",),
            pieces=("31951000123456",),
            hold_code="KLM-4821",
            destination=RIVERSIDE,
            hub=HUB,
            return_to=NORTHFIELD,
            library_name="Northfield College Library",
            printed_at=datetime(2026, 11, 24, 13, 2, tzinfo=UTC),
        )
    )


if __name__ == "__main__":
    main()
