"""A library's logo: what is taken as one, and its size."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image
from reportlab.lib.utils import ImageReader

from ill_workflow.errors import BadInput

LARGEST_FILE = 512 * 1024  #: bytes
PRINTED = (800, 400)  #: dots; no slip has room for more
LARGEST_PICTURE = 4_000_000  #: dots; small files can hold pictures that fill the memory


def check_logo(content: bytes) -> None:
    """Refuses what is no PNG or JPEG, is broken, or is too large."""
    if len(content) > LARGEST_FILE:
        raise BadInput("A logo has at most 512 KB; this file has more.", field="logo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                too_large = width * height > LARGEST_PICTURE
                if not too_large:
                    picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        too_large = True
    except Exception as trouble:  # Pillow's readers raise whatever broken bytes make them stumble over.
        raise BadInput("A logo is a PNG or JPEG picture; this file can't be read as one.", field="logo") from trouble
    if too_large:
        raise BadInput(f"A logo has at most {LARGEST_PICTURE // 1_000_000} million dots.", field="logo")


@dataclass(frozen=True, slots=True)
class Picture:
    """A logo as it is printed: in greys, on white."""

    reader: ImageReader
    grey: Image.Image
    width: int
    height: int


@lru_cache(64)
def picture_of(content: bytes) -> Picture | None:
    """A logo for printing; none if it is no picture, for a slip is worth more than what decorates it."""
    try:
        check_logo(content)
    except BadInput:
        return None
    with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as picture:
        coloured = picture.convert("RGBA")
    coloured.thumbnail(PRINTED)
    paper = Image.new("RGBA", coloured.size, "white")
    paper.alpha_composite(coloured)
    grey = paper.convert("L")
    return Picture(ImageReader(grey), grey, *coloured.size)


def as_printed(content: bytes) -> bytes:
    """The logo as slips have it, as a PNG that is made anew; whatever else was in the file is gone."""
    check_logo(content)
    picture = picture_of(content)
    if picture is None:
        raise BadInput("A logo is a PNG or JPEG picture; this file can't be read as one.", field="logo")
    file = BytesIO()
    picture.grey.save(file, "PNG")
    return file.getvalue()
