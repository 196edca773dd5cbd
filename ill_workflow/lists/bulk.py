"""One action on many requests at once, worked off bit by bit; each request in a transaction of its own.

What is done and what is left stands in the database. So whoever closes the page, or pulls the plug, goes on later
where it stopped, and no request has it done twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, find_account
from ill_workflow.clock import Clock
from ill_workflow.db import Database
from ill_workflow.errors import BadInput, IllError, NotFound, Simultaneous
from ill_workflow.libraries import Library
from ill_workflow.requests import actions
from ill_workflow.requests.assigning import assign
from ill_workflow.requests.by import By
from ill_workflow.requests.fields import read_inputs
from ill_workflow.requests.models import Bulk, BulkLine, Request, Slip
from ill_workflow.requests.scan import MEANINGS
from ill_workflow.slips.batches import How, Printed
from ill_workflow.slips.fetching import PRINT_SLIP
from ill_workflow.slips.printing import Chosen, print_chosen
from state_machines.declaration import MANAGER, PARTNER, STAFF, Action, Lifecycle

#: Requests of one bulk, and those that are worked off between two looks of whoever waits.
MOST, AT_ONCE = 500, 20
#: What is done besides the rows of the tables.
ASSIGN = "assign"
#: What is done with an item in hand, whose code says which it is.
BY_SCANNING = frozenset(trigger for triggers in MEANINGS.values() for trigger in triggers)
#: What is said once for many. What is told of one item by looking at it is not among them.
SAID_ONCE = ("text", "lines", "date", "money", "count", "integer", "currency")


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    bulk: Bulk
    total: int
    done: int
    refused: int

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def has_slips(self) -> bool:
        return self.bulk.trigger == PRINT_SLIP and self.done > self.refused


def in_bulk(lifecycle: Lifecycle, states: Sequence[str], *, manages: bool) -> list[Action]:
    """The rows of the table that can be pulled for many at once, in one of these states: what usually comes first."""
    people, found = {STAFF, MANAGER} if manages else {STAFF}, dict[str, Action]()
    for row in lifecycle.actions:
        possible = people & set(row.by) and PARTNER not in row.by and set(states) & set(lifecycle.sources(row))
        if (
            possible
            and row.trigger not in BY_SCANNING
            and all(need.type in SAID_ONCE for need in row.needs if need.required)
        ):
            found.setdefault(row.trigger, row)
    return sorted(found.values(), key=lambda row: not row.primary)


def row_of(lifecycle: Lifecycle, trigger: str, *, manages: bool) -> Action:
    """Raises BadInput for what can't be done with many at once."""
    states = [state.name for state in lifecycle.states]
    row = next((row for row in in_bulk(lifecycle, states, manages=manages) if row.trigger == trigger), None)
    if row is None:
        raise BadInput("This can't be done with many requests at once.", field="trigger")
    return row


def begin(
    session: Session, library: Library, lifecycle: Lifecycle, account: Account, trigger: str, numbers: Sequence[int],
    *, inputs: Mapping[str, Any], manages: bool, key: str, clock: Clock,
) -> Bulk:  # fmt: skip
    """Write down what is to be done with which requests of this library, in this order. The same key is the same bulk.

    Raises BadInput naming the field that is missing or wrong.
    """
    known = sa.select(Bulk).where(Bulk.account_id == account.id, Bulk.key == key)
    if (same := session.scalar(known)) is not None:
        return same
    if not 1 <= len(key) <= 64:
        raise BadInput("This form has no key. Open it again.", field="key")
    if trigger == ASSIGN:
        if inputs.get("to"):
            find_account(session, str(inputs["to"]), field="to")
    else:
        row = row_of(lifecycle, trigger, manages=manages)
        read_inputs(row, inputs, library.today(clock.now()), by_partner=False)
    ours = _ours(session, library, lifecycle.name, numbers)
    if not ours:
        raise BadInput("Choose at least one request.", field="request")
    if len(ours) > MOST:
        raise BadInput(f"{MOST} requests are the most at once.", field="request")
    given = {name: value for name, value in inputs.items() if value not in (None, "")}
    bulk = Bulk(
        library_id=library.id, account_id=account.id, side=lifecycle.name, key=key, trigger=trigger, inputs=given,
        at=clock.now(),
    )  # fmt: skip
    session.add(bulk)
    try:
        session.flush()
    except IntegrityError:
        raise Simultaneous(field="key") from None
    session.add_all(
        BulkLine(bulk_id=bulk.id, position=position, request_id=number) for position, number in enumerate(ours)
    )
    session.flush()
    return bulk


def find_bulk(session: Session, library: Library, account: Account, number: int) -> Bulk:
    """A bulk of this person. Raises NotFound."""
    bulk = session.get(Bulk, number) if 0 < number < 2**31 else None
    if bulk is None or bulk.library_id != library.id or bulk.account_id != account.id:
        raise NotFound("There is no such bulk of yours here.", field="bulk")
    return bulk


def work_on(db: Database, clock: Clock, bulk: Bulk, account: Account, most: int = AT_ONCE) -> None:
    """Do the next few. Whoever does it at the same moment does others."""
    with db.reading() as session:
        left = sa.select(BulkLine.position).where(BulkLine.bulk_id == bulk.id, BulkLine.sentence.is_(None))
        positions = list(session.scalars(left.order_by(BulkLine.position).limit(most)))
    for position in positions:
        _do(db, clock, bulk, account, position)
    with db.writing() as session:
        left = sa.select(BulkLine.position).where(BulkLine.bulk_id == bulk.id, BulkLine.sentence.is_(None))
        if session.scalar(left.limit(1)) is None:
            over = sa.update(Bulk).where(Bulk.id == bulk.id, Bulk.done_at.is_(None)).values(done_at=clock.now())
            session.execute(over.execution_options(synchronize_session=False))


def progress(session: Session, bulk: Bulk) -> Progress:
    lines = sa.select(
        sa.func.count(), sa.func.count(BulkLine.sentence),
        sa.func.count().filter(BulkLine.refused.is_(True)),
    ).where(BulkLine.bulk_id == bulk.id)  # fmt: skip
    total, done, refused = session.execute(lines).one()
    return Progress(bulk, total, done, refused)


def lines_of(session: Session, bulk: Bulk) -> list[tuple[BulkLine, Request]]:
    """What became of each, in order."""
    rows = sa.select(BulkLine, Request).join(Request, Request.id == BulkLine.request_id)
    found = session.execute(rows.where(BulkLine.bulk_id == bulk.id).order_by(BulkLine.position))
    return [(line, request) for line, request in found]


def print_slips(db: Database, clock: Clock, library: Library, account: Account, bulk: Bulk, file: Path) -> Printed:
    """One file of the slips that these requests got, in shelf order; only then they count as printed."""
    with db.reading() as session:
        mine = sa.select(Slip.id).join(BulkLine, BulkLine.event_id == Slip.event_id).where(BulkLine.bulk_id == bulk.id)
        waiting = list(session.scalars(mine.where(Slip.printed_at.is_(None)).order_by(Slip.id)))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    printed = print_chosen(db, clock, account, library, Chosen(waiting), file, How(library.per_sheet))
    if printed.batch is not None:
        with db.writing() as session:
            session.get_one(Bulk, bulk.id).batch_id = printed.batch
    return printed


def _ours(session: Session, library: Library, side: str, numbers: Sequence[int]) -> list[int]:
    """Those of the requests that are this half's at this library, as they were named."""
    wanted = [number for number in dict.fromkeys(numbers) if 0 < number < 2**31]
    mine = sa.select(Request.id).where(Request.id.in_(wanted), Request.library_id == library.id, Request.side == side)
    known = set(session.scalars(mine))
    return [number for number in wanted if number in known]


def _do(db: Database, clock: Clock, bulk: Bulk, account: Account, position: int) -> None:
    try:
        with db.writing() as session:
            line = _claim(session, bulk, position)
            if line is None:
                return
            request = actions.locked(session, line.request_id)
            outcome = _act(session, request, bulk, account, clock, position)
            line.event_id = outcome.event_id if outcome else None
            line.sentence = outcome.sentence if outcome else f"{request.reference}: nothing had to be done."
            line.refused = False
    except IllError as refusal:
        with db.writing() as session:
            if (line := _claim(session, bulk, position)) is not None:
                line.sentence, line.refused = refusal.message, True


def _act(
    session: Session, request: Request, bulk: Bulk, account: Account, clock: Clock, position: int
) -> actions.Outcome | None:
    by = By.staff(account)
    if bulk.trigger == ASSIGN:
        to = find_account(session, bulk.inputs["to"], field="to") if bulk.inputs.get("to") else None
        return assign(session, request, to, by=by, clock=clock)
    return actions.perform(
        session, request, bulk.trigger, by=by, clock=clock, inputs=bulk.inputs, key=f"bulk {bulk.id}.{position}"
    )


def _claim(session: Session, bulk: Bulk, position: int) -> BulkLine | None:
    """The line, if its turn is now; another who works on the same bulk has taken it otherwise."""
    mine = sa.select(BulkLine).where(
        BulkLine.bulk_id == bulk.id, BulkLine.position == position, BulkLine.sentence.is_(None)
    )
    return session.scalar(mine.with_for_update(skip_locked=True))
