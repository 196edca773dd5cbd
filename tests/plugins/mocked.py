"""A mock partner without a network, a peer that remembers what it hears, and a clock that they turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ill_workflow.clock import FixedClock
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.reading import read
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    BibliographicInfo,
    ErrorData,
    Header,
    Message,
    MessageInfo,
    Request,
    RequestingAgencyMessage,
    ServiceInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.mock_partner.conversation import words_of
from ill_workflow.mock_partner.journal import Journal
from ill_workflow.mock_partner.manner import Manner
from ill_workflow.mock_partner.partner import MockPartner, Sending
from ill_workflow.mock_partner.replies import Reply, confirmation
from ill_workflow.mock_partner.script import known_scenarios

MAIN, MOCK = AgencyId(agencyIdValue="MAIN"), AgencyId(agencyIdValue="MOCK")
PACE = timedelta(seconds=1)
#: What a library does of its own accord, and what it answers with when the mock waits for it.
NOTES = {"Notification conditionAccepted": "#ill:conditionAccepted# We accept."}


class Library:
    """A library whose system talks with a mock. `heard` has the words of all that reached it, in order."""

    def __init__(self, scenarios=None, **manner) -> None:
        self.clock = FixedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
        self.journal = Journal()
        given = {"pace": PACE, "peer_agency": MAIN, **manner}
        self.mock = MockPartner(Manner(**given), scenarios or known_scenarios(), self.journal, self.clock)
        self.messages: list[Message] = []
        self.raw: list[bytes] = []
        self.at: list[timedelta] = []  #: when, from the beginning
        self.refuses: set[str] = set()
        self._request: bytes | None = None
        self._began = self.clock.now()

    @property
    def heard(self) -> list[str]:
        return [words_of(message)[0] for message in self.messages]

    @property
    def waits_for(self) -> list[str]:
        return self.mock.state()[-1]["waits_for"]

    @property
    def is_over(self) -> bool:
        return self.mock.state()[-1]["over"]

    # --- as borrower

    def asks_for(self, title: str = "Emma", number: str = "XPX-1", **service) -> Reply:
        """Sends a request, and lets the mock say what it has to say."""
        message = Request(
            header=self._header(number), bibliographicInfo=BibliographicInfo(title=title),
            serviceInfo=ServiceInfo(**service),
        )  # fmt: skip
        return self.sends(message)

    def request(self, title: str) -> bytes:
        """A request as bytes, the very same each time."""
        if self._request is None:
            message = Request(header=self._header("XPX-1"), bibliographicInfo=BibliographicInfo(title=title))
            self._request = write(message, Edition.Y2017)
        return self._request

    def says(self, action: str, number: str = "XPX-1", note: str = "") -> Reply:
        action, note = ("Notification", NOTES[action]) if action in NOTES else (action, note)
        return self.sends(RequestingAgencyMessage(header=self._header(number), action=action, note=note))

    # --- as lender

    def answers(self, word: str, **status) -> Reply:
        """Says something about the newest request of the mock."""
        reason, _, answer = word.partition(" ")
        known = reason in ("RenewResponse", "CancelResponse", "StatusRequestResponse")
        info = MessageInfo(reasonForMessage=reason if known else "StatusChange", answerYesNo=answer or None)
        header = replace(self.messages[-1].header, timestamp=self._now())
        if self.messages and isinstance(self.messages[-1], Request):
            header = replace(header, supplyingAgencyRequestId="XPX-77")
        stated = "Loaned" if known else word
        return self.sends(
            SupplyingAgencyMessage(
                header=header, messageInfo=info,
                statusInfo=StatusInfo(status=stated, lastChange=self.clock.now(), **status),
            )
        )  # fmt: skip

    # --- both

    def sends(self, message: Message, **call) -> Reply:
        return self.sends_raw(write(message, Edition.Y2017), **call)

    def sends_raw(self, raw: bytes, **call) -> Reply:
        reply = self.mock.hears(raw, content_type="application/xml", **call)
        self.waits()
        return reply

    def waits(self, paces: int = 200) -> None:
        """Until the mock has nothing more to say, or that many paces have gone by."""
        until = self.clock.now() + paces * PACE
        while self.clock.now() <= until:
            for conversation in self.mock.conversations:
                for sending in self.mock.due(conversation):
                    self._takes(sending)
            times = [at for one in self.mock.conversations if (at := self.mock.next_at(one))]
            if not times:
                return
            self.clock.turn(max(min(times), self.clock.now()))

    def plays_along(self) -> None:
        """Does whatever the mock waits for, until all is over."""
        while not self.is_over and self.waits_for:
            self.clock.advance(PACE)
            self.says(self.waits_for[0])

    def _takes(self, sending: Sending) -> None:
        message = read(sending.raw, "application/xml").message
        self.messages.append(message)
        self.raw.append(sending.raw)
        self.at.append(self.clock.now() - self._began)
        wrong = ()
        if words_of(message)[0] in self.refuses:
            wrong = (ErrorData(errorType="UnrecognisedDataValue", errorValue="status: not now"),)
        answer = write(confirmation(message, self.clock.now(), wrong), Edition.Y2017)
        self.mock.was_answered(sending, 200, answer, "application/xml")

    def _header(self, number: str) -> Header:
        return Header(
            supplyingAgencyId=MOCK, requestingAgencyId=MAIN, timestamp=self._now(), requestingAgencyRequestId=number
        )

    def _now(self) -> datetime:
        self.clock.advance(timedelta(milliseconds=7))
        return self.clock.now()


def confirmed(reply: Reply) -> str:
    """OK, or the type of the error, as the confirmation says."""
    answer = read(reply.body, reply.content_type).message
    return answer.errorData[0].errorType if answer.errorData else answer.confirmationHeader.messageStatus
