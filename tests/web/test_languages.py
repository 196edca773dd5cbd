"""The console speaks the language of whoever looks."""

import pytest

from ill_workflow.web.words import NAMES, _, choose, ngettext, pseudo, speaking


@pytest.mark.parametrize(
    ("chosen", "accepted", "spoken"),
    [
        (None, "", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr,ja", "en"),
        ("en", "de", "en"),
        ("de", "en", "de"),
        ("tlh", "de", "de"),
        ("en-XA", "de", "en-XA"),
    ],
)
def test_what_somebody_chose_comes_before_what_their_browser_asks_for(chosen, accepted, spoken):
    assert choose(chosen, accepted) == spoken


def test_a_choice_is_kept_by_the_browser(quick_stage, visiting):
    page = visiting(quick_stage)("operator")
    assert page.get("/sign-in", follow_redirects=False).status_code == 303

    page.client.cookies.delete("ill")
    assert page.tree("/sign-in").get("lang") == "en"
    answer = page.submit("/language", language="de", next="/sign-in?next=/l/MAIN/lending")

    assert answer.headers["location"] == "/sign-in?next=/l/MAIN/lending"
    assert page.tree("/sign-in").get("lang") == "de"
    assert page.submit("/language", language="tlh").status_code == 422
    assert page.submit("/language", language="en", next="//elsewhere.example").headers["location"] == "/"


def test_a_sentence_is_said_in_german_with_the_values_that_stand_in_it():
    refusal = (
        "XPX-1 is On Loan to Patron. Receive is possible while it is Shipped or In Transit. "
        "What can be done: Request Renewal, Scan In."
    )
    with speaking("de"):
        assert _("There is no library NOWHERE. Known: MAIN, RIV.") == (
            "Eine Bibliothek NOWHERE gibt es nicht. Bekannt sind: MAIN, RIV."
        )
        assert _("There is no library St. Paul. Known: MAIN.") == (
            "Eine Bibliothek St. Paul gibt es nicht. Bekannt sind: MAIN."
        )
        assert _(refusal) == (
            "XPX-1: An Nutzer ausgeliehen. „Eingang verbuchen“ ist möglich, solange der Stand Versandt oder "
            "Unterwegs ist. Was möglich ist: Verlängerung erbitten, Einscannen."
        )
        assert _("Nobody has ever said this.") == "Nobody has ever said this."


@pytest.mark.parametrize(
    ("part", "times"), [("a. ", 20), ("a. ", 1000), ("a. ", 100_000), ("There is no x is no ", 10_000)]
)
def test_what_somebody_typed_keeps_nobody_busy_who_looks_for_our_sentences_in_it(part, times):
    typed = part * times
    told = f"Ship Item knows no field {typed!r}."
    with speaking("de"):
        assert _(told) in (f"Versenden kennt kein Feld {typed!r}.", told)


def test_the_foreign_looking_language_keeps_values_and_is_longer():
    with speaking("en-XA"):
        said = _("There is no library NOWHERE. Known: MAIN, RIV.")
        assert "NOWHERE" in said
        assert said.startswith("⟦")
        assert ngettext("{n} request", "{n} requests", 2).format(n=2).startswith("⟦2 ")
    assert len(pseudo("Today and tomorrow")) >= len("Today and tomorrow") * 1.4


def test_every_language_has_words_for_all_that_is_said():
    from docs.words import untranslated

    for language in NAMES:
        if language != "en":
            assert untranslated(language) == [], "run: python docs/words.py, and translate what it names"
