"""Every mail's text and fate is kept, and each can be sent again, once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import backlog
from ill_workflow.bootstrap import Services
from ill_workflow.errors import NotFound, Refused
from ill_workflow.libraries import find_library
from ill_workflow.mail import sent
from ill_workflow.mail.mailer import MailLater, MailRefused, MailUncertain, SmtpMailer
from ill_workflow.mail.sending import message_id
from ill_workflow.outbox import Claimed, EffectRow
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron, change_patron
from ill_workflow.requests.models import MailRow, MessageRow, Notice
from workers import jobs
from workers.drain import work_off_all

pytestmark = pytest.mark.long

ANN, HILLTOP = "ann@readers.example", "ill@hilltop.example"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def kept(stage, half, reader="patron"):
    """The latest mail about a request to this reader, and its fate."""
    with stage.db.reading() as session:
        rows = sa.select(MailRow).where(MailRow.request_id == half.id, MailRow.reader == reader)
        row = session.scalars(rows.order_by(MailRow.id.desc())).first()
        return row, sent.fate_of(session, row)


def resends(stage, number, *, at="MAIN"):
    with stage.db.writing() as session:
        row = sent.find_mail(session, find_library(session, at).id, number)
        account = stage.account(session, "operator", at)
        again = sent.resend(session, row, account=account, clock=stage.clock, house=stage.services.house)
    stage.work()
    return again


def a_minute_later(stage):
    with stage.db.writing() as session:
        for row in session.query(MailRow).filter(MailRow.asked_at.is_not(None)):
            row.asked_at -= timedelta(minutes=2)


def patron(stage, **more):
    with stage.db.writing() as session:
        change_patron(session, session.query(Patron).one(), **more)


def test_letters_to_patrons_staff_partners_and_slips_are_kept_as_they_left(stage):
    loan, lent = stage.borrows(ask=("HILL",)), stage.lends()
    lent.does("print_slip")
    for half, reader in ((loan, "patron"), (loan, "partner"), (lent, "staff"), (lent, "slip")):
        row, fate = kept(stage, half, reader)
        (mail,) = [mail for mail in stage.mailer.mails if mail.message_id == row.message_id]
        assert (row.subject, row.text, row.address) == (mail.subject, mail.text, mail.to.split("<")[1].rstrip(">"))
        assert (fate.word, fate.at, row.language) == ("sent", stage.clock.now(), "en")
    assert [kept["name"] for kept in row.attachments] == [a.filename for a in mail.attachments] != []


@pytest.mark.parametrize(
    ("trouble", "word", "why"),
    [
        (MailRefused("550 nobody"), "refused", "550 nobody"),
        (MailLater("451 busy"), "waiting", "451 busy"),
        (MailUncertain("It hung up."), "uncertain", "It hung up."),
    ],
)
def test_what_became_of_a_mail_is_said_with_the_reason(stage, trouble, word, why):
    stage.mailer.fail_with(trouble, to=ANN)
    _, fate = kept(stage, stage.borrows())
    assert (fate.word, fate.why) == (word, why)


def test_a_mail_that_was_tried_for_too_long_is_given_up(stage):
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    loan = stage.borrows()
    long_ago = sa.func.datetime("now", "-80 hours")
    with stage.db.writing() as session:
        session.execute(sa.update(EffectRow).where(EffectRow.status == "ready").values(created_at=long_ago))
        session.execute(sa.update(EffectRow).where(EffectRow.status == "ready").values(available_at=long_ago))
    stage.work()
    assert kept(stage, loan)[1].word == "given up"


def test_failed_mails_are_found_and_so_are_those_to_somebody(stage):
    stage.mailer.fail_with(MailRefused(), to=ANN)
    loan, other = stage.borrows(), stage.lends()
    with stage.db.reading() as session:
        main = find_library(session, "MAIN").id
        assert [row.name for row, _ in sent.sent_mails(session, main, failed=True)] == ["request_sent"]
        assert {row.address for row, _ in sent.sent_mails(session, main, to="READERS")} == {ANN}
        assert [r.name for r, _ in sent.sent_mails(session, main, request_id=other.id)] == ["alert_new_request"]
        assert sent.sent_mails(session, main, to="100%") == []
        assert sent.sent_mails(session, find_library(session, "RIV").id, to=ANN) == []
    assert loan.letters == ["request_sent"]


def test_a_mail_that_arrived_is_sent_again_as_a_new_mail_with_the_same_text(stage):
    loan = stage.borrows()
    row, _ = kept(stage, loan)
    again = resends(stage, row.id)
    first, second = stage.mailer.mails_to(ANN)
    assert (first.subject, first.text) == (second.subject, second.text)
    assert first.message_id != second.message_id == again.mail.message_id
    later, fate = kept(stage, loan)
    assert (later.resends_id, later.asked_by, fate.word) == (row.id, "operator-MAIN", "sent")
    assert loan.letters == ["request_sent"], "it is the same notice"


def test_a_double_click_is_one_mail_and_another_day_another_one(stage):
    row, _ = kept(stage, stage.borrows())
    assert [resends(stage, row.id).repeated for _ in range(3)] == [False, True, True]
    assert len(stage.mailer.mails_to(ANN)) == 2
    a_minute_later(stage)
    assert not resends(stage, row.id).repeated
    assert len(stage.mailer.mails_to(ANN)) == 3


@pytest.mark.parametrize("trouble", [MailUncertain("It hung up."), MailRefused("550 nobody")])
def test_a_mail_that_may_not_have_arrived_goes_on_under_the_same_message_id(stage, trouble):
    stage.mailer.fail_with(trouble, to=ANN)
    loan = stage.borrows()
    row, _ = kept(stage, loan)
    stage.mailer.recover()
    again = resends(stage, row.id)
    assert again.mail.id == row.id
    assert {mail.message_id for mail in stage.mailer.mails_to(ANN)} == {row.message_id}
    assert kept(stage, loan)[1].word == "sent"
    with stage.db.reading() as session:
        assert backlog.needing_attention(session) == []


def test_a_double_click_on_one_that_failed_is_one_mail_too(stage):
    stage.mailer.fail_with(MailRefused("550 nobody"), to=ANN)
    row, _ = kept(stage, stage.borrows())
    assert not resends(stage, row.id).repeated
    assert not resends(stage, row.id).repeated, "it was refused again in the meantime"
    stage.mailer.recover()
    assert [resends(stage, row.id).repeated for _ in range(2)] == [False, True]
    assert len(stage.mailer.mails_to(ANN)) == 1


def test_it_goes_to_the_address_that_the_reader_has_now(stage):
    stage.mailer.fail_with(MailRefused("550 nobody"), to=ANN)
    loan = stage.borrows()
    patron(stage, email="ann@new.example")
    resends(stage, kept(stage, loan)[0].id)
    assert len(stage.mailer.mails_to("ann@new.example")) == 1
    assert kept(stage, loan)[0].address == "ann@new.example"


def test_a_partner_gets_a_message_again(stage):
    loan = stage.borrows(ask=("HILL",))
    resends(stage, kept(stage, loan, "partner")[0].id)
    first, second = stage.mailer.mails_to(HILLTOP)
    assert first.text == second.text
    assert loan.said == ["Request New"], "nothing new was said"


def test_a_partner_without_an_address_is_written_to_when_it_has_one(stage):
    stage.changes("MAIN", "HILL", email="")
    loan = stage.borrows(ask=("HILL",))
    row, fate = kept(stage, loan, "partner")
    assert (fate.word, fate.why) == (
        "refused", "Hilltop College has no e-mail address. Add one, then send the mail again.",
    )  # fmt: skip
    with pytest.raises(Refused, match="has no e-mail address"):
        resends(stage, row.id)
    stage.changes("MAIN", "HILL", email="new@hilltop.example")
    resends(stage, row.id)
    assert len(stage.mailer.mails_to("new@hilltop.example")) == 1


def test_slips_are_sent_again_with_their_files(stage):
    lent = stage.lends()
    lent.does("print_slip")
    row, _ = kept(stage, lent, "slip")
    resends(stage, row.id)
    first, second = stage.mailer.mails_to("operator-MAIN@MAIN.example")
    assert first.attachments == second.attachments
    (stage.services.settings.slips / row.attachments[0]["file"]).unlink()
    a_minute_later(stage)
    again = resends(stage, row.id)
    with stage.db.reading() as session:
        fate = sent.fate_of(session, session.get_one(MailRow, again.mail.id))
    assert fate.word == "refused"
    assert "Print the slip again: ill slip print" in fate.why


def test_a_mail_of_another_library_is_nobodys(stage):
    row, _ = kept(stage, stage.borrows())
    with pytest.raises(NotFound):
        resends(stage, row.id, at="RIV")


def test_what_waits_is_not_sent_twice(stage):
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    row, _ = kept(stage, stage.borrows())
    with pytest.raises(Refused, match="waits to be sent already"):
        resends(stage, row.id)


def test_a_patron_without_an_address_is_remembered_and_written_to_later(stage):
    loan = stage.borrows(send=False)
    patron(stage, email="")
    loan.does("submit")
    row, fate = kept(stage, loan)
    assert (fate.word, row.message_id) == ("no address", "")
    with pytest.raises(Refused, match="no e-mail address"):
        resends(stage, row.id)
    patron(stage, email=ANN)
    resends(stage, row.id)
    assert [mail.text for mail in stage.mailer.mails_to(ANN)] == [row.text]


def test_a_patron_does_without_courtesies_and_never_without_what_matters(stage):
    loan = stage.borrows(ask=("HILL",), send=False)
    patron(stage, opt_out=["all"])
    loan.does("submit")
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    assert stage.mails(ANN) == ["Ready for pickup: “Pride and Prejudice”"]
    assert loan.letters == ["request_sent", "shipped", "ready_for_pickup"], "each is recorded"
    with stage.db.reading() as session:
        rows = session.query(MailRow).filter(MailRow.reader == "patron").order_by(MailRow.id).all()
        assert [sent.fate_of(session, row).word for row in rows] == ["skipped", "skipped", "sent"]
        assert all(session.get(MailRow, n.mail_id) for n in session.query(Notice))
    with pytest.raises(Refused, match="declines such notices"):
        resends(stage, rows[0].id)


def test_a_due_date_that_comes_nearer_is_told_whatever_they_decline(stage):
    loan = stage.borrows(ask=("HILL",))
    patron(stage, opt_out=["all"])
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    stage.mailer.mails.clear()
    loan.does("change_due_date", by="manager", due_date="2026-04-20")
    assert stage.mails(ANN) == []
    loan.does("change_due_date", by="manager", due_date="2026-03-10")
    assert stage.mails(ANN) == ["New due date: “Pride and Prejudice”"]


def test_texts_are_forgotten_after_a_while_and_what_became_of_them_is_not(stage):
    loan = stage.borrows()
    row, _ = kept(stage, loan)
    stage.clock.advance(timedelta(days=stage.services.settings.letter_days - 1))
    jobs.housekeeping(stage.services)
    assert kept(stage, loan)[0].text is not None
    stage.clock.advance(timedelta(days=2))
    jobs.housekeeping(stage.services)
    forgotten, fate = kept(stage, loan)
    assert (forgotten.text, forgotten.subject, fate.word) == (None, row.subject, "sent")
    with pytest.raises(Refused, match="kept no longer"):
        resends(stage, row.id)


def test_a_partner_is_written_to_in_its_language(stage):
    stage.changes("MAIN", "HILL", language="de")
    lent = stage.lends()
    lent.does(
        "ship", condition_checked=True, item_barcode="V1", due_date="2026-03-20", conditions=["LibraryUseOnly"],
        note="Handle with care.",
    )  # fmt: skip
    text = stage.mailer.mails_to(HILLTOP)[-1].text
    for line in (
        "Leihfrist bis: 20. März 2026", "Bedingungen: nur zur Benutzung in der Bibliothek",
        "Bemerkung: Handle with care.", "Exemplar: V1", f"Bestellnummer: {lent.partner_request_id}",
    ):  # fmt: skip
        assert line in text
    lent.does("mark_lost")
    text = stage.mailer.mails_to(HILLTOP)[-1].text
    assert "Bemerkung: Das Medium ist verloren." in text
    assert "Kosten: 105,00 USD" in text
    stage.changes("MAIN", "HILL", language="")
    with stage.db.reading() as session:
        assert session.query(Partner).filter(Partner.code == "HILL").first().language == ""


def test_a_real_mail_server_gets_a_mail_again_under_an_identity_that_it_can_tell(stage, open_post_office):
    office, services = open_post_office(), stage.services
    mailer = SmtpMailer("127.0.0.1", office.port, timeout=5, answer_timeout=5)
    smtp = Services(services.settings, services.db, services.clock, mailer, services.bell, services.circulation)
    stage.work = lambda: work_off_all(smtp)
    office.answers[ANN] = "550 5.1.1 Nobody of that name"
    loan = stage.borrows()
    row, fate = kept(stage, loan)
    assert fate.word == "refused"
    assert "550 5.1.1 Nobody of that name" in fate.why
    office.answers.clear()
    resends(stage, row.id)
    a_minute_later(stage)
    resends(stage, row.id)
    first, second = [mail for mail in office.messages if ANN in mail["To"]]
    assert first["Message-ID"] == row.message_id != second["Message-ID"]
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()


def test_two_who_ask_at_the_same_moment_are_one_mail(bare_stage):
    row, _ = kept(bare_stage, bare_stage.borrows())
    start = threading.Barrier(2)

    def ask(_):
        with bare_stage.db.writing() as session:
            again = sent.find_mail(session, find_library(session, "MAIN").id, row.id)
            account = bare_stage.account(session, "operator", "MAIN")
            start.wait() if bare_stage.db.engine.dialect.name == "postgresql" else None
            return sent.resend(
                session, again, account=account, clock=bare_stage.clock, house=bare_stage.services.house
            ).mail.id

    with ThreadPoolExecutor(2) as pool:
        asked = set(pool.map(ask, range(2)))
    bare_stage.work()
    assert len(asked) == 1
    assert len(bare_stage.mailer.mails_to(ANN)) == 2


def test_a_mail_that_was_taken_back_before_it_left_is_not_said_to_be_waiting(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    loan.does("receive", condition_checked=True)
    loan.undoes()
    row, fate = kept(stage, loan)
    assert (row.name, fate.word) == ("ready_for_pickup", "withdrawn")
    with pytest.raises(Refused, match="was withdrawn: the step that it tells of was undone"):
        resends(stage, row.id)


def test_a_number_that_no_work_can_have_is_none(bare_stage):
    with bare_stage.db.writing() as session:
        assert [backlog.resend(session, number) for number in (-1, 0, 2**31, 2**63, 2**70)] == [False] * 5


def test_after_a_backup_is_restored_the_numbers_come_again_and_the_message_ids_do_not(stage):
    """A mail server drops in silence what comes under a Message-ID that it has seen."""
    claimed = Claimed(7, "notify_patron", "ready", "", 1, 1, 5, {}, 1, 0, "", stage.clock.now())
    later = replace(claimed, created_at=claimed.created_at + timedelta(hours=1))
    house = stage.services.house
    assert message_id(claimed, house) == message_id(replace(claimed, attempts=2, token="x"), house)
    assert message_id(claimed, house) != message_id(later, house)


def test_a_message_to_a_partner_is_remembered_by_the_mail_that_went_also_when_it_was_sent_again(stage):
    stage.mailer.fail_with(MailRefused("550 nobody"), to=HILLTOP)
    loan = stage.borrows(ask=("HILL",))
    row, _ = kept(stage, loan, "partner")
    stage.mailer.recover()
    resends(stage, row.id)
    (mail,) = stage.mailer.mails_to(HILLTOP)
    with stage.db.reading() as session:
        told = session.query(MessageRow).filter(MessageRow.request_id == loan.id, ~MessageRow.incoming).one()
    assert row.message_id == mail.message_id
    assert told.outcome == f"mail {mail.message_id}"
