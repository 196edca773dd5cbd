"""Who works at a library: its managers let people and systems in, and show them out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from ill_workflow import accounts, tokens
from ill_workflow.accounts import Account, Role
from ill_workflow.bootstrap import Services
from ill_workflow.errors import BadInput, IllError, NotAllowed, NotFound, Refused
from ill_workflow.signing_in import sessions_of, set_password_once
from ill_workflow.web.pages import render
from ill_workflow.web.visitor import Here, Managing, Passwords, Posted, Visitor
from ill_workflow.web.words import _

router = APIRouter(prefix="/l/{library}/accounts")


@dataclass(frozen=True)
class Shown:
    """What is shown once: a password to pass on, a secret or a token to put into another system."""

    label: str
    text: str
    told: str


@router.get("")
def look(request: Request, visitor: Managing, services: Here) -> Response:
    return _list(request, visitor, services)


@router.post("")
def add(request: Request, visitor: Managing, services: Here, passwords: Passwords, form: Posted) -> Response:
    """Add a person or a system, with a grant here; or give a grant to an account that there is."""
    name, role, kind = _text(form, "name"), _text(form, "role"), _text(form, "kind")
    try:
        with services.db.writing() as session:
            _still_manages(session, visitor)
            if kind == "known":
                account = accounts.find_account(session, name, field="name")
                if accounts.role_at(session, account, visitor.library.id):
                    raise BadInput(_("{name} works here already.").format(name=name), field="name")
            else:
                account = accounts.add_account(
                    session, name, full_name=_text(form, "full_name"), email=_text(form, "email"),
                    system=kind == "system",
                )  # fmt: skip
            accounts.grant(session, account, visitor.library.id, role)
            shown = None
            if kind == "person":
                shown = _to_pass_on(account, set_password_once(session, account, passwords))
            elif kind == "system":
                shown = _secret(account)
    except IllError as wrong:
        wrong.field = wrong.field or "name"
        return _list(request, visitor, services, form=form, wrong=wrong, status=wrong.status)
    if shown is None:
        return RedirectResponse(f"/l/{visitor.library.code}/accounts/{account.id}", status_code=303)
    return _one(request, visitor, services, account.id, shown=shown)


@router.get("/{number}")
def look_at(request: Request, visitor: Managing, services: Here, number: int) -> Response:
    return _one(request, visitor, services, number)


@router.post("/{number}/role")
def give_role(request: Request, visitor: Managing, services: Here, number: int, form: Posted) -> Response:
    """Another role here, or none."""
    role = _text(form, "role")

    def change(session: Session, account: Account) -> None:
        if account.id == visitor.account.id:
            raise Refused(_("Nobody changes their own role. Another manager can."))
        if role != Role.MANAGER and accounts.is_last_manager(session, account, visitor.library.id):
            raise Refused(_("Somebody has to manage this library. Make somebody else a manager first."))
        if role:
            accounts.grant(session, account, visitor.library.id, role)
        else:
            accounts.revoke(session, account, visitor.library.id)

    return _changed(request, visitor, services, number, change, to="" if not role else None)


@router.post("/{number}/change")
def change(request: Request, visitor: Managing, services: Here, number: int, form: Posted) -> Response:
    def write(session: Session, account: Account) -> None:
        _all_mine(session, visitor, account)
        accounts.change_account(
            session, account.name, full_name=_text(form, "full_name"), email=_text(form, "email")
        )  # fmt: skip

    return _changed(request, visitor, services, number, write)


@router.post("/{number}/close")
def close(request: Request, visitor: Managing, services: Here, number: int, form: Posted) -> Response:
    """Close an account, whose sessions end, or open it again."""
    active = _text(form, "active") == "yes"

    def write(session: Session, account: Account) -> None:
        _all_mine(session, visitor, account)
        if account.id == visitor.account.id:
            raise Refused(_("Nobody closes their own account. Another manager can."))
        accounts.change_account(session, account.name, active=active)

    return _changed(request, visitor, services, number, write)


@router.post("/{number}/password")
def password(request: Request, visitor: Managing, services: Here, passwords: Passwords, number: int) -> Response:
    """A password to pass on, in place of one that was forgotten."""
    with services.db.writing() as session:
        account = _decided(session, visitor, number)
        _all_mine(session, visitor, account)
        shown = _to_pass_on(account, set_password_once(session, account, passwords))
    return _one(request, visitor, services, number, shown=shown)


@router.post("/{number}/secret")
def secret(request: Request, visitor: Managing, services: Here, number: int) -> Response:
    """Another secret for a system that sends signed commands."""
    with services.db.writing() as session:
        account = _decided(session, visitor, number)
        _all_mine(session, visitor, account)
        shown = _secret(accounts.change_account(session, account.name, new_secret=True))
    return _one(request, visitor, services, number, shown=shown)


@router.post("/{number}/tokens")
def add_token(request: Request, visitor: Managing, services: Here, number: int, form: Posted) -> Response:
    """A token for the REST API, which opens this library alone."""
    days = _text(form, "days")
    try:
        with services.db.writing() as session:
            account = _decided(session, visitor, number)
            if days and not (days.isascii() and days.isdigit() and len(days) < 6):
                raise BadInput(_("Days are a whole number."), field="days")
            _token, text = tokens.add_token(
                session, account, _text(form, "token"), scope=_text(form, "scope"), library=visitor.library,
                days=int(days) if days else None,
            )  # fmt: skip
    except BadInput as wrong:
        return _one(request, visitor, services, number, wrong=wrong, form=form, status=422)
    told = _("Put it into the other system now: it is shown only once.")
    return _one(request, visitor, services, number, shown=Shown(_("Token"), text, told))


@router.post("/{number}/tokens/revoke")
def revoke_token(request: Request, visitor: Managing, services: Here, number: int, form: Posted) -> Response:
    def write(session: Session, account: Account) -> None:
        mine = {token.name for token in _tokens(session, visitor, account)}
        if (name := _text(form, "token")) not in mine:
            raise NotFound(_("There is no such token here."))
        tokens.revoke_token(session, account, name)

    return _changed(request, visitor, services, number, write)


def _changed(
    request: Request, visitor: Visitor, services: Services, number: int, write: Callable[[Session, Account], None],
    to: str | None = None,
) -> Response:  # fmt: skip
    try:
        with services.db.writing() as session:
            write(session, _decided(session, visitor, number))
    except (BadInput, Refused) as wrong:
        return _one(request, visitor, services, number, wrong=wrong, status=wrong.status)
    below = f"/{number}" if to is None else to
    return RedirectResponse(f"/l/{visitor.library.code}/accounts{below}", status_code=303)


def _decided(session: Session, visitor: Visitor, number: int) -> Account:
    """An account with a grant here, to decide about: two managers decide one after the other. Raises NotAllowed."""
    _still_manages(session, visitor)
    return _theirs(session, visitor, number)


def _still_manages(session: Session, visitor: Visitor) -> None:
    # Another one may have taken it away since this page was asked for.
    accounts.decide_one_by_one(session, visitor.library.id)
    if accounts.role_at(session, visitor.account, visitor.library.id) != Role.MANAGER:
        raise NotAllowed(_("This needs a manager of the library."))


def _theirs(session: Session, visitor: Visitor, number: int) -> Account:
    """An account with a grant here. Raises NotFound."""
    found = next((a for a, _role in accounts.accounts_at(session, visitor.library.id) if a.id == number), None)
    if found is None:
        raise NotFound(_("No such account has a grant here."))
    return found


def _is_mine(session: Session, visitor: Visitor, account: Account) -> bool:
    """Whether they work only where this manager decides."""
    managed = {library for library, role in visitor.roles.items() if role == Role.MANAGER}
    return set(accounts.libraries_of(session, account)) <= managed


def _all_mine(session: Session, visitor: Visitor, account: Account) -> None:
    if not _is_mine(session, visitor, account):
        raise NotAllowed(
            _("{name} works for a library that you don't manage, too. Whoever runs this installation can change it.")
            .format(name=account.full_name or account.name)
        )  # fmt: skip


def _tokens(session: Session, visitor: Visitor, account: Account) -> list[tokens.Token]:
    """The tokens that open this library alone; others are the business of whoever runs the installation."""
    return [token for token in tokens.tokens_of(session, account) if token.library_id == visitor.library.id]


def _to_pass_on(account: Account, password: str) -> Shown:
    told = _("Pass it on to {name}: it is shown only once, and opens the way to a password of their own for a week.")
    return Shown(_("Password"), password, told.format(name=account.full_name or account.name))


def _secret(account: Account) -> Shown:
    told = _("Put it into the other system now: it is shown only once. With it commands are signed.")
    return Shown(_("Secret"), account.secret or "", told)


def _list(
    request: Request, visitor: Visitor, services: Services, *, form: FormData | None = None,
    wrong: IllError | None = None, status: int = 200,
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        people = accounts.accounts_at(session, visitor.library.id)
    return render(
        request, "accounts.html", visitor, status=status, people=people, typed=_typed(form), roles=list(Role),
        wrong=wrong,
    )  # fmt: skip


def _one(
    request: Request, visitor: Visitor, services: Services, number: int, *, shown: Shown | None = None,
    wrong: IllError | None = None, form: FormData | None = None, status: int = 200,
) -> Response:  # fmt: skip
    with services.db.reading() as session:
        account = _theirs(session, visitor, number)
        values: dict[str, Any] = {
            "account": account, "role": _role(session, visitor, account),
            "sessions": len(sessions_of(session, account)), "mine": _is_mine(session, visitor, account),
            "tokens": _tokens(session, visitor, account), "scopes": list(tokens.Scope), "roles": list(Role),
        }  # fmt: skip
    return render(
        request, "account_here.html", visitor, status=status, shown=shown, wrong=wrong, typed=_typed(form),
        zone=visitor.library.zone, **values,
    )  # fmt: skip


def _role(session: Session, visitor: Visitor, account: Account) -> Role:
    """The role here; that of a closed account it has again when it is opened."""
    held = sa.select(accounts.Grant.role).where(accounts.Grant.account_id == account.id)
    return Role(session.scalars(held.where(accounts.Grant.library_id == visitor.library.id)).one())


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _typed(form: FormData | None) -> dict[str, str]:
    return {name: _text(form, name) for name in form} if form else {}
