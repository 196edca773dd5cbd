"""Everything about one request, gathered once: for its page, the API and the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.about.ahead import Ahead, ahead
from ill_workflow.about.asked import Turn, turns
from ill_workflow.about.history import DateChange, Happened, due_dates, history
from ill_workflow.about.links import Link, links
from ill_workflow.about.papers import Paper, papers
from ill_workflow.about.phrases import Phrase
from ill_workflow.about.places import Place, places
from ill_workflow.about.standing import standing
from ill_workflow.about.their_patron import their_patron
from ill_workflow.about.thread import Said, thread
from ill_workflow.clock import Clock
from ill_workflow.errors import NotFound, Refused
from ill_workflow.fees import Ledger, LedgerLine
from ill_workflow.mail.sent import Fate, sent_mails
from ill_workflow.outbox import DEAD, READY, RUNNING, UNCERTAIN, EffectRow
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.models import Event, MailRow, Request
from ill_workflow.requests.undoing import last_undoable

#: No database gives out a number like this.
LARGEST_ID = 2**31


@dataclass(frozen=True)
class Whole:
    """A request, and all that belongs to it."""

    request: Request
    state_label: str
    attention: bool
    over: bool
    standing: Sequence[Phrase]
    ahead: Sequence[Ahead]
    dates: Sequence[DateChange]
    places: Sequence[Place]
    their_patron: str  #: for whom the partner asks, where it has told
    turns: Sequence[Turn]
    thread: Sequence[Said]
    notes: Sequence[Happened]  #: those for the staff of this library
    history: Sequence[Happened]
    papers: Sequence[Paper]
    mails: Sequence[tuple[MailRow, Fate]]
    ledger: Sequence[LedgerLine]
    balances: Mapping[str, Decimal]
    links: Sequence[Link]
    work: Sequence[EffectRow]  #: all that was promised, the oldest first
    undo: Happened | None  #: what an undo would take back
    no_undo: str  #: why nothing can be taken back

    @property
    def waiting(self) -> list[EffectRow]:
        """What is not done yet, or needs a person."""
        return [effect for effect in self.work if effect.status in (READY, RUNNING, DEAD, UNCERTAIN)]


def find_request(session: Session, library_id: int, number: int) -> Request:
    """A request of this library by its number. Raises NotFound, also for one of another library."""
    mine = (Request.id == number) & (Request.library_id == library_id)
    request = session.scalar(sa.select(Request).where(mine)) if 0 < number < LARGEST_ID else None
    if request is None:
        raise NotFound("There is no such request at this library.", field="request")
    return request


def whole(session: Session, request: Request, *, clock: Clock, language: str = "en") -> Whole:
    """Read all about a request, in one transaction."""
    events = session.scalars(sa.select(Event).where(Event.request_id == request.id).order_by(Event.version)).all()
    work = session.scalars(sa.select(EffectRow).where(EffectRow.request_id == request.id).order_by(EffectRow.id)).all()
    lifecycle, past = lifecycle_of(request), history(request, events)
    ledger = Ledger(session, request.library_id, request.id)
    undo, no_undo = _undoable(session, request, past)
    return Whole(
        request=request,
        state_label=lifecycle.label(request.state),
        attention=lifecycle.needs_attention(request.state),
        over=request.state in lifecycle.terminal,
        standing=standing(session, request, events, clock),
        ahead=ahead(session, request),
        dates=due_dates(request, events),
        places=places(session, request),
        their_patron=their_patron(session, request),
        turns=turns(session, request, events),
        thread=thread(session, request, work, language),
        notes=[line for line in past if line.trigger == "note" and line.label == "Internal Note"],
        history=past,
        papers=papers(session, request),
        mails=sent_mails(session, request.library_id, request_id=request.id),
        ledger=ledger.lines(),
        balances=ledger.balances(),
        links=links(session, request),
        work=work,
        undo=undo,
        no_undo=no_undo,
    )


def _undoable(session: Session, request: Request, past: Sequence[Happened]) -> tuple[Happened | None, str]:
    try:
        last = last_undoable(session, request)
    except Refused as why:
        return None, why.message
    return next(line for line in past if line.id == last.id), ""
