"""Today: what needs a person, the most urgent first, with the reason, the time that is left and what comes next."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ill_workflow.outbox import DEAD, EffectRow
from ill_workflow.requests import actions
from ill_workflow.requests.assigning import assign
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Event, Request
from ill_workflow.requests.next_step import asks_for_nothing
from ill_workflow.requests.today import KINDS, OTHERS, expiring, unnamed
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING


@pytest.fixture
def office(quick_stage, visiting):
    return visiting(quick_stage)


def day(page, whose: str = "") -> dict[str, list[str]]:
    """The sections from top to bottom, with the references in each."""
    tree = page.tree(f"/l/MAIN/today{whose}")
    return {
        section.xpath("string(.//h2)"): section.xpath(".//tbody//th/a/text()") for section in tree.xpath("//section")
    }


def line(page, half) -> object:
    return page.tree("/l/MAIN/today").xpath(f"//tr[@data-request='{half.id}']")[0]


def test_a_quiet_day_looks_quiet(office):
    ann = office("operator")
    assert "Nothing is waiting." in ann.text("/l/MAIN/today")
    assert day(ann) == {}


def test_a_new_request_says_why_until_when_and_what_comes_next(quick_stage, office):
    new = quick_stage.lends(title="Emma")
    ann = office("operator")

    assert day(ann) == {"New to pull": [new.reference]}
    shown = line(ann, new)
    assert "Look for it on the shelf" in shown.text_content()
    assert "Feb 5, 2026" in shown.text_content(), "until when somebody has to answer"
    button = shown.xpath(".//button[@data-kind='primary']")[0]
    assert button.text.strip() == "Print Slip"
    assert button.getparent().get("action") == f"/l/MAIN/requests/{new.id}/actions/print_slip"


def test_who_comes_back_is_told_what_was_done_and_can_take_it_back(quick_stage, office):
    new = quick_stage.lends(title="Emma")
    ann = office("operator")
    form = line(ann, new).xpath(".//form[contains(@action, 'print_slip')]")[0]

    there = ann.submit(form.get("action"), **dict(form.form_values())).headers["location"]

    assert there.startswith("/l/MAIN/today?")
    assert f"{new.reference}: Print Slip. It is Being Processed now." in ann.text(there)
    assert ann.tree(there).xpath("//form[contains(@action, '/undo')]//button/text()") == ["Undo"]


def test_what_ends_tonight_stands_first(quick_stage, office):
    old = quick_stage.lends(title="Old")
    quick_stage.waits_until("2026-02-05")
    new = quick_stage.lends(title="New")
    ann = office("operator")

    assert day(ann) == {"Ends today unless somebody acts": [old.reference], "New to pull": [new.reference]}


def test_the_most_urgent_stands_first(quick_stage, office):
    overdue = quick_stage.lends(title="Overdue")
    overdue.does("ship", condition_checked=True, item_barcode="1", due_date="2026-02-10")
    longer = quick_stage.lends(title="Longer overdue")
    longer.does("ship", condition_checked=True, item_barcode="2", due_date="2026-02-08")
    lost = quick_stage.lends(title="Lost")
    lost.does("ship", condition_checked=True, item_barcode="3", due_date="2026-05-08")
    lost.does("mark_lost")
    quick_stage.waits_until("2026-02-16")
    cancelled, new, packed = (quick_stage.lends(title=t, partner_id=t) for t in ("Cancelled", "New", "Packed"))
    cancelled.is_told("Cancel")
    packed.does("print_slip")
    conditional = quick_stage.borrows(ask=("HILL",))
    conditional.hears("WillSupply", conditions=("LibraryUseOnly",))

    found = day(office("operator"))

    assert list(found.items())[:5] == [
        ("Cancel requests", [cancelled.reference]),
        ("Waiting for our answer", [conditional.reference]),
        ("New to pull", [new.reference]),
        ("Overdue, the longest first", [longer.reference, overdue.reference]),
        ("Lost and damaged", [lost.reference]),
    ]
    assert found["To send"] == [packed.reference]
    assert "$105.00" in line(office("operator"), lost).text_content()
    assert "no date, since Feb 2, 2026" in line(office("operator"), lost).text_content()
    assert line(office("operator"), packed).xpath(".//a[@data-kind='primary']/text()") == ["Ship Item"]


def test_a_recall_says_until_when_the_lender_wants_it(quick_stage, office):
    loan = quick_stage.borrows(ask=("HILL",))
    loan.hears("Loaned", due="2026-05-01")
    loan.does("receive", condition_checked=True)
    loan.hears("Recalled", due="2026-02-20")

    assert loan.state == "recalled"
    until = line(office("operator"), loan).xpath(".//td[@data-label='Until']")[0]
    assert "Feb 20, 2026" in until.text_content()


def test_what_one_click_did_is_said_and_taken_back_from_there(quick_stage, office):
    new = quick_stage.lends(title="Emma")
    ann = office("operator")
    form = line(ann, new).xpath(".//form[contains(@action, '/actions/')]")[0]
    done = ann.submit(form.get("action"), **{each.name: each.value for each in form.xpath(".//input[@name != 'csrf']")})

    assert done.status_code == 303
    (said,) = ann.tree(done.headers["location"]).xpath("//*[@data-announce]")
    assert f"{new.reference}: Print Slip. It is Being Processed now." in said.text_content()
    (undo,) = said.xpath(".//form[contains(@action, '/undo')]")
    back = ann.submit(undo.get("action"), **{each.name: each.value for each in undo.xpath(".//input[@name != 'csrf']")})
    assert (back.status_code, new.state) == (303, "new")
    assert back.headers["location"].startswith("/l/MAIN/today?")


def test_what_a_partner_says_is_news_until_somebody_has_looked(quick_stage, office):
    loan = quick_stage.borrows(ask=("HILL",))
    loan.hears("RequestReceived", reason="Notification", note="We look for it.")
    ann = office("operator")

    assert day(ann)["News nobody has looked at"] == [loan.reference]
    assert "The partner writes about this request." in line(ann, loan).text_content()

    form = line(ann, loan).xpath(".//form[contains(@action, '/seen/')]")[0]
    ann.submit(form.get("action"), at=form.xpath(".//input[@name='at']/@value")[0])

    assert "News nobody has looked at" not in day(ann)


def test_what_was_seen_is_named_by_when_it_came(quick_stage, office):
    ours = quick_stage.lends(title="Emma")
    assert office("operator").submit(f"/l/MAIN/today/seen/{ours.id}", at="yesterday").status_code == 422
    assert office("operator").submit(f"/l/MAIN/today/seen/{ours.id}").status_code == 422
    assert office("operator", "RIV").submit(f"/l/RIV/today/seen/{ours.id}", at="2026-02-02").status_code == 404


def test_news_that_came_meanwhile_stay_and_who_acts_has_looked(quick_stage, office):
    loan = quick_stage.borrows(ask=("HILL",))
    loan.hears("RequestReceived", reason="Notification", note="One.")
    ann = office("operator")
    form = line(ann, loan).xpath(".//form[contains(@action, '/seen/')]")[0]
    quick_stage.waits_until("2026-02-03")
    loan.hears("RequestReceived", reason="Notification", note="Two.")

    ann.submit(form.get("action"), at=form.xpath(".//input[@name='at']/@value")[0])
    assert day(ann)["News nobody has looked at"] == [loan.reference]

    loan.notes("Called them.")
    assert "News nobody has looked at" not in day(ann)


def test_a_message_that_failed_is_shown_and_tried_again(quick_stage, office):
    loan = quick_stage.borrows(ask=("HILL",))
    with quick_stage.db.writing() as session:
        sent = sa.select(EffectRow).where(EffectRow.request_id == loan.id, EffectRow.kind == "send_message")
        effect = session.scalars(sent).first()
        effect.status, effect.last_error = DEAD, "550 no such mailbox"
        number = effect.id
    ann = office("operator")

    assert day(ann)["Failed messages and mails"] == [loan.reference]
    assert "550 no such mailbox" in ann.text("/l/MAIN/today")
    assert office("operator", "RIV").submit(f"/l/RIV/today/again/{number}").status_code == 404
    ann.submit(f"/l/MAIN/today/again/{number}")
    assert "Failed messages and mails" not in day(ann)


def test_mine_is_what_is_assigned_to_me(quick_stage, office):
    mine, _other = quick_stage.lends(title="Mine"), quick_stage.lends(title="Other")
    with quick_stage.db.writing() as session:
        me = quick_stage.account(session, "operator", "MAIN")
        boss = quick_stage.account(session, "manager", "MAIN")
        for _ in range(2):
            assign(session, actions.locked(session, mine.id), me, by=By.staff(boss), clock=quick_stage.clock)

    assert day(office("operator"), "?whose=mine") == {"New to pull": [mine.reference]}
    assert day(office("manager"), "?whose=mine") == {}
    assert [(e.label, e.who) for e in mine.events if e.trigger == "assign"] == [
        ("Assigned to operator-MAIN", "manager-MAIN")
    ]
    mine.does("print_slip")
    with quick_stage.db.writing() as session:
        nobody = actions.locked(session, mine.id)
        assign(session, nobody, None, by=By.staff(session.merge(me)), clock=quick_stage.clock)
    assert mine.undoes().label == "Undo Print Slip"


def test_nobody_without_a_grant_is_given_a_request(quick_stage):
    half = quick_stage.lends(title="Mine")
    with quick_stage.db.writing() as session:
        me = quick_stage.account(session, "operator", "MAIN")
        theirs = quick_stage.account(session, "operator", "RIV")
        with pytest.raises(Exception, match="no grant at Main Library"):
            assign(session, session.get_one(Request, half.id), theirs, by=By.staff(me), clock=quick_stage.clock)


def test_a_hundred_new_requests_are_ten_lines_and_a_link_to_the_rest(quick_stage, office):
    for number in range(14):
        quick_stage.lends(title=f"Book {number}")
    ann = office("operator")
    section = ann.tree("/l/MAIN/today").xpath("//section")[0]

    assert len(section.xpath(".//tbody/tr")) == 10
    assert section.xpath("string(.//span[@class='badge'])") == "14"
    assert len(ann.tree(section.xpath(".//h2/../a/@href")[0]).xpath("//tr[@data-request]")) == 14


def test_every_state_that_needs_a_person_stands_somewhere():
    for lifecycle in (LENDING, BORROWING):
        named = {s for kind in KINDS for s in lifecycle.expand(kind.states.get(lifecycle.name, ()))}
        left = unnamed(lifecycle.name, lifecycle)
        assert {s.name for s in lifecycle.states if s.attention} <= named | set(left)
    assert OTHERS in KINDS


def test_what_ends_by_itself_is_read_from_the_tables():
    assert expiring(LENDING) == {"respond_by": ("new", "being_processed")}
    assert expiring(BORROWING) == {"need_by": ("created", "needs_review", "retry_offered")}
    assert asks_for_nothing(LENDING.rows("print_slip")[0])


def test_an_alert_is_remembered_until_it_is_undone_or_acted_on(quick_stage):
    loan = quick_stage.borrows(ask=("HILL",))
    loan.hears("Loaned")
    loan.does("receive", condition_checked=True)
    assert loan.alert == "due_date_assumed"
    loan.does("check_out")
    assert loan.alert is None
    assert isinstance(loan.last_event, Event)
