"""All slips on one picture, for looking at: layouts, papers, scripts, and what a library adds of its own.

`python -m ill_workflow.slips.contact_sheet slips.png` makes it.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import get_args

from PIL import Image, ImageDraw, ImageFont

from ill_workflow.slips.content import PAPERS, Address, Layout, Paper, SlipContent
from ill_workflow.slips.layouts import render, render_batch
from ill_workflow.slips.preview import as_png, pages_of
from ill_workflow.slips.pull_list import PullLine, render_pull_list

WIDTH = 2400  #: dots
DPI = 64
GAP, CAPTION = 14, 20
SHADES = 16  #: of grey in the picture
HUB = Address(
    "Minitex ILL", ("15 Andersen Library", "University of Minnesota", "222 21st Ave S", "Minneapolis, MN 55455"), "MTX"
)
RIVERSIDE = Address("Riverside Public Library", ("480 River Street", "Riverside, WI 53999"), "RVS-12")
NORTHFIELD = Address("Northfield College Library", ("1 College Street North", "Northfield, MN 55057"), "NFC")
PLAIN = SlipContent(
    layout="routing",
    reference="XPX-1042",
    title="Pride and Prejudice",
    author="Austen, Jane",
    volume="vol. 2",
    call_number="PR4034 .P7 2003",
    location="Main stacks, level 2",
    due_date=date(2026, 12, 22),
    conditions=("Library use only",),
    pieces=("31951000123456",),
    partner_reference="RVS-2026-00871",
    hold_code="KLM-4821",
    destination=RIVERSIDE,
    hub=HUB,
    return_to=NORTHFIELD,
    library_name="Northfield College Library",
    delivery_method="Courier",
    printed_by="A. Berg",
    printed_at=datetime(2026, 11, 24, 13, 2, tzinfo=UTC),
)
TITLES = {
    "Cyrillic": "Мастер и Маргарита: роман в двух частях",
    "Chinese": "紅樓夢：中國古典文學名著（全三卷），附研究與索引",
    "Japanese": "吾輩は猫である――夏目漱石全集「第一巻」",
    "Korean": "한국 문학의 이해: 고전에서 현대까지",
    "Arabic": "كتاب ألف ليلة وليلة (الجزء الثاني)، Vol. 2",
    "Hebrew": "בְּרֵאשִׁית: ספר המסעות (כרך 2), translated",
    "Devanagari": "हिन्दी साहित्य का इतिहास: क्षत्रिय, ज्ञान और स्त्री",
    "Thai": "ประวัติศาสตร์ไทยที่ยิ่งใหญ่และวัฒนธรรมน้ำของคนไทยในภาคกลาง",
    "Combining marks": "Dvor̂ák, Ṛgveda, ā́ a̱ x̂, Việt Nam: Thép đã tôi thế đấy",
    "300 characters": ("A history of the lending of books between libraries, told by those who carried them; " * 4)[
        :300
    ],
}


def samples() -> list[SlipContent]:
    """Every layout on every paper; then the scripts, a piece of several, a logo with texts, and a back."""
    return [content for _, content in _captioned()]


def contact_sheet() -> bytes:
    """A PNG of all samples, of sheets with several slips, of backs and pull lists, each with its caption."""
    pictures = [(caption, picture) for caption, pdf in _documents() for picture in _pages(pdf)]
    places, height = _placed([picture.size for _, picture in pictures])
    sheet = Image.new("L", (WIDTH, height), 205)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for (caption, picture), (x, y) in zip(pictures, places, strict=True):
        pen.text((x, y), caption, fill=0, font=font)
        sheet.paste(picture, (x, y + CAPTION))
    file = BytesIO()
    sheet.quantize(SHADES).save(file, "PNG", optimize=True)
    return file.getvalue()


def _captioned() -> Iterator[tuple[str, SlipContent]]:
    for paper in PAPERS:
        for layout in get_args(Layout):
            slip = replace(PLAIN, paper=paper, layout=layout)
            if layout == "return_slip":
                slip = replace(slip, destination=NORTHFIELD, return_to=NORTHFIELD)
            yield f"{paper} {layout}", slip
    small: tuple[Paper, ...] = ("4x6", "roll80")
    for number, (script, title) in enumerate(TITLES.items()):
        yield script, replace(PLAIN, paper=small[number % 2], title=title, author=title, note=title)
    yield "300 characters", replace(PLAIN, title=TITLES["300 characters"])
    yield "One of three pieces", replace(PLAIN, paper="a5", of_pieces=(2, 3))
    own = ("Open Monday to Friday, 9 to 17.", "Thank you for lending with us!")
    yield "Logo and own texts", replace(PLAIN, paper="a5", logo=_logo(), texts=own)
    yield "With a back", replace(PLAIN, paper="a5", layout="shipping", duplex=True)


def _documents() -> Iterator[tuple[str, bytes]]:
    for caption, content in _captioned():
        yield caption, render(content)
    together = [replace(PLAIN, layout=layout, duplex=True) for layout in get_args(Layout)]
    yield "4 to a Letter sheet", render_batch(together, per_sheet=4)
    yield "6 to an A4 sheet", render_batch([*together, *together[:2]], per_sheet=6, paper="a4")
    papers: tuple[Paper, ...] = ("letter", "4x6")
    for paper in papers:
        yield f"{paper} pull list", _pull_list(paper)


def _pull_list(paper: Paper) -> bytes:
    shelves = ("Main stacks, level 2", "Main stacks, level 3", "Storage")
    lines = [
        PullLine(
            reference=f"XPX-{1042 + number}",
            title=title,
            call_number=f"PR{4034 + number} .P7",
            location=shelves[number * 3 // len(TITLES)],
            partner=RIVERSIDE.name,
            item_barcode=f"3195100012345{number}",
            need_by=date(2026, 12, 3),
        )
        for number, title in enumerate(TITLES.values())
    ]
    return render_pull_list(NORTHFIELD.name, PLAIN.printed_at, PLAIN.printed_by, lines, paper=paper)


def _pages(pdf: bytes) -> Iterator[Image.Image]:
    for number in range(min(pages_of(pdf), 2)):
        yield Image.open(BytesIO(as_png(pdf, page=number, dpi=DPI)))


def _placed(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """Rows from left to right; the places, and how high all of it is."""
    places, x, y, high = [], GAP, GAP, 0
    for width, height in sizes:
        if x + width + GAP > WIDTH:
            x, y, high = GAP, y + high + GAP, 0
        places.append((x, y))
        x, high = x + width + GAP, max(high, height + CAPTION)
    return places, y + high + GAP


def _logo() -> bytes:
    """Three books on a shelf."""
    picture = Image.new("L", (240, 120), 255)
    pen = ImageDraw.Draw(picture)
    for left, top, grey in ((20, 30, 60), (70, 10, 0), (120, 45, 110)):
        pen.rectangle((left, top, left + 40, 100), fill=grey)
    pen.rectangle((0, 102, 239, 110), fill=0)
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(contact_sheet())
