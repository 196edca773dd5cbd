"""The reference as a Code 128 that a hand scanner reads from paper."""

from itertools import groupby

from barcode.codex import Code128

from ill_workflow.errors import BadInput

LONGEST = 16  #: characters; more would not fit beside the delivery code
MODULE = 0.38  #: mm, the width of the narrowest bar: read back by a decoder from 100 dpi up
QUIET_ZONE = 10  #: modules of white paper on both sides, as ISO/IEC 15417 asks


def bars(reference: str) -> list[tuple[int, int]]:
    """The black bars of a reference as (start, width), in modules from the left edge of the quiet zone."""
    return _runs(modules(reference))


def modules(reference: str) -> str:
    """A reference in ones (black) and zeros, with its quiet zones; refuses what can't be scanned back as typed."""
    _check(reference)
    quiet = "0" * QUIET_ZONE
    pattern: str = Code128(reference).build()[0]
    return quiet + pattern + quiet


def _check(reference: str) -> None:
    if not reference:
        raise BadInput("A slip needs a reference for its barcode.", field="reference")
    if len(reference) > LONGEST:
        raise BadInput(
            f"A reference has at most {LONGEST} characters; this one has {len(reference)}.", field="reference"
        )
    if not all(" " <= character <= "~" for character in reference):
        raise BadInput("A reference is written in plain letters, digits and signs (ASCII) only.", field="reference")
    if reference != reference.strip():
        raise BadInput("A reference neither begins nor ends with a blank.", field="reference")


def _runs(pattern: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for colour, run in groupby(pattern):
        width = len(list(run))
        if colour == "1":
            found.append((at, width))
        at += width
    return found
