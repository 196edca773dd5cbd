"""A library's logo: what is taken as one, and its size."""

import warnings
from io import BytesIO

from PIL import Image

from ill_workflow.errors import BadInput

LARGEST_FILE = 512 * 1024  #: bytes
LARGEST_PICTURE = 4_000_000  #: dots; small files can hold pictures that fill the memory


def check_logo(content: bytes) -> None:
    """Refuses what is no PNG or JPEG, is broken, or is too large."""
    if len(content) > LARGEST_FILE:
        raise BadInput(f"A logo has at most 512 KB; this file has {len(content) // 1024 + 1}.", field="logo")
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
