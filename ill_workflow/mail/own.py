"""A library's own templates: kept in versions, of which the latest is used; ours, where there is none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from ill_workflow.accounts import Account
from ill_workflow.db import Base, UTCDateTime
from ill_workflow.errors import BadInput, Conflict, NotFound
from ill_workflow.libraries import Library
from ill_workflow.mail.checking import check_template
from ill_workflow.mail.letters import LETTERS, Letter, LetterValues, TemplateBroken, write_letter
from ill_workflow.typed import LANGUAGES, check_language

_log = logging.getLogger(__name__)


class LetterTemplate(Base):
    """One version of a library's own template. One without a source says: ours again."""

    __tablename__ = "letter_template"
    __table_args__ = (sa.UniqueConstraint("library_id", "name", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    library_id: Mapped[int] = mapped_column(sa.ForeignKey("library.id"))
    name: Mapped[str] = mapped_column(sa.String(64))
    language: Mapped[str] = mapped_column(sa.String(8))
    version: Mapped[int]
    source: Mapped[str | None] = mapped_column(sa.Text)
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    who: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Written:
    """A letter, the version of the library's own template that wrote it, and what staff should know about that."""

    letter: Letter
    version: int | None = None  #: none: ours
    remark: str = ""


def write(session: Session, library: Library, name: str, language: str, values: LetterValues) -> Written:
    """Write a letter by the library's own template, or by ours. One that is broken keeps no mail from leaving."""
    own = current(session, library.id, name, language)
    if own is None or own.source is None:
        return Written(write_letter(name, values, language))
    try:
        return Written(write_letter(name, values, language, own.source), own.version)
    except TemplateBroken as broken:
        # It was looked over when it was saved, so this program knows less than the one that took it.
        _log.warning("%s: version %s of %s (%s): %s", library.code, own.version, name, language, broken.message)
        remark = f"Version {own.version} of the library's own template was not used: {broken.message}"
        return Written(write_letter(name, values, language), remark=remark)


def current(session: Session, library_id: int, name: str, language: str) -> LetterTemplate | None:
    """The latest version, if there is one."""
    return next(iter(versions(session, library_id, name, language)), None)


def versions(session: Session, library_id: int, name: str, language: str) -> Sequence[LetterTemplate]:
    """All versions, the latest first."""
    mine = (
        (LetterTemplate.library_id == library_id)
        & (LetterTemplate.name == name)
        & (LetterTemplate.language == language)
    )
    return session.scalars(sa.select(LetterTemplate).where(mine).order_by(LetterTemplate.version.desc())).all()


def own_templates(session: Session, library_id: int | None = None) -> list[LetterTemplate]:
    """The own templates that are in force: of a library, or of all."""
    latest = sa.select(sa.func.max(LetterTemplate.id)).group_by(
        LetterTemplate.library_id, LetterTemplate.name, LetterTemplate.language
    )
    if library_id is not None:
        latest = latest.where(LetterTemplate.library_id == library_id)
    rows = sa.select(LetterTemplate).where(LetterTemplate.id.in_(latest), LetterTemplate.source.is_not(None))
    return list(session.scalars(rows.order_by(LetterTemplate.name, LetterTemplate.language)))


def save(
    session: Session, library: Library, name: str, language: str, source: str, *, account: Account, at: datetime,
    seen: int | None = None,
) -> LetterTemplate:  # fmt: skip
    """Keep a new version, if it passes. Raises BadInput with the line of what is wrong; then nothing is kept.

    `seen` is the version from which this was made, 0 for none: Conflict where somebody has saved another one since.
    """
    check_name(name)
    check_language("language", language)
    source = source.replace("\r\n", "\n").removeprefix("\ufeff")
    check_template(name, language, source)
    before = current(session, library.id, name, language)
    if before is not None and before.source == source:
        return before
    if seen is not None and seen != (before.version if before else 0):
        who = f"{before.who} has saved version {before.version}" if before else "Somebody has changed it"
        raise Conflict(f"{who} in the meantime. Look at it before you save yours.", field="template")
    return _add(session, library, name, language, source, account, at)


def reset(
    session: Session, library: Library, name: str, language: str, *, account: Account, at: datetime
) -> LetterTemplate:
    """Use ours again. The versions stay."""
    check_name(name)
    before = current(session, library.id, name, language)
    if before is None or before.source is None:
        raise NotFound(
            f"{library.name} has no template of its own for {name} in {LANGUAGES.get(language, language)}.",
            field="name",
        )
    return _add(session, library, name, language, None, account, at)


def check_name(name: str) -> None:
    if name not in LETTERS:
        near = get_close_matches(name[:64], LETTERS, 3, 0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise BadInput(f"There is no letter {name[:64]!r}.{meant} All of them: ill letter list.", field="name")


def trouble_with(own: LetterTemplate) -> str:
    """What is wrong with a template that was good when it was saved; empty where it still is."""
    try:
        check_template(own.name, own.language, own.source or "")
    except BadInput as wrong:
        return wrong.message
    return ""


def _add(
    session: Session, library: Library, name: str, language: str, source: str | None, account: Account, at: datetime
) -> LetterTemplate:
    before = current(session, library.id, name, language)
    row = LetterTemplate(
        library_id=library.id, name=name, language=language, version=1 + (before.version if before else 0),
        source=source, account_id=account.id, who=account.full_name or account.name, at=at,
    )  # fmt: skip
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"Somebody else has just changed {name}. Look at it again.", field="name") from None
    return row
