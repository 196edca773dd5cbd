"""Anything may happen to both halves of a request, in any order that people, machines and messages allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ill_workflow import backlog
from ill_workflow.errors import Conflict, IllError
from ill_workflow.fees import Ledger
from ill_workflow.libraries import find_library
from ill_workflow.outbox import READY, UNCERTAIN, EffectRow
from ill_workflow.requests import actions
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Attempt, Event, Piece, Request
from ill_workflow.requests.scan import scan
from state_machines.declaration import Action
from tests.plugins import referee
from tests.plugins.stage import Half
from tests.stateful.agreement import disagreements
from tests.stateful.arrivals import all_arrived_once
from tests.stateful.inputs import inputs, wrong_inputs
from tests.stateful.place import Place
from tests.stateful.promises import Watcher
from tests.stateful.report import Report
from tests.stateful.world import Policy, World

#: Who may pull a row, drawn in this proportion.
ACTORS = ("operator",) * 6 + ("manager",) * 2 + ("patron", "system", "mail")
POLICIES = st.builds(
    Policy,
    renews_by_itself=st.sampled_from((None, True, False)),
    accepts_cancel_unshipped=st.booleans(),
    lost_after_days=st.sampled_from((None, 10)),
    loan_days=st.sampled_from((10, 3)),
    wants_received=st.booleans(),
)
KINDS = ("send_message", "send_message", "notify_patron", "alert_staff", "circulation", "generate_slip", "email_slip",
         "schedule_due_date_check")  # fmt: skip
OUTWARD = ("notify_patron", "alert_staff")


def machine(
    world: World,
    report: Report,
    *,
    service: str,
    beginnings: Sequence[str],
    rotas: Sequence[tuple[str, ...]] = (("RIV",), ("RIV", "HILL"), ("RIV", "HILL"), ("HILL", "RIV")),
    break_it: Callable[[World], None] | None = None,
) -> type[RuleBasedStateMachine]:
    """A machine that lives in this world, counts into this report, and begins in one of these ways."""

    class BothHalves(RuleBasedStateMachine):
        @initialize(
            beginning=st.sampled_from(beginnings), rota=st.sampled_from(rotas), policy=POLICIES,
            how=st.sampled_from(world.office.ways),
        )  # fmt: skip
        def begins(self, beginning: str, rota: tuple[str, ...], policy: Policy, how: Any) -> None:
            self.world, self.report = world, report
            self.watchers = [Watcher(place) for place in world.places]
            self.half = world.begin(beginning, service, rota, policy, how=how)
            if break_it:
                break_it(world)

        # People

        @rule(data=st.data(), prompt=st.booleans())
        def the_borrower_acts(self, data: st.DataObject, prompt: bool) -> None:
            self._acts(data, "borrowing")
            self._afterwards(prompt)

        @rule(data=st.data(), prompt=st.booleans())
        def the_lender_acts(self, data: st.DataObject, prompt: bool) -> None:
            self._acts(data, "lending")
            self._afterwards(prompt)

        @rule(data=st.data(), prompt=st.booleans())
        def both_act_at_once(self, data: st.DataObject, prompt: bool) -> None:
            """Before either hears of the other."""
            self._acts(data, "borrowing")
            self._acts(data, "lending")
            self._afterwards(prompt)

        @rule(data=st.data(), prompt=st.booleans())
        def somebody_does_several_things(self, data: st.DataObject, prompt: bool) -> None:
            """One after the other, before the other side hears of it."""
            half = self._half(data)
            for _ in range(2):
                self._acts(data, half.side)
            self._afterwards(prompt)

        @rule(data=st.data())
        def somebody_types_something_wrong(self, data: st.DataObject) -> None:
            half = self._half(data)
            lifecycle = self._of(half)
            row = lifecycle.actions[data.draw(st.integers(0, len(lifecycle.actions) - 1), label="row")]
            given = data.draw(wrong_inputs(row, world.clock.now().date()))
            actor = data.draw(st.sampled_from(ACTORS))
            self._counts("tried", half.stage.tries(half, row.trigger, actor=actor, inputs=given))

        @rule(data=st.data(), prompt=st.booleans())
        def somebody_asks_twice(self, data: st.DataObject, prompt: bool) -> None:
            """The same key gives the same answer; an old version is refused; the key is good for nothing else."""
            half = self._half(data)
            actor, row = self._choice(data, half)
            if row is None:
                return
            given = data.draw(self._inputs(half, row, actor), label=f"{row.trigger} by {actor}")
            version, how = half.version, {"actor": actor, "inputs": given}
            first = half.stage.tries(half, row.trigger, key="once", **how)
            self._counts("acted with a key", first)
            if isinstance(first, IllError):
                return
            before = world.trace()
            again = half.stage.tries(half, row.trigger, key="once", version=version, **how)
            assert again.repeated, f"{row.trigger} was done a second time"
            assert again.event_id == first.event_id, "the same key, and another answer"
            assert world.trace() == before, "asked twice, and done twice"
            stale = half.stage.tries(half, row.trigger, version=version, **how)
            assert isinstance(stale, IllError), "who looks at an old version may not act"
            other = half.stage.tries(half, "remind", key="once", actor=actor, inputs={})
            assert isinstance(other, Conflict), "a key belongs to what it was used for"
            self._forget_the_key()
            self._afterwards(prompt)

        @rule(data=st.data(), prompt=st.booleans())
        def somebody_scans(self, data: st.DataObject, prompt: bool) -> None:
            at, code = data.draw(st.sampled_from(self._codes()), label="at and code")
            choose = data.draw(st.sampled_from((None, "receive", "route_home", "second_parcel", "patron_return")))
            place = world.at(at)
            if not place.halves():
                return

            def scans(session: Any, request: Request) -> Any:
                library = find_library(session, at)
                by = place.by(session, f"operator-{at}", request)
                side = None if choose is None or at == "RIV" else "borrowing"
                return scan(session, library, code, by=by, clock=world.clock, choose=choose, side=side, checked=True)

            self._counts("scanned", place.attempt(scans, place.halves()[0]))
            self._afterwards(prompt)

        @precondition(lambda self: self._undoable())
        @rule(data=st.data(), prompt=st.booleans())
        def somebody_takes_it_back(self, data: st.DataObject, prompt: bool) -> None:
            undoable = self._undoable()
            half = undoable[data.draw(st.sampled_from(list(undoable)), label="half")]

            def takes_back(session: Any, request: Request) -> Any:
                by = half.stage.by(session, "operator", request)
                return actions.undo(session, request, by=by, clock=world.clock)

            self._counts("taken back", half.stage.attempt(takes_back, half))
            self._afterwards(prompt)

        @rule(data=st.data(), to_partner=st.booleans(), prompt=st.booleans())
        def somebody_writes_a_note(self, data: st.DataObject, to_partner: bool, prompt: bool) -> None:
            half = self._half(data)

            def writes(session: Any, request: Request) -> Any:
                by = half.stage.by(session, "operator", request)
                return actions.annotate(
                    session, request, "Mind the map.", by=by, clock=world.clock, to_partner=to_partner
                )

            self._counts("noted", half.stage.attempt(writes, half))
            self._afterwards(prompt)

        @rule(days=st.sampled_from((1, 1, 2, 4, 8)), prompt=st.booleans())
        def days_go_by(self, days: int, prompt: bool) -> None:
            world.turn(timedelta(days=days))
            self.report.done["days went by"] += 1
            self._afterwards(prompt)

        # The post

        @precondition(lambda self: world.office.held)
        @rule(data=st.data())
        def a_message_arrives(self, data: st.DataObject) -> None:
            letters = {str(letter): letter for letter in world.office.ready()}
            letter = letters[data.draw(st.sampled_from(list(letters)), label="letter")]
            answer = world.office.deliver(letter)
            assert answer.ok or world.office.can_be_cut, answer.sentence

        @precondition(lambda self: world.office.delivered)
        @rule(data=st.data())
        def a_message_arrives_again(self, data: st.DataObject) -> None:
            letters = {str(letter): letter for letter in world.office.delivered}
            letter = letters[data.draw(st.sampled_from(list(letters)), label="letter")]
            before = world.trace()
            answer = world.office.deliver_again(letter)
            assert answer.ok, answer.sentence
            assert world.trace() == before, "the same message twice, and heard twice"

        # Machines

        @precondition(lambda self: self._waits())
        @rule()
        def workers_work(self) -> None:
            world.waits_for_machines()
            world.work()

        @precondition(lambda self: self._waits())
        @rule(data=st.data(), afterwards=st.booleans())
        def a_worker_dies(self, data: st.DataObject, afterwards: bool) -> None:
            place, kind = self._work(data)
            if place.worker_dies(kind, afterwards=afterwards):
                self.report.done["a worker died"] += 1

        @precondition(lambda self: self._waits())
        @rule(data=st.data())
        def something_fails_once(self, data: st.DataObject) -> None:
            place, place.trouble = self._work(data)
            world.work()
            self.report.done["failed once"] += place.trouble is None
            place.trouble = None

        @precondition(lambda self: any(kind in OUTWARD for _, kind in self._waits()))
        @rule(data=st.data())
        def the_line_drops(self, data: st.DataObject) -> None:
            """The mail server took it, perhaps: nobody can know. A person sends it again."""
            place, _ = self._work(data, OUTWARD)
            before = self._uncertain(place)
            place.mailer.drop = True
            world.work()
            place.mailer.drop = False
            world.waits_for_machines()  # the mail rests for a while after that
            for number in self._uncertain(place) - before:
                self.report.done["the line dropped"] += 1
                place.surplus["mail", number] += 1

        @precondition(lambda self: any(self._needing_attention(place) for place in world.places))
        @rule()
        def somebody_sends_it_again(self) -> None:
            for place in world.places:
                for number in self._needing_attention(place):
                    with place.db.writing() as session:
                        assert backlog.resend(session, number)
                    self.report.done["sent again"] += 1

        @precondition(lambda self: world.office.troubles)
        @rule(data=st.data())
        def the_way_is_bad(self, data: st.DataObject) -> None:
            """What happens to the next messages on their way."""
            trouble = data.draw(st.sampled_from(world.office.troubles))
            world.office.suffers(trouble)
            self.report.done[f"on the way: {trouble}"] += 1
            world.waits_for_machines()
            world.work()

        @precondition(lambda self: world.office.can_be_cut)
        @rule(days=st.sampled_from((1, 2, 4, 5)))
        def the_line_is_cut(self, days: int) -> None:
            """Workers try again and again, and give up what is too old."""
            world.is_cut_for(days)
            self.report.done[f"the line was cut for {days} days"] += 1

        # What holds after each step

        @invariant()
        def each_history_is_its_state_and_brings_what_it_says(self) -> None:
            if not hasattr(self, "watchers"):
                return
            self.report.steps += 1
            try:
                self.failed = True
                self._look()
                self.failed = False
            except AssertionError as wrong:
                raise AssertionError(f"{wrong}\n\n{world.story()}") from wrong

        def teardown(self) -> None:
            """Everything arrives, the calendar comes to rest: both halves agree, and nothing happened twice."""
            if not hasattr(self, "watchers") or self.failed:
                return
            self.report.steps -= 1  # the beginning is looked at, and is no step
            try:
                self._comes_to_an_end()
            except AssertionError as wrong:
                raise AssertionError(f"{wrong}\n\n{world.story()}") from wrong

        def _comes_to_an_end(self) -> None:
            world.until_quiet()
            self._look()
            all_arrived_once(world)
            for place in world.places:
                referee.look(place.db, world.clock, given_up=world.office.gave_up)
            for found in disagreements(world):
                assert found.excused, str(found)
                self.report.excused[found.reason] += 1
            self.report.add(world)

        # How

        def _look(self) -> None:
            for watcher in self.watchers:
                watcher.looks()

        def _choice(self, data: st.DataObject, half: Half) -> tuple[str, Action | None]:
            """Somebody, and what they may do now according to the table."""
            actor = data.draw(st.sampled_from(ACTORS), label="by")
            with half.stage.db.reading() as session:
                request = session.get_one(Request, half.id)
                partner = request.partner
                if actor == "mail" and (partner is None or partner.transport != "email"):
                    actor = "operator"  # a branch speaks for itself
                by = half.stage.by(session, actor, request)
                rows = actions.menu(session, request, by=by, clock=world.clock)
            rows = [row for row in rows if actor != "system" or row.trigger != "remind"]
            if not rows:
                return actor, None
            named = {f"{place} {row.trigger}": row for place, row in enumerate(rows)}
            return actor, named[data.draw(st.sampled_from(list(named)), label="row")]

        def _acts(self, data: st.DataObject, side: str) -> None:
            half = self._half(data, side)
            actor, row = self._choice(data, half)
            if row is not None:
                given = data.draw(self._inputs(half, row, actor), label=f"{row.trigger} by {actor}")
                self._counts("acted", half.stage.tries(half, row.trigger, actor=actor, inputs=given))

        def _half(self, data: st.DataObject, side: str | None = None) -> Half:
            named = {f"{half.side} {half.reference}": half for half in world.halves()}
            halves = {name: half for name, half in named.items() if side is None or name.startswith(side)} or named
            return halves[data.draw(st.sampled_from(list(halves)), label="half")]

        def _inputs(self, half: Half, row: Action, actor: str) -> st.SearchStrategy[dict[str, Any]]:
            with half.stage.db.reading() as session:
                request = session.get_one(Request, half.id)
                open_ = Ledger(session, request.library_id, request.id).balances()
                today = request.library.today(world.clock.now())
            amount = next((str(value) for value in open_.values() if value > 0), "1")
            return inputs(row, today, amount, past=actor == "mail")

        def _of(self, half: Half) -> Any:
            with half.stage.db.reading() as session:
                return lifecycle_of(session.get_one(Request, half.id))

        def _codes(self) -> list[tuple[str, str]]:
            """All codes that are around, each at the library whose request has it; and one of which nobody knows."""
            found = []
            for place in world.places:
                with place.db.reading() as session:
                    for request in session.scalars(sa.select(Request).order_by(Request.id)):
                        pieces = sa.select(Piece.barcode).where(Piece.request_id == request.id).order_by(Piece.id)
                        asked = sa.select(Attempt.wire_id).where(Attempt.request_id == request.id)
                        codes = [request.reference, request.item_barcode, request.temporary_barcode]
                        codes += [*session.scalars(pieces), *session.scalars(asked.order_by(Attempt.number))]
                        found += [(request.library.code, code) for code in codes if code]
            return [*dict.fromkeys(found), ("MAIN", "nobody's")]

        def _waits(self) -> list[tuple[Place, str]]:
            """Where what kind of work waits."""
            found = []
            for place in world.places:
                with place.db.reading() as session:
                    waiting = sa.select(EffectRow.kind).where(EffectRow.status == READY).distinct()
                    found += [(place, kind) for kind in sorted(session.scalars(waiting))]
            return found

        def _work(self, data: st.DataObject, kinds: Sequence[str] = KINDS) -> tuple[Place, str]:
            named = {f"{kind} at {place.libraries[0][0]}": (place, kind) for place, kind in self._waits()}
            named = {name: work for name, work in named.items() if work[1] in kinds} or named
            return named[data.draw(st.sampled_from(list(named)), label="work")]

        def _undoable(self) -> dict[str, Half]:
            """The halves whose last step staff may take back, as the table says."""
            found = {}
            for place in world.places:
                with place.db.reading() as session:
                    for request in session.scalars(sa.select(Request).order_by(Request.id)):
                        steps = sa.select(Event).where(Event.request_id == request.id, Event.trigger != "note")
                        last = session.scalars(steps.order_by(Event.version.desc()).limit(1)).one()
                        if last.row >= 0 and lifecycle_of(request).actions[last.row].undo:
                            found[f"{request.side} {request.reference}"] = Half(place, request.id)
            return found

        def _uncertain(self, place: Place) -> set[int]:
            with place.db.reading() as session:
                return set(session.scalars(sa.select(EffectRow.id).where(EffectRow.status == UNCERTAIN)))

        def _needing_attention(self, place: Place) -> list[int]:
            with place.db.reading() as session:
                return [effect.id for effect in backlog.needing_attention(session)]

        def _afterwards(self, prompt: bool) -> None:
            """Where all is prompt, what was promised is done at once, and the post is quick."""
            if prompt:
                world.work()
                while ready := world.office.ready():
                    assert world.office.deliver(ready[0]).ok
                    world.work()

        def _counts(self, what: str, came_of_it: Any) -> None:
            refused = isinstance(came_of_it, IllError)
            self.report.done[f"{what}, and was refused" if refused else what] += 1

        def _forget_the_key(self) -> None:
            from ill_workflow.requests.models import Receipt

            for place in world.places:
                with place.db.writing() as session:
                    session.execute(sa.delete(Receipt))

    return BothHalves
