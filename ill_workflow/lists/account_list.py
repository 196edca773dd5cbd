"""The accounts of the installation as a list: with their grants, and never with a secret."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ill_workflow.accounts import Account, Grant, Role, add_account, change_account, grant, revoke
from ill_workflow.errors import BadInput, NotFound
from ill_workflow.libraries import Library, find_library
from ill_workflow.lists.entries import NOTHING, Read, changes, read_cells, shown, text, yes_or_no
from ill_workflow.lists.sheet import Column

COLUMNS = (
    Column("name", "By which the account is known. It is needed.", "ann", required=True),
    Column("full_name", "What history calls the person.", "Ann Operator"),
    Column("email", "Where the person is written to.", "ann@main.example"),
    Column("system", "yes for another system. Its secret is made with: ill account change NAME --new-secret.", "no"),
    Column("active", "no for an account that is closed.", "yes"),
    Column("grants", "All its grants, as MAIN:operator;RIV:manager. Those that are missing are taken away.",
           "MAIN:operator;RIV:manager"),
)  # fmt: skip
_READERS: dict[str, Read] = {"full_name": text, "email": text, "system": yes_or_no, "active": yes_or_no}


def take_account(session: Session, values: dict[str, str]) -> tuple[str, bool, Sequence[str]]:
    """Add an account, or change the one of that name."""
    name = values.get("name", "")
    given = read_cells(values, _READERS, {"system": False, "active": True})
    wanted = _wanted(session, values.get("grants", ""))
    account = session.scalar(sa.select(Account).where(Account.name == name))
    if account is None:
        active = given.pop("active", True)
        account = add_account(session, name, **given)
        change_account(session, name, active=active)
        for library_id, role in (wanted or {}).items():
            grant(session, account, library_id, role)
        return name, True, ()
    new = changes(account, given)
    if "system" in new:
        raise BadInput(f"{name} is {'a system' if account.system else 'a person'}, and stays it.", field="system")
    change_account(session, name, **new)
    held = _held(session, account)
    if wanted is not None and wanted != held:
        for library_id in held.keys() - wanted.keys():
            revoke(session, account, library_id)
        for library_id, role in wanted.items():
            grant(session, account, library_id, role)
        return name, False, sorted([*new, "grants"])
    return name, False, sorted(new)


def rows(session: Session) -> Iterator[dict[str, str]]:
    """The accounts. What another system signs with is shown once, when it is made, and stands in no list."""
    codes = {library.id: library.code for library in session.scalars(sa.select(Library))}
    for account in session.scalars(sa.select(Account).order_by(Account.name)):
        held = sorted((codes[library_id], role) for library_id, role in _held(session, account).items())
        yield {
            "name": account.name,
            **{name: shown(getattr(account, name)) for name in _READERS},
            "grants": ";".join(f"{code}:{role}" for code, role in held),
        }


def _held(session: Session, account: Account) -> dict[int, str]:
    rows = sa.select(Grant.library_id, Grant.role).where(Grant.account_id == account.id)
    return {row.library_id: row.role for row in session.execute(rows)}


def _wanted(session: Session, cell: str) -> dict[int, str] | None:
    """Role by library. None where the line says nothing of grants."""
    if not cell:
        return None
    found: dict[int, str] = {}
    for part in ("" if cell == NOTHING else cell).split(";"):
        if not part.strip():
            continue
        code, colon, role = (word.strip() for word in part.partition(":"))
        if not colon or role not in list(Role):
            raise BadInput(f"{part.strip()[:60]!r} is no grant. Write one like MAIN:operator.", field="grants")
        try:
            library_id = find_library(session, code).id
        except NotFound as unknown:
            raise BadInput(unknown.message, field="grants") from None
        if library_id in found:
            raise BadInput(f"{code} stands there twice.", field="grants")
        found[library_id] = role
    return found
