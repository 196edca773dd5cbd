"""What is written on the envelope: nobody smuggles a line into it."""

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ill_workflow.errors import BadInput
from ill_workflow.mail.mailer import Attachment, Mail, compose, mailbox

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MAIL = Mail(
    message_id="<effect-7@ill.example>",
    sender="ill@erie.example",
    reply_to="desk@erie.example",
    to="reader@home.example",
    subject="Your book is here",
    text="Come and fetch it.\n",
)
HEADERS = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"]


def wire(mail: Mail):
    return email.message_from_bytes(compose(mail, NOON).as_bytes(), policy=default)


def test_a_mail_says_who_when_and_that_a_machine_wrote_it():
    read = wire(replace(MAIL, in_reply_to="asked@partner.example"))

    assert read["From"] == "ill@erie.example"
    assert read["To"] == "reader@home.example"
    assert read["Reply-To"] == "desk@erie.example"
    assert read["Date"].datetime == NOON
    assert read["Message-ID"] == "<effect-7@ill.example>"
    assert read["In-Reply-To"] == read["References"] == "<asked@partner.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read.get_content().splitlines() == ["Come and fetch it."]


def test_names_and_subjects_may_be_of_any_script():
    read = wire(
        replace(MAIL, to=mailbox('Çelik, "Ayşe" 図書館', "ayse@home.example"), subject="Überfällig: 吾輩は猫である")
    )

    (reader,) = read["To"].addresses
    assert (reader.display_name, reader.addr_spec) == ('Çelik, "Ayşe" 図書館', "ayse@home.example")
    assert read["Subject"] == "Überfällig: 吾輩は猫である"


def test_a_domain_of_any_script_goes_out_in_plain_letters():
    assert wire(replace(MAIL, to="leser@bücherei.example"))["To"] == "leser@xn--bcherei-n2a.example"


def test_text_html_and_slip_travel_together():
    slip = Attachment("Slip for Müller.pdf", b"%PDF-1.7 \x00\xff")
    read = wire(replace(MAIL, text="Gruß\n.\nFrom here\n" + "x" * 2000, html="<p>Gruß</p>", attachments=(slip,)))

    assert read.get_body(("plain",)).get_content().splitlines() == ["Gruß", ".", "From here", "x" * 2000]
    assert read.get_body(("html",)).get_content().strip() == "<p>Gruß</p>"
    (attached,) = read.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == "Slip for Müller.pdf"
    assert attached.get_content() == slip.content


@pytest.mark.parametrize("field", ["sender", "reply_to", "to", "subject", "message_id", "in_reply_to"])
@pytest.mark.parametrize("evil", ["\n", "\r", "\r\n", "\0", "\x0b", "\x85", "\u2028", "\ud800"])
def test_no_header_takes_a_second_line(field, evil):
    with pytest.raises(BadInput) as refusal:
        compose(replace(MAIL, **{field: f"a@b.example{evil}Bcc: all@b.example"}), NOON)

    assert refusal.value.field == field


def test_a_name_may_hold_brackets():
    read = wire(replace(MAIL, to=mailbox("Reader <x@y.example>", "a@b.example")))

    assert [(each.display_name, each.addr_spec) for each in read["To"].addresses] == [
        ("Reader <x@y.example>", "a@b.example")
    ]


@pytest.mark.parametrize("field", ["sender", "to"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "nobody",
            "",
            "@b.example",
            "a@",
            "a b@c.example",
            "a@b.example, c@d.example",
            "a@b@c.example",
            "a@-b.example",
        ),
        *("Name <>", "Name <a@b.example> <c@d.example>", 'a" <b@c.example>', "a..b@c.example", "mü@b.example"),
        "a@" + "b" * 64 + ".example",
    ],
)
def test_what_is_no_address_is_refused_by_name(field, text):
    with pytest.raises(BadInput) as refusal:
        compose(replace(MAIL, **{field: text}), NOON)

    assert refusal.value.field == field


@pytest.mark.parametrize("filename", ["", "a\nb.pdf", "../../etc/passwd", "a\\b.pdf"])
def test_an_attachment_has_a_plain_file_name(filename):
    with pytest.raises(BadInput) as refusal:
        compose(replace(MAIL, attachments=(Attachment(filename, b""),)), NOON)

    assert refusal.value.field == "attachments"


def test_half_a_character_is_refused_in_the_text():
    with pytest.raises(BadInput) as refusal:
        compose(replace(MAIL, text="\ud800"), NOON)

    assert refusal.value.field == "text"


@pytest.mark.parametrize("hidden", ["=?utf-8?q?a=0ABcc=3A_x@y.example?=", "=?utf-8?b?YQpCY2M6IHhAeS5leGFtcGxl?="])
def test_a_newline_hidden_in_an_encoded_word_stays_hidden(hidden):
    read = wire(replace(MAIL, subject=hidden, to=mailbox(hidden, "a@b.example"), sender=f"{hidden} <a@b.example>"))

    assert read.keys()[:7] == ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
    assert "Bcc" not in read


@given(subject=st.text(max_size=200), name=st.text(max_size=60))
def test_whatever_the_text_the_headers_are_ours(subject, name):
    try:
        read = wire(replace(MAIL, subject=subject, to=mailbox(name, "a@b.example")))
    except BadInput:
        return

    assert [key for key in read if not key.startswith(("MIME", "Content"))] == HEADERS
    assert [address.addr_spec for address in read["To"].addresses] == ["a@b.example"]
