"""One conversation about one request: how far its scenario has come, and what is to be said next."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ill_workflow.messages.content import AgencyId, BibliographicInfo, Request, SupplyingAgencyMessage
from ill_workflow.messages.content import Message as WireMessage
from ill_workflow.mock_partner.script import Scenario, Step

#: After these the item is on its way, and a cancel comes too late.
SENT = frozenset({"Loaned", "Overdue", "Recalled", "CopyCompleted"})

_ACCEPTS = ("#ill:conditionaccepted#", "#reshareloanconditionagreeresponse#")


@dataclass
class Thread:
    """Steps that are gone through one after another."""

    steps: tuple[Step, ...]
    since: datetime  #: when the last of them was over
    position: int = 0
    heard: list[tuple[tuple[str, ...], datetime]] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return self.position >= len(self.steps)

    @property
    def waits_for(self) -> tuple[str, ...]:
        return () if self.over else self.steps[self.position].wait

    def awaits(self, words: tuple[str, ...]) -> bool:
        """Whether a step that is still to come waits for it."""
        ahead = self.steps[self.position :]
        return any(word in (*step.wait, *step.ends) for step in ahead for word in words)

    def next_at(self, pace: timedelta) -> datetime | None:
        """When there is something to say; none where it waits for the peer."""
        if self.over:
            return None
        step = self.steps[self.position]
        if step.wait:
            return self.heard[0][1] if self.heard else None
        return self.since + step.after * pace

    def due(self, now: datetime, pace: timedelta) -> list[Step]:
        found: list[Step] = []
        while not self.over:
            step = self.steps[self.position]
            if step.wait:
                if not self._goes_on():
                    break
                continue
            at = self.since + step.after * pace
            if at > now:
                break
            found.append(step)
            self.since = at
            self.position += 1
        return found

    def _goes_on(self) -> bool:
        """What comes earlier than expected moves the story on to there: a return without a receipt is a return."""
        while self.heard:
            words, at = self.heard.pop(0)
            for place in range(self.position, len(self.steps)):
                step = self.steps[place]
                if any(word in step.ends for word in words):
                    self.position, self.since = len(self.steps), max(at, self.since)
                    return True
                if any(word in step.wait for word in words):
                    self.position, self.since = place + 1, max(at, self.since)
                    return True
        return False


@dataclass
class Conversation:
    """What is known of one request. `us` and `them` are named as the peer names them."""

    number: int
    scenario: Scenario
    us: AgencyId
    them: AgencyId
    wire_id: str  #: requestingAgencyRequestId
    our_id: str | None  #: supplyingAgencyRequestId
    about: BibliographicInfo
    began: datetime
    threads: list[Thread] = field(default_factory=list)
    status: str = "RequestReceived"  #: what a supplier said last
    has_answered: bool = False
    has_sent: bool = False  #: the item has left
    due_at: datetime | None = None
    earlier_ids: list[str] = field(default_factory=list)  #: of a requester that has sent a retry
    held: list[Any] = field(default_factory=list)  #: messages that leave after the next one
    last_said: datetime | None = None
    said: int = 0  #: how many messages

    def __post_init__(self) -> None:
        self.threads.append(Thread(self.scenario.steps, self.began))

    @property
    def over(self) -> bool:
        return all(thread.over for thread in self.threads)

    @property
    def waits_for(self) -> tuple[str, ...]:
        return tuple(word for thread in self.threads for word in thread.waits_for)

    def hear(self, words: tuple[str, ...], at: datetime) -> None:
        """The peer has said something: a step that waits for it goes on, else the scenario may have an answer."""
        for thread in self.threads:
            if thread.awaits(words):
                thread.heard.append((words, at))
                return
        answer = next((self.scenario.answers[word] for word in words if word in self.scenario.answers), ())
        if answer:
            self.threads.append(Thread(answer, at))

    def next_at(self, pace: timedelta) -> datetime | None:
        times = [at for thread in self.threads if (at := thread.next_at(pace * self.scenario.slower))]
        return min(times, default=None)

    def due(self, now: datetime, pace: timedelta) -> list[Step]:
        return [step for thread in self.threads for step in thread.due(now, pace * self.scenario.slower)]


def words_of(message: WireMessage) -> tuple[str, ...]:
    """By which words steps wait for a message, the most telling first."""
    if isinstance(message, Request):
        kind = message.serviceInfo.requestType
        return ("Request" if kind == "New" else kind,)
    if isinstance(message, SupplyingAgencyMessage):
        return _words_of_a_supplier(message)
    accepts = any(mark in message.note.lower() for mark in _ACCEPTS)
    if message.action == "Notification" and accepts:
        return ("Notification conditionAccepted", "Notification")
    if message.action == "Notification" and "#ill:lost#" in message.note.lower():
        return ("Lost", "Notification")
    return (message.action,)


def _words_of_a_supplier(message: SupplyingAgencyMessage) -> tuple[str, ...]:
    info, status = message.messageInfo, message.statusInfo.status
    if info.reasonForMessage in ("RenewResponse", "CancelResponse"):
        yes = (info.answerYesNo or "Y").upper().startswith(("Y", "T"))
        return (f"{info.reasonForMessage} {'Y' if yes else 'N'}", info.reasonForMessage)
    if info.reasonForMessage not in ("RequestResponse", "StatusChange"):
        return (info.reasonForMessage,)
    conditions = message.retryInfo and (message.retryInfo.loanCondition or message.retryInfo.offeredCosts)
    delivered = message.deliveryInfo and message.deliveryInfo.loanCondition
    if status in ("WillSupply", "ExpectToSupply") and (conditions or delivered):
        return (f"{status} with condition", status)
    return (status,)
