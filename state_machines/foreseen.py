"""What a partner's message does to a request of which only the state is known: told beforehand, for people to read."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from state_machines.declaration import PARTNER, SAME, Action, Lifecycle
from state_machines.machine import Step, advance, may
from state_machines.request import Facts

TODAY = date(2026, 2, 3)
#: How a request usually comes into a state that is an interruption, or an end: which state was before.
_USUALLY_BEFORE = {
    "borrowing": {
        "cancel_requested": "request_sent", "needs_review": "request_sent", "overdue": "on_loan", "recalled": "on_loan",
        "renewal_requested": "on_loan", "lost": "on_loan", "completed": "returned", "unfilled": "request_sent",
        "closed_without_return": "lost", "cancelled": "request_sent", "delivered": "request_sent",
    },
    "lending": {
        "cancel_requested": "new", "overdue": "received_by_partner", "recalled": "received_by_partner",
        "renewal_requested": "received_by_partner", "lost": "received_by_partner", "damaged": "returned_by_partner",
        "closed_without_return": "lost", "completed": "returned_by_partner",
    },
}  # fmt: skip


@dataclass
class Imagined:
    """A request that is in a state, as it usually is then."""

    side: str
    state: str
    reference: str = "XPX-1001"
    previous_state: str | None = None
    state_since: datetime = datetime(2026, 2, 2, tzinfo=UTC)
    service: str = "loan"
    on_paper: bool = False
    need_by: date | None = None
    expected_by: date | None = None
    reply_by: date | None = None
    not_before: date | None = None
    lender_due: date | None = None
    due_before_recall: date | None = None
    due_assumed: bool = False
    patron_due: date | None = None
    return_by: date | None = None
    notice_level: int = 0
    renewals: int = 0
    renewal_asked: bool = False
    ends_unfilled: bool = False
    kept_recall: bool = False
    kept_overdue: bool = False
    rota_position: int = 1
    attempt: int = 1
    item_barcode: str | None = None
    piece_count: int | None = None
    temporary_barcode: str | None = None
    call_number: str | None = None
    location: str | None = None
    carrier: str | None = None
    tracking: str | None = None
    parcel_to: str | None = None
    conditions: list[str] = field(default_factory=list)
    cost: Decimal | None = None
    offered_reason: str | None = None
    completed_by_us: bool = False
    loan_seen: bool = False


def imagine(lifecycle: Lifecycle, state: str) -> Imagined:
    """A request of which no more is known than its state."""
    request = Imagined(lifecycle.name, state, previous_state=_USUALLY_BEFORE[lifecycle.name].get(state))
    request.service = "copy" if state == "delivered" else "loan"
    request.attempt = 0 if state == "created" else 1
    request.renewal_asked = state == "renewal_requested"
    request.lender_due = TODAY - timedelta(days=1) if state == "overdue" else TODAY + timedelta(days=30)
    if state == "recalled":
        request.due_before_recall, request.return_by = request.lender_due, TODAY + timedelta(days=14)
    went_out = ("ON_LOAN", "BACK", "lost", "damaged") if lifecycle.name == "lending" else ("HELD", "GOING_BACK", "lost")
    request.loan_seen = state in lifecycle.expand(went_out)
    return request


def foresee(
    lifecycle: Lifecycle, state: str, words: tuple[str, ...], values: Mapping[str, Any], **circumstances: Any
) -> Step:
    """The step that a message brings: the first row that hears one of its words in a state and may be pulled.

    `circumstances` are facts that are otherwise than usual.
    """
    facts = Facts(**{"now": datetime(2026, 2, 3, 15, tzinfo=UTC), "today": TODAY, "zone": ZoneInfo("UTC"),
                     "due_zone": ZoneInfo("UTC"), "by_staff": False, **circumstances})  # fmt: skip
    request, by = imagine(lifecycle, state), frozenset({PARTNER})
    for row in hearers(lifecycle, state, words):
        inputs = {need.name: values[need.name] for need in row.needs if need.name in values}
        complete = all(need.name in inputs for need in row.needs if need.required)
        if complete and may(lifecycle, request, row.trigger, by=by, inputs=inputs, facts=facts):
            return advance(lifecycle, deepcopy(request), row.trigger, by=by, inputs=inputs, facts=facts)
    raise AssertionError("partner_informs hears everything in every state")


def hearers(lifecycle: Lifecycle, state: str, words: tuple[str, ...]) -> list[Action]:
    """The rows that hear one of these words in a state, in the order in which they are tried."""
    rows: list[Action] = []
    for word in words:
        rows += [row for row in lifecycle.hearers(word, state) if row not in rows]
    return rows + [row for row in lifecycle.rows("partner_informs") if row not in rows]


def moves(lifecycle: Lifecycle, state: str, words: tuple[str, ...]) -> bool:
    """Whether the rows that hear these words may all lead on from a state."""
    heard = [row for word in words for row in lifecycle.hearers(word, state)]
    return all(any(target.dest not in (SAME, state) for target in row.targets) for row in heard)
