"""The page of one request, as staff use it without a browser: what it says, what can be done, and what may not be."""

import re

import pytest
from lxml import html

from ill_workflow.mail.mailer import MailRefused
from ill_workflow.requests.models import Event, Request


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def page(stage, visiting):
    return visiting(stage)("operator", "MAIN")


def at(half, code="MAIN"):
    return f"/l/{code}/requests/{half.id}"


def hidden(tree):
    """What a form carries along."""
    return {each.get("name"): each.get("value") for each in tree.xpath("//form//input[@type='hidden']")}


def fill(page, half, trigger, **values):
    """Open the form of an action, fill it in, and send it off."""
    asked = page.tree(f"{at(half)}/actions/{trigger}")
    return page.submit(f"{at(half)}/actions/{trigger}", **{**hidden(asked), **values})


def test_it_says_in_plain_words_what_it_is_and_what_comes_next(stage, page):
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_shipped", told_by="mail", item_barcode="312", due_date="2026-03-05")
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    text = page.text(at(loan))
    assert "It is with Ann Reader since Feb 2, 2026. Hilltop College wants it back by Mar 5, 2026." in text
    assert "It will be overdue on Mar 6, 2026." in text
    tree = page.tree(at(loan))
    big = tree.xpath("//*[@data-size='big']")
    assert [each.text_content().strip() for each in big] == ["Scan In"]


def test_what_is_impossible_is_grey_and_says_why_to_every_reader(stage, page):
    tree = page.tree(at(stage.lends()))
    grey = tree.xpath("//*[@aria-disabled='true']")
    assert len(grey) > 10
    for button in grey:
        (why,) = tree.xpath(f"//*[@id='{button.get('aria-describedby')}']")
        assert why.text_content().strip(), button.text_content()
        assert button.get("disabled") is None, "it can have the focus"
    renew = next(b for b in grey if b.text_content() == "Renew")
    (why,) = tree.xpath(f"//*[@id='{renew.get('aria-describedby')}']")
    assert why.text_content().startswith("Renew is possible while it is Shipped, Received by Partner")


def test_ship_item_is_a_form_and_brings_one_back_with_what_was_done(stage, page):
    lent = stage.lends()
    form = page.tree(f"{at(lent)}/actions/ship")
    assert form.xpath("//input[@name='due_date']/@value") == ["2026-03-05"], "by the policy of the partner"
    assert form.xpath("//input[@name='condition_checked']/@type") == ["checkbox"]

    answer = fill(page, lent, "ship", condition_checked="yes", item_barcode="312", carrier="UPS", tracking="1Z 99")

    assert answer.status_code == 303
    assert (lent.state, lent.item_barcode, lent.tracking) == ("shipped", "312", "1Z 99")
    back = page.tree(answer.headers["location"])
    said = back.xpath("//*[@data-announce]")[0].text_content()
    assert f"{lent.reference}: Ship Item. It is Shipped now." in said
    assert "Undo" in said


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(stage, page):
    lent = stage.lends()
    answer = fill(
        page, lent, "ship", item_barcode="312", due_date="2026-01-01", note="Handle\nwith care", pieces="A\nB"
    )
    assert answer.status_code == 422
    assert 'value="312"' in answer.text
    assert "Handle\nwith care" in answer.text
    assert "A\nB" in answer.text
    assert re.search(r'id="error-condition_checked">Ship Item needs: Condition checked', answer.text)
    assert lent.state == "new"


def test_a_form_that_is_sent_twice_is_one_action(stage, page):
    lent = stage.lends()
    carried = hidden(page.tree(f"{at(lent)}/actions/ship"))
    given = {**carried, "condition_checked": "yes", "item_barcode": "312"}
    first, second = (page.submit(f"{at(lent)}/actions/ship", **given) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert lent.history.count("ship") == 1


def test_of_two_people_one_wins_and_the_other_is_told_and_keeps_what_they_typed(stage, visiting):
    sit_down = visiting(stage)
    one, other = sit_down("operator", "MAIN"), sit_down("manager", "MAIN")
    lent = stage.lends()
    seen = hidden(other.tree(f"{at(lent)}/actions/reject"))
    assert fill(one, lent, "ship", condition_checked="yes", item_barcode="312").status_code == 303

    late = other.submit(f"{at(lent)}/actions/reject", **{**seen, "reason": "OnLoan", "note": "so sorry"})

    assert late.status_code == 409
    assert "has changed since you looked. operator-MAIN did: Ship Item. It is Shipped now." in late.text
    assert "so sorry" in late.text
    assert lent.state == "shipped"
    still_possible = hidden(other.tree(f"{at(lent)}/actions/recall"))
    lent.notes("looked at it")
    late = other.submit(f"{at(lent)}/actions/recall", **{**still_possible, "return_by": "2026-02-20"})
    assert late.status_code == 409
    again = html.fromstring(late.text)
    assert again.xpath("//input[@name='return_by']/@value") == ["2026-02-20"]
    answer = other.submit(f"{at(lent)}/actions/recall", **{**hidden(again), "return_by": "2026-02-20"})
    assert (answer.status_code, lent.state) == (303, "recalled"), "once looked at, the same form does it"


def test_what_a_partner_says_is_recorded_with_how_it_came(stage, page):
    loan = stage.borrows(ask=("HILL",))
    refused = fill(page, loan, "partner_will_supply", expected_date="2026-02-06")
    assert refused.status_code == 422
    how = html.fromstring(refused.text).get_element_by_id("in-told_by")
    assert (how.get("aria-invalid"), "error-told_by" in how.get("aria-describedby")) == ("true", True)
    assert "Say how the partner told you." in refused.text
    answer = fill(page, loan, "partner_will_supply", told_by="phone", expected_date="2026-02-06")
    assert answer.status_code == 303
    assert (loan.state, loan.last_event.told_by, loan.last_event.actor) == ("will_supply", "phone", "partner")
    assert "told by the partner: phone" in page.text(at(loan))


def test_a_copy_is_handed_over_as_a_file(stage, page):
    copy = stage.lends(service="copy")
    carried = hidden(page.tree(f"{at(copy)}/actions/deliver_copy"))
    pdf = ("article.pdf", b"%PDF-1.7 a page", "application/pdf")
    for _ in range(2):
        answer = page.submit(f"{at(copy)}/actions/deliver_copy", files={"file": pdf}, **carried)
        assert answer.status_code == 303, answer.text
    assert (copy.state, copy.history.count("deliver_copy")) == ("delivered", 1)
    name = copy.inputs("deliver_copy")["file"]
    assert page.tree(at(copy)).xpath("//*[@id='copies']//a/@href") == [f"{at(copy)}/copies/{name}"]
    assert page.get(f"{at(copy)}/copies/{name}").content == pdf[1]
    other = stage.lends(title="Emma", partner_id="H-78")
    assert page.get(f"{at(other)}/copies/{name}").status_code == 404


def test_a_file_that_is_none_is_refused_at_its_field(stage, page):
    copy = stage.lends(service="copy")
    carried = hidden(page.tree(f"{at(copy)}/actions/deliver_copy"))
    answer = page.submit(f"{at(copy)}/actions/deliver_copy", files={"file": ("a.exe", b"MZ", "text/plain")}, **carried)
    assert answer.status_code == 422
    assert 'id="error-file">A copy is a PDF' in answer.text


def test_edit_changes_what_was_changed_and_leaves_the_rest(stage, page):
    loan = stage.borrows(ask=("HILL",))
    form = page.tree(f"{at(loan)}/actions/amend")
    fields = {e.get("name"): e.get("value") or e.text or "" for e in form.xpath("//fieldset//*[@name]")}
    assert fields["changes.title"] == "Pride and Prejudice"
    answer = page.submit(f"{at(loan)}/actions/amend", **hidden(form), **{**fields, "changes.volume": "2"})
    assert answer.status_code == 303, answer.text
    assert loan.inputs("amend")["changes"] == {"volume": "2"}
    nothing = fill(page, loan, "amend", **{**fields, "changes.volume": "2"})
    assert nothing.status_code == 422
    wrong = fill(page, loan, "amend", **{**fields, "changes.volume": "2", "changes.isbn": "123"})
    assert 'id="error-changes.isbn"' in wrong.text


def test_undo_takes_back_what_was_shown_and_pressed_twice_once(stage, page):
    lent = stage.lends()
    fill(page, lent, "ship", condition_checked="yes", item_barcode="312")
    (event,) = page.tree(at(lent)).xpath("//form[contains(@action, '/undo')]//input[@name='event']/@value")[:1]
    first, second = (page.submit(f"{at(lent)}/undo", event=event) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert (lent.state, lent.history.count("undo")) == ("new", 1)
    lent.does("print_slip")
    late = page.submit(f"{at(lent)}/undo", event=str(int(event) - 1))
    assert (late.status_code, lent.state) == (409, "being_processed")
    assert "operator-MAIN did: Print Slip. Look at the request again" in late.text


def test_notes_are_for_staff_or_for_the_partner(stage, page):
    loan = stage.borrows(ask=("HILL",))
    assert page.submit(f"{at(loan)}/notes", note="in a hurry", to="staff", key="k1").status_code == 303
    assert page.submit(f"{at(loan)}/notes", note="in a hurry", to="staff", key="k1").status_code == 303
    assert page.submit(f"{at(loan)}/notes", note="pack it well", to="partner", key="k2").status_code == 303
    stage.work()
    assert loan.history.count("note") == 2
    tree = page.tree(at(loan))
    assert "in a hurry" in tree.xpath("//*[@id='notes']")[0].text_content()
    assert "in a hurry" not in tree.xpath("//*[@id='partner']")[0].text_content()
    assert "pack it well" in tree.xpath("//*[@id='partner']")[0].text_content()
    empty = page.submit(f"{at(loan)}/notes", note=" ", to="staff")
    assert (empty.status_code, "Write something." in empty.text) == (422, True)


def test_create_again_leads_to_the_new_one_which_shows_what_failed(stage, page):
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_cannot_supply", told_by="phone", reason="NotOnShelf")
    (key,) = page.tree(at(loan)).xpath("//form[contains(@action, '/again')]//input[@name='key']/@value")
    first, second = (page.submit(f"{at(loan)}/again", key=key) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    new = page.text(first.headers["location"])
    assert f"Follows {loan.reference}" in new
    assert "Hilltop College: Partner Cannot Supply (not on shelf)" in new
    assert page.submit(f"{at(stage.lends())}/again").status_code == 409


def test_slips_and_mails_are_there_as_they_went(stage, page):
    lent = stage.lends()
    lent.does("print_slip")
    tree = page.tree(at(lent))
    (pdf,) = tree.xpath("//a[contains(@href, '.pdf')]/@href")
    assert page.get(pdf).content.startswith(b"%PDF")
    (png,) = tree.xpath("//img[@class='preview']/@src")
    assert page.get(png).content.startswith(b"\x89PNG")
    assert page.get(f"{png}?page=9").status_code == 404
    printed = page.submit(f"{at(lent)}/print", layout="routing")
    assert (printed.status_code, printed.content[:4]) == (200, b"%PDF")
    assert "printed" in page.text(at(lent))
    again = page.submit(f"{at(lent)}/print", layout="routing")
    assert (again.status_code, again.content[:4]) == (200, b"%PDF"), "printing again is possible in every state"
    mail = page.tree(at(lent)).xpath("//*[@id='mails']//a/@href")[0]
    assert lent.reference in page.text(mail)
    sent = len(stage.mailer.mails)
    for _ in range(2):
        assert page.submit(f"{mail}/resend").status_code == 303
    stage.work()
    assert len(stage.mailer.mails) == sent + 1


def test_another_librarys_request_is_not_there_in_whatever_address(stage, visiting):
    lent = stage.lends()
    lent.does("print_slip")
    tree = visiting(stage)("operator", "MAIN").tree(at(lent))
    files = tree.xpath("//a[contains(@href, '/requests/') or contains(@href, '/sent/')]/@href | //main//img/@src")
    stranger = visiting(stage)("operator", "RIV")
    for address in {at(lent), f"{at(lent)}/actions/ship", *files}:
        assert stranger.get(address).status_code == 403, address
        assert stranger.get(address.replace("/l/MAIN/", "/l/RIV/")).status_code == 404, address
    theirs = at(lent, "RIV")
    for address in ("actions/ship", "undo", "notes", "again", "print", "messages/1/resend"):
        assert stranger.submit(f"{theirs}/{address}", note="x").status_code == 404, address
    assert lent.state == "being_processed"


@pytest.mark.parametrize("title", ["<script>alert(1)</script> & 'quotes\" {{ 7*7 }}", "كتاب " * 200, "W" * 1000])
def test_titles_of_every_kind_are_text(stage, page, title):
    lent = stage.lends(title=title.strip(), author="<b>bold</b>", to="HILL")
    lent.notes("<img src=x onerror=alert(1)>")
    answer = page.get(at(lent))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "<b>bold" not in answer.text
    assert title.strip() in page.tree(at(lent)).text_content()
    assert page.get(f"{at(lent)}/actions/amend").status_code == 200


def test_a_long_history_is_folded(stage, page):
    loan = stage.borrows(ask=("HILL",))
    with stage.db.writing() as session:
        request = session.get_one(Request, loan.id)
        for number in range(200):
            request.version += 1
            session.add(Event(
                request_id=loan.id, version=request.version, trigger="note", label="Internal Note",
                source=request.state, dest=request.state, actor="staff", who="Ann", inputs={"note": f"n{number}"},
                before={}, at=stage.clock.now(),
            ))  # fmt: skip
    text = page.text(at(loan))
    assert "190 earlier lines" in text
    assert "n0" in text


def test_nonsense_in_addresses_is_no_error(stage, page):
    lent = stage.lends()
    for address in (
        f"/l/MAIN/requests/{2**40}",
        "/l/MAIN/requests/0",
        f"{at(lent)}/actions/fly",
        f"{at(lent)}/mails/9",
    ):
        assert page.get(address).status_code == 404, address
    assert page.get("/l/MAIN/requests/x").status_code == 422
    for done in ("x", "-1", "9" * 30, "1"):
        assert page.get(f"{at(lent)}?done={done}").status_code == 200
    elsewhere = fill(page, lent, "print_slip", back="https://evil.example/")
    assert elsewhere.headers["location"].startswith(f"{at(lent)}?done=")


def test_a_dialog_brings_no_name_that_the_page_has_already(stage, page):
    lent = stage.lends()
    ids = page.tree(at(lent)).xpath("//*/@id")
    assert len(ids) == len(set(ids))
    for trigger in ("ship", "reject", "amend", "record_availability"):
        answer = page.get(f"{at(lent)}/actions/{trigger}", headers={"hx-request": "true"})
        assert not set(ids) & set(html.fromstring(answer.text).xpath("//*/@id")), trigger


def test_a_message_that_was_given_up_is_sent_again_from_here(stage, page):
    lent = stage.lends()
    stage.mailer.fail_with(MailRefused("550 no such mailbox"))
    lent.does("will_supply")
    (form,) = page.tree(at(lent)).xpath("//*[@id='partner']//form")
    assert "550 no such mailbox" in page.text(at(lent))
    stage.mailer.recover()
    assert page.submit(form.get("action")).status_code == 303
    stage.work()
    assert lent.said == ["WillSupply"]
    assert page.submit(form.get("action")).status_code == 409, "it is on its way, or there, already"


def test_a_request_that_went_to_nobody_has_a_page_too(stage, page):
    loan = stage.borrows(send=False, ask=())
    text = page.text(at(loan))
    assert "has not been sent to a partner yet" in text
    assert "Send Request" in text
    refused = page.submit(f"{at(loan)}/print", layout="book_strap")
    assert (refused.status_code, "None of these slips can be drawn." in refused.text) == (422, True)
    assert page.submit(f"{at(loan)}/print", layout="routing").status_code == 422


def test_codes_of_the_standard_are_offered_in_words_and_kept_as_codes(stage, page):
    lent = stage.lends()
    tree = page.tree(f"{at(lent)}/actions/reject")
    assert "not on shelf" in tree.xpath("//datalist/option/@value")
    assert "usual: library use only, no reproduction" in page.text(f"{at(lent)}/actions/ship")
    assert fill(page, lent, "add_condition", condition="Library use only").status_code == 303
    assert lent.conditions == ["LibraryUseOnly"]
    assert fill(page, lent, "reject", reason="not on shelf").status_code == 303
    assert lent.inputs("reject")["reason"] == "NotOnShelf"
