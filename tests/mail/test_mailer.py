"""One contract for the mailer that sends and the one that remembers."""

import socket
from dataclasses import dataclass
from dataclasses import replace as but
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from ill_workflow.errors import BadInput
from ill_workflow.mail.mailer import (
    Attachment,
    Mail,
    Mailer,
    MailLater,
    MailRefused,
    MailUncertain,
    RememberingMailer,
    SmtpMailer,
)

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MAIL = Mail(
    message_id="<effect-7@ill.example>",
    sender="Erie Library <ill@erie.example>",
    reply_to=None,
    to="Ayşe Çelik <ayse@home.example>",
    subject="Für Sie: 1 Buch",
    text="It is here.\n.\n..\nFrom us\n",
    html="<p>It is here.</p>",
    attachments=(Attachment("slip.pdf", b"%PDF\r\n.\r\n"),),
)


@dataclass
class Remembered:
    """The world around a mailer that remembers."""

    mailer: RememberingMailer

    def refuses(self, address: str) -> None:
        self.mailer.fail_with(MailRefused(), to=address)

    def puts_off(self, address: str) -> None:
        self.mailer.fail_with(MailLater(), to=address)

    def closes(self) -> None:
        self.mailer.fail_with(MailLater("The mail server is closed.", destination_down=True))

    def hangs_up_at_the_end(self) -> None:
        self.mailer.fail_with(MailUncertain())

    def got(self) -> list[EmailMessage]:
        return self.mailer.messages


class Real:
    """The world around a mailer that talks to a mail server."""

    def __init__(self, office) -> None:
        self.office = office
        self.mailer = SmtpMailer("127.0.0.1", office.port, None, None, "none", 5)

    def refuses(self, address: str) -> None:
        self.office.answers[address] = "550 5.1.1 Nobody of that name"

    def puts_off(self, address: str) -> None:
        self.office.answers[address] = "450 4.2.0 Greylisted"

    def closes(self) -> None:
        self.office.stop()

    def hangs_up_at_the_end(self) -> None:
        self.office.at_the_end = "hang up"

    def got(self) -> list[EmailMessage]:
        return self.office.messages


@pytest.fixture(params=["remembering", "real"])
def world(request, open_post_office):
    return Remembered(RememberingMailer()) if request.param == "remembering" else Real(open_post_office())


class TestContract:
    def test_a_mail_arrives_as_it_was_written(self, world):
        world.mailer.send(MAIL, NOON)

        (mail,) = world.got()
        assert mail["From"].addresses[0].display_name == "Erie Library"
        assert mail["To"].addresses[0].display_name == "Ayşe Çelik"
        assert mail["Subject"] == "Für Sie: 1 Buch"
        assert mail["Date"].datetime == NOON
        assert mail["Message-ID"] == "<effect-7@ill.example>"
        assert mail.get_body(("plain",)).get_content().splitlines() == MAIL.text.splitlines()
        (slip,) = mail.iter_attachments()
        assert slip.get_content() == b"%PDF\r\n.\r\n"

    def test_a_repeat_carries_the_same_message_id(self, world):
        world.mailer.send(MAIL, NOON)
        world.mailer.send(MAIL, NOON)

        assert [mail["Message-ID"] for mail in world.got()] == ["<effect-7@ill.example>"] * 2

    def test_a_working_mailer_is_ok(self, world):
        assert world.mailer.check() == "ok"

    def test_a_mail_to_nowhere_is_bad_input(self, world):
        with pytest.raises(BadInput) as refusal:
            world.mailer.send(but(MAIL, to="nowhere"), NOON)

        assert refusal.value.field == "to"
        assert world.got() == []

    def test_an_unknown_address_is_refused_for_good(self, world):
        world.refuses("ayse@home.example")

        with pytest.raises(MailRefused):
            world.mailer.send(MAIL, NOON)

        assert world.got() == []

    def test_a_refused_reader_is_no_reason_against_the_next(self, world):
        world.refuses("ayse@home.example")

        world.mailer.send(but(MAIL, to="other@home.example"), NOON)

        assert len(world.got()) == 1

    def test_a_busy_mailbox_is_tried_again_and_others_go_on(self, world):
        world.puts_off("ayse@home.example")

        with pytest.raises(MailLater) as later:
            world.mailer.send(MAIL, NOON)

        assert not later.value.destination_down
        assert world.got() == []

    def test_a_closed_server_is_down_for_everybody(self, world):
        world.closes()

        with pytest.raises(MailLater) as later:
            world.mailer.send(MAIL, NOON)

        assert later.value.destination_down
        assert world.mailer.check() == later.value.message

    def test_after_the_end_of_a_mail_nobody_knows(self, world):
        world.hangs_up_at_the_end()

        with pytest.raises(MailUncertain):
            world.mailer.send(MAIL, NOON)

        assert len(world.got()) == 1


def test_the_contract_is_kept_by_both():
    mailers: list[Mailer] = [RememberingMailer(), SmtpMailer("127.0.0.1", 25)]

    assert all(callable(mailer.send) and callable(mailer.check) for mailer in mailers)


def test_a_mailer_can_recover():
    mailer = RememberingMailer()
    mailer.fail_with(MailLater(destination_down=True))
    mailer.recover()

    mailer.send(MAIL, NOON)

    assert mailer.mails_to("ayse@home.example") == [MAIL]


class TestPhases:
    """What the real one makes of each step of the conversation."""

    @pytest.fixture
    def office(self, open_post_office):
        return open_post_office()

    @pytest.fixture
    def mailer(self, office):
        return SmtpMailer("127.0.0.1", office.port, timeout=5, answer_timeout=5)

    def test_a_refused_sender(self, office, mailer):
        office.answers["MAIL"] = "553 5.7.1 Not you"

        with pytest.raises(MailRefused, match=r"the sender ill@erie\.example: 553 5\.7\.1 Not you"):
            mailer.send(MAIL, NOON)

    def test_a_refused_reader_is_named_with_the_servers_words(self, office, mailer):
        office.answers["ayse@home.example"] = "550 5.1.1 Nobody of that name"

        with pytest.raises(MailRefused, match=r"the address ayse@home\.example: 550 5\.1\.1 Nobody of that name"):
            mailer.send(MAIL, NOON)

    @pytest.mark.parametrize(("answer", "error"), [("554 Spam", MailRefused), ("451 Disk full", MailLater)])
    def test_an_answer_after_the_mail_is_an_answer(self, office, mailer, answer, error):
        office.at_the_end = answer

        with pytest.raises(error, match=answer):
            mailer.send(MAIL, NOON)

    @pytest.mark.parametrize("answer", ["421 Closing", "530 5.7.0 Log in first"])
    def test_a_server_that_takes_nothing_is_down(self, office, mailer, answer):
        office.answers["MAIL"] = answer

        with pytest.raises(MailLater) as later:
            mailer.send(MAIL, NOON)

        assert later.value.destination_down

    def test_silence_after_the_mail_is_uncertain(self, office):
        office.at_the_end = "say nothing"

        with pytest.raises(MailUncertain, match="timed out"):
            SmtpMailer("127.0.0.1", office.port, timeout=0.2, answer_timeout=0.2).send(MAIL, NOON)

    def test_a_mail_that_is_too_big_is_refused_before_it_is_sent(self, open_post_office):
        office = open_post_office(data_size_limit=1000)

        with pytest.raises(MailRefused, match="552"):
            SmtpMailer("127.0.0.1", office.port, timeout=5, answer_timeout=5).send(but(MAIL, text="x" * 2000), NOON)

    def test_a_silent_server_is_down(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            mailer = SmtpMailer("127.0.0.1", silent.getsockname()[1], timeout=0.1, answer_timeout=0.1)

            with pytest.raises(MailLater, match="timed out") as later:
                mailer.send(MAIL, NOON)

        assert later.value.destination_down

    def test_a_host_that_does_not_exist_is_down(self):
        assert "can't be reached" in SmtpMailer("not..a..host", 25, timeout=1, answer_timeout=1).check()
