"""Today: what needs a person of this library, the most urgent first, with the reason and what usually comes next.

What is shown is read from the tables: the states that need attention, the timers that end a request, the primary rows,
and the alerts that rows bring. Only the order of the sections is decided here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, Role
from ill_workflow.clock import Clock
from ill_workflow.fees import LedgerLine
from ill_workflow.libraries import Library
from ill_workflow.outbox import NEEDS_A_PERSON, EffectRow
from ill_workflow.requests.models import BORROWING, LENDING, Bulk, MailRow, Request
from ill_workflow.requests.next_step import next_step
from ill_workflow.requests.worklists import MOST, Filter, Place, Row, first_of, rows_of
from ill_workflow.timers import TimerRow
from state_machines.declaration import MANAGER, STAFF, Action, Actor, Lifecycle

#: How many lines a section shows before it only counts; and one that can wait, or has a page of its own.
SHOWN, SHOWN_QUIETLY = 10, 5
#: For how long a mail that had no address is shown.
UNADDRESSED = timedelta(days=14)


@dataclass(frozen=True)
class Kind:
    """A section: which states stand in it, by half, in the words of the tables."""

    name: str
    title: str
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "age"
    quiet: bool = False  #: it can wait


FAILED = Kind("failed", "Failed messages and mails")
EXPIRING = Kind("expiring", "Ends today unless somebody acts")
NEWS = Kind("news", "News nobody has looked at")
OTHERS = Kind("others", "Needs a person")
#: Most urgent first. An attention state that is named nowhere stands in OTHERS.
KINDS = (
    FAILED,
    EXPIRING,
    Kind("cancel", "Cancel requests", {LENDING: ("cancel_requested",)}),
    Kind(
        "answers", "Waiting for our answer",
        {LENDING: ("renewal_requested",), BORROWING: ("conditional", "retry_offered", "needs_review")},
    ),
    Kind("new", "New to pull", {LENDING: ("new",)}),
    Kind("overdue", "Overdue, the longest first", {LENDING: ("overdue",), BORROWING: ("overdue",)}, sort="due"),
    Kind("recalled", "The lender wants it back", {BORROWING: ("recalled",)}, sort="due"),
    Kind("losses", "Lost and damaged", {LENDING: ("lost", "damaged"), BORROWING: ("lost",)}),
    OTHERS,
    NEWS,
    Kind(
        "to_send", "To send",
        {LENDING: ("will_supply", "being_processed"), BORROWING: ("created", "return_in_transit")}, quiet=True,
    ),
    Kind("arrivals", "Arrivals", {BORROWING: ("INBOUND", "received"), LENDING: ("BACK",)}, quiet=True),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing that needs somebody."""

    row: Row
    why: str  #: an occasion of which staff are alerted, or else a state
    until: datetime | None  #: when the clock will do something about it
    action: Action | None  #: what usually comes next
    open_fees: Mapping[str, Decimal] = field(default_factory=dict)  #: by currency


@dataclass(frozen=True)
class Failure:
    """Work that was given up or is uncertain, or a mail that had no address."""

    what: str  #: the kind of work, or `mail`
    argument: str
    why: str
    at: datetime
    request_id: int | None
    reference: str
    effect_id: int | None = None  #: what can be tried again


@dataclass(frozen=True)
class Section:
    """What is of one kind: the first of it, and how much there is."""

    kind: Kind
    lines: tuple[Line, ...] = ()
    failures: tuple[Failure, ...] = ()
    count: int = 0
    more: bool = False
    lists: tuple[tuple[str, Filter, int], ...] = ()  #: half, filter, how many: where all of it is


@dataclass(frozen=True)
class Day:
    """All that is to be done."""

    sections: tuple[Section, ...]
    unfinished: tuple[Bulk, ...] = ()  #: of this person

    @property
    def is_quiet(self) -> bool:
        return all(section.kind.quiet for section in self.sections) and not self.unfinished


def today(session: Session, library: Library, account: Account, role: Role, clock: Clock, *, mine: bool = False) -> Day:
    """What needs this person. `mine`: only what is assigned to them."""
    now = clock.now()
    look = _Look(session, library, account, role, now, mine)
    drafts = [draft for kind in KINDS if (draft := look.at(kind)).count]
    unfinished = sa.select(Bulk).where(
        Bulk.library_id == library.id, Bulk.account_id == account.id, Bulk.done_at.is_(None)
    )
    return Day(tuple(look.written(drafts)), tuple(session.scalars(unfinished.order_by(Bulk.id).limit(SHOWN))))


def expiring(lifecycle: Lifecycle) -> dict[str, tuple[str, ...]]:
    """The timers that end a request without anybody's doing, and the states in which they do."""
    found: dict[str, tuple[str, ...]] = {}
    for state, names in lifecycle.timers.items():
        for name in names:
            rows = lifecycle.firing(name, state)
            if rows and rows[0].fires_if is None and all(t.dest in lifecycle.terminal for t in rows[0].targets):
                found[name] = (*found.get(name, ()), state)
    return found


def unnamed(side: str, lifecycle: Lifecycle) -> tuple[str, ...]:
    """The states that need attention and that no section names."""
    named = {s for kind in KINDS for s in lifecycle.expand(kind.states.get(side, ()))}
    return tuple(s.name for s in lifecycle.states if s.attention and s.name not in named)


class _Look:
    """One look at all kinds: what is shown in one section is in no later one."""

    def __init__(
        self, session: Session, library: Library, account: Account, role: Role, now: datetime, mine: bool
    ) -> None:
        self.session, self.library, self.now, self.mine = session, library, now, mine
        day = library.today(now)
        self.places = [Place(library, side, day, account.id) for side in (LENDING, BORROWING)]
        self.actors: frozenset[Actor] = frozenset({STAFF, MANAGER} if role == Role.MANAGER else {STAFF})
        self.tomorrow = datetime.combine(day + timedelta(days=1), time(), tzinfo=library.zone)
        self.seen: set[int] = set()

    def at(self, kind: Kind) -> "_Draft":
        """Which requests are of a kind, and how many."""
        if kind == FAILED:
            return _Draft(self._failed())
        if kind in (EXPIRING, NEWS):
            find = self._expiring if kind == EXPIRING else self._news
            return self._draft(kind, [find(place) for place in self.places])
        found = []
        for place in self.places:
            states = unnamed(place.side, place.lifecycle) if kind == OTHERS else kind.states.get(place.side, ())
            if states:
                found.append(self._in(place, kind, states))
        return self._draft(kind, found)

    def written(self, drafts: "Sequence[_Draft]") -> Iterator[Section]:
        """The sections with their lines: what they show is read at once, and not section by section."""
        rows: dict[int, Row] = {}
        for place in self.places:
            numbers = [n for draft in drafts for some in draft.found if some.place == place for n in some.numbers]
            rows |= {row.number: row for row in rows_of(self.session, place, numbers)}
        until, fees = _until(self.session, list(rows)), _open_fees(self.session, _lost(rows.values()))
        for draft in drafts:
            lines = []
            for row in (rows[number] for some in draft.found for number in some.numbers):
                action = next_step(row.request, self.actors, self.library, self.now)
                why = row.request.alert or row.request.state
                lines.append(Line(row, why, until.get(row.number), action, fees.get(row.number, {})))
            yield replace(draft.section, lines=tuple(lines))

    def _in(self, place: Place, kind: Kind, states: tuple[str, ...]) -> "_Some":
        wanted = Filter(states=states, sort=kind.sort, assigned="me" if self.mine else "")
        fresh = replace(wanted, without=tuple(sorted(self.seen)))
        return _Some(place, wanted, *first_of(self.session, place, fresh, _most(kind)))

    def _expiring(self, place: Place) -> "_Some":
        names = expiring(place.lifecycle)
        states = sorted({state for found in names.values() for state in found})
        due = (
            sa.select(TimerRow.request_id)
            .join(Request, Request.id == TimerRow.request_id)
            .where(
                TimerRow.due_at <= self.tomorrow, TimerRow.name.in_(names), Request.library_id == self.library.id,
                Request.side == place.side, Request.state.in_(states), *self._whose(place),
            )
            .order_by(TimerRow.due_at, TimerRow.id)
            .limit(MOST + 1)
        )  # fmt: skip
        return self._some(place, Filter(states=tuple(states)), list(self.session.scalars(due)))

    def _news(self, place: Place) -> "_Some":
        mine = (Request.library_id == self.library.id) & (Request.side == place.side) & Request.alert_at.is_not(None)
        rows = sa.select(Request.id).where(mine, *self._whose(place)).order_by(Request.alert_at).limit(MOST + 1)
        return self._some(place, Filter(states=("any",), attention=True), list(self.session.scalars(rows)))

    def _whose(self, place: Place) -> tuple[sa.ColumnElement[bool], ...]:
        return (Request.assigned_to_id == place.account_id,) if self.mine else ()

    def _some(self, place: Place, wanted: Filter, numbers: Sequence[int]) -> "_Some":
        fresh = [number for number in dict.fromkeys(numbers[:MOST]) if number not in self.seen]
        mine = replace(wanted, assigned="me" if self.mine else "")
        return _Some(place, mine, fresh[:SHOWN], len(fresh), len(numbers) > MOST)

    def _draft(self, kind: Kind, found: "Sequence[_Some]") -> "_Draft":
        self.seen |= {number for some in found for number in some.numbers}
        lists = tuple((some.place.side, some.wanted, some.count) for some in found if some.count)
        count, more = sum(some.count for some in found), any(some.more for some in found)
        return _Draft(Section(kind, count=count, more=more, lists=lists), found)

    def _failed(self) -> Section:
        # Written into the statement, in the words of the index that serves it.
        given_up = EffectRow.status.in_(sa.bindparam("needs", NEEDS_A_PERSON, expanding=True, literal_execute=True))
        stuck = sa.select(EffectRow).where(EffectRow.library_id == self.library.id, given_up)
        work = list(self.session.scalars(stuck.order_by(EffectRow.id).limit(MOST + 1)))
        unaddressed = sa.select(MailRow).where(
            MailRow.library_id == self.library.id, MailRow.fate == sa.literal("no_address", literal_execute=True),
            MailRow.at > self.now - UNADDRESSED, MailRow.reader != "staff",
        )  # fmt: skip
        mails = list(self.session.scalars(unaddressed.order_by(MailRow.at.desc()).limit(MOST + 1)))
        named = [number for w in work[:SHOWN_QUIETLY] if (number := w.request_id)]
        named += [number for m in mails[:SHOWN_QUIETLY] if (number := m.request_id)]
        rows = sa.select(Request.id, Request.reference).where(Request.id.in_(named))
        references = {row.id: row.reference for row in self.session.execute(rows)}
        failures = [
            Failure(
                work_.kind, work_.argument, work_.last_error or "", work_.created_at, work_.request_id,
                references.get(work_.request_id or 0, ""), work_.id,
            )
            for work_ in work[:SHOWN_QUIETLY]
        ]  # fmt: skip
        failures += [
            Failure("mail", mail.name, mail.subject, mail.at, mail.request_id, references.get(mail.request_id or 0, ""))
            for mail in mails[:SHOWN_QUIETLY]
        ]
        count, more = len(work) + len(mails), len(work) > MOST or len(mails) > MOST
        return Section(FAILED, failures=tuple(failures), count=min(count, MOST), more=more)


@dataclass(frozen=True)
class _Some:
    """What is of a kind in one half: the first of it by number, and how much there is."""

    place: Place
    wanted: Filter
    numbers: Sequence[int]
    count: int
    more: bool


@dataclass(frozen=True)
class _Draft:
    section: Section
    found: Sequence[_Some] = ()

    @property
    def count(self) -> int:
        return self.section.count


def _most(kind: Kind) -> int:
    return SHOWN_QUIETLY if kind.quiet else SHOWN


def _lost(rows: Iterable[Row]) -> list[int]:
    return [row.number for row in rows if row.request.state in ("lost", "damaged")]


def _until(session: Session, numbers: Sequence[int]) -> dict[int, datetime]:
    """When the clock will next do something with each."""
    if not numbers:
        return {}
    first = sa.select(TimerRow.request_id, sa.func.min(TimerRow.due_at).label("at"))
    first = first.where(TimerRow.request_id.in_(numbers)).group_by(TimerRow.request_id)
    return {row.request_id: row.at for row in session.execute(first)}


def _open_fees(session: Session, numbers: Sequence[int]) -> dict[int, dict[str, Decimal]]:
    found: dict[int, dict[str, Decimal]] = {}
    if numbers:
        for line in session.scalars(sa.select(LedgerLine).where(LedgerLine.request_id.in_(numbers))):
            sums = found.setdefault(line.request_id, {})
            sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.signed
    return {number: {c: amount for c, amount in sums.items() if amount > 0} for number, sums in found.items()}
