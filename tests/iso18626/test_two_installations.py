"""Two installations that talk ISO 18626, over the real writer, reader, sender and receiver: a share of `make soak`."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from ill_workflow.iso18626.calling import Called
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.writing import write
from tests.stateful.agreement import disagreements
from tests.stateful.arrivals import all_arrived_once
from tests.stateful.paths import Paths, stories
from tests.stateful.report import Report
from tests.stateful.two_places import TwoStages, two_installations
from tests.stateful.ways import WAYS, run
from tests.stateful.wire import ALL_ARRIVE, DIRECT, HELD, HELD_IN_ORDER, SOME_ARE_LOST, Way, confirmed

pytestmark = pytest.mark.long

#: Runs of ten steps, each always the same.
RUNS = {"asking": 4, "lending": 4, "several pieces": 2, "copies": 2}
#: With these every row that hears a partner is pulled by a message.
SHARE = frozenset({
    "test_a_condition_is_accepted_or_declined",
    "test_called_off_before_it_is_shipped",
    "test_lost_billed_and_settled",
    "test_a_cancel_is_answered_in_every_state",
    "test_a_policy_answers_renewals_by_itself[False, 'on_loan', None]",
    "test_a_policy_answers_renewals_by_itself[True, 'renewed', 'RenewResponse Y']",
    "test_a_renewal_of_what_is_recalled_is_denied_by_return",
    "test_sent_back_twice_is_confirmed_twice",
    "test_a_shipment_that_was_taken_back_is_not_paid_for['RetryPossible', 'retry_offered']",
    "test_an_offer_is_no_bill_before_the_item_came",
    "test_an_open_cancel_that_ends_otherwise_is_told_to_the_patron",
    "test_what_was_lifted_before_arrival_strikes_no_more['Overdue']",
    "test_what_was_lifted_before_arrival_strikes_no_more['Recalled']",
    "test_a_renewal_without_a_day_after_the_day_has_passed",
    "test_a_status_request_does_not_accept_a_condition",
    "test_what_is_told_about_something_past",
    "test_refused",
    "test_what_a_lender_says_while_a_cancel_is_under_way_is_kept_for_later",
    "test_a_copy_comes_by_link",
    "test_a_lost_book_that_the_lender_still_believes_on_its_shelf[True]",
})  # fmt: skip


@pytest.mark.parametrize("way", list(WAYS))
def test_both_halves_agree_in_the_end_whatever_happens_to_messages(way, caplog):
    caplog.set_level(logging.CRITICAL)  # what fails on purpose is logged at length
    report = Report()
    with two_installations(ALL_ARRIVE) as world:
        run(world, report, WAYS[way], runs=RUNS[way])
    assert report.runs >= RUNS[way]
    assert not report.attention["work dead"]


def test_only_what_was_lost_for_too_long_is_given_up_and_a_person_sees_it(caplog):
    caplog.set_level(logging.CRITICAL)
    report = Report()
    with two_installations(SOME_ARE_LOST) as world:
        run(world, report, WAYS["lending"], runs=5)
    assert report.runs >= 5
    assert report.messages["handed over"]
    for reason in report.given_up:
        assert "Given up after 72 hours" in reason or "answered" in reason, reason


def test_every_row_that_hears_a_partner_is_pulled_over_the_wire(caplog):
    caplog.set_level(logging.CRITICAL)
    paths = Paths()
    with two_installations(kind_of_world=TwoStages) as stage:
        for name, story in stories():
            if name in SHARE:
                paths.tell(stage, name, story)
    assert paths.told == len(SHARE)
    assert paths.never_by_a_message() == []


def test_what_a_partner_may_have_heard_is_corrected_and_not_withdrawn(caplog):
    caplog.set_level(logging.CRITICAL)
    with two_installations(ALL_ARRIVE, TwoStages) as stage:
        stage.begin_anew(Way(DIRECT))
        loan = stage.borrows()
        lent = stage.other_half(loan)
        stage.office.at_once = False
        stage.office.suffers("answer lost")
        lent.does("ship", condition_checked=True, item_barcode="312")
        assert (loan.state, lent.said) == ("shipped", []), "it has arrived, and Riverside does not know"

        lent.undoes()
        stage.waits_for_machines()
        stage.work()

        assert (lent.state, lent.said) == ("new", ["Loaned", "Notification"])
        assert loan.heard == ["Loaned", "Notification"]
        assert "partner_informs" in loan.alerts, "a person sees that it was a mistake"


@pytest.mark.parametrize("trigger", ["deny_renewal", "refuse_cancel"])
def test_who_has_read_our_answer_may_ask_again_though_we_have_no_confirmation_of_it(trigger, caplog):
    caplog.set_level(logging.CRITICAL)
    with two_installations(ALL_ARRIVE, TwoStages) as stage:
        stage.begin_anew(Way(DIRECT))
        loan = stage.borrows()
        lent = stage.other_half(loan)
        asks, waits = partial(loan.does, "cancel", reason="not needed"), "cancel_requested"
        if trigger == "deny_renewal":
            lent.does("ship", condition_checked=True, item_barcode="312")
            loan.does("receive", condition_checked=True)
            asks, waits = partial(loan.does, "request_renewal"), "renewal_requested"
        asks()
        stage.office.at_once = False
        stage.office.suffers("answer lost")
        lent.does(trigger, reason="NotAvailableForILL")
        assert waits not in (loan.state, lent.state)

        asks()

        assert (loan.state, lent.state) == (waits, waits)


def _asked(stage, **more):
    loan = stage.borrows(**more)
    return loan, stage.other_half(loan)


def _with_the_patron(stage):
    loan, lent = _asked(stage)
    lent.does("ship", condition_checked=True, item_barcode="312", due_date="2026-02-10")
    loan.does("receive", condition_checked=True)
    loan.does("check_out")
    return loan, lent


#: What both do before either hears of the other, and how both end: begun by, the borrower, the lender, states.
SHIPS = ("ship", {"condition_checked": True, "item_barcode": "312", "due_date": "2026-03-20"})
CANCELS = ("cancel", {"reason": "not needed"})
CROSSINGS = {
    "it is sent while it is called off": (_asked, [CANCELS], [SHIPS], ("shipped", "shipped")),
    "it is refused after all while it is called off": (
        _asked, [CANCELS], [("will_supply", {}), ("reject", {"reason": "NotOnShelf"})], ("cancelled", "rejected"),
    ),
    "the one asked before sends it": (
        partial(_asked, ask=("RIV", "HILL")), [("try_next", {})], [SHIPS], ("shipped", "shipped"),
    ),
    "it is sent, and the day is another one": (
        _asked, [], [SHIPS, ("change_due_date", {"by": "manager", "due_date": "2026-04-20", "reason": "later"})],
        ("shipped", "shipped"),
    ),
    "a renewal is asked for while it is recalled": (
        _with_the_patron, [("request_renewal", {})], [("recall", {"return_by": "2026-02-06"})],
        ("recalled", "recalled"),
    ),
    "it is overdue while it is on its way back": (
        _with_the_patron, [("day passes", {}), ("ship_back", {})], [], ("returned", "returned_by_partner"),
    ),
    "it is home before it was sent back": (
        _with_the_patron, [("ship_back", {})], [("check_in", {})], ("completed", "completed"),
    ),
    "it is sent back, and nobody heard that it came": (
        _asked, [("receive", {"condition_checked": True}), ("ship_back", {})], [SHIPS],
        ("returned", "returned_by_partner"),
    ),
}  # fmt: skip
#: These are crossings only if what was said last comes first.
LAST_COMES_FIRST = ("it is sent, and the day is another one", "it is sent back, and nobody heard that it came")


def test_whatever_crosses_on_its_way_both_agree_in_the_end(caplog):
    caplog.set_level(logging.CRITICAL)
    with two_installations(ALL_ARRIVE, TwoStages) as stage:
        for name, (begun, borrower, lender, ends) in CROSSINGS.items():
            stage.begin_anew(Way(HELD if name in LAST_COMES_FIRST else HELD_IN_ORDER))
            loan, lent = begun(stage)
            stage.office.at_once = False
            for half, steps in ((lent, lender), (loan, borrower)):
                for trigger, how in steps:
                    if trigger == "day passes":
                        stage.waits_until("2026-02-11")
                    else:
                        half.does(trigger, **how)
            stage.everything_arrives()
            assert (loan.state, lent.state) == ends, f"{name}\n{stage.story()}"
            assert [str(found) for found in disagreements(stage)] == [], name
            all_arrived_once(stage)


def swallows_what_it_has_confirmed(world):
    """Each third message gets its confirmation, and is never taken in."""
    wire, passes = world.office, world.office._passes

    def swallows(letter):
        if letter.number % 3:
            return passes(letter)
        return Called(200, write(confirmed(letter.message, world.clock), Edition.Y2017), 1)

    wire._passes = swallows


def test_the_referee_notices_a_message_that_is_confirmed_and_dropped(caplog):
    caplog.set_level(logging.CRITICAL)
    with two_installations(ALL_ARRIVE) as world, pytest.raises(AssertionError):
        run(world, Report(), WAYS["lending"], runs=30, shrink=False, break_it=swallows_what_it_has_confirmed)
