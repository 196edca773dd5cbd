"""The requests of one half at a library, as staff work through them: filtered, searched, in order, page by page.

Each state of the lifecycle has its own stretch of every index, which is read in order from where the page begins;
the stretches are merged. So a page costs what it shows, however many requests there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from ill_workflow.errors import BadInput
from ill_workflow.libraries import Library
from ill_workflow.requests.facts import lifecycle_of_side
from ill_workflow.requests.findable import LAST, wanted_words
from ill_workflow.requests.models import NO_DAY, Request, RequestWord, Slip
from state_machines.declaration import Lifecycle

PAGE = 50
#: A count goes no further, and a search finds no more.
MOST = 1000
#: No request has a number like this.
LARGEST = 2**31
#: Words of a search that count.
MOST_WORDS = 8
#: Days that are called this week.
WEEK = timedelta(days=7)
#: What the columns are put in order by, and what they are called.
SORTS = {"due": "Due date", "age": "Age", "title": "Title", "partner": "Partner", "status": "Status"}
DUES = {
    "overdue": "Overdue",
    "today": "Due today",
    "week": "Due within a week",
    "later": "Due later",
    "none": "No due date",
}
ASSIGNED = {"me": "Assigned to me", "nobody": "Assigned to nobody", "somebody": "Assigned to somebody"}
UNDER_WAY, ANY = "not_terminal", "any"


@dataclass(frozen=True)
class Filter:
    """Which requests are wanted, and in which order. Empty: whatever is under way, by its due date."""

    states: tuple[str, ...] = ()  #: states or groups of the table, `not_terminal` or `any`
    partner_id: int | None = None  #: one of this library's
    due: str = ""  #: one of DUES
    printed: bool | None = None  #: whether a slip of it is on paper
    assigned: str = ""  #: one of ASSIGNED
    location: str = ""
    attention: bool = False  #: what needs a person
    search: str = ""
    sort: str = "due"
    descending: bool = False
    without: tuple[int, ...] = ()  #: a few requests that are left out


@dataclass(frozen=True)
class Place:
    """For whom a list is made: `today` is the day at the library."""

    library: Library
    side: str
    today: date
    account_id: int | None = None

    @property
    def lifecycle(self) -> Lifecycle:
        return lifecycle_of_side(self.side)


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    request: Request
    state_label: str
    attention: bool
    printed: bool
    late: bool

    @property
    def number(self) -> int:
        return self.request.id


@dataclass(frozen=True)
class Page:
    """One page of a list. `newer` and `older` are cursors to the page before and behind; empty where there is none."""

    rows: tuple[Row, ...]
    count: int
    more: bool  #: there are more than were counted
    before: str = ""
    after: str = ""


def page_of(session: Session, place: Place, wanted: Filter, *, after: str = "", before: str = "") -> Page:
    """One page: the first, or the one behind or before a cursor. Raises BadInput for what can't be wanted."""
    check(place, wanted)
    found = _candidates(session, place, wanted)
    ids = _numbers(session, place, wanted, found, after=after, before=before, most=PAGE + 1)
    further, shown = len(ids) > PAGE, ids[:PAGE]
    if before:
        shown = shown[::-1]
    rows = rows_of(session, place, [number for number, _ in shown])
    count, more = count_of(session, place, wanted, found)
    first, last = (_cursor(shown[0]), _cursor(shown[-1])) if shown else ("", "")
    return Page(
        tuple(rows), count, more,
        before=first if (further if before else after) else "", after=last if (before or further) and shown else "",
    )  # fmt: skip


def numbers_of(session: Session, place: Place, wanted: Filter, most: int) -> list[int]:
    """The first of the requests that fit, in order."""
    check(place, wanted)
    found = _candidates(session, place, wanted)
    return [number for number, _ in _numbers(session, place, wanted, found, most=most)]


def all_of(session: Session, place: Place, wanted: Filter, batch: int = 500) -> Iterator[Row]:
    """Every request that fits, a few hundred in memory at a time."""
    check(place, wanted)
    found, after = _candidates(session, place, wanted), ""
    while ids := _numbers(session, place, wanted, found, after=after, most=batch):
        yield from rows_of(session, place, [number for number, _ in ids])
        after = _cursor(ids[-1])
        session.expunge_all()


def first_of(session: Session, place: Place, wanted: Filter, most: int) -> tuple[list[int], int, bool]:
    """The numbers of the first few, how many there are, and whether there are more than were counted."""
    found = _candidates(session, place, wanted)
    ids = [number for number, _ in _numbers(session, place, wanted, found, most=most + 1)]
    if len(ids) <= most:
        return ids, len(ids), False
    return ids[:most], *count_of(session, place, wanted, found)


def count_of(session: Session, place: Place, wanted: Filter, found: "Found | None" = None) -> tuple[int, bool]:
    """How many fit, counted no further than MOST; and whether there are more."""
    found = found or _candidates(session, place, wanted)
    branches = [branch.limit(MOST + 1).subquery() for branch, _ in _branches(place, wanted, found)]
    if not branches:
        return 0, found.more
    counted = sa.select(sa.func.count()).select_from(_together(branches).limit(MOST + 1).subquery())
    number = session.scalar(counted) or 0
    return min(number, MOST), number > MOST or found.more


def check(place: Place, wanted: Filter) -> None:
    """Raises BadInput naming the field."""
    lifecycle = place.lifecycle
    known = {UNDER_WAY, ANY, *lifecycle.groups, *(state.name for state in lifecycle.states)}
    for field, given, choices in (
        ("sort", wanted.sort, SORTS),
        ("due", wanted.due, {"", *DUES}),
        ("assigned", wanted.assigned, {"", *ASSIGNED}),
        *(("status", state, known) for state in wanted.states),
    ):
        if given not in choices:
            raise BadInput(
                f"{given[:40]!r} is not possible. Choose one of: {', '.join(sorted(filter(None, choices)))}.",
                field=field,
            )


def states_of(place: Place, wanted: Filter) -> tuple[str, ...]:
    """The states that are meant, in the order of the table."""
    return place.lifecycle.expand(wanted.states or (UNDER_WAY,))


def overdue_view(place: Place) -> Filter:
    """Loans whose return is delayed, the longest first."""
    groups = tuple(name for name, members in place.lifecycle.groups.items() if "overdue" in members)
    return Filter(states=groups, due="overdue")


def locations(session: Session, place: Place, most: int = 200) -> list[str]:
    """The shelf locations of what has to be fetched: of all that a slip can be printed for."""
    rows_that_fetch = [row for row in place.lifecycle.actions if row.trigger == "print_slip"]
    fetched = {state for row in rows_that_fetch for state in place.lifecycle.sources(row)}
    mine = (Request.library_id == place.library.id) & (Request.side == place.side) & Request.state.in_(sorted(fetched))
    rows = sa.select(Request.location).where(mine, Request.location.is_not(None), Request.location != "").distinct()
    return sorted(session.scalars(rows.limit(most)))


@dataclass(frozen=True)
class Found:
    """Requests that were looked up beforehand: by words, or because staff were alerted of them. None: not asked for."""

    ids: tuple[int, ...] | None = None
    alerted: tuple[int, ...] = ()
    more: bool = False


def _candidates(session: Session, place: Place, wanted: Filter) -> Found:
    ids, more = _by_words(session, place, wanted.search) if wanted.search.strip() else (None, False)
    alerted: tuple[int, ...] = ()
    if wanted.attention and ids is None:
        mine = (Request.library_id == place.library.id) & (Request.side == place.side) & Request.alert_at.is_not(None)
        alerted = tuple(
            session.scalars(sa.select(Request.id).where(mine).order_by(Request.alert_at.desc()).limit(MOST))
        )
    return Found(ids, alerted, more)


def _by_words(session: Session, place: Place, typed: str) -> tuple[tuple[int, ...], bool]:
    """The requests that have a word for each that was typed, and whether there are more than were looked up."""
    words = wanted_words(typed)[:MOST_WORDS]
    if not words:
        return (), False
    here = (RequestWord.library_id == place.library.id) & (RequestWord.side == place.side)
    rarest = min(words, key=lambda word: _how_many(session, here & _begins(RequestWord.word, word)))
    rows = sa.select(RequestWord.request_id).where(here, _begins(RequestWord.word, rarest))
    for word in words:
        if word != rarest:
            other = sa.orm.aliased(RequestWord)
            rows = rows.where(sa.exists().where(other.request_id == RequestWord.request_id, _begins(other.word, word)))
    # One request may have several words that begin like that.
    found = session.scalars(rows.limit(2 * MOST)).all()
    ids = tuple(dict.fromkeys(found))
    return ids[:MOST], len(found) == 2 * MOST or len(ids) > MOST


def _begins(column: Any, word: str) -> sa.ColumnElement[bool]:
    begins: sa.ColumnElement[bool] = (column >= word) & (column < word + LAST)
    return begins


def _how_many(session: Session, which: sa.ColumnElement[bool]) -> int:
    some = sa.select(sa.literal(1)).select_from(RequestWord).where(which).limit(MOST).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _numbers(
    session: Session, place: Place, wanted: Filter, found: Found, *, most: int, after: str = "", before: str = ""
) -> list[tuple[int, Any]]:
    """Number and key of the next requests behind a cursor, or of the ones before it, backwards."""
    down = wanted.descending != bool(before)
    at = _read_cursor(wanted, before or after) if before or after else None
    branches = []
    for branch, key in _branches(place, wanted, found):
        columns = (Request.id,) if isinstance(key, int) else (key, Request.id)
        if at is not None:
            if isinstance(key, int) and key != at[0]:
                if (key > at[0]) == down:
                    continue  # all of it stands on the other side
            else:
                here, there = sa.tuple_(*columns), sa.tuple_(*map(sa.literal, at[-len(columns) :]))
                branch = branch.where(here < there if down else here > there)
        branches.append(branch.order_by(*(c.desc() if down else c.asc() for c in columns)).limit(most).subquery())
    if not branches:
        return []
    rows = _together(branches).subquery()
    order = (rows.c.key.desc(), rows.c.id.desc()) if down else (rows.c.key, rows.c.id)
    page = sa.select(rows.c.id, rows.c.key).order_by(*order).limit(most)
    return [(number, key) for number, key in session.execute(page)]


def _together(branches: Sequence[Any]) -> Any:
    return sa.union_all(*(sa.select(branch.c.id, branch.c.key) for branch in branches))


def _branches(place: Place, wanted: Filter, found: Found) -> Iterator[tuple[Any, Any]]:
    """A select for each stretch of the index that is read, and by what it is in order; a number: by age alone."""
    lifecycle, states = place.lifecycle, states_of(place, wanted)
    urgent = tuple(state for state in states if lifecycle.needs_attention(state))
    if found.ids is not None:
        key = _key(lifecycle, wanted, states)
        alerted = Request.state.in_(urgent) | Request.alert_at.is_not(None)
        mine = [Request.id.in_(found.ids), Request.state.in_(states), *([alerted] if wanted.attention else [])]
        yield _select(place, wanted, key, *mine), key
        return
    for state in urgent if wanted.attention else states:
        key = _key(lifecycle, wanted, (state,))
        yield _select(place, wanted, key, Request.state == state), key
    if wanted.attention and found.alerted:
        key = _key(lifecycle, wanted, states)
        rest = Request.state.in_(state for state in states if state not in urgent)
        yield _select(place, wanted, key, Request.id.in_(found.alerted), rest), key


def _select(place: Place, wanted: Filter, key: Any, *conditions: Any) -> Any:
    shown = sa.literal_column(str(key), sa.Integer()) if isinstance(key, int) else key
    rows = sa.select(Request.id.label("id"), shown.label("key")).where(*conditions, Request.side == place.side)
    if wanted.partner_id is not None:
        # The partner is this library's alone. Without naming the library again, its own stretch is what is read.
        rows = rows.where(Request.partner_id == wanted.partner_id)
    else:
        rows = rows.where(Request.library_id == place.library.id)
    if wanted.without:
        rows = rows.where(Request.id.not_in(wanted.without))
    if wanted.due:
        rows = rows.where(*_due(wanted.due, place.today))
    if wanted.assigned:
        rows = rows.where(_assigned(wanted.assigned, place))
    if wanted.location:
        rows = rows.where(Request.location == wanted.location)
    if wanted.printed is not None:
        # Looked up for one request after the other, and not for all slips there ever were.
        on_paper = sa.select(Slip.id).where(Slip.request_id == Request.id, Slip.printed_at.is_not(None)).limit(1)
        slip = on_paper.correlate(Request).scalar_subquery()
        rows = rows.where(slip.is_not(None) if wanted.printed else slip.is_(None))
    return rows


def _key(lifecycle: Lifecycle, wanted: Filter, states: Sequence[str]) -> Any:
    match wanted.sort:
        case "due":
            return Request.due_key
        case "title":
            return Request.title_key
        case "partner":
            return Request.partner_key
        case "status":
            ranks = {state.name: rank for rank, state in enumerate(lifecycle.states)}
            if len(states) == 1:
                return ranks[states[0]]
            return sa.case({name: ranks[name] for name in states}, value=Request.state, else_=-1)
        case _:
            return 0


def _due(bucket: str, today: date) -> tuple[sa.ColumnElement[bool], ...]:
    day = Request.due_key
    match bucket:
        case "overdue":
            return (day < today,)
        case "today":
            return (day == today,)
        case "week":
            return (day >= today, day <= today + WEEK)
        case "later":
            return (day > today + WEEK, day < NO_DAY)
        case _:
            return (day == NO_DAY,)


def _assigned(whose: str, place: Place) -> sa.ColumnElement[bool]:
    match whose:
        case "me":
            return Request.assigned_to_id == place.account_id
        case "nobody":
            return Request.assigned_to_id.is_(None)
        case _:
            return Request.assigned_to_id.is_not(None)


def _cursor(at: tuple[int, Any]) -> str:
    number, key = at
    return f"{number}.{key}"


def _read_cursor(wanted: Filter, cursor: str) -> tuple[Any, int]:
    """Key and number of where a page ends. Raises BadInput."""
    number, _, key = cursor.partition(".")
    try:
        if not 0 < int(number) < LARGEST:
            raise ValueError(number)
        if wanted.sort == "due":
            return date.fromisoformat(key), _whole(number)
        return (key if wanted.sort in ("title", "partner") else _whole(key)), _whole(number)
    except ValueError:
        raise BadInput("This page of the list can't be found. Begin with the first.", field="after") from None


def _whole(digits: str) -> int:
    """A number that a database can compare."""
    if abs(number := int(digits)) >= 2**31:
        raise ValueError(digits)
    return number


def rows_of(session: Session, place: Place, numbers: Sequence[int]) -> list[Row]:
    """The lines of these requests, in this order."""
    if not numbers:
        return []
    # Looked up by their numbers: joined, a database may prefer to read all patrons there are.
    beside = (selectinload(Request.partner), selectinload(Request.patron), selectinload(Request.assigned_to))
    found = {r.id: r for r in session.scalars(sa.select(Request).where(Request.id.in_(numbers)).options(*beside))}
    printed = sa.select(Slip.request_id).where(Slip.request_id.in_(numbers), Slip.printed_at.is_not(None))
    on_paper, lifecycle = set(session.scalars(printed)), place.lifecycle
    return [
        Row(
            request, lifecycle.label(request.state),
            lifecycle.needs_attention(request.state) or request.alert is not None, number in on_paper,
            request.due_key < place.today and request.state not in lifecycle.terminal,
        )
        for number in numbers if (request := found.get(number)) is not None
    ]  # fmt: skip
