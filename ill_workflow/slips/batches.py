"""Printing many slips at once: who takes which, one file of all, and the mark that they are on paper."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pypdfium2
import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account
from ill_workflow.clock import Clock
from ill_workflow.db import Database, db_time
from ill_workflow.errors import BadInput, Conflict, NotFound
from ill_workflow.libraries import Library
from ill_workflow.requests.models import BORROWING, Event, Request, Slip, SlipBatch
from ill_workflow.slips.content import Layout, Paper, SlipContent
from ill_workflow.slips.layouts import render_batch
from ill_workflow.slips.making import contents_of
from ill_workflow.slips.preview import ONE_AT_A_TIME
from ill_workflow.slips.shelf_order import place
from ill_workflow.slips.storage import write
from state_machines.borrowing import BORROWING as BORROWING_LIFECYCLE
from state_machines.lending import LENDING as LENDING_LIFECYCLE

#: How long slips are kept for a printing that doesn't come to its end; it is renewed while it goes on.
LEASE = timedelta(seconds=60)
#: Slips that are printed at once.
MOST = 1000
#: Papers that hold several slips.
SHEETS = ("letter", "a4")
#: After so many slips the lease is renewed; as many are drawn at once. Both 4 and 6 divide it.
STRIDE = 120

#: Told what is being done, and how many of how many are.
Tick = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """One slip to be drawn; without a number it is drawn once more, and nothing is marked."""

    request_id: int
    layout: Layout
    slip_id: int | None = None


@dataclass(frozen=True)
class Left:
    """A slip that was not printed, and why."""

    reference: str
    layout: str
    why: str


@dataclass(frozen=True)
class How:
    """How they are laid on paper."""

    per_sheet: int = 1
    paper: str | None = None  #: None: each slip on its own


@dataclass
class Printed:
    """What stands in the file, and what does not."""

    file: Path | None = None
    batch: int | None = None  #: None: nothing was marked
    slips: list[tuple[str, str, int]] = field(default_factory=list)  #: reference, layout, number of pieces
    left: list[Left] = field(default_factory=list)


def undone() -> sa.Exists:
    """Whether the step that promised a slip was taken back."""
    undo = sa.orm.aliased(Event)
    return sa.exists().where(undo.undoes_id == Slip.event_id)


def unprinted(
    session: Session, library: Library, *, layout: str | None = None, requests: Iterable[int] | None = None
) -> list[Slip]:
    """Slips that nobody has on paper yet. Of requests that are over, only where they are named."""
    found = sa.select(Slip).join(Request).where(Slip.library_id == library.id, Slip.printed_at.is_(None), ~undone())
    if layout:
        found = found.where(Slip.layout == layout)
    if requests is None:
        borrowing = Request.side == BORROWING
        over = sa.case(
            (borrowing, Request.state.in_(BORROWING_LIFECYCLE.terminal)),
            else_=Request.state.in_(LENDING_LIFECYCLE.terminal),
        )
        found = found.where(~over)
    else:
        found = found.where(Slip.request_id.in_(list(requests)))
    return list(session.scalars(found.order_by(Slip.id).limit(MOST)))


def begin(session: Session, library: Library, account: Account, file: Path | None, how: How, clock: Clock) -> SlipBatch:
    """A new batch, with nothing in it yet; without a file, its file is named after it."""
    lease: Any = db_time(session, LEASE)
    batch = SlipBatch(
        library_id=library.id, account_id=account.id, who=account.full_name or account.name, at=clock.now(),
        lease_until=lease, per_sheet=how.per_sheet, paper=how.paper, file="",
    )  # fmt: skip
    session.add(batch)
    session.flush()
    batch.file = str((file or Path(f"slips-{library.code}-batch-{batch.id}.pdf")).absolute())
    return batch


def take(session: Session, batch_id: int, slip_ids: Sequence[int]) -> list[int]:
    """Those of the slips that are ours now: not printed, not undone, not just being printed by somebody else."""
    lapsed = sa.select(SlipBatch.id).where(SlipBatch.printed_at.is_(None), SlipBatch.lease_until < db_time(session))
    free = Slip.batch_id.is_(None) | Slip.batch_id.in_(lapsed)
    mine = sa.select(Slip.id).where(Slip.id.in_(slip_ids), Slip.printed_at.is_(None), free, ~undone())
    # Locked in one order, so that two who take the same slips wait for each other once; then looked at again.
    taken = list(session.scalars(mine.order_by(Slip.id).with_for_update()))
    _update(session, sa.update(Slip).where(Slip.id.in_(taken)).values(batch_id=batch_id))
    return taken


def print_batch(
    db: Database, clock: Clock, batch_id: int, account: Account, more: Sequence[Wanted] = (), tick: Tick | None = None
) -> Printed:
    """Draw what the batch has taken, and `more`, into its file; only then it is marked as printed.

    Whatever goes wrong on the way gives the slips back, and leaves no file of slips that count as unprinted.
    """
    try:
        with db.reading() as session:
            batch = session.get_one(SlipBatch, batch_id)
            mine = sa.select(Slip).where(Slip.batch_id == batch_id, Slip.printed_at.is_(None), ~undone())
            wanted = [Wanted(s.request_id, cast(Layout, s.layout), s.id) for s in session.scalars(mine)]
        printed, contents, drawn = gather(db, clock, account, [*wanted, *more], tick, batch_id)
        printed.file, printed.batch = Path(batch.file), batch_id
        _draw_into(Path(batch.file), contents, How(batch.per_sheet, batch.paper), tick, lambda: _renew(db, batch_id))
    except BaseException:
        give_back(db, batch_id)
        raise
    try:
        with db.writing() as session:
            _mark(session, batch_id, drawn, clock)
    except BaseException:
        # Nobody shall print a file whose slips somebody else prints, too.
        Path(batch.file).resolve().unlink(missing_ok=True)
        give_back(db, batch_id)
        raise
    return printed


def draw_again(
    db: Database, clock: Clock, account: Account, wanted: Sequence[Wanted], file: Path, how: How,
    tick: Tick | None = None,
) -> Printed:  # fmt: skip
    """One file of slips, as they are now. Marks nothing, and is possible in every state."""
    printed, contents, _ = gather(db, clock, account, wanted, tick)
    printed.file = file
    _draw_into(file, contents, how, tick)
    return printed


def drawn_again(
    db: Database, clock: Clock, account: Account, wanted: Sequence[Wanted], how: How
) -> tuple[Printed, bytes]:
    """The same without a file, for whoever keeps it elsewhere: what stands in it, and the PDF."""
    printed, contents, _ = gather(db, clock, account, wanted)
    return printed, _drawn(contents, how)


def printed_batches(
    session: Session, library: Library, *, before: int | None = None, most: int = 50
) -> list[tuple[SlipBatch, int]]:
    """What was printed together, the latest first, and of how many slips; `before` is where an earlier page ended."""
    count = sa.select(sa.func.count()).where(Slip.batch_id == SlipBatch.id).scalar_subquery()
    rows = sa.select(SlipBatch, count).where(SlipBatch.library_id == library.id, SlipBatch.printed_at.is_not(None))
    if before is not None:
        rows = rows.where(SlipBatch.id < before)
    return [(batch, number) for batch, number in session.execute(rows.order_by(SlipBatch.id.desc()).limit(most))]


def of_batch(session: Session, library: Library, number: int) -> tuple[SlipBatch, list[Wanted]]:
    """A batch that was printed, and its slips. Raises NotFound."""
    batch = session.get(SlipBatch, number) if 0 < number < 2**31 else None
    if batch is None or batch.library_id != library.id:
        raise NotFound(
            f"{library.name} has printed no batch {number}. They are listed by: ill slip batches", field="batch"
        )
    if batch.printed_at is None:
        raise NotFound(
            f"Batch {number} was never finished: its slips count as unprinted. ill slip print --all-unprinted",
            field="batch",
        )
    mine = session.scalars(sa.select(Slip).where(Slip.batch_id == number).order_by(Slip.id))
    return batch, [Wanted(s.request_id, cast(Layout, s.layout), s.id) for s in mine]


def renew(session: Session, batch_id: int) -> None:
    """It goes on: nobody else takes its slips for a while."""
    lease = db_time(session, LEASE)
    _update(session, sa.update(SlipBatch).where(SlipBatch.id == batch_id).values(lease_until=lease))


def give_back(db: Database, batch_id: int) -> None:
    """A printing that came to nothing: its slips are free again."""
    with db.writing() as session:
        mine = sa.update(Slip).where(Slip.batch_id == batch_id, Slip.printed_at.is_(None))
        _update(session, mine.values(batch_id=None))
        _update(session, sa.delete(SlipBatch).where(SlipBatch.id == batch_id, SlipBatch.printed_at.is_(None)))


def gather(
    db: Database, clock: Clock, account: Account, wanted: Sequence[Wanted], tick: Tick | None = None,
    batch_id: int | None = None,
) -> tuple[Printed, list[SlipContent], list[int]]:  # fmt: skip
    """What stands on the slips, in shelf order; and the numbers of those that will be in the file."""
    seen: dict[tuple[int, str], _Found | Left] = {}
    with db.reading() as session:
        for number, one in enumerate(wanted, start=1):
            if batch_id is not None and number % STRIDE == 0:
                _renew(db, batch_id)
            pair = (one.request_id, one.layout)
            # A slip that was promised twice is drawn once: it says what is now.
            seen[pair] = seen.get(pair) or _look(session, one, clock, account)
            if tick:
                tick("Gathering slips", number, len(wanted))
    found = sorted((f for f in seen.values() if isinstance(f, _Found)), key=lambda f: f.place)
    printed = Printed(left=[f for f in seen.values() if isinstance(f, Left)])
    printed.slips = [(f.reference, f.contents[0].layout, len(f.contents)) for f in found]
    drawn = [w.slip_id for w in wanted if w.slip_id and isinstance(seen[w.request_id, w.layout], _Found)]
    return printed, [content for f in found for content in f.contents], drawn


@dataclass(frozen=True)
class _Found:
    place: tuple[object, ...]
    reference: str
    contents: list[SlipContent]


def _look(session: Session, one: Wanted, clock: Clock, account: Account) -> "_Found | Left":
    request = session.get_one(Request, one.request_id)
    try:
        contents = contents_of(session, request, one.layout, clock, account)
    except BadInput as trouble:
        return Left(request.reference, one.layout, trouble.message)
    where = place(request.location, request.call_number, request.title, request.reference)
    return _Found((where, one.layout), request.reference, contents)


def _draw_into(
    file: Path, contents: Sequence[SlipContent], how: How, tick: Tick | None = None,
    before_each: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    keep_file(file, _drawn(contents, how, tick, before_each))


def _drawn(
    contents: Sequence[SlipContent], how: How, tick: Tick | None = None, before_each: Callable[[], None] = lambda: None
) -> bytes:
    if not contents:
        raise BadInput("None of these slips can be drawn.", field="reference")
    parts, done = list[bytes](), 0
    for part, per_sheet in _parts(contents, how):
        before_each()
        parts.append(render_batch(part, per_sheet=per_sheet, paper=cast(Paper | None, how.paper)))
        done += len(part)
        if tick:
            tick("Drawing", done, len(contents))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _parts(contents: Sequence[SlipContent], how: How) -> Iterator[tuple[Sequence[SlipContent], int]]:
    """What is drawn at once. What is set for labels and rolls shares no sheet, and comes behind the sheets."""
    groups = [(contents, how.per_sheet)]
    if how.per_sheet > 1 and how.paper is None:
        groups = [([c for c in contents if c.paper == paper], how.per_sheet) for paper in SHEETS]
        groups.append(([c for c in contents if c.paper not in SHEETS], 1))
    for group, per_sheet in groups:
        for start in range(0, len(group), STRIDE):
            yield group[start : start + STRIDE], per_sheet


def _joined(parts: Sequence[bytes]) -> bytes:
    # Into the first, which tells the printer to scale nothing.
    with ONE_AT_A_TIME, pypdfium2.PdfDocument(parts[0]) as whole:
        for pdf in parts[1:]:
            with pypdfium2.PdfDocument(pdf) as part:
                whole.import_pages(part)
        file = BytesIO()
        whole.save(file)
    return file.getvalue()


def keep_file(file: Path, content: bytes) -> None:
    """Write a file that a person named, to be read by whom they let read theirs. Raises BadInput."""
    check_file(file)
    file, named = file.resolve(), file  # what a link leads to, and not the link, holds the slips
    is_new = not file.exists()
    try:
        file.touch()
        mode = file.stat().st_mode
        write(file, content)
        file.chmod(mode)
    except OSError as trouble:
        if is_new:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        raise BadInput(f"{named} can't be written: {trouble.strerror}.", field="out") from None


def check_file(file: Path) -> None:
    """Whether a file may be there. Raises BadInput."""
    if file.exists() and not file.is_file():
        raise BadInput(f"{file} is no file that can be written.", field="out")
    if not file.absolute().parent.is_dir():
        raise BadInput(f"There is no folder {file.parent}.", field="out")


def _renew(db: Database, batch_id: int) -> None:
    with db.writing() as session:
        renew(session, batch_id)


def _mark(session: Session, batch_id: int, drawn: Sequence[int], clock: Clock) -> None:
    """They are on paper: all of them, or none where somebody else has taken one in the meantime."""
    now = clock.now()
    mine = sa.update(Slip).where(Slip.batch_id == batch_id, Slip.printed_at.is_(None), Slip.id.in_(drawn))
    if _update(session, mine.values(printed_at=now)) != len(drawn):
        raise Conflict("That took so long that somebody else has begun to print the same slips. Nothing was printed.")
    # What couldn't be drawn waits for whoever mends it.
    rest = sa.update(Slip).where(Slip.batch_id == batch_id, Slip.printed_at.is_(None))
    _update(session, rest.values(batch_id=None))
    _update(session, sa.update(SlipBatch).where(SlipBatch.id == batch_id).values(printed_at=now))


def _update(session: Session, statement: Any) -> int:
    done: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(done.rowcount)
