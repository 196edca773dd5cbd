"""Letters in the browser: written on real data while somebody types, kept in versions, and read as they were sent."""

import pytest
from lxml import html

from ill_workflow.mail.letters import LETTERS, default_template
from ill_workflow.mail.mailer import MailRefused
from ill_workflow.requests.models import MailRow

PAGE = "/l/MAIN/letters"
OWN = "Come and get it: {{ title }}\nDear {{ patron_name }},\n\n{{ title }} waits for you at {{ library_name }}.\n"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def arrived(stage):
    loan = stage.borrows()
    lent = stage.other_half(loan)
    lent.does("ship", condition_checked=True, item_barcode="312")
    loan.does("receive", condition_checked=True)
    return loan


def saves(page, source, name="ready_for_pickup", language="en", seen="0", reference=""):
    return page.submit(f"{PAGE}/{name}", source=source, language=language, seen=seen, reference=reference)


def text_of(answer):
    return " ".join(html.fromstring(answer.text).text_content().split())


def test_all_letters_are_listed_by_reader_and_say_who_wrote_them(stage, manager):
    saves(manager, OWN)
    page = manager.tree(PAGE)
    assert [h.text for h in page.xpath("//main//h2")] == ["To patrons", "To partners", "To staff", "Slips by mail"]
    links = {a.get("href"): "".join(a.itertext()).split(": ")[-1] for a in page.xpath("//tbody//a")}
    assert len(links) == 2 * len(LETTERS)
    assert links[f"{PAGE}/ready_for_pickup?language=en"] == "version 1 by manager-MAIN"
    assert links[f"{PAGE}/ready_for_pickup?language=de"] == "as supplied"


@pytest.mark.long
def test_it_is_tried_on_the_latest_request_that_fits_and_sent_as_it_was_shown(stage, manager):
    loan = arrived(stage)
    page = manager.tree(f"{PAGE}/ready_for_pickup")
    shown = dict(zip(page.xpath("//dt//text()"), page.xpath("//dd/text()"), strict=True))
    assert (shown["About"], shown["To"]) == (loan.reference, '"Ann Reader" <ann@readers.example>')
    assert shown["{{ patron_name }}"] == "Ann Reader", "an example of each value"

    fragment = manager.client.post(
        f"{PAGE}/ready_for_pickup/preview", data={"source": OWN, "language": "en"},
        headers={"hx-request": "true", "x-csrf": manager.csrf},
    )  # fmt: skip
    assert "<html" not in fragment.text
    assert "Come and get it: Pride and Prejudice" in fragment.text
    assert stage.mailer.mails_to("ann@readers.example")[-1].subject != "Come and get it: Pride and Prejudice"

    assert saves(manager, OWN).headers["location"].endswith("done=saved")
    other = arrived(stage)
    assert stage.mailer.mails_to("ann@readers.example")[-1].subject == "Come and get it: Pride and Prejudice"
    with stage.db.reading() as session:
        assert (
            session.query(MailRow).filter_by(request_id=other.id, name="ready_for_pickup").one().template_version == 1
        )


REFUSED = (
    ("Hello {{ patron }}\nx\n", "Line 1: There is no value “patron”. Did you mean patron_name?"),
    ("Hello\n{{ title.__class__.__mro__ }}\n", "Line 2: “This” has no part “__mro__”."),
    ("Hello\n{{ cycler.__init__.__globals__.os.popen('id').read() }}\n", "Line 2:"),
    ("Hello\n{% for a in range(999999999) %}x{% endfor %}\n", "Line 2: A letter repeats only what is a list"),
    ("Hello\n{% include '/etc/passwd' %}\n", "Line 2: A letter prints values"),
    ("Hello\n{% if title %}\n", "Line 2:"),
    ("x" * 20_001, "more than 20000 characters"),
    ("Hello\x00\nthere\n", "control character"),
    ("", "Line 1: This is the subject, and is empty"),
    ("Hello\n" + "{% if file %}" * 700 + "x" + "{% endif %}" * 700, "nested too deeply"),
)


@pytest.mark.long
def test_what_would_fail_or_reach_out_is_refused_with_its_line_and_stays_as_it_was_typed(stage, manager):
    arrived(stage)
    for source, sentence in REFUSED:
        answer = saves(manager, source)
        assert answer.status_code == 422
        assert sentence in text_of(answer)
        kept = html.fromstring(answer.text).xpath("//textarea[@name='source']")[0].text or ""
        assert kept.strip("\n").replace("\ufffd", "\x00") == source.strip("\n") or "\x00" in source
        tried = manager.submit(f"{PAGE}/ready_for_pickup/preview", source=source, language="en")
        assert sentence in text_of(tried)
    assert "as supplied" in manager.text(PAGE)


@pytest.mark.long
def test_hostile_values_stay_text(stage, manager):
    stage.borrows(title="<script>alert(1)</script>{{ 7*7 }}")
    answer = manager.get(f"{PAGE}/request_sent")
    assert "<script>alert" not in answer.text
    assert "{{ 7*7 }}" in html.fromstring(answer.text).text_content()


def test_two_managers_write_nothing_over_each_other_unseen(stage, manager, visiting):
    second = visiting(stage)("manager")
    saves(manager, OWN)
    theirs = OWN.replace("Dear", "Hello")
    answer = saves(second, theirs)
    assert answer.status_code == 409
    assert "Somebody else has saved another one" in text_of(answer)
    assert "Dear {{ patron_name }}" in text_of(answer)
    (seen,) = html.fromstring(answer.text).xpath("//input[@name='seen']/@value")
    assert saves(second, theirs, seen=seen).status_code == 303
    assert "version 2" in manager.text(PAGE)


@pytest.mark.long
def test_ours_is_used_again_and_what_is_ours_already_is_not_kept(stage, manager):
    ours = default_template("ready_for_pickup", "en")
    assert saves(manager, ours.replace("\n", "\r\n")).status_code == 303
    assert "version" not in manager.text(PAGE)
    saves(manager, OWN)
    assert manager.submit(f"{PAGE}/ready_for_pickup/reset", language="en").status_code == 303
    assert "version" not in manager.text(PAGE)
    assert "Version 2" in manager.text(f"{PAGE}/ready_for_pickup")
    assert manager.submit(f"{PAGE}/ready_for_pickup/reset", language="en").status_code == 404


@pytest.mark.long
def test_a_request_that_does_not_fit_is_told(stage, manager):
    lent = stage.lends()
    page = manager.text(f"{PAGE}/ready_for_pickup?reference={lent.reference}")
    assert f"{lent.reference} has no patron to write to." in page
    assert "There is no request “NONE-1” here." in manager.text(f"{PAGE}/ready_for_pickup?reference=NONE-1")
    assert manager.get(f"{PAGE}/no_such_letter").status_code == 422
    assert manager.get(f"{PAGE}/overdue?language=xx").status_code == 200


@pytest.mark.long
def test_an_operator_tries_and_keeps_nothing_and_another_library_reads_nothing(stage, visiting):
    loan = arrived(stage)
    operator, other = visiting(stage)("operator"), visiting(stage)("manager", "RIV")
    assert loan.reference in operator.text(f"{PAGE}/ready_for_pickup")
    assert operator.submit(f"{PAGE}/ready_for_pickup/preview", source=OWN, language="en").status_code == 200
    assert saves(operator, OWN).status_code == 403
    assert operator.submit(f"{PAGE}/ready_for_pickup/reset", language="en").status_code == 403
    assert other.get(f"{PAGE}/ready_for_pickup").status_code == 403
    theirs = "/l/RIV/letters/ready_for_pickup"
    assert "has no patron" in other.text(f"{theirs}?reference={loan.reference}"), "that is their half of it"
    with stage.db.reading() as session:
        number = session.query(MailRow).filter_by(request_id=loan.id).first().id
    assert other.get(f"/l/RIV/letters/sent/{number}").status_code == 404
    assert other.submit(f"/l/RIV/letters/sent/{number}/resend").status_code == 404
    assert other.text("/l/RIV/letters/sent").count("ann@readers.example") == 0


@pytest.mark.long
def test_what_was_sent_is_read_as_it_left_and_what_failed_is_sent_again(stage, manager, monkeypatch):
    send = stage.mailer.send

    def refuse(mail, at):
        raise MailRefused("550 no such mailbox")

    monkeypatch.setattr(stage.mailer, "send", refuse)
    loan = stage.borrows()
    monkeypatch.setattr(stage.mailer, "send", send)
    page = manager.tree(f"{PAGE}/sent?failed=yes")
    (line,) = [" ".join(row.text_content().split()) for row in page.xpath("//tbody/tr[contains(., 'ann@readers')]")]
    assert "refused" in line
    address = page.xpath("//tbody/tr[contains(., 'ann@readers')]//th/a/@href")[0]
    assert "Dear Ann Reader" in manager.text(address)

    again = manager.submit(f"{address}/resend")
    stage.work()

    assert "This is sent again now." in manager.text(again.headers["location"])
    assert stage.mailer.mails_to("ann@readers.example")
    assert "No mails." in manager.text(f"{PAGE}/sent?failed=yes&to=ann@")
    assert loan.reference in manager.text(f"{PAGE}/sent?reference={loan.reference}&letter=request_sent")
    assert manager.get(f"{PAGE}/sent/999999999999").status_code == 404


@pytest.mark.long
def test_mails_are_paged_and_each_is_there_once(stage, manager):
    loan = stage.borrows()
    with stage.db.writing() as session:
        first = session.query(MailRow).filter_by(request_id=loan.id).first()
        for n in range(120):
            session.add(MailRow(
                library_id=first.library_id, reader="staff", name="slips", language="en", address="x@m.example",
                message_id=f"<{n}>", subject=f"S {n}", text="t", fate="no_address" if n % 40 == 0 else "sent",
                at=first.at, remark="", asked_by="",
            ))  # fmt: skip
    seen, address = [], f"{PAGE}/sent?letter=slips"
    while address:
        page = manager.tree(address)
        seen += page.xpath("//tbody//td[5]/text()")
        more = page.xpath("//a[text()='Earlier mails']/@href")
        address = f"{PAGE}/sent{more[0]}" if more else ""
    assert seen == [f"S {n}" for n in reversed(range(120))]
    assert manager.tree(f"{PAGE}/sent?failed=yes").xpath("//tbody//td[5]/text()") == ["S 80", "S 40", "S 0"]
