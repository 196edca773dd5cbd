"""What the API answers and takes, in the words of the pages."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ill_workflow.requests.fields import LONGEST_CODE
from ill_workflow.requests.intake import SERVICES
from ill_workflow.wire_settings import ABOUT

LARGEST_ID = 2**31 - 1
Side = Literal["borrowing", "lending"]
Told = Literal["phone", "mail", "paper"]
assert SERVICES == ("loan", "copy")


class Shown(BaseModel):
    """Something that the API answers."""

    model_config = ConfigDict(frozen=True)


class Given(BaseModel):
    """Something that it takes: of exactly this form."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LibraryShown(Shown):
    """A library at which this token is good."""

    code: str
    name: str
    role: Literal["operator", "manager"] = Field(description="As what you act there with this token.")
    time_zone: str
    today: date = Field(description="The day that it is there.")
    currency: str
    lending_suspended: bool
    href: str


class Me(Shown):
    """Who calls, and how far the token reaches."""

    account: str
    full_name: str
    token: str = Field(description="The name of the token, not the token itself.")
    scope: Literal["read", "act", "manage"]
    libraries: list[LibraryShown]


class Line(Shown):
    """A request as lists show it."""

    number: int = Field(description="By which it is addressed.")
    reference: str = Field(description="Short, printed on the slip and scanned.")
    side: Side
    state: str
    state_label: str = Field(description="What the screen calls the state.")
    attention: bool = Field(description="Whether it needs a person.")
    title: str
    author: str
    partner: str | None = Field(description="The code of the partner that is asked, or asks.")
    partner_request_id: str | None = Field(description="What the partner calls it.")
    item_barcode: str | None
    lender_due: date | None = Field(description="The day that the lender has set.")
    created_at: datetime
    version: int
    href: str


class Lines(Shown):
    """A page of a list."""

    items: list[Line]
    count: int = Field(description="How many there are in all, counted no further than 1000.")
    more: bool = Field(description="There are more than were counted.")
    next: str | None = Field(description="Where the list goes on; null at its end.")
    previous: str | None = Field(description="The page before; null at the beginning.")


class PieceShown(Shown):
    """One of several barcodes that travel as one request."""

    barcode: str
    back: bool


class Money(Shown):
    """An amount, as text so that no cent is lost."""

    currency: str
    amount: str


class TimerShown(Shown):
    """What happens by itself, and when."""

    what: str
    at: datetime


class RequestShown(Line):
    """All about one request but for what has addresses of its own."""

    service: Literal["loan", "copy"]
    isbn: str
    issn: str
    publisher: str
    year: str
    volume: str
    pages: str
    article_title: str
    need_by: date | None
    patron: str | None = Field(description="The patron's barcode. No more of a patron is told here.")
    patron_due: date | None = Field(description="The day that the patron was told: before the lender's.")
    due_assumed: bool = Field(description="The lender named no day: it is the usual one.")
    return_by: date | None
    temporary_barcode: str | None
    call_number: str | None
    location: str | None
    carrier: str | None
    tracking: str | None
    conditions: list[str]
    pieces: list[PieceShown]
    open_fees: list[Money]
    timers: list[TimerShown]
    links: dict[str, str] = Field(description="Its history, messages, fees, slips, mails and actions.")


class EventShown(Shown):
    """A line of history."""

    id: int
    version: int = Field(description="Of the request, after it.")
    at: datetime
    trigger: str
    label: str
    from_state: str
    to_state: str
    who: str
    actor: str = Field(description="staff, manager, partner, patron, clock or system.")
    told_by: Told | None = Field(description="How staff heard what they recorded for a partner.")
    said: dict[str, Any] = Field(description="What came along: reasons, dates, barcodes.")
    undone: bool = Field(description="Whether it was taken back since.")


class History(Shown):
    """What happened to a request, the oldest first."""

    items: list[EventShown]


class ExchangeShown(Shown):
    """One try to say a message, or one call of a partner, with its answer."""

    number: int
    at: datetime
    peer: str = Field(description="The address of whoever called, or the URL that was called.")
    http_status: int | None = Field(description="None: no answer came.")
    took_ms: int | None
    outcome: Literal["well", "refused", "not confirmed"]
    error: str = Field(description="The typed error of the confirmation, or what went wrong instead.")
    forgiven: list[str] = Field(description="What was wrong with it, and was understood.")
    said: str | None = Field(
        description="The XML of the message, without security codes, accounts and patrons. Only where it is asked for."
    )
    answered: str | None = Field(description="The XML of the answer. Only where it is asked for.")


class MessageShown(Shown):
    """What was said to a partner, or by one."""

    id: int | None = Field(description="None: it is promised and not said yet, or was refused before it was one.")
    at: datetime
    way: Literal["in", "out"]
    what: str = Field(description="Its kind, in the words of ISO 18626.")
    transport: str
    outcome: str
    fate: Literal["waiting", "being sent", "sent", "confirmed", "refused", "given up", "uncertain", "received"] = Field(
        description="What became of it."
    )
    why: str = Field(description="Why it was refused, given up, or has to wait.")
    tries: int = Field(description="How often it was sent, or begun to be.")
    needs_a_person: bool
    exchanges: list[ExchangeShown] = Field(description="How it went over the wire. Kept for a while.")


class Messages(Shown):
    """The messages of a request, the oldest first; at the end what waits to be said."""

    items: list[MessageShown]


class LedgerLineShown(Shown):
    """A line of the ledger. Lines are added and never changed."""

    id: int
    at: datetime
    sign: Literal["charge", "payment", "waiver", "reversal"]
    kind: str
    currency: str
    amount: str
    provisional: bool
    note: str


class Fees(Shown):
    """What is open, and how that came about."""

    open: list[Money]
    lines: list[LedgerLineShown]


class SlipShown(Shown):
    """A slip: promised, drawn, printed."""

    number: int
    layout: str
    at: datetime
    ready: bool = Field(description="Whether it is drawn. The PDF is at `href` from then on.")
    printed_at: datetime | None
    href: str


class Slips(Shown):
    """The slips of a request, the oldest first."""

    items: list[SlipShown]


class MailShown(Shown):
    """A mail and what became of it. Its text and address are not told here."""

    number: int
    to: str = Field(description="patron, staff, slip (who printed it) or partner.")
    letter: str
    subject: str
    at: datetime
    fate: str = Field(description="waiting, sent, uncertain, refused, given up, withdrawn, skipped or no address.")
    fate_at: datetime | None
    needs_a_person: bool


class Mails(Shown):
    """The mails about a request, the latest first."""

    items: list[MailShown]


class ActionShown(Shown):
    """An action: whether it is possible now, why not, and what it asks for."""

    trigger: str
    label: str
    possible: bool = Field(description="What depends on inputs that are still to be given counts as possible.")
    why_not: str = Field(description="Empty where it is possible.")
    primary: bool = Field(description="What usually comes next.")
    told_by: Literal["no", "may", "must"] = Field(
        description="Whether it is something that the partner says: then `told_by` names how you heard it."
    )
    inputs: dict[str, Any] = Field(description="A JSON Schema of its inputs, as the present state allows them.")
    href: str


class UndoShown(Shown):
    """What can be taken back."""

    possible: bool
    label: str = Field(description="Of what would be taken back.")
    why_not: str
    href: str


class Actions(Shown):
    """Everything that can ever be done with a request of its side: what usually comes next is first."""

    version: int = Field(description="Send it along, and nothing happens where somebody was faster.")
    items: list[ActionShown]
    undo: UndoShown


class OutcomeShown(Shown):
    """What an action did."""

    number: int
    reference: str
    trigger: str
    label: str
    from_state: str
    to_state: str
    state_label: str = Field(description="What the screen calls the state that it is in now.")
    version: int = Field(description="Of the request, after it.")
    event: int = Field(description="The line of history.")
    repeated: bool = Field(description="The same key came before: this is the answer that it got then.")
    sentence: str
    href: str


class ActionGiven(Given):
    """What comes along with an action."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    version: int | None = Field(
        default=None, ge=1, le=LARGEST_ID,
        description="The version that you saw: where somebody was faster, nothing is done. `If-Match` does the same.",
    )  # fmt: skip
    told_by: Told | None = Field(
        default=None, description="How you heard what you record for the partner: by phone, mail or on paper."
    )


class NoteGiven(Given):
    """A note: for the staff of this library, or to the partner."""

    note: str = Field(min_length=1, max_length=2000)
    to_partner: bool = Field(default=False, description="Send it to the partner as a message.")


class ScanGiven(Given):
    """A code that was scanned, and the answer to what an earlier scan asked."""

    code: str = Field(min_length=1, max_length=LONGEST_CODE)
    checked: bool = Field(default=False, description="The item was looked over: borrowed items need that.")
    choose: str | None = Field(default=None, max_length=32, description="One of `choices` of the answer before.")
    side: Side | None = None
    reference: str | None = Field(default=None, max_length=32)
    item: str | None = Field(
        default=None, max_length=LONGEST_CODE, description="The item's barcode, after its slip was scanned to ship it."
    )
    look: bool = Field(default=False, description="Answer with the checklist where an arrival is not `checked` yet.")


class CandidateShown(Shown):
    """One of several requests that a code may mean."""

    side: Side
    reference: str
    title: str
    state_label: str


class ChecklistShown(Shown):
    """What should be in a parcel, and what the lender wants."""

    title: str
    author: str
    volume: str
    partner: str
    hold_code: str = Field(description="What stands on the hold shelf instead of the patron's name.")
    lender_due: date | None
    patron_due: date | None
    due_assumed: bool
    pieces: list[str]
    to_come: list[str]
    conditions: list[str]
    no_renewals: bool
    wanted_back: bool


class ScanShown(Shown):
    """What the scan did; or what it could mean, to be asked again with `choose`, `side` or `reference`."""

    reference: str
    sentence: str
    done: bool
    outcome: OutcomeShown | None
    again: bool = Field(description="It was done a moment ago, and nothing was done now.")
    wants_item: bool = Field(description="The slip was scanned; now the item: send its barcode as `item`.")
    checklist: ChecklistShown | None = Field(description="What to look at before it counts as received.")
    choices: list[str]
    candidates: list[CandidateShown]


class PatronGiven(Given):
    """Who wants it. What is named anew replaces what was known."""

    barcode: str = Field(min_length=1, max_length=64)
    name: str = Field(default="", max_length=200)
    email: str = Field(default="", max_length=254)
    pickup_location: str = Field(default="", max_length=200)


class NewGiven(Given):
    """What both kinds of new requests tell."""

    fields: dict[str, str] = Field(description="What is wanted: a title at least.")
    service: Literal["loan", "copy"] = "loan"
    note: str = Field(default="", max_length=2000, description="For the partner.")


class NewBorrowing(NewGiven):
    """A patron of ours wants something."""

    side: Literal["borrowing"]
    patron: PatronGiven | None = None
    partners: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=100, description="Whom to ask, in order: codes of partners."
    )


class NewLending(NewGiven):
    """A partner wants something of ours, and asks by phone, on paper or in a plain mail."""

    side: Literal["lending"]
    partner: str = Field(min_length=1, max_length=64, description="The code of the partner that asks.")
    partner_request_id: str = Field(default="", max_length=255, description="What the partner calls it.")


class Created(Shown):
    """A new request."""

    number: int
    reference: str
    side: Side
    state: str
    state_label: str
    version: int
    repeated: bool = Field(description="The same key came before: this is the answer that it got then.")
    href: str


class WireShown(Shown):
    """How a partner speaks ISO 18626, as it holds: what was agreed, else what is usual with its vendor. No secrets."""

    vendor: str = Field(description=ABOUT["vendor"])
    address: str = Field(description=ABOUT["address"])
    plain_http: bool = Field(description=ABOUT["plain_http"])
    edition: str = Field(description=ABOUT["edition"])
    agency_type: str = Field(description=ABOUT["agency_type"])
    agency: str = Field(description=ABOUT["agency"])
    our_agency_type: str = Field(description=ABOUT["our_agency_type"])
    our_agency: str = Field(description=ABOUT["our_agency"])
    shows_itself: str = Field(description=ABOUT["shows_itself"])
    account: str = Field(description=ABOUT["account"])
    peer_addresses: list[str] = Field(description=ABOUT["peer_addresses"])
    our_account: str = Field(description=ABOUT["our_account"])
    marks: bool = Field(description=ABOUT["marks"])
    broker: bool = Field(description=ABOUT["broker"])
    id_suffix: bool = Field(description=ABOUT["id_suffix"])
    patron: str = Field(description=ABOUT["patron"])
    answer_after_ms: int = Field(description=ABOUT["answer_after_ms"])
    patience_seconds: int = Field(description=ABOUT["patience_seconds"])


class PartnerShown(Shown):
    """A partner in the library's list."""

    code: str
    name: str
    status: Literal["active", "suspended"]
    transport: str
    delivery_code: str
    delivery_method: str
    shipping_address: str
    return_address: str
    currency: str
    hub: str | None = Field(description="The code of the hub through which things travel to it.")
    loan_days: int = Field(description="For how many days it is lent to.")
    iso18626: WireShown | None = Field(description="How it speaks ISO 18626; null: it is spoken to by other ways.")


class Partners(Shown):
    """The partners of a library, by code."""

    items: list[PartnerShown]
    next: str | None


class ClosedDay(Shown):
    """A day on which the library, or one of its partners, does not work."""

    day: date
    partner: str | None = Field(description="The code of the partner; null: the library itself.")
    reason: str


class ClosedDays(Shown):
    """Days to come on which somebody is closed, the next first."""

    items: list[ClosedDay]


class FeedLine(Shown):
    """Something that happened to a request of the library."""

    id: int
    at: datetime
    number: int
    reference: str
    side: Side
    version: int
    trigger: str
    label: str
    from_state: str
    to_state: str
    who: str
    href: str


class Feed(Shown):
    """What happened, the oldest first, each line once."""

    items: list[FeedLine]
    next: str = Field(description="Where to ask for what comes after. Always there.")
    more: bool = Field(description="Whether to ask at once: there is more already.")


class TodayLine(Shown):
    """A request that needs somebody, and why."""

    why: str = Field(description="A state, or the occasion of which staff were alerted.")
    until: datetime | None = Field(description="When the clock will do something about it.")
    next_action: str | None = Field(description="What usually comes next, as `take_action` takes it.")
    open_fees: list[Money]
    request: Line


class FailureShown(Shown):
    """A message, mail or other work that was given up, or of which nobody knows whether it arrived."""

    what: str
    argument: str
    at: datetime
    request: str | None = Field(description="The address of the request, where it is about one.")
    reference: str


class TodaySection(Shown):
    """What is of one kind: the first of it, and how much there is."""

    name: str
    title: str
    can_wait: bool
    count: int
    more: bool = Field(description="There is more than was counted.")
    lines: list[TodayLine]
    failures: list[FailureShown]


class TodayShown(Shown):
    """What needs somebody at the library, the most urgent first."""

    quiet: bool = Field(description="Whether nothing is there that can't wait.")
    sections: list[TodaySection]


class JobShown(Shown):
    """A periodic job and its last run."""

    name: str
    every_seconds: int
    does: str
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_outcome: str


class Jobs(Shown):
    """The periodic jobs of the installation."""

    items: list[JobShown]


class Health(Shown):
    """Whether promised work is done."""

    workers: list[str] = Field(description="Those that have given a sign of life in the last seconds.")
    waiting: dict[str, int] = Field(description="How much promised work waits, by kind.")
    oldest_seconds: float | None = Field(description="For how long the oldest has waited.")
    needs_attention: int = Field(description="At your libraries: work that was given up, or may not have arrived.")
    paused: list[str] = Field(description="Destinations that can't be reached at present.")


class CopyKept(Shown):
    """A copy that is kept for a while."""

    file: str = Field(description="The name by which `deliver_copy` is told of it.")
