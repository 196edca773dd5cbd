"""What partners and we show each other to say who is calling: kept apart from all that is shown, exported or logged."""

import hashlib
import re
import secrets
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow import typed
from ill_workflow.errors import BadInput
from ill_workflow.partners import Partner
from ill_workflow.wire_settings import PartnerSecret

#: What a partner shows us: of these only a digest is kept.
THEIRS = ("code", "token")
#: What we show a partner: kept as it is, since it has to be sent.
OURS = ("our_code", "our_token")
NAMES = THEIRS + OURS
#: Behind the name of what was replaced, and still opens until somebody ends it.
FORMER = "_before"
SHORTEST, LONGEST = 8, 500
#: What a bearer token is made of (RFC 6750, section 2.1): anything else would break the header that carries it.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def ours(session: Session, partner: Partner, name: str) -> str | None:
    """What we show a partner: `our_code` or `our_token`; none where nothing was set."""
    if name not in OURS:
        return None
    return session.scalar(
        sa.select(PartnerSecret.value).where(PartnerSecret.partner_id == partner.id, PartnerSecret.name == name)
    )


def set_secret(session: Session, partner: Partner, name: str, value: str, *, keep_former: bool = False) -> None:
    """What is shown from now on. The former one ends at once, or where it is kept, when somebody ends it.

    Raises BadInput naming the secret, without repeating it.
    """
    _check(name, value)
    if name in THEIRS:
        value = _digest(value)
    row = session.get(PartnerSecret, (partner.id, name), with_for_update=True)
    before = row.value if row else None
    _put(session, partner, name, value)
    if name in THEIRS and keep_former and before is not None and before != value:
        _put(session, partner, name + FORMER, before)
    elif name in THEIRS and not keep_former:
        end_former(session, partner, name)
    session.flush()


def new_secret(session: Session, partner: Partner, name: str, *, keep_former: bool = False) -> str:
    """Make up what a partner shows us from now on. It is shown this once: only its digest is kept."""
    _check_name(name)
    if name not in THEIRS:
        raise BadInput(f"{name} is made up by the partner, not by us. Type what it gave you.", field=name)
    made = secrets.token_urlsafe(32)
    set_secret(session, partner, name, made, keep_former=keep_former)
    return made


def remove_secret(session: Session, partner: Partner, name: str) -> None:
    """From now on nothing is shown, or nothing is right; the former one ends with it."""
    _check_name(name)
    _delete(session, partner, (name, name + FORMER))


def end_former(session: Session, partner: Partner, name: str) -> None:
    """What was replaced and kept opens nothing any more."""
    _delete(session, partner, (name + FORMER,))


def secrets_of(session: Session, partner_id: int) -> frozenset[str]:
    """The names of what is set, with those of former ones that still open. What they are nobody is told."""
    return frozenset(session.scalars(sa.select(PartnerSecret.name).where(PartnerSecret.partner_id == partner_id)))


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise BadInput(f"{name[:32]!r} is no secret of a partner. Choose {', '.join(NAMES)}.", field="secret")


def _check(name: str, value: str) -> None:
    _check_name(name)
    if not SHORTEST <= len(value) <= LONGEST:
        raise BadInput(f"{name} has {SHORTEST} to {LONGEST} characters.", field=name)
    if name.endswith("token") and not _TOKEN.fullmatch(value):
        raise BadInput(f"{name} is made of letters, digits and - . _ ~ + / alone, perhaps = at its end.", field=name)
    typed.check_line(name, value, LONGEST)
    if value != value.strip():
        raise BadInput(f"{name} has blanks before or behind it.", field=name)


def _put(session: Session, partner: Partner, name: str, value: str) -> None:
    row = session.get(PartnerSecret, (partner.id, name))
    if row is None:
        session.add(PartnerSecret(partner_id=partner.id, name=name, value=value))
    else:
        row.value = value


def _delete(session: Session, partner: Partner, names: Collection[str]) -> None:
    gone = sa.delete(PartnerSecret).where(PartnerSecret.partner_id == partner.id, PartnerSecret.name.in_(names))
    session.execute(gone, execution_options={"synchronize_session": "fetch"})


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode(errors="replace")).hexdigest()
