"""Copies that partners fetch by a link, and links of partners that are passed on."""

import os

import pytest

from ill_workflow import copies, libraries, partners
from ill_workflow.about.copies import is_of_the_web
from ill_workflow.clock import machine_now
from ill_workflow.errors import Refused
from ill_workflow.iso18626.editions import Edition
from ill_workflow.messages.content import DeliveryInfo
from ill_workflow.messages.transports import compose
from ill_workflow.outbox import Claimed, EffectRow, Permanent
from tests.plugins.far_partner import FarPartner
from tests.plugins.speaking import agree, system_of

PDF = b"%PDF-1.7 a scanned article"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def page(stage, visiting):
    return visiting(stage)("operator", "MAIN")


@pytest.fixture
def anybody(page):
    """Without a session."""
    page.client.cookies.clear()
    return page.client


def kept(stage, content=PDF):
    return copies.keep(stage.services.settings.copies, content)


def test_whoever_has_the_link_gets_the_file_and_saves_it(stage, anybody):
    name = kept(stage)
    answer = anybody.get(f"/copies/{name}")
    assert (answer.status_code, answer.content) == (200, PDF)
    headers = answer.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == 'attachment; filename="copy.pdf"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "set-cookie" not in headers

    head = anybody.head(f"/copies/{name}")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PDF)))
    part = anybody.get(f"/copies/{name}", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"%PDF")


@pytest.mark.parametrize("name", ["0" * 32 + ".pdf", "x.pdf", "..%2f..%2fill.db", "%00", "a" * 3000, "é.pdf"])
def test_there_is_nothing_to_guess(anybody, name):
    answer = anybody.get(f"/copies/{name}")
    assert answer.status_code == 404
    assert "content-disposition" not in answer.headers


def test_a_link_works_for_a_while_only(stage, anybody):
    name = kept(stage)
    days = stage.services.settings.copy_days
    long_ago = machine_now().timestamp() - days * 24 * 3600 - 5
    os.utime(stage.services.settings.copies / name, (long_ago, long_ago))
    answer = anybody.get(f"/copies/{name}")
    assert answer.status_code == 404
    assert "kept no longer. Ask the library that sent the link." in answer.text


def delivered_to(stage, transport):
    """The promise of a CopyCompleted with a file to Hilltop, which is reached over some transport."""
    lent = stage.lends(service="copy")
    lent.does("deliver_copy", file=kept(stage))
    with stage.db.writing() as session:
        partner = session.merge(stage.partner("MAIN", "HILL"))
        wire = {"address": "https://lender.example/iso18626"} if transport == "iso18626" else {}
        partners.change_partner(session, partner, transport=transport, wire=wire)
        rows = session.query(EffectRow).where(EffectRow.request_id == lent.id, EffectRow.kind == "send_message")
        row = rows.order_by(EffectRow.id.desc()).first()
        return Claimed(
            row.id, row.kind, row.argument, "", row.library_id, row.request_id, row.event_id, row.payload, 1, 0, "t",
            row.created_at,
        )  # fmt: skip


def test_a_partner_of_another_installation_is_told_where_to_fetch_it(stage):
    stage.services.settings.web_url = "https://ill.example.org/"
    claimed = delivered_to(stage, "iso18626")
    name = claimed.payload["inputs"]["file"]
    with stage.db.reading() as session:
        delivery = compose(session, claimed, stage.services.post.link_of_copy).message.deliveryInfo
    assert f"https://ill.example.org/copies/{name}" == delivery.URL


def test_it_fetches_the_file_from_there(stage, anybody):
    """Over a real socket there; what it then asks for is asked of the application."""
    stage.services.settings.web_url, stage.services.settings.private_partners = "https://ill.example.org", True
    far = FarPartner()
    with stage.db.writing() as session:
        wire = {"address": far.url, "plain_http": True, "edition": "2021"}
        main = libraries.find_library(session, "MAIN").id
        partners.add_partner(session, main, code="FAR", name="Faraway", transport="iso18626", wire=wire)
    lent = stage.lends(to="FAR", service="copy")
    lent.does("deliver_copy", file=kept(stage))
    stage.work()
    far.end()

    link = far.heard[-1].message.deliveryInfo.URL
    assert link.startswith("https://ill.example.org/copies/")
    assert anybody.get(link.removeprefix("https://ill.example.org")).content == PDF


def test_one_that_reads_mail_gets_it_attached(stage):
    claimed = delivered_to(stage, "email")
    with stage.db.reading() as session:
        delivery = compose(session, claimed, stage.services.post.link_of_copy).message.deliveryInfo
    assert f"ill-copy:{claimed.payload['inputs']['file']}" == delivery.URL


def test_without_a_public_address_a_person_is_told_instead_of_the_partner(stage):
    claimed = delivered_to(stage, "iso18626")
    with pytest.raises(Refused, match="no public address"):
        copies.link_of_copy(stage.services.settings, "x.pdf")
    with stage.db.reading() as session, pytest.raises(Permanent, match="Set ILL_WEB_URL and send it again"):
        compose(session, claimed, stage.services.post.link_of_copy)


@pytest.mark.parametrize(
    ("link", "followed"),
    [
        ("https://lender.example/scan?id=1&x=2", True), ("HTTP://lender.example/a", True),
        ("javascript:alert(1)", False), ("ftp://lender.example/a", False), ("https://", False),
        ("lender.example/a", False), ("data:text/html,<script>1</script>", False), ("https://[", False),
    ],
)  # fmt: skip
def test_only_what_leads_to_the_web_is_a_link(link, followed):
    assert is_of_the_web(link) == followed


def test_a_partners_link_is_passed_on_to_the_patron_and_shown_to_staff(stage, page):
    for link, hrefs in (("https://lender.example/scan?id=1&x=2", 1), ("javascript:alert(1)", 0)):
        copy = stage.borrows(ask=("HILL",), service="copy")
        copy.does("partner_delivered_copy", told_by="mail", link=link)
        assert link in stage.mailer.mails_to("ann@readers.example")[-1].text
        section = page.tree(f"/l/MAIN/requests/{copy.id}").xpath("//section[@id='copies']")[0]
        assert link in section.text_content()
        assert [a.get("href") for a in section.xpath(".//a")] == [link] * hrefs


def test_a_partner_far_away_names_no_file_of_ours(stage, page):
    hilltop = system_of(stage)
    hilltop.edition = Edition.Y2021
    agree(stage, shows_itself="nothing")
    copy, secret = stage.borrows(ask=("HILL",), service="copy"), kept(stage)
    delivery = DeliveryInfo(dateSent=stage.clock.now(), URL=f"ill-copy:{secret}")
    assert hilltop.answers("CopyCompleted", copy.wire_id, deliveryInfo=delivery).error == ""
    stage.work()
    assert copy.state == "delivered"
    assert stage.mailer.mails_to("ann@readers.example")[-1].attachments == ()
    section = page.tree(f"/l/MAIN/requests/{copy.id}").xpath("//section[@id='copies']")[0]
    assert f"ill-copy:{secret}" in section.text_content()
    assert section.xpath(".//a") == []


def test_the_page_says_until_when_a_file_is_kept(stage, page):
    copy = stage.borrows(service="copy", pages="12-30")
    name = kept(stage)
    stage.other_half(copy).does("deliver_copy", file=name)
    address = f"/l/MAIN/requests/{copy.id}"
    assert "The file is kept until" in page.text(address)
    assert page.get(f"{address}/copies/{name}").content == PDF

    (stage.services.settings.copies / name).unlink()
    assert "The file is kept no longer." in page.text(address)
