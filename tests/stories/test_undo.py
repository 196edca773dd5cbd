"""Staff take something back: the last thing, until the next one, and everything that it brought."""

import pytest

from ill_workflow.errors import Refused
from tests.stories.test_late_messages import by_mail


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
