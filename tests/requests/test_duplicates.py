"""Whether a patron has asked for the same already."""

from datetime import timedelta

import pytest

from ill_workflow.libraries import find_library
from ill_workflow.patrons import find_patron, remember_patron
from ill_workflow.requests.citation import from_link
from ill_workflow.requests.duplicates import duplicates

pytestmark = pytest.mark.long

CARD = "21234000012345"


def twins(stage, barcode=CARD, at="MAIN", **fields):
    with stage.db.reading() as session:
        library = find_library(session, at)
        patron = find_patron(session, library.id, barcode)
        return [twin.reference for twin in duplicates(session, library, fields, patron, stage.clock.now())]


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"title": "Something else", "isbn": "9780141439518"}, True),
        ({"title": "PRIDE and Préjudice!", "author": "austen jane"}, True),
        ({"title": "Pride and Prejudice"}, True),
        ({"title": "Pride and Prejudice", "author": "Grahame-Smith, Seth"}, False),
        ({"title": "Pride and Prejudice", "author": "Austen, Jane", "volume": "2"}, False),
        ({"title": "Emma", "author": "Austen, Jane"}, False),
        ({"title": "", "isbn": ""}, False),
    ],
)
def test_the_same_number_or_the_same_title_and_author(quick_stage, fields, same):
    loan = quick_stage.borrows()
    assert twins(quick_stage, **fields) == ([loan.reference] if same else [])


def test_another_article_of_the_journal_is_something_else(quick_stage):
    journal = {"title": "Interlending", "issn": "0317-8471", "volume": "3(1)", "service": "copy"}
    first = quick_stage.borrows(**{**journal, "isbn": "", "article_title": "Who pays"})
    assert twins(quick_stage, **journal, article_title="Who pays") == [first.reference]
    assert twins(quick_stage, **journal, article_title="Who reads") == []


def test_what_ended_long_ago_is_asked_for_anew(quick_stage):
    loan = quick_stage.borrows(send=False)
    loan.does("cancel", reason="No longer wanted")
    assert twins(quick_stage, title="Pride and Prejudice") == [loan.reference], "recently closed"
    quick_stage.clock.advance(timedelta(days=91))
    assert twins(quick_stage, title="Pride and Prejudice") == []


def test_other_patrons_and_other_libraries_are_nobodys_business(quick_stage):
    quick_stage.borrows(at="RIV", ask=("MAIN",))
    with quick_stage.db.writing() as session:
        for code in ("MAIN", "RIV"):
            remember_patron(session, find_library(session, code).id, "2222", name="Somebody Else")
        remember_patron(session, find_library(session, "MAIN").id, CARD, name="Ann Reader")
    assert twins(quick_stage, title="Pride and Prejudice") == []
    assert twins(quick_stage, "2222", "RIV", title="Pride and Prejudice") == []


@pytest.mark.parametrize(
    ("link", "fields"),
    [
        (
            [("rft.genre", "article"), ("rft.jtitle", "Interlending"), ("rft.atitle", "Who pays"),
             ("rft.aulast", "Reyes"), ("rft.aufirst", "Ada"), ("rft.volume", "3"), ("rft.issue", "1"),
             ("rft.spage", "12"), ("rft.epage", "19"), ("rft.date", "2019-05"), ("rft.issn", "0317-8471")],
            {"service": "copy", "title": "Interlending", "article_title": "Who pays", "author": "Reyes, Ada",
             "volume": "3(1)", "pages": "12-19", "year": "2019", "issn": "0317-8471"},
        ),
        (
            [("ctx_ver", "Z39.88-2004"), ("rft.btitle", "Emma"), ("rft.title", "E"), ("rft.au", "Austen, Jane"),
             ("rft_id", "urn:ISBN:9780141439587"), ("rft.pub", "Penguin")],
            {"title": "Emma", "author": "Austen, Jane", "isbn": "9780141439587", "publisher": "Penguin"},
        ),
        ([("title", "Emma"), ("isbn", "x"), ("patron", "212")], {"title": "Emma", "isbn": "x", "patron": "212"}),
        ([("title", " A\x00\n B "), ("state", "shipped"), ("item_barcode", "9"), ("csrf", "x"), ("like", "1")],
         {"title": "A B"}),
        ([("title", "x" * 5000)], {"title": "x" * 1000}),
        ([], {}),
    ],
)  # fmt: skip
def test_a_link_of_a_discovery_page_is_read(link, fields):
    assert from_link(link) == fields
