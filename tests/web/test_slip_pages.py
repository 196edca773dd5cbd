"""Slips in the browser: on real data, with settings that are tried first, and a logo that is looked at first."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from lxml import html
from PIL import Image

from ill_workflow import libraries
from ill_workflow.libraries import Logo
from ill_workflow.slips import printing
from ill_workflow.slips.batches import How

PAGE = "/l/MAIN/slips"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def library(stage):
    with stage.db.reading() as session:
        return libraries.find_library(session, "MAIN")


def shown(page, at=PAGE):
    return dict(page.tree(at).xpath("//form[.//input[@name='mark']]")[0].form_values())


def submits(page, address, **changed):
    fields = {**shown(page), **changed}
    return page.submit(address, **{name: value for name, value in fields.items() if name != "csrf"})


def pictures(answer):
    return html.fromstring(answer.text).xpath("//img[@class='paper'][contains(@src, 'preview.png')]/@src")


def size(answer):
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text[:300]
    return Image.open(BytesIO(answer.content)).size


def picture(kind="PNG", size=(40, 20), mode="RGB"):
    file = BytesIO()
    Image.new(mode, size, "black").save(file, kind)
    return file.getvalue()


@pytest.mark.long
def test_each_slip_is_shown_on_the_data_of_real_requests_on_each_paper(stage, manager):
    loan, lent = stage.borrows(), stage.lends()
    page = manager.get(PAGE)
    assert loan.reference in page.text
    assert lent.reference in page.text
    found = pictures(page)
    assert len(found) == 4 + 4 * 5
    assert [size(manager.get(address))[0] for address in found[:2]] == [638] * 2
    small = {size(manager.get(address)) for address in found if "dpi=45" in address}
    assert len(small) >= 5, "five papers"
    only = pictures(manager.get(f"{PAGE}?reference={lent.reference}"))
    assert len(only) == 2 + 2 * 5


def test_settings_are_looked_at_before_they_are_saved(stage, manager):
    stage.lends()
    tried = submits(
        manager, f"{PAGE}/preview", routing_paper="a5", duplex="yes", per_sheet="4", slip_texts="Hello\r\nyou"
    )
    assert tried.status_code == 200
    addresses = pictures(tried)
    assert size(manager.get(addresses[0]))[0] == 438
    assert any("page=1" in address for address in addresses)
    assert any("layout=sheet" in address for address in addresses)
    for address in addresses:
        assert size(manager.get(address))
    assert library(stage).papers == {}
    assert html.fromstring(tried.text).xpath("//select[@name='routing_paper']")[0].value == "a5"

    assert submits(manager, PAGE, routing_paper="a5", slip_texts="Hello\r\nyou").status_code == 303
    now = library(stage)
    assert (now.papers["routing"], now.slip_texts) == ("a5", "Hello\nyou")


@pytest.mark.long
def test_what_is_wrong_is_told_at_its_field(stage, manager):
    stage.lends()
    for address in (PAGE, f"{PAGE}/preview"):
        answer = submits(manager, address, routing_paper="papyrus")
        assert answer.status_code == 422
        assert "is no paper" in answer.text
        many = submits(manager, address, slip_texts="\n".join(["x"] * 7))
        assert (many.status_code, "Own lines has 7 lines" in many.text) == (422, True)
    assert "There is no request" in submits(manager, f"{PAGE}/preview", reference="NONE-1").text
    number = stage.lends(partner_id="H-78").id
    for bad in ("layout=book_strap", "layout=x", "layout=routing&dpi=9999", "layout=routing&page=7",
                "layout=routing&routing_paper=x", "layout=routing&per_sheet=9"):  # fmt: skip
        assert manager.get(f"{PAGE}/preview.png?loan={number}&{bad}").status_code == 422, bad
    assert manager.get(f"{PAGE}/preview.png?loan=999999999999&layout=routing").status_code == 404


@pytest.mark.long
def test_a_logo_is_looked_at_first_and_printed_when_that_is_said(stage, manager):
    stage.lends()
    added = manager.submit(f"{PAGE}/logo", files={"logo": ("logo.png", picture(), "image/png")})
    assert added.status_code == 303
    digest = added.headers["location"].split("logo=")[1].split("#")[0]
    assert library(stage).logo is None
    page = manager.get(f"{PAGE}?logo={digest}")
    assert f"logo={digest}" in pictures(page)[0]
    with_it, without = (manager.get(pictures(manager.get(at))[0]).content for at in (f"{PAGE}?logo={digest}", PAGE))
    assert with_it != without
    assert size(manager.get(f"{PAGE}/logo/{digest}.png")) == (40, 20)

    assert manager.submit(f"{PAGE}/logo/use", logo=digest).status_code == 303
    assert library(stage).logo == digest
    assert manager.submit(f"{PAGE}/logo/use", logo="nothing").status_code == 404
    manager.submit(f"{PAGE}/logo/use", logo="")
    assert library(stage).logo is None


def bomb():
    """A small file that says it has 60,000 times 60,000 dots."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


NO_LOGOS = (
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "PNG or JPEG"),
    (b"<html><script>alert(1)</script>", "PNG or JPEG"),
    (b"", "Choose a picture first."),
    (b"x" * 600_000, "at most 512 KB"),
    (bomb(), "million dots"),
    (picture(size=(3000, 2000), mode="1"), "million dots"),
    (picture("GIF"), "PNG or JPEG"),
    (picture()[:60], "PNG or JPEG"),
)


def test_what_is_no_logo_is_refused(stage, manager):
    for content, sentence in NO_LOGOS:
        answer = manager.submit(f"{PAGE}/logo", files={"logo": ("x.png", content, "image/png")})
        assert answer.status_code == 422, sentence
        assert sentence in answer.text
    with stage.db.reading() as session:
        assert session.query(Logo).count() == 0


@pytest.mark.long
def test_what_else_is_in_the_file_of_a_logo_reaches_no_browser(stage, manager):
    both = picture() + b"<script>alert(1)</script>"
    added = manager.submit(f"{PAGE}/logo", files={"logo": ("x.html", both, "text/html")})
    digest = added.headers["location"].split("logo=")[1].split("#")[0]
    answer = manager.get(f"{PAGE}/logo/{digest}.png")
    assert b"script" not in answer.content
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("image/png", "nosniff")


@pytest.mark.long
def test_what_was_printed_is_printed_once_more(stage, manager, tmp_path):
    stage.lends().does("print_slip")
    with stage.db.reading() as session:
        main, account = libraries.find_library(session, "MAIN"), stage.account(session, "operator", "MAIN")
        chosen = printing.all_waiting(session, main)
    printing.print_chosen(stage.db, stage.clock, account, main, chosen, tmp_path / "all.pdf", How())
    page = manager.tree(f"{PAGE}/batches")
    (address,) = page.xpath("//tbody//a/@href")
    answer = manager.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"].startswith('attachment; filename="slips-MAIN-batch-')
    assert answer.content.startswith(b"%PDF")
    assert manager.get(f"{PAGE}/batches/99999.pdf").status_code == 404


@pytest.mark.long
def test_nothing_of_it_reaches_another_library_and_an_operator_changes_nothing(stage, visiting, manager):
    lent = stage.lends()
    added = manager.submit(f"{PAGE}/logo", files={"logo": ("x.png", picture(), "image/png")})
    digest = added.headers["location"].split("logo=")[1].split("#")[0]
    operator, other = visiting(stage)("operator"), visiting(stage)("manager", "RIV")
    assert other.get(f"/l/RIV/slips/preview.png?loan={lent.id}&layout=routing").status_code == 404
    assert other.get(f"/l/RIV/slips/logo/{digest}.png").status_code == 404
    assert other.submit("/l/RIV/slips/logo/use", logo=digest).status_code == 404
    assert other.get(f"{PAGE}/preview.png?loan={lent.id}&layout=routing").status_code == 403
    assert operator.get(pictures(operator.get(PAGE))[0]).status_code == 200
    for address in (PAGE, f"{PAGE}/logo", f"{PAGE}/logo/use"):
        assert operator.submit(address, logo="", routing_paper="a4").status_code == 403
    assert library(stage).papers == {}


@pytest.mark.long
def test_many_look_at_once(stage, manager):
    stage.lends()
    addresses = [a for a in pictures(manager.get(PAGE)) if "dpi=45" in a] * 6
    with ThreadPoolExecutor(8) as people:
        found = list(people.map(manager.get, addresses))
    assert {answer.status_code for answer in found} == {200}
    by_address = {}
    for address, answer in zip(addresses, found, strict=True):
        by_address.setdefault(address, set()).add(answer.content)
    assert all(len(contents) == 1 for contents in by_address.values())
