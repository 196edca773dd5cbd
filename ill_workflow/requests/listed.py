"""Keeps what lists and the search read of each request up to date, whoever writes it."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import get_history

from ill_workflow.partners import Partner
from ill_workflow.patrons import Patron
from ill_workflow.requests.findable import distinct, sort_key, words_of_code, words_of_text
from ill_workflow.requests.models import NO_DAY, Attempt, Piece, Request, RequestWord

TEXTS = ("title", "author", "article_title")
CODES = (
    "reference", "item_barcode", "temporary_barcode", "isbn", "issn", "partner_request_id", "wire_id", "tracking",
)  # fmt: skip
OTHERS = ("partner_id", "patron_id")


def words_of(values: Any, names: Iterable[str | None] = (), codes: Iterable[str | None] = ()) -> list[str]:
    """The words of a request: of its own fields, by name, and of names and codes that belong to it."""
    found: list[str] = []
    for name in CODES:
        found += words_of_code(values.get(name))
    for code in codes:
        found += words_of_code(code)
    for text in (*(values.get(name) for name in TEXTS), *names):
        found += words_of_text(text)
    return distinct(found)


def _before_insert(mapper: Any, connection: sa.Connection, request: Request) -> None:
    _set_keys(connection, request)


def _after_insert(mapper: Any, connection: sa.Connection, request: Request) -> None:
    names, codes = _others(connection, request)
    _add(connection, request, words_of(request.__dict__, names, codes))


def _before_update(mapper: Any, connection: sa.Connection, request: Request) -> None:
    changed = [name for name in (*TEXTS, *CODES, *OTHERS) if get_history(request, name).has_changes()]
    _set_keys(connection, request, partner="partner_id" in changed)
    if not changed:
        return
    names, codes = _others(connection, request)
    words = words_of({name: getattr(request, name) for name in (*TEXTS, *CODES)}, names, codes)
    # A title that was mended is not found by its mistakes; but by a barcode or a lender that it had, it still is.
    before = [old for name in TEXTS for old in get_history(request, name).deleted or ()]
    if gone := {word for text in before for word in words_of_text(text)} - set(words):
        mine = (RequestWord.request_id == request.id) & RequestWord.word.in_(gone)
        connection.execute(sa.delete(RequestWord).where(mine))
    _add(connection, request, words)


def _set_keys(connection: sa.Connection, request: Request, *, partner: bool = True) -> None:
    request.due_key = request.lender_due or NO_DAY
    request.title_key = sort_key(request.title)
    if partner:
        request.partner_key = sort_key(_partner(connection, request)[0]) if request.partner_id else ""


def _others(connection: sa.Connection, request: Request) -> tuple[list[str], list[str]]:
    """Names and codes of its partner and its patron."""
    found = []
    if request.partner_id is not None:
        found.append(_partner(connection, request))
    if request.patron_id is not None:
        patron = sa.select(Patron.name, Patron.barcode).where(Patron.id == request.patron_id)
        found.append(connection.execute(patron).one())
    return [name for name, _ in found], [code for _, code in found]


def _partner(connection: sa.Connection, request: Request) -> Any:
    """Name and code of its partner, which was mostly read before."""
    partner = request.__dict__.get("partner")
    if partner is not None and partner.id == request.partner_id:
        return partner.name, partner.code
    return connection.execute(sa.select(Partner.name, Partner.code).where(Partner.id == request.partner_id)).one()


def _add(connection: sa.Connection, request: Request, words: Iterable[str]) -> None:
    same = {"request_id": request.id, "library_id": request.library_id, "side": request.side}
    rows = [{**same, "word": word} for word in words]
    if rows:
        connection.execute(_insert(connection).on_conflict_do_nothing(), rows)


def _add_to(connection: sa.Connection, which: Any, words: Iterable[str]) -> None:
    """Let several requests be found by these words, too."""
    columns = ("request_id", "library_id", "side", "word")
    for word in distinct(words):
        theirs = sa.select(Request.id, Request.library_id, Request.side, sa.literal(word)).where(which)
        connection.execute(_insert(connection).from_select(columns, theirs).on_conflict_do_nothing())


def _insert(connection: sa.Connection) -> Any:
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(sa.inspect(RequestWord).local_table)


def _piece_came(mapper: Any, connection: sa.Connection, piece: Piece) -> None:
    _add_to(connection, Request.id == piece.request_id, words_of_code(piece.barcode))


def _was_asked(mapper: Any, connection: sa.Connection, attempt: Attempt) -> None:
    _add_to(connection, Request.id == attempt.request_id, words_of_code(attempt.wire_id))


def _partner_changed(mapper: Any, connection: sa.Connection, partner: Partner) -> None:
    """Its requests are found by its new name as by the old one, and stand where the new one belongs."""
    if not any(get_history(partner, name).has_changes() for name in ("name", "code")):
        return
    theirs = Request.partner_id == partner.id
    connection.execute(sa.update(Request).where(theirs).values(partner_key=sort_key(partner.name)))
    _add_to(connection, theirs, [*words_of_code(partner.code), *words_of_text(partner.name)])


def _patron_changed(mapper: Any, connection: sa.Connection, patron: Patron) -> None:
    if any(get_history(patron, name).has_changes() for name in ("name", "barcode")):
        words = [*words_of_code(patron.barcode), *words_of_text(patron.name)]
        _add_to(connection, Request.patron_id == patron.id, words)


for _table, _when, _do in (
    (Request, "before_insert", _before_insert),
    (Request, "after_insert", _after_insert),
    (Request, "before_update", _before_update),
    (Piece, "after_insert", _piece_came),
    (Attempt, "after_insert", _was_asked),
    (Partner, "after_update", _partner_changed),
    (Patron, "after_update", _patron_changed),
):
    sa.event.listen(_table, _when, _do)
