"""Every letter in every language: nothing is missing, nothing unknown is asked for, nothing is left in English."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ill_workflow.mail.checking import check_template
from ill_workflow.mail.letters import (
    ALERTS,
    LETTERS,
    MESSAGES,
    PATRON_LETTERS,
    TEMPLATES,
    Entry,
    LetterValues,
    default_template,
    write_letter,
)
from ill_workflow.mail.sentences import name_of_message, words_of
from ill_workflow.messages import letter as message_letter
from ill_workflow.messages import outbound
from ill_workflow.messages.preview import _BORROWER, _BOTH
from ill_workflow.typed import LANGUAGES
from state_machines.borrowing import BORROWING
from state_machines.changes import TRAVELLING
from state_machines.lending import LENDING

OTHERS = [language for language in LANGUAGES if language != "en"]
VALUES = LetterValues(
    reference="XPX-1", title="Emma", author="Austen", library_name="Main", patron_name="Ann",
    due_date=date(2026, 3, 1), level=2, reason="NotOnShelf", lines=(("Band", "3"),),
    notices=(Entry("XPX-1", "Emma", "Satz.", state_label="Neu"), Entry("XPX-2", "Emma", "Satz.")),
)  # fmt: skip


def effects(kind):
    """The arguments of all effects of a kind that the two lifecycles have."""
    found = set()
    for lifecycle in (BORROWING, LENDING):
        for action in lifecycle.actions:
            targets = action.dest if isinstance(action.dest, tuple) else ()
            for then in (action.then, *(target.then for target in targets)):
                found |= {effect.argument for effect in then if effect.kind == kind}
    return found


def test_there_is_a_folder_for_each_language_and_no_other():
    assert {folder.name for folder in TEMPLATES.iterdir()} == set(LANGUAGES)
    assert len({tuple(sorted(f.name for f in folder.iterdir())) for folder in TEMPLATES.iterdir()}) == 1


def test_each_occasion_of_the_lifecycles_has_a_letter_of_its_own():
    patron = {"overdue" if a.startswith("overdue") else a for a in effects("notify_patron")}
    assert patron == set(PATRON_LETTERS), "no occasion without a letter, no letter without an occasion"
    assert {f"alert_{a}" for a in effects("alert_staff")} <= set(ALERTS)
    assert {name_of_message(a) for a in effects("send_message")} <= set(MESSAGES)
    assert len(set(LETTERS)) == len(LETTERS)


def test_alerts_about_timers_are_named_after_timers_that_there_are():
    timers = {t for lifecycle in (BORROWING, LENDING) for a in lifecycle.actions for t in a.fires}
    for name in ALERTS:
        for stem in ("alert_reminder_", "alert_no_answer_"):
            if name.startswith(stem):
                assert name.removeprefix(stem) in timers, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_templates_pass_what_a_librarys_have_to(language):
    layouts = {default_template(name, language): name for name in LETTERS}
    assert len(layouts) == len(list((TEMPLATES / language).iterdir())), "each file is some letter's"
    for source, name in layouts.items():
        check_template(name, language, source)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("table", ["subjects", "alerts", "messages", "notices", "labels", "values"])
def test_no_language_lacks_a_sentence_or_a_label(language, table):
    english, other = getattr(words_of("en"), table), getattr(words_of(language), table)
    assert set(other) == set(english)
    assert all(other.values())
    same = {key for key in english if english[key] == other[key]}
    assert same <= {"ISBN", "ISSN", "Link"}, "left in English"


def test_each_table_is_about_the_same_messages():
    english = words_of("en")
    assert set(english.subjects) == set(english.messages)
    assert set(english.notices) == set(PATRON_LETTERS)
    assert set(english.messages) >= _BORROWER | _BOTH


@pytest.mark.parametrize("language", OTHERS)
def test_every_state_is_called_something(language):
    states = {state.name for lifecycle in (BORROWING, LENDING) for state in lifecycle.states}
    assert states == set(words_of(language).states)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_of_a_line_to_a_partner_is_known(language):
    source = message_letter.__loader__.get_source(message_letter.__name__)
    labels = set(re.findall(r'yield "([^"]+)"', source)) | {"Item", "Items"}
    assert labels == set(words_of(language).labels)


@pytest.mark.parametrize("language", OTHERS)
def test_what_we_write_into_notes_ourselves_is_said_in_the_language(language):
    words = words_of(language)
    written = [
        *outbound._SENTENCES.values(), "This is notice 2.", "What would do: X", "Damage: minor.", "Damage: major.",
        "Damage: beyond repair.", "We would like to keep it until 2026-04-20.", "It has no patron.",
        "The same patron has asked for it already: XPX-1.", "Lending is suspended.",
        *(f"{field}: x" for field in TRAVELLING),
    ]  # fmt: skip
    for sentence in written:
        said = words.said(sentence)
        assert said != sentence or sentence.startswith("isbn"), sentence
    assert words.said("A volume: of its own") == "A volume: of its own", "what people write stays as it is"


def test_a_german_letter_has_no_english_in_it():
    for name in LETTERS:
        letter = write_letter(name, VALUES, "de")
        english = re.findall(r"\b(the|please|has|your|request|reference|due|title:|dear|reason)\b", letter.text.lower())
        assert english == [], name
        assert '<html lang="de">' in letter.html
        assert write_letter(name, VALUES, "en").text != letter.text


def test_days_money_and_codes_are_written_as_the_reader_writes_them():
    german, english = words_of("de"), words_of("en")
    assert (english.day(date(2026, 3, 1)), german.day(date(2026, 3, 1))) == ("1 March 2026", "1. März 2026")
    assert german.money(Decimal("1105.5"), "EUR") == "1105,50 EUR"
    assert english.money(Decimal("1105.5"), "USD") == "1105.50 USD"
    assert (german.of_code("NotOnShelf"), english.of_code("NotOnShelf")) == ("nicht am Standort", "not on shelf")
    assert german.of_code("Steht beim Direktor.") == "Steht beim Direktor."
    assert german.of_code("SomethingNew") == "something new", "a code that nobody has translated is still readable"


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_each_level_of_an_overdue_notice_says_which_it_is(level):
    subject = write_letter("overdue", replace(VALUES, level=level), "de").subject
    assert subject == {0: "Bitte zurückgeben: „Emma“", 1: "Mahnung: „Emma“"}.get(level, f"{level}. Mahnung: „Emma“")


def test_an_unknown_language_is_written_in_english():
    assert words_of("xx").language == "en"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["patron_digest", "alert_digest", "slips"])
def test_one_is_not_counted_as_many(language, name):
    one = replace(VALUES, notices=VALUES.notices[:1])
    subject = write_letter(name, one, language).subject
    assert re.search(r"1 (messages|notices|requests|Mitteilungen|Meldungen|Bestellungen)", subject) is None, subject
    assert "1" in subject
    text = write_letter(name, one, language).text
    assert not text.startswith("\n")
    assert "Bestellscheine" in text or "slips" in text or "Emma" in text


def test_what_is_noted_of_a_message_that_moves_nothing_is_said_in_words():
    german, english = words_of("de"), words_of("en")
    note = "Hilltop said before what was heard already: Loaned. Handle with care."
    assert english.said(note) == "Hilltop said before what was heard already: shipped. Handle with care."
    assert german.said(note) == "Hilltop hatte zuvor gemeldet, was inzwischen überholt ist: versandt. Handle with care."
    note = "Hilltop, asked before, says: WillSupply with condition."
    assert german.said(note) == "Hilltop, zuvor angefragt, meldet: Lieferung unter einer Bedingung."
    assert german.said("Hilltop, asked before, says: nothing new.") == "Hilltop, zuvor angefragt, meldet nichts Neues."
    assert "verloren" in german.said("Hilltop said before what was heard already: Notification lost.")
    assert german.said("Hilltop, asked before, says: Notification.").endswith("meldet: eine Mitteilung.")
    parcel = "Hilltop, asked before, has sent the item as well. It gets a request of its own."
    assert "zuvor angefragt, hat das Medium ebenfalls geschickt" in german.said(parcel)
