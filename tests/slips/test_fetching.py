"""The pull list: what somebody has to fetch, and Print Slip for all of it."""

import pytest

from ill_workflow.slips import fetching


def test_it_lists_what_is_asked_for_and_has_no_slip_in_shelf_order(desk):
    stage = desk.stage
    place = {"location": "Stacks", "isbn": ""}
    stage.lends(title="Algorithms", call_number="QA76.6 .C662", **place)
    stage.lends(title="Emma", call_number="PR4034 .E5", partner_id="2", **place).does("will_supply")
    stage.lends(title="Mansfield Park", call_number="PR403.5 .M3", partner_id="3", **place)
    stage.lends(title="Without a number", partner_id="4", **place)
    stage.lends(title="Printed", partner_id="5", **place).does("print_slip")
    stage.lends(title="Not there", partner_id="6", **place).does("record_availability", reason="NotOnShelf")
    stage.lends(title="Rejected", partner_id="7", **place).does("reject", reason="NotOnShelf")
    stage.lends(title="Conditional", partner_id="8", **place).does("add_condition", condition="Library use only")
    stage.lends(title="Elsewhere", at="RIV", **place)
    stage.borrows(title="Borrowed", isbn="")

    assert desk.list() == ["Mansfield Park", "Emma", "Algorithms", "Without a number"]


def test_a_slip_that_was_taken_back_is_on_the_list_again(desk):
    half = desk.stage.lends(title="Emma")
    half.does("print_slip")
    assert desk.list() == []
    half.undoes()
    assert desk.list() == ["Emma"]


def test_what_was_printed_under_a_condition_is_not_fetched_twice(desk):
    half = desk.stage.lends()
    half.does("add_condition", condition="Library use only")
    half.does("print_slip")
    half.does("partner_accepts_condition", told_by="phone")
    assert half.state == "will_supply"
    assert desk.list() == []


def test_it_can_be_of_one_part_of_the_house(desk):
    for n, location in enumerate(["Main stacks, level 2", "Main stacks, level 3", "Science", None]):
        desk.stage.lends(title=str(n), location=location, isbn="", partner_id=f"H{n}")
    assert desk.list("main STACKS") == ["0", "1"]
    assert desk.list("Main stacks, level 3") == ["1"]
    assert desk.list("Annex") == []


def test_a_copy_comes_with_pages_and_article(desk):
    desk.stage.lends(service="copy", title="Nature", pages="12-19", article_title="On Bees", isbn="")
    (thing,) = desk.to_fetch()
    assert (thing.line.service, thing.line.pages, thing.line.article_title) == ("copy", "12-19", "On Bees")


def test_all_of_it_is_printed_at_once(desk):
    lent = [desk.stage.lends(partner_id=f"H{n}") for n in range(3)]
    printed = desk.takes_up()
    desk.lets_workers_work()
    assert len(printed.slips) == 3
    assert {half.state for half in lent} == {"being_processed"}
    assert [half.said for half in lent] == [["ExpectToSupply"]] * 3, "each partner is told"
    assert (desk.waiting(), desk.list()) == ([], [])


def test_what_somebody_else_did_in_the_meantime_is_told_and_the_others_are_done(desk):
    first, second = desk.stage.lends(partner_id="1"), desk.stage.lends(partner_id="2")
    seen = desk.to_fetch()
    first.does("reject", reason="NotOnShelf", by="manager")

    printed = desk.takes_up(seen=seen)

    assert [reference for reference, _, _ in printed.slips] == [second.reference]
    (left,) = printed.left
    assert left.reference == first.reference
    assert "manager-MAIN did: Reject. It is Rejected now." in left.why


def test_two_who_take_up_the_same_list_print_each_slip_once(desk, open_desk):
    for n in range(3):
        desk.stage.lends(partner_id=f"H{n}")
    other, seen = open_desk(desk.stage, who="manager"), desk.to_fetch()
    assert len(desk.takes_up(seen=seen).slips) == 3
    late = other.takes_up(seen=seen)
    assert late.slips == []
    assert all("operator-MAIN did: Print Slip" in left.why for left in late.left)


def test_one_who_may_not_act_here_prints_nothing(desk, open_desk):
    half = desk.stage.lends()
    refused = open_desk(desk.stage, who="operator-RIV").takes_up()
    assert refused.slips == []
    assert "no grant at the library" in refused.left[0].why
    assert half.state == "new"


def test_a_crash_in_the_middle_leaves_what_was_done_unprinted(desk, monkeypatch):
    lent = [desk.stage.lends(partner_id=f"H{n}") for n in range(3)]
    perform, done = fetching.actions.perform, []

    def dies(*things, **more):
        if len(done) == 2:
            raise RuntimeError("out of memory")
        done.append(1)
        return perform(*things, **more)

    with monkeypatch.context() as patch:
        patch.setattr(fetching.actions, "perform", dies)
        with pytest.raises(RuntimeError):
            desk.takes_up()
    assert sorted(half.state for half in lent) == ["being_processed", "being_processed", "new"]
    assert len(desk.waiting()) == 2
    assert len(desk.prints().slips) == 2
    assert len(desk.takes_up().slips) == 1
