"""Which system calls, with which token, and at which of its libraries."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from ill_workflow.accounts import Account, Role, libraries_of, role_at
from ill_workflow.bootstrap import Services
from ill_workflow.errors import NotAllowed, NotFound, Unauthorised
from ill_workflow.libraries import Library, find_library
from ill_workflow.requests.by import By
from ill_workflow.tokens import Scope, find_token, unseen, used
from ill_workflow.web.api.limits import Limit


@dataclass(frozen=True)
class Caller:
    """A system, and how far the token reaches with which it calls."""

    account: Account
    token: str  #: its name
    scope: Scope
    library_id: int | None  #: none: wherever the account has a grant

    def needs(self, scope: Scope) -> None:
        if not self.scope.holds(scope):
            raise NotAllowed(f"The token {self.token} may {self.scope}. This needs one that may {scope}.")


@dataclass(frozen=True)
class Place:
    """A caller at a library."""

    caller: Caller
    library: Library
    role: Role

    def by(self, told_by: str | None = None) -> By:
        return By.staff(self.caller.account, told_by, manages=self.role == Role.MANAGER)


@dataclass(frozen=True)
class Limits:
    """How much is taken from one token, and how many wrong ones from one address."""

    calls: Limit
    wrong_tokens: Limit


def services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


Here = Annotated[Services, Depends(services)]


def calling(request: Request, services: Here) -> Caller:
    """Whoever has sent a good token. Raises Unauthorised, or TooMany."""
    limits = cast(Limits, request.app.state.limits)
    address = request.client.host if request.client else ""
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not shown.strip():
        raise Unauthorised("Send a token: Authorization: Bearer ill_…", field="Authorization")
    limits.wrong_tokens.check(address)
    with services.db.reading() as session:
        token = find_token(session, shown.strip())
        if token is None:
            limits.wrong_tokens.take(address)
            raise Unauthorised("This token opens nothing: it is unknown, revoked or over.", field="Authorization")
        limits.calls.take(token.id)
        caller = Caller(token.account, token.name, Scope(token.scope), token.library_id)
        to_be_noted = unseen(token)
    if to_be_noted:
        with services.db.writing() as session:
            used(session, token.id)
    return caller


Calling = Annotated[Caller, Depends(calling)]
LibraryCode = Annotated[str, Path(description="The code of a library, such as MAIN.", examples=["MAIN"])]


def reading(caller: Calling, services: Here, library: LibraryCode) -> Place:
    """A caller who may look at the library of the address. Raises NotFound or NotAllowed."""
    with services.db.reading() as session:
        try:
            here = find_library(session, library)
        except NotFound:
            raise NotFound("There is no such library.", field="library") from None
        role = role_at(session, caller.account, here.id)
    if caller.library_id not in (None, here.id):
        raise NotAllowed(f"The token {caller.token} is for another library.", field="library")
    if role is None:
        raise NotAllowed(f"{caller.account.name} has no grant at {here.name}.", field="library")
    return Place(caller, here, role if caller.scope.holds(Scope.MANAGE) else Role.OPERATOR)


def acting(place: Annotated[Place, Depends(reading)]) -> Place:
    """A caller who may change something there."""
    place.caller.needs(Scope.ACT)
    return place


def anywhere(caller: Calling, services: Here) -> Caller:
    """A caller who works for at least one library."""
    with services.db.reading() as session:
        if not libraries_of(session, caller.account):
            raise NotAllowed(f"{caller.account.name} has no grant anywhere.")
    return caller


Reading = Annotated[Place, Depends(reading)]
Acting = Annotated[Place, Depends(acting)]
Anywhere = Annotated[Caller, Depends(anywhere)]
