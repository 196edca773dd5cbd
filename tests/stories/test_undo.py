"""Staff take something back: the last thing, until the next one, and everything that it brought."""

import pytest
import sqlalchemy as sa

from ill_workflow.errors import Refused
from ill_workflow.requests import actions
from ill_workflow.requests.by import SYSTEM, By
from ill_workflow.requests.models import Event
from tests.plugins.stage import PATRON
from tests.stories.test_late_messages import by_mail

pytestmark = pytest.mark.long


def calls(stage):
    return [call for call, _ in stage.circulation.calls]


def test_a_note_stands_in_nobodys_way(stage):
    lent = stage.lends()
    lent.does("will_supply")
    lent.notes("The spine is weak.")
    lent.undoes()
    assert lent.state == "new"


def test_an_item_that_was_received_by_mistake_was_never_here(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True, pieces=["D1", "D2"])
    loan.undoes()
    assert (loan.state, loan.pieces) == ("shipped", [])
    assert calls(stage)[-2:] == ["accept_item", "remove_item"]
    loan.does("receive", condition_checked=True)
    loan.does("patron_return")
    assert loan.state == "return_in_transit", "no piece is waited for"


def test_pieces_that_were_scanned_in_by_mistake_are_out_again(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True, pieces=["D1", "D2"])
    loan.does("check_out")
    loan.does("patron_return")
    assert [back for _, back in loan.pieces] == [True, True]
    loan.undoes()
    assert (loan.state, [back for _, back in loan.pieces]) == ("on_loan", [False, False])
    assert calls(stage)[-1] == "check_out"


def test_only_what_was_in_force_is_put_back(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("patron_return")  # it was never checked out
    loan.undoes()
    assert calls(stage)[-1] == "check_in"
    lent = stage.lends()
    lent.does("print_slip")
    before = calls(stage)
    lent.does("will_supply") if lent.state == "new" else None
    assert calls(stage) == before


def test_one_correction_for_all_that_was_said(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.is_told("Renew")
    lent.does("mark_damaged", severity="minor", note="stain")
    lent.undoes()
    assert lent.state == "renewal_requested"
    letters = [mail.text for mail in stage.mailer.mails_to("ill@hilltop.example")]
    assert sum("disregard our last message" in text for text in letters) == 1


def test_what_a_partner_did_is_never_undone(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    lent.is_told("Received")
    with pytest.raises(Refused, match="can't be taken back"):
        lent.undoes()


def test_a_rejection_that_left_stands(stage):
    lent = stage.lends()
    lent.does("reject", reason="NotOnShelf")
    with pytest.raises(Refused, match="knows already that it was rejected"):
        lent.undoes()


def test_a_former_lenders_parcel_that_was_received_by_mistake(stage):
    loan = stage.borrows(ask=("HILL", "RIV"))
    loan.does("try_next", reason="slow")
    asked = stage.other_half(loan)
    loan.scanned("XPX-1001", checked=True)
    assert (loan.state, loan.wire_id, asked.state) == ("received", "XPX-1001", "cancel_requested")

    loan.undoes()

    assert (loan.state, loan.wire_id) == ("request_sent", "XPX-1001-2"), "Riverside is asked, as before"
    assert loan.partner_id == stage.partner("MAIN", "RIV").id
    assert asked.heard[-1] == "Notification", "and hears that it was not called off"
    letter = stage.mailer.mails_to("ill@hilltop.example")[-1]
    assert "disregard our last message" in letter.text, "Hilltop hears that nothing has come"
    assert letter.subject.startswith("Interlibrary loan XPX-1001, ")
    assert loan.scanned("XPX-1001", checked=True).outcome.trigger == "receive"


@pytest.mark.parametrize("how", ["by phone", "by message", "by the patron", "by the clock", "by another system"])
def test_what_staff_did_not_do_is_never_undone(stage, how):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    match how:
        case "by phone":
            loan.does("partner_recalled", told_by="phone", return_by="2026-02-20")
        case "by message":
            loan.hears("Recalled", due="2026-02-20")
        case "by the patron":
            loan.happens("report_lost", PATRON)
        case "by the clock":
            stage.waits_until("2026-03-21")
        case _:
            loan.happens("check_out", SYSTEM)
    state, history = loan.state, loan.history

    with pytest.raises(Refused, match="can't be taken back"):
        loan.undoes()

    assert (loan.state, loan.history) == (state, history)


def test_only_the_last_step_is_taken_back(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    loan.does("request_renewal")
    with pytest.raises(Refused, match=r"Request Renewal by .* can't be taken back"):
        loan.undoes()
    assert loan.state == "renewal_requested"


def test_a_step_of_a_table_that_has_other_rows_by_now_is_not_taken_back(stage):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    for moved in (-1, 1):
        with stage.db.writing() as session:
            session.execute(sa.update(Event).where(Event.trigger == "receive").values(row=Event.row + moved))
        if moved < 0:
            with pytest.raises(Refused, match="Receive can't be taken back"):
                loan.undoes()
    loan.undoes()
    assert loan.state == "shipped"


@pytest.mark.parametrize("act", ["report_lost", "ship_back"])
def test_a_step_before_its_message_left_takes_its_message_along(stage, act):
    loan = by_mail(stage)
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    mails, fees, waits = stage.mails("ill@hilltop.example"), loan.balance, loan.timers
    with stage.db.writing() as session:
        by = By.staff(stage.account(session, "manager", "MAIN"))
        actions.perform(session, actions.locked(session, loan.id), act, by=by, clock=stage.clock)
    assert loan.state in ("lost", "returned")
    with stage.db.writing() as session:
        by = By.staff(stage.account(session, "operator", "MAIN"))
        actions.undo(session, actions.locked(session, loan.id), by=by, clock=stage.clock)
    stage.work()
    assert (loan.state, stage.mails("ill@hilltop.example")) == ("on_loan", mails)
    assert (loan.balance, loan.timers) == (fees, waits)
