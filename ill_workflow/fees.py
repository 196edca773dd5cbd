"""The ledger of fees: lines are added, never changed; what is open is a sum."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import BadInput


class Sign(StrEnum):
    """Whether a line raises what is open, or lowers it."""

    CHARGE = "charge"
    PAYMENT = "payment"
    WAIVER = "waiver"
    REVERSAL = "reversal"


class LedgerLine(Base):
    """One line of the ledger of a request: what the partner owes us (lending), or we owe it (borrowing)."""

    __tablename__ = "ledger_line"
    __table_args__ = (sa.CheckConstraint("amount > 0", name="amount_is_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("request.id"), index=True)
    event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"))
    sign: Mapped[str] = mapped_column(sa.String(16))
    kind: Mapped[str] = mapped_column(sa.String(32))
    provisional: Mapped[bool] = mapped_column(default=False)
    amount: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2))
    currency: Mapped[str] = mapped_column(sa.String(3))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ledger_line.id"), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)

    @property
    def signed(self) -> Decimal:
        return self.amount if self.sign == Sign.CHARGE else -self.amount


class Ledger:
    """The ledger of one request, as it is read and added to in one transaction."""

    def __init__(self, session: Session, library_id: int, request_id: int) -> None:
        self._session, self._library_id, self._request_id = session, library_id, request_id

    def lines(self) -> Sequence[LedgerLine]:
        mine = sa.select(LedgerLine).where(LedgerLine.request_id == self._request_id).order_by(LedgerLine.id)
        return self._session.scalars(mine).all()

    def balances(self) -> dict[str, Decimal]:
        """What is open, by currency; currencies in which nothing is open are left out."""
        sums: dict[str, Decimal] = {}
        for line in self.lines():
            sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.signed
        return {currency: amount for currency, amount in sums.items() if amount}

    def charged_by(self, event_id: int) -> dict[str, Decimal]:
        """What one event has charged, by currency."""
        sums: dict[str, Decimal] = {}
        for line in self.lines():
            if line.event_id == event_id and line.sign == Sign.CHARGE:
                sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.amount
        return sums

    def has_charged(self, kinds: Sequence[str]) -> bool:
        """Whether a charge of one of these kinds stands, paid or not."""
        return any(line.kind in kinds for line in self._standing())

    def charge(
        self,
        kind: str,
        amount: Decimal,
        currency: str,
        *,
        at: datetime,
        event_id: int,
        provisional: bool,
        note: str = "",
    ) -> None:
        if amount > 0:
            self._add(Sign.CHARGE, kind, amount, currency, at, event_id, provisional=provisional, note=note)

    def bill(
        self, kinds: Sequence[str], amount: Decimal, currency: str, *, at: datetime, event_id: int, note: str = "",
        final_too: bool = False,
    ) -> None:  # fmt: skip
        """A final charge of the first kind; it replaces what was assessed provisionally, or what stands at all."""
        self.reverse(at=at, event_id=event_id, provisional=not final_too, kinds=kinds)
        self.charge(kinds[0], amount, currency, at=at, event_id=event_id, provisional=False, note=note)

    def reverse(
        self, *, at: datetime, event_id: int, provisional: bool = False, kinds: Sequence[str] = (), note: str = ""
    ) -> None:
        """Take back charges that were not taken back before: all, or those that are provisional, or of some kinds."""
        for line in self._standing():
            if (line.provisional or not provisional) and (not kinds or line.kind in kinds):
                self._take_back(line, at, event_id, note)

    def undo(self, undone_event_id: int, *, at: datetime, event_id: int) -> None:
        """Take back every line of one event."""
        for line in self.lines():
            if line.event_id == undone_event_id:
                self._take_back(line, at, event_id, "undone")

    def settle(self, sign: Sign, amount: Decimal, *, at: datetime, event_id: int, note: str = "") -> None:
        """A payment or a waiver. Raises BadInput where it is not what is open."""
        balances = self.balances()
        currency, open_amount = next(((c, a) for c, a in balances.items() if a > 0), ("", Decimal(0)))
        if amount <= 0:
            raise BadInput("An amount is more than zero.", field="amount")
        if amount > open_amount:
            is_open = f"{open_amount} {currency} is" if currency else "Nothing is"
            raise BadInput(f"{is_open} open; {amount} is more than that.", field="amount")
        self._add(sign, "settlement", amount, currency, at, event_id, note=note)

    def _standing(self) -> list[LedgerLine]:
        """The charges that were not taken back."""
        lines = self.lines()
        taken_back = {line.reverses_id for line in lines}
        return [line for line in lines if line.sign == Sign.CHARGE and line.id not in taken_back]

    def _take_back(self, line: LedgerLine, at: datetime, event_id: int, note: str) -> None:
        back = Sign.REVERSAL if line.sign == Sign.CHARGE else Sign.CHARGE
        self._add(
            back, line.kind, line.amount, line.currency, at, event_id,
            provisional=line.provisional, note=note, reverses_id=line.id,
        )  # fmt: skip

    def _add(
        self, sign: Sign, kind: str, amount: Decimal, currency: str, at: datetime, event_id: int, *,
        provisional: bool = False, note: str = "", reverses_id: int | None = None,
    ) -> None:  # fmt: skip
        line = LedgerLine(
            library_id=self._library_id, request_id=self._request_id, event_id=event_id, sign=sign, kind=kind,
            amount=amount, currency=currency, provisional=provisional, note=note, reverses_id=reverses_id, at=at,
        )  # fmt: skip
        self._session.add(line)
        self._session.flush()


def in_words(balances: Mapping[str, Decimal]) -> str:
    """Balances for a sentence: `105.00 USD`."""
    return " and ".join(f"{amount:.2f} {currency}" for currency, amount in balances.items()) or "nothing"
