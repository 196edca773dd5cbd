"""Two systems at the same moment, and one that asks again because it heard no answer."""

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from ill_workflow.requests.models import Event, Request

AT = "libraries/MAIN"


def together(*deeds):
    with ThreadPoolExecutor(len(deeds)) as pool:
        return [future.result() for future in [pool.submit(deed) for deed in deeds]]


def test_the_same_key_twice_at_once_is_one_deed_and_one_answer(bare_stage, calls):
    system = calls(bare_stage)()
    loan = bare_stage.lends()
    new = {"side": "borrowing", "fields": {"title": "Emma"}}

    answers = together(*[lambda: system.post(f"{AT}/requests/{loan.id}/actions/print_slip", {}, key="a")] * 4)
    assert [a.status_code for a in answers] == [200] * 4
    assert sorted(a.json()["repeated"] for a in answers) == [False, True, True, True]
    assert loan.history == ["create", "print_slip"]

    made = together(*[lambda: system.post(f"{AT}/requests", new, key="b")] * 4)
    assert sorted(a.status_code for a in made) == [200, 200, 200, 201]
    assert len({a.json()["number"] for a in made}) == 1
    notes = together(*[lambda: system.post(f"{AT}/requests/{loan.id}/notes", {"note": "x"}, key="c")] * 3)
    assert [a.status_code for a in notes] == [201] * 3
    assert loan.history == ["create", "print_slip", "note"]


def test_a_key_means_one_thing(quick_stage, calls):
    over = calls(quick_stage)
    system, another = over("one"), over("two")
    loan = quick_stage.lends()
    system.does(f"{AT}/requests/{loan.id}/notes", {"note": "x"}, key="k")

    refused = system.post(f"{AT}/requests/{loan.id}/notes", {"note": "y"}, key="k")

    assert refused.status_code == 409
    assert refused.json()["field"] == "key"
    assert another.does(f"{AT}/requests/{loan.id}/notes", {"note": "y"}, key="k")["repeated"] is False


def test_of_two_that_act_on_what_they_saw_one_is_told_that_it_has_changed(bare_stage, calls):
    over = calls(bare_stage)
    one, two = over("one"), over("two")
    loan = bare_stage.lends()
    here = f"{AT}/requests/{loan.id}"
    seen = one.get(here).headers["etag"]
    assert seen == '"1"'

    def acts(system, trigger, **inputs):
        body = {"inputs": inputs}
        return lambda: system.post(f"{here}/actions/{trigger}", body, headers={"If-Match": seen})

    answers = together(acts(one, "print_slip"), acts(two, "reject", reason="NotOnShelf"))

    assert sorted(a.status_code for a in answers) == [200, 412]
    lost = next(a.json() for a in answers if a.status_code == 412)
    assert lost["detail"].startswith("XPX-1001 has changed since you looked.")
    assert len(loan.history) == 2
    late = two.post(f"{here}/actions/will_supply", {"version": 1})
    assert (late.status_code, late.json()["field"]) == (409, "version")
    now = one.get(here).headers["etag"]
    assert two.post(f"{here}/notes", {"note": "x"}).status_code == 201
    assert now == '"2"'


def test_the_feed_tells_every_line_once_whatever_becomes_visible_first(bare_stage, calls):
    system = calls(bare_stage)()
    loan = bare_stage.lends()
    told = system.told(f"{AT}/events?after=0")
    assert [line["trigger"] for line in told["items"]] == ["create"]
    if bare_stage.db.engine.dialect.name == "postgresql":
        # Somebody takes a number and is slow to commit; somebody else is faster.
        with bare_stage.db.writing() as slow:
            slow.execute(sa.text("SELECT nextval('event_id_seq')")).scalar()
            loan.notes("faster")
            assert system.told(told["next"])["items"] == []
            first = slow.get_one(Request, loan.id)
            number = slow.scalar(sa.select(sa.func.max(Event.id))) - 1
            slow.add(_line(first, number))
        told = system.told(told["next"])
        assert [line["trigger"] for line in told["items"]] == ["slow", "note"]
    else:
        loan.notes("faster")
        told = system.told(told["next"])
        assert [line["trigger"] for line in told["items"]] == ["note"]
    assert system.told(told["next"]) == {"items": [], "next": told["next"], "more": False}
    assert system.told(f"{AT}/events")["next"] == told["next"]


def test_a_number_that_was_given_up_holds_the_feed_for_a_minute_at_most(bare_stage, calls):
    from datetime import timedelta

    system = calls(bare_stage)()
    loan = bare_stage.lends()
    told = system.told(f"{AT}/events?after=0")
    if bare_stage.db.engine.dialect.name == "postgresql":
        with bare_stage.db.writing() as gone:
            gone.execute(sa.text("SELECT nextval('event_id_seq')"))
    loan.notes("after it")
    bare_stage.clock.advance(timedelta(minutes=2))
    assert [line["trigger"] for line in system.told(told["next"])["items"]] == ["note"]


def _line(request, number):
    return Event(
        id=number, request_id=request.id, version=99, trigger="slow", label="Slow", source="new", dest="new",
        actor="staff", who="Slow", at=request.created_at,
    )  # fmt: skip
