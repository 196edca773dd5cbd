"""A partner to which nothing gets through rests by itself, and one worker at a time speaks with it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from ill_workflow import outbox, pauses
from ill_workflow.outbox import EffectRow, Promise
from ill_workflow.pauses import Pause

KIND, LEASE = "send_message", timedelta(seconds=30)


class Queue:
    def __init__(self, stage) -> None:
        self.db = stage.db

    def promises(self, *whom: str) -> list[int]:
        already = self.counts()
        with self.db.writing() as session:
            return outbox.promise(
                session, [Promise(KIND, f"k{already + n}", destination=to) for n, to in enumerate(whom)]
            )

    def counts(self) -> int:
        with self.db.reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(EffectRow)) or 0

    def claims(self):
        with self.db.writing() as session:
            return outbox.claim(session, KIND, limit=20, lease=LEASE)

    def writes(self, what, *how):
        with self.db.writing() as session:
            return what(session, *how)

    def ends_every_pause(self) -> None:
        with self.db.writing() as session:
            session.execute(sa.update(Pause).values(until=outbox.db_time(session, timedelta(seconds=-1))))


@pytest.fixture
def queue(bare_stage):
    return Queue(bare_stage)


def test_one_worker_speaks_with_a_partner_and_others_with_others(queue):
    a1, a2 = queue.promises("partner:1", "partner:1")
    first = queue.claims()
    assert [c.id for c in first] == [a1, a2], "what waits together is taken together"
    a3, b, mail = queue.promises("partner:1", "partner:2", "mail")

    assert [c.id for c in queue.claims()] == [b, mail]

    queue.writes(outbox.finish, first)
    assert [c.id for c in queue.claims()] == [a3]


def test_a_partner_rests_twice_as_long_each_time_and_is_tried_by_one(queue):
    a1, a2, b = queue.promises("partner:1", "partner:1", "partner:2")
    pause = timedelta(seconds=5)
    rests = []
    for _ in range(9):
        rests.append(queue.writes(pauses.pause, "partner:1", pause, "It is down."))
        at_once = queue.writes(pauses.pause, "partner:1", pause, "It is down.")
        assert at_once == rests[-1], "another call has found the same"
        queue.ends_every_pause()
    assert [rest.total_seconds() for rest in rests] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    queue.writes(pauses.pause, "partner:1", pause, "It is down.")
    assert [c.id for c in queue.claims()] == [b]

    queue.ends_every_pause()
    (tried,) = queue.claims()
    assert tried.id == a1
    assert queue.claims() == []

    queue.writes(pauses.end_pause, "partner:1")
    queue.writes(outbox.finish, [tried])
    assert [c.id for c in queue.claims()] == [a2]
    assert queue.writes(pauses.pause, "partner:1", pause, "It is down again.") == pause


def test_mail_rests_as_long_each_time(queue):
    pause = timedelta(seconds=5)
    assert [queue.writes(pauses.pause, "mail", pause, "It is down.") for _ in range(3)] == [pause] * 3


def test_what_waited_for_a_partner_follows_what_was_done(queue):
    a1, a2, b = queue.promises("partner:1", "partner:1", "partner:2")
    with queue.db.reading() as session:
        assert outbox.next_behind(session, [a1], 4) == [a1, a2], "whatever waits longest"
        assert outbox.next_behind(session, [a1], 1) == [a1]
    queue.writes(outbox.finish, queue.claims())
    (a3,) = queue.promises("partner:1")
    with queue.db.reading() as session:
        assert outbox.next_behind(session, [a2], 4) == [a3]
        assert outbox.next_behind(session, [b], 4) == []


def test_what_was_to_wait_from_the_beginning_is_found_at_its_moment_and_the_rest_when_nobody_took_it_up(queue):
    """The rest was rung for: a task for it is on its way."""
    patience = timedelta(seconds=60)
    (rung,) = queue.promises("partner:1")
    with queue.db.writing() as session:
        assert outbox.kinds_to_do(session, [KIND], patience) == []
        moved = sa.update(EffectRow).where(EffectRow.id == rung)
        session.execute(moved.values(created_at=outbox.db_time(session, timedelta(seconds=-1))))
        assert outbox.kinds_to_do(session, [KIND], patience) == [KIND]
