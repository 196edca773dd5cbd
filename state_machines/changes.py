"""What rows write on the request."""

from datetime import date, timedelta

from state_machines.declaration import Change, Inputs
from state_machines.request import Facts, Request

#: Fields that Edit may change.
EDITABLE = frozenset(
    {"title", "author", "isbn", "issn", "publisher", "year", "volume", "pages", "need_by", "call_number", "location"}
    | {"item_barcode", "article_title", "internal_note", "patron_note"}
)
#: Those of them that are the partner's business as well.
TRAVELLING = EDITABLE - {"call_number", "location", "item_barcode", "internal_note", "patron_note"}


def start_asking(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The request goes to the next partner of the rota, under an id of its own."""
    request.rota_position += 1
    ask_the_same_again(request, inputs, facts)


def ask_the_same_again(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.attempt += 1
    request.state_since = facts.now  # the wait for the answer is a new one, also from Request Sent to Request Sent
    request.conditions, request.cost = [], None
    forget_the_shipment(request, inputs, facts)


def ask_again_as_offered(request: Request, inputs: Inputs, facts: Facts) -> None:
    """Who asks again after a cost was named agrees to it."""
    cost = request.cost
    ask_the_same_again(request, inputs, facts)
    request.cost = cost


def forget_the_shipment(request: Request, inputs: Inputs, facts: Facts) -> None:
    """What a lender said of its shipment is of no use with the next one."""
    request.expected_by = request.reply_by = request.not_before = None
    request.item_barcode = request.carrier = request.tracking = request.parcel_to = None
    request.lender_due = request.patron_due = request.return_by = request.due_before_recall = None
    request.due_assumed = request.kept_recall = request.kept_overdue = request.on_paper = False


def wait_anew(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A new question, though the state is the same."""
    request.state_since = facts.now


def expect(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.expected_by = inputs.get("expected_date", request.expected_by)


def set_condition(request: Request, inputs: Inputs, facts: Facts) -> None:
    named = [inputs["condition"]] if inputs.get("condition") else []
    request.conditions = list(dict.fromkeys((*request.conditions, *named, *inputs.get("conditions", ()))))
    request.cost = inputs.get("cost", request.cost)
    request.reply_by = inputs.get("reply_by")


def keep_the_cost(request: Request, inputs: Inputs, facts: Facts) -> None:
    """What it would cost to be asked again."""
    request.cost = inputs.get("cost")


def not_before(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.not_before = inputs.get("not_before")


def set_due_date(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The lender's due date, and the patron's, which leaves time for the way back. Without a day the old ones stay."""
    if (due := inputs.get("due_date")) is not None:
        _due(request, due, facts, assumed=False)


def take_the_due_date(request: Request, inputs: Inputs, facts: Facts) -> None:
    """What the lender said when it shipped; a new shipment forgets the dates of an earlier one."""
    request.lender_due = request.patron_due = request.due_before_recall = None
    request.due_assumed = False
    set_due_date(request, inputs, facts)


def assume_a_due_date(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A loan that came without a date gets the partner's usual term from the day of receipt."""
    request.loan_seen = True
    if request.lender_due is None and request.service == "loan":
        _due(request, facts.today + timedelta(days=facts.terms.loan_days), facts, assumed=True)


def due_by_policy(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The due date that staff named, else the partner's loan period and the way there."""
    request.loan_seen = True
    _due(request, inputs.get("due_date") or usual_due_date(facts), facts, assumed=False)


def usual_due_date(facts: Facts) -> date:
    return facts.today + timedelta(days=facts.terms.loan_days + facts.terms.transit_days)


def extend(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A renewal: the named day, or the usual length from the present due date."""
    _renewed(request)
    _due(request, inputs.get("due_date") or renewed_to(request, facts), facts, assumed=False)


def renewed_to(request: Request, facts: Facts) -> date:
    return max(request.lender_due or facts.today, facts.today) + timedelta(days=facts.terms.renewal_days)


def take_the_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The lender has renewed; where it names no day, a day that has passed makes way for the usual length."""
    _renewed(request)
    request.kept_recall = request.kept_overdue = False
    set_due_date(request, inputs, facts)
    if not inputs.get("due_date") and request.lender_due is not None and request.lender_due < facts.due_today:
        _due(request, facts.due_today + timedelta(days=facts.terms.renewal_days), facts, assumed=True)


def _renewed(request: Request) -> None:
    request.renewals += 1
    request.renewal_asked = False
    request.return_by = request.due_before_recall = None


def _due(request: Request, due: date, facts: Facts, *, assumed: bool) -> None:
    if due != request.lender_due:
        request.notice_level = 0
    request.lender_due, request.due_assumed = due, assumed
    request.patron_due = due - timedelta(days=facts.terms.transit_days)


def recall_to(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A recall brings the due date forward, never back."""
    request.renewal_asked = False
    wanted = inputs.get("return_by") or request.return_by
    if wanted is not None:
        request.return_by = wanted
        request.due_before_recall = request.due_before_recall or request.lender_due
        if request.lender_due is None or wanted < request.lender_due:
            _due(request, wanted, facts, assumed=False)


def lift_recall(request: Request, inputs: Inputs, facts: Facts) -> None:
    """Without a day the due date is again what it was before the recall."""
    before, request.return_by, request.due_before_recall = request.due_before_recall, None, None
    if (due := inputs.get("due_date") or before) is not None:
        _due(request, due, facts, assumed=False)


def lift_what_was_kept(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A recall or an overdue notice that came before the item is void with a later due date."""
    request.kept_overdue = False
    if request.kept_recall:
        request.kept_recall = False
        request.return_by = request.due_before_recall = None


def keep_recall(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_recall = True
    recall_to(request, inputs, facts)


def keep_overdue(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_overdue = True


def keep_what_came_first(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The first that is heard of a shipment may be that it is wanted back, or overdue."""
    if inputs.get("status") == "Recalled":
        request.return_by = inputs.get("due_date")
        keep_recall(request, inputs, facts)
    elif inputs.get("status") == "Overdue":
        keep_overdue(request, inputs, facts)


def forget_kept(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_recall = request.kept_overdue = False


def next_level(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The level that the timer stood for: those below it that were missed are not made up for."""
    _, _, level = str(inputs.get("slot") or "").rpartition(" ")
    request.notice_level = 1 + (int(level) if level.isdecimal() else request.notice_level)


def ask_for_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.renewal_asked = True


def answer_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.renewal_asked = False


def set_barcodes(request: Request, inputs: Inputs, facts: Facts) -> None:
    for name in ("item_barcode", "temporary_barcode", "call_number", "location"):
        if inputs.get(name):
            setattr(request, name, inputs[name])


def count_pieces(request: Request, inputs: Inputs, facts: Facts) -> None:
    """Slips say "1 of 3" before the pieces have been named by their barcodes."""
    request.piece_count = inputs.get("piece_count", request.piece_count)


def set_tracking(request: Request, inputs: Inputs, facts: Facts) -> None:
    for name in ("carrier", "tracking", "parcel_to"):
        if inputs.get(name):
            setattr(request, name, inputs[name])
    if inputs.get("conditions"):
        request.conditions = [*inputs["conditions"]]


def offer_reason(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.offered_reason = None if inputs.get("found") else inputs.get("reason")


def keep_reason(request: Request, inputs: Inputs, facts: Facts) -> None:
    """Whoever asks for the status later is told the reason again."""
    request.offered_reason = inputs.get("reason") or request.offered_reason


def edit(request: Request, inputs: Inputs, facts: Facts) -> None:
    for name, value in inputs["changes"].items():
        if name in EDITABLE:
            setattr(request, name, value)


def edit_if_named(request: Request, inputs: Inputs, facts: Facts) -> None:
    if inputs.get("changes"):
        edit(request, inputs, facts)


def on_paper(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.on_paper = True


def is_here(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.loan_seen = True


def is_gone_home(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.loan_seen = False


def cancel_for_need_by(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.ends_unfilled = True


def cancel_for_staff(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.ends_unfilled = False


def completed_by_us(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.completed_by_us = True


def not_completed_by_us(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.completed_by_us = False


def go_back_to(state: str) -> Change:
    """What `previous` means from now on."""

    def change(request: Request, inputs: Inputs, facts: Facts) -> None:
        request.previous_state = state

    return change
