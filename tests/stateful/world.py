"""The world of the long test: Main borrows, Riverside lends, Hilltop reads mail; a post office lies between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.outbox import READY, EffectRow
from ill_workflow.timers import TimerRow
from tests.plugins.stage import START, Half
from tests.stateful.office import Office
from tests.stateful.place import Place, Snapshot
from workers.drain import work_off_all

#: How a run may begin: what was done before its first step.
BEGINNINGS: Mapping[str, Callable[[Half], None]] = {}
#: Timers that come again and again while somebody is waited for.
REPEATING = frozenset({"respond_by", "answer_by", "ship_by", "arrive_by", "completion_by", "return_by"})


@dataclass(frozen=True)
class Policy:
    """What was agreed between the two libraries, as far as a run may choose it."""

    renews_by_itself: bool | None = None
    accepts_cancel_unshipped: bool = False
    lost_after_days: int | None = None
    loan_days: int = 10
    wants_received: bool = False

    @property
    def terms(self) -> dict[str, Any]:
        return {
            "renews_by_itself": self.renews_by_itself, "lost_after_days": self.lost_after_days,
            "accepts_cancel_unshipped": self.accepts_cancel_unshipped, "loan_days": self.loan_days,
            "wants_received": self.wants_received, "ladder": [3], "pickup_days": 5, "transit_days": 1,
        }  # fmt: skip


class World:
    """The places in which a run happens: one installation with both libraries, or one for each of them."""

    def __init__(self, places: Sequence[Place], office: Office) -> None:
        self.places, self.office, self.clock = tuple(places), office, places[0].clock
        for place in places:
            place.everybody = self.work
        self._base = self._photograph()
        self._beginnings: dict[str, tuple[tuple[Snapshot, ...], int, int]] = {}

    def at(self, code: str) -> Place:
        """Where this library is."""
        return next(place for place in self.places if any(code == known for known, *_ in place.libraries))

    def reading(self, stack: ExitStack) -> list[Session]:
        """A look into the database of each place."""
        return [stack.enter_context(place.db.reading()) for place in self.places]

    # A run

    def begin(self, beginning: str, service: str, rota: tuple[str, ...], policy: Policy, *, how: Any) -> Half:
        """Put the world back to a beginning; the half that the run is about. `how` messages travel the office knows."""
        name = f"{beginning} {service} {rota}"
        if name not in self._beginnings:
            self._put_back(self._base)
            self.office.prompt()
            half = BEGINNINGS[beginning](self, service, rota)
            self.work()
            self._beginnings[name] = self._photograph(), self.places.index(half.stage), half.id
        snapshots, place, half_id = self._beginnings[name]
        self._put_back(snapshots)
        self.office.begin(how)
        for each in self.places:
            each.begins()
        for ours, theirs in (("MAIN", "RIV"), ("RIV", "MAIN")):
            self.at(ours).agree(ours, theirs, policy.terms, **self.office.agreed(ours, how))
        return Half(self.places[place], half_id)

    def _photograph(self) -> tuple[Snapshot, ...]:
        return tuple(place.photograph() for place in self.places)

    def _put_back(self, snapshots: tuple[Snapshot, ...]) -> None:
        for place, snapshot in zip(self.places, snapshots, strict=True):
            place.put_back(snapshot)

    # Who is there

    def halves(self) -> list[Half]:
        return [half for place in self.places for half in place.halves()]

    def borrows(self, *, ask: tuple[str, ...], at: str = "MAIN", **more: Any) -> Half:
        return self.at(at).borrows(ask=ask, at=at, **more)

    def lends(self, *, at: str, to: str, **more: Any) -> Half:
        return self.at(at).lends(at=at, to=to, **more)

    def other_half(self, half: Half) -> Half:
        """The lending half at Riverside of what Main has asked for."""
        return self.at("RIV").other_half(half)

    def trace(self) -> list[Any]:
        return [seen for place in self.places for seen in place.trace()]

    def story(self) -> str:
        """What has happened to all halves, in order, for whoever has to find out why."""
        told = sorted((line for place in self.places for line in place.story()), key=lambda line: line[0])
        return "\n".join([*(line for _, line in told), *self.office.story()])

    # What machines do

    def work(self) -> None:
        """Let the workers of all places do all that was promised."""
        while sum(work_off_all(place.services) for place in self.places):
            pass

    def waits_for_machines(self) -> None:
        for place in self.places:
            place.waits_for_machines()

    def turn(self, by: timedelta) -> None:
        """The calendar goes on, and what is due is fired."""
        self.clock.turn((self.clock.now() + by).astimezone(UTC))
        for place in self.places:
            if self.office.can_be_cut:
                place.ages(by)
            place.fire()

    def is_cut_for(self, days: int) -> None:
        """Nothing gets through for so many days, on each of which it is tried."""
        self.office.suffers("cut")
        for _ in range(days):
            self.waits_for_machines()
            self.work()
            self.turn(timedelta(days=1))
        self.waits_for_machines()
        self.work()
        self.office.is_mended()

    def everything_arrives(self) -> None:
        """All promised work is done and all messages are delivered; where no order is kept, the last comes first."""
        for _ in range(100):
            self.waits_for_machines()
            done = sum(work_off_all(place.services) for place in self.places)
            while ready := self.office.ready():
                self.office.deliver(ready[0 if self.office.in_order else -1])
                done += 1
            if not done and not self._something_waits():
                return
        raise AssertionError("they talk to each other without end")

    def _something_waits(self) -> bool:
        """What came to nothing this time may be tried again."""
        waiting = sa.exists().where(EffectRow.status == READY)
        with ExitStack() as stack:
            return any(session.scalar(sa.select(waiting)) for session in self.reading(stack))

    def until_quiet(self) -> None:
        """Let the calendar run until only those reminders are left that come again and again."""
        self.office.is_mended()
        self.everything_arrives()
        waiting: list[Any] = []
        for _ in range(30):
            with ExitStack() as stack:
                looks = sa.select(TimerRow.name, TimerRow.slot, TimerRow.due_at)
                waiting = [row for session in self.reading(stack) for row in session.execute(looks)]
            if all(name in REPEATING and int(slot.rpartition(" ")[2]) >= 2 for name, slot, _ in waiting):
                return
            first = min(due_at for *_, due_at in waiting)
            self.turn(max(first - self.clock.now(), timedelta(0)) + timedelta(days=4))
            self.everything_arrives()
        raise AssertionError(f"the calendar never comes to rest: {waiting}")


def beginning(name: str):
    def register(begin):
        BEGINNINGS[name] = begin
        return begin

    return register


def _asks(world: World, service: str, rota: tuple[str, ...], **more: Any) -> Half:
    fields = {"article_title": "On letters"} if service == "copy" else {}
    return world.borrows(ask=rota, service=service, **fields, **more)


@beginning("typed in")
def _typed_in(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return _asks(world, service, rota, send=False, need_by=(START + timedelta(days=12)).date().isoformat())


@beginning("asked")
def _asked(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return _asks(world, service, rota)


@beginning("shipped")
def _shipped(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        lent = world.other_half(half)
        if service == "copy":
            lent.does("deliver_copy", on_paper=True)
        else:
            lent.does("ship", condition_checked=True, item_barcode="312")
    else:
        half.does("partner_shipped", told_by="mail", item_barcode="H-312")
    return half


@beginning("with the patron")
def _with_the_patron(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _shipped(world, service, rota)
    half.does("receive", condition_checked=True)
    if service == "loan":
        half.does("check_out")
    return half


@beginning("several pieces")
def _several_pieces(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("ship", condition_checked=True, item_barcode="312", pieces=["P-2", "P-3"])
    else:
        half.does("partner_shipped", told_by="mail", item_barcode="312", pieces=["312", "P-2", "P-3"])
    half.does("receive", condition_checked=True)
    return half


@beginning("a condition was set")
def _a_condition_was_set(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("add_condition", condition="LibraryUseOnly", cost="12.50")
    else:
        half.does("partner_sets_condition", told_by="mail", condition="LibraryUseOnly")
    return half


@beginning("asked for later")
def _asked_for_later(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("offer_retry", reason="OnLoan")
    else:
        half.does("partner_offers_retry", told_by="mail", reason="OnLoan")
    return half


@beginning("called off")
def _called_off(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _asks(world, service, rota)
    half.does("cancel", reason="not needed")
    return half


@beginning("asked to renew")
def _asked_to_renew(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("request_renewal")
    return half


@beginning("recalled")
def _recalled(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    if rota[0] == "RIV":
        world.other_half(half).does("recall", return_by=(START + timedelta(days=6)).date().isoformat())
    else:
        half.does("partner_recalled", told_by="mail", return_by=(START + timedelta(days=6)).date().isoformat())
    return half


@beginning("lost")
def _lost(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("report_lost")
    return half


@beginning("on the way back")
def _on_the_way_back(world: World, service: str, rota: tuple[str, ...]) -> Half:
    half = _with_the_patron(world, service, rota)
    half.does("ship_back")
    return half


@beginning("lent to Hilltop")
def _lent_to_hilltop(world: World, service: str, rota: tuple[str, ...]) -> Half:
    return world.lends(at="RIV", to="HILL", service=service)
