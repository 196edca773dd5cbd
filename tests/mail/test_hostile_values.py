"""Whatever a title, a note or a name holds: it comes out as it was typed, and does nothing else."""

import email
import html as html_
import re
from datetime import UTC, datetime
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ill_workflow.mail.envelope import Mail, compose
from ill_workflow.mail.letters import LETTERS, LONGEST_VALUE, Entry, LetterValues, write_letter
from ill_workflow.mail.mailer import mailbox
from ill_workflow.typed import LANGUAGES

AT = datetime(2026, 2, 2, 9, tzinfo=UTC)
ANYTHING = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)


@settings(max_examples=60, deadline=None)
@given(ANYTHING, st.sampled_from(LETTERS), st.sampled_from(list(LANGUAGES)))
@example("{{ 7 * 7 }}{% for x in y %}{# #}", "shipped", "de")
@example("x\r\nBcc: everybody@everywhere.example", "alert_overdue", "en")
@example("=?utf-8?q?=0ABcc=3A_a@b.example?=", "patron_digest", "de")
@example("a\x00b\x1b[31m\ud800", "alert_partner_informs", "en")
@example('<script>alert("1")</script>&amp;', "partner_note", "de")
def test_nothing_that_is_typed_becomes_a_header_a_tag_or_a_template(typed, name, language):
    values = LetterValues(
        reference="XPX-1", title=typed, author=typed, note=typed, reason=typed, patron_name=typed, library_name=typed,
        conditions=(typed,), lines=((typed, typed),), notices=(Entry("XPX-1", typed, typed, note=typed),) * 2,
    )  # fmt: skip

    letter = write_letter(name, values, language)
    mail = Mail("<a@b.example>", "ill@a.example", None, mailbox("Ann", "a@b.example"), letter.subject, letter.text)
    sent = email.message_from_bytes(compose(mail, AT).as_bytes(), policy=default)

    assert set(sent.keys()) <= {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    }  # fmt: skip
    assert sent["Auto-Submitted"] == "auto-generated"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", letter.subject + letter.text)
    tags = set(re.findall(r"<[^>]*>", letter.html))
    plain = {"<!DOCTYPE html>", f'<html lang="{language}">', "<p>", "</p>", "<br>", "</body>", "</html>"}
    assert tags - plain == {'<body style="font-family: sans-serif; max-width: 40em">'}


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_signs_in_a_title_come_out_as_they_are(language):
    title = "{{ library_name }} {% if x %} {# no #} Tom & <Jerry>"
    letter = write_letter("ready", LetterValues(reference="X", title=title, library_name="Main"), language)
    assert title in letter.subject
    assert title in letter.text
    assert html_.escape(title) in letter.html


def test_a_title_without_end_is_cut_and_a_digest_of_many_such_still_leaves():
    endless = "W" * 5000
    values = LetterValues(
        reference="X", title=endless, notices=tuple(Entry("X", endless, "S.", author=endless) for _ in range(50))
    )
    letter = write_letter("patron_digest", values, "de")
    assert "W" * (LONGEST_VALUE + 1) not in letter.text
    assert len(letter.text) < 100_000
