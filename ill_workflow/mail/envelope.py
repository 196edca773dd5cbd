"""What a mail is, and how it becomes a message that nobody can smuggle a line into."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ill_workflow.errors import BadInput


@dataclass(frozen=True)
class Attachment:
    """A file that goes along with a mail."""

    filename: str
    content: bytes
    subtype: str = "pdf"
    maintype: str = "application"


@dataclass(frozen=True)
class Mail:
    """One mail to one reader. Addresses are `name@host` or `A Name <name@host>` (see `mailbox`)."""

    message_id: str  #: with or without the angle brackets; the same on every repeat
    sender: str
    reply_to: str | None
    to: str
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str | None = None  #: the Message-ID of the mail that this one answers


def mailbox(name: str, address: str) -> str:
    """Write a name and an address as one, whatever signs the name holds: `"Main Library, Erie" <ill@erie.example>`."""
    name = " ".join(name.split())
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def compose(mail: Mail, at: datetime) -> EmailMessage:
    """Write the mail as it goes over the wire, dated `at`.

    Raises BadInput, which names the field, for whatever is no address, no Message-ID or no single line.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox("sender", mail.sender)
    message["To"] = _mailbox("to", mail.to)
    if mail.reply_to:
        message["Reply-To"] = _mailbox("reply_to", mail.reply_to)
    message["Subject"] = _unencoded(_one_line("subject", mail.subject))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = _message_id("message_id", mail.message_id)
    if mail.in_reply_to:
        answered = _message_id("in_reply_to", mail.in_reply_to)
        message["In-Reply-To"] = answered
        message["References"] = answered
    message["Auto-Submitted"] = "auto-generated"

    # Quoted-printable passes every server, whatever it says about eight bits and long lines.
    message.set_content(_encodable("text", mail.text), cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(_encodable("html", mail.html), subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        _attach(message, attachment)
    return message


def bare_address(field: str, value: str) -> str:
    """The address alone, as the mail server wants to hear it."""
    return _mailbox(field, value).addr_spec


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAMED = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"|[^<>"]*?)\s*<(?P<address>[^<>]*)>')
_MESSAGE_ID = re.compile(r"<?(?P<id>[!-;=?-~]+@[!-;=?-~]+)>?")
_SUBTYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def _mailbox(field: str, value: str) -> Address:
    value = _one_line(field, value).strip()
    named = _NAMED.fullmatch(value)
    name, address = (named["name"], named["address"]) if named else ("", value)
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain) or len(local) > 64 or len(domain) > 253:
        raise BadInput(f"“{value}” is not an e-mail address.", field=field)
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Address(display_name=_unencoded(name), username=local, domain=domain)


def _one_line(field: str, value: str) -> str:
    """Refuse what ends a line somewhere: a header would go on behind it."""
    # Cc: control characters; Zl, Zp: Unicode's line and paragraph ends; Cs: halves of characters.
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in value):
        raise BadInput("This must be one line without control characters.", field=field)
    return value


def _unencoded(value: str) -> str:
    # Python decodes `=?utf-8?q?=0A…?=` in whatever is assigned to a header, and writes the newline hidden in it.
    return value.replace("=?", "= ?")


def _message_id(field: str, value: str) -> str:
    match = _MESSAGE_ID.fullmatch(value)
    if match is None or len(value) > 900:
        raise BadInput(f"{value!r} is not a Message-ID.", field=field)
    return f"<{match['id']}>"


def _encodable(field: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput("This holds half a character, which can't be sent.", field=field) from None
    return value


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    filename = _unencoded(_one_line("attachments", attachment.filename)).strip()
    if not filename or "/" in filename or "\\" in filename:
        raise BadInput(f"“{filename}” is not a file name.", field="attachments")
    if not _SUBTYPE.fullmatch(attachment.subtype) or attachment.maintype not in ("application", "image"):
        raise BadInput(f"“{attachment.subtype}” is not a kind of file.", field="attachments")
    message.add_attachment(
        attachment.content, maintype=attachment.maintype, subtype=attachment.subtype, filename=filename
    )
