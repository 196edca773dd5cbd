"""Pictures on slips and of slips: a library's logo, a preview, and all slips at once."""

import struct
import zlib
from dataclasses import replace
from io import BytesIO
from itertools import product
from typing import get_args

import pytest
from PIL import Image

from ill_workflow.errors import BadInput
from ill_workflow.slips import PAPERS, Layout, check_logo, render, render_batch
from ill_workflow.slips.contact_sheet import TITLES, contact_sheet, samples
from ill_workflow.slips.preview import as_png
from tests.slips.reading import SLIP, pages, scanned

pytestmark = pytest.mark.long


def picture(kind="PNG", size=(240, 120), mode="RGBA"):
    file = BytesIO()
    Image.new(mode, size, "navy").save(file, kind)
    return file.getvalue()


def bomb():
    """A few bytes that say they are 30 000 dots wide and high."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "logo",
    [picture(), picture("JPEG", mode="RGB"), picture(mode="L"), picture(mode="P"), picture(size=(1, 1))],
    ids=["colours", "jpeg", "greys", "palette", "dot"],
)
def test_a_png_or_jpeg_is_a_logo(logo):
    check_logo(logo)
    for paper in PAPERS:
        (page,) = pages(render(replace(SLIP, paper=paper, logo=logo, layout="return_slip")))
        assert 3 in [thing.type for thing in page.get_objects()]


REFUSED = {
    "nothing": b"",
    "words": b"our logo",
    "gif": picture("GIF", mode="L"),
    "bmp": picture("BMP", mode="RGB"),
    "svg": b"<svg/>",
    "broken": picture()[:90],
    "large": picture() + b"x" * 600_000,
    "bomb": bomb(),
}


@pytest.mark.parametrize("logo", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(logo):
    with pytest.raises(BadInput) as refused:
        check_logo(logo)
    assert refused.value.field == "logo"
    # A slip is made all the same, should one have got into the settings.
    assert render(replace(SLIP, logo=logo)) == render(SLIP)


def test_a_logo_is_the_same_bytes_each_time():
    slip = replace(SLIP, logo=picture())

    assert render(slip) == render(replace(slip, logo=picture())) != render(SLIP)


def test_a_preview_is_a_picture_in_true_size():
    png = as_png(render_batch([SLIP, replace(SLIP, paper="4x6", reference="XPX-2")]), page=1, dpi=100)
    image = Image.open(BytesIO(png))

    assert image.format == "PNG"
    assert image.size == (400, 600) or image.size == (401, 601) or image.size == (400, 601)
    assert round(image.info["dpi"][0]) == 100
    assert scanned(image) == ["XPX-2"]


@pytest.mark.parametrize(("more", "field"), [({"page": 1}, "page"), ({"page": -1}, "page"), ({"dpi": 9000}, "dpi")])
def test_a_page_that_is_not_there_is_refused(more, field):
    with pytest.raises(BadInput) as refused:
        as_png(render(SLIP), **more)

    assert refused.value.field == field


def test_the_samples_cover_every_layout_on_every_paper_and_every_script():
    found = samples()

    assert {(slip.layout, slip.paper) for slip in found} >= set(product(get_args(Layout), PAPERS))
    assert {slip.title for slip in found} >= set(TITLES.values())
    assert [slip for slip in found if slip.duplex]
    assert [slip for slip in found if slip.of_pieces]
    assert [slip for slip in found if slip.logo and slip.texts]


def test_one_picture_shows_all_slips():
    image = Image.open(BytesIO(contact_sheet()))

    assert image.format == "PNG"
    assert image.size[0] == 2400
    assert image.size[1] > 3000
