"""A post office between the libraries: it takes in each message, and hands it over later, twice, or out of order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from ill_workflow.bootstrap import Services
from ill_workflow.clock import Clock
from ill_workflow.messages import transports
from ill_workflow.messages.content import Confirmation, Message, Request
from ill_workflow.messages.inbound import kind_of, receive
from ill_workflow.outbox import Claimed, EffectRow, Finish, Outside
from ill_workflow.partners import Partner


class Letter(ABC):
    """A message on its way."""

    number: int
    message: Message

    def __str__(self) -> str:
        return f"{self.number} {kind_of(self.message)} {self.message.header.requestingAgencyRequestId}"

    @property
    @abstractmethod
    def lane(self) -> Hashable:
        """From one sender about one request."""


class Office(ABC):
    """What lies between the libraries.

    Where it takes in what is sent, it stands for the system of a partner that confirms at once and works off what it
    has taken in when it likes. In `order` it keeps the order of what one sender says about one request, as a branch of
    this installation does. Without, it doesn't; but nothing overtakes the request itself, since nothing is sent before
    that was confirmed.
    """

    #: In which ways messages may travel in a run.
    ways: Sequence[Any]
    #: What may happen to the next message.
    troubles: Sequence[str] = ()
    #: Whether nothing may get through for days; then what can't be done grows old, and is given up.
    can_be_cut = False

    def __init__(self) -> None:
        self.in_order, self.at_once = True, True
        self.held, self.delivered = list[Any](), list[Any]()
        self.counts: Counter[str] = Counter()
        self._number = 0

    def prompt(self) -> None:
        """Hand over all at once."""
        self.begin(self.ways[0])
        self.at_once = True

    def begin(self, how: Any) -> None:
        self.in_order, self.at_once = self.keeps_order(how), False
        self.held, self.delivered = [], []
        self.counts = Counter()
        self._number = 0

    @abstractmethod
    def keeps_order(self, how: Any) -> bool: ...

    def agreed(self, code: str, how: Any) -> Mapping[str, Any]:
        """What a library has to agree with the other one for it."""
        return {}

    def suffers(self, trouble: str) -> None:
        """Let one of the troubles happen."""
        raise AssertionError(f"nobody knows how to let {trouble} happen")

    def looked_at(self) -> Mapping[str, int]:
        """What was said since it was asked last, and is valid by the official schemas: how many, by edition."""
        return {}

    def gave_up(self, effect: EffectRow) -> bool:
        """Whether a message was rightly given up: nothing has got through for too long."""
        return False

    def is_mended(self) -> None:  # noqa: B027 - most have nothing to mend
        """From now on nothing goes wrong with it."""

    def story(self) -> Iterable[str]:
        return ()

    @abstractmethod
    def send(self, services: Services, claimed: Claimed) -> Finish | Outside:
        """Does the work of sending a message."""

    def ready(self) -> list[Any]:
        """What may be handed over next."""
        return [letter for letter in self.held if not any(self._waits_for(letter, other) for other in self.held)]

    def _waits_for(self, letter: Letter, other: Letter) -> bool:
        before = other.number < letter.number and other.lane == letter.lane
        return before and (self.in_order or isinstance(other.message, Request))

    def deliver(self, letter: Any) -> Confirmation:
        if any(other.number < letter.number for other in self.held):
            self.counts["overtook another"] += 1
        if any(other.number < letter.number and other.lane == letter.lane for other in self.held):
            self.counts["overtook its own"] += 1
        self.held.remove(letter)
        self.delivered.append(letter)
        return self._handed(letter)

    def deliver_again(self, letter: Any) -> Confirmation:
        self.counts["doubled"] += 1
        return self._handed(letter)

    def _handed(self, letter: Any) -> Confirmation:
        self.counts["delivered"] += 1
        return self.hand_over(letter)

    @abstractmethod
    def hand_over(self, letter: Any) -> Confirmation: ...


@dataclass(frozen=True)
class LocalLetter(Letter):
    """As its sender handed it over."""

    number: int
    message: Message
    partner_id: int  #: the sender, in the list of the library that it goes to
    identity: str

    __str__ = Letter.__str__

    @property
    def lane(self) -> Hashable:
        return self.partner_id, self.message.header.requestingAgencyRequestId


class PostOffice(Office):
    """Between two branches of one installation, in order or not."""

    ways = (True, False)

    services: Services  #: of the installation

    def keeps_order(self, how: bool) -> bool:
        return how

    def send(self, services: Services, claimed: Claimed) -> Finish | Outside:
        self.services = services
        return transports.send(services.post, claimed, receive if self.at_once else self.takes_in)

    def takes_in(
        self, session: Session, message: Message, *, partner: Partner, identity: str, transport: str, clock: Clock
    ) -> Confirmation:
        """What is handed over a second time is on its way a second time: its receiver has to know it again."""
        self._number += 1
        self.counts["handed over"] += 1
        self.held.append(LocalLetter(self._number, message, partner.id, identity))
        return Confirmation(messageStatus="OK", timestampReceived=clock.now(), sentence="taken in")

    def hand_over(self, letter: LocalLetter) -> Confirmation:
        clock = self.services.clock
        clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
        with self.services.db.writing() as session:
            partner = session.get_one(Partner, letter.partner_id)
            return receive(
                session, letter.message, partner=partner, identity=letter.identity, transport="local", clock=clock
            )
