"""All about one request: what it is in plain words, its dates, its pieces, what was said, and what comes next."""

import pytest

from ill_workflow.about.ahead import WILL
from ill_workflow.about.standing import AWAY, IS
from ill_workflow.about.whole import find_request, whole
from ill_workflow.errors import NotFound, Refused
from ill_workflow.requests import actions
from ill_workflow.requests.again import create_again
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from tests.plugins.stage import Half

pytestmark = pytest.mark.long

SIDES = {"borrowing": BORROWING, "lending": LENDING}


@pytest.fixture
def stage(quick_stage):
    return quick_stage


def about(half):
    with half.stage.db.reading() as session:
        return whole(session, session.get_one(Request, half.id), clock=half.stage.clock)


def says(half):
    return " ".join(map(str, about(half).standing))


def with_the_patron(stage, **more):
    loan = stage.borrows(ask=("HILL",), **more)
    loan.does("partner_shipped", told_by="mail", item_barcode="312", due_date="2026-03-05")
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    return loan


def test_a_loan_says_where_it_is_and_both_due_dates(stage):
    loan = with_the_patron(stage)
    assert says(loan) == (
        "It is with Ann Reader since 2 February 2026. Hilltop College wants it back by 5 March 2026. "
        "Ann Reader was told 2 March 2026."
    )
    assert [str(a.phrase) for a in about(loan).ahead] == [
        "Ann Reader will be reminded on 3 March 2026.",
        "It will be overdue on 6 March 2026.",
    ]
    assert [str(p.where) for p in about(loan).places] == ["with Ann Reader"]


def test_the_due_dates_have_their_history(stage):
    loan = with_the_patron(stage)
    loan.does("request_renewal")
    loan.does("partner_renewed", told_by="phone", due_date="2026-04-02")
    told = [(c.name, str(c.old), str(c.new), c.label) for c in about(loan).dates]
    assert told == [
        ("lender_due", "2026-03-05", "2026-04-02", "Partner Renewed"),
        ("patron_due", "2026-03-02", "2026-03-30", "Partner Renewed"),
        ("lender_due", "None", "2026-03-05", "Partner Shipped"),
        ("patron_due", "None", "2026-03-02", "Partner Shipped"),
    ]


def test_every_state_has_its_sentence():
    for side, lifecycle in SIDES.items():
        assert {state.name for state in lifecycle.states} == set(IS[side])
        assert set(AWAY[side]) <= set(IS[side])


def test_every_timer_has_its_sentence():
    for side, lifecycle in SIDES.items():
        for timer in {t for names in lifecycle.timers.values() for t in names}:
            assert timer in WILL or f"{side} {timer}" in WILL


def test_what_libraries_say_to_each_other_stands_apart_from_what_staff_note(stage):
    loan = stage.borrows(ask=("HILL",))
    loan.notes("The patron is in a hurry.")
    loan.notes("Please pack it well.", to_partner=True)
    found = about(loan)
    assert [(line.who, line.inputs["note"]) for line in found.notes] == [("operator-MAIN", "The patron is in a hurry.")]
    assert [(m.what, m.fate) for m in found.thread] == [("Request", "sent"), ("A note", "sent")]
    assert dict(found.thread[1].lines)["Note"] == "Please pack it well."
    assert all("hurry" not in str(m) for m in found.thread)


def test_what_was_undone_stays_and_says_so(stage):
    loan = with_the_patron(stage)
    assert about(loan).undo.label == "Check Out"
    loan.undoes()
    found = about(loan)
    assert [line.label for line in found.history if line.undone] == ["Check Out"]
    assert (found.undo, found.no_undo) == (None, "Undo Check Out can't be taken back.")


def again(half, key=None):
    with half.stage.db.writing() as session:
        old = actions.locked(session, half.id)
        by = By.staff(half.stage.account(session, "operator", "MAIN"))
        return Half(half.stage, create_again(session, old, by=by, clock=half.stage.clock, key=key).id)


def test_what_nobody_could_supply_is_created_again(stage):
    loan = stage.borrows(ask=("HILL",), patron_note="large print")
    with pytest.raises(Refused, match="It can be created again once it is over"):
        again(loan)
    loan.does("partner_cannot_supply", told_by="phone", reason="NotOnShelf")
    before = loan.version

    new = again(loan, key="once")

    assert again(loan, key="once").id == new.id, "pressed twice, created once"
    assert (new.state, new.title, new.patron_note, new.patron_id) == (
        "created", loan.title, "large print", loan.patron_id,
    )  # fmt: skip
    assert (loan.state, loan.version) == ("unfilled", before), "the old one stays as it was"
    (link,) = about(new).links
    assert (link.reference, link.before, link.state) == (loan.reference, True, "unfilled")
    assert [(t.name, t.ended, t.why) for t in link.tried] == [
        ("Hilltop College", "Partner Cannot Supply", "NotOnShelf")
    ]
    assert about(new).turns == [], "who could not fill it is not asked again by itself"
    (link,) = about(loan).links
    assert (link.reference, link.before, link.how) == (new.reference, False, f"Create Again after {loan.reference}")


def test_what_a_partner_asked_for_is_not_ours_to_ask_for_again(stage):
    lent = stage.lends()
    lent.does("reject", reason="NotOnShelf")
    with pytest.raises(Refused, match="only the partner can ask for it again"):
        again(lent)


def test_a_request_of_another_library_is_not_there(stage):
    loan = stage.borrows()
    with stage.db.reading() as session:
        elsewhere = session.get_one(Request, stage.other_half(loan).id).library_id
        for number in (loan.id, 0, -1, 2**40):
            with pytest.raises(NotFound):
                find_request(session, elsewhere, number)


def test_what_has_to_come_by_a_day_may_come_on_it_as_the_list_of_the_day_says(stage):
    """Three working days from Monday, 2 February, end with Thursday."""
    lent = stage.lends()
    assert [str(a.phrase) for a in about(lent).ahead] == ["If it has not been answered by 5 February 2026, it expires."]
    lent.does("print_slip")
    assert [str(a.phrase) for a in about(lent).ahead] == ["If it has not been shipped by 5 February 2026, it expires."]


def test_a_timer_that_nothing_hears_any_more_says_nothing(stage):
    """Between what was done and the work that clears the timers."""
    loan = stage.borrows(ask=("HILL",))
    loan.does("partner_shipped", told_by="mail", item_barcode="312", due_date="2026-03-05")
    stage.work()
    assert "It will count as in transit on" in str([str(a.phrase) for a in about(loan).ahead])
    loan.does("receive", condition_checked=True)
    assert "in transit" not in str([str(a.phrase) for a in about(loan).ahead])
