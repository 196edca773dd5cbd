"""Scan In in every state of both lifecycles, with every kind of code: what it means, and why."""

from datetime import timedelta

import pytest

from ill_workflow.errors import BadInput, IllError, NotFound, Refused
from ill_workflow.requests.by import By
from ill_workflow.requests.models import Request
from ill_workflow.requests.scan import scan
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING
from tests.plugins.loans import BOOK

pytestmark = pytest.mark.long

NOTHING = "nothing"
#: What a scan means in a state, and why.
MEANS = {
    "borrowing": {
        "created": (NOTHING, "nobody was asked for it yet"),
        "needs_review": ("receive", "a lender that fell away has sent it after all"),
        "request_sent": ("receive", "it came before a word of the lender"),
        "conditional": ("receive", "it came without waiting for our answer"),
        "retry_offered": ("receive", "the lender has changed its mind"),
        "will_supply": ("receive", "it came before its message"),
        "shipped": ("receive", "it arrives"),
        "in_transit": ("receive", "it arrives"),
        "received": ("patron_return", "the patron brings it back, though nobody checked it out"),
        "on_loan": ("patron_return", "the patron brings it back"),
        "renewal_requested": ("patron_return", "the patron didn't wait for the answer"),
        "renewed": ("patron_return", "the patron brings it back"),
        "renewal_denied": ("patron_return", "the patron brings it back"),
        "overdue": ("patron_return", "late is better than never"),
        "recalled": ("patron_return", "the lender wants it back"),
        "return_in_transit": (NOTHING, "it is here already, to be packed"),
        "returned": (NOTHING, "it is on its way to the lender"),
        "cancel_requested": ("receive", "the cancel came too late"),
        "lost": ("found", "it was lost, and here it is"),
        "completed": ("route_home", "nobody waits for it any more"),
        "delivered": (NOTHING, "a copy stays"),
        "cancelled": ("route_home", "nobody waits for it any more"),
        "unfilled": (("receive", "route_home"), "the patron may still want it, or not"),
        "closed_without_return": ("route_home", "it was given up"),
    },
    "lending": {
        "new": (NOTHING, "it has not left the house"),
        "conditional": (NOTHING, "it has not left the house"),
        "will_supply": (NOTHING, "it has not left the house"),
        "being_processed": (NOTHING, "it has not left the house"),
        "shipped": ("check_in", "it comes home, before a word of the borrower"),
        "received_by_partner": ("check_in", "it comes home, before a word of the borrower"),
        "renewal_requested": ("check_in", "it comes home, and the question is answered"),
        "renewed": ("check_in", "it comes home"),
        "overdue": ("check_in", "it comes home"),
        "recalled": ("check_in", "it comes home"),
        "returned_by_partner": ("check_in", "it comes home"),
        "cancel_requested": (NOTHING, "it has not left the house"),
        "lost": ("check_in", "it was lost, and here it is"),
        "damaged": ("check_in", "it comes home as it is"),
        "completed": (NOTHING, "it is at home"),
        "delivered": (NOTHING, "a copy doesn't come home"),
        "rejected": (NOTHING, "it has not left the house"),
        "retry_offered": (NOTHING, "it has not left the house"),
        "cancelled": (NOTHING, "it has not left the house"),
        "expired": (NOTHING, "it has not left the house"),
        "closed_without_return": ("check_in", "it was given up, and here it is"),
    },
}
CODES = {
    "our reference": lambda half: half.reference,
    "the item's barcode": lambda half: half.item_barcode,
    "the barcode that it has here": lambda half: half.temporary_barcode,
    "the id on the wire": lambda half: half.wire_id,
    "the partner's id": lambda half: half.partner_request_id,
}
STATES = [
    pytest.param(lifecycle, state.name, id=f"{lifecycle.name}-{state.name}")
    for lifecycle in (BORROWING, LENDING)
    for state in lifecycle.states
]


def test_the_table_is_complete():
    for lifecycle in (BORROWING, LENDING):
        assert list(MEANS[lifecycle.name]) == [state.name for state in lifecycle.states]


def tried(half, code, **how):
    """What a scan would do, without leaving anything behind: the row that it pulls, the choices, or the refusal."""
    with half.stage.db.reading() as session:
        request = session.get_one(Request, half.id)
        by = By.staff(half.stage.account(session, "operator", request.library.code))
        try:
            found = scan(session, request.library, code, by=by, clock=half.stage.clock, **how)
        except IllError as refusal:
            return refusal
        finally:
            session.rollback()
    return found.choices or found.outcome.trigger


@pytest.mark.parametrize(("lifecycle", "state"), STATES)
def test_a_code_means_what_the_state_says(at, lifecycle, state):
    meaning, why = MEANS[lifecycle.name][state]
    it = at(lifecycle.name, state, "branch" if lifecycle is BORROWING else "mail")
    half = it.loan if lifecycle is BORROWING else it.lent
    it.stage.clock.advance(timedelta(days=1))  # what came today is asked about
    codes = {code: name for name, code_of in CODES.items() if (code := code_of(half))}
    assert half.reference in codes

    for code, name in codes.items():
        found = tried(half, code, checked=True)
        if meaning == NOTHING:
            assert isinstance(found, Refused), f"{name}: {why}"
            assert found.field == "code"
            assert lifecycle.label(state) in found.message, "it says what it is"
            assert half.title in found.message
        else:
            assert found == meaning, f"{name}: {why}"
        if meaning == "receive":
            unchecked = tried(half, code)
            assert isinstance(unchecked, BadInput)
            assert unchecked.field == "condition_checked"


@pytest.mark.parametrize(
    ("lifecycle", "state"), [case for case in STATES if isinstance(MEANS[case.values[0].name][case.values[1]][0], str)
                             and MEANS[case.values[0].name][case.values[1]][0] != NOTHING]
)  # fmt: skip
def test_the_same_code_again_within_a_minute_repeats_the_answer(at, lifecycle, state):
    it = at(lifecycle.name, state, "mail" if lifecycle is BORROWING else "branch")
    half = it.loan if lifecycle is BORROWING else it.lent
    it.stage.clock.advance(timedelta(days=1))
    found = half.scanned(checked=True)
    after = half.history
    assert found.outcome.trigger == MEANS[lifecycle.name][state][0]

    it.stage.clock.advance(timedelta(seconds=59))
    again = half.scanned(checked=True)

    assert again.outcome.event_id == found.outcome.event_id
    assert "a moment ago" in again.sentence
    assert half.history == after


@pytest.mark.parametrize("choice", ["receive", "route_home"])
def test_where_two_fit_each_of_them_is_possible(at, choice):
    it = at("borrowing", "unfilled")
    assert it.loan.scanned(choose=choice, checked=True).outcome.trigger == choice


@pytest.mark.parametrize("state", ["received", "on_loan", "renewed", "recalled"])
def test_what_was_received_today_is_asked_about(at, state):
    it = at("borrowing", state)
    asked = it.loan.scanned(BOOK)
    assert (asked.outcome, asked.choices) == (None, ("patron_return",))
    assert it.loan.state == state
    assert it.loan.scanned(BOOK, choose="patron_return").outcome.dest == "return_in_transit"


@pytest.mark.parametrize("other", ["branch", "mail"])
def test_the_same_code_after_a_minute_is_a_scan_of_its_own(at, other):
    it = at("lending", "shipped", other)
    it.lent.scanned(BOOK)
    it.stage.clock.advance(timedelta(seconds=61))
    with pytest.raises(Refused, match="is Completed, lent to"):
        it.lent.scanned(BOOK)


def test_what_was_taken_back_is_scanned_anew_at_once(at):
    it = at("lending", "shipped", "mail")
    first = it.lent.scanned(BOOK)
    it.lent.undoes()
    assert it.lent.state == "shipped"
    second = it.lent.scanned(BOOK)
    assert second.outcome.event_id != first.outcome.event_id
    assert it.lent.state == "completed"


def test_an_item_of_another_library_says_whose_it_is(at):
    it = at("borrowing", "created")
    stranger = it.stage.lends(at="RIV")
    stranger.does("ship", condition_checked=True, item_barcode="R-900")
    with pytest.raises(
        NotFound, match=r"Nothing at Main Library has the code R-900\. It is known at Riverside Library"
    ) as refusal:
        it.loan.scanned("R-900")
    assert stranger.title not in refusal.value.message
    assert stranger.state == "shipped"


@pytest.mark.parametrize(
    "code",
    ["", " ", "x" * 65, "XPX-1001\x00", "XPX-1001\n2", "\ud800", "%", "XPX-100_", "' OR 1=1 --", "٣١٢", 312, None],
)
def test_a_code_that_is_none_gets_a_sentence(at, code):
    it = at("borrowing", "shipped")
    refusal = tried(it.loan, code, checked=True)
    assert isinstance(refusal, IllError)
    assert refusal.status in (404, 422)
    assert it.loan.state == "shipped"


def test_the_label_of_a_lender_that_prints_a_number_of_its_own(at):
    it = at("borrowing", "request_sent", "mail")
    it.loan.hears("Loaned", due="2026-03-20", lenders_id="HIL-2026-77")
    found = it.loan.scanned("HIL-2026-77", checked=True)
    assert (found.reference, found.outcome.trigger) == (it.loan.reference, "receive")


def test_a_number_of_one_lender_is_forgotten_with_the_next(at):
    it = at("borrowing", "retry_offered", "mail")
    it.loan.hears("RetryPossible", lenders_id="HIL-9")
    it.loan.does("retry")
    with pytest.raises(NotFound):
        it.loan.scanned("HIL-9", checked=True)
