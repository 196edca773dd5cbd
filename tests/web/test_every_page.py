"""What holds for every page, also for one that somebody adds: it can be reached, and all that it says is translated."""

from __future__ import annotations

import calendar
import re

import pytest
import sqlalchemy as sa
from lxml import html

from ill_workflow import libraries
from ill_workflow.accounts import Account
from ill_workflow.libraries import Library
from ill_workflow.lists.bulk import in_bulk
from ill_workflow.mail.sentences import in_words, words_of
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.models import Event, MailRow, Piece, Request
from ill_workflow.web import words
from state_machines.borrowing import BORROWING
from state_machines.declaration import MANAGER, PARTNER, STAFF
from state_machines.lending import LENDING
from tests.plugins.walk import pages_of, shown, walk

#: Pages that no link leads to on this morning, and why.
NOT_LINKED = {
    "/iso18626": "partners' systems come here",
    "/iso18626/": "the same",
    "/iso18626/{library}": "the same",
    "/iso18626/{library}/": "the same",
    "/copies/{name}": "partners come here, by a link that they were sent",
    "/sign-in": "who is signed in is sent on from there",
    "/l/{library}/bulk/{number}": "one gets there by doing something with many requests",
    "/l/{library}/bulk/{number}/slips.pdf": "the same",
    "/l/{library}/scan/slips/{slip_id}": "one gets there by a scan",
    "/l/{library}/slips/batches/{number}.pdf": "nothing was printed yet",
    "/l/{library}/slips/logo/{digest}.png": "there is no logo",
    "/l/{library}/requests/{number}/copies/{name}": "no copy was delivered as a file",
}
#: What is the same in every language, or written by Babel.
SAME = {
    *("ill", "workflow", "AM", "PM", "USD", "English", "Deutsch", "Message", "ID", "Python", "sqlite", "CSV", "PDF"),
    *calendar.month_abbr, *calendar.month_name, *calendar.day_abbr, *calendar.day_name,
    *("second", "seconds", "minute", "minutes", "hour", "hours", "day", "days"),
}  # fmt: skip
#: What letters say; that they do so in each language is a test of theirs.
LETTERS = {
    said.strip(" :.").casefold()
    for words_ in (words_of("en"),)
    for table in (words_.alerts, words_.messages, words_.subjects, words_.labels, words_.values, words_.codes)
    for said in table.values()
} | {in_words(code) for code in words_of("de").codes}
_BRACKETS = re.compile(r"⟦[^⟦⟧]*⟧")
_WORD = re.compile(r"[^\W\d_]{2,}")


@pytest.fixture
def console(busy_stage, visiting):
    return visiting(busy_stage)


@pytest.mark.long
def test_every_page_can_be_reached_by_links(console):
    seen = {stop.route for who in ("manager", "operator") for stop in walk(console.app, console(who), each=6)}
    left = [route for route in pages_of(console.app) if route not in seen | set(NOT_LINKED) and route != "/"]
    assert not left, "\n".join(left)


@pytest.mark.long
def test_all_that_a_page_says_goes_through_the_catalogs(console, busy_stage):
    page = speaking(console("manager"), "en-XA")
    seen = [(stop.route, stop.tree) for stop in walk(console.app, page, each=8) if stop.text]
    assert "\n".join(untranslated(seen, busy_stage)) == ""


@pytest.mark.long
def test_so_does_every_form_and_every_answer(console, busy_stage):
    """What no link leads to: the form of each action, refused or not, of many at once, and what a scan answers."""
    page, seen = speaking(console("manager"), "en-XA"), []

    def look(what, answer):
        assert answer.status_code in (200, 303, 403, 404, 409, 422), what
        if answer.text.strip():
            seen.append((what, html.fromstring(answer.text)))

    with busy_stage.db.reading() as session:
        main = Request.library_id == libraries.find_library(session, "MAIN").id
        ours = list(session.execute(sa.select(Request.id, Request.side, Request.reference).where(main)))
    for lifecycle in (LENDING, BORROWING):
        numbers = [number for number, side, _ in ours if side == lifecycle.name]
        people = {row.trigger for row in lifecycle.actions if {STAFF, MANAGER, PARTNER} & set(row.by)}
        for n, trigger in enumerate(sorted(people)):
            address = f"/l/MAIN/requests/{numbers[n % len(numbers)]}/actions/{trigger}"
            look(f"GET {trigger}", page.get(address))
        for row in in_bulk(lifecycle, [state.name for state in lifecycle.states], manages=True):
            chosen = {"request": numbers[:2], "trigger": row.trigger, "key": row.trigger}
            look(f"many: {row.trigger}", page.submit(f"/l/MAIN/{lifecycle.name}/bulk", **chosen))
            if any(need.required for need in row.needs):
                look(f"many: {row.trigger}", page.submit(f"/l/MAIN/{lifecycle.name}/bulk/begin", **chosen))
    for code in [*(reference for _, _, reference in ours), "312340000000001", "9780141439587"]:
        look(f"scan {code}", page.submit("/l/MAIN/scan", code=code))
    assert len(seen) > 100
    assert "\n".join(untranslated(seen, busy_stage)) == ""


@pytest.mark.long
@pytest.mark.parametrize("language", [name for name in words.NAMES if name != "en"])
def test_no_page_falls_back_to_english(console, busy_stage, language):
    data = words_of_the_data(busy_stage)
    words.unknown.clear()
    for who in ("manager", "operator"):
        walk(console.app, speaking(console(who), language), each=8)
    left = sorted(text for where, text in words.unknown if where == language)
    left = [text for text in left if not set(_WORD.findall(re.sub(r"\{\w*\}", "", text))) <= data | SAME]
    assert not left, "\n".join(left)


def untranslated(seen, stage) -> list[str]:
    """What pages say that went through no catalog: `seen` are trees, each with what it is."""
    data, mails = words_of_the_data(stage), texts_of_mails(stage)
    found: list[str] = []
    for what, tree in seen:
        for element, text in shown(tree):
            left = _without_brackets(text)
            for mail in mails:
                left = left.replace(mail, " ")
            unknown = [word for word in _WORD.findall(left) if word not in data | SAME]
            if unknown and left.strip(" :.,\n").casefold() not in LETTERS:
                found.append(f"{what}: <{element}> {' '.join(text.split())}")
    return list(dict.fromkeys(found))


def speaking(page, language):
    page.client.cookies.set("ill-language", language)
    return page


def words_of_the_data(stage) -> set[str]:
    """The words that people of the story have written or are called by."""
    with stage.db.reading() as session:
        texts = [
            str(value)
            for table in (Account, Library, Partner, Patron)
            for row in session.execute(sa.select(table.__table__))
            for value in row
            if isinstance(value, str)
        ]
        columns = (
            Request.title,
            Request.author,
            Request.article_title,
            Request.reference,
            Request.item_barcode,
            Request.partner_request_id,
        )
        texts += [str(value) for row in session.execute(sa.select(*columns)) for value in row if value]
        texts += session.scalars(sa.select(Piece.barcode))
        texts += [str(value) for inputs in session.scalars(sa.select(Event.inputs)) for value in inputs.values()]
    return {word for text in texts for word in _WORD.findall(text)}


def texts_of_mails(stage) -> list[str]:
    """What stands in the data as a whole, in the language of its letter."""
    with stage.db.reading() as session:
        rows = session.execute(sa.select(MailRow.subject, MailRow.message_id)).all()
    return sorted({text for row in rows for text in row if text}, key=len, reverse=True)


def _without_brackets(text: str) -> str:
    before = None
    while before != text:
        before, text = text, _BRACKETS.sub(" ", text)
    return text
