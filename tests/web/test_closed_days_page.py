"""Days are closed and opened in the browser, and what is counted in working days moves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ill_workflow import calendars, libraries
from ill_workflow.errors import BadInput, NotFound

PAGE = "/l/MAIN/closed-days"


@pytest.fixture
def stage(quick_stage):
    return quick_stage


@pytest.fixture
def manager(stage, visiting):
    return visiting(stage)("manager")


def closed(stage, partner=None):
    with stage.db.reading() as session:
        main = libraries.find_library(session, "MAIN")
        ours, theirs = calendars.closed_days(session, main.id, partner)
        assert partner is not None or session.query(calendars.ClosedDate).filter_by(partner_id=None).count() == len(
            ours
        )
        return sorted(theirs if partner else ours)


def test_a_day_and_days_in_a_row_are_closed_and_opened(stage, manager):
    answer = manager.submit(PAGE, day="2026-12-25", reason="Christmas <b>")
    assert answer.status_code == 303
    assert "1 day is closed." in manager.text(answer.headers["location"])
    answer = manager.submit(PAGE, day="2026-12-28", until="2026-12-31", reason="Between the years")
    assert "4 days are closed." in manager.text(answer.headers["location"])

    page = manager.tree(f"{PAGE}?year=2026")
    lines = [" ".join(row.text_content().split()) for row in page.xpath("//tbody/tr")]
    assert lines[0].startswith("Friday, December 25, 2026 Christmas <b>")
    assert lines[1].startswith("Monday, December 28, 2026 – Thursday, December 31, 2026 Between the years")
    assert len(lines) == 2

    opened = manager.submit(f"{PAGE}/open", day="2026-12-28", until="2026-12-31")
    assert "4 days are open again." in manager.text(opened.headers["location"])
    assert closed(stage) == [date(2026, 12, 25)]


REFUSED = (
    ({"day": "2026-12-25"}, "2026-12-25 is closed already."),
    ({"day": "2026-12-20", "until": "2026-12-26"}, "2026-12-25 is closed already."),
    ({"day": "tomorrow"}, "A day is written like 2026-12-25."),
    ({"day": "2026-12-30", "until": "2026-12-01"}, "The last day is before the first one."),
    ({"day": "2026-01-01", "until": "2036-01-01"}, "At most 366 days are closed at once."),
    ({"day": "9999-12-31"}, "This year is too far away."),
    ({"day": "2026-12-30", "reason": "x" * 300}, "reason has 300 characters; 200 are the most."),
)


def test_what_can_not_be_closed_is_told_and_what_was_typed_stays(stage, manager):
    manager.submit(PAGE, day="2026-12-25")
    for typed, sentence in REFUSED:
        answer = manager.submit(PAGE, **typed)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{typed["day"]}"' in answer.text
    assert closed(stage) == [date(2026, 12, 25)]


@pytest.mark.long
def test_a_partner_has_days_of_its_own_and_what_it_has_to_answer_moves(stage, manager):
    loan = stage.borrows(ask=("HILL",))
    hill = stage.partner("MAIN", "HILL").id
    answer = manager.submit(PAGE, day="2026-02-04", partner=str(hill))
    assert "What 1 request under way waits for is reckoned anew." in manager.text(answer.headers["location"])
    assert (closed(stage), closed(stage, hill)) == ([], [date(2026, 2, 4)])
    stage.waits_until("2026-02-06")
    assert loan.state == "request_sent", "a day later than without the closed day"
    stage.waits_until("2026-02-07")
    assert loan.state == "unfilled"


@pytest.mark.long
def test_a_due_date_stays_whatever_is_closed(stage, manager):
    lent = stage.lends()
    lent.does("ship", condition_checked=True, item_barcode="312", due_date="2026-02-10")
    manager.submit(PAGE, day="2026-02-10")
    stage.work()
    assert lent.lender_due == date(2026, 2, 10)
    stage.waits_until("2026-02-11")
    assert lent.state == "overdue"


def test_who_manages_nothing_here_changes_nothing(stage, visiting):
    operator, other = visiting(stage)("operator"), visiting(stage)("manager", "RIV")
    hill = str(stage.partner("MAIN", "HILL").id)
    assert not operator.tree(PAGE).xpath("//main//form[@method='post']")
    assert operator.submit(PAGE, day="2026-12-25").status_code == 403
    assert other.submit(PAGE, day="2026-12-25").status_code == 403
    assert other.submit("/l/RIV/closed-days", day="2026-12-25", partner=hill).status_code == 422
    assert other.get(f"/l/RIV/closed-days?partner={hill}").status_code == 422
    assert closed(stage) == []


@pytest.mark.long
def test_days_in_a_row_may_go_on_into_another_year(stage):
    with stage.db.writing() as session:
        main = libraries.find_library(session, "MAIN").id
        assert calendars.close(session, date(2026, 12, 24), library_id=main, until=date(2027, 1, 2)) == 10
        with pytest.raises(BadInput, match="2027-01-01 is closed already"):
            calendars.close(session, date(2027, 1, 1), library_id=main)
        assert [(c.first, c.last) for c in calendars.closings(session, main, None, 2027)] == [
            (date(2027, 1, 1), date(2027, 1, 2))
        ]
        assert calendars.open_again(session, date(2027, 1, 2), library_id=main) == 1
        with pytest.raises(NotFound):
            calendars.open_again(session, date(2027, 1, 2), library_id=main)


@pytest.mark.long
def test_two_who_close_the_same_day_at_once_close_it_once(bare_stage, visiting):
    sit_down = visiting(bare_stage)
    people = [sit_down("manager") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda page: page.submit(PAGE, day="2026-12-25").status_code, people))
    assert sorted(answers) == [303, 422, 422, 422]
    assert closed(bare_stage) == [date(2026, 12, 25)]
