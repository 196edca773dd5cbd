"""A picture of a page, for looking at before anything goes to a printer."""

from io import BytesIO
from threading import Lock

import pypdfium2

from ill_workflow.errors import BadInput

#: The library that reads PDFs knows nothing of threads.
ONE_AT_A_TIME = Lock()
LARGEST = 600  #: dpi; a Letter page is then 34 million dots


def as_png(pdf: bytes, *, page: int = 0, dpi: int = 150) -> bytes:
    """One page, counted from 0, in greys; refuses a page that isn't there."""
    if not 1 <= dpi <= LARGEST:
        raise BadInput(f"A picture has 1 to {LARGEST} dots to the inch, not {dpi}.", field="dpi")
    with ONE_AT_A_TIME, pypdfium2.PdfDocument(pdf) as document:
        pages: int = len(document)
        if not 0 <= page < pages:
            raise BadInput(f"There is no page {page + 1}: this paper has {pages}.", field="page")
        picture = document[page].render(scale=dpi / 72, grayscale=True).to_pil()
    file = BytesIO()
    picture.save(file, "PNG", dpi=(dpi, dpi))
    return file.getvalue()


def pages_of(pdf: bytes) -> int:
    """How many pages there are."""
    with ONE_AT_A_TIME, pypdfium2.PdfDocument(pdf) as document:
        pages: int = len(document)
    return pages
