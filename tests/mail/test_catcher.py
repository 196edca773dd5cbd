"""The mail catcher keeps what it gets, also while its answer is held back."""

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ill_workflow.mail.mailer import Mail, MailRefused, MailUncertain, SmtpMailer
from workers.catcher import Catcher

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MAIL = Mail("<a@ill.example>", "ill@erie.example", None, "reader@home.example", "One", "It is here.")


@pytest.fixture
def catcher(tmp_path):
    caught = Catcher(tmp_path / "mail", gate=tmp_path / "gate")
    caught.start()
    yield caught
    caught.stop()


def test_mails_are_files_in_the_order_in_which_they_came(catcher):
    mailer = SmtpMailer("127.0.0.1", catcher.port)
    for number in range(11):
        mailer.send(replace(MAIL, subject=f"Mail {number}"), NOON)

    assert [mail["Subject"] for mail in catcher.messages()] == [f"Mail {number}" for number in range(11)]
    assert (catcher.folder / "11.eml").exists()


def test_a_second_catcher_counts_on(catcher):
    SmtpMailer("127.0.0.1", catcher.port).send(MAIL, NOON)
    second = Catcher(catcher.folder)
    second.start()
    SmtpMailer("127.0.0.1", second.port).send(replace(MAIL, subject="Two"), NOON)
    second.stop()

    assert [mail["Subject"] for mail in catcher.messages()] == ["One", "Two"]


def test_behind_the_gate_a_mail_is_kept_but_not_confirmed(catcher):
    catcher.gate.touch()

    with pytest.raises(MailUncertain):
        SmtpMailer("127.0.0.1", catcher.port, timeout=0.2, answer_timeout=0.2).send(MAIL, NOON)

    assert len(catcher.messages()) == 1


def test_an_open_gate_lets_the_sender_go_on(catcher):
    catcher.gate.touch()
    sending = threading.Thread(target=SmtpMailer("127.0.0.1", catcher.port).send, args=(MAIL, NOON))
    sending.start()
    catcher.gate.unlink()
    sending.join(120)

    assert not sending.is_alive()
    assert len(catcher.messages()) == 1


def test_it_has_a_limit(catcher):
    with pytest.raises(MailRefused):
        SmtpMailer("127.0.0.1", catcher.port).send(replace(MAIL, text="x" * 31 * 1024 * 1024), NOON)


def test_as_a_program_it_says_its_port_and_stops_when_told(tmp_path):
    command = [sys.executable, "-m", "workers.catcher", "--folder", str(tmp_path / "mail"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        port = int(program.stdout.readline())
        SmtpMailer("127.0.0.1", port).send(MAIL, NOON)
        program.terminate()

    assert program.returncode == 0
    assert [mail["Subject"] for mail in Catcher(tmp_path / "mail").messages()] == ["One"]
