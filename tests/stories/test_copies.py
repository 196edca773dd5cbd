"""Copies that are delivered as files: attached, kept for a while, and never fetched by guessing."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from ill_workflow import copies
from ill_workflow.errors import BadInput

PDF = b"%PDF-1.7 a scanned article"


def kept(stage, content=PDF):
    return copies.keep(stage.services.settings.copies, content)


def test_a_file_goes_from_branch_to_branch_and_on_to_the_patron(stage):
    copy = stage.borrows(service="copy", pages="12-30")
    lent = stage.other_half(copy)
    lent.does("deliver_copy", file=kept(stage))
    assert (copy.state, lent.state) == ("delivered", "delivered")
    assert copy.alerts == []
    mail = stage.mailer.mails_to("ann@readers.example")[-1]
    assert [(a.filename, a.content) for a in mail.attachments] == [("XPX-1001.pdf", PDF)]
    assert "It is attached." in mail.text
    assert "ill-copy" not in mail.text


def test_a_partner_that_reads_mail_gets_the_file_with_it(stage):
    lent = stage.lends(service="copy")
    lent.does("deliver_copy", file=kept(stage, b"\x89PNG\r\n..."))
    mail = stage.mailer.mails_to("ill@hilltop.example")[-1]
    assert [(a.maintype, a.subtype) for a in mail.attachments] == [("image", "png")]
    assert "File: attached" in mail.text


def test_a_file_that_came_by_mail_is_passed_on(stage):
    copy = stage.borrows(ask=("HILL",), service="copy")
    copy.does("partner_delivered_copy", told_by="mail", file=kept(stage))
    assert copy.state == "delivered"
    assert stage.mailer.mails_to("ann@readers.example")[-1].attachments


@pytest.mark.parametrize(
    ("content", "words"), [(b"MZ a program", "PDF, TIFF, JPEG or PNG"), (PDF + b"x" * copies.LARGEST, "are the most")]
)
def test_what_is_no_document_or_too_large_is_refused(stage, content, words):
    with pytest.raises(BadInput, match=words):
        kept(stage, content)


@pytest.mark.parametrize("name", ["../ill.db", "0" * 32 + ".exe", "x", "0" * 32 + ".pdf/../../ill.db"])
def test_a_name_that_was_never_given_leads_nowhere(stage, name):
    lent = stage.lends(service="copy")
    with pytest.raises(BadInput) as refusal:
        lent.does("deliver_copy", file=name)
    assert refusal.value.field == "file"
    with pytest.raises(BadInput):
        copies.read(stage.services.settings.copies, name)


def test_copies_are_kept_for_a_while_only(stage):
    folder, now = stage.services.settings.copies, datetime(2026, 2, 2, tzinfo=UTC)
    old, new = kept(stage), kept(stage)
    os.utime(folder / old, (0, (now - timedelta(days=31)).timestamp()))
    os.utime(folder / new, (0, now.timestamp()))
    (folder / "README").write_text("not ours")
    half = folder / f".{old}.abc.part"  # what was left when somebody was killed over it
    half.write_bytes(b"%PDF-1.7 half")
    os.utime(half, (0, (now - timedelta(days=31)).timestamp()))
    assert copies.forget(folder, now - timedelta(days=30)) == 2
    assert sorted(p.name for p in folder.iterdir()) == sorted(["README", new])
    with pytest.raises(BadInput, match="kept no longer"):
        copies.read(folder, old)


def test_a_copy_on_paper_that_is_found_again_is_for_the_patron(stage):
    copy = stage.borrows(service="copy")
    stage.other_half(copy).does("deliver_copy", on_paper=True)
    copy.does("report_lost")
    copy.does("found")
    assert (copy.state, copy.letters[-1], copy.balance) == ("delivered", "ready_for_pickup", {})
