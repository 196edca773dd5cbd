"""A slip on the disk is whole, or the old one, or not there."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ill_workflow.slips import write


def test_a_written_slip_is_whole_and_alone(tmp_path):
    place = tmp_path / "2026" / "XPX-1042.pdf"

    write(place, b"%PDF one")

    assert place.read_bytes() == b"%PDF one"
    assert list(place.parent.iterdir()) == [place]


def test_writing_the_same_again_changes_nothing(tmp_path):
    place = tmp_path / "slip.pdf"
    write(place, b"%PDF one")
    before = place.stat()

    write(place, b"%PDF one")

    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_newer_slip_replaces_the_older(tmp_path):
    place = tmp_path / "slip.pdf"
    write(place, b"%PDF one")

    write(place, b"%PDF two")

    assert place.read_bytes() == b"%PDF two"


@contextmanager
def little_room(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_there_is_no_room_the_old_slip_stays_and_nothing_is_left_lying_about(tmp_path):
    place = tmp_path / "slip.pdf"
    write(place, b"%PDF one")

    with little_room(1000), pytest.raises(OSError, match="large"):
        write(place, b"%PDF two" * 1000)

    assert place.read_bytes() == b"%PDF one"
    assert list(tmp_path.iterdir()) == [place]


def test_a_folder_in_the_way_is_an_error_of_the_disk(tmp_path):
    (tmp_path / "slip.pdf").mkdir()

    with pytest.raises(IsADirectoryError):
        write(tmp_path / "slip.pdf", b"%PDF")
