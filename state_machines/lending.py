"""A partner asks, we supply: the lending half of a request. Read this one first."""

from state_machines import changes as c
from state_machines import guards as g
from state_machines import inputs as i
from state_machines.checks import check
from state_machines.declaration import (
    CLOCK,
    MANAGER,
    PARTNER,
    PREVIOUS,
    SAME,
    STAFF,
    SYSTEM,
    Action,
    Entry,
    Lifecycle,
    Target,
    states,
)
from state_machines.effects import alert_staff, circulation, email_slip, generate_slip, send_message

STATES = states(
    new="New!",
    conditional="Conditional",
    will_supply="Will Supply",
    being_processed="Being Processed",
    shipped="Shipped",
    received_by_partner="Received by Partner",
    renewal_requested="Renewal Requested!",
    renewed="Renewed",
    overdue="Overdue!",
    recalled="Recalled",
    returned_by_partner="Returned by Partner",
    cancel_requested="Cancel Requested!",
    lost="Lost!",
    damaged="Damaged!",
    completed="Completed",
    delivered="Delivered",
    rejected="Rejected",
    retry_offered="Retry Offered",
    cancelled="Cancelled",
    expired="Expired",
    closed_without_return="Closed without Return",
)

GROUPS = {
    "OPEN": ("new", "conditional", "will_supply", "being_processed"),
    "ON_LOAN": ("shipped", "received_by_partner", "renewal_requested", "renewed", "overdue", "recalled"),
    "BACK": ("returned_by_partner",),
    "REFUSED": ("rejected", "retry_offered", "cancelled", "expired"),
    "CLOSED": (
        "completed",
        "delivered",
        "rejected",
        "retry_offered",
        "cancelled",
        "expired",
        "closed_without_return",
    ),
}

TIMERS = {
    "new": ("respond_by",),
    "being_processed": ("respond_by",),
    "will_supply": ("respond_by",),
    "conditional": ("answer_by",),
    "shipped": ("lender_due",),
    "received_by_partner": ("lender_due",),
    "renewed": ("lender_due",),
    "recalled": ("lender_due", "return_by"),
    "renewal_requested": ("answer_by",),
    "overdue": ("notice_level", "lost_by"),
    "returned_by_partner": ("completion_by",),
    "cancel_requested": ("answer_by",),
}

# What a renewal is answered with, where the policy answers it.
RENEWAL_ANSWERS = (
    Target(
        "renewed", only_if=g.policy_renews, records=(c.extend,),
        then=(send_message("RenewResponse Y"), circulation("renew")),
    ),
    Target(SAME, only_if=g.policy_denies, then=(send_message("RenewResponse N"),)),
    Target("renewal_requested", records=(c.ask_for_renewal,), then=(alert_staff("renewal_requested"),)),
)  # fmt: skip

#: What a lost item costs; it falls away when the item comes home before the loan is settled.
LOST_FEES = ("replacement", "processing")
NEVER_SENT = ("OPEN", "REFUSED", "cancel_requested")
CALLED_OFF = ("OPEN", "cancel_requested")
UNEXPECTED_RETURN = (*NEVER_SENT, "lost", "damaged", "closed_without_return")
HANDLED = ("ON_LOAN", "BACK", "lost", "damaged")

ACTIONS = (
    Action(
        "will_supply", "Will Supply", (STAFF, SYSTEM), ("new", "conditional"), "will_supply",
        needs=(i.ITEM_BARCODE.optional, i.CALL_NUMBER.optional), records=(c.set_barcodes,),
        then=(circulation("hold"), send_message("WillSupply")), undo=True,
    ),
    Action("amend", "Edit", (STAFF,), ("OPEN",), SAME, needs=(i.CHANGES,), records=(c.edit,)),
    Action(
        "record_availability", "Check Availability", (STAFF, SYSTEM), ("OPEN",), SAME,
        only_if=(g.found_or_reason,),
        needs=(
            i.FOUND.optional, i.CALL_NUMBER.optional, i.LOCATION.optional, i.ITEM_BARCODE.optional,
            i.WHY_UNFILLED.optional,
        ),
        records=(c.set_barcodes, c.offer_reason),
    ),
    Action(
        "add_condition", "Add Condition", (STAFF,), ("OPEN",), "conditional",
        needs=(i.CONDITION, i.COST.optional, i.REPLY_BY.optional), records=(c.set_condition, c.wait_anew),
        then=(send_message("WillSupply with condition"),),
    ),
    Action(
        "partner_accepts_condition", "Partner Accepts Condition", (PARTNER, STAFF), ("conditional",), "will_supply",
        then=(alert_staff("condition_accepted"), send_message("WillSupply")),
        hears=("Notification conditionAccepted",),
    ),
    Action(
        "print_slip", "Print Slip", (STAFF,), ("OPEN",),
        (Target(SAME, ("conditional",)), Target("being_processed")),
        needs=(i.PIECE_COUNT.optional,), records=(c.count_pieces,),
        then=(
            generate_slip("routing"), email_slip("routing"), send_message("ExpectToSupply", only_from=("new",)),
        ),
        primary=True, undo=True,
    ),
    Action(
        "reject", "Reject", (STAFF,), ("OPEN",), "rejected",
        needs=(i.WHY_UNFILLED, i.NOTE.optional, i.INTERNAL_NOTE.optional), records=(c.keep_reason,),
        then=(send_message("Unfilled"), circulation("release")), undo=True,
    ),
    Action(
        "offer_retry", "Offer Retry", (STAFF,), ("OPEN",), "retry_offered", only_if=(g.cost_is_named,),
        needs=(i.WHY_RETRY, i.NEW_DATA.optional, i.COST.optional, i.NOT_BEFORE.optional),
        records=(c.keep_reason, c.keep_the_cost),
        then=(send_message("RetryPossible"), circulation("release")),
    ),
    Action(
        "ship", "Ship Item", (STAFF,), ("OPEN",), "shipped", less=("conditional",), only_if=(g.is_loan,),
        needs=(
            i.CONDITION_CHECKED, i.ITEM_BARCODE, i.FURTHER_PIECES.optional, i.DUE_BY_POLICY.optional,
            i.CARRIER.optional, i.TRACKING.optional, i.CONDITIONS.optional, i.NOTE.optional,
        ),
        records=(c.set_barcodes, c.set_tracking, c.due_by_policy),
        then=(circulation("check_out"), send_message("Loaned"), generate_slip("shipping")),
        primary=True, undo=True,
    ),
    Action(
        "deliver_copy", "Deliver Copy", (STAFF,), ("OPEN",), "delivered", less=("conditional",),
        only_if=(g.is_copy, g.copy_is_named), needs=(i.LINK.optional, i.LOCAL_COPY.optional, i.ON_PAPER.optional),
        then=(send_message("CopyCompleted"),), primary=True,
    ),
    Action(
        "partner_received", "Partner Received", (PARTNER,), ("OPEN", "REFUSED", "cancel_requested", "ON_LOAN"),
        (
            Target(
                SAME, ("renewal_requested", "renewed", "overdue", "recalled"),
                records=(c.go_back_to("received_by_partner"),),
            ),
            Target("received_by_partner", ("shipped",)),
            Target(
                "delivered", NEVER_SENT, g.is_copy,
                then=(send_message("CopyCompleted"), alert_staff("went_out_unscanned")),
            ),
            Target(
                "received_by_partner", NEVER_SENT, records=(c.due_by_policy,),
                then=(
                    circulation("check_out"), send_message("Loaned"), alert_staff("went_out_unscanned"),
                ),
            ),
        ),
        less=("received_by_partner",), needs=(i.NOTE.optional,), hears=("Received",),
    ),
    Action(
        "partner_requests_renewal", "Partner Requests Renewal", (PARTNER,), ("ON_LOAN",), RENEWAL_ANSWERS,
        less=("recalled",), needs=(i.WISHED_DATE.optional, i.NOTE.optional), hears=("Renew",),
    ),
    Action(
        "partner_requests_renewal", "Partner Requests Renewal", (PARTNER,), ("any",), SAME,
        needs=(i.WISHED_DATE.optional, i.NOTE.optional), then=(send_message("RenewResponse N"),), hears=("Renew",),
    ),
    Action(
        "renew", "Renew", (STAFF, SYSTEM), ("ON_LOAN",), "renewed", needs=(i.RENEWED_TO,), records=(c.extend,),
        then=(send_message("RenewResponse Y"), circulation("renew")), first_in=("renewal_requested",),
    ),
    Action(
        "deny_renewal", "Deny Renewal", (STAFF, SYSTEM), ("renewal_requested", "overdue"),
        (Target("overdue", only_if=g.past_due), Target(PREVIOUS)),
        only_if=(g.renewal_is_asked,), needs=(i.REASON,), records=(c.answer_renewal,),
        then=(send_message("RenewResponse N"),),
    ),
    Action(
        "due_date_passed", "Due Date Passed", (CLOCK,), ("ON_LOAN",), "overdue",
        less=("overdue", "renewal_requested"), then=(send_message("Overdue"),), fires=("lender_due",),
    ),
    Action(
        "overdue_notice", "Overdue Notice", (CLOCK,), ("overdue",), SAME, needs=(i.LEVEL.optional,),
        records=(c.next_level,), then=(send_message("Overdue notice"),), fires=("notice_level",),
    ),
    Action(
        "recall", "Recall", (STAFF,), ("ON_LOAN",), "recalled", needs=(i.RETURN_BY_NEXT,), records=(c.recall_to,),
        then=(send_message("Recalled"),),
    ),
    Action(
        "cancel_recall", "Cancel Recall", (STAFF,), ("recalled",),
        (Target("overdue", only_if=g.past_due), Target(PREVIOUS)),
        needs=(i.DUE_DATE.optional,), records=(c.lift_recall,), then=(send_message("DueDate"),),
    ),
    Action(
        "partner_returned", "Partner Returned", (PARTNER,), (*UNEXPECTED_RETURN, "ON_LOAN"),
        (Target(SAME, ("damaged",)), Target("returned_by_partner")),
        needs=(i.CARRIER.optional, i.TRACKING.optional, i.NOTE.optional),
        records=(c.set_tracking,), then=(alert_staff("unexpected_return", only_from=UNEXPECTED_RETURN),),
        hears=("ShippedReturn",),
    ),
    Action(
        "partner_returned", "Partner Returned", (PARTNER,), ("completed",), SAME,
        needs=(i.TRACKING.optional, i.NOTE.optional), then=(send_message("LoanCompleted"),), hears=("ShippedReturn",),
    ),
    Action(
        "check_in", "Scan In", (STAFF,), ("BACK", "ON_LOAN", "lost", "damaged", "closed_without_return"),
        (
            Target(SAME, only_if=g.pieces_are_out),
            Target(
                SAME, ("damaged",), records=(c.is_gone_home,), ledger=(Entry("reverse", provisional=True),),
                then=(send_message("LoanCompleted"),),
            ),
            Target(
                "completed", ("BACK", "closed_without_return"), g.was_settled, records=(c.is_gone_home,),
                then=(send_message("LoanCompleted"),),
            ),
            Target(
                "completed", records=(c.is_gone_home, c.answer_renewal), ledger=(Entry("reverse", LOST_FEES),),
                then=(send_message("LoanCompleted"),),
            ),
        ),
        needs=(i.ITEM_CONDITION.optional, i.PIECES.optional), then=(circulation("check_in"),),
        primary=True, undo=True,
    ),
    Action(
        "mark_lost", "Mark as Lost", (STAFF, CLOCK, PARTNER), ("ON_LOAN", "BACK", "damaged"), "lost",
        only_if=(g.not_back_yet,), needs=(i.NOTE.optional,),
        records=(c.answer_renewal,), ledger=(Entry("assess", LOST_FEES),),
        then=(send_message("Lost"), alert_staff("lost", only_if=g.not_by_staff)),
        hears=("Lost", "Notification lost"), fires=("lost_by",), undo=True,
    ),
    Action(
        "mark_lost", "Mark as Lost", (PARTNER,), NEVER_SENT, "lost", only_if=(g.is_loan,), needs=(i.NOTE.optional,),
        records=(c.due_by_policy,), ledger=(Entry("assess", LOST_FEES),),
        then=(circulation("check_out"), send_message("Lost"), alert_staff("lost_unscanned")),
        hears=("Lost", "Notification lost"),
    ),
    Action(
        "mark_damaged", "Mark as Damaged", (STAFF,), ("ON_LOAN", "BACK", "completed"), "damaged",
        only_if=(g.within_claim_period,), needs=(i.SEVERITY, i.NOTE, i.AMOUNT.optional),
        ledger=(Entry("assess", ("damage",)),),
        then=(send_message("RenewResponse N", only_if=g.renewal_was_asked), send_message("Damaged")), undo=True,
    ),
    Action(
        "waive_fee", "Waive Fee", (MANAGER,), ("any",), SAME, less=("OPEN",),
        needs=(i.OPEN_AMOUNT, i.OUR_REASON.optional), ledger=(Entry("waive"),),
    ),
    Action(
        "record_payment", "Record Payment", (MANAGER,), ("any",), SAME, less=("OPEN",),
        needs=(i.OPEN_AMOUNT, i.NOTE.optional), ledger=(Entry("pay"),),
    ),
    Action(
        "settle", "Settle", (MANAGER,), ("lost", "damaged"),
        (
            Target("completed", ("damaged",), g.item_is_back, then=(send_message("LoanCompleted"),)),
            Target("closed_without_return", then=(send_message("CompletedWithoutReturn"),)),
        ),
        only_if=(g.no_fee_is_open,),
    ),
    Action(
        "partner_cancels", "Partner Cancels", (PARTNER,), ("OPEN",),
        (
            Target(
                "cancelled", only_if=g.policy_cancels,
                then=(send_message("CancelResponse Y"), circulation("release")),
            ),
            Target("cancel_requested", then=(alert_staff("cancel_requested"),)),
        ),
        needs=(i.REASON.optional, i.NOTE.optional), hears=("Cancel",),
    ),
    Action(
        "partner_cancels", "Partner Cancels", (PARTNER,), ("REFUSED",), SAME,
        needs=(i.REASON.optional, i.NOTE.optional), then=(send_message("CancelResponse Y"),), hears=("Cancel",),
    ),
    Action(
        "partner_cancels", "Partner Cancels", (PARTNER,), ("any",), SAME, less=NEVER_SENT,
        needs=(i.REASON.optional, i.NOTE.optional), then=(send_message("CancelResponse N"),), hears=("Cancel",),
    ),
    Action(
        "accept_cancel", "Mark as Cancelled", (STAFF,), ("cancel_requested", "OPEN"), "cancelled",
        needs=(i.REASON.optional,),
        then=(
            send_message("CancelResponse Y", only_from=("cancel_requested",)),
            send_message("Cancelled", only_from=("OPEN",)),
            circulation("release"),
        ),
        first_in=("cancel_requested",),
    ),
    Action(
        "refuse_cancel", "Refuse to Cancel", (STAFF,), ("cancel_requested",), PREVIOUS, needs=(i.REASON,),
        then=(send_message("CancelResponse N"),),
    ),
    Action(
        "expire", "Expire", (CLOCK,), ("new", "being_processed"), "expired",
        then=(send_message("Unfilled"), alert_staff("expired"), circulation("release")), fires=("respond_by",),
    ),
    Action(
        "change_due_date", "Change Due Date", (MANAGER,), ("ON_LOAN",),
        (Target(PREVIOUS, ("overdue", "recalled"), g.new_date_lifts_it, records=(c.lift_recall,)), Target(SAME)),
        only_if=(g.date_is_another,), needs=(i.DUE_DATE, i.OUR_REASON), records=(c.set_due_date,),
        then=(send_message("DueDate"), circulation("renew")),
    ),
    Action(
        "remind", "Remind", (CLOCK,), ("not_terminal",), SAME, then=(alert_staff("reminder"),),
        fires=("answer_by", "return_by", "completion_by"), fires_in={"respond_by": ("will_supply",)},
    ),
    Action(
        "partner_informs", "Partner Informs", (PARTNER,), ("any",), SAME,
        needs=(i.NOTE.optional, i.STATUS.optional, i.COST.optional, i.CURRENCY.optional),
        then=(alert_staff("partner_informs", only_if=g.is_news),),
        hears=("ShippedForward", "HoldReturn", "Notification", "StatusRequest"),
    ),
    Action(
        "close", "Close Manually", (MANAGER,), ("not_terminal",),
        (
            Target("rejected", CALLED_OFF, g.chosen("rejected"), then=(send_message("Unfilled"),)),
            Target("cancelled", CALLED_OFF, g.chosen("cancelled", default=True), then=(send_message("Cancelled"),)),
            Target(
                "closed_without_return", HANDLED, g.chosen("closed_without_return"),
                then=(send_message("CompletedWithoutReturn"),),
            ),
            Target(
                "completed", HANDLED, g.chosen("completed", default=True), then=(send_message("LoanCompleted"),),
            ),
        ),
        needs=(i.OUR_REASON, i.OUTCOME.optional),
        then=(circulation("release", only_from=CALLED_OFF),),
    ),
)  # fmt: skip

LENDING = Lifecycle(
    name="lending",
    states=STATES,
    groups=GROUPS,
    terminal=frozenset(GROUPS["CLOSED"]),
    passing=frozenset({"cancel_requested", "renewal_requested", "overdue", "recalled"}),
    initial=("new", "rejected"),
    actions=ACTIONS,
    timers=TIMERS,
)

check(LENDING)
