"""Tells open pages what others have done: each web process looks for news twice a second, and passes them on."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import runtime
from ill_workflow.accounts import Account, Grant, SignIn
from ill_workflow.bootstrap import Services
from ill_workflow.clock import machine_now
from ill_workflow.requests import presence
from ill_workflow.requests.news import Lookout, News

_log = logging.getLogger(__name__)

#: Seconds between two looks, two signs of who is there, and two signs of life of this process.
LOOK, THERE, ALIVE = 0.5, 10.0, 5.0
#: Seconds until the next look, at most, while looks fail.
LONGEST_PAUSE = 10.0
#: Seconds for which somebody who only went from one page to the next still counts as being there.
STEPPED_OUT = 5.0
#: How many things a page may be behind before it is told to look at everything anew.
BEHIND = 50
#: Pages of one session that are told at the same time, and of all: what is above looks by itself.
PAGES_OF_ONE, PAGES = 12, 2000

CHANGED, PRESENT, RELOAD, GONE = "changed", "present", "reload", "gone"


class TooMany(Exception):
    """So many pages are told already that this one has to look by itself."""


@dataclass(frozen=True)
class Told:
    """What a page is told."""

    what: str  #: changed, present, reload or gone
    content: Any = None


@dataclass(eq=False)
class Listener:
    """A page that is open, and what waits to be told to it. `None` at the end."""

    sign_in_id: int
    account_id: int
    library_id: int
    request_id: int | None  #: the one that the page is about
    waiting: asyncio.Queue[Told | None] = field(default_factory=lambda: asyncio.Queue(BEHIND))
    present: tuple[str, ...] = ()  #: who it was told is there as well

    def tell(self, told: Told) -> None:
        """A page that reads too slowly is told to look at everything, instead of each thing."""
        try:
            self.waiting.put_nowait(told)
        except asyncio.QueueFull:
            self._empty()
            self.waiting.put_nowait(Told(RELOAD))

    def end(self, why: Told | None = None) -> None:
        if self.waiting.qsize() > BEHIND - 2:
            self._empty()
        if why is not None:
            self.waiting.put_nowait(why)
        self.waiting.put_nowait(None)

    def _empty(self) -> None:
        while not self.waiting.empty():
            self.waiting.get_nowait()


@dataclass(frozen=True)
class _Seen:
    news: list[News]
    valid: set[tuple[int, int]]  #: sign-in and library of the listeners that may go on listening
    there: Mapping[int, tuple[tuple[int, str], ...]]  #: who is at which request


class Live:
    """The pages that are open at this process, and one look into the database for all of them."""

    def __init__(self, services: Services, *, address: str = "") -> None:
        self._services, self._address = services, address
        self._listeners: set[Listener] = set()
        self._lookout: Lookout | None = None
        self._settled = self._newest = 0
        self._there: dict[tuple[int, int], float] = {}  #: request and account -> when a page was open last
        self._last_there = self._last_alive = -1e9
        self._chore: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = False

    @property
    def cursor(self) -> int | None:
        """A page made now shows all history up to this line at least. None: nobody looks here."""
        return self._settled if self._lookout else None

    def listen(self, sign_in_id: int, account_id: int, library_id: int, request_id: int | None) -> Listener:
        """Begin to tell a page. Raises TooMany."""
        of_one = sum(other.sign_in_id == sign_in_id for other in self._listeners)
        if self._ended or of_one >= PAGES_OF_ONE or len(self._listeners) >= PAGES:
            raise TooMany
        listener = Listener(sign_in_id, account_id, library_id, request_id)
        self._listeners.add(listener)
        if request_id is not None and (request_id, account_id) not in self._there:
            self._last_there = -1e9  # told to the others at once
        return listener

    def forget(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def end(self) -> None:
        """Let all pages go, so that the process can end: from the signal that asks it to."""
        self._ended = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go)

    async def run(self) -> None:
        """Look, again and again, until cancelled."""
        self._loop, pause = asyncio.get_running_loop(), LOOK
        try:
            while True:
                try:
                    await self._look()
                    pause = LOOK
                except Exception as trouble:  # the database may be away for a while
                    _log.warning("the console could not look for news: %s", trouble)
                    pause = min(2 * pause, LONGEST_PAUSE)
                await asyncio.sleep(pause)
        finally:
            self._let_go()
            with suppress(Exception):
                await asyncio.to_thread(self._say_goodbye)

    def _let_go(self) -> None:
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    async def _look(self) -> None:
        listeners = list(self._listeners)
        requests = {listener.request_id for listener in listeners if listener.request_id is not None}
        seen = await asyncio.to_thread(self._see, {listener.sign_in_id for listener in listeners}, requests)
        for listener in listeners:
            if (listener.sign_in_id, listener.library_id) not in seen.valid:
                listener.end(Told(GONE))
                self._listeners.discard(listener)
        for listener in self._listeners:  # also those that came while we looked
            self._tell(listener, seen)
        # What was found by this look a page that is being made now may not show; what the one before found, it does.
        self._settled, self._newest = self._newest, self._lookout.cursor if self._lookout else 0
        self._begin_chores()

    def _tell(self, listener: Listener, seen: _Seen) -> None:
        for news in seen.news:
            if news.library_id == listener.library_id:
                listener.tell(Told(CHANGED, news))
        if listener.request_id in seen.there or listener.present:
            there = seen.there.get(listener.request_id or 0, ())
            others = tuple(name for account, name in there if account != listener.account_id)
            if others != listener.present:
                listener.present = others
                listener.tell(Told(PRESENT, others))

    def _see(self, sign_ins: Collection[int], requests: Collection[int]) -> _Seen:
        with self._services.db.reading() as session:
            if self._lookout is None:
                self._lookout = Lookout(session)
                self._settled = self._newest = self._lookout.cursor
            news = self._lookout.look(session, time.monotonic())
            return _Seen(news, may_listen(session, sign_ins), presence.who_is_there(session, requests))

    def _begin_chores(self) -> None:
        """What is to be written is written beside the looks: a writer may have to wait."""
        now = time.monotonic()
        open_now = {(each.request_id, each.account_id) for each in self._listeners if each.request_id is not None}
        self._there.update(dict.fromkeys(open_now, now))
        left = [pair for pair, last in self._there.items() if now - last > STEPPED_OUT]
        there_is_due = bool(self._there) and now - self._last_there >= THERE
        alive_is_due = now - self._last_alive >= ALIVE
        if (self._chore is not None and not self._chore.done()) or not (left or there_is_due or alive_is_due):
            return
        for pair in left:
            del self._there[pair]
        if there_is_due or left:
            self._last_there = now
        if alive_is_due:
            self._last_alive = now
        self._chore = asyncio.ensure_future(asyncio.to_thread(self._write, list(self._there), left))

    def _write(self, there: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
        try:
            with self._services.db.writing() as session:
                info = {"address": self._address, "listening": len(self._listeners)}
                runtime.beat(session, self._name, machine_now(), info)
                for request, account in left:
                    presence.has_left(session, request, account)
                if there:
                    presence.are_here(session, there)
        except Exception as trouble:
            _log.warning("the console could not say who is there: %s", trouble)

    def _say_goodbye(self) -> None:
        with self._services.db.writing() as session:
            runtime.leave(session, self._name)

    @property
    def _name(self) -> str:
        return f"{runtime.CONSOLE}{os.getpid()}@{socket.gethostname()}"


def may_listen(session: Session, sign_ins: Collection[int]) -> set[tuple[int, int]]:
    """Of these sessions those that last, with each library at which they may listen."""
    if not sign_ins:
        return set()
    rows = sa.select(SignIn.id, Grant.library_id).join(Account, Account.id == SignIn.account_id)
    rows = rows.join(Grant, Grant.account_id == Account.id).where(SignIn.id.in_(list(sign_ins)), Account.active)
    rows = rows.where(SignIn.lasts(machine_now()))
    return {(sign_in, library) for sign_in, library in session.execute(rows)}
