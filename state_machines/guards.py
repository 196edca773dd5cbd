"""The conditions of rows and of their outcomes, each with the sentence of its refusal."""

from datetime import timedelta

from state_machines.changes import TRAVELLING
from state_machines.declaration import Guard, Inputs, guard
from state_machines.request import Facts, Request

#: Reasons that no other lender can cure: asking on would only repeat the answer.
INCURABLE = frozenset({"NotFoundAsCited", "PolicyProblem", "Duplicate", "ReqServTypeNotPossible"})


@guard("no fee is open", otherwise="{fees} is still open. Record the payment or waive it first.")
def no_fee_is_open(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.open_fees == 0


@guard(
    "there is somebody to ask", otherwise="No partner is chosen. Name a partner or a rota.", asks=("partner", "rota")
)
def somebody_to_ask(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(inputs.get("partner") or inputs.get("rota") or facts.next_in_rota)


@guard(
    "a cost that is too high is named",
    otherwise="Name the cost: the partner has to know what it would have to pay.",
    asks=("reason", "cost"),
)
def cost_is_named(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return inputs.get("reason") != "CostExceedsMaxCost" or inputs.get("cost") is not None


@guard("it was sent to a partner", otherwise="It was sent to no partner yet.")
def was_sent(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.attempt > 0


@guard("another partner is in the rota", otherwise="No other partner is left in the rota.")
def another_partner(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.next_in_rota


@guard("no other lender can cure the reason", otherwise="Another lender may still supply it.", asks=("reason",))
def incurable(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return inputs.get("reason") in INCURABLE


@guard("the need-by date has passed", otherwise="The need-by date has not passed.")
def ends_unfilled(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.ends_unfilled


@guard("the need-by date is over", otherwise="The need-by date is still to come.")
def need_by_is_over(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.need_by is not None and request.need_by < facts.today


@guard("it is a copy on paper", otherwise="This request is for a loan.")
def paper_copy(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.service == "copy"


@guard("it was posted on paper", otherwise="It came as a file.", asks=("on_paper", "link", "file"))
def posted_on_paper(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(inputs.get("on_paper")) and not inputs.get("link") and not inputs.get("file")


@guard("it came with nothing to open", otherwise="It came as a file.", asks=("on_paper", "link", "file"))
def nothing_delivered(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return not any(inputs.get(name) for name in ("on_paper", "link", "file"))


@guard("this is for copies", otherwise="This request is for a loan. Ship the item instead.")
def is_copy(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.service == "copy"


@guard(
    "a file, a link or the post",
    otherwise="Name the file or the link, or say that it was posted on paper.",
    asks=("file", "link", "on_paper"),
)
def copy_is_named(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(inputs.get("file") or inputs.get("link") or inputs.get("on_paper"))


@guard("this is for loans", otherwise="This request is for a copy. Deliver the copy instead.")
def is_loan(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.service == "loan"


@guard("a recall came before the item", otherwise="No recall is waiting.")
def recall_is_kept(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.kept_recall


@guard("an overdue notice came before the item", otherwise="No overdue notice is waiting.")
def overdue_is_kept(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.kept_overdue


@guard("pieces are still out", otherwise="All pieces are here.", asks=("pieces",))
def pieces_are_out(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.pieces_out > 0


@guard("it travels in pieces", otherwise="It came as one piece: no other is to come.")
def travels_in_pieces(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.in_pieces


@guard("the piece has not come yet", otherwise="That piece is here already, or was here.", asks=("pieces",))
def piece_is_awaited(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.pieces_awaited


@guard("it comes later than the others", otherwise="It came with the others.")
def comes_later(request: Request, inputs: Inputs, facts: Facts) -> bool:
    """Of what came in one parcel the patron hears once."""
    return request.state != "received" or request.state_since.astimezone(facts.zone).date() < facts.today


@guard("the loan is past due", otherwise="The loan is not past due.")
def past_due(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.lender_due is not None and request.lender_due < facts.due_today


@guard("the new date lifts it", otherwise="The new date has passed already.", asks=("due_date",))
def new_date_lifts_it(request: Request, inputs: Inputs, facts: Facts) -> bool:
    due = inputs.get("due_date")
    if due is None or due < facts.due_today:
        return False
    recalled = request.state == "recalled" or request.kept_recall
    return not recalled or request.return_by is None or due > request.return_by


@guard("the date is another", otherwise="That is the due date already.", asks=("due_date",))
def date_is_another(request: Request, inputs: Inputs, facts: Facts) -> bool:
    due = inputs.get("due_date")
    return due is not None and (due != request.lender_due or request.due_assumed)


@guard("it was filled locally", otherwise="It is completed already.")
def filled_locally(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.previous_state in ("created", "needs_review")


@guard("a cost is named", otherwise="No cost is named.", asks=("cost",))
def names_a_cost(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return inputs.get("cost") is not None


#: States in which an offered cost is an offer still, and no bill.
BEFORE_THE_ITEM = frozenset(
    {"needs_review", "request_sent", "conditional", "retry_offered", "will_supply", "shipped", "in_transit"}
    | {"cancel_requested", "cancelled", "unfilled"}
)


@guard("the item came", otherwise="The item has not come.", asks=("kind",))
def is_a_bill(request: Request, inputs: Inputs, facts: Facts) -> bool:
    offered = inputs.get("kind") == "supply" and request.state in BEFORE_THE_ITEM
    return facts.by_staff or not offered


@guard("no date was named", otherwise="A date was named.", asks=("due_date",))
def no_date_named(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return inputs.get("due_date") is None


@guard("something is named", otherwise="Name a condition or a cost.", asks=("condition", "conditions", "cost"))
def condition_or_cost(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(inputs.get("condition") or inputs.get("conditions") or inputs.get("cost") is not None)


@guard("it is the partner's business", otherwise="The partner need not know.", asks=("changes",))
def concerns_the_partner(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(TRAVELLING & set(inputs["changes"]))


#: What a person has to hear of where no other row could hear it, and the states in which it is known already.
NEWS: dict[str, tuple[str, ...]] = {
    "Lost": ("lost", "closed_without_return"),
    "Damaged": ("damaged",),
    "CompletedWithoutReturn": ("closed_without_return",),
    "Condition": ("will_supply",),
    "HoldReturn": (),
    "ReleaseHoldReturn": (),
    "ShippedForward": (),
}
#: What is news in these states alone, since it contradicts them.
_HERE = ("received", "on_loan", "renewal_requested", "renewed", "renewal_denied", "overdue", "recalled")
CONTRADICTS: dict[str, tuple[str, ...]] = {
    "Unfilled": _HERE,
    "Cancelled": _HERE,
    "RetryPossible": _HERE,
    "Received": ("lost", "closed_without_return"),
}


@guard("it is news", otherwise="It is known already.", asks=("status", "cost", "note", "link", "file"))
def is_news(request: Request, inputs: Inputs, facts: Facts) -> bool:
    said = inputs.get("status") or ""
    something = any(inputs.get(name) for name in ("note", "link", "file")) or inputs.get("cost") is not None
    contradicts = request.state in CONTRADICTS.get(said, ())
    return something or contradicts or (said in NEWS and request.state not in NEWS[said])


@guard("the status of the answer is Loaned", otherwise="The partner has not shipped.", asks=("status",))
def says_loaned(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return inputs.get("status") == "Loaned"


@guard("this partner can't tell us that it is complete", otherwise="This partner will tell us when it is complete.")
def completes_itself(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.terms.completes_itself


@guard("lending is suspended", otherwise="Lending is open.")
def lending_suspended(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.lending_suspended


@guard("the policy says yes", otherwise="The policy does not renew by itself.")
def policy_renews(request: Request, inputs: Inputs, facts: Facts) -> bool:
    terms = facts.terms
    return terms.renews_by_itself is True and request.renewals < terms.renewals


@guard("the policy says no", otherwise="The policy leaves it to a person.")
def policy_denies(request: Request, inputs: Inputs, facts: Facts) -> bool:
    terms = facts.terms
    return terms.renews_by_itself is False or (terms.renews_by_itself is True and request.renewals >= terms.renewals)


@guard("a renewal waits for its answer", otherwise="No renewal waits for an answer.")
def renewal_is_asked(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.renewal_asked


@guard("an unshipped request may be called off", otherwise="A person decides.")
def policy_cancels(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.terms.accepts_cancel_unshipped


@guard("the loan was settled before", otherwise="The loan was not settled.")
def was_settled(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return "closed_without_return" in (request.state, request.previous_state)


@guard("the item is back", otherwise="The item is not back.")
def item_is_back(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return not request.loan_seen


@guard("what is damaged is not back yet", otherwise="The damaged item is back.")
def not_back_yet(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.state != "damaged" or request.loan_seen


@guard("it is within the claim period", otherwise="The claim period for this loan is over.")
def within_claim_period(request: Request, inputs: Inputs, facts: Facts) -> bool:
    closed = request.state == "completed"
    return not closed or facts.now - request.state_since <= timedelta(days=facts.claim_days)


@guard("the due date is assumed", otherwise="The partner named the due date.")
def due_date_is_assumed(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.due_assumed


@guard("the patron has picked it up", otherwise="It was never picked up.")
def was_picked_up(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.state != "received"


@guard("it was marked as completed by hand", otherwise="The partner itself said that it is complete.")
def completed_by_hand(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.completed_by_us


@guard("the clock asks", otherwise="A person asks.")
def pulled_by_the_clock(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return facts.timer is not None


@guard(
    "found, or the reason why not",
    otherwise="Say that it was found, or give the reason why not.",
    asks=("found", "reason"),
)
def found_or_reason(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return bool(inputs.get("found") or inputs.get("reason"))


@guard("nobody at this library said so", otherwise="Staff said so.")
def not_by_staff(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return not facts.by_staff


@guard("a renewal was waiting for its answer", otherwise="No renewal was waiting.")
def renewal_was_asked(request: Request, inputs: Inputs, facts: Facts) -> bool:
    return request.renewal_asked


def previous_was(state: str) -> Guard:
    """Chooses the state that an interruption goes back to."""
    return Guard(
        f"it was {state}", f"It was not {state}.", lambda request, inputs, facts: request.previous_state == state
    )


def chosen(outcome: str, *, default: bool = False) -> Guard:
    """Chooses the outcome that a person named."""
    return Guard(
        f"{outcome} is chosen",
        f"Choose the outcome {outcome}.",
        lambda request, inputs, facts: (
            inputs.get("outcome") == outcome or (default and inputs.get("outcome") in (None, ""))
        ),
        asks=("outcome",),
        answer=outcome,
    )
