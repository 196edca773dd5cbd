"""A digest instead of five mails at once; whatever happens on the way, it is the same mail."""

import pytest
import sqlalchemy as sa

from ill_workflow import backlog
from ill_workflow.bootstrap import Services
from ill_workflow.libraries import Library
from ill_workflow.mail import own
from ill_workflow.mail.mailer import MailLater, MailRefused, MailUncertain, SmtpMailer
from ill_workflow.outbox import EffectRow
from ill_workflow.patrons import Patron, change_patron
from ill_workflow.requests.models import MailRow, Notice
from workers.drain import take_back_abandoned, work_off

pytestmark = pytest.mark.long

ANN, DESK, RIVERSIDE = "ann@readers.example", "ill@main.example", "ill@riv.example"


@pytest.fixture
def stage(quick_stage):
    """Main's notices wait for a quarter of an hour."""
    return gathering(quick_stage)


@pytest.fixture
def both(bare_stage):
    """The same on both databases."""
    return gathering(bare_stage)


def gathering(stage):
    with stage.db.writing() as session:
        session.execute(sa.update(Library).where(Library.code == "MAIN").values(digest_minutes=15))
    return stage


def the_wait_is_over(stage, *, of="", work=True):
    """As if the first notice had waited for long enough; the others need not have."""
    with stage.db.writing() as session:
        waiting = sa.select(sa.func.min(EffectRow.id)).where(EffectRow.status == "ready", EffectRow.reader.is_not(None))
        first = waiting.where(EffectRow.reader.startswith(of)).group_by(EffectRow.reader)
        ready = sa.update(EffectRow).where(EffectRow.id.in_(first)).values(available_at=EffectRow.created_at)
        session.execute(ready.execution_options(synchronize_session=False))
    if work:
        stage.work()


def five_arrive(stage, titles=("Emma", "Persuasion", "Sanditon", "Lady Susan", "The Watsons")):
    loans = [stage.borrows(ask=("HILL",), title=title, isbn="") for title in titles]
    the_wait_is_over(stage)
    stage.mailer.mails.clear()
    for loan in loans:
        loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
        loan.does("receive", condition_checked=True)
    return loans


def mails_kept(stage, name):
    with stage.db.reading() as session:
        return session.query(MailRow).filter(MailRow.name == name).order_by(MailRow.id).all()


def test_five_books_that_come_the_same_morning_are_one_mail(both):
    stage = both
    loans = five_arrive(stage)
    assert stage.mailer.mails_to(ANN) == [], "nothing leaves before the wait is over"

    the_wait_is_over(stage)

    (mail,) = stage.mailer.mails_to(ANN)
    assert mail.subject == "5 messages about your interlibrary loans"
    for loan, title in zip(loans, ("Emma", "Persuasion", "Sanditon", "Lady Susan", "The Watsons"), strict=True):
        assert f"“{title}”" in mail.text
        assert loan.reference in mail.text
    assert mail.text.count("It has arrived and is ready for you. Please return it by 17 March 2026.") == 5
    assert "on its way" not in mail.text, "it is here already"
    with stage.db.reading() as session:
        rows = session.query(Notice).filter(Notice.message_id == mail.message_id).all()
        assert {row.occasion for row in rows} == {"shipped", "ready_for_pickup"}
        assert len({row.mail_id for row in rows}) == 1, "each notice points to the mail that tells it"
        assert "Ready for pickup: “Emma”" in {row.subject for row in rows}


def test_alerts_to_staff_are_one_mail_each_with_what_to_do(stage):
    lent = [stage.lends(title=f"Volume {number}", isbn="", partner_id=f"H-{number}") for number in range(3)]
    assert stage.mailer.mails_to(DESK) == []
    the_wait_is_over(stage)
    (mail,) = stage.mailer.mails_to(DESK)
    assert mail.subject == "3 notices about requests"
    assert mail.text.count("Look for it on the shelf, then print the slip or reject it.") == 3
    assert all(f"{half.reference}: {half.title}" in mail.text for half in lent)


def test_one_alone_is_its_own_letter(stage):
    stage.borrows()
    the_wait_is_over(stage)
    assert stage.mails(ANN) == ["We have asked for “Pride and Prejudice”"]


def test_a_library_that_wants_no_digest_gets_each_at_once(stage):
    stage.lends(at="RIV", to="HILL", partner_id="H-1")
    stage.lends(at="RIV", to="HILL", partner_id="H-2", title="Emma", isbn="")
    assert len(stage.mailer.mails_to(RIVERSIDE)) == 2


def test_two_readers_get_two_mails_and_each_in_their_language(stage):
    stage.borrows()
    stage.borrows(title="Emma", isbn="")
    with stage.db.writing() as session:
        session.query(Patron).one().language = "de"
        session.query(Library).filter(Library.code == "MAIN").one().language = "en"
    stage.lends()
    stage.lends(title="Emma", isbn="", partner_id="H-78")
    the_wait_is_over(stage)
    assert stage.mails(ANN) == ["2 Mitteilungen zu Ihren Fernleihbestellungen"]
    assert stage.mails(DESK) == ["2 notices about requests"]


def test_a_copy_is_not_kept_waiting_for_others(stage):
    loan = stage.borrows(ask=("HILL",), service="copy")
    loan.does("partner_delivered_copy", told_by="mail", link="https://copies.example/1")
    assert stage.mails(ANN) == ["Your document: “Pride and Prejudice”"]


def test_what_is_taken_back_in_time_nobody_hears_of(stage):
    (loan,) = five_arrive(stage, titles=("Emma",))
    loan.undoes()
    the_wait_is_over(stage)
    assert [s for s in stage.mails(ANN) if "Ready" in s] == []


def test_what_is_taken_back_too_late_takes_no_other_notice_along(stage):
    first, second = five_arrive(stage, titles=("Emma", "Persuasion"))
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    the_wait_is_over(stage, of="patron")
    stage.mailer.recover()
    first.undoes()
    the_wait_is_over(stage)
    (mail,) = [mail for mail in stage.mailer.mails_to(ANN) if "messages about" in mail.subject]
    assert second.reference in mail.text


def test_an_attempt_that_is_put_off_sends_the_same_set_later_and_what_came_since_goes_by_itself(stage):
    five_arrive(stage, titles=("Emma", "Persuasion"))
    stage.mailer.fail_with(MailLater("451 busy"), to=ANN)
    the_wait_is_over(stage, of="patron")
    stage.mailer.recover()
    stage.borrows(title="Sanditon", isbn="")
    the_wait_is_over(stage)
    the_wait_is_over(stage)
    first, second = sorted(
        stage.mailer.mails_to(ANN), key=lambda mail: mail.subject != "2 messages about your interlibrary loans"
    )
    assert first.subject == "2 messages about your interlibrary loans"
    assert "Sanditon" not in first.text
    assert "Sanditon" in second.subject
    assert first.message_id != second.message_id


def test_a_worker_that_dies_while_it_sends_sends_the_same_mail_again(both):
    stage = both
    five_arrive(stage, titles=("Emma", "Persuasion"))
    the_wait_is_over(stage, of="patron", work=False)

    class Dies(BaseException):
        pass

    def send_and_die(mail, at):
        sent.append(mail)
        raise Dies

    sent, send = [], stage.mailer.send
    stage.mailer.send = send_and_die
    with pytest.raises(Dies):
        work_off(stage.services, "notify_patron")
    stage.mailer.send = send
    with stage.db.writing() as session:
        session.execute(sa.update(EffectRow).values(lease_until=EffectRow.created_at))
    stage.borrows(title="Sanditon", isbn="")
    assert take_back_abandoned(stage.services) == 1, "the mail has one that carries it; the others are done with it"

    stage.work()

    (again,) = [mail for mail in stage.mailer.mails_to(ANN) if "messages about" in mail.subject]
    assert (again.message_id, again.subject, again.text) == (sent[0].message_id, sent[0].subject, sent[0].text)


def test_one_that_is_uncertain_is_sent_again_as_it_was(stage):
    five_arrive(stage, titles=("Emma", "Persuasion"))
    stage.mailer.fail_with(MailUncertain(), to=ANN)
    the_wait_is_over(stage, of="patron")
    with stage.db.reading() as session:
        (effect,) = backlog.needing_attention(session)
    stage.mailer.recover()
    with stage.db.writing() as session:
        backlog.resend(session, effect.id)
    stage.work()
    first, second = stage.mailer.mails_to(ANN)
    assert (first.message_id, first.text) == (second.message_id, second.text)


def test_a_refused_address_is_mended_and_the_whole_digest_goes_there(stage):
    five_arrive(stage, titles=("Emma", "Persuasion"))
    stage.mailer.fail_with(MailRefused("550 nobody"), to=ANN)
    the_wait_is_over(stage, of="patron")
    with stage.db.writing() as session:
        (effect,) = backlog.needing_attention(session)
        session.query(Patron).one().email = "ann@new.example"
        backlog.resend(session, effect.id)
    stage.work()
    (mail,) = stage.mailer.mails_to("ann@new.example")
    assert mail.subject == "2 messages about your interlibrary loans"
    with stage.db.reading() as session:
        assert {n.address for n in session.query(Notice).filter(Notice.message_id == mail.message_id)} == {
            "ann@new.example"
        }


def test_one_that_is_broken_spoils_no_other(stage, monkeypatch):
    five_arrive(stage, titles=("Emma", "Persuasion", "Sanditon"))
    write = own.write

    def broken(session, library, name, language, values):
        if "Persuasion" in values.title and name != "patron_digest":
            raise own.TemplateBroken("It can't be written.")
        return write(session, library, name, language, values)

    monkeypatch.setattr(own, "write", broken)
    for _ in range(8):
        the_wait_is_over(stage, of="patron")
    text = "\n".join(mail.subject + mail.text for mail in stage.mailer.mails_to(ANN))
    assert "Emma" in text
    assert "Sanditon" in text
    assert "Persuasion" not in text
    with stage.db.reading() as session:
        dead = backlog.needing_attention(session)
        assert {row.last_error for row in dead} == {"It can't be written."}
        assert len(dead) == 2


def test_more_than_a_mail_holds_are_several_mails_and_none_is_lost(both, monkeypatch):
    stage = both
    from ill_workflow.mail import sending

    monkeypatch.setattr(sending, "MOST_TOLD", 4)
    lent = [stage.lends(title=f"Volume {number}", isbn="", partner_id=f"H-{number}") for number in range(6)]
    the_wait_is_over(stage)
    the_wait_is_over(stage)
    text = "\n".join(mail.text for mail in stage.mailer.mails_to(DESK))
    assert [text.count(f"{half.reference}: {half.title}") for half in lent] == [1] * 6
    assert stage.mails(DESK) == ["4 notices about requests", "2 notices about requests"]


def test_the_doctor_does_not_mind_what_waits_on_purpose(stage):
    stage.lends()
    with stage.db.reading() as session:
        assert backlog.waiting(session)["alert_staff"] == 1
        assert backlog.oldest_promise(session).total_seconds() == 0


def test_over_a_real_mail_server_it_is_one_mail_in_both_forms(stage, open_post_office):
    office = open_post_office()
    loans = five_arrive(stage, titles=("Emma", "Persuasion"))
    services = stage.services
    real = SmtpMailer("127.0.0.1", office.port, timeout=5, answer_timeout=5)
    smtp = Services(services.settings, services.db, services.clock, real, services.bell, services.circulation)
    office.at_the_end = "hang up"
    the_wait_is_over(stage, of="patron", work=False)
    work_off(smtp, "notify_patron")
    office.at_the_end = None
    with stage.db.writing() as session:
        (effect,) = backlog.needing_attention(session)
        backlog.resend(session, effect.id)
    work_off(smtp, "notify_patron")

    first, again = office.messages
    assert first["Message-ID"] == again["Message-ID"]
    assert first.get_body(("plain",)).get_content() == again.get_body(("plain",)).get_content()
    assert all(loan.reference in again.get_body(("html",)).get_content() for loan in loans)
    (row,) = mails_kept(stage, "patron_digest")[-1:]
    assert (row.fate, row.message_id) == ("sent", again["Message-ID"])


def test_what_a_patron_has_declined_while_it_waited_is_left_out(stage):
    stage.borrows()
    loan = stage.borrows(ask=("HILL",), title="Emma", isbn="")
    loan.does("partner_shipped", told_by="mail", due_date="2026-03-20")
    loan.does("receive", condition_checked=True)
    with stage.db.writing() as session:
        change_patron(session, session.query(Patron).one(), opt_out=["all"])
        session.execute(sa.update(EffectRow).values(available_at=EffectRow.created_at))
    stage.work()
    assert stage.mails(ANN) == ["Ready for pickup: “Emma”"]


def test_where_all_that_waits_was_declined_nothing_is_sent(stage):
    loans = [stage.borrows(title=title, isbn="") for title in ("Emma", "Persuasion")]
    with stage.db.writing() as session:
        change_patron(session, session.query(Patron).one(), opt_out=["all"])
        session.execute(sa.update(EffectRow).values(available_at=EffectRow.created_at))
    stage.work()
    assert stage.mails(ANN) == []
    with stage.db.reading() as session:
        rows = session.query(MailRow).filter(MailRow.reader == "patron").all()
    assert {(row.request_id, row.fate) for row in rows} == {(loan.id, "skipped") for loan in loans}
