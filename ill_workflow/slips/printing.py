"""What staff mean when they print: slips that wait, a request that they name, or all that has to be fetched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, Conflict
from ill_workflow.libraries import Library
from ill_workflow.requests.models import BORROWING, LENDING, Request, Slip, SlipBatch
from ill_workflow.slips import batches, fetching
from ill_workflow.slips.batches import How, Left, Printed, Tick, Wanted
from ill_workflow.slips.content import Layout

#: The slips of each half; the first is meant where none is named.
LAYOUTS_OF: dict[str, tuple[Layout, ...]] = {
    LENDING: ("routing", "shipping"), BORROWING: ("book_strap", "return_slip"),
}  # fmt: skip
LAYOUTS = get_args(Layout)


@dataclass
class Chosen:
    """Slips that wait to be printed, others that are only drawn once more, and what was named in vain."""

    waiting: list[int] = field(default_factory=list)
    more: list[Wanted] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def add(self, other: "Chosen") -> None:
        self.waiting = list(dict.fromkeys((*self.waiting, *other.waiting)))
        self.more = list(dict.fromkeys((*self.more, *other.more)))
        self.left = list(dict.fromkeys((*self.left, *other.left)))


def all_waiting(session: Session, library: Library, layout: str | None = None) -> Chosen:
    return Chosen([slip.id for slip in batches.unprinted(session, library, layout=layout)])


def choose(session: Session, library: Library, request: Request, layout: str | None, *, again: bool) -> Chosen:
    """What is meant by a request that was named: its slips that wait; else, asked for again, the latest.

    A slip that nothing has promised is drawn without further ado: printing is possible in every state.
    """
    named = layout_of(request, layout)
    if slips := batches.unprinted(session, library, layout=named, requests=[request.id]):
        return Chosen([slip.id for slip in slips])
    known = Slip.printed_at.is_not(None) | ~batches.undone()
    mine = sa.select(Slip).where(Slip.request_id == request.id, known).order_by(Slip.id.desc()).limit(1)
    last = session.scalar(mine.where(Slip.layout == named) if named else mine)
    meant = named or (cast(Layout, last.layout) if last else LAYOUTS_OF[request.side][0])
    if last is None or last.printed_at is None or again:
        return Chosen(more=[Wanted(request.id, meant)])
    batch = session.get(SlipBatch, last.batch_id or 0)
    when = f"{last.printed_at.astimezone(library.zone):%Y-%m-%d %H:%M}"
    by = f"{batch.who} printed it on {when} (batch {batch.id})" if batch else f"It was printed on {when}"
    return Chosen(left=[Left(request.reference, meant, f"{by}. To print it once more: --again")])


def print_chosen(
    db: Database, clock: Clock, account: Account, library: Library, chosen: Chosen, file: Path | None, how: How,
    tick: Tick | None = None, *, again: bool = False,
) -> Printed:  # fmt: skip
    """Take what waits, as far as nobody else is about to print it, and draw all of it into one file.

    Without a file one is named after what is in it.
    """
    batch_id, more, left = None, list(chosen.more), list(chosen.left)
    if file is None:
        with db.reading() as session:
            file = _name(session, library, chosen)
    if chosen.waiting:
        with db.writing() as session:
            batch = batches.begin(session, library, account, file, how, clock)
            taken = set(batches.take(session, batch.id, chosen.waiting))
            batch_id = batch.id if taken else None
            busy = [number for number in chosen.waiting if number not in taken]
            if again:
                more += _once_more(session, busy)
            else:
                left += _taken_by_others(session, busy)
            if not taken:
                session.delete(batch)
    if batch_id:
        printed = batches.print_batch(db, clock, batch_id, account, more, tick)
    elif more:
        again_file = file or Path(f"slips-{library.code}-again.pdf").absolute()
        printed = batches.draw_again(db, clock, account, more, again_file, how, tick)
    else:
        printed = Printed()
    printed.left[:0] = left
    return printed


def print_new(
    db: Database, clock: Clock, account: Account, library: Library, things: Sequence[fetching.ToFetch],
    file: Path | None, how: How, tick: Tick | None = None,
) -> Printed:  # fmt: skip
    """Print Slip for all that has to be fetched, each in a transaction of its own, and one file of their slips."""
    if not things:
        return Printed()
    batches.check_file(file or Path("slips.pdf"))  # before anything is done
    with db.writing() as session:
        batch_id = batches.begin(session, library, account, file, how, clock).id
    left = fetching.take_up(db, clock, account, things, batch_id, tick)
    if len(left) == len(things):
        batches.give_back(db, batch_id)
        return Printed(left=left)
    try:
        printed = batches.print_batch(db, clock, batch_id, account, tick=tick)
    except (BadInput, Conflict) as trouble:
        # The steps stand, whatever became of the paper.
        sentence = f"{trouble.message} Print Slip was done, and the slips wait: ill slip print --all-unprinted"
        raise type(trouble)(sentence, field=trouble.field) from trouble
    printed.left[:0] = left
    return printed


def layout_of(request: Request, layout: str | None) -> Layout | None:
    """The layout that was named, if it is one of this request's half. Raises BadInput."""
    if layout is not None and layout not in LAYOUTS_OF[request.side]:
        choices = " or ".join(LAYOUTS_OF[request.side])
        raise BadInput(f"{layout!r} is no layout of a {request.side} request. Choose {choices}.", field="layout")
    return layout


def safe_name(reference: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", reference)


def _name(session: Session, library: Library, chosen: Chosen) -> Path | None:
    """The file of a single slip is named after it; that of several after their batch."""
    if len(chosen.waiting) + len(chosen.more) != 1:
        return None
    slip = session.get_one(Slip, chosen.waiting[0]) if chosen.waiting else chosen.more[0]
    request = session.get_one(Request, slip.request_id)
    return Path(f"{safe_name(request.reference)}-{slip.layout}.pdf").absolute()


def _once_more(session: Session, slip_ids: Sequence[int]) -> list[Wanted]:
    slips = session.scalars(sa.select(Slip).where(Slip.id.in_(slip_ids)))
    return [Wanted(slip.request_id, cast(Layout, slip.layout)) for slip in slips]


def _taken_by_others(session: Session, slip_ids: Sequence[int]) -> list[Left]:
    rows = (
        sa.select(Request.reference, Slip.layout, SlipBatch, batches.undone())
        .select_from(Slip)
        .join(Request, Request.id == Slip.request_id)
        .outerjoin(SlipBatch, SlipBatch.id == Slip.batch_id)
        .where(Slip.id.in_(slip_ids))
        .order_by(Slip.id)
    )
    return [
        Left(reference, layout, _holds(batch, undone)) for reference, layout, batch, undone in session.execute(rows)
    ]


def _holds(batch: SlipBatch | None, undone: bool) -> str:
    if batch is None and undone:
        return "The step that asked for it was undone."
    if batch is None:
        return "Somebody else has just tried to print it. Try again."
    if batch.printed_at is not None:
        return f"{batch.who} has just printed it (batch {batch.id})."
    seconds = int(batches.LEASE.total_seconds())
    return (
        f"{batch.who} is printing it just now (batch {batch.id}). If that breaks off, it is free in {seconds} seconds."
    )
