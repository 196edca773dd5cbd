"""Plays the conversations in real time: says what is due, over HTTP, and says it again where it did not get through."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ill_workflow.errors import IllError
from ill_workflow.mock_partner.conversation import Conversation
from ill_workflow.mock_partner.partner import MockPartner, Sending

#: How often the same bytes are sent before the mock gives up, and how many paces apart.
TRIES, APART = 4, 2.0
#: How long it sleeps at most before it looks at the clock again.
NAP = 0.5


@dataclass(frozen=True)
class Answered:
    """What the peer answered to a call."""

    status: int
    body: bytes
    content_type: str


class NoAnswer(Exception):
    """The peer could not be reached, or has not answered."""


Call = Callable[[bytes], Awaitable[Answered]]


class Player:
    """One task for each conversation, so that its messages go in order and none waits for another conversation's."""

    def __init__(self, partner: MockPartner, call: Call | None) -> None:
        self.partner = partner
        self._call = call
        self._news: dict[int, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = 0

    def something_happened(self) -> None:
        """Look again at what there is to say, and begin the conversations that are new. Without a peer, say nothing."""
        if self._call is None:
            return
        for conversation in self.partner.conversations[len(self._news) :]:
            self._news[conversation.number] = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._plays(conversation))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        for event in self._news.values():
            event.set()

    @property
    def may_speak(self) -> bool:
        return self._call is not None

    @property
    def is_over(self) -> bool:
        """Whether every conversation that has begun is over."""
        conversations = self.partner.conversations
        return bool(conversations) and all(one.over for one in conversations) and not self._busy

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def send(self, raw: bytes) -> Answered:
        """Send something that is no step of a conversation, as it is. Raises NoAnswer."""
        if self._call is None:
            raise NoAnswer("no address of the peer is known")
        return await self._call(raw)

    async def _plays(self, conversation: Conversation) -> None:
        news = self._news[conversation.number]
        while True:
            news.clear()
            self._busy += 1
            try:
                for sending in self.partner.due(conversation):
                    await self._say(sending)
            except IllError as wrong:  # a step that can't be said ends no other conversation
                self.partner.journal.complain(f"{conversation.wire_id} ({conversation.scenario.name})", wrong.message)
            finally:
                self._busy -= 1
            at = self.partner.next_at(conversation)
            wait = None if at is None else (at - self.partner.clock.now()).total_seconds()
            if wait is not None and wait <= 0:
                continue
            try:
                await asyncio.wait_for(news.wait(), None if wait is None else min(wait, NAP))
            except TimeoutError:
                continue

    async def _say(self, sending: Sending) -> None:
        for attempt in range(1, TRIES + 1):
            again = attempt < TRIES
            try:
                answered = await self.send(sending.raw)
            except NoAnswer as trouble:
                self.partner.was_not_answered(sending, str(trouble), may_try_again=again)
            else:
                again = self.partner.was_answered(
                    sending, answered.status, answered.body, answered.content_type, may_try_again=again
                )
            if not again:
                return
            await asyncio.sleep(APART * self.partner.manner.pace.total_seconds())
