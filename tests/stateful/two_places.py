"""Main and Riverside as two installations, each with a database of its own, that know each other over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from unittest.mock import patch

from ill_workflow import partners
from ill_workflow.clock import FixedClock
from ill_workflow.libraries import Library
from ill_workflow.messages.content import AgencyId, Confirmation, SupplyingAgencyMessage
from ill_workflow.migrations import migrate
from tests.plugins.stage import START, ZONE, Half
from tests.plugins.two_installations import LIBRARIES, meet
from tests.stateful.place import Place
from tests.stateful.ways import MEMORY
from tests.stateful.wire import ALL_ARRIVE, Way, Wire
from tests.stateful.world import World

W = TypeVar("W", bound=World)


class MainAlone(Place):
    """Riverside is elsewhere."""

    libraries = (("MAIN", *LIBRARIES["MAIN"]),)

    def _partners(self, session, here: list[Library]) -> None:
        (ours,) = here
        other = next(code for code in LIBRARIES if code != ours.code)
        meet(session, ours, other, f"http://{other.lower()}.example/iso18626/{other}", answer_after_ms=0)
        self._hilltop(session, ours)

    def takes_in(self, message, partner: partners.Partner) -> Confirmation:
        """What a partner says comes over the wire, where it speaks ISO 18626."""
        if partner.transport != "iso18626":
            return super().takes_in(message, partner)
        self.clock.advance(timedelta(seconds=1))
        ends = {"supplyingAgencyId": partner.code, "requestingAgencyId": self.libraries[0][0]}
        if not isinstance(message, SupplyingAgencyMessage):
            ends = dict(zip(ends, reversed(ends.values()), strict=True))
        known = {name: AgencyId(agencyIdValue=code) for name, code in ends.items()}
        header = replace(message.header, timestamp=self.clock.now(), **known)
        answer = self.office.said_by_somebody(replace(message, header=header), self.libraries[0][0], partner.code)
        self.work()
        return answer


class RiversideAlone(MainAlone):
    """Main is elsewhere."""

    libraries = (("RIV", *LIBRARIES["RIV"]),)


class TwoStages(World):
    """Two installations as one stage for stories: what is said goes over the wire at once."""

    def begin_anew(self, way: Way) -> None:
        self._put_back(self._base)
        self.office.begin(way)
        self.office.at_once = True
        for place in self.places:
            place.begins()
        for ours, theirs in (("MAIN", "RIV"), ("RIV", "MAIN")):
            self.at(ours).agree(ours, theirs, {}, **self.office.agreed(ours, way))

    def __getattr__(self, name: str) -> Any:
        """What the story doesn't say where to find is at Main."""
        return getattr(self.places[0], name)

    def work(self) -> None:
        """A moment passes before it is done: what is said twice is said at two times."""
        self.clock.advance(timedelta(seconds=1))
        super().work()

    def agrees(self, at: str, partner: str, **agreed: Any) -> None:
        self.at(at).agrees(at, partner, **agreed)

    def changes(self, at: str, partner: str, **fields: Any) -> None:
        self.at(at).changes(at, partner, **fields)

    def partner(self, at: str, code: str) -> partners.Partner:
        return self.at(at).partner(at, code)

    def request(self, at: str, reference: str) -> Half:
        return self.at(at).request(at, reference)

    def borrows(self, *, ask: tuple[str, ...] = ("RIV",), at: str = "MAIN", **more: Any) -> Half:
        return super().borrows(ask=ask, at=at, **more)

    def lends(self, *, at: str = "MAIN", to: str = "HILL", **more: Any) -> Half:
        return super().lends(at=at, to=to, **more)

    def other_half(self, half: Half) -> Half:
        """The lending half, at whichever of the two the other one is."""
        return next(place for place in self.places if place is not half.stage).other_half(half)

    def mails(self, address: str) -> list[str]:
        return [subject for place in self.places for subject in place.mails(address)]

    def waits_until(self, day: str | date, at: time = time(9, 0)) -> None:
        """Turn the clock day by day, as a clock does; what is due is fired."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        end = datetime.combine(day, at, tzinfo=ZONE)
        while self.clock.now() < end:
            self.turn(min(end - self.clock.now(), timedelta(days=1)))
            self.work()


@contextmanager
def two_installations(ways: tuple[Way, ...] = ALL_ARRIVE, kind_of_world: type[W] = World) -> Iterator[W]:
    """Each in a folder of its own; the calendar is the same for both."""
    with TemporaryDirectory(prefix="ill-two-", dir=MEMORY) as folder:
        clock, places = FixedClock(START), dict[str, Place]()
        wire = Wire(places, clock, ways)
        for kind in (MainAlone, RiversideAlone):
            ((code, *_),) = kind.libraries
            here = Path(folder) / code.lower()
            here.mkdir()
            url = f"sqlite:///{here / 'ill.db'}"
            migrate(url)
            places[code] = kind(url, here, wire, clock)
        try:
            with patch("ill_workflow.iso18626.sending.call", wire.call):
                yield kind_of_world(list(places.values()), wire)
        finally:
            for place in places.values():
                place.db.engine.dispose()
