"""What others do, told to the pages that are open: as it happens, or asked for every few seconds."""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Annotated, Any, cast

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from ill_workflow.bootstrap import Services
from ill_workflow.errors import NotFound, Unavailable
from ill_workflow.requests import presence
from ill_workflow.requests.models import Event
from ill_workflow.requests.models import Request as Loan
from ill_workflow.requests.news import HISTORY, News, news_since
from ill_workflow.web.live import CHANGED, PRESENT, RELOAD, Listener, Live, Told, TooMany
from ill_workflow.web.visitor import Here, Signed, Visitor
from ill_workflow.web.words import _
from state_machines.borrowing import BORROWING
from state_machines.lending import LENDING

router = APIRouter(prefix="/l/{library}")

LABELS = {lifecycle.name: lifecycle.label for lifecycle in (BORROWING, LENDING)}
#: Seconds after which a page is told that there is nothing to tell.
BEAT = 15.0
#: No line of the history has a number as long as that.
LONGEST = 18


async def listening(
    http: Request, visitor: Signed, services: Here, request: int | None = None
) -> AsyncIterator[Listener]:
    """The page that asks, for as long as it stays."""
    if request is not None:
        await run_in_threadpool(_is_ours, services, visitor, request)
    live = cast(Live, http.app.state.live)
    try:
        listener = live.listen(visitor.sign_in_id, visitor.account.id, visitor.library.id, request)
    except TooMany:
        raise Unavailable(_("Too many pages are open. This one looks for news every few seconds.")) from None
    try:
        yield listener
    finally:
        live.forget(listener)


@router.get("/live", response_class=EventSourceResponse)
async def live(
    http: Request,
    listener: Annotated[Listener, Depends(listening)],
    visitor: Signed,
    services: Here,
    after: int | None = None,
) -> AsyncIterable[ServerSentEvent]:
    """What happens at the library from now on, and since line `after` of the history, or the header Last-Event-ID."""
    # Whoever is cut off together, when a server ends, doesn't come back together.
    hello = ServerSentEvent(event="hello", retry=random.randint(1000, 4000), data={})  # noqa: S311 - no secret
    yield hello
    last = _number(http.headers.get("last-event-id"))
    known = after if last is None else last
    for told in await run_in_threadpool(_missed, services, visitor.library.id, known):
        yield _event(told, _cursor(http))
    while True:
        try:
            news = await asyncio.wait_for(listener.waiting.get(), BEAT)
        except TimeoutError:
            news = Told("beat")  # a page that hears nothing for longer knows that nobody is there any more
        if news is None:
            return
        yield _event(news, _cursor(http))


@router.get("/changes")
def changes(
    http: Request, visitor: Signed, services: Here, after: int = 0, request: int | None = None
) -> dict[str, Any]:
    """The same for a page that asks again and again: what has happened since that line of the history."""
    cursor, there = _cursor(http), tuple[str, ...]()
    if request is not None:
        _is_ours(services, visitor, request)
        with services.db.writing() as session:
            presence.are_here(session, [(request, visitor.account.id)])
            found = presence.who_is_there(session, [request]).get(request, ())
        there = tuple(name for account, name in found if account != visitor.account.id)
    with services.db.reading() as session:
        cursor = cursor or _last_line(session)
    told = _missed(services, visitor.library.id, after)
    return {
        "after": cursor,
        "changed": [_news(each.content) for each in told if each.what == CHANGED],
        "reload": any(each.what == RELOAD for each in told),
        "present": _presence(there),
    }


def _missed(services: Services, library_id: int, after: int | None) -> Sequence[Told]:
    if after is None:
        return ()
    with services.db.reading() as session:
        # A number that lies ahead is from before a backup was restored.
        found = news_since(session, library_id, after) if after <= _last_line(session) else None
    return [Told(RELOAD)] if found is None else [Told(CHANGED, news) for news in found]


def _event(told: Told, cursor: int | None) -> ServerSentEvent:
    content = told.content
    if told.what == CHANGED:
        content = _news(content)
    elif told.what == PRESENT:
        content = _presence(content)
    number = None if cursor is None else str(cursor)
    return ServerSentEvent(event=told.what, id=number, data=content or {})


def _news(news: News) -> dict[str, Any]:
    """What a page has to know; the sentence is for people."""
    state = _(LABELS[news.side](news.state))
    sentence = _("{who}: {action}. {reference} is now {state}.") if news.moved else _("{who}: {action} ({reference}).")
    said = sentence.format(who=news.who, action=_(news.label), reference=news.reference, state=state)
    return {
        "what": news.what, "line": news.id, "request": news.request_id, "reference": news.reference,
        "side": news.side, "version": news.version, "label": _(news.label), "state": news.state, "who": news.who,
        "said": said if news.what == HISTORY else "",
    }  # fmt: skip


def _presence(names: Sequence[str]) -> dict[str, Any]:
    if not names:
        return {"names": [], "said": ""}
    if len(names) == 1:
        return {"names": list(names), "said": _("{who} is looking at this request too.").format(who=names[0])}
    said = _("{who} are looking at this request too.").format(who=", ".join(names))
    return {"names": list(names), "said": said}


def _is_ours(services: Services, visitor: Visitor, number: int) -> None:
    ours = (Loan.id == number) & (Loan.library_id == visitor.library.id)
    with services.db.reading() as session:
        if not 0 < number < 2**31 or session.scalar(sa.select(Loan.id).where(ours)) is None:
            raise NotFound(_("There is no such request here."))


def _cursor(http: Request) -> int | None:
    return cast(Live, http.app.state.live).cursor


def _last_line(session: Session) -> int:
    return session.scalar(sa.select(sa.func.max(Event.id))) or 0


def _number(words: str | None) -> int | None:
    return int(words) if words and words.isascii() and words.isdigit() and len(words) < LONGEST else None
