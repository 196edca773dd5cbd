"""What can be done with a request now, and why the rest can't: for menus of every kind."""

from dataclasses import replace
from datetime import date

import pytest

from ill_workflow.requests import actions
from ill_workflow.requests.by import By
from ill_workflow.requests.choices import choices
from ill_workflow.requests.fields import LABELS
from ill_workflow.requests.models import Request
from ill_workflow.requests.suggestions import suggestions
from state_machines.changes import EDITABLE
from state_machines.checks import check
from state_machines.declaration import LifecycleError, guard
from state_machines.guards import copy_is_named
from state_machines.lending import LENDING


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def offered(half, by="operator"):
    with half.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        who = By.staff(half.stage.account(session, by, request.library.code))
        return choices(session, request, by=who, clock=half.stage.clock)


def choice(half, trigger, label=None, by="operator"):
    return next(c for c in offered(half, by) if c.trigger == trigger and label in (None, c.action.label))


def test_what_usually_comes_next_stands_first_and_what_is_impossible_last(stage):
    found = offered(stage.lends())
    assert [c.trigger for c in found[:3]] == ["print_slip", "ship", "will_supply"]
    lent = stage.lends(partner_id="H-78")
    lent.does("print_slip")
    assert [c.trigger for c in offered(lent)[:2]] == ["ship", "print_slip"], "what leads on comes first"
    possible = [c.possible for c in found]
    assert possible == sorted(possible, reverse=True)
    assert all(bool(c.why_not) != c.possible for c in found)
    assert len({(c.trigger, c.action.label) for c in found}) == len(found), "one button for each"


def test_what_is_still_to_be_typed_in_greys_nothing(stage):
    copy = stage.lends(service="copy")
    assert choice(copy, "deliver_copy").possible, "a file or a link is named in the form"
    assert choice(copy, "record_availability").possible
    ship = choice(copy, "ship")
    assert (ship.possible, ship.why_not) == (False, "This request is for a copy. Deliver the copy instead.")


def test_a_late_piece_comes_with_several_pieces_alone(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_shipped", told_by="mail", item_barcode="V1")
    loan.does("receive", condition_checked=True)
    late = choice(loan, "receive", "Receive Late Piece")
    assert (late.possible, late.why_not) == (False, "It came as one piece: no other is to come.")
    assert choice(loan, "receive", "Receive").why_not.startswith("Receive is possible while it is")
    with stage.db.reading() as session:
        request = session.get_one(Request, loan.id)
        by = By.staff(stage.account(session, "operator", "MAIN"))
        assert "Receive Late Piece" not in [
            row.label for row in actions.menu(session, request, by=by, clock=stage.clock)
        ]

    several = stage.borrows(ask=("HILL",), title="Emma", isbn="")
    several.does("partner_shipped", told_by="mail", item_barcode="V1", pieces=["V1", "V2"])
    several.does("receive", condition_checked=True, pieces=["V1"])
    assert choice(several, "receive", "Receive Late Piece").possible


def test_what_only_a_partner_can_say_is_recorded_as_told(stage):
    loan = stage.borrows(ask=("HILL",))
    answer = choice(loan, "partner_will_supply")
    assert (answer.possible, answer.told, answer.must_be_told) == (True, True, True)
    own = choice(loan, "try_next")
    assert (own.possible, own.told, own.must_be_told) == (True, False, False)
    bill = choice(loan, "partner_bills")
    assert (bill.told, bill.must_be_told) == (True, False), "staff may record it as their own"
    unsent = stage.borrows(send=False, title="Emma", isbn="")
    assert choice(unsent, "partner_informs").why_not == "It was sent to no partner yet."


def test_a_manager_may_do_more(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312")
    assert choice(lent, "recall").possible
    assert choice(lent, "close").why_not == "Close Manually needs a manager."
    assert dict(choice(lent, "close", by="manager").answers)["outcome"] == ("closed_without_return", "completed")
    lent.does("mark_lost")
    assert "still open" in choice(lent, "settle", by="manager").why_not


def test_a_form_begins_with_what_is_known(stage):
    lent = stage.lends()
    lent.does("record_availability", reason="OnLoan")

    def known(trigger, by="operator"):
        with stage.db.reading() as session:
            request = session.get_one(Request, lent.id)
            return suggestions(session, request, choice(lent, trigger, by=by).action, stage.clock.now())

    assert known("reject")["reason"].begins == "OnLoan"
    assert ("NotOnShelf", "NotOnShelf") in known("reject")["reason"].options
    assert known("ship")["due_date"].begins == date(2026, 3, 5)
    lent.does("ship", condition_checked=True, item_barcode="312", carrier="UPS")
    assert known("renew")["due_date"].begins == date(2026, 4, 2)
    assert known("close", "manager")["outcome"].closed
    assert known("partner_returned")["carrier"].options == (("UPS", "UPS"),)


def test_every_field_that_may_be_edited_has_its_label():
    assert set(LABELS) == EDITABLE


def test_a_guard_is_shown_what_it_asks_for_and_no_more():
    @guard("it is red", otherwise="It is not red.", asks=("colour",))
    def is_red(request, inputs, facts):
        return inputs.get("colour") == "red" and "size" not in inputs

    assert is_red.holds(None, {"colour": "red", "size": 3}, None)
    assert is_red.holds(None, None, None), "nobody has been asked yet"
    assert not is_red.holds(None, {}, None)


def test_a_row_asks_for_what_its_guards_depend_on():
    blind = replace(LENDING.rows("will_supply")[0], only_if=(copy_is_named,))
    with pytest.raises(LifecycleError, match="'a file, a link or the post' depends on"):
        check(replace(LENDING, actions=(blind, *LENDING.actions[1:])))
