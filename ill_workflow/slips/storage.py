"""A slip on the disk is either whole or not there."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write(path: Path, pdf: bytes) -> None:
    """Put a PDF in its place, durably. The same again changes nothing; a full disk is an `OSError`, and no debris."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _holds(path, pdf):
        _replace(path, pdf)
    # Also after a repeat: the first writer may have died between the rename and this line.
    _make_durable(path.parent)


def _holds(path: Path, pdf: bytes) -> bool:
    try:
        return path.read_bytes() == pdf
    except FileNotFoundError:
        return False


def _replace(path: Path, pdf: bytes) -> None:
    # A name of its own for each writer: two workers may make the same slip at once.
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pdf)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished)
        raise


def _make_durable(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
