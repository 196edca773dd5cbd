"""Due dates are rows: whatever moves them, one that is awaited is there."""

from datetime import date, timedelta

from ill_workflow import calendars, libraries, partners, timers
from ill_workflow.requests import actions, due_dates


def fire(stage, half, timer):
    with stage.db.writing() as session:
        return actions.fire(session, actions.locked(session, half.id), timer, clock=stage.clock)


def test_a_list_that_was_read_before_the_date_moved_takes_nothing_away(stage):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312", due_date="2026-02-10")
    stage.clock.advance(timedelta(days=9))
    with stage.db.reading() as session:
        assert [name for _, name, _ in timers.due(session, stage.clock.now(), 10)] == ["lender_due"]
    lent.does("change_due_date", by="manager", due_date="2026-04-01", reason="agreed by phone")

    assert fire(stage, lent, "lender_due") is None

    assert lent.timers == ["lender_due"]
    stage.waits_until("2026-04-02")
    assert lent.state == "overdue"


def test_a_day_that_is_closed_later_puts_the_answer_off_and_loses_it_not(stage):
    loan = stage.borrows(ask=("HILL",))
    with stage.db.writing() as session:
        library = libraries.find_library(session, "MAIN")
        hill = partners.find_partner(session, library.id, "HILL")
        calendars.close(session, date(2026, 2, 4), library_id=library.id, partner_id=hill.id)
    stage.waits_until("2026-02-06")
    assert (loan.state, loan.timers) == ("request_sent", ["respond_by"]), (
        "the old day fires nothing, and a new one is set"
    )
    stage.waits_until("2026-02-07")
    assert loan.state == "unfilled"


def test_new_terms_are_reckoned_for_what_is_under_way(stage):
    loan = stage.borrows(ask=("HILL",))
    other = stage.borrows(title="Emma", isbn="")
    with stage.db.writing() as session:
        library = libraries.find_library(session, "MAIN")
        hill = partners.find_partner(session, library.id, "HILL")
        partners.change_partner(session, hill, terms={"respond_days": 10})
        assert due_dates.reckon_anew(session, library.id, hill.id) == 1
    stage.work()
    stage.waits_until("2026-02-10")
    assert loan.state == "request_sent"
    stage.waits_until("2026-02-17")
    assert loan.state == "unfilled"
    assert other.history[-1] != "create"
