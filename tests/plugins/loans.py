"""A loan as librarians tell it: what the lender does, what the borrower does, and how the other one hears of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.plugins.stage import Half, Stage

BOOK = "31234000551187"
#: What a lender does: the row and its inputs at the lender, and those at the borrower where staff are told of it.
LENDER = {
    "promises": (("will_supply", {}), ("partner_will_supply", {"expected_date": "2026-02-06"})),
    "prints the slip": (("print_slip", {}), ("partner_will_supply", {})),
    "sets a condition": (
        ("add_condition", {"condition": "LibraryUseOnly", "cost": "12.50"}),
        ("partner_sets_condition", {"condition": "LibraryUseOnly", "cost": "12.50", "currency": "USD"}),
    ),
    "refuses": (("reject", {"reason": "NotOnShelf"}), ("partner_cannot_supply", {"reason": "NotOnShelf"})),
    "offers a retry": (
        ("offer_retry", {"reason": "MultiVolAvail", "new_data": "Which volume?"}),
        ("partner_offers_retry", {"reason": "MultiVolAvail", "new_data": "Which volume?"}),
    ),
    "ships": (
        ("ship", {"condition_checked": True, "item_barcode": BOOK, "due_date": "2026-03-05"}),
        ("partner_shipped", {"item_barcode": BOOK, "due_date": "2026-03-05"}),
    ),
    "delivers": (
        ("deliver_copy", {"link": "https://copies.example/1"}),
        ("partner_delivered_copy", {"link": "https://copies.example/1"}),
    ),
    "renews": (("renew", {"due_date": "2026-04-02"}), ("partner_renewed", {"due_date": "2026-04-02"})),
    "denies the renewal": (
        ("deny_renewal", {"reason": "Reserved"}),
        ("partner_denied_renewal", {"reason": "Reserved"}),
    ),
    "recalls": (("recall", {"return_by": "2026-02-20"}), ("partner_recalled", {"return_by": "2026-02-20"})),
    "lifts the recall": (
        ("cancel_recall", {"due_date": "2026-03-12"}),
        ("change_due_date", {"due_date": "2026-03-12"}),
    ),
    "agrees to cancel": (("accept_cancel", {}), ("partner_accepts_cancel", {})),
    "won't cancel": (("refuse_cancel", {"reason": "packed"}), ("partner_refuses_cancel", {"reason": "packed"})),
    "has it back": (("check_in", {}), ("partner_completed", {})),
    "says that it is lost": (("mark_lost", {}), ("partner_declared_lost", {"cost": "105.00"})),
    "bills the damage": (
        ("mark_damaged", {"severity": "minor", "note": "a stain", "amount": "8.00"}),
        ("partner_bills", {"kind": "damage", "amount": "8.00"}),
    ),
}
#: The same of a borrower.
BORROWER = {
    "accepts the condition": (("accept_condition", {}), ("partner_accepts_condition", {})),
    "receives": (("receive", {"condition_checked": True}), ("partner_received", {})),
    "asks to renew": (("request_renewal", {}), ("partner_requests_renewal", {})),
    "sends back": (("ship_back", {"tracking": "R-9"}), ("partner_returned", {"tracking": "R-9"})),
    "says that it is lost": (("report_lost", {"note": "on a train"}), ("mark_lost", {"note": "on a train"})),
    "calls it off": (("cancel", {"reason": "not needed"}), ("partner_cancels", {"reason": "not needed"})),
    "asks how it stands": (("ask", {}), ("partner_informs", {"note": "How does it stand?"})),
}


@dataclass
class Loan:
    """A loan of which both halves are ours, or one; then staff record what the other library tells them."""

    stage: Stage
    loan: Half | None
    lent: Half | None
    borrowers: str = "operator"  #: who acts for the borrower
    lenders: str = "operator"
    told_by: itertools.cycle = field(default_factory=lambda: itertools.cycle(("phone", "mail", "paper")))

    def lender(self, does: str, **more) -> None:
        real, told = LENDER[does]
        self._happens(self.lent, real, self.lenders, self.loan, told, self.borrowers, more)

    def borrower(self, does: str, **more) -> None:
        real, told = BORROWER[does]
        self._happens(self.loan, real, self.borrowers, self.lent, told, self.lenders, more)

    def at_the_borrower(self, trigger: str, **inputs) -> None:
        """What the lender hears nothing of."""
        if self.loan:
            self.loan.does(trigger, by=self.borrowers, **inputs)

    def at_the_lender(self, trigger: str, **inputs) -> None:
        if self.lent:
            self.lent.does(trigger, by=self.lenders, **inputs)

    def stands(self, borrowing: str, lending: str | None = None) -> None:
        if self.loan:
            assert self.loan.state == borrowing
        if self.lent:
            assert self.lent.state == (lending or borrowing)

    def _happens(self, doer, real, role, other, told, others_role, more) -> None:
        if doer:
            trigger, inputs = real
            doer.does(trigger, by=role, **{**inputs, **more})
            return
        trigger, inputs = told
        known = {k: v for k, v in more.items() if k in inputs}
        way = next(self.told_by)
        other.does(trigger, by=others_role, told_by=way, **{**inputs, **known})
        self._was_recorded(other, others_role, way)

    def _was_recorded(self, half: Half, role: str, way: str) -> None:
        """The history says who recorded it, and how it came."""
        event = half.last_event
        assert (event.actor, event.told_by, event.who) == ("partner", way, f"{role}-{half.library.code}")


PAIRS = ("branches", "from a mail reader", "to a mail reader")


def begin(stage: Stage, pair: str, *, send: bool = True, **fields: Any) -> Loan:
    """A request, in each of three ways: both halves are ours, or one of them."""
    if pair == "branches":
        loan = stage.borrows(send=send, **fields)
        return Loan(stage, loan, stage.other_half(loan) if send else None, "operator", "manager")
    if pair == "from a mail reader":
        return Loan(stage, stage.borrows(ask=("HILL",), send=send, **fields), None, "manager")
    return Loan(stage, None, stage.lends(to="HILL", **fields), lenders="operator")
