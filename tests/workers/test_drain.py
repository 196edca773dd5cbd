"""Promised work: claimed, done once, put off, given up, taken over; on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import backlog, bootstrap, outbox
from ill_workflow.db import db_now
from ill_workflow.outbox import EffectRow, Outside, Permanent, Promise, TryLater, Uncertain
from ill_workflow.pauses import MAIL, pause
from ill_workflow.requests import actions
from tests.plugins.waiting import eventually
from workers import drain, hand

LEASE = timedelta(seconds=30)


@pytest.fixture
def stage(bare_stage):
    return bare_stage


@pytest.fixture
def handle(monkeypatch):
    """Sets what is done for a kind, for one test."""

    def set_handler(kind, handler):
        monkeypatch.setitem(bootstrap.HANDLERS, kind, handler)

    return set_handler


def promise(stage, kind="circulation", number=1, **more):
    if kind == "notify_patron":
        more.setdefault("destination", MAIL)
    with stage.db.writing() as session:
        return outbox.promise(session, [Promise(kind, f"t{kind}{n}{more}", **more) for n in range(number)])


def row(stage, effect_id):
    with stage.db.reading() as session:
        return session.get_one(EffectRow, effect_id)


def claim(stage, kind="circulation", **how):
    with stage.db.writing() as session:
        return outbox.claim(session, kind, **{"limit": 20, "lease": LEASE, **how})


def changed(stage, effect_id, **values):
    with stage.db.writing() as session:
        session.execute(sa.update(EffectRow).where(EffectRow.id == effect_id).values(**values))


def lose_the_worker(stage, effect_id):
    """As if whoever took it had died, long enough ago."""
    with stage.db.writing() as session:
        long_ago = db_now(session) - timedelta(minutes=1)
        session.execute(sa.update(EffectRow).where(EffectRow.id == effect_id).values(lease_until=long_ago))


def test_the_same_promise_twice_is_one(stage):
    first, again = promise(stage), promise(stage)
    assert (len(first), again) == (1, [])


def test_what_is_done_is_never_done_again(stage, handle):
    done = []
    handle("circulation", lambda services, claimed: lambda session: done.append(claimed.id))
    (effect,) = promise(stage)
    assert drain.work_off(stage.services, "circulation", [effect]) == 1
    assert drain.work_off(stage.services, "circulation", [effect]) == 0
    assert drain.work_off(stage.services, "circulation") == 0
    assert (done, row(stage, effect).status) == ([effect], "done")


def test_a_worker_that_comes_back_late_finishes_nothing(stage):
    (effect,) = promise(stage)
    (frozen,) = claim(stage)
    lose_the_worker(stage, effect)
    assert drain.take_back_abandoned(stage.services) == 1
    (other,) = claim(stage)
    assert other.token != frozen.token
    with stage.db.writing() as session:
        assert outbox.finish(session, [frozen]) == set()
        assert not outbox.postpone(session, frozen, "late", LEASE)
        assert not outbox.bury(session, frozen, "late")
        assert outbox.finish(session, [other]) == {effect}


def test_two_workers_never_hold_the_same(stage):
    promise(stage, number=10)
    with stage.db.writing() as one:
        first = outbox.claim(one, "circulation", limit=4, lease=LEASE)
        if stage.db.engine.dialect.name == "postgresql":
            with stage.db.writing() as two:
                second = outbox.claim(two, "circulation", limit=10, lease=LEASE)
            assert len(second) == 6, "nobody waits for what another is just taking"
            assert not {c.id for c in first} & {c.id for c in second}
    assert len(first) == 4


def test_what_kills_each_worker_is_given_up_and_takes_nobody_along(stage):
    poison, *others = promise(stage, number=3)
    assert len(claim(stage)) == 3
    for effect in (poison, *others):
        lose_the_worker(stage, effect)
    drain.take_back_abandoned(stage.services)
    deaths = stage.services.settings.max_deaths
    for _ in range(deaths - 1):
        (alone,) = claim(stage, ids=[poison])
        assert alone.id == poison
        lose_the_worker(stage, poison)
        drain.take_back_abandoned(stage.services)
    assert (row(stage, poison).status, row(stage, poison).left) == ("dead", deaths)
    assert "never heard of again" in row(stage, poison).last_error
    assert [c.id for c in claim(stage)] == others[:1], "each of the others is tried alone"
    assert [c.id for c in claim(stage)] == others[1:]


def test_a_failure_is_put_off_and_given_up_after_its_attempts(stage, handle):
    def broken(services, claimed):
        raise RuntimeError("the shelf fell down")

    handle("circulation", broken)
    (effect,) = promise(stage)
    for attempt in range(1, stage.services.settings.max_attempts + 1):
        assert row(stage, effect).status == "ready"
        changed(stage, effect, available_at=row(stage, effect).created_at)
        assert drain.work_off(stage.services, "circulation", [effect]) == 0
        assert row(stage, effect).attempts == attempt
    found = row(stage, effect)
    assert (found.status, "the shelf fell down" in found.last_error) == ("dead", True)


def test_what_goes_outside_is_given_up_by_age(stage, handle):
    def later(services, claimed):
        raise TryLater("451 busy")

    handle("notify_patron", later)
    (effect,) = promise(stage, "notify_patron")
    with stage.db.reading() as session:
        four_days_ago = db_now(session) - timedelta(days=4)
    changed(stage, effect, attempts=100, created_at=four_days_ago, available_at=four_days_ago)
    drain.work_off(stage.services, "notify_patron")
    assert row(stage, effect).status == "ready", "a hundred attempts are no reason, nor is it one that nobody was there"
    changed(stage, effect, available_at=four_days_ago)
    drain.work_off(stage.services, "notify_patron")
    assert (row(stage, effect).status, row(stage, effect).last_error) == ("dead", "Given up after 72 hours: 451 busy")


def test_a_destination_that_is_down_rests_its_own_kind_and_burns_nothing(stage, handle):
    def down(services, claimed):
        raise TryLater("nobody there", down=MAIL)

    handle("notify_patron", down)
    mail, slip = promise(stage, "notify_patron")[0], promise(stage, "circulation")[0]
    handle("circulation", lambda services, claimed: None)
    drain.work_off(stage.services, "notify_patron")
    assert (row(stage, mail).status, row(stage, mail).attempts) == ("ready", 0)
    changed(stage, mail, available_at=row(stage, mail).created_at)
    assert claim(stage, "notify_patron") == [], "the kind rests"
    assert drain.work_off(stage.services, "circulation", [slip]) == 1
    with stage.db.reading() as session:
        assert [p.reason for p in backlog.pauses(session)] == ["nobody there"]


@pytest.mark.parametrize(
    ("trouble", "status"), [(Permanent("550 no such mailbox"), "dead"), (Uncertain("?"), "uncertain")]
)
def test_what_a_person_has_to_look_at_waits_for_one(stage, handle, trouble, status):
    def fails():
        raise trouble

    handle("notify_patron", lambda services, claimed: Outside(fails))
    (effect,) = promise(stage, "notify_patron")
    drain.work_off(stage.services, "notify_patron")
    assert (row(stage, effect).status, row(stage, effect).last_error) == (status, str(trouble))
    with stage.db.writing() as session:
        assert [e.id for e in backlog.needing_attention(session)] == [effect]
        assert backlog.resend(session, effect)
        assert not backlog.resend(session, effect), "it waits already"
    handle("notify_patron", lambda services, claimed: None)
    assert drain.work_off(stage.services, "notify_patron") == 1


def test_a_lane_keeps_its_order_and_one_that_a_person_must_look_at_blocks_nobody(stage, handle):
    order = []

    def send(services, claimed):
        order.append(claimed.argument)
        if claimed.argument == "second" and order.count("second") == 1:
            raise TryLater("busy")
        if claimed.argument == "third":
            raise Permanent("refused")
        return None

    handle("send_message", send)
    with stage.db.writing() as session:
        names = ("first", "second", "third", "fourth")
        ids = outbox.promise(session, [Promise("send_message", n, argument=n, lane="request:1") for n in names])
    drain.work_off(stage.services, "send_message")
    assert order == ["first", "second"], "the third waits for the second"
    changed(stage, ids[1], available_at=row(stage, ids[1]).created_at)
    drain.work_off(stage.services, "send_message")
    assert order == ["first", "second", "second", "third", "fourth"]


def test_what_cannot_be_written_spoils_only_its_own(stage, handle):
    def handler(services, claimed):
        def finish(session):
            session.execute(sa.text("INSERT INTO pause (destination) VALUES (NULL)"))

        return finish if claimed.argument == "bad" else lambda session: None

    handle("circulation", handler)
    with stage.db.writing() as session:
        ids = outbox.promise(session, [Promise("circulation", n, argument=n) for n in ("a", "bad", "c")])
    assert drain.work_off(stage.services, "circulation") == 2
    assert [row(stage, i).status for i in ids] == ["done", "ready", "done"]
    assert "IntegrityError" in row(stage, ids[1]).last_error


def test_no_transaction_is_open_while_it_talks_to_the_outside(stage, handle):
    seen = []

    def talk():
        if stage.db.engine.dialect.name == "postgresql":
            with stage.db.engine.connect() as look:
                idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                assert look.scalar(sa.text(idle + " AND datname = current_database()")) == 0
        with stage.db.writing() as session:  # would wait for ever, were ours still open
            seen.append(session.scalar(sa.select(sa.func.count(EffectRow.id))))

    handle("notify_patron", lambda services, claimed: Outside(talk))
    promise(stage, "notify_patron")
    assert drain.work_off(stage.services, "notify_patron") == 1
    assert seen == [1]


def test_what_waits_behind_something_slow_is_given_back(stage, handle, monkeypatch):
    monkeypatch.setattr(hand, "GIVE_BACK", 0.05)
    released, begun = threading.Event(), []

    def slow(services, claimed):
        begun.append(claimed.id)
        return Outside(lambda: released.wait() and None)

    handle("notify_patron", slow)
    ids = promise(stage, "notify_patron", number=3)
    worker = threading.Thread(target=drain.work_off, args=(stage.services, "notify_patron"), kwargs={"most": 1})
    worker.start()
    try:
        eventually(lambda: [row(stage, i).status for i in ids] == ["running", "ready", "ready"])
        assert [row(stage, i).attempts for i in ids] == [1, 0, 0], "what was not begun burns no attempt"
    finally:
        released.set()
        worker.join()
    assert begun == ids[:1]
    assert row(stage, ids[0]).status == "done"


def test_a_lease_is_kept_while_the_work_lasts(stage, handle, monkeypatch):
    monkeypatch.setattr(hand, "GIVE_BACK", 0.01)
    stage.services.settings.lease_seconds = 0.3
    released = threading.Event()
    handle("notify_patron", lambda services, claimed: Outside(lambda: released.wait() and None))
    (effect,) = promise(stage, "notify_patron")
    worker = threading.Thread(target=drain.work_off, args=(stage.services, "notify_patron"))
    worker.start()
    try:
        eventually(lambda: row(stage, effect).status == "running")
        first = row(stage, effect).lease_until
        eventually(lambda: row(stage, effect).lease_until > first + timedelta(seconds=0.5))
        assert drain.take_back_abandoned(stage.services) == 0
    finally:
        released.set()
        worker.join()
    assert row(stage, effect).status == "done"


def test_a_reason_is_kept_whatever_the_other_side_has_said(stage, handle):
    def refused():
        raise Permanent("550 no such \x00 box \ud800")

    handle("notify_patron", lambda services, claimed: Outside(refused))
    (effect,) = promise(stage, "notify_patron")
    drain.work_off(stage.services, "notify_patron")
    assert (row(stage, effect).status, row(stage, effect).last_error) == ("dead", "550 no such   box  ")


def test_what_was_sent_is_recorded_when_a_connection_is_free_again(stage, handle, monkeypatch):
    """Others hang in the connections to a database that is away, and whoever waits for one is sent off."""
    sent, real, tried = [], outbox.still_ours, []

    def none_is_free_at_first(session, claims):
        tried.append(1)
        if len(tried) == 1:
            raise sa.exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached")
        return real(session, claims)

    monkeypatch.setattr(outbox, "still_ours", none_is_free_at_first)
    handle("notify_patron", lambda services, claimed: Outside(lambda: sent.append(1)))
    (effect,) = promise(stage, "notify_patron")
    assert drain.work_off(stage.services, "notify_patron") == 1
    assert (len(sent), len(tried), row(stage, effect).status) == (1, 2, "done")


def test_what_was_sent_and_cannot_be_recorded_is_never_sent_again(stage, handle):
    sent = []

    def talk():
        sent.append(1)

        def finish(session):
            session.execute(sa.text("INSERT INTO pause (destination) VALUES (NULL)"))

        return finish

    handle("notify_patron", lambda services, claimed: Outside(talk))
    (effect,) = promise(stage, "notify_patron")
    drain.work_off(stage.services, "notify_patron")
    drain.work_off(stage.services, "notify_patron")
    assert (len(sent), row(stage, effect).status) == (1, "uncertain")
    assert "could not be recorded" in row(stage, effect).last_error


def test_what_is_sent_after_a_worker_vanished_with_it_says_so(stage, handle):
    handle("notify_patron", lambda services, claimed: Outside(lambda: lambda session: None))
    (effect,) = promise(stage, "notify_patron")
    claim(stage, "notify_patron")
    lose_the_worker(stage, effect)
    drain.take_back_abandoned(stage.services)
    assert drain.work_off(stage.services, "notify_patron") == 1
    assert row(stage, effect).answer == drain.SENT_TWICE


def test_messages_between_branches_do_not_rest_with_the_mail(stage, handle):
    def send(services, claimed):
        if claimed.destination == MAIL:
            raise TryLater("nobody there", down=MAIL)

    handle("send_message", send)
    promise(stage, "send_message", destination=MAIL)
    drain.work_off(stage.services, "send_message")
    (local,) = promise(stage, "send_message", argument="local")
    assert drain.work_off(stage.services, "send_message") == 1
    assert row(stage, local).status == "done"


def test_a_dead_destination_is_tried_once_and_not_by_the_whole_batch(stage, handle):
    tried = []

    def talk():
        tried.append(1)
        raise TryLater("nobody there", down=MAIL)

    handle("notify_patron", lambda services, claimed: Outside(talk))
    ids = promise(stage, "notify_patron", number=10)
    drain.work_off(stage.services, "notify_patron")
    assert len(tried) == 1
    assert [row(stage, i).attempts for i in ids] == [0] * 10


def test_a_mistake_of_ours_is_given_up_by_attempts_also_where_it_goes_outside(stage, handle):
    def broken(services, claimed):
        raise KeyError("no such value")

    handle("notify_patron", broken)
    (effect,) = promise(stage, "notify_patron")
    changed(stage, effect, attempts=stage.services.settings.max_attempts - 1)
    drain.work_off(stage.services, "notify_patron")
    assert row(stage, effect).status == "dead"


def test_who_answers_has_not_died_of_it(stage, handle):
    def later(services, claimed):
        raise TryLater("451 busy")

    handle("notify_patron", later)
    (effect,) = promise(stage, "notify_patron")
    for _ in range(stage.services.settings.max_deaths + 1):
        changed(stage, effect, available_at=row(stage, effect).created_at)
        claim(stage, "notify_patron")
        lose_the_worker(stage, effect)
        drain.take_back_abandoned(stage.services)
        drain.work_off(stage.services, "notify_patron")
    assert (row(stage, effect).status, row(stage, effect).left) == ("ready", 0)


def test_two_workers_find_out_at_once_that_a_destination_is_down(stage):
    gate = threading.Barrier(4)
    troubles = []

    def find_out():
        try:
            with stage.db.writing() as session:
                gate.wait() if stage.db.engine.dialect.name == "postgresql" else None
                pause(session, MAIL, LEASE, "down")
        except Exception as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=find_out) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def test_recording_waits_neither_for_its_own_keeper_nor_for_a_stranger(stage, handle, monkeypatch):
    """The keeper renews in one order while the batch is recorded in another, and a stranger holds a request."""
    monkeypatch.setattr(hand, "GIVE_BACK", 0.01)
    stage.services.settings.lease_seconds = 0.3
    requests = [stage.lends().id for _ in range(3)]
    held, release = threading.Event(), threading.Event()

    def stranger():
        with stage.db.writing() as session:
            if stage.db.engine.dialect.name == "postgresql":
                actions.locked(session, requests[1])
            held.set()
            release.wait(120)

    def finish(session, request_id):
        actions.locked(session, request_id)

    handle("circulation", lambda services, claimed: lambda session: finish(session, claimed.request_id))
    with stage.db.writing() as session:
        promises = [Promise("circulation", f"r{n}", request_id=n) for n in reversed(requests)]
        ids = outbox.promise(session, promises)
    if stage.db.engine.dialect.name == "sqlite":
        assert drain.work_off(stage.services, "circulation", ids) == 3
        return
    thread = threading.Thread(target=stranger)
    thread.start()
    held.wait()
    try:
        assert drain.work_off(stage.services, "circulation", ids) == 2
        waits = row(stage, ids[1])
        assert (waits.status, waits.attempts, waits.last_error) == (
            "ready", 0, "The request was in somebody else's hands.",
        )  # fmt: skip
    finally:
        release.set()
        thread.join()


def test_what_was_promised_in_vain_is_not_rung_for(stage, handle):
    rung = []
    stage.db.announce = rung.extend

    def finish(session):
        outbox.promise(session, [Promise("generate_slip", "in vain")])
        raise RuntimeError("after all not")

    handle("circulation", lambda services, claimed: finish)
    (effect,) = promise(stage)
    rung.clear()
    drain.work_off(stage.services, "circulation", [effect])
    assert [kind for _, kind in rung] == []


def test_an_unknown_kind_is_parked(stage):
    (effect,) = promise(stage, "fly_to_the_moon")
    assert drain.work_off_all(stage.services) == 0
    assert row(stage, effect).status == "ready"


def test_the_claim_finds_what_waits_past_all_that_is_done(stage):
    """The plan of the very statement that the claim sends, on a table full of work that is done."""
    with stage.db.writing() as session:
        outbox.promise(session, [Promise("circulation", f"old {n}") for n in range(2000)])
        session.execute(sa.update(EffectRow).values(status="done"))
        session.info.clear()
    promise(stage)
    if stage.db.engine.dialect.name == "postgresql":
        with stage.db.writing() as session:
            session.execute(sa.text("ANALYZE effect"))
    said = []

    @sa.event.listens_for(stage.db.engine, "before_cursor_execute")
    def listen(connection, cursor, statement, parameters, context, many):
        if "FROM effect" in statement and "LIMIT" in statement.upper():
            said.append((statement, parameters))

    assert len(claim(stage)) == 1
    sa.event.remove(stage.db.engine, "before_cursor_execute", listen)
    statement, parameters = said[0]
    explain = "EXPLAIN QUERY PLAN " if stage.db.engine.dialect.name == "sqlite" else "EXPLAIN "
    with stage.db.engine.connect() as connection:
        plan = "\n".join(str(line) for line in connection.exec_driver_sql(explain + statement, parameters))
    assert "ix_effect_ready" in plan, plan
