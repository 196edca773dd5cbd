"""Bodies as other systems send them; the tests send each of them."""

from typing import Any

#: Of `print_slip`, which asks for nothing that has to be given, and of `ship`, for comparison.
ACTIONS: dict[str, Any] = {
    "nothing to say": {"summary": "print_slip: nothing has to be said", "value": {}},
    "with inputs": {
        "summary": "print_slip: with an input, and only where nobody was faster",
        "value": {"inputs": {"piece_count": 2}, "version": 1},
    },
}
NOTES: dict[str, Any] = {
    "for staff": {"summary": "For the staff of this library", "value": {"note": "The patron is in a hurry."}},
    "to the partner": {
        "summary": "To the partner, as a message", "value": {"note": "Please pack it well.", "to_partner": True},
    },
}  # fmt: skip
SCANS: dict[str, Any] = {
    "a returned item": {"summary": "What was lent comes home", "value": {"code": "31234000551187"}},
    "an arrival": {"summary": "What was borrowed has come, and was looked over",
                   "value": {"code": "XPX-1001", "checked": True}},
}  # fmt: skip
NEW: dict[str, Any] = {
    "borrowing": {
        "summary": "A patron of ours wants a book",
        "value": {
            "side": "borrowing",
            "fields": {"title": "Pride and Prejudice", "author": "Austen, Jane", "isbn": "9780141439518"},
            "patron": {"barcode": "21234000012345", "name": "Ann Reader", "email": "ann@readers.example"},
            "partners": ["HILL"],
        },
    },
    "lending": {
        "summary": "A partner asks by phone",
        "value": {
            "side": "lending",
            "partner": "HILL",
            "partner_request_id": "H-1042",
            "fields": {"title": "Emma", "author": "Austen, Jane"},
            "note": "They need it soon.",
        },
    },
}
