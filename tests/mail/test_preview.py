"""A letter is looked at before it leaves: on the real data of a request, and nothing is sent or kept."""

import pytest
import sqlalchemy as sa

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.mail.letters import LETTERS, MESSAGES, family
from ill_workflow.messages.preview import preview
from ill_workflow.outbox import EffectRow
from ill_workflow.requests.models import MailRow, Request

ANN, HILLTOP = "ann@readers.example", "ill@hilltop.example"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def look(stage, half, name, **how):
    with stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        account = stage.account(session, "operator", request.library.code)
        return preview(session, request, name, account=account, **how)


def test_a_preview_is_the_letter_that_leaves(stage):
    loan = stage.borrows(ask=("HILL",), send=False)
    before = look(stage, loan, "request_sent").letter
    loan.does("submit")
    (mail,) = stage.mailer.mails_to(ANN)
    assert (before.subject, before.text) == (mail.subject, mail.text)
    (mail,) = stage.mailer.mails_to(HILLTOP)
    found = look(stage, loan, "partner_request")
    assert (found.to, found.letter.subject, found.letter.text) == (mail.to, mail.subject, mail.text)
    assert found.letter.html == mail.html


def test_it_has_the_reason_and_the_note_that_came_along(stage):
    lent = stage.lends()
    lent.does("add_condition", condition="LibraryUseOnly", cost="4", reply_by="2026-02-20")
    last = stage.mailer.mails_to(HILLTOP)[-1]
    assert look(stage, lent, "partner_will_supply_with_condition").letter.text == last.text
    german = look(stage, lent, "partner_will_supply_with_condition", language="de").letter
    assert "Kosten: 4,00 USD" in german.text
    assert "Bitte antworten bis: 20. Februar 2026" in german.text


def test_every_letter_of_a_side_can_be_looked_at_and_none_of_the_other(stage):
    loan, lent = stage.borrows(ask=("HILL",)), stage.lends()
    seen, refusals = set(), []
    for half in (loan, lent):
        for name in LETTERS:
            try:
                found = look(stage, half, name, language="de")
            except BadInput as refusal:
                refusals.append((refusal.field in ("name", "reference"), half.reference in refusal.message))
            else:
                seen.add(name)
                assert found.letter.language == "de"
                assert half.title in found.letter.subject + found.letter.text or name == "alert_digest"
    assert seen == set(LETTERS)
    assert set(refusals) == {(True, True)}
    assert {family(name) for name in seen} == {"patron", "staff", "slip", "partner"}


def test_nothing_is_sent_or_kept_by_looking(stage):
    loan = stage.borrows()
    with stage.db.reading() as session:
        before = [session.scalar(sa.select(sa.func.count()).select_from(t)) for t in (MailRow, EffectRow)]
    mails = len(stage.mailer.mails)
    for name in ("ready_for_pickup", "overdue", "patron_digest"):
        look(stage, loan, name)
    stage.work()
    with stage.db.reading() as session:
        assert [session.scalar(sa.select(sa.func.count()).select_from(t)) for t in (MailRow, EffectRow)] == before
    assert len(stage.mailer.mails) == mails


def test_a_digest_shows_what_waits(stage):
    with stage.db.writing() as session:
        session.execute(sa.update(Library).values(digest_minutes=15))
    first, second = stage.borrows(), stage.borrows(title="Emma", isbn="")
    letter = look(stage, first, "patron_digest").letter
    assert letter.subject == "2 messages about your interlibrary loans"
    assert second.reference in letter.text


def test_a_template_is_tried_before_it_is_saved(stage):
    loan = stage.borrows()
    tried = look(stage, loan, "shipped", source="Soon: {{ title }}\n\nHello {{ patron_name }}.")
    assert (tried.letter.subject, tried.letter.text) == ("Soon: Pride and Prejudice", "Hello Ann Reader.\n")
    with pytest.raises(BadInput, match="Line 3: There is no value “nobody”"):
        look(stage, loan, "shipped", source="S\n\n{{ nobody }}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shiped", "Did you mean shipped"),
        ("ready", "has no patron to write to"),
        ("partner_renew", "is what the other side says"),
    ],
)
def test_what_can_not_be_is_said(stage, name, words):
    lent = stage.lends()
    with pytest.raises(BadInput, match=words):
        look(stage, lent, name)
    with pytest.raises(BadInput, match="no language"):
        look(stage, lent, next(iter(MESSAGES)), language="fr")
