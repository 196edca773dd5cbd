"""Letters: a sandbox with listed values, subjects of one line, and HTML that nobody can smuggle anything into."""

from datetime import date

import pytest

from ill_workflow.mail.letters import LETTERS, LetterValues, TemplateBroken, write_letter
from ill_workflow.mail.sentences import in_words
from ill_workflow.typed import LANGUAGES

VALUES = LetterValues(reference="XPX-1", title="Emma", library_name="Main", patron_name="Ann")


FULL = LetterValues(
    reference="XPX-1", title="<b>Emma</b> & more", author="A\nB", library_name="Main",
    library_reply_to="a@b.example", library_address="1 Street\nTown", patron_name="Ann", pickup_location="Desk",
    partner_name="Hill", due_date=date(2026, 3, 1), return_by=date(2026, 3, 2), level=2, reason="NotOnShelf",
    note="two\nlines", amount="1.00 USD", link="https://x.example/" + "y" * 600, state_label="New", occasion="overdue",
    need_by=date(2026, 3, 3), call_number="PR", item_barcode="1", partner_reference="P",
    conditions=("LibraryUseOnly",), lines=(("Note", "z" * 1500),),
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_can_be_written_with_the_least_and_with_the_most(language):
    for name in LETTERS:
        for values in (VALUES, FULL):
            letter = write_letter(name, values, language)
            assert "\n" not in letter.subject, name
            assert len(letter.subject) <= 200, name
            assert "<b>" not in letter.html, name
            assert "NotOnShelf" not in letter.text, name
        if name in ("document", "alert_partner_informs"):
            assert "y" * 600 in letter.text, "half a link is none"


@pytest.mark.parametrize(
    "source",
    [
        "{{ title.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.__class__ }}",
        "{{ title.format.__globals__ }}",
        "{{ unknown_value }}",
        "{{ title | nosuchfilter }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ title | day }}",
        "{{ 1 / 0 }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ conditions.append('x') }}",
        "{% for",
    ],
)
def test_a_template_that_reaches_for_more_is_broken_and_says_so(source):
    with pytest.raises(TemplateBroken, match="shipped"):
        write_letter("shipped", VALUES, source=f"Subject\n\n{source}")


def test_a_subject_is_one_line_whatever_the_title_holds():
    values = LetterValues(reference="X", title="a\r\nBcc: b@c.example\u2028d")
    assert write_letter("shipped", values).subject == "On its way: “a Bcc: b@c.example d”"


def test_plain_text_is_not_escaped_and_html_is():
    letter = write_letter("shipped", LetterValues(reference="X", title="Tom & <Jerry>"))
    assert "Tom & <Jerry>" in letter.text
    assert "Tom &amp; &lt;Jerry&gt;" in letter.html


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NotOnShelf", "not on shelf"), ("NotAvailableForILL", "not available for ILL"), ("OnLoan", "on loan"),
        ("It is at the bindery.", "It is at the bindery."), ("ILL", "ILL"), ("unavailable", "unavailable"), ("", ""),
    ],
)  # fmt: skip
def test_codes_in_words(code, words):
    assert in_words(code) == words
