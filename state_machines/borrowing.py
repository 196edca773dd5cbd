"""Our patron asks, a partner supplies: the borrowing half of a request."""

from state_machines import changes as c
from state_machines import guards as g
from state_machines import inputs as i
from state_machines.checks import check
from state_machines.declaration import (
    CLOCK,
    MANAGER,
    PARTNER,
    PATRON,
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
from state_machines.effects import alert_staff, circulation, generate_slip, notify_patron, send_message

STATES = states(
    created="Created",
    needs_review="Needs Review!",
    request_sent="Request Sent",
    conditional="Conditional!",
    retry_offered="Retry Offered!",
    will_supply="Will Supply",
    shipped="Shipped",
    in_transit="In Transit",
    received="Received",
    on_loan="On Loan to Patron",
    renewal_requested="Renewal Requested",
    renewed="Renewed",
    renewal_denied="Renewal Denied",
    overdue="Overdue!",
    recalled="Recalled!",
    return_in_transit="Return in Transit",
    returned="Returned",
    cancel_requested="Cancel Requested",
    lost="Lost!",
    completed="Completed",
    delivered="Delivered",
    cancelled="Cancelled",
    unfilled="Unfilled",
    closed_without_return="Closed without Return",
)

GROUPS = {
    "PREPARING": ("created", "needs_review"),
    "SEEKING": ("request_sent", "conditional", "retry_offered", "will_supply"),
    "INBOUND": ("shipped", "in_transit"),
    "HELD": ("received", "on_loan", "renewal_requested", "renewed", "renewal_denied", "overdue", "recalled"),
    "GOING_BACK": ("return_in_transit", "returned"),
    "CLOSED": ("completed", "delivered", "cancelled", "unfilled", "closed_without_return"),
}

TIMERS = {
    "created": ("need_by",),
    "needs_review": ("need_by",),
    "request_sent": ("respond_by", "need_by"),
    "conditional": ("reply_by", "need_by"),
    "retry_offered": ("not_before", "need_by"),
    "will_supply": ("ship_by", "need_by"),
    "shipped": ("transit_by", "arrive_by"),
    "in_transit": ("arrive_by",),
    "received": ("patron_due", "lender_due", "pickup_by"),
    "on_loan": ("patron_due", "lender_due"),
    "renewed": ("patron_due", "lender_due"),
    "renewal_denied": ("patron_due", "lender_due"),
    "renewal_requested": ("answer_by",),
    "overdue": ("notice_level",),
    "return_in_transit": ("return_by",),
    "returned": ("completion_by",),
    "cancel_requested": ("answer_by",),
}

# When a lender falls away: the shipment was taken back, a cancel is done with, or the rota goes on, stops or ends.
LENDER_FALLS_AWAY = (
    Target(
        "needs_review",
        ("INBOUND",),
        records=(c.forget_the_shipment,),
        ledger=(Entry("reverse", ("supply",)),),
        then=(alert_staff("shipment_taken_back"),),
    ),
    Target("unfilled", ("cancel_requested",), g.ends_unfilled, then=(notify_patron("unfilled"),)),
    Target("cancelled", ("cancel_requested",), then=(notify_patron("cancelled"),)),
    Target("needs_review", only_if=g.incurable, then=(alert_staff("reason_needs_review"),)),
    Target("request_sent", only_if=g.another_partner, records=(c.start_asking,), then=(send_message("Request"),)),
    Target("unfilled", then=(notify_patron("unfilled"),)),
)

# A parcel or a bill that nobody expected any more is for a person to look at.
NOT_AWAITED = ("cancel_requested", "needs_review", "cancelled", "unfilled")
UNEXPECTED = (*NOT_AWAITED, "completed")

#: What a lost item costs; it falls away when the item is found.
LOST_FEES = ("replacement", "processing")

LOST_FROM = ("SEEKING", "INBOUND", "HELD", "GOING_BACK", "cancel_requested", "lost")
CALLED_OFF = ("PREPARING", "SEEKING", "cancel_requested")
HANDLED = ("INBOUND", "HELD", "GOING_BACK", "lost")

ACTIONS = (
    Action(
        "submit", "Send Request", (STAFF, SYSTEM), ("PREPARING",), "request_sent",
        only_if=(g.somebody_to_ask,), needs=(i.PARTNER, i.ROTA), records=(c.start_asking,),
        then=(send_message("Request"), notify_patron("request_sent")), primary=True,
    ),
    Action(
        "flag_for_review", "Flag for Review", (SYSTEM,), ("created",), "needs_review",
        needs=(i.PROBLEMS,), then=(alert_staff("needs_review"),),
    ),
    Action(
        "supply_locally", "Fill Locally", (STAFF,), ("PREPARING",), "completed", then=(notify_patron("ready"),),
    ),
    Action(
        "partner_will_supply", "Partner Will Supply", (PARTNER,), ("SEEKING", "cancel_requested"),
        (
            Target(SAME, ("cancel_requested",), records=(c.go_back_to("will_supply"),)),
            Target("will_supply"),
        ),
        needs=(i.EXPECTED_DATE.optional, i.NOTE.optional), records=(c.expect,),
        hears=("WillSupply", "ExpectToSupply", "Notification conditionsAgreed"),
    ),
    Action(
        "partner_sets_condition", "Partner Sets Condition", (PARTNER,), ("SEEKING", "cancel_requested"),
        (
            Target(SAME, ("cancel_requested",), records=(c.go_back_to("conditional"),)),
            Target("conditional"),
        ),
        only_if=(g.condition_or_cost,),
        needs=(
            i.CONDITION.optional, i.CONDITIONS.optional, i.COST.optional, i.CURRENCY.optional, i.REPLY_BY.optional,
            i.NOTE.optional,
        ),
        records=(c.set_condition,), then=(alert_staff("condition"),),
        hears=("WillSupply with condition", "ExpectToSupply with condition", "Notification conditionAdded"),
    ),
    Action(
        "accept_condition", "Accept Condition", (STAFF,), ("conditional",), "will_supply",
        then=(send_message("ConditionAccepted"),), primary=True,
    ),
    Action(
        "decline_condition", "Decline", (STAFF,), ("conditional", "retry_offered"), LENDER_FALLS_AWAY,
        needs=(i.REASON,), then=(send_message("Cancel", only_from=("conditional",), to_former=True),),
    ),
    Action(
        "partner_offers_retry", "Partner Offers Retry", (PARTNER,), ("SEEKING", "INBOUND", "cancel_requested"),
        (
            Target("unfilled", ("cancel_requested",), g.ends_unfilled, then=(notify_patron("unfilled"),)),
            Target("cancelled", ("cancel_requested",), then=(notify_patron("cancelled"),)),
            Target(
                "retry_offered", ("INBOUND",), records=(c.forget_the_shipment, c.not_before, c.keep_the_cost),
                ledger=(Entry("reverse", ("supply",)),),
            ),
            Target("retry_offered", records=(c.not_before, c.keep_the_cost)),
        ),
        needs=(
            i.WHY_RETRY.optional, i.NEW_DATA.optional, i.NOT_BEFORE.optional, i.COST.optional, i.CURRENCY.optional,
        ),
        then=(alert_staff("retry_offered"),), hears=("RetryPossible",),
    ),
    Action(
        "amend", "Edit", (STAFF,), ("PREPARING", "SEEKING"), SAME, needs=(i.CHANGES,), records=(c.edit,),
        then=(send_message("Amended", only_from=("SEEKING",), only_if=g.concerns_the_partner),),
    ),
    Action(
        "try_next", "Try Next Partner", (STAFF,), ("request_sent", "will_supply"), LENDER_FALLS_AWAY,
        needs=(i.REASON.optional,), then=(send_message("Cancel", to_former=True),),
    ),
    Action(
        "retry", "Send Again", (STAFF,), ("retry_offered",), "request_sent", needs=(i.CHANGES.optional,),
        records=(c.edit_if_named, c.ask_again_as_offered), then=(send_message("Retry"),), primary=True,
    ),
    Action(
        "partner_cannot_supply", "Partner Cannot Supply", (PARTNER,), ("SEEKING", "INBOUND", "cancel_requested"),
        LENDER_FALLS_AWAY, needs=(i.WHY_UNFILLED.optional, i.NOTE.optional),
        hears=("Unfilled", "Cancelled", "ERROR to our request"), hears_else=("CancelResponse Y",),
    ),
    Action(
        "partner_silent", "Partner Silent", (CLOCK,), ("request_sent", "cancel_requested"), LENDER_FALLS_AWAY,
        then=(send_message("Cancel", only_from=("request_sent",), to_former=True),),
        fires=("respond_by",), fires_in={"answer_by": ("cancel_requested",)},
    ),
    Action(
        "partner_shipped", "Partner Shipped", (PARTNER,), ("SEEKING", *UNEXPECTED),
        (Target("shipped", ("completed",), g.filled_locally), Target("shipped", ("SEEKING", *NOT_AWAITED))),
        only_if=(g.was_sent,),
        needs=(
            i.DUE_DATE.optional, i.ITEM_BARCODE.optional, i.PIECES.optional, i.CALL_NUMBER.optional,
            i.CARRIER.optional, i.TRACKING.optional, i.PARCEL_TO.optional, i.CONDITIONS.optional, i.COST.optional,
            i.CURRENCY.optional, i.NOTE.optional, i.STATUS.optional,
        ),
        records=(c.take_the_due_date, c.set_barcodes, c.set_tracking, c.keep_what_came_first),
        ledger=(Entry("bill", ("supply",), only_if=g.names_a_cost),),
        then=(notify_patron("shipped"), alert_staff("unexpected_shipment", only_from=UNEXPECTED)),
        hears=("Loaned", "Overdue", "Recalled"),
    ),
    Action(
        "mark_in_transit", "Mark as In Transit", (STAFF, SYSTEM, CLOCK), ("shipped",), "in_transit",
        needs=(i.CARRIER_EVENT.optional,), fires=("transit_by",), undo=True,
    ),
    Action(
        "receive", "Receive", (STAFF,), ("INBOUND", "SEEKING", "cancel_requested", "needs_review", "unfilled"),
        (
            Target("delivered", only_if=g.paper_copy),
            Target(
                "recalled", only_if=g.recall_is_kept, records=(c.forget_kept, c.go_back_to("received")),
                then=(notify_patron("recalled"), alert_staff("recalled")),
            ),
            Target(
                "overdue", only_if=g.overdue_is_kept, records=(c.forget_kept, c.go_back_to("received")),
                then=(notify_patron("overdue"), alert_staff("overdue")),
            ),
            Target("received"),
        ),
        only_if=(g.was_sent,), needs=(i.CONDITION_CHECKED, i.TEMPORARY_BARCODE.optional, i.PIECES.optional),
        records=(c.set_barcodes, c.assume_a_due_date),
        then=(
            circulation("accept_item"), send_message("Received"), generate_slip("book_strap"),
            notify_patron("ready_for_pickup"),
            alert_staff("due_date_assumed", only_if=g.due_date_is_assumed),
        ),
        primary=True, undo=True,
    ),
    Action(
        "receive", "Receive Late Piece", (STAFF,), ("HELD", "return_in_transit"), SAME,
        only_if=(g.travels_in_pieces, g.piece_is_awaited), needs=(i.CONDITION_CHECKED, i.PIECES),
        then=(
            circulation("accept_item"),
            notify_patron("ready_for_pickup", only_from=("HELD",), only_if=g.comes_later),
        ),
        undo=True,
    ),
    Action(
        "check_out", "Check Out", (STAFF, SYSTEM), ("HELD",),
        (Target(SAME, ("renewal_requested", "overdue", "recalled")), Target("on_loan")),
        less=("on_loan",), then=(circulation("check_out"),), first_in=("received",), undo=True,
    ),
    Action(
        "request_renewal", "Request Renewal", (STAFF, PATRON),
        ("received", "on_loan", "renewed", "renewal_denied", "overdue"), "renewal_requested",
        needs=(i.WISHED_DATE.optional,), records=(c.ask_for_renewal,), then=(send_message("Renew"),),
    ),
    Action(
        "partner_renewed", "Partner Renewed", (PARTNER,), ("HELD", "INBOUND"),
        (Target(SAME, ("INBOUND",)), Target("renewed")),
        needs=(i.DUE_DATE.optional, i.NOTE.optional), records=(c.take_the_renewal,),
        then=(notify_patron("renewed"), alert_staff("renewed_without_a_date", only_if=g.no_date_named)),
        hears=("RenewResponse Y",),
    ),
    Action(
        "partner_denied_renewal", "Partner Denied Renewal", (PARTNER,), ("renewal_requested", "overdue", "recalled"),
        (
            Target(SAME, ("overdue", "recalled")),
            Target("overdue", only_if=g.past_due),
            Target("renewal_denied"),
        ),
        needs=(i.REASON.optional, i.NOTE.optional), records=(c.answer_renewal,),
        then=(notify_patron("renewal_denied"),), hears=("RenewResponse N",),
    ),
    Action(
        "patron_due_passed", "Due at the Patron's", (CLOCK,), ("HELD",), SAME,
        less=("renewal_requested", "overdue", "recalled"),
        then=(
            notify_patron("overdue_level_0", only_if=g.was_picked_up),
            alert_staff("never_picked_up", only_from=("received",)),
        ),
        fires=("patron_due",),
    ),
    Action(
        "due_date_passed", "Due Date Passed", (CLOCK,), ("HELD",), "overdue",
        less=("overdue", "recalled", "renewal_requested"),
        then=(notify_patron("overdue"), alert_staff("overdue")), fires=("lender_due",),
    ),
    Action(
        "overdue_notice", "Overdue Notice", (CLOCK,), ("overdue",), SAME, needs=(i.LEVEL.optional,),
        records=(c.next_level,), then=(notify_patron("overdue"), alert_staff("overdue")), fires=("notice_level",),
    ),
    Action(
        "partner_overdue", "Partner Says Overdue", (PARTNER,), ("HELD", "INBOUND"),
        (
            Target(SAME, ("INBOUND",), records=(c.keep_overdue,), then=(alert_staff("overdue_but_not_here"),)),
            Target("overdue", then=(notify_patron("overdue"), alert_staff("overdue"))),
        ),
        less=("overdue",), needs=(i.NOTE.optional,), hears=("Overdue",),
    ),
    Action(
        "partner_recalled", "Partner Recalled", (PARTNER,), ("HELD", "INBOUND"),
        (
            Target(SAME, ("INBOUND",), records=(c.keep_recall,), then=(alert_staff("recalled_but_not_here"),)),
            Target("recalled", records=(c.recall_to,), then=(notify_patron("recalled"), alert_staff("recalled"))),
        ),
        needs=(i.RETURN_BY.optional, i.NOTE.optional), hears=("Recalled",),
    ),
    Action(
        "patron_return", "Scan In", (STAFF,), ("HELD",),
        (Target(SAME, only_if=g.pieces_are_out), Target("return_in_transit")),
        needs=(i.ITEM_CONDITION.optional, i.PIECES.optional), then=(circulation("check_in"),),
        primary=True, undo=True,
    ),
    Action(
        "ship_back", "Ship Back", (STAFF,), ("return_in_transit", "HELD"), "returned",
        needs=(i.CARRIER.optional, i.TRACKING.optional), records=(c.set_tracking,),
        then=(send_message("ShippedReturn"), generate_slip("return_slip")), primary=True, undo=True,
    ),
    Action(
        "complete", "Mark as Completed", (STAFF, CLOCK), ("returned",), "completed", records=(c.completed_by_us,),
        fires_in={"completion_by": ("returned",)}, fires_if=g.completes_itself, primary=True,
    ),
    Action(
        "partner_completed", "Partner Completed", (PARTNER,),
        ("SEEKING", "INBOUND", "HELD", "GOING_BACK", "cancel_requested", "lost", "closed_without_return"),
        (
            Target("needs_review", ("SEEKING", "INBOUND")),
            Target("unfilled", ("cancel_requested",), g.ends_unfilled, then=(notify_patron("unfilled"),)),
            Target("cancelled", ("cancel_requested",), then=(notify_patron("cancelled"),)),
            Target("completed", ("lost",), records=(c.not_completed_by_us,), ledger=(Entry("reverse", LOST_FEES),)),
            Target(
                "completed", ("HELD", "GOING_BACK", "closed_without_return"), records=(c.not_completed_by_us,)
            ),
        ),
        needs=(i.NOTE.optional,), ledger=(Entry("reverse", provisional=True),),
        then=(
            alert_staff(
                "completed_by_partner",
                only_from=("SEEKING", "INBOUND", "HELD", "cancel_requested", "lost", "closed_without_return"),
            ),
        ),
        hears=("LoanCompleted",),
    ),
    Action(
        "report_lost", "Mark as Lost", (STAFF, PATRON), ("INBOUND", "HELD", "GOING_BACK"), "lost",
        needs=(i.NOTE.optional,), ledger=(Entry("assess", LOST_FEES, provisional=True),),
        then=(send_message("Lost"), notify_patron("lost")), undo=True,
    ),
    Action(
        "partner_declared_lost", "Partner Declared Lost", (PARTNER,),
        (*LOST_FROM, "completed"),
        (Target("lost", ("completed",), g.completed_by_hand), Target("lost", LOST_FROM)),
        needs=(i.COST.optional, i.CURRENCY.optional, i.NOTE.optional),
        ledger=(Entry("bill", LOST_FEES),), then=(alert_staff("declared_lost"),),
        hears=("CompletedWithoutReturn", "Notification lost"),
    ),
    Action(
        "report_damaged", "Mark as Damaged", (STAFF,), ("INBOUND", "HELD", "GOING_BACK"), SAME,
        needs=(i.SEVERITY, i.NOTE), ledger=(Entry("assess", ("damage",), provisional=True),),
        then=(send_message("Damaged"), alert_staff("damaged")),
    ),
    Action(
        "partner_bills", "Record Bill", (PARTNER, STAFF), ("any",), SAME, less=("created",),
        only_if=(g.is_a_bill,), needs=(i.AMOUNT, i.CURRENCY.optional, i.FEE_KIND, i.NOTE.optional),
        ledger=(Entry("bill"),), then=(alert_staff("billed"),),
        hears=("offeredCosts", "Notification damaged"), hears_else=("Notification lost",),
    ),
    Action(
        "found", "Found", (STAFF,), ("lost",),
        (
            Target("delivered", only_if=g.paper_copy, then=(notify_patron("ready_for_pickup"),)),
            Target("return_in_transit"),
        ),
        records=(c.is_here,), ledger=(Entry("reverse", LOST_FEES),), then=(send_message("Found"),), primary=True,
    ),
    Action(
        "settle", "Settle", (MANAGER,), ("lost",), "closed_without_return", only_if=(g.no_fee_is_open,),
    ),
    Action(
        "cancel", "Cancel Request", (STAFF, PATRON), ("PREPARING", "retry_offered"), "cancelled",
        needs=(i.REASON,), then=(notify_patron("cancelled"),),
    ),
    Action(
        "cancel", "Cancel Request", (STAFF, PATRON), ("SEEKING",), "cancel_requested", less=("retry_offered",),
        needs=(i.REASON,), records=(c.cancel_for_staff,), then=(send_message("Cancel"),),
    ),
    Action(
        "partner_accepts_cancel", "Partner Accepts Cancel", (PARTNER,), ("cancel_requested",),
        (
            Target("unfilled", only_if=g.ends_unfilled, then=(notify_patron("unfilled"),)),
            Target("cancelled", then=(notify_patron("cancelled"),)),
        ),
        needs=(i.NOTE.optional,), hears=("CancelResponse Y", "ERROR to our Cancel"),
    ),
    Action(
        "partner_refuses_cancel", "Partner Refuses Cancel", (PARTNER,), ("cancel_requested",),
        (
            Target(
                "shipped", only_if=g.says_loaned, records=(c.take_the_due_date, c.set_barcodes, c.set_tracking),
                ledger=(Entry("bill", ("supply",), only_if=g.names_a_cost),), then=(notify_patron("shipped"),),
            ),
            Target(PREVIOUS),
        ),
        needs=(
            i.REASON.optional, i.STATUS.optional, i.DUE_DATE.optional, i.ITEM_BARCODE.optional, i.PIECES.optional,
            i.CALL_NUMBER.optional, i.CARRIER.optional, i.TRACKING.optional, i.PARCEL_TO.optional,
            i.CONDITIONS.optional, i.COST.optional, i.CURRENCY.optional,
        ),
        then=(alert_staff("cancel_refused"),), hears=("CancelResponse N",),
    ),
    Action(
        "need_by_passed", "Need-by Date Passed", (CLOCK,), ("PREPARING", "retry_offered"), "unfilled",
        only_if=(g.need_by_is_over,), then=(notify_patron("unfilled"),), fires=("need_by",),
    ),
    Action(
        "need_by_passed", "Need-by Date Passed", (CLOCK,), ("request_sent", "conditional"), "cancel_requested",
        only_if=(g.need_by_is_over,), records=(c.cancel_for_need_by,),
        then=(send_message("Cancel"), alert_staff("need_by_passed")), fires=("need_by",),
    ),
    Action(
        "partner_delivered_copy", "Partner Delivered Copy", (PARTNER,),
        ("SEEKING", "INBOUND", "cancel_requested", "needs_review", "cancelled", "unfilled"),
        (
            Target("shipped", only_if=g.posted_on_paper, records=(c.on_paper,)),
            Target("delivered", then=(notify_patron("document"),)),
        ),
        only_if=(g.was_sent,),
        needs=(i.LINK.optional, i.LOCAL_COPY.optional, i.ON_PAPER.optional, i.NOTE.optional),
        then=(
            alert_staff("unexpected_copy", only_from=("INBOUND", *UNEXPECTED)),
            alert_staff("copy_without_a_file", only_if=g.nothing_delivered),
        ),
        hears=("CopyCompleted",),
    ),
    Action(
        "route_home", "Route Home", (STAFF,), ("CLOSED",), "return_in_transit", less=("delivered",),
        only_if=(g.was_sent,),
        records=(c.is_here, c.not_completed_by_us), ledger=(Entry("reverse", provisional=True),),
        then=(alert_staff("unexpected_parcel"),),
    ),
    Action(
        "change_due_date", "Change Due Date", (PARTNER, MANAGER), ("HELD", "INBOUND"),
        (
            Target(PREVIOUS, ("overdue", "recalled"), g.new_date_lifts_it, records=(c.lift_recall,)),
            Target(SAME, ("INBOUND",), g.new_date_lifts_it, records=(c.lift_what_was_kept,)),
            Target(SAME),
        ),
        only_if=(g.date_is_another,), needs=(i.DUE_DATE,), records=(c.set_due_date,),
        then=(notify_patron("due_date_changed"),), hears=("Loaned",),
    ),
    Action(
        "waive_fee", "Waive Fee", (MANAGER,), ("any",), SAME, less=("PREPARING",),
        needs=(i.OPEN_AMOUNT, i.OUR_REASON.optional), ledger=(Entry("waive"),),
    ),
    Action(
        "record_payment", "Record Payment", (MANAGER,), ("any",), SAME, less=("PREPARING",),
        needs=(i.OPEN_AMOUNT, i.NOTE.optional), ledger=(Entry("pay"),),
    ),
    Action(
        "remind", "Remind", (CLOCK,), ("not_terminal",), SAME, then=(alert_staff("reminder"),),
        fires=("reply_by", "not_before", "pickup_by", "return_by"), fires_in={"need_by": ("will_supply",)},
    ),
    Action(
        "ask", "Ask Partner", (STAFF, CLOCK), ("any",), SAME, less=("PREPARING",), only_if=(g.was_sent,),
        needs=(i.NOTE.optional,),
        then=(send_message("StatusRequest"), alert_staff("no_answer", only_if=g.pulled_by_the_clock)),
        fires=("ship_by", "arrive_by", "answer_by", "completion_by"),
    ),
    Action(
        "partner_informs", "Partner Informs", (PARTNER,), ("any",), SAME,
        needs=(
            i.NOTE.optional, i.STATUS.optional, i.LINK.optional, i.LOCAL_COPY.optional, i.COST.optional,
            i.CURRENCY.optional,
        ),
        then=(alert_staff("partner_informs", only_if=g.is_news),),
        hears=("RequestReceived", "HoldReturn", "ReleaseHoldReturn", "Notification"),
    ),
    Action(
        "close", "Close Manually", (MANAGER,), ("not_terminal",),
        (
            Target("unfilled", CALLED_OFF, g.chosen("unfilled")),
            Target("cancelled", CALLED_OFF, g.chosen("cancelled", default=True)),
            Target("closed_without_return", HANDLED,
                   g.chosen("closed_without_return")),
            Target("completed", HANDLED, g.chosen("completed", default=True)),
        ),
        needs=(i.OUR_REASON, i.OUTCOME.optional),
        then=(
            send_message("Cancel", only_from=("SEEKING", "cancel_requested")),
            send_message("Closed", only_from=HANDLED),
        ),
    ),
)  # fmt: skip

BORROWING = Lifecycle(
    name="borrowing",
    states=STATES,
    groups=GROUPS,
    terminal=frozenset(GROUPS["CLOSED"]),
    passing=frozenset({"cancel_requested", "renewal_requested", "overdue", "recalled"}),
    initial=("created",),
    actions=ACTIONS,
    timers=TIMERS,
)

check(BORROWING)
