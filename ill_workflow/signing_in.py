"""How people sign in: a password that only its owner knows, and a session that can be ended."""

import hashlib
import secrets
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, SignIn, end_sessions
from ill_workflow.clock import machine_now
from ill_workflow.errors import BadInput, NotFound, Unauthorised, Unavailable

#: How often a session that is used says so.
SEEN_EVERY = timedelta(minutes=1)
#: So many passwords are looked at by one process at the same time: each takes 64 MB and a quarter of a second.
AT_ONCE, PATIENCE = 4, 5.0
#: So many wait for that: whoever waits holds a thread, and the pages of all others need some, too.
WAITING = 12
_room, _queue = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(AT_ONCE + WAITING)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1000
LONGEST_NAME = 64
#: How long a password that somebody else has given opens the way to one of one's own.
ONCE = timedelta(days=7)


@dataclass(frozen=True)
class Lasting:
    """How long a session lasts that nobody uses, and how long any."""

    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(days=7)


def set_password(session: Session, account: Account, password: str, passwords: PasswordHasher) -> None:
    """Give a person another password. All their sessions end. Raises BadInput for one that is too easily guessed."""
    account.password_hash = passwords.hash(_checked(account, password))
    account.password_until = None
    end_all(session, account)


def set_password_once(session: Session, account: Account, passwords: PasswordHasher) -> str:
    """A password to tell a person, who has to take another one at the first sign-in. All their sessions end."""
    if account.system:
        raise BadInput(f"{account.name} is a system, which signs in with tokens.", field="name")
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    set_password(session, account, password, passwords)
    account.password_until = machine_now() + ONCE
    session.flush()
    return password


def somebody_has_a_password(session: Session) -> bool:
    """Whether anybody can sign in."""
    can = Account.password_hash.is_not(None) & Account.active
    return session.scalar(sa.select(Account.id).where(can).limit(1)) is not None


def check_password(session: Session, name: str, password: str, passwords: PasswordHasher) -> Account:
    """The account of that name and password. Raises Unauthorised: the same for an unknown name, after the same time."""
    # What no account can be called is no question for a database.
    asked = name if name.isascii() and len(name) <= LONGEST_NAME else ""
    account = session.scalar(sa.select(Account).where(Account.name == asked))
    known = account.password_hash if account is not None and account.active and not account.system else None
    if account is not None and account.password_until and account.password_until <= machine_now():
        known = None
    fits = len(password) <= LONGEST_PASSWORD
    try:
        with _room_for_one():
            passwords.verify(known or _nobodys(passwords), _normal(password[:LONGEST_PASSWORD]))
        known = known if fits else None
    except (VerificationError, InvalidHashError):
        known = None
    if known is None or account is None:
        raise Unauthorised("No active account has this name and password.", field="password")
    return account


def renew_hash(session: Session, account_id: int, password: str, passwords: PasswordHasher) -> None:
    """Keep a password as today's parameters want it, now that it is known."""
    account = session.get_one(Account, account_id)
    if account.password_hash and passwords.check_needs_rehash(account.password_hash):
        account.password_hash = passwords.hash(_normal(password))


def begin_session(
    session: Session, account: Account, *, address: str = "", browser: str = "", lasting: Lasting | None = None
) -> str:
    """Begin a session: the token that the browser keeps. Raises Unauthorised for an account that has changed since."""
    now_held = sa.select(Account.password_hash).where(Account.id == account.id, Account.active).with_for_update()
    if session.scalars(now_held).all() != [account.password_hash]:
        raise Unauthorised("No active account has this name and password.", field="password")
    token, now, lasting = secrets.token_urlsafe(32), machine_now(), lasting or Lasting()
    row = SignIn(
        account_id=account.id, token_hash=_digest(token), csrf=secrets.token_urlsafe(32), address=address[:64],
        browser=browser[:200], at=now, seen_at=now, idle_until=now + lasting.idle, until=now + lasting.longest,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return token


def find_session(session: Session, token: str | None) -> SignIn | None:
    """The session of a token, while it lasts and its account is active."""
    if not token or len(token) > 100:
        return None
    mine = (SignIn.token_hash == _digest(token)) & SignIn.lasts(machine_now())
    row = session.scalar(sa.select(SignIn).where(mine))
    return row if row is not None and row.account.active else None


def still_here(session: Session, row_id: int, lasting: Lasting) -> None:
    """Note that a session is in use."""
    now = machine_now()
    session.execute(sa.update(SignIn).where(SignIn.id == row_id).values(seen_at=now, idle_until=now + lasting.idle))


def sessions_of(session: Session, account: Account) -> Sequence[SignIn]:
    """Where somebody is signed in, the latest first."""
    rows = sa.select(SignIn).where(SignIn.account_id == account.id, SignIn.lasts(machine_now()))
    return session.scalars(rows.order_by(SignIn.id.desc())).all()


def end_session(session: Session, row_id: int, account_id: int) -> None:
    """End a session of this account. Raises NotFound where it has no such session."""
    mine = (SignIn.id == row_id) & (SignIn.account_id == account_id)
    if session.scalar(sa.delete(SignIn).where(mine).returning(SignIn.id)) is None:
        raise NotFound("This session has ended already.", field="session")


def end_all(session: Session, account: Account) -> int:
    """End all sessions of an account, and say how many there were."""
    return end_sessions(session, account)


def forget(session: Session) -> int:
    """Forget sessions that are over."""
    gone = session.execute(
        sa.delete(SignIn).where(~SignIn.lasts(machine_now())), execution_options={"synchronize_session": False}
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _checked(account: Account, password: str) -> str:
    if len(password) <= LONGEST_PASSWORD:
        password = _normal(password)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(
            f"A password has from {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters. A few words are easy to keep.",
            field="password",
        )
    if len(set(password)) < 4 or password.casefold() in (account.name.casefold(), account.email.casefold()):
        raise BadInput("This password is guessed too easily. Take another one.", field="password")
    return password


@contextmanager
def _room_for_one() -> Iterator[None]:
    """So that many who come at once take neither all memory nor all threads. Raises Unavailable."""
    crowd = Unavailable("Many people sign in at this moment. Try again in a few seconds.")
    if not _queue.acquire(blocking=False):
        raise crowd
    try:
        if not _room.acquire(timeout=PATIENCE):
            raise crowd
        try:
            yield
        finally:
            _room.release()
    finally:
        _queue.release()


def _normal(password: str) -> str:
    # The same letters are the same password, however a keyboard composes them.
    return unicodedata.normalize("NFKC", password.encode(errors="replace").decode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _nobodys(passwords: PasswordHasher) -> str:
    """A hash that no password has, so that who isn't there takes as long as who is."""
    key = (passwords.time_cost, passwords.memory_cost, passwords.parallelism)
    if key not in _NOBODYS:
        _NOBODYS[key] = passwords.hash(secrets.token_hex(16))
    return _NOBODYS[key]


_NOBODYS: dict[tuple[int, int, int], str] = {}
