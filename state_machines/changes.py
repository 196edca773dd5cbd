"""What rows write on the request."""

from datetime import date, timedelta

from state_machines.declaration import Change, Inputs
from state_machines.request import Facts, Request

#: Fields that Edit may change.
EDITABLE = frozenset(
    {"title", "author", "isbn", "issn", "publisher", "year", "volume", "pages", "need_by", "call_number", "location"}
    | {"item_barcode", "article_title", "internal_note", "patron_note"}
)


def start_asking(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The request goes to the next partner of the rota, under an id of its own."""
    request.rota_position += 1
    _ask_again(request)


def ask_the_same_again(request: Request, inputs: Inputs, facts: Facts) -> None:
    _ask_again(request)
    request.not_before = None


def _ask_again(request: Request) -> None:
    request.attempt += 1
    request.expected_by = request.reply_by = request.not_before = None
    request.conditions, request.cost = [], None


def expect(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.expected_by = inputs.get("expected_date")


def set_condition(request: Request, inputs: Inputs, facts: Facts) -> None:
    named = [inputs["condition"]] if inputs.get("condition") else []
    request.conditions = [*request.conditions, *named, *inputs.get("conditions", ())]
    request.cost = inputs.get("cost", request.cost)
    request.reply_by = inputs.get("reply_by")


def not_before(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.not_before = inputs.get("not_before")


def set_due_date(request: Request, inputs: Inputs, facts: Facts) -> None:
    """The lender's due date, and the patron's, which leaves time for the way back. Without a day the old ones stay."""
    if (due := inputs.get("due_date")) is not None:
        _due(request, due, facts, assumed=False)


def take_the_due_date(request: Request, inputs: Inputs, facts: Facts) -> None:
    """What the lender said when it shipped; a new shipment forgets the dates of an earlier one."""
    request.lender_due = request.patron_due = None
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
    usual = facts.today + timedelta(days=facts.terms.loan_days + facts.terms.transit_days)
    _due(request, inputs.get("due_date") or usual, facts, assumed=False)


def extend(request: Request, inputs: Inputs, facts: Facts) -> None:
    """A renewal: the named day, or the usual length from the present due date."""
    request.renewals += 1
    request.renewal_asked = False
    request.return_by = None
    start = max(request.lender_due or facts.today, facts.today)
    _due(request, inputs.get("due_date") or start + timedelta(days=facts.terms.renewal_days), facts, assumed=False)


def take_the_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.renewals += 1
    request.renewal_asked = False
    request.return_by = None
    request.kept_recall = request.kept_overdue = False
    set_due_date(request, inputs, facts)


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
        if request.lender_due is None or wanted < request.lender_due:
            _due(request, wanted, facts, assumed=False)


def lift_recall(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.return_by = None
    set_due_date(request, inputs, facts)


def keep_recall(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_recall = True
    recall_to(request, inputs, facts)


def keep_overdue(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_overdue = True


def forget_kept(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.kept_recall = request.kept_overdue = False


def next_level(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.notice_level += 1


def ask_for_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.renewal_asked = True


def answer_renewal(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.renewal_asked = False


def set_barcodes(request: Request, inputs: Inputs, facts: Facts) -> None:
    for name in ("item_barcode", "temporary_barcode", "call_number", "location"):
        if inputs.get(name):
            setattr(request, name, inputs[name])


def set_tracking(request: Request, inputs: Inputs, facts: Facts) -> None:
    for name in ("carrier", "tracking"):
        if inputs.get(name):
            setattr(request, name, inputs[name])
    if inputs.get("conditions"):
        request.conditions = [*inputs["conditions"]]


def offer_reason(request: Request, inputs: Inputs, facts: Facts) -> None:
    request.offered_reason = None if inputs.get("found") else inputs.get("reason")


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


def go_back_to(state: str) -> Change:
    """What `previous` means from now on."""

    def change(request: Request, inputs: Inputs, facts: Facts) -> None:
        request.previous_state = state

    return change
