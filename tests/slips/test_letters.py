"""Titles in the scripts of the world: every letter is drawn, every letter can be read back from the file."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ill_workflow.slips import PAPERS, Address, Layout, fonts, lettering, render, render_batch, text
from ill_workflow.slips.contact_sheet import TITLES
from tests.slips.reading import SLIP, in_a_row, letters, pages, text_of

pytestmark = pytest.mark.long

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
FROM_RIGHT = {
    "Arabic": TITLES["Arabic"],
    "Hebrew": TITLES["Hebrew"],
    "Persian": "می‌خواهم زنده بمانم: داستان‌ها",
    "Vocalised": "العَرَبِيَّةُ لِلْجَمِيعِ",
}
FROM_LEFT = {name: title for name, title in TITLES.items() if name not in FROM_RIGHT} | {
    "Greek": "Ἡ Ὀδύσσεια καὶ ἡ Ἰλιάς",
    "Polish and Vietnamese": "Łódź, naïve café, Thép đã tôi thế đấy",
    "Beyond the first plane": "𠮷野家の歴史 𡈽",
    "Sanskrit": "श्रीमद्भगवद्गीता संस्कृत",
}
HOSTILE = {
    "nothing": "",
    "blanks": " \t\n\u3000",
    "zero width": "So\u200bft\u00ad \ufeffhyphen\u2060s",
    "turned": "abc \u202egnp.exe\u202c \u2066def\u2069",
    "control": "a\x00b\x07c\x1b[31m",
    "emoji": "😀👩\u200d👩\u200d👧\ufe0f🇺🇸",
    "one huge word": "Donaudampfschifffahrt" * 100,
    "one huge Arabic word": "كتاب" * 300,
    "a tower": "Z" + "\u0335\u0321\u031b\u0314\u0326" * 60 + "algo",
    "marks alone": "\u0301\u0302\u05b0\u064b\u093f\u0e31",
    "marks on what has none": "漢\u0301字\u05b0 \u0bcd か\u3099 1\u0e31 (\u093f)\u064b 漢\u200d",
    "fillers": "\u034f \u115f\u1160 \u17b4 \u3164 \uffa0 \u180b",
    "unknown to Unicode": "\u0378 \u05ec \u07ff \uffff",
    "half a character": "\ud83d lone \udc00",
    "private": "\ue000\uf8ff\U000f0000\U0010ffff",
    "long": "紅 שלום كتاب हिन्दी ไทย " * 300,
    "brackets": "(((שלום [1] {כתב} 123-456",
    "joiners": "\u200d\u200c\u200dक्\u200dष\u200c\u200d",
}


def title_of(name):
    return (FROM_LEFT | FROM_RIGHT)[name]


def signs(line):
    return [run for piece in lettering.set_line(line).pieces for run in piece.runs]


@pytest.mark.parametrize("name", [*FROM_LEFT, *FROM_RIGHT])
def test_every_sign_that_is_drawn_is_in_its_font(name):
    line = text.clean(title_of(name))

    assert UNKNOWN not in line
    for run in signs(line):
        known = fonts.han_font(run.text) if run.face == fonts.HAN else fonts.load(run.face)
        assert all(known.face.charToGlyph.get(ord(sign)) for sign in run.text)


@pytest.mark.parametrize("paper", ["letter", "4x6", "roll80"])
@pytest.mark.parametrize("name", FROM_LEFT)
def test_a_title_is_read_back_as_it_was_given(name, paper):
    title = title_of(name)
    said = text_of(render(replace(SLIP, paper=paper, title=title)))

    assert in_a_row(text.clean(title)) in in_a_row(said)
    assert UNKNOWN not in said


@pytest.mark.parametrize("paper", ["letter", "4x6", "roll80"])
@pytest.mark.parametrize("name", FROM_RIGHT)
def test_a_title_from_right_to_left_keeps_its_letters(name, paper):
    """A reader finds the order by itself; what the file owes it is each letter, once."""
    # What is on every slip is taken away: what is left is the title.
    slip = replace(SLIP, paper=paper)
    rest = letters(text_of(render(replace(slip, title=UNKNOWN))))
    said = letters(text_of(render(replace(slip, title=title_of(name)))))

    for letter in rest:
        said.remove(letter)
    assert said == letters(title_of(name))


LONG = {"Latin": "A long title of few words, ", "Cyrillic": "Война и мир, ", "Han": "紅樓夢是中國古典文學名著"}


@pytest.mark.parametrize("paper", ["letter", "a4"])
@pytest.mark.parametrize("script", LONG)
def test_three_hundred_characters_are_shown_whole_where_there_is_room(script, paper):
    title = (LONG[script] * 40)[:300].strip()

    for layout in ("routing", "book_strap", "return_slip"):
        said = in_a_row(text_of(render(replace(SLIP, layout=layout, paper=paper, title=title))))
        assert in_a_row(title) in said


@pytest.mark.parametrize("script", LONG)
def test_three_hundred_characters_are_cut_visibly_where_there_is_none(script):
    title = (LONG[script] * 40)[:300].strip()

    said = in_a_row(text_of(render_batch([replace(SLIP, title=title)], per_sheet=6)))

    begin = in_a_row(title)[:20]
    assert begin in said
    assert text.ELLIPSIS in said[said.index(begin) :][:300]


def test_letters_and_accents_that_came_apart_are_joined():
    assert "café" in text_of(render(replace(SLIP, title="cafe\N{COMBINING ACUTE ACCENT}")))


def test_what_no_font_has_is_replaced_visibly_and_what_nobody_sees_is_dropped():
    said = text_of(render(replace(SLIP, title="😀 So\u200bft\u00ad ly\x00\x1b sa\u202eid")))

    assert f"{UNKNOWN} Soft ly said" in said


def test_other_forms_of_a_letter_are_written_with_the_letter():
    assert text.clean("𝐀𝒷𝔠 ﬁ") in {"Abc ﬁ", "Abc fi"}


def test_arabic_letters_join():
    """This letter has three forms in a word, and a fourth where it stands alone."""
    alone, joined = {run.text for run in signs("ب")}, {run.text for run in signs("ببب")}

    assert len(joined - alone) == 3


def test_hebrew_runs_from_right_to_left_and_numbers_from_left_to_right():
    seen = "".join(run.text for run in sorted(signs("אבג 123"), key=lambda run: run.x))

    assert seen.replace(" ", "") == "123גבא"


def test_a_bracket_opens_towards_what_it_holds():
    drawn = "".join(run.text for run in sorted(signs("א(ב)"), key=lambda run: run.x))

    assert drawn == "(ב)א"


def test_lines_from_right_to_left_begin_at_the_right():
    (page,) = pages(render(replace(SLIP, title="שלום")))
    read = page.get_textpage()
    index, _ = read.search("ש").get_next()

    # The title has two thirds of the page; a short one that began at the left would end far before.
    assert read.get_charbox(index)[0] > 300


def test_points_and_vowels_tear_no_word_apart_for_a_reader():
    said = text_of(render(replace(SLIP, title="בְּרֵאשִׁית בָּרָא")))

    (title,) = [line for line in said.splitlines() if "ר" in line]
    assert len(title.split()) == 2


def test_each_line_of_a_text_runs_the_way_of_the_whole():
    lines = text.wrap("Word كتاب كتاب كتاب كتاب كتاب", 60, 12, 9)

    assert len(lines) > 2
    assert not any(lettering.runs_leftwards(line) for line in lines)
    assert all(lettering.runs_leftwards(line) for line in text.wrap("كتاب Word Word Word Word Word", 60, 12, 9))


@pytest.mark.parametrize("word", ["ประวัติศาสตร์ไทยที่ยิ่งใหญ่น้ำ", "कार्त्स्न्य", "x̂ŷẑ" * 9])
def test_no_letter_is_torn_from_its_marks(word):
    for width in range(40, 120, 7):
        for line in text.wrap(word, width, 12, 99):
            assert not line or text.unicodedata.category(line[0])[0] != "M"


def test_chinese_is_broken_anywhere_but_before_a_full_stop():
    lines = text.wrap("紅樓夢是中國古典文學名著。" * 5, 13 * 12.1, 12, 99)

    assert len(lines) > 4
    assert not [line for line in lines if line.startswith("。")]


def test_no_line_is_wider_than_its_place():
    for title in [*FROM_LEFT.values(), *FROM_RIGHT.values(), *HOSTILE.values()]:
        for width in (40, 90, 200):
            assert all(text.measure(line, 12) <= width + 0.01 for line in text.wrap(title, width, 12, 9))


@pytest.mark.parametrize("paper", ["letter", "4x6", "roll80"])
@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_partner_sends_makes_a_page(name, paper):
    words = HOSTILE[name]
    place = Address(words, (words, words), words)
    for layout in ("routing", "shipping"):
        slip = replace(SLIP, layout=layout, paper=paper, title=words, author=words, volume=words, note=words)
        slip = replace(slip, conditions=(words,), texts=(words,), hold_code=words, hub=place, destination=place)
        assert len(pages(render(slip))) == 1


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.sampled_from(get_args(Layout)), st.sampled_from(PAPERS))
def test_any_text_makes_one_page_and_fits(words, layout, paper):
    slip = replace(SLIP, layout=layout, paper=paper, title=words, author=words, note=words, conditions=(words, words))
    (page,) = pages(render(replace(slip, destination=Address(words, (words,), words))))
    width, height = page.get_size()
    for thing in page.get_objects():
        left, bottom, right, top = thing.get_bounds()
        assert -1 < left <= right < width + 1
        assert -1 < bottom <= top < height + 1


@cache
def digest():
    """Of slips in all scripts, as a fresh process draws them."""
    program = (
        "from hashlib import sha256; from ill_workflow.slips.contact_sheet import TITLES, PLAIN;"
        "from dataclasses import replace; from ill_workflow.slips import render;"
        "print(sha256(b''.join(render(replace(PLAIN, title=t)) for t in list(TITLES.values())[::-1])).hexdigest())"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.strip()


def test_the_same_slip_is_the_same_bytes_whatever_was_drawn_before():
    from ill_workflow.slips.contact_sheet import PLAIN

    for words in HOSTILE.values():
        render(replace(PLAIN, title=words))
    here = sha256(b"".join(render(replace(PLAIN, title=title)) for title in list(TITLES.values())[::-1])).hexdigest()

    assert here == digest()
