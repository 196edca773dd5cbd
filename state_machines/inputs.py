"""The values that rows ask for; form fields, API schema and command-line options come from here."""

from dataclasses import replace

from state_machines.changes import renewed_to, usual_due_date
from state_machines.declaration import Input

#: Codes of the standard that are usual; whoever has another reason or condition says so in words.
UNFILLED = (
    "NotOnShelf", "OnLoan", "InUse", "NonCirculating", "NotHeld", "NotFoundAsCited", "PoorCondition", "Lost",
    "Lacking", "AtBindery", "InProcess", "OnOrder", "PolicyProblem", "NotAvailableForILL", "Other",
)  # fmt: skip
RETRY = (
    "MustMeetLoanCondition", "CostExceedsMaxCost", "MultiVolAvail", "NotCurrentAvailableForILL", "OnLoan",
    "VolumeIssueNotYetAvailable", "ReqDelDateNotPossible", "ReqEditionNotPossible", "ReqServTypeNotPoss",
)  # fmt: skip
USUAL_CONDITIONS = (
    "LibraryUseOnly", "NoReproduction", "SignatureRequired", "SpecCollSupervReq", "WatchLibraryUseOnly",
)  # fmt: skip

REASON = Input("reason", "Reason", longest=200)
OUR_REASON = replace(REASON, internal=True, hint="stays here; the partner is not told")
WHY_UNFILLED = replace(REASON, usual=UNFILLED, begins=lambda request, facts: request.offered_reason)
WHY_RETRY = replace(REASON, usual=RETRY)
NOTE = Input("note", "Note", "lines")
INTERNAL_NOTE = Input("internal_note", "Internal note", "lines", internal=True)
PARTNER = Input(
    "partner", "Partner", "code", required=False, longest=64, hint="code of the partner to ask first", known="partners"
)
ROTA = Input(
    "rota",
    "Rota",
    "texts",
    required=False,
    hint="codes of the partners, in the order in which to ask",
    known="partners",
)
PROBLEMS = Input("problems", "Problems", "lines")
EXPECTED_DATE = Input("expected_date", "Expected date", "date")
CONDITIONS = Input("conditions", "Conditions", "texts", longest=200, usual=USUAL_CONDITIONS)
CONDITION = Input("condition", "Condition", longest=200, usual=USUAL_CONDITIONS)
COST = Input("cost", "Cost", "money")
REPLY_BY = Input("reply_by", "Reply by", "date", future=True)
NEW_DATA = Input("new_data", "What would do", "lines")
NOT_BEFORE = Input("not_before", "Not before", "date")
CHANGES = Input("changes", "Changed fields", "fields")
DUE_DATE = Input("due_date", "Due date", "date", future=True)
DUE_BY_POLICY = replace(DUE_DATE, begins=lambda request, facts: usual_due_date(facts))
RENEWED_TO = replace(DUE_DATE, begins=renewed_to)
ITEM_BARCODE = Input(
    "item_barcode", "Item barcode", "code", longest=64, begins=lambda request, facts: request.item_barcode
)
TEMPORARY_BARCODE = Input("temporary_barcode", "Temporary barcode", "code", longest=64)
CALL_NUMBER = Input("call_number", "Call number", longest=200, begins=lambda request, facts: request.call_number)
LOCATION = Input("location", "Location", longest=200, begins=lambda request, facts: request.location)
FOUND = Input("found", "Found on the shelf", "flag")
TRACKING = Input("tracking", "Tracking number", longest=128)
PARCEL_TO = Input("parcel_to", "Return to", "lines", longest=500, hint="where this item goes back to, if elsewhere")
CARRIER = Input("carrier", "Carrier", longest=64, known="carriers")
CARRIER_EVENT = Input("carrier_event", "Carrier event")
CONDITION_CHECKED = Input("condition_checked", "Condition checked", "flag", hint="look the item over and confirm")
ITEM_CONDITION = Input("item_condition", "Condition of the item")
PIECES = Input("pieces", "Pieces", "barcodes", hint="barcodes of the pieces in hand", longest=64)
FURTHER_PIECES = replace(PIECES, hint="barcodes of further volumes that travel along with the item")
PIECE_COUNT = Input("piece_count", "Number of pieces", "count", hint="how many travel as one request: 1 to 99")
WISHED_DATE = Input("wished_date", "Wished date", "date")
RETURN_BY = Input("return_by", "Return by", "date")
RETURN_BY_NEXT = Input("return_by", "Return by", "date", future=True)
STATUS = Input("status", "Status", longest=64)
LEVEL = Input("level", "Level", "integer")
AMOUNT = Input("amount", "Amount", "money")
OPEN_AMOUNT = replace(AMOUNT, begins=lambda request, facts: facts.open_fees or None)
CURRENCY = Input("currency", "Currency", "currency", hint="such as USD")
FEE_KIND = Input("kind", "Kind", choices=("replacement", "processing", "damage", "overdue", "supply", "other"))
SEVERITY = Input("severity", "Severity", choices=("minor", "major", "beyond repair"))
LINK = Input("link", "Link")
ON_PAPER = Input("on_paper", "Posted on paper", "flag")
OUTCOME = Input("outcome", "Outcome", hint="one of those that the present state allows")
LOCAL_COPY = Input("file", "File", "copy", hint="PDF, TIFF, JPEG or PNG")
