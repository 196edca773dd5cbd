"""Main and Riverside as two installations, each with a database of its own, that know each other over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ill_workflow import partners
from ill_workflow.clock import FixedClock
from ill_workflow.libraries import Library
from ill_workflow.migrations import migrate
from ill_workflow.partner_secrets import set_secret
from tests.plugins.stage import START
from tests.stateful.place import Place
from tests.stateful.ways import MEMORY
from tests.stateful.wire import ALL_ARRIVE, Way, Wire
from tests.stateful.world import World

LIBRARIES = {"MAIN": ("Main Library", "XPX"), "RIV": ("Riverside Library", "RIV")}


class MainAlone(Place):
    """Riverside is elsewhere."""

    libraries = (("MAIN", *LIBRARIES["MAIN"]),)

    def _partners(self, session, here: list[Library]) -> None:
        (ours,) = here
        for code, (name, _) in LIBRARIES.items():
            if code != ours.code:
                address = f"1 {name} Street\nChicago"
                other = partners.add_partner(
                    session, ours.id, code=code, name=name, transport="iso18626", shipping_address=address,
                    return_address=f"Returns\n{address}", delivery_code=code, time_zone="America/Chicago",
                    wire={
                        "address": f"http://{code.lower()}.example/iso18626/{code}", "plain_http": True,
                        "shows_itself": "token", "answer_after_ms": 0,
                    },
                )  # fmt: skip
                set_secret(session, other, "token", f"a-token-of-{code}")
                set_secret(session, other, "our_token", f"a-token-of-{ours.code}")
        self._hilltop(session, ours)


class RiversideAlone(MainAlone):
    """Main is elsewhere."""

    libraries = (("RIV", *LIBRARIES["RIV"]),)


@contextmanager
def two_installations(ways: tuple[Way, ...] = ALL_ARRIVE) -> Iterator[World]:
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
            yield World(list(places.values()), wire)
        finally:
            for place in places.values():
                place.db.engine.dispose()
