"""The mock itself: hears a message and says how the call is answered; says what its scenarios have it say."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ill_workflow.clock import Clock
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.iso18626.editions import Edition
from ill_workflow.iso18626.masking import mask
from ill_workflow.iso18626.reading import Understood, Unreadable, read
from ill_workflow.iso18626.writing import write
from ill_workflow.messages.content import (
    AgencyId,
    BibliographicInfo,
    ErrorData,
    Request,
    RequestingAgencyMessage,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.content import Message as WireMessage
from ill_workflow.messages.kept import to_dict
from ill_workflow.mock_partner.choosing import named_in
from ill_workflow.mock_partner.conversation import Conversation, Thread, words_of
from ill_workflow.mock_partner.flavours import SUFFIX, disguised, has_suffix, marked
from ill_workflow.mock_partner.journal import Entry, Journal
from ill_workflow.mock_partner.manner import Manner
from ill_workflow.mock_partner.replies import Reply, confirmation, now_of, refusal, troubled
from ill_workflow.mock_partner.script import REQUESTER, SUPPLIER, Calls, Scenario, Scenarios, Step, step_of
from ill_workflow.mock_partner.strictness import confirmation_findings, findings
from ill_workflow.mock_partner.wording import message_of

#: What troubles of a call keep the message from being heard; the others spoil the answer alone.
_UNHEARD = ("500", "503", "404", "301", "401", "error")


@dataclass(frozen=True)
class Sending:
    """A message that is to be sent now."""

    conversation: Conversation
    step: Step
    message: WireMessage
    raw: bytes


class MockPartner:
    """Knows all conversations, and keeps the journal. It neither sleeps nor calls anybody: whoever runs it does."""

    def __init__(self, manner: Manner, scenarios: Scenarios, journal: Journal, clock: Clock) -> None:
        if manner.scenario not in scenarios:
            raise BadInput(f"There is no scenario {manner.scenario!r}.", field="scenario")
        self.manner, self.scenarios, self.journal, self.clock = manner, scenarios, journal, clock
        self.conversations: list[Conversation] = []
        self._answered: dict[str, tuple[bytes, bool, str]] = {}  #: confirmation and outcome, by the message's identity
        self._refusing: dict[tuple[str, str], Scenario] = {}  #: requests that are never taken in
        self._troubles: Counter[tuple[str, str]] = Counter()
        self._series = f"M{int(clock.now().timestamp()):X}"

    # --- hearing

    def hears(self, raw: bytes, *, content_type: str = "", bearer: str | None = None) -> Reply:
        """Take in a call of the peer."""
        entry = self.journal.begin(self.clock.now(), heard=True, message=mask(raw))
        reply = self._reply(raw, content_type, bearer, entry)
        entry.status = None if reply.never else reply.status
        entry.answer = mask(reply.body) if reply.body and not reply.never else ""
        self.journal.note(entry)
        return reply

    def _reply(self, raw: bytes, content_type: str, bearer: str | None, entry: Entry) -> Reply:
        try:
            understood = read(raw, content_type)
        except Unreadable as wrong:
            return self._not_understood(wrong, bearer, entry)
        message = understood.message
        if not isinstance(message, Request | SupplyingAgencyMessage | RequestingAgencyMessage):
            odd = ErrorData(errorType="BadlyFormedMessage", errorValue="a confirmation, and nothing was said")
            return self._not_understood(Unreadable(odd), bearer, entry)
        header = message.header
        entry.word, entry.request, entry.edition = (
            words_of(message)[0],
            header.requestingAgencyRequestId,
            understood.edition,
        )
        entry.forgiven = list(understood.forgiven)
        supplies = isinstance(message, SupplyingAgencyMessage)
        ends = (header.supplyingAgencyId.agencyIdValue, header.requestingAgencyId.agencyIdValue)
        entry.sender, entry.receiver = ends if supplies else ends[::-1]
        if not self.manner.expects.are_shown_by(header.requestingAgencyAuthentication, bearer):
            return self._unauthorised(entry)
        return self._to_a_message(message, understood, raw, entry)

    def _to_a_message(self, message: WireMessage, understood: Understood, raw: bytes, entry: Entry) -> Reply:
        identity = _identity(message)
        conversation = self._conversation_of(message)
        key = (message.header.requestingAgencyId.agencyIdValue.casefold(), message.header.requestingAgencyRequestId)
        scenario = conversation.scenario if conversation else self._refusing.get(key) or self._chosen(message)
        calls = self._trouble(scenario, key, entry.word)
        entry.scenario = scenario.name if scenario else ""
        if calls.answer in _UNHEARD:
            if scenario and isinstance(message, Request):
                self._refusing[key] = scenario
            return self._without_hearing(message, calls, entry)
        if identity in self._answered:
            body, entry.ok, outcome = self._answered[identity]
            entry.outcome = f"{outcome}, once more"
            return self._spoiled(body, calls, entry)
        errors = self._errors(message, understood, raw, conversation, entry)
        if not errors:
            conversation = self._takes_in(message, conversation, scenario)
            entry.conversation = conversation.number
        body = self._written(confirmation(message, now_of(self.clock), errors), understood.edition)
        entry.ok, entry.outcome = not errors, _outcome(errors)
        self._answered[identity] = body, entry.ok, entry.outcome
        return self._spoiled(body, calls, entry)

    def _takes_in(
        self, message: WireMessage, conversation: Conversation | None, scenario: Scenario | None
    ) -> Conversation:
        if conversation is None:
            assert isinstance(message, Request)
            assert scenario is not None
            return self._begins(message, scenario)
        if isinstance(message, SupplyingAgencyMessage) and message.messageInfo.reasonForMessage != "Notification":
            conversation.status = message.statusInfo.status or conversation.status
        conversation.hear(words_of(message), self.clock.now())
        return conversation

    def _begins(self, message: Request, scenario: Scenario) -> Conversation:
        header = message.header
        conversation = Conversation(
            number=len(self.conversations) + 1,
            scenario=scenario,
            us=header.supplyingAgencyId,
            them=header.requestingAgencyId,
            wire_id=header.requestingAgencyRequestId,
            our_id=header.supplyingAgencyRequestId or f"{self._series}-{len(self.conversations) + 1}",
            about=message.bibliographicInfo,
            began=self.clock.now(),
        )
        self.conversations.append(conversation)
        return conversation

    def _errors(
        self, message: WireMessage, understood: Understood, raw: bytes, conversation: Conversation | None, entry: Entry
    ) -> tuple[ErrorData, ...]:
        """What any system has to refuse; in strict mode also whatever is not as it should be."""
        wire_id = message.header.requestingAgencyRequestId
        errors = []
        if not wire_id.strip():
            errors.append(_value("requestingAgencyRequestId: is empty"))
        elif isinstance(message, Request) and message.serviceInfo.requestType != "Reminder":
            if conversation is not None:
                errors.append(_value("requestingAgencyRequestId: exists already, with other content"))
        elif conversation is None:
            errors.append(_value(f"requestingAgencyRequestId: {wire_id} is unknown"))
        entry.wrong = [error.errorValue for error in errors]
        if self.manner.strict:
            found = list(findings(understood, raw, self.manner, conversation))
            entry.wrong += [one.sentence for one in found]
            errors += [one.data for one in found]
        return tuple(errors)

    def _conversation_of(self, message: WireMessage) -> Conversation | None:
        header = message.header
        role = REQUESTER if isinstance(message, SupplyingAgencyMessage) else SUPPLIER
        asking = header.requestingAgencyId.agencyIdValue.casefold()
        for conversation in reversed(self.conversations):
            if conversation.scenario.role != role:
                continue
            requester = conversation.them if role == SUPPLIER else conversation.us
            ids = (conversation.wire_id, *conversation.earlier_ids)
            if header.requestingAgencyRequestId in ids and requester.agencyIdValue.casefold() == asking:
                return conversation
        return None

    def _chosen(self, message: WireMessage) -> Scenario | None:
        """The scenario of a new request."""
        if not isinstance(message, Request):
            return None
        first = message.serviceInfo.requestingAgencyPreviousRequestId
        asking = message.header.requestingAgencyId.agencyIdValue.casefold()
        for conversation in reversed(self.conversations):
            known = conversation.wire_id == first and conversation.them.agencyIdValue.casefold() == asking
            if first and known and conversation.scenario.retried_as:
                return self.scenarios[conversation.scenario.retried_as]
        return self.scenarios[named_in(message, self.scenarios) or self.manner.scenario]

    def _trouble(self, scenario: Scenario | None, key: tuple[str, str], word: str) -> Calls:
        calls = scenario.calls if scenario else Calls()
        if not calls.answer or (calls.on and word not in calls.on):
            return Calls()
        self._troubles[key] += 1
        return calls if not calls.times or self._troubles[key] <= calls.times else Calls()

    def _spoiled(self, body: bytes, calls: Calls, entry: Entry) -> Reply:
        if calls.answer:
            entry.outcome = f"{entry.outcome}; answered {calls.answer}"
        return troubled(calls.answer, body, calls.after * self.manner.pace)

    def _without_hearing(self, message: WireMessage, calls: Calls, entry: Entry) -> Reply:
        if calls.answer != "error":
            entry.outcome = f"answered {calls.answer}, and not heard"
            return troubled(calls.answer, b"", calls.after * self.manner.pace)
        errors = (ErrorData(errorType=calls.error, errorValue=calls.value),)
        entry.outcome = _outcome(errors)
        return Reply(body=self._written(confirmation(message, now_of(self.clock), errors), self.manner.edition))

    def _not_understood(self, wrong: Unreadable, bearer: str | None, entry: Entry) -> Reply:
        if not self.manner.expects.are_shown_by(wrong.header.requestingAgencyAuthentication, bearer):
            return self._unauthorised(entry)
        entry.request, entry.word = wrong.header.requestingAgencyRequestId, entry.word or (wrong.kind or "?")
        entry.ok, entry.outcome = False, f"ERROR {wrong.message}"
        entry.wrong = [wrong.message]
        return Reply(body=self._written(refusal(wrong, now_of(self.clock)), self.manner.edition))

    def _unauthorised(self, entry: Entry) -> Reply:
        entry.ok, entry.outcome = False, "wrong credentials"
        entry.wrong = ["the credentials are not the ones that were agreed"]
        return Reply(status=401, body=b"Wrong credentials.", content_type="text/plain")

    def _written(self, answer: Any, edition: Edition) -> bytes:
        return write(answer, self.manner.edition if self.manner.strict else edition)

    # --- saying

    def next_at(self, conversation: Conversation) -> Any:
        """When the conversation has something to say; none while it waits for the peer, or is over."""
        return conversation.next_at(self.manner.pace)

    def due(self, conversation: Conversation) -> list[Sending]:
        """What is to be sent now, in this order."""
        found: list[Sending] = []
        for step in conversation.due(self.clock.now(), self.manner.pace):
            found += self.says(conversation, step)
        if conversation.over and conversation.held:
            found, conversation.held = [*found, *conversation.held], []
        return found

    def says(self, conversation: Conversation, step: Step) -> list[Sending]:
        """What a step says, with what was held back until then."""
        scenario = conversation.scenario
        edition = Edition(scenario.writes) if scenario.writes else self.manner.edition
        flavours = {*scenario.flavours, *self.manner.flavours}
        shown = self.manner.shows.in_header
        message = message_of(step, conversation, now=now_of(self.clock), edition=edition, shown=shown)
        conversation.said += 1
        message = marked(message, flavours, conversation.said)
        raw = disguised(write(message, edition), flavours, conversation.said)
        sending = Sending(conversation, step, message, raw)
        sendings = [sending] * (2 if step.twice or scenario.doubled else 1)
        if step.held:
            conversation.held += sendings
            return []
        held, conversation.held = conversation.held, []
        return [*sendings, *held]

    def asks(self, scenario: str, about: BibliographicInfo) -> Conversation:
        """Begin a request of our own."""
        chosen = self.scenarios.get(scenario)
        if chosen is None or chosen.role != REQUESTER:
            names = ", ".join(name for name, one in self.scenarios.items() if one.role == REQUESTER)
            raise BadInput(f"There is no scenario {scenario!r} of a requester. Known: {names}.", field="scenario")
        if self.manner.peer_agency is None:
            raise BadInput("Whom to ask? The agency of the peer is needed.", field="peer-agency")
        number = len(self.conversations) + 1
        suffix = SUFFIX if has_suffix({*chosen.flavours, *self.manner.flavours}) else ""
        conversation = Conversation(
            number=number,
            scenario=chosen,
            us=self.manner.agency or AgencyId(agencyIdValue="MOCK"),
            them=self.manner.peer_agency,
            wire_id=f"{self._series}-{number}{suffix}",
            our_id=None,
            about=about,
            began=self.clock.now(),
        )
        self.conversations.append(conversation)
        return conversation

    def adds(self, wire_id: str, given: Mapping[str, Any]) -> Conversation:
        """Say something by hand: a step, in the words of scenarios, in the newest conversation about that request."""
        for conversation in reversed(self.conversations):
            if wire_id in (conversation.wire_id, *conversation.earlier_ids):
                step = step_of(dict(given), "this step", conversation.scenario.role)
                conversation.threads.append(Thread((step,), self.clock.now() - self.manner.pace * step.after))
                return conversation
        raise NotFound(f"There is no request {wire_id!r} here.", field="request")

    def chooses(self, scenario: str) -> None:
        """The scenario of requests that name none, from now on."""
        if scenario not in self.scenarios or self.scenarios[scenario].role != SUPPLIER:
            raise BadInput(f"There is no scenario {scenario!r} of a supplier.", field="scenario")
        self.manner = replace(self.manner, scenario=scenario)

    # --- being answered

    def was_answered(
        self, sending: Sending, status: int, body: bytes, content_type: str, *, may_try_again: bool = False
    ) -> bool:
        """Write down how the peer has confirmed; whether the same has to be said again."""
        entry = self._said(sending)
        entry.status, entry.answer = status, mask(body)
        again = status != 200
        try:
            understood = read(body, content_type)
        except Unreadable as wrong:
            entry.ok, entry.outcome = False, f"no confirmation: {wrong.message}"
            again = True
        else:
            again |= self._understand_the_confirmation(sending, understood, body, content_type, entry)
        if status != 200:
            entry.ok, entry.outcome = False, f"HTTP {status}; {entry.outcome}"
        again = again and may_try_again
        if not entry.ok and not again and not sending.step.may_be_refused:
            entry.wrong.append(entry.outcome)
        self.journal.note(entry)
        return again

    def was_not_answered(self, sending: Sending, why: str, *, may_try_again: bool = False) -> None:
        entry = self._said(sending)
        entry.ok, entry.outcome, entry.wrong = False, why, [] if may_try_again else [why]
        self.journal.note(entry)

    def _understand_the_confirmation(
        self, sending: Sending, understood: Understood, body: bytes, content_type: str, entry: Entry
    ) -> bool:
        """Whether it was too early for the peer: it may get to know the request in a moment."""
        entry.forgiven = list(understood.forgiven)
        if self.manner.strict:
            entry.wrong = list(
                confirmation_findings(sending.message, sending.raw, understood, body, content_type, self.manner)
            )
        header = getattr(understood.message, "confirmationHeader", None)
        if header is None:
            entry.ok, entry.outcome = False, "the answer is no confirmation"
            return True
        entry.ok = header.messageStatus == "OK"
        errors = getattr(understood.message, "errorData", ())
        entry.outcome = "OK" if entry.ok else _outcome(errors) if errors else "ERROR"
        unknown = any(one.errorValue.startswith("requestingAgencyRequestId") for one in errors)
        return not entry.ok and unknown and not isinstance(sending.message, Request)

    def _said(self, sending: Sending) -> Entry:
        header, conversation = sending.message.header, sending.conversation
        supplies = conversation.scenario.role == SUPPLIER
        ends = (header.supplyingAgencyId.agencyIdValue, header.requestingAgencyId.agencyIdValue)
        sender, receiver = ends if supplies else ends[::-1]
        return self.journal.begin(
            self.clock.now(), heard=False, word=sending.step.say, request=header.requestingAgencyRequestId,
            sender=sender, receiver=receiver, scenario=conversation.scenario.name, conversation=conversation.number,
            edition=conversation.scenario.writes or self.manner.edition, message=mask(sending.raw),
        )  # fmt: skip

    # --- how things stand

    def state(self) -> list[dict[str, Any]]:
        """Each conversation, for people and for tests."""
        return [
            {
                "conversation": one.number, "request": one.wire_id, "earlier": one.earlier_ids, "our_id": one.our_id,
                "title": one.about.title, "scenario": one.scenario.name, "role": one.scenario.role,
                "peer": one.them.agencyIdValue, "status": one.status, "said": one.said, "over": one.over,
                "waits_for": list(one.waits_for),
            }
            for one in self.conversations
        ]  # fmt: skip


def _identity(message: WireMessage) -> str:
    content = json.dumps([type(message).__name__, to_dict(message)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _value(words: str) -> ErrorData:
    return ErrorData(errorType="UnrecognisedDataValue", errorValue=words)


def _outcome(errors: tuple[ErrorData, ...]) -> str:
    return "; ".join(f"ERROR {one.errorType}: {one.errorValue}" for one in errors) or "OK"
