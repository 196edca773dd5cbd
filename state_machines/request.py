"""What a lifecycle knows of a request and of the world around it: plain values, handed to it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo


class Request(Protocol):
    """The part of a request that a lifecycle reads and writes. Days are days at the request's library."""

    side: str  #: "borrowing" or "lending"
    reference: str  #: what people call it, and scan
    state: str
    previous_state: str | None  #: the last state that was not an interruption (`Lifecycle.passing`)
    state_since: datetime
    service: str  #: "loan" or "copy"
    on_paper: bool  #: a copy that travels on paper
    need_by: date | None
    expected_by: date | None  #: the day the partner named for its shipment
    reply_by: date | None  #: until when a condition wants an answer
    not_before: date | None  #: a retry makes no sense before this day
    lender_due: date | None
    due_before_recall: date | None  #: what a recall moved forward, for the case that it is lifted
    due_assumed: bool  #: the partner named no day; the usual term stands in
    patron_due: date | None
    return_by: date | None  #: the day by which a recall wants the item back
    notice_level: int  #: overdue notices sent for the present due date
    renewals: int
    renewal_asked: bool  #: a renewal waits for its answer
    ends_unfilled: bool  #: the cancel under way was ours, because the need-by date has passed
    kept_recall: bool  #: a recall arrived before the item did
    kept_overdue: bool  #: an overdue notice arrived before the item did
    rota_position: int
    attempt: int  #: how often this request was sent; the suffix of the id on the wire
    item_barcode: str | None
    piece_count: int | None  #: as told before the pieces were named
    temporary_barcode: str | None
    call_number: str | None
    location: str | None
    carrier: str | None
    tracking: str | None
    parcel_to: str | None  #: where the partner wants the parcel, if it named a place of its own for this item
    conditions: list[str]
    cost: Decimal | None
    offered_reason: str | None  #: why it can't be supplied: what Reject is offered, and what was said in the end
    completed_by_us: bool  #: completed without a word of the partner
    loan_seen: bool  #: the item has been here, or was sent by us


#: The fields that a step may write, and an undo puts back.
WRITTEN = tuple(name for name in Request.__annotations__ if name not in ("side", "reference"))


@dataclass(frozen=True)
class Calendar:
    """When somebody works. `working_days` are seven digits 0 or 1, Monday first."""

    working_days: str = "1111100"
    closed: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Terms:
    """What was agreed with a partner. Periods are in days; `respond_days` are working days of the partner."""

    loan_days: int = 28
    renewals: int = 1
    renewal_days: int = 28
    respond_days: int = 3
    transit_days: int = 3
    ladder: tuple[int, ...] = (7, 14)  #: days after the due date on which another notice goes out
    lost_after_days: int | None = 45
    pickup_days: int = 10
    completes_itself: bool = False  #: this partner can't tell us that a loan is complete
    renews_by_itself: bool | None = None  #: True: yes by policy, False: no by policy, None: a person decides
    accepts_cancel_unshipped: bool = False
    wants_received: bool = False  #: wants to be told that its request has arrived


@dataclass(frozen=True)
class Facts:
    """The world at the moment of a transition. `now` is an instant, `today` the day at the library."""

    now: datetime
    today: date
    zone: ZoneInfo
    due_zone: ZoneInfo  #: of the library that sets the due date
    terms: Terms = field(default_factory=Terms)
    ours: Calendar = field(default_factory=Calendar)
    theirs: Calendar = field(default_factory=Calendar)
    open_fees: Decimal = Decimal(0)
    currency: str = "USD"
    next_in_rota: bool = False
    lending_suspended: bool = False
    in_pieces: bool = False  #: it travels under several barcodes
    pieces_out: int = 0  #: pieces of this request that would still be missing after this scan
    pieces_awaited: bool = False  #: the pieces that are named were to come with the others, and have not come yet
    transit_after_days: int | None = 1  #: Shipped becomes In Transit by itself after this many working days
    timer: str | None = None  #: the timer that pulls, if one does
    by_staff: bool = True  #: a person at this library pulls
    claim_days: int = 30  #: how long after its return an item can be called damaged

    @property
    def due_today(self) -> date:
        """The day that it is at the library that sets the due date."""
        return self.now.astimezone(self.due_zone).date()
