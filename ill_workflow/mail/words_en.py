"""What letters say in English."""

LOCALE = "en_GB"
AND = " and "
DECIMAL = "."

#: What the mail to a partner is about, for its subject.
SUBJECTS = {
    "Request": "request", "Retry": "request, once more", "Received": "received", "ShippedReturn": "on its way back",
    "Renew": "renewal wanted", "Cancel": "please cancel", "Lost": "lost", "Damaged": "damaged", "Found": "found",
    "Closed": "closed", "Note": "a note", "ConditionAccepted": "condition accepted", "Amended": "request changed",
    "StatusRequest": "what is the status?", "RequestReceived": "request received", "WillSupply": "will supply",
    "WillSupply with condition": "will supply on a condition", "ExpectToSupply": "expect to supply",
    "Unfilled": "can't supply", "RetryPossible": "not as asked", "Loaned": "shipped", "CopyCompleted": "copy ready",
    "Overdue": "overdue", "Overdue notice": "still overdue", "Recalled": "recalled", "RenewResponse Y": "renewed",
    "RenewResponse N": "not renewed", "CancelResponse Y": "cancelled", "CancelResponse N": "too late to cancel",
    "LoanCompleted": "complete", "CompletedWithoutReturn": "closed without return", "Cancelled": "cancelled",
    "DueDate": "new due date", "StatusRequestResponse": "the status", "Correction": "a correction",
}  # fmt: skip

#: For staff: what has happened, and what may be done about it.
ALERTS = {
    "new_request": "A partner asks for this item. Look for it on the shelf, then print the slip or reject it.",
    "needs_review": "Please look this request over before it is sent.",
    "condition": "The lender sets a condition. Accept or decline it.",
    "retry_offered": "The lender can't supply it as asked, but offers to be asked again.",
    "shipment_taken_back": "The lender said that it had shipped the item, and now that it can't supply it.",
    "reason_needs_review": "The lender can't supply it, for a reason that no other lender can cure.",
    "unexpected_shipment": "A lender has sent an item that was not expected any more.",
    "due_date_assumed": "The lender named no due date. The usual term was assumed; correct it if you know better.",
    "renewed_without_a_date": "The lender has renewed the loan without a new due date. Ask for one.",
    "never_picked_up": "The loan is due, and the patron never picked it up.",
    "overdue": "The loan is overdue.",
    "overdue_but_not_here": "The lender says that the loan is overdue, but it has not come here.",
    "recalled": "The lender wants the item back early.",
    "recalled_but_not_here": "The lender recalls an item that has not come here yet.",
    "completed_by_partner": "The lender says that the loan is complete, earlier than we expected. Check the shelf.",
    "declared_lost": "The lender has declared the item lost.",
    "damaged": "The item was marked as damaged.",
    "billed": "The lender bills us.",
    "cancel_refused": "The lender does not accept the cancellation.",
    "need_by_passed": "The need-by date has passed. The lender was asked to cancel.",
    "unexpected_copy": "A copy came that was not expected any more.",
    "copy_without_a_file": "The lender says that it delivered a copy, but named neither link nor file.",
    "patron_has_no_address": "A notice could not be sent: the patron has no e-mail address. Please call or write.",
    "unexpected_parcel": "A parcel came that nobody expected. It is on its way home.",
    "reminder": "This request has waited for longer than it should.",
    "reminder_respond_by": "The item was promised and has not been shipped. Ship it, or tell the borrower.",
    "reminder_answer_by": "An answer is awaited: to a condition, a renewal or a cancellation.",
    "reminder_return_by": "The day by which the item was to go back has passed.",
    "reminder_completion_by": "The item is said to be on its way home, and was not scanned in yet.",
    "reminder_need_by": "The need-by date has passed, and the lender has not shipped yet.",
    "reminder_reply_by": "The lender waited for our answer to its condition until now.",
    "reminder_not_before": "The lender may be asked again from now on.",
    "reminder_pickup_by": "The item was not picked up by the patron.",
    "no_answer": "The lender has not answered. It was asked for the status.",
    "no_answer_ship_by": "The lender promised the item and has not shipped it. It was asked for the status.",
    "no_answer_arrive_by": "The item was shipped and has not arrived. The lender was asked for the status.",
    "no_answer_answer_by": "The lender has not answered the renewal. It was asked for the status.",
    "no_answer_completion_by": "The lender has not said that the item is back. It was asked for the status.",
    "partner_informs": "The partner writes about this request.",
    "condition_accepted": "The borrower accepts the condition. The item may be sent.",
    "renewal_requested": "The borrower asks for a renewal. Renew or deny it.",
    "went_out_unscanned": "The borrower has received an item that was never scanned out here.",
    "lost_unscanned": "The borrower has lost an item that was never scanned out here. If it is here, scan it in.",
    "unexpected_return": "The borrower has sent something back that was not known to be there.",
    "lost": "The item is lost.",
    "cancel_requested": "The borrower wants to cancel. Accept or refuse it.",
    "expired": "Nobody answered the request in time. It was declined.",
}

#: For a partner that reads plain mail: what we tell it, or ask of it.
MESSAGES = {
    "Request": "We would like to borrow the item below. Please answer this mail and say whether you can supply it.",
    "Retry": "We ask again for the item below, changed as you suggested.",
    "Received": "We have received the item. Thank you.",
    "ShippedReturn": "The item is on its way back to you.",
    "Renew": "We would like to renew the loan. Please answer whether, and until when.",
    "Cancel": "Please cancel our request, and tell us that you did.",
    "Lost": "The item is lost. We are sorry.",
    "Damaged": "The item has been damaged.",
    "Found": "The item that was lost has been found, and will come back to you.",
    "Closed": "We have closed this request.",
    "Note": "A note about this request:",
    "ConditionAccepted": "We accept your condition. Please send the item.",
    "Amended": "We have changed our request.",
    "StatusRequest": "What is the status of our request? Please answer this mail.",
    "RequestReceived": "We have received your request.",
    "WillSupply": "We will supply the item.",
    "WillSupply with condition": "We will supply the item on the condition below. Please answer whether you accept it.",
    "ExpectToSupply": "We expect to supply the item, and are looking for it.",
    "Unfilled": "We are sorry: we can't supply the item.",
    "RetryPossible": "We can't supply it as asked. You may ask again as said below.",
    "Loaned": "We have shipped the item to you.",
    "CopyCompleted": "The copy is ready for you.",
    "Overdue": "The loan is overdue. Please send the item back, or ask for a renewal.",
    "Overdue notice": "The loan is still overdue. Please send the item back.",
    "Recalled": "We need the item back early. Please return it.",
    "RenewResponse Y": "The loan is renewed.",
    "RenewResponse N": "We are sorry: the loan can't be renewed.",
    "CancelResponse Y": "Your request is cancelled.",
    "CancelResponse N": "It is too late to cancel: we can't stop this request any more.",
    "LoanCompleted": "The item is back. The loan is complete. Thank you.",
    "CompletedWithoutReturn": "This loan is closed without the item's return.",
    "Cancelled": "The request is cancelled.",
    "DueDate": "The due date of the loan is another.",
    "StatusRequestResponse": "You asked for the status of your request; it is below.",
    "Correction": "Please disregard our last message about this request: it was sent by mistake.",
}

#: For a patron: what has happened, and what to do, where several notices are one mail.
NOTICES = {
    "request_sent": "We have asked another library for it. We will write as soon as it is on its way.",
    "ready": "Our own library has it. It is ready for you{% if pickup_location %} at {{ pickup_location }}{% endif %}.",
    "ready_for_pickup": (
        "It has arrived and is ready for you{% if pickup_location %} at {{ pickup_location }}{% endif %}."
        "{% if due_date %} Please return it by {{ due_date | day }}.{% endif %}"
        "{% if conditions %} Please note: {{ conditions | join('; ') }}.{% endif %}"
    ),
    "shipped": "It is on its way to us. We will write when it can be picked up.",
    "renewed": "You may keep it for longer{% if due_date %}: until {{ due_date | day }}{% endif %}.",
    "renewal_denied": (
        "We are sorry: the lending library can't renew it."
        "{% if due_date %} Please return it by {{ due_date | day }}.{% endif %}"
        "{% if reason %} Reason: {{ reason }}{% endif %}"
    ),
    "overdue": (
        "{% if level == 0 %}Please bring it back now: it still has to travel back to the library that owns it."
        "{% elif level == 1 %}It is overdue, and belongs to another library. Please bring it back."
        "{% else %}It is still overdue. If it does not come back, the lending library will bill us for its "
        "replacement. If you can't find it, please tell us.{% endif %}"
        "{% if due_date %} It was due on {{ due_date | day }}.{% endif %}"
    ),
    "recalled": (
        "The lending library needs it back. Please return it"
        "{% if return_by %} by {{ return_by | day }}{% else %} as soon as you can{% endif %}."
    ),
    "lost": "It has been marked as lost. If you find it, please bring it back.",
    "cancelled": "Your request is cancelled.{% if reason %} Reason: {{ reason }}{% endif %}",
    "unfilled": "We are sorry: we could not get it for you.{% if reason %} Reason: {{ reason }}{% endif %}",
    "document": "The copy that you asked for is here.{% if link %} {{ link }}{% endif %}",
    "due_date_changed": (
        "Its due date has changed.{% if due_date %} Please return it by {{ due_date | day }}.{% endif %}"
    ),
}

#: How the lines of a letter to a partner are called.
LABELS = {
    "Author": "Author", "Article": "Article", "Volume": "Volume", "Pages": "Pages", "ISBN": "ISBN", "ISSN": "ISSN",
    "Publisher": "Publisher", "Year": "Year", "Service": "Service", "Needed by": "Needed by",
    "Asked before as": "Asked before as", "Note": "Note", "Status": "Status", "Answer": "Answer", "Reason": "Reason",
    "Due date": "Due date", "Expected": "Expected", "Carrier": "Carrier", "Tracking number": "Tracking number",
    "Return to": "Return to", "Conditions": "Conditions", "Costs": "Costs", "Please answer by": "Please answer by",
    "Not before": "Not before", "Item": "Item", "Items": "Items", "Link": "Link", "File": "File",
    "Delivery": "Delivery",
}  # fmt: skip

#: Single words that stand as values.
VALUES = {
    "yes": "yes", "no": "no", "loan": "loan", "copy": "copy", "attached": "attached", "by post": "by post",
}  # fmt: skip

#: States by their names, where their labels in the lifecycles are not the words.
STATES: dict[str, str] = {}

#: Codes of the standard, where taking them apart is not enough.
CODES: dict[str, str] = {}

#: Sentences that we write ourselves into what a partner or staff are told: a pattern, and how it is said.
WRITTEN_BY_US: tuple[tuple[str, str], ...] = ()
