"""Who looks at the console, and at which library: handed to every page."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, cast
from urllib.parse import quote, urlencode, urlsplit

import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi import Depends, Request
from python_multipart.multipart import parse_options_header
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from ill_workflow.accounts import Account, Grant, Role, SignIn
from ill_workflow.bootstrap import Services
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput, IllError, NotAllowed, NotFound, Unauthorised
from ill_workflow.libraries import Library
from ill_workflow.requests.by import By
from ill_workflow.signing_in import SEEN_EVERY, Lasting, find_session, still_here
from ill_workflow.web import words
from ill_workflow.web.words import _

SAFE = ("GET", "HEAD", "OPTIONS")
#: What is open to somebody whose password was given by somebody else.
OPEN_BEFORE = ("/account", "/sign-out")


class OwnPasswordFirst(IllError):
    """Take a password of your own first."""

    status = 403


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, and the libraries at which they have a grant, in the order of their names."""

    account: Account
    libraries: tuple[Library, ...]
    roles: dict[int, Role]  #: by library id
    sign_in_id: int
    csrf: str
    locale: str = field(default_factory=words.spoken)

    def by(self, told_by: str | None = None) -> By:
        return By.staff(self.account, told_by)


@dataclass(frozen=True)
class Visitor(Person):
    """A person at one of their libraries: the one that the address names."""

    library: Library = None  # type: ignore[assignment]
    role: Role = Role.OPERATOR

    @property
    def manages(self) -> bool:
        return self.role == Role.MANAGER


def services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


def passwords(request: Request) -> PasswordHasher:
    return cast(PasswordHasher, request.app.state.passwords)


Here = Annotated[Services, Depends(services)]
Passwords = Annotated[PasswordHasher, Depends(passwords)]


def cookie_name(request: Request) -> str:
    # A browser takes the first name from https alone, for this host alone.
    return "__Host-ill" if request.url.scheme == "https" else "ill"


def lasting(services: Services) -> Lasting:
    """How long sessions last at this installation."""
    settings = services.settings
    return Lasting(timedelta(hours=settings.session_idle_hours), timedelta(days=settings.session_days))


def somebody_or_nobody(request: Request, services: Here) -> Person | None:
    """Whoever is signed in at this browser."""
    with services.db.reading() as session:
        row = find_session(session, request.cookies.get(cookie_name(request)))
        person = _person(session, row) if row else None
        # A page that looks by itself is nobody at work.
        by_hand = "x-live" not in request.headers
        unseen = row is not None and by_hand and row.seen_at < machine_now() - SEEN_EVERY
    if person and unseen:
        with services.db.writing() as session:
            still_here(session, person.sign_in_id, lasting(services))
    request.state.person = person
    return person


Anybody = Annotated[Person | None, Depends(somebody_or_nobody)]


def somebody(request: Request, person: Anybody) -> Person:
    if person is None:
        raise Unauthorised(_("Sign in first."))
    if person.account.password_until is not None and not request.url.path.startswith(OPEN_BEFORE):
        raise OwnPasswordFirst(_("Take a password of your own first."))
    return person


Somebody = Annotated[Person, Depends(somebody)]


def signed(request: Request, person: Somebody, library: str) -> Visitor:
    """A person at the library of the address. Raises NotFound, or NotAllowed where they have no grant."""
    here = next((mine for mine in person.libraries if mine.code == library), None)
    if here is None:
        with services(request).db.reading() as session:
            known = session.scalar(sa.select(Library.name).where(Library.code == library))
        if known is None:
            raise NotFound(_("There is no such library."), field="library")
        raise NotAllowed(_("You have no grant at this library. A manager there can give one."), field="library")
    visitor = Visitor(
        person.account, person.libraries, person.roles, person.sign_in_id, person.csrf, person.locale,
        library=here, role=person.roles[here.id],
    )  # fmt: skip
    request.state.person = visitor
    return visitor


Signed = Annotated[Visitor, Depends(signed)]


def managing(visitor: Signed) -> Visitor:
    if not visitor.manages:
        raise NotAllowed(_("This needs a manager of the library."))
    return visitor


Managing = Annotated[Visitor, Depends(managing)]


async def posted(request: Request) -> FormData:
    """What a form brought along. Raises BadInput for one in another encoding than that of our pages."""
    encoding = parse_options_header(request.headers.get("content-type"))[1].get(b"charset", b"utf-8")
    if encoding.lower() not in (b"utf-8", b"utf8"):
        raise BadInput(_("What was sent can't be read, or is too long."))
    return await request.form()


Posted = Annotated[FormData, Depends(posted)]


def same_origin(request: Request) -> None:
    """Raises NotAllowed for what another site's page has sent."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    elsewhere = site not in (None, "same-origin", "none")
    if elsewhere or (origin is not None and _host_of(origin) != request.headers.get("host")):
        raise NotAllowed(_("This came from another site, and was not done."))


async def protected(request: Request, person: Somebody) -> None:
    """What changes something comes from a page of this session. A dependency of every router behind the sign-in."""
    if request.method in SAFE:
        return
    same_origin(request)
    given = request.headers.get("x-csrf") or (await posted(request)).get("csrf")
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), person.csrf.encode()):
        raise NotAllowed(_("This page is from another session, and nothing was done. Load it again."), field="csrf")


def sign_in_address(request: Request) -> str:
    """Where to sign in, and to come back to the page that was open; `lost` where something was not done."""
    lost = request.method not in SAFE
    if lost or "hx-request" in request.headers:
        # What was asked for is no page of its own.
        path = _open_page(request)
    else:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = {"next": path} if path not in ("", "/") else {}
    if lost and request.url.path != "/sign-out":
        wanted["lost"] = "yes"
    return "/sign-in" + (f"?{urlencode(wanted, safe='/', quote_via=quote)}" if wanted else "")


def _open_page(request: Request) -> str:
    """The page from which something was asked, where it is one of ours."""
    try:
        page = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    except ValueError:  # no address at all
        return ""
    if page.netloc != request.headers.get("host"):
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


def within(address: str) -> str:
    """The address, where it is a path of this site; else the first page."""
    fine = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if fine and "\\" not in address else "/"


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _person(session: Session, row: SignIn) -> Person:
    granted = sa.select(Library, Grant.role).join(Grant, Grant.library_id == Library.id)
    rows = session.execute(granted.where(Grant.account_id == row.account_id).order_by(Library.name, Library.id)).all()
    return Person(
        row.account, tuple(library for library, _role in rows), {library.id: Role(role) for library, role in rows},
        row.id, row.csrf,
    )  # fmt: skip
