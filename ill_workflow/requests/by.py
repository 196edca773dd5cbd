"""Who acts on a request, and what they may do there."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, Role, role_at
from ill_workflow.errors import BadInput, NotAllowed
from ill_workflow.partners import Partner
from ill_workflow.requests.models import Request
from state_machines.declaration import Actor

#: How staff may have heard what they record on a partner's behalf.
TOLD_BY = ("phone", "mail", "paper")


@dataclass(frozen=True)
class By:
    """An account, a partner, a patron or the clock; the engine itself acts as `system`."""

    actor: Actor
    account: Account | None = None
    partner: Partner | None = None
    told_by: str | None = None  #: staff record what the partner said by phone, mail or on paper
    manages: bool = True  #: whether they decide as a manager where their account is one: a token may hold less

    @classmethod
    def staff(cls, account: Account, told_by: str | None = None, *, manages: bool = True) -> "By":
        if told_by is not None and told_by not in TOLD_BY:
            raise BadInput(f"{told_by!r} is not possible. Choose {', '.join(TOLD_BY)}.", field="told_by")
        return cls(Actor.STAFF, account=account, told_by=told_by, manages=manages)

    @classmethod
    def a_partner(cls, partner: Partner) -> "By":
        return cls(Actor.PARTNER, partner=partner)

    @property
    def who(self) -> str:
        """The name that history keeps."""
        if self.account:
            return self.account.full_name or self.account.name
        return self.partner.name if self.partner else f"the {self.actor}"

    @property
    def caller(self) -> str:
        """The owner of idempotency keys."""
        if self.account:
            return f"account:{self.account.id}"
        return f"partner:{self.partner.id}" if self.partner else str(self.actor)


CLOCK, SYSTEM = By(Actor.CLOCK), By(Actor.SYSTEM)


def actors_at(session: Session, by: By, library_id: int, label: str) -> frozenset[Actor]:
    """As whom they may pull rows at a library. Raises NotAllowed for an account without a grant there."""
    if by.account is None:
        return frozenset({by.actor})
    role = role_at(session, by.account, library_id)
    if role is None:
        raise NotAllowed(
            f"{by.account.name} has no grant at the library of {label}. A manager there can give one.", field="as"
        )
    if by.told_by:
        return frozenset({Actor.PARTNER})
    actors = {Actor.STAFF} | ({Actor.MANAGER} if role == Role.MANAGER and by.manages else set())
    return frozenset(actors | ({Actor.SYSTEM} if by.account.system else set()))


def speaks_for(by: By, request: Request) -> None:
    """A partner acts on its own requests alone."""
    if by.partner is not None and by.partner.library_id != request.library_id:
        raise NotAllowed(f"{by.partner.name} has nothing to do with {request.reference}.")
