"""The look of the console: what is written can be read, by day and by night, and the sheet stays small."""

import re
from pathlib import Path

import pytest

from ill_workflow.web.assets import OURS

SHEET = (OURS / "console.css").read_text(encoding="utf-8")
TONES = ("calm", "good", "warn", "bad", "busy")
#: What is written on what.
WRITTEN = [
    *(("ink", ground) for ground in ("ground", "paper", "sunk", "accent-tint")),
    *(("soft", ground) for ground in ("ground", "paper", "sunk")),
    *(("accent", ground) for ground in ("ground", "paper", "sunk", "accent-tint")),
    *((tone, f"{tone}-tint") for tone in TONES),
    *((tone, "paper") for tone in TONES),
    *(("ink", f"{tone}-tint") for tone in TONES),
    ("on-accent", "accent"),
]
#: What has to be seen without being read: edges of controls, and where one is.
SEEN = [(mark, ground) for mark in ("edge", "focus") for ground in ("ground", "paper", "sunk")]


def tokens(night: bool) -> dict[str, str]:
    rules = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#\w{6})", rules[0]))
    return found | dict(re.findall(r"--([\w-]+): (#\w{6})", rules[1])) if night else found


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_what_is_written_can_be_read(night):
    colours = tokens(night)
    assert len(colours) >= 20
    faint = [pair for pair in WRITTEN if contrast(*(colours[name] for name in pair)) < 4.5]
    assert faint == []
    assert [pair for pair in SEEN if contrast(*(colours[name] for name in pair)) < 3] == []


def test_the_sheet_stays_small_and_fetches_nothing():
    assert len(SHEET.encode()) < 22_000
    assert "url(" not in SHEET
    assert "@import" not in SHEET


def test_no_page_brings_a_style_or_a_script_of_its_own():
    own = re.compile(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|javascript:|hx-on")
    pages = (Path(OURS).parent / "templates").rglob("*.html")
    assert [page.name for page in pages if own.search(page.read_text(encoding="utf-8"))] == []


def contrast(one: str, other: str) -> float:
    """As WCAG reckons it: from 1 for the same to 21 for black and white."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
