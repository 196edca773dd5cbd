"""A post office between the branches: it takes in each message, and hands it over later, twice, or out of order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from ill_workflow.clock import Clock, FixedClock
from ill_workflow.db import Database
from ill_workflow.messages.content import Confirmation, Message, Request
from ill_workflow.messages.inbound import kind_of, receive
from ill_workflow.partners import Partner


@dataclass(frozen=True)
class Letter:
    """A message on its way, as its sender handed it over."""

    number: int
    message: Message
    partner_id: int  #: the sender, in the list of the library that it goes to
    identity: str

    def __str__(self) -> str:
        return f"{self.number} {kind_of(self.message)} {self.message.header.requestingAgencyRequestId}"

    @property
    def lane(self) -> tuple[int, str]:
        """From one sender about one request."""
        return self.partner_id, self.message.header.requestingAgencyRequestId


class PostOffice:
    """Stands for the system of a partner that confirms at once and works off what it has taken in when it likes.

    In `order` it keeps the order of what one sender says about one request, as a branch of this installation does.
    Without, it doesn't; but nothing overtakes the request itself, since nothing is sent before that was confirmed.
    """

    def __init__(self, db: Database, clock: FixedClock) -> None:
        self.db, self.clock = db, clock
        self.begin(order=True)

    def begin(self, *, order: bool) -> None:
        self.in_order, self.held, self.delivered = order, list[Letter](), list[Letter]()
        self.counts: Counter[str] = Counter()
        self._number = 0

    def takes_in(
        self, session: Session, message: Message, *, partner: Partner, identity: str, transport: str, clock: Clock
    ) -> Confirmation:
        """What is handed over a second time is on its way a second time: its receiver has to know it again."""
        self._number += 1
        self.counts["handed over"] += 1
        self.held.append(Letter(self._number, message, partner.id, identity))
        return Confirmation(messageStatus="OK", timestampReceived=clock.now(), sentence="taken in")

    def ready(self) -> list[Letter]:
        """What may be handed over next."""
        return [letter for letter in self.held if not any(self._waits_for(letter, other) for other in self.held)]

    def _waits_for(self, letter: Letter, other: Letter) -> bool:
        before = other.number < letter.number and other.lane == letter.lane
        return before and (self.in_order or isinstance(other.message, Request))

    def deliver(self, letter: Letter) -> Confirmation:
        if any(other.number < letter.number for other in self.held):
            self.counts["overtook another"] += 1
        if any(other.number < letter.number and other.lane == letter.lane for other in self.held):
            self.counts["overtook its own"] += 1
        self.held.remove(letter)
        self.delivered.append(letter)
        return self._hand_over(letter)

    def deliver_again(self, letter: Letter) -> Confirmation:
        self.counts["doubled"] += 1
        return self._hand_over(letter)

    def _hand_over(self, letter: Letter) -> Confirmation:
        self.counts["delivered"] += 1
        self.clock.advance(timedelta(seconds=1))
        with self.db.writing() as session:
            partner = session.get_one(Partner, letter.partner_id)
            return receive(
                session, letter.message, partner=partner, identity=letter.identity, transport="local", clock=self.clock
            )
