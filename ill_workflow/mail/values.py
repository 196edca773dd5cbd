"""The plain values of a letter: the request as it was when the letter was promised."""

from decimal import Decimal
from typing import Any

from ill_workflow.libraries import Library
from ill_workflow.mail.letters import LetterValues
from ill_workflow.mail.sentences import words_of
from ill_workflow.outbox import Claimed
from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.facts import lifecycle_of
from ill_workflow.requests.fields import from_json
from ill_workflow.requests.models import Request


def values_of(
    claimed: Claimed,
    library: Library,
    partner: Partner | None,
    wire_id: str | None = None,
    *,
    language: str = "en",
    patron: Patron | None = None,
    state_label: str = "",
) -> LetterValues:
    """What a letter of this language may use."""
    told, inputs = from_json(claimed.payload["request"]), from_json(claimed.payload["inputs"])
    return LetterValues(
        reference=wire_id or told["reference"],
        title=told["title"],
        author=told["author"],
        library_name=library.name,
        library_reply_to=library.reply_to or library.email,
        library_address=library.address,
        patron_name=patron.name if patron else "",
        pickup_location=patron.pickup_location if patron else "",
        partner_name=partner.name if partner else "",
        due_date=told["patron_due"] if patron else told["lender_due"],
        return_by=told["return_by"] or inputs.get("return_by"),
        level=0 if claimed.argument == "overdue_level_0" else 1 + told["notice_level"],
        reason=str(inputs.get("reason") or inputs.get("problems") or ""),
        note=str(inputs.get("note") or ""),
        amount=_amount(claimed, inputs, language),
        link=str(inputs.get("link") or ""),
        file=bool(inputs.get("file")),
        state_label=state_label,
        occasion=claimed.argument,
        service=told["service"],
        need_by=told["need_by"],
        call_number=told["call_number"] or "",
        item_barcode=told["item_barcode"] or "",
        partner_reference=told["partner_request_id"] or "",
        conditions=tuple(told["conditions"] or ()),
    )


def label_of_state(request: Request, state: str, language: str) -> str:
    """What a state is called in this language."""
    return words_of(language).states.get(state) or lifecycle_of(request).label(state)


def _amount(claimed: Claimed, inputs: dict[str, Any], language: str) -> str:
    words = words_of(language)
    charged: dict[str, Decimal] = from_json(claimed.payload["charged"]) or {}
    owed = words.and_.join(words.money(value, currency) for currency, value in charged.items() if value > 0)
    amount = inputs.get("amount", inputs.get("cost"))
    currency = inputs.get("currency") or claimed.payload["currency"]
    return owed or (words.money(amount, currency) if amount is not None else "")
