"""With what other systems show who they are at the REST API: a token that is shown once, and can be called back."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ill_workflow import typed
from ill_workflow.accounts import Account
from ill_workflow.clock import machine_now
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import Library

#: How every token begins, so that people and scanners of secrets know one where it lies about.
BEGINS = "ill_"
#: How much of a token is kept as it is, so that its owner knows it again in a list.
SHOWN = len(BEGINS) + 6
LONGEST_NAME, MOST_TOKENS, MOST_DAYS = 64, 50, 3650
#: How often a token that is used says so.
SEEN_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    """How far a token reaches; each holds what stands before it. Never further than the grants of its account."""

    READ = "read"
    ACT = "act"
    MANAGE = "manage"

    def holds(self, wanted: "Scope") -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(wanted)


class Token(Base):
    """A token of another system. Machine time: a demo's turned clock ends none."""

    __tablename__ = "token"
    __table_args__ = (sa.UniqueConstraint("account_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))  #: where it is used, in its owner's words
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)  #: the token itself only the other system has
    begins: Mapped[str] = mapped_column(sa.String(16))  #: its first characters
    scope: Mapped[str] = mapped_column(sa.String(16))
    library_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library.id"))  #: none: wherever its account may act
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    account: Mapped[Account] = relationship()
    library: Mapped[Library | None] = relationship()

    @property
    def over(self) -> str:
        """Why it opens nothing any more; empty while it does."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= machine_now() else ""


def add_token(
    session: Session, account: Account, name: str, *, scope: str = Scope.ACT, library: Library | None = None,
    days: int | None = None,
) -> tuple[Token, str]:  # fmt: skip
    """A new token of another system, and what is shown of it once. Raises BadInput naming the field."""
    if not account.system:
        raise BadInput(
            f"{account.name} is a person, who signs in with a password. Tokens are for systems.", field="name"
        )
    typed.check_name("token", name)
    typed.check_line("token", name, LONGEST_NAME)
    if scope not in list(Scope):
        raise BadInput(f"{scope[:32]!r} is no scope. Choose {', '.join(Scope)}.", field="scope")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadInput(f"A token lasts from 1 to {MOST_DAYS} days, or has no end.", field="days")
    mine = tokens_of(session, account)
    if any(token.name == name for token in mine):
        raise BadInput(f"{account.name} has had a token {name} already. Take another name.", field="token")
    if sum(not token.over for token in mine) >= MOST_TOKENS:
        raise BadInput(f"{account.name} has {MOST_TOKENS} tokens. Revoke some first.", field="token")
    shown, now = BEGINS + secrets.token_hex(32), machine_now()
    token = Token(
        account_id=account.id, name=name, token_hash=_digest(shown), begins=shown[:SHOWN], scope=scope,
        library_id=library.id if library else None, added_at=now,
        expires_at=now + timedelta(days=days) if days is not None else None,
    )  # fmt: skip
    session.add(token)
    session.flush()
    return token, shown


def tokens_of(session: Session, account: Account) -> Sequence[Token]:
    """Those that open something and those that did, in the order in which they were added."""
    return session.scalars(sa.select(Token).where(Token.account_id == account.id).order_by(Token.id)).all()


def revoke_token(session: Session, account: Account, name: str) -> Token:
    """From now on it opens nothing; revoked twice is revoked. Raises NotFound."""
    token = session.scalar(sa.select(Token).where(Token.account_id == account.id, Token.name == name))
    if token is None:
        known = ", ".join(t.name for t in tokens_of(session, account)) or "none"
        raise NotFound(f"{account.name} has no token {name[:64]!r}. It has: {known}.", field="token")
    token.revoked_at = token.revoked_at or machine_now()
    session.flush()
    return token


def find_token(session: Session, shown: str) -> Token | None:
    """The token that was shown, while it opens something and its account is active."""
    if not shown.startswith(BEGINS) or len(shown) > 100:
        return None
    token = session.scalar(sa.select(Token).where(Token.token_hash == _digest(shown)))
    if token is None or token.over or not token.account.active:
        return None
    return token


def unseen(token: Token) -> bool:
    """Whether it is time to note that it is in use."""
    return token.used_at is None or token.used_at < machine_now() - SEEN_EVERY


def used(session: Session, token_id: int) -> None:
    """Note that a token is in use."""
    session.execute(sa.update(Token).where(Token.id == token_id).values(used_at=machine_now()))


def _digest(shown: str) -> str:
    # 256 bits that chance has made need no slow hash.
    return hashlib.sha256(shown.encode(errors="replace")).hexdigest()
