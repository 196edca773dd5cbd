"""How people sign in: a password that only its owner knows, and a session that can be ended."""

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ill_workflow.accounts import Account
from ill_workflow.clock import machine_now
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import Unauthorised

#: A session that nobody used for so long is over, and so is one that is as old as that.
IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
#: How often a session that is used says so.
SEEN_EVERY = timedelta(minutes=1)


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

    account: Mapped[Account] = relationship()


def set_password(session: Session, account: Account, password: str, passwords: PasswordHasher) -> None:
    """Give a person another password. All their sessions end."""
    account.password_hash = passwords.hash(password)
    end_all(session, account)


def somebody_has_a_password(session: Session) -> bool:
    """Whether anybody can sign in."""
    can = Account.password_hash.is_not(None) & Account.active
    return session.scalar(sa.select(Account.id).where(can).limit(1)) is not None


def check_password(session: Session, name: str, password: str, passwords: PasswordHasher) -> Account:
    """The account of that name and password. Raises Unauthorised: the same for an unknown name, after the same time."""
    account = session.scalar(sa.select(Account).where(Account.name == name))
    known = account.password_hash if account is not None and account.active and not account.system else None
    try:
        passwords.verify(known or _nobodys(passwords), password)
    except (VerificationError, InvalidHashError):
        known = None
    if known is None or account is None:
        raise Unauthorised("No active account has this name and password.", field="password")
    return account


def begin_session(session: Session, account: Account, *, address: str = "", browser: str = "") -> str:
    """Begin a session: the token that the browser keeps."""
    token, now = secrets.token_urlsafe(32), machine_now()
    row = SignIn(
        account_id=account.id, token_hash=_digest(token), csrf=secrets.token_urlsafe(32),
        address=address[:64], browser=browser[:200], at=now, seen_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return token


def find_session(session: Session, token: str | None) -> SignIn | None:
    """The session of a token, while it lasts and its account is active."""
    if not token or len(token) > 100:
        return None
    row = session.scalar(sa.select(SignIn).where(SignIn.token_hash == _digest(token)))
    now = machine_now()
    if row is None or row.seen_at < now - IDLE or row.at < now - LONGEST or not row.account.active:
        return None
    return row


def still_here(session: Session, row_id: int) -> None:
    """Note that a session is in use."""
    session.execute(sa.update(SignIn).where(SignIn.id == row_id).values(seen_at=machine_now()))


def end_session(session: Session, row_id: int) -> None:
    session.execute(sa.delete(SignIn).where(SignIn.id == row_id))


def end_all(session: Session, account: Account) -> None:
    session.execute(sa.delete(SignIn).where(SignIn.account_id == account.id))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _nobodys(passwords: PasswordHasher) -> str:
    """A hash that no password has, so that who isn't there takes as long as who is."""
    key = id(passwords)
    if key not in _NOBODYS:
        _NOBODYS[key] = passwords.hash(secrets.token_hex(16))
    return _NOBODYS[key]


_NOBODYS: dict[int, str] = {}
