"""The order of the shelves, with call numbers as they stand on spines."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ill_workflow.slips.shelf_order import place

CONGRESS = [
    "AM7 .G73 1998",
    "B 72 .R8",
    "DAW1010 .M3",
    "DJK9 .K5",
    "E184.A1 A63",
    "E184 .I6 C66",
    "E185.5 .J4",
    "HB3716 1929 .G3",
    "HB3716 .A2",
    "KF27 .E5",
    "KFM2478 .S8",
    "P35 .B6",
    "PN56 .A3",
    "PR403.5 .S4 1990",
    "PR4034 .P7",
    "PR4034 .P7 1995b",
    "PR4034 .P7 2003",
    "PR4034 .P7 2003 c.2",
    "PR4034 .P7 2003 v.1",
    "PR4034 .P7 2003 v.2",
    "PR4034 .P7 2003 V10",
    "PR4034 .P7 A3 1960",
    "PR4034 .P72 1950",
    "PR4034.P8",
    "PS3505 .U334 A17",
    "QA 76.6 .B4",
    "QA76.6 .C662 2009",
    "QA76.6 .C7",
    "QA76.6.C7 1988",
    "QA76.73.P98 L8",
    "QA76.9 .D3",
    "QA276 .A1",
    "WG 120 .B5",
    "WG 1120",
    "Z5579 .S9",
]
DEWEY = [
    "004.6 TAN",
    "005 ABR",
    "005.133 KER",
    "248",
    "813.54 K58s v.2",
    "813.54 K58s v.10",
    "813.54 K6",
    "823 DIC",
    "823.7 A93p 1995",
    "823.7 A933",
    "823.7 AUS",
    "823.8 BRO",
    "823.912 AUS",
    "823.914 ROW",
    "823/.92 SMI",
    "940.53'18 BER",
    "940.54 BEE",
]
LOCAL = ["CD 2", "CD 10", "DVD 9", "DVD 123", "DVD 1234", "FIC AUS", "FIC BRO", "ZZ-A 12/3", "ZZ-A 12/11"]


def in_order(numbers, location="Main stacks"):
    return [number for _, number in walk([(location, number) for number in numbers])]


def walk(things):
    """They come in any order, and are fetched in one."""
    return sorted(random.Random(7).sample(things, len(things)), key=lambda thing: place(*thing))


@pytest.mark.parametrize("numbers", [CONGRESS, DEWEY, LOCAL], ids=["Congress", "Dewey", "of our own"])
def test_call_numbers_stand_as_on_the_shelf(numbers):
    assert in_order(numbers) == numbers


def test_the_walk_goes_by_location_first_and_by_level_as_people_count():
    things = [
        ("Annex", "Z5579 .S9"),
        ("Main stacks, level 2", "PR4034 .P7"),
        ("Main stacks, level 10", "AM7 .G73"),
        ("Österreich", "B 72 .R8"),
        ("Science", "A1"),
        ("", "A1"),
    ]
    assert walk(things) == things


def test_what_has_no_call_number_comes_last_in_its_location_by_title():
    things = [
        ("Annex", "Z5579 .S9", "Zebras"),
        ("Annex", None, "Emma 2"),
        ("Annex", " ", "Emma 10"),
        ("Science", "A1", "Atlas"),
        (None, None, "Atlas"),
        (None, None, "Bees"),
    ]
    assert walk(things) == things


def test_marked_shelves_stand_after_the_run():
    numbers = ["PR4034 .P7", "Z5579 .S9", "Folio N5300 .A3", "folio PR12 .A3", "REF AE5 .E3", "Ref. Z7 .B3"]
    assert in_order(numbers) == numbers
    assert in_order(["823.7 AUS", "J 823.7", "YA 813.6 COL"])[0] == "823.7 AUS"


def test_a_zero_behind_the_point_and_a_blank_make_no_difference():
    one, other = place("A", "QA76.60 .C7"), place("A", "QA 76.6.C7")
    assert one[:5] == other[:5]


any_text = st.text(max_size=60) | st.from_regex(r"[A-Z]{0,3} ?\.?[0-9]{1,5}(\.[0-9a-z]*)?( \.?[A-Zv][0-9.]*){0,3}")


@given(st.lists(st.tuples(any_text, any_text, any_text), min_size=2, max_size=6))
def test_any_texts_have_one_order(things):
    keys = [place(*thing) for thing in things]
    assert sorted(keys) == sorted(random.Random(7).sample(keys, len(keys)))
    for thing, other in pairwise(things):
        a, b = place(*thing), place(*other)
        assert (a < b) + (b < a) + (a == b) == 1


def test_what_was_typed_in_small_letters_stands_where_it_would_in_capitals():
    mixed = ["qa76.6 .c662", "QA76.6 .C67", "qa76.6 .c7", "qa76.6 .c7 v.2", "QA76.6 .C7 v.10"]
    assert in_order(mixed) == mixed


def test_a_number_longer_than_a_computer_likes_is_sorted_too():
    long = "9" * 5000
    assert in_order([f"DVD {long}", "DVD 7", f"PR{long}"])[0] == "DVD 7"
