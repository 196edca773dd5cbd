"""The wire between two installations: messages as XML, which it delays, doubles, reorders or loses, as it is told."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from ill_workflow.bootstrap import HANDLERS, Services
from ill_workflow.clock import FixedClock
from ill_workflow.iso18626.calling import Called, NoAnswer
from ill_workflow.iso18626.editions import VERSIONS, Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.receiving import Door, receive
from ill_workflow.iso18626.validating import validate
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    Confirmation,
    ConfirmationHeader,
    Message,
    Request,
    RequestConfirmation,
    RequestingAgencyMessage,
    RequestingAgencyMessageConfirmation,
    SupplyingAgencyMessageConfirmation,
    WireConfirmation,
)
from ill_workflow.outbox import DEAD, Claimed, EffectRow, Finish, Outside
from tests.stateful.office import Letter, Office
from tests.stateful.place import Place

#: Where a message is held by somebody in between, who has confirmed it: in the order of each request, or in none.
HELD_IN_ORDER, HELD, DIRECT, CUT = "held, in order", "held, in any order", "direct", "cut for days"
#: What may happen to the next call where nobody is in between.
TROUBLES = ("lost", "answer lost", "delayed", "doubled", "busy")


@dataclass(frozen=True)
class Way:
    """How messages travel in a run, and how each side writes to the other."""

    manner: str
    editions: tuple[Edition, Edition] = (Edition.Y2017, Edition.Y2017)  #: in which Main writes, and Riverside
    marks: bool = False  #: whether both write ReShare's marks

    def __str__(self) -> str:
        return f"{self.manner}, {' and '.join(self.editions)}{', with marks' if self.marks else ''}"


EDITIONS = tuple(product(Edition, Edition))
#: Whatever happens to messages, all of them arrive.
ALL_ARRIVE = tuple(Way(*way) for way in product((HELD_IN_ORDER, HELD, DIRECT), EDITIONS, (False, True)))
#: The line is cut, perhaps for longer than anybody tries.
SOME_ARE_LOST = tuple(Way(CUT, *way) for way in product(EDITIONS, (False, True)))


@dataclass(frozen=True)
class WireLetter(Letter):
    """As it stands on the wire, with the token that came along."""

    number: int
    message: Message
    raw: bytes
    to: str  #: the library
    token: str | None

    __str__ = Letter.__str__

    @property
    def lane(self) -> Hashable:
        return self.to, self.message.header.requestingAgencyRequestId


class Wire(Office):
    """Between two installations. What is said over it is looked at by the official schemas, where these are at hand."""

    def __init__(self, places: Mapping[str, Place], clock: FixedClock, ways: tuple[Way, ...] = ALL_ARRIVE) -> None:
        super().__init__()
        self.places, self.clock, self.ways = places, clock, ways
        self.way = ways[0]
        self.schemas = Path(given) if (given := os.environ.get("ILL_ISO18626")) else None
        self.valid: Counter[str] = Counter()  #: messages that were looked at, by edition
        self._next: list[str] = []
        self._is_cut = False
        self._said: list[str] = []

    def keeps_order(self, how: Way) -> bool:
        return how.manner != HELD

    def begin(self, how: Way) -> None:
        super().begin(how)
        self.way, self._is_cut, self._next, self._said = how, False, [], []

    def agreed(self, code: str, how: Way) -> Mapping[str, Any]:
        place = self.places[code]
        edition = how.editions[code != "MAIN"]
        other = next(library for library in self.places if library != code)
        wire = place.partner(code, other).wire
        return {"wire": {**wire, "edition": edition, "marks": how.marks}}

    @property
    def troubles(self) -> tuple[str, ...]:  # type: ignore[override]
        return TROUBLES if self.way.manner in (DIRECT, CUT) else ()

    def suffers(self, trouble: str) -> None:
        if trouble == "cut":
            self._is_cut = True
        else:
            self._next.append(trouble)

    def is_mended(self) -> None:
        self._is_cut, self._next = False, []

    @property
    def can_be_cut(self) -> bool:  # type: ignore[override]
        return self.way.manner == CUT

    def looked_at(self) -> Mapping[str, int]:
        told = dict(self.valid)
        self.valid.clear()
        return told

    def gave_up(self, effect: EffectRow) -> bool:
        """Only in a run in which the line was cut."""
        to_partner = effect.kind == "send_message" and effect.destination.startswith("partner:")
        return self.way.manner == CUT and to_partner and effect.status == DEAD

    def story(self) -> Iterable[str]:
        return [f"On the wire ({self.way}):", *self._said]

    # How a message goes

    def send(self, services: Services, claimed: Claimed) -> Finish | Outside:
        return HANDLERS["send_message"](services, claimed)  # type: ignore[return-value]

    def call(self, address: str, body: bytes, *, token: str | None, **how: Any) -> Called:
        """Stands for the network and the partner behind it."""
        self._number += 1
        letter = WireLetter(self._number, _message(body), body, address.rpartition("/")[2], token)
        self._is_valid(body, self.way.editions[letter.to == "MAIN"])
        if self.at_once:
            return self._passes(letter)
        self.counts["handed over"] += 1
        if self.way.manner in (HELD, HELD_IN_ORDER):
            self.held.append(letter)
            return Called(200, write(confirmed(letter.message, self.clock), Edition.Y2017), 1)
        trouble = "cut" if self._is_cut else self._next.pop(0) if self._next else ""
        self._said.append(f"{letter} to {letter.to}: {trouble or 'passes'}")
        match trouble:
            case "lost" | "cut":
                self.counts["lost"] += 1
            case "answer lost":
                self.counts["answers lost"] += 1
                self._passes(letter)
            case "delayed":
                self.held.append(letter)
            case "doubled":
                answer = self._passes(letter)
                self.held.append(letter)
                return answer
            case "busy":
                return Called(503, b"", 1)
            case _:
                return self._passes(letter)
        raise NoAnswer("It took the message, and has not answered.", took_ms=1)

    def said_by_somebody(self, message: Message, to: str, sender: str) -> Confirmation:
        """Hand over what the other end has not said by itself."""
        self._number += 1
        raw = write(message, self.way.editions[to == "MAIN"])
        return self.hand_over(WireLetter(self._number, message, raw, to, f"a-token-of-{sender}"))

    def hand_over(self, letter: WireLetter) -> Confirmation:
        self.clock.advance(timedelta(seconds=1))
        answer = self._passes(letter)
        if answer.status != 200:
            return Confirmation(messageStatus="ERROR", timestampReceived=self.clock.now(), sentence=str(answer.status))
        told = read(answer.body).message
        assert isinstance(told, WireConfirmation)
        error = told.errorData[0] if told.errorData else None
        return Confirmation(
            messageStatus=told.confirmationHeader.messageStatus, timestampReceived=self.clock.now(), errorData=error,
            sentence=error.errorValue if error else "",
        )  # fmt: skip

    def _passes(self, letter: WireLetter) -> Called:
        services = self.places[letter.to].services
        answer = receive(
            Door(services.db, services.clock), letter.raw, library_code=letter.to, peer="192.0.2.1",
            bearer=letter.token, content_type="application/xml; charset=utf-8",
        )  # fmt: skip
        self._said.append(f"  {letter}: {answer.status} {_outcome(answer.body)}")
        if answer.status == 200:
            self._is_valid(answer.body, None)
        return Called(answer.status, answer.body, 1)

    def _is_valid(self, raw: bytes, edition: Edition | None) -> None:
        if self.schemas is None:
            return
        claimed = next(e for e, version in VERSIONS.items() if f'version="{version}"'.encode() in raw[:400])
        assert edition in (None, claimed), f"written in {claimed}, and {edition} was agreed: {raw.decode()}"
        wrong = validate(raw, claimed, self.schemas)
        assert not wrong, f"{wrong}\n{raw.decode()}"
        self.valid[claimed] += 1


def _message(raw: bytes) -> Message:
    understood = read(raw)
    assert not understood.forgiven, f"what we write has to be forgiven: {understood.forgiven}\n{raw.decode()}"
    assert not isinstance(understood.message, WireConfirmation)
    return understood.message


def _outcome(body: bytes) -> str:
    try:
        told = read(body).message
    except Exception as wrong:  # for whoever reads the story
        return f"unreadable: {wrong}"
    if not isinstance(told, WireConfirmation):
        return "no confirmation"
    return f"{told.confirmationHeader.messageStatus} {[e.errorValue for e in told.errorData] or ''}"


def confirmed(message: Message, clock: FixedClock) -> WireConfirmation:
    """What somebody in between answers, who looks at it later."""
    said = message.header
    header = ConfirmationHeader(
        supplyingAgencyId=said.supplyingAgencyId, requestingAgencyId=said.requestingAgencyId, timestamp=said.timestamp,
        requestingAgencyRequestId=said.requestingAgencyRequestId, timestampReceived=clock.now().astimezone(UTC),
        messageStatus="OK",
    )  # fmt: skip
    if isinstance(message, Request):
        return RequestConfirmation(confirmationHeader=header)
    if isinstance(message, RequestingAgencyMessage):
        return RequestingAgencyMessageConfirmation(confirmationHeader=header, action=message.action)
    return SupplyingAgencyMessageConfirmation(
        confirmationHeader=header, reasonForMessage=message.messageInfo.reasonForMessage
    )
