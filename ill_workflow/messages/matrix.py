"""What every message does in every state, worked out from the tables: `docs/messages.md` shows it, a test tries it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ill_workflow.messages.content import (
    AgencyId,
    BibliographicInfo,
    Costs,
    DeliveryInfo,
    Header,
    Message,
    MessageInfo,
    Request,
    RequestingAgencyMessage,
    RetryInfo,
    ServiceInfo,
    StatusInfo,
    SupplyingAgencyMessage,
)
from ill_workflow.messages.hearing import Heard, hear_borrower, hear_lender
from ill_workflow.messages.marks import ADDS_CONDITION, OURS
from state_machines.borrowing import BORROWING
from state_machines.declaration import Lifecycle
from state_machines.foreseen import foresee, moves
from state_machines.lending import LENDING

STATUSES = (
    "RequestReceived", "ExpectToSupply", "WillSupply", "Loaned", "Overdue", "Recalled", "RetryPossible", "Unfilled",
    "HoldReturn", "ReleaseHoldReturn", "CopyCompleted", "LoanCompleted", "CompletedWithoutReturn", "Cancelled",
)  # fmt: skip
ACTIONS = ("Received", "ShippedReturn", "Renew", "Cancel", "Lost", "StatusRequest", "ShippedForward", "HoldReturn")
#: Marks in the note of a Notification, with what is said besides.
LENDERS_MARKS = {
    OURS["Lost"]: "The item is lost.",
    OURS["Damaged"]: "The item is damaged.",
    OURS["Closed"]: "This request was closed.",
    ADDS_CONDITION: "In the reading room only.",
    "#ReShareSupplierAwaitingConditionConfirmation#": "",
    "#ReShareSupplierConditionsAssumedAgreed#": "",
}
BORROWERS_MARKS = {
    OURS["ConditionAccepted"]: "We accept the condition.",
    "#ReShareLoanConditionAgreeResponse#": "",
    OURS["Lost"]: "The item is lost.",
    OURS["Damaged"]: "The item is damaged.",
    OURS["Found"]: "The item was found.",
    OURS["Closed"]: "This request was closed.",
    "#ReShareUpdatedField-volume#": "2",
}
#: A day that is another than the one that was agreed, and the day by which a recall wants the item.
ANOTHER_DAY = datetime(2026, 5, 1, 23, 59, tzinfo=UTC)
RECALLED_TO = datetime(2026, 2, 16, 23, 59, tzinfo=UTC)
COSTS = Costs(currencyCode="USD", monetaryValue=Decimal("12.50"))
#: The last row of each table, which hears what no other row hears.
RECORDED = "partner_informs"


@dataclass(frozen=True)
class Cell:
    """What a message does in one state."""

    row: str = ""  #: the trigger of the row that it pulls; `create` for a request of its own; empty: refused
    becomes: str = ""  #: the state after it
    answers: tuple[str, ...] = ()  #: what we say to it after the confirmation
    seen: bool = False  #: whether staff are told
    error: str = ""  #: the standard's error, where it is refused


@dataclass(frozen=True)
class Line:
    """One message, in every state."""

    side: str  #: the half that hears it
    name: str
    make: Callable[[Header], Message] | None  #: None: an ERROR confirmation, which is no message
    cells: dict[str, Cell] = field(hash=False, default_factory=dict)
    family: str = ""  #: messages that are told of together


def matrix() -> list[Line]:
    """All messages of both sides, in every state."""
    return [*_from_lenders(), *_confirmations(), *_from_borrowers(), *_requests()]


def _from_lenders() -> Iterator[Line]:
    for status in STATUSES:
        for reason in ("RequestResponse", "StatusChange", "StatusRequestResponse"):
            yield _line(f"{reason} {status}", f"{status}", _lender(reason, status))
    for status in ("WillSupply", "ExpectToSupply"):
        for reason in ("RequestResponse", "StatusChange", "StatusRequestResponse"):
            said = _lender(reason, status, condition=True)
            yield _line(f"{reason} {status} with a condition", f"{status} with a condition or costs", said)
    yield _line("StatusChange without a status", "No status", _lender("StatusChange", ""))
    renewed = {"Y": "RenewResponse Y", "N": "RenewResponse N", None: "RenewResponse, neither yes nor no"}
    for answer, family in renewed.items():
        yield _line(family, family, _lender("RenewResponse", "Loaned", answer=answer, dated=True))
    yield _line("RenewResponse Y without a day", "RenewResponse Y", _lender("RenewResponse", "Loaned", answer="Y"))
    yield _line("CancelResponse Y", "CancelResponse Y", _lender("CancelResponse", "Cancelled", answer="Y"))
    for status in ("WillSupply", "Loaned"):
        said = _lender("CancelResponse", status, answer="N")
        yield _line(f"CancelResponse N, status {status}", f"CancelResponse N, status {status}", said)
    yield _line(
        "CancelResponse, neither yes nor no", "CancelResponse, neither yes nor no",
        _lender("CancelResponse", "ExpectToSupply"),
    )  # fmt: skip
    for status in ("", *STATUSES):
        said = _lender("Notification", status)
        yield _line(f"Notification, status {status or 'empty'}", "Notification, whatever its status", said)
    said = _lender("Notification", "Loaned", note="Handle with care.")
    yield _line("Notification with a note", "Notification with a note", said)
    said = _lender("Notification", "Loaned", costs=True)
    yield _line("Notification with offeredCosts", "Notification with offeredCosts", said)
    for mark, words in LENDERS_MARKS.items():
        said = _lender("Notification", "Loaned", note=f"{mark} {words}".strip())
        yield _line(f"Notification {mark}", f"Notification with the mark {mark}", said)


def _from_borrowers() -> Iterator[Line]:
    for action in ACTIONS:
        yield _line(action, action, _borrower(action))
    yield _line("Notification", "Notification", _borrower("Notification"))
    yield _line("Notification with a note", "Notification with a note", _borrower("Notification", "Thank you."))
    for mark, words in BORROWERS_MARKS.items():
        said = _borrower("Notification", f"{mark} {words}".strip())
        yield _line(f"Notification {mark}", f"Notification with the mark {mark}", said)


def _line(name: str, family: str, make: Callable[[Header], Message]) -> Line:
    nobody = AgencyId(agencyIdValue="")
    message = make(
        Header(supplyingAgencyId=nobody, requestingAgencyId=nobody, timestamp=ANOTHER_DAY, requestingAgencyRequestId="")
    )
    if isinstance(message, SupplyingAgencyMessage):
        heard = hear_lender(message, ZoneInfo("UTC"))
        made_up = message.messageInfo.reasonForMessage == "StatusRequestResponse"
        return Line("borrowing", name, make, _cells(BORROWING, heard, only_what_moves=made_up), family)
    assert isinstance(message, RequestingAgencyMessage)
    return Line("lending", name, make, _cells(LENDING, hear_borrower(message)), family)


def _confirmations() -> Iterator[Line]:
    for what in ("our request", "our Cancel"):
        heard = Heard((f"ERROR to {what}",), {"note": "UnrecognisedDataValue"})
        name = f"ERROR confirmation to {what}"
        title = f"{name}, which knows no such request" if what == "our Cancel" else name
        cells = _cells(BORROWING, heard)
        yield Line("borrowing", name, None, {s: cell for s, cell in cells.items() if s != "created"}, title)


def _requests() -> Iterator[Line]:
    """A request whose id is known here already, by the state of what is known."""
    refused = LENDING.expand(("REFUSED",))
    told = {s.name: _asked(s.name) for s in LENDING.states}
    exists = Cell(error="UnrecognisedDataValue requestingAgencyRequestId")
    yield Line("lending", "request New, the same", _request("New"), told, "request New, once more")
    title = "request New under a known id, with other content"
    yield Line("lending", title, _request("New", title="Another"), dict.fromkeys(told, exists), title)
    anew = {state: Cell("create", "new", (), seen=True) if state in refused else cell for state, cell in told.items()}
    yield Line("lending", "request Retry, same id", _request("Retry"), anew, "request Retry under the id of the first")
    linked = {state: Cell("create", "new", (), seen=True) for state in told}
    yield Line(
        "lending", "request Retry, new id", _request("Retry", follows=True), linked,
        "request Retry with an id of its own, that names the first",
    )  # fmt: skip
    yield Line("lending", "request Reminder", _request("Reminder"), told, "request Reminder")


def _cells(lifecycle: Lifecycle, heard: Heard, *, only_what_moves: bool = False) -> dict[str, Cell]:
    cells = {}
    for state in (s.name for s in lifecycle.states):
        if lifecycle is BORROWING and state == "created":
            cells[state] = Cell(error="UnrecognisedDataValue requestingAgencyRequestId")
            continue
        words = heard.words
        if only_what_moves and not moves(lifecycle, state, words):
            words = ()
        step = foresee(lifecycle, state, words, heard.values)
        says = [effect.argument for effect in step.effects if effect.kind == "send_message"]
        if heard.asks_status:
            says.append("StatusRequestResponse")
        seen = any(effect.kind == "alert_staff" for effect in step.effects)
        cells[state] = Cell(step.action.trigger, step.dest, tuple(says), seen)
    return cells


def _asked(state: str) -> Cell:
    return Cell(RECORDED, state, ("StatusRequestResponse",))


def _lender(
    reason: str, status: str, *, answer: str | None = None, note: str = "", condition: bool = False,
    costs: bool = False, dated: bool = False,
) -> Callable[[Header], Message]:  # fmt: skip
    dated = dated or (status == "Loaned" and reason not in ("RenewResponse", "Notification"))
    due = ANOTHER_DAY if dated else RECALLED_TO if status in ("Recalled", "Overdue") else None
    sent = status in ("Loaned", "CopyCompleted")
    retry = RetryInfo(
        loanCondition=("LibraryUseOnly",) if condition else (), offeredCosts=COSTS if condition or costs else None
    )

    def make(header: Header) -> Message:
        at = header.timestamp
        return SupplyingAgencyMessage(
            header=header,
            messageInfo=MessageInfo(reasonForMessage=reason, answerYesNo=answer, note=note),
            statusInfo=StatusInfo(status=status, lastChange=at, dueDate=due),
            retryInfo=retry if condition or costs else None,
            deliveryInfo=DeliveryInfo(
                dateSent=at, URL=_LINK if status == "CopyCompleted" and reason != "Notification" else None
            )
            if sent
            else None,
        )

    return make


_LINK = "https://copies.example/1"


def _borrower(action: str, note: str = "") -> Callable[[Header], Message]:
    return lambda header: RequestingAgencyMessage(header=header, action=action, note=note)


def _request(kind: str, *, title: str = "Emma", follows: bool = False) -> Callable[[Header], Message]:
    def make(header: Header) -> Message:
        first = header.requestingAgencyRequestId if follows else None
        return Request(
            header=header,
            bibliographicInfo=BibliographicInfo(title=title),
            serviceInfo=ServiceInfo(requestType=kind, requestingAgencyPreviousRequestId=first),
        )

    return make
