"""Who may act: accounts of people and systems, with grants per library."""

import secrets
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ill_workflow import typed
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import BadInput, NotFound, Unauthorised


class Role(StrEnum):
    """A Fulfillment Services Operator handles requests; a Manager may decide about money and dates, too."""

    OPERATOR = "operator"
    MANAGER = "manager"


class Account(Base):
    """A person of the staff, or another system."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(200), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    system: Mapped[bool] = mapped_column(default=False)  #: another system, not a person
    secret: Mapped[str | None] = mapped_column(sa.String(128))  #: with which another system signs its commands
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))  #: by argon2; people only
    password_until: Mapped[datetime | None]  #: one that somebody else has given, which opens the way to another
    active: Mapped[bool] = mapped_column(default=True)


class SignIn(Base):
    """A session of a person at a browser. Machine time: a demo's turned clock ends none."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)  #: the token itself only the browser has
    csrf: Mapped[str] = mapped_column(sa.String(64))  #: stands in each form of this session
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    browser: Mapped[str] = mapped_column(sa.String(200), default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    idle_until: Mapped[datetime] = mapped_column(UTCDateTime)  #: where nobody uses it
    until: Mapped[datetime] = mapped_column(UTCDateTime)

    account: Mapped[Account] = relationship()

    @classmethod
    def lasts(cls, now: datetime) -> sa.ColumnElement[bool]:
        return (cls.idle_until > now) & (cls.until > now)


class Grant(Base):
    """What an account may do at one library."""

    __tablename__ = "grant"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(16))


def add_account(session: Session, name: str, *, full_name: str = "", email: str = "", system: bool = False) -> Account:
    """Add an account; another system gets a secret to sign with. Raises BadInput for a name in use."""
    if not 1 <= len(name) <= 64 or not name.isascii() or not all(c.isalnum() or c in "-_." for c in name):
        raise BadInput("The name of an account has up to 64 letters, digits, dots, - and _.", field="name")
    typed.check({"full_name": full_name, "email": email})
    if session.scalar(sa.select(Account.id).where(Account.name == name)):
        raise BadInput(f"There is an account {name} already.", field="name")
    secret = secrets.token_hex(32) if system else None
    account = Account(name=name, full_name=full_name, email=email, system=system, secret=secret)
    session.add(account)
    session.flush()
    return account


def grant(session: Session, account: Account, library_id: int, role: str) -> None:
    """Let an account act at a library. Granting again changes the role."""
    try:
        wanted = Role(role)
    except ValueError:
        raise BadInput(f"{role!r} is not a role. Grant operator or manager.", field="role") from None
    held = session.get(Grant, (account.id, library_id))
    if held is None:
        session.add(Grant(account_id=account.id, library_id=library_id, role=wanted))
    else:
        held.role = wanted
    session.flush()


def revoke(session: Session, account: Account, library_id: int) -> None:
    """Take away what an account may do at a library."""
    held = session.get(Grant, (account.id, library_id))
    if held is not None:
        session.delete(held)
        session.flush()


def change_account(
    session: Session, name: str, *, full_name: str | None = None, email: str | None = None, active: bool | None = None,
    new_secret: bool = False,
) -> Account:  # fmt: skip
    """Change what is named, also of a closed account. Raises NotFound, or BadInput naming the field."""
    account = any_account(session, name)
    typed.check({"full_name": full_name, "email": email})
    if new_secret and not account.system:
        raise BadInput(f"{name} is a person, and has no secret.", field="new_secret")
    account.full_name = account.full_name if full_name is None else full_name
    account.email = account.email if email is None else email
    account.active = account.active if active is None else active
    if not account.active:
        end_sessions(session, account)
    account.secret = secrets.token_hex(32) if new_secret else account.secret
    session.flush()
    return account


def end_sessions(session: Session, account: Account) -> int:
    """End all sessions of an account, and say how many there were."""
    ended = session.scalars(sa.delete(SignIn).where(SignIn.account_id == account.id).returning(SignIn.id))
    return len(ended.all())


def any_account(session: Session, name: str) -> Account:
    """The account of that name, also a closed one. Raises NotFound."""
    account = session.scalar(sa.select(Account).where(Account.name == name))
    if account is None:
        raise NotFound(f"There is no account {name!r}.", field="name")
    return account


def find_account(session: Session, name: str | None, *, field: str = "as") -> Account:
    """The active account of that name. Raises Unauthorised where none is named or it is unknown or closed."""
    if not name:
        raise Unauthorised("Say who acts: --as NAME, or set ILL_AS.", field="as")
    account = session.scalar(sa.select(Account).where(Account.name == name))
    if account is None or not account.active:
        raise Unauthorised(f"There is no active account {name!r}.", field=field)
    return account


def role_at(session: Session, account: Account, library_id: int) -> Role | None:
    """The role of an account at a library; None where it has no grant, or is closed."""
    if not account.active:
        return None
    held = session.scalar(sa.select(Grant.role).where(Grant.account_id == account.id, Grant.library_id == library_id))
    return Role(held) if held else None


def accounts_at(session: Session, library_id: int) -> list[tuple[Account, Role]]:
    """Who has a grant at a library, also of closed accounts, by name."""
    rows = sa.select(Account, Grant.role).join(Grant, Grant.account_id == Account.id)
    found = session.execute(rows.where(Grant.library_id == library_id).order_by(Account.system, Account.name))
    return [(account, Role(role)) for account, role in found]


def decide_one_by_one(session: Session, library_id: int) -> None:
    """From here on nobody else changes who may do what at this library, until this transaction ends."""
    held = sa.select(Grant).where(Grant.library_id == library_id).order_by(Grant.account_id).with_for_update()
    session.scalars(held, execution_options={"populate_existing": True}).all()


def is_last_manager(session: Session, account: Account, library_id: int) -> bool:
    """Whether nobody would manage a library without this account."""
    managers = [a.id for a, role in accounts_at(session, library_id) if role == Role.MANAGER and a.active]
    return managers == [account.id]


def libraries_of(session: Session, account: Account) -> list[int]:
    return list(
        session.scalars(sa.select(Grant.library_id).where(Grant.account_id == account.id).order_by("library_id"))
    )


def find_secret(session: Session, name: str) -> str:
    secret = session.scalar(sa.select(Account.secret).where(Account.name == name, Account.active.is_(True)))
    if secret is None:
        raise NotFound(f"No system {name!r} can sign commands here.", field="account")
    return secret
